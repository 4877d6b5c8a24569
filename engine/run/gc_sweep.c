/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what was not marked. Names are looked at one by one and kept when in doubt: roots,
 * versions above the published ones, names of another shape.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "publish/publish.h"
#include "run/gc_run.h"

#define STAGE "gc"

static enum stp_errc check_cancel(const struct stp_gc_run *run, struct stp_err *err)
{
	if (!stp_cancelled(run->options->cancel))
		return STP_OK;
	return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped; run it again to go on");
}

/* Opens a second handle on a folder for readdir. */
static DIR *list_folder(int folder_fd)
{
	int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);

	if (!folder)
		stp_fd_close(&copy);
	return folder;
}

/* ------------------------------------------------------------------ metadata */

enum fate {
	FATE_KEEP,
	FATE_ROOT,
	FATE_STRANGER,
	FATE_REMOVE,
	FATE_REMOVE_SNAPSHOT,
};

/* An offline role: kept when listed, and when it is the newest (init --update made it). */
static enum fate offline_fate(const struct stp_gc_run *run, const char *name, uint64_t version,
                              const struct stp_current_role *role)
{
	if (version >= role->version || stp_name_set_has(&run->files, name, strlen(name)))
		return FATE_KEEP;
	return FATE_REMOVE;
}

static enum fate fate_of(const struct stp_gc_run *run, const char *name)
{
	size_t digits = strspn(name, "0123456789");
	uint64_t version;

	if (stp_temporary_is(name))
		return FATE_REMOVE;
	if (strcmp(name, "timestamp.json") == 0)
		return FATE_KEEP;
	if (stp_publish_name_version(name, &version)) {
		if (version > run->current.timestamp_version ||
		    stp_name_set_has(&run->files, name, strlen(name)))
			return FATE_KEEP;
		return strcmp(name + digits, ".snapshot.json") == 0 ? FATE_REMOVE_SNAPSHOT
		                                                    : FATE_REMOVE;
	}
	if (!stp_u64_parse(name, digits, &version))
		return FATE_STRANGER;
	if (strcmp(name + digits, ".root.json") == 0)
		return FATE_ROOT;
	if (strcmp(name + digits, ".targets.json") == 0)
		return offline_fate(run, name, version, &run->current.targets);
	if (strcmp(name + digits, ".bins.json") == 0)
		return offline_fate(run, name, version, &run->current.bins);
	return FATE_STRANGER;
}

static enum stp_errc remove_file(struct stp_gc_run *run, const char *name, struct stp_err *err)
{
	struct stat st;

