/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/owner.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/user.h"
#include "publish/repo.h"

/* keys/ and state/ must have the same owner. After another user has restored one of them from a
 * backup, the owner of the folder around them shows which of the two is wrong. */
static enum stp_errc check_folders(int repo_fd, const char *path, const struct stat *state,
                                   struct stp_err *err)
{
	char is[STP_USER_BYTES], should_be[STP_USER_BYTES];
	struct stat repo, keys;
	const char *folder = STP_STATE_FOLDER;
	uid_t foreign = state->st_uid;
	uid_t owner;

	if (fstatat(repo_fd, STP_KEYS_FOLDER, &keys, AT_SYMLINK_NOFOLLOW) != 0 ||
	    keys.st_uid == state->st_uid || fstat(repo_fd, &repo) != 0)
		return STP_OK;
	owner = keys.st_uid;
	if (repo.st_uid == state->st_uid) {
		folder = STP_KEYS_FOLDER;
		foreign = keys.st_uid;
		owner = state->st_uid;
	}
	return STP_FAIL(err, STP_CONFIG, "repository", path,
	                "its folder %s belongs to user %s, the rest to user %s; as root, give it "
	                "back: chown -R %s %s",
	                folder, stp_user_name(foreign, is), stp_user_name(owner, should_be),
	                strncmp(should_be, "id ", 3) == 0 ? should_be + 3 : should_be, folder);
}

/* What the owner is to run. */
static enum stp_hint call_of(const char *command)
{
	if (strcmp(command, "init") == 0)
		return STP_HINT_UPDATE_AS_OWNER;
	return strcmp(command, "gc") == 0 ? STP_HINT_GC_AS_OWNER : STP_HINT_AS_OWNER;
}

enum stp_errc stp_owner_check(int repo_fd, const char *path, const char *command,
                              struct stp_err *err)
{
	char owner[STP_USER_BYTES], here[STP_USER_BYTES], as[STP_USER_AS_BYTES];
	struct stat st;

	if (fstatat(repo_fd, STP_STATE_FOLDER, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_OK;
	STP_TRY(check_folders(repo_fd, path, &st, err));
	if (st.st_uid == geteuid())
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_AS_OWNER), STP_CONFIG, "repository", path,
	                "belongs to user %s, but user %s runs this; run it as its owner: %s %s",
	                stp_user_name(st.st_uid, owner), stp_user_name(geteuid(), here),
	                stp_user_run_as(st.st_uid, as), stp_hint_text(call_of(command)));
}

enum stp_errc stp_owner_check_path(const char *path, const char *command, struct stp_err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum stp_errc code;

	if (fd < 0)
		return STP_OK;
	code = stp_owner_check(fd, path, command, err);
	close(fd);
	return code;
}
