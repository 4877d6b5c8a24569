/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/repo.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "publish/links_state.h"
#include "publish/marks.h"
#include "publish/owner.h"
#include "roles/config.h"

#define STAGE     "repository"
#define LOCK_FILE "lock"

#define RESTORE_METADATA "restore public/metadata from a backup or a mirror"

void stp_repo_init(struct stp_repo *repo)
{
	*repo = (struct stp_repo){-1, -1, -1, -1, -1, -1, 0, 0};
}

void stp_repo_close(struct stp_repo *repo)
{
	stp_fd_close(&repo->lock_fd);
	stp_fd_close(&repo->state_fd);
	stp_fd_close(&repo->keys_fd);
	stp_fd_close(&repo->targets_fd);
	stp_fd_close(&repo->metadata_fd);
	stp_fd_close(&repo->root_fd);
}

/* What the holder wrote into the lock file: "COMMAND PID". */
static void read_holder(int fd, char *out, size_t size)
{
	ssize_t got = pread(fd, out, size - 1, 0);

	out[got > 0 ? got : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* Reports who holds the lock: a run, which wrote its command and process id into the file, or
 * another program. Only another program can have a process-owned lock, whose owner the kernel
 * names. */
static enum stp_errc refuse_locked(int fd, struct stp_err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char holder[64];

	read_holder(fd, holder, sizeof(holder));
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
		return STP_FAIL(err, STP_BUSY, STAGE, "state/lock",
		                "held by process %ld, which is not stampede; end it, or try again "
		                "when it is done",
		                (long)lock.l_pid);
	if (!holder[0])
		return STP_FAIL(err, STP_BUSY, STAGE, "state/lock",
		                "held by another process, which did not write its name; try again "
		                "when it is done, or find it: fuser -v REPO/state/lock");
	return STP_FAIL(err, STP_BUSY, STAGE, "state/lock",
	                "held by \"%s\" (command and process); try again when it is done", holder);
}

/* Takes an open-file-description lock: it ends with the descriptor, however the process ends. */
static enum stp_errc take_lock(struct stp_repo *repo, const char *holder, struct stp_err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[64];
	int count;

	STP_TRY(stp_file_open_own(repo->state_fd, LOCK_FILE, 0, STP_MODE_PRIVATE_FILE, STAGE,
	                          "state/lock", &repo->lock_fd, err));
	if (fcntl(repo->lock_fd, F_OFD_SETLK, &lock) != 0) {
		int why = errno;

		if (why != EAGAIN && why != EACCES)
			return STP_FAIL_ERRNO(err, why, STAGE, "state/lock", "cannot lock");
		return refuse_locked(repo->lock_fd, err);
	}
	count = snprintf(text, sizeof(text), "%.30s %ld\n", holder, (long)getpid());
	if (ftruncate(repo->lock_fd, 0) != 0)
		return STP_FAIL_SYS(err, STAGE, "state/lock", "cannot write");
	return stp_fd_write_at(repo->lock_fd, text, (size_t)count, 0, STAGE, "state/lock", err);
}

/* Opens folder name of the repository. A missing one is made again if made is not NULL; otherwise
 * the message ends with remedy (NULL: sign, which makes it again). */
static enum stp_errc open_folder(int parent_fd, const char *name, const char *path, mode_t mode,
                                 const char *remedy, int *made, int *out_fd, struct stp_err *err)
{
	if (!stp_file_exists(parent_fd, name) && errno == ENOENT) {
		if (!made)
			return remedy
			           ? STP_FAIL(err, STP_IO, STAGE, path, "is not there; %s", remedy)
			           : STP_FAIL(stp_hinted(err, STP_HINT_SIGN), STP_IO, STAGE, path,
			                      "is not there; `%s` makes it again",
			                      stp_hint_text(STP_HINT_SIGN));
		if (mkdirat(parent_fd, name, mode) != 0 || fchmodat(parent_fd, name, mode, 0) != 0)
			return STP_FAIL_SYS(err, STAGE, path, "is missing and cannot be created");
		STP_TRY(stp_fd_sync(parent_fd, STAGE, path, err));
		*made = 1;
	}
	return stp_folder_open(parent_fd, name, STAGE, out_fd, err);
}

/* The same for public/targets. What state/ records of the names in it is removed first: if this run
 * dies in between, the next one finds that they have to be made. */
static enum stp_errc open_targets(struct stp_repo *repo, int public_fd, int makes,
                                  struct stp_err *err)
{
	if (makes && !stp_file_exists(public_fd, STP_TARGETS_FOLDER) && errno == ENOENT) {
		(void)!unlinkat(repo->state_fd, STP_LINKS_STATE_FILE, 0);
		(void)!unlinkat(repo->state_fd, STP_MARKS_STATE_FILE, 0);
	}
	return open_folder(public_fd, STP_TARGETS_FOLDER, "public/targets", STP_MODE_PUBLIC_FOLDER,
	                   NULL, makes ? &repo->targets_made : NULL, &repo->targets_fd, err);
}

/* Opens the subfolders; the two public ones through "public". */
static enum stp_errc open_folders(struct stp_repo *repo, enum stp_repo_use use, struct stp_err *err)
{
	int public_fd;
	enum stp_errc code;

	STP_TRY(open_folder(repo->root_fd, STP_STATE_FOLDER, STP_STATE_FOLDER,
	                    STP_MODE_PRIVATE_FOLDER, NULL,
	                    use == STP_REPO_SIGN ? &repo->state_made : NULL, &repo->state_fd, err));
	STP_TRY(open_folder(repo->root_fd, STP_PUBLIC_FOLDER, STP_PUBLIC_FOLDER,
	                    STP_MODE_PUBLIC_FOLDER, RESTORE_METADATA, NULL, &public_fd, err));
	code = open_folder(public_fd, STP_METADATA_FOLDER, "public/metadata",
	                   STP_MODE_PUBLIC_FOLDER, RESTORE_METADATA, NULL, &repo->metadata_fd, err);
	if (code == STP_OK)
		code = open_targets(repo, public_fd, use == STP_REPO_SIGN, err);
	close(public_fd);
	if (code == STP_OK && use != STP_REPO_READ)
		code = open_folder(repo->root_fd, STP_KEYS_FOLDER, STP_KEYS_FOLDER,
		                   STP_MODE_PRIVATE_FOLDER, "restore it from a backup", NULL,
		                   &repo->keys_fd, err);
	else /* a reader may lack the permission, and does not need it */
		repo->keys_fd = openat(repo->root_fd, STP_KEYS_FOLDER,
		                       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return code;
}

void stp_repo_clear_init(int root_fd)
{
	int fd = openat(root_fd, STP_INIT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	/* If the stage has a configuration in it, it belongs to an init that did not commit. */
	if (!stp_file_exists(fd, STP_CONFIG_FILE)) {
		unlinkat(fd, STP_INIT_MADE_FILE, 0);
		unlinkat(root_fd, STP_INIT_FOLDER, AT_REMOVEDIR);
	}
	close(fd);
}

enum stp_errc stp_repo_open(const char *path, enum stp_repo_use use, const char *holder,
                            struct stp_repo *out_repo, struct stp_err *err)
{
	struct stp_repo repo;
	struct stat st;
	enum stp_errc code = STP_OK;

	stp_repo_init(&repo);
	repo.root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (repo.root_fd < 0)
		return STP_FAIL(stp_hinted(err, STP_HINT_INIT), STP_CONFIG, STAGE, path,
		                "cannot open: %s; name a repository made by `%s`", strerror(errno),
		                stp_hint_text(STP_HINT_INIT));
	if (fstatat(repo.root_fd, STP_CONFIG_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		code = fstatat(repo.root_fd, STP_KEYS_FOLDER, &st, AT_SYMLINK_NOFOLLOW) == 0
		           ? STP_FAIL(err, STP_CONFIG, STAGE, path,
		                      "has no %s; restore it from a backup", STP_CONFIG_FILE)
		           : STP_FAIL(stp_hinted(err, STP_HINT_INIT), STP_CONFIG, STAGE, path,
		                      "has no %s; name a repository made by `%s`", STP_CONFIG_FILE,
		                      stp_hint_text(STP_HINT_INIT));
	if (code == STP_OK && use != STP_REPO_READ)
		code = stp_owner_check(repo.root_fd, path, holder, err);
	if (code == STP_OK)
		code = open_folders(&repo, use, err);
	if (code == STP_OK && use != STP_REPO_READ)
		code = take_lock(&repo, holder, err);
	if (code == STP_OK && use != STP_REPO_READ)
		stp_repo_clear_init(repo.root_fd);
	if (code != STP_OK) {
		stp_repo_close(&repo);
		return code;
	}
	*out_repo = repo;
	return STP_OK;
}