	if (fstatat(run->repo.metadata_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot stat");
	if (!run->options->dry_run) {
		STP_FAULT_TRY(err, STAGE, "file", name);
		if (unlinkat(run->repo.metadata_fd, name, 0) != 0)
			return STP_FAIL_SYS(err, STAGE, name, "cannot remove");
	}
	run->report->files_removed++;
	run->report->bytes_removed += (uint64_t)st.st_size;
	return STP_OK;
}

/* One pass over the folder; the first removes snapshots, the second the rest and counts. */
static enum stp_errc sweep_pass(struct stp_gc_run *run, int snapshots, struct stp_err *err)
{
	struct stp_gc_report *report = run->report;
	DIR *folder = list_folder(run->repo.metadata_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, "public/metadata", "cannot list");
	while (code == STP_OK && (errno = 0, entry = readdir(folder))) {
		const char *name = entry->d_name;
		enum fate fate;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		code = check_cancel(run, err);
		fate = fate_of(run, name);
		if (code == STP_OK && fate == (snapshots ? FATE_REMOVE_SNAPSHOT : FATE_REMOVE))
			code = remove_file(run, name, err);
		if (snapshots) {
			report->snapshots_removed += fate == FATE_REMOVE_SNAPSHOT;
			continue;
		}
		report->roots_kept += fate == FATE_ROOT;
		report->strangers += fate == FATE_STRANGER;
		report->files_kept += fate == FATE_KEEP && strcmp(name, "timestamp.json") != 0;
		errno = 0;
	}
	if (code == STP_OK && errno)
		code = STP_FAIL_SYS(err, STAGE, "public/metadata", "cannot list");
	closedir(folder);
	return code;
}

enum stp_errc stp_gc_sweep_files(struct stp_gc_run *run, struct stp_err *err)
{
	STP_TRY(sweep_pass(run, 1, err));
	if (!run->options->dry_run)
		STP_TRY(stp_fd_sync(run->repo.metadata_fd, STAGE, "public/metadata", err));
	return sweep_pass(run, 0, err);
}

/* ------------------------------------------------------------------ links */

enum stp_errc stp_gc_has_links(const struct stp_gc_run *run, int *out_has, struct stp_err *err)
{
	DIR *folder = list_folder(run->repo.targets_fd);
	const struct dirent *entry;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, "public/targets", "cannot list");
	*out_has = 0;
	while (!*out_has && (entry = readdir(folder)))
		*out_has = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return STP_OK;
}

/* A walk beneath public/targets: path holds the folder being read, with a "/" at its end. */
struct walk {
	struct stp_gc_run *run;
	char path[STP_PATH_BYTES_MAX + STP_NAME_BYTES_MAX + 2];
	size_t depth;
};

static enum stp_errc walk_folder(struct walk *walk, int folder_fd, size_t path_bytes,
                                 struct stp_err *err);

/* Goes into the folder at path, then removes it when nothing is left in it. */
static enum stp_errc enter_folder(struct walk *walk, int folder_fd, const char *name,
                                  size_t path_bytes, struct stp_err *err)
{
	enum stp_errc code;
	int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return STP_FAIL_SYS(err, STAGE, walk->path, "cannot open the folder");
	if (walk->depth >= STP_TREE_DEPTH_MAX) {
		close(fd);
		return STP_FAIL(err, STP_LIMIT, STAGE, walk->path, "lies too deep");
	}
	walk->depth++;
	code = walk_folder(walk, fd, path_bytes, err);
	walk->depth--;
	close(fd);
	if (code == STP_OK && !walk->run->options->dry_run)
		unlinkat(folder_fd, name, AT_REMOVEDIR); /* stays while it holds something */
	return code;
}

static enum stp_errc look_at_link(struct walk *walk, int folder_fd, const char *name,
                                  size_t path_bytes, struct stp_err *err)
{
	struct stp_gc_run *run = walk->run;
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, walk->path, "cannot stat");
	if (S_ISDIR(st.st_mode)) {
		walk->path[path_bytes++] = '/';
		walk->path[path_bytes] = '\0';
		return enter_folder(walk, folder_fd, name, path_bytes, err);
	}
	if (stp_name_set_has(&run->links, walk->path, path_bytes)) {
		run->report->links_kept++;
		return STP_OK;
	}
	if (!run->options->dry_run) {
		STP_FAULT_TRY(err, STAGE, "link", walk->path);
		if (unlinkat(folder_fd, name, 0) != 0)
			return STP_FAIL_SYS(err, STAGE, walk->path, "cannot remove");
	}
	run->report->links_removed++;
	run->report->bytes_removed +=
	    S_ISREG(st.st_mode) && st.st_nlink == 1 ? (uint64_t)st.st_size : 0;
	return STP_OK;
}

static enum stp_errc walk_folder(struct walk *walk, int folder_fd, size_t path_bytes,
                                 struct stp_err *err)
{
	DIR *folder = list_folder(folder_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, walk->path, "cannot list");
	while (code == STP_OK && (errno = 0, entry = readdir(folder))) {
		size_t name_bytes = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		code = check_cancel(walk->run, err);
		if (code == STP_OK && path_bytes + name_bytes > STP_PATH_BYTES_MAX + 130)
			code = STP_FAIL(err, STP_LIMIT, STAGE, walk->path, "the path is too long");
		if (code != STP_OK)
			break;
		memcpy(walk->path + path_bytes, entry->d_name, name_bytes + 1);
		code = look_at_link(walk, folder_fd, entry->d_name, path_bytes + name_bytes, err);
		walk->path[path_bytes] = '\0';
		errno = 0;
	}
	closedir(folder);
	return code;
}

enum stp_errc stp_gc_sweep_links(struct stp_gc_run *run, struct stp_err *err)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	enum stp_errc code;

	if (!walk)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	walk->run = run;
	code = walk_folder(walk, run->repo.targets_fd, 0, err);
	free(walk);
	return code;
}
