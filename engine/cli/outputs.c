/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/inside.h"
#include "base/limits.h"
#include "stampede/repository.h"

#define STAGE "output"

/* What lies under a path, and where. */
struct place {
	int folder_fd;    /* O_PATH; -1: the file is not looked at */
	int target_fd;    /* folder of the file that a link leads to, or -1 */
	const char *name; /* in the folder */
	struct stat folder, file;
	int exists;
};

static void leave(struct place *place)
{
	stp_fd_close(&place->folder_fd);
	stp_fd_close(&place->target_fd);
}

/* The name behind the last slash of path; its folder goes to out. 0 when the path is too long. */
static const char *split(const char *path, char out[STP_PATH_BYTES_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	size_t count = slash ? (size_t)(slash - path) : 1;

	if (count > STP_PATH_BYTES_MAX)
		return NULL;
	memcpy(out, slash ? path : ".", count);
	if (slash == path)
		out[count++] = '/';
	out[count] = '\0';
	return slash ? slash + 1 : path;
}

/* The names of open descriptors: whoever opened what is behind them has chosen it. */
static int is_descriptor(const char *path)
{
	return strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0 ||
	       strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0;
}

/* The folder of the file that the link at path leads to; -1 when there is none. */
static int follow(const char *path)
{
	char folder[STP_PATH_BYTES_MAX + 1];
	char *real = realpath(path, NULL);
	int fd = real && split(real, folder) ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	free(real);
	return fd;
}

static enum stp_errc refuse(const char *path, const char *why, struct stp_err *err)
{
	return STP_FAIL(err, STP_CONFIG, STAGE, path, "%s", why);
}

/* Opens where the output at path would be made. */
static enum stp_errc look(const char *path, struct place *out, struct stp_err *err)
{
	char folder[STP_PATH_BYTES_MAX + 1];
	struct stat own;

	*out = (struct place){.folder_fd = -1, .target_fd = -1};
	out->exists = stat(path, &out->file) == 0;
	if (is_descriptor(path) ||
	    (out->exists && !S_ISREG(out->file.st_mode) && !S_ISDIR(out->file.st_mode)))
		return STP_OK;
	out->name = split(path, folder);
	if (!out->name)
		return refuse(path, "is too long a path; name a file by a shorter one", err);
	if (!*path)
		return refuse(path, "the name is empty; name a file", err);
	if (!*out->name || (out->exists && S_ISDIR(out->file.st_mode)))
		return refuse(path, "is a folder; name a file", err);
	if (stp_folder_open(AT_FDCWD, folder, STAGE, &out->folder_fd, err) != STP_OK)
		return err->code = STP_CONFIG; /* the operator named it */
	if (access(folder, W_OK) != 0 && (errno == EACCES || errno == EROFS)) {
		leave(out);
		return STP_FAIL(err, STP_CONFIG, STAGE, path,
		                "cannot be written: its folder is not writable (%s); name a file "
		                "in another folder, or change the rights of this one",
		                strerror(errno));
	}
	if (fstat(out->folder_fd, &out->folder) != 0) {
		leave(out);
		return STP_FAIL_SYS(err, STAGE, folder, "cannot look at the folder");
	}
	if (fstatat(out->folder_fd, out->name, &own, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(own.st_mode))
		out->target_fd = follow(path);
	return STP_OK;
}

/* True when the output, or what a link at its path leads to, lies in the folder outer. */
static int lies_in(const struct place *place, int at_fd, const char *outer)
{
	int fd = openat(at_fd, outer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int found =
	    fd >= 0 && (stp_folder_is_inside(place->folder_fd, fd) ||
	                (place->target_fd >= 0 && stp_folder_is_inside(place->target_fd, fd)));

	stp_fd_close(&fd);
	return found;
}

/* The repository, and its folders: each may be mounted where it is served from. */
static enum stp_errc check_repo(const struct place *place, const char *path, const char *repo,
                                struct stp_err *err)
{
	static const char *const folders[] = {".",    "public", "public/metadata", "public/targets",
	                                      "keys", "state",  "offline-keys"};
	int fd = open(repo, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int found = 0;
	size_t i;

	for (i = 0; fd >= 0 && !found && i < sizeof(folders) / sizeof(folders[0]); i++)
		found = lies_in(place, fd, folders[i]);
	stp_fd_close(&fd);
	if (found)
		return refuse(path,
		              "lies in the repository, where it could take the place of one of its "
		              "files; name a file elsewhere",
		              err);
	return STP_OK;
}

/* The folder of the targets, as the repository's configuration names it. */
static enum stp_errc check_targets(const struct place *place, const char *path, const char *repo,
                                   struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	char targets_dir[STP_PATH_BYTES_MAX + 1];

	if (stp_repository_targets_dir(repo, targets_dir, sizeof(targets_dir), &ignored) ==
	        STP_OK &&
	    lies_in(place, AT_FDCWD, targets_dir))
		return refuse(path,
		              "lies in the targets folder, where it would be signed; name a file "
		              "elsewhere",
		              err);
	return STP_OK;
}

/* Whether what is under path, or would be, is the output at place. */
static int is_at(const struct place *place, const char *path)
{
	char folder[STP_PATH_BYTES_MAX + 1];
	const char *name = split(path, folder);
	struct stat st;

	if ((strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0 &&
	    S_ISREG(st.st_mode) && place->exists)
		return st.st_dev == place->file.st_dev && st.st_ino == place->file.st_ino;
	return name && strcmp(name, place->name) == 0 && stat(folder, &st) == 0 &&
	       st.st_dev == place->folder.st_dev && st.st_ino == place->folder.st_ino;
}

static enum stp_errc check_files(const struct place *place, const struct stp_named_file *output,
                                 const struct stp_named_file *others, size_t count,
                                 struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (others[i].path && is_at(place, others[i].path))
			return STP_FAIL(err, STP_CONFIG, STAGE, output->path,
			                "%s and %s name the same file; name another file for %s",
			                others[i].option, output->option, output->option);
	return STP_OK;
}

static enum stp_errc check_place(const struct stp_outputs *said, size_t index,
                                 const struct place *place, struct stp_err *err)
{
	const struct stp_named_file *output = &said->outputs[index];

	STP_TRY(check_files(place, output, said->inputs, said->input_count, err));
	STP_TRY(check_files(place, output, said->outputs, index, err));
	if (said->repo) {
		STP_TRY(check_repo(place, output->path, said->repo, err));
		STP_TRY(check_targets(place, output->path, said->repo, err));
	}
	if (said->folder && lies_in(place, AT_FDCWD, said->folder))
		return refuse(output->path,
		              "lies in the folder that is read, where nothing is written; name a "
		              "file elsewhere",
		              err);
	return STP_OK;
}

enum stp_errc stp_outputs_check(const struct stp_outputs *said, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < said->output_count; i++) {
		struct place place;
		enum stp_errc code;

		if (!said->outputs[i].path)
			continue;
		STP_TRY(look(said->outputs[i].path, &place, err));
		code = place.folder_fd < 0 ? STP_OK : check_place(said, i, &place, err);
		leave(&place);
		STP_TRY(code);
	}
	return STP_OK;
}
