/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"

/* With less free space, what is no longer needed goes at once. */
#define KEEP_FREE_BYTES_MIN ((uint64_t)12 << 30)
#define SCRATCH_PREFIX      "stampede-bench-"
/* Threads that remove. */
#define REMOVERS 4

/* linux/magic.h, by the names people mount them with. */
static const struct {
	long magic;
	const char *name;
} file_systems[] = {
    {0xEF53, "ext4"},          {0x58465342, "xfs"},  {0x9123683E, "btrfs"}, {0x01021994, "tmpfs"},
    {0x794c7630, "overlayfs"}, {0x6969, "nfs"},      {0x2FC12FC1, "zfs"},   {0x47504653, "gpfs"},
    {0x0BD00BD0, "lustre"},    {0xF2F52010, "f2fs"}, {0x00C36400, "ceph"},
};

static void describe_file_system(struct stp_scratch *scratch)
{
	struct statfs st;
	size_t i;

	snprintf(scratch->file_system, sizeof(scratch->file_system), "unknown");
	if (fstatfs(scratch->fd, &st) != 0)
		return;
	scratch->free_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
	for (i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if ((long)st.f_type == file_systems[i].magic)
			snprintf(scratch->file_system, sizeof(scratch->file_system), "%s",
			         file_systems[i].name);
}

/* Empties the folder behind fd, which is closed, but for the mark. Depth is bounded by what bench
 * makes. */
static void empty_folder(int fd, struct stp_progress *progress)
{
	DIR *folder = fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		const char *name = entry->d_name;
		int below;

		if (stp_name_is_dots(name) || strcmp(name, STP_SCRATCH_MARK) == 0)
			continue;
		if (unlinkat(dirfd(folder), name, 0) == 0) {
			stp_progress_add(progress, 1, 0);
			continue;
		}
		below =
		    openat(dirfd(folder), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		empty_folder(below, progress);
		unlinkat(dirfd(folder), name, AT_REMOVEDIR);
	}
	closedir(folder);
}

/* Removes the folder path, which is open as fd, with all that is in it; closes fd. The mark goes
 * last: a removal that is killed is finished by the next. */
static void remove_scratch(int parent_fd, const char *path, int fd, struct stp_progress *progress)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	empty_folder(fd, progress);
	if (own >= 0) {
		unlinkat(own, STP_SCRATCH_MARK, 0);
		close(own);
	}
	unlinkat(parent_fd, path, AT_REMOVEDIR);
}

static int is_scratch_name(const char *name)
{
	size_t count = strlen(SCRATCH_PREFIX);

	return strncmp(name, SCRATCH_PREFIX, count) == 0 && strlen(name) == count + 6;
}

static int is_empty(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own < 0 ? NULL : fdopendir(own);
	int count = 0;

	if (!folder) {
		stp_fd_close(&own);
		return 0;
	}
	while (count < 3 && readdir(folder))
		count++;
	closedir(folder);
	return count < 3; /* "." and ".." */
}

/* Whether the open folder was left by a bench of this user that has ended. Locks it if so. */
static int is_left_over(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return 0;
	return stp_file_exists(fd, STP_SCRATCH_MARK) || is_empty(fd);
}

/* Removes the folders of benches that were killed. What cannot be removed is left. */
static void sweep(const char *parent)
{
	DIR *folder = opendir(parent);
	struct dirent *entry;
	int fd;

	while (folder && (entry = readdir(folder))) {
		if (!is_scratch_name(entry->d_name))
			continue;
		fd = openat(dirfd(folder), entry->d_name,
		            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && is_left_over(fd))
			remove_scratch(dirfd(folder), entry->d_name, fd, NULL);
		else
			stp_fd_close(&fd);
	}
	if (folder)
		closedir(folder);
}

/* Makes a folder and locks it; 0 when another bench swept it before that. */
static int try_folder(struct stp_scratch *scratch, enum stp_errc *code, struct stp_err *err)
{
	struct stat by_fd, by_path;
	int mark;

	*code = stp_folder_open(AT_FDCWD, scratch->path, "bench", &scratch->fd, err);
	if (*code != STP_OK)
		return 1;
	if (flock(scratch->fd, LOCK_EX | LOCK_NB) == 0 && fstat(scratch->fd, &by_fd) == 0 &&
	    stat(scratch->path, &by_path) == 0 && by_fd.st_ino == by_path.st_ino) {
		mark = openat(scratch->fd, STP_SCRATCH_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		stp_fd_close(&mark);
		return 1;
	}
	stp_fd_close(&scratch->fd);
	return 0;
}

static enum stp_errc make_folder(struct stp_scratch *scratch, const char *parent,
                                 struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	int tries;

	for (tries = 0; tries < 8; tries++) {
		memcpy(scratch->path + strlen(scratch->path) - 6, "XXXXXX", 6);
		if (!mkdtemp(scratch->path))
			break;
		if (try_folder(scratch, &code, err))
			return code;
	}
	return STP_FAIL(stp_hinted(err, STP_HINT_WORK), STP_CONFIG, "bench", parent,
	                "cannot make a scratch folder (%s); name a folder with %s", strerror(errno),
	                stp_hint_text(STP_HINT_WORK));
}

enum stp_errc stp_scratch_open(struct stp_scratch *scratch, const char *work_dir,
                               struct stp_err *err)
{
	const char *parent = work_dir ? work_dir : secure_getenv("TMPDIR");
	int n;

	memset(scratch, 0, sizeof(*scratch));
	scratch->fd = -1;
	if (!parent || !*parent)
		parent = "/var/tmp";
	n = snprintf(scratch->path, sizeof(scratch->path), "%s/" SCRATCH_PREFIX "XXXXXX", parent);
	/* Room for the names below it. */
	if (n < 0 || (size_t)n >= sizeof(scratch->path) - 512)
		return STP_FAIL(err, STP_CONFIG, "bench", parent, "is too long a path to work in");
	sweep(parent);
	STP_TRY(make_folder(scratch, parent, err));
	describe_file_system(scratch);
	return STP_OK;
}

static void remove_now(int folder_fd, const char *name, struct stp_progress *progress)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		unlinkat(folder_fd, name, 0);
		return;
	}
	empty_folder(fd, progress);
	unlinkat(folder_fd, name, AT_REMOVEDIR);
}

int stp_scratch_has_room(const struct stp_scratch *scratch)
{
	return scratch->free_bytes >= KEEP_FREE_BYTES_MIN;
}

/* out has room for 32 bytes. */
static const char *retired_name(unsigned index, char *out)
{
	snprintf(out, 32, "retired-%u", index);
	return out;
}

void stp_scratch_retire(struct stp_scratch *scratch, const char *name)
{
	char retired[32];

	retired_name(scratch->retired_count++, retired);
	if (!stp_scratch_has_room(scratch) ||
	    renameat(scratch->fd, name, scratch->fd, retired) != 0)
		remove_now(scratch->fd, name, NULL);
}

char *stp_scratch_path(const struct stp_scratch *scratch, const char *name, char *out,
                       unsigned long size)
{
	snprintf(out, size, "%s/%s", scratch->path, name);
	return out;
}

struct removal {
	const struct stp_scratch *scratch;
	struct stp_progress *progress;
	atomic_uint next;
};

/* Retired folders, of which each worker takes the next: several at once go faster. */
static enum stp_errc remove_retired(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct removal *removal = ctx;
	char name[32];

	(void)worker_index;
	(void)err;
	for (;;) {
		unsigned i = atomic_fetch_add_explicit(&removal->next, 1, memory_order_relaxed);

		if (i >= removal->scratch->retired_count)
			return STP_OK;
		remove_now(removal->scratch->fd, retired_name(i, name), removal->progress);
	}
}

void stp_scratch_close(struct stp_scratch *scratch, struct stp_progress *progress)
{
	struct removal removal = {.scratch = scratch, .progress = progress};
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	if (scratch->fd < 0) {
		if (scratch->path[0])
			rmdir(scratch->path);
		return;
	}
	/* What no thread could be had for goes with the rest. */
	code = stp_workers_run(REMOVERS, "remove", remove_retired, &removal, NULL, &err);
	(void)code;
	remove_scratch(AT_FDCWD, scratch->path, scratch->fd, progress);
	scratch->fd = -1;
}
