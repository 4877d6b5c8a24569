/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/owner.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/user.h"
#include "publish/repo.h"

enum stp_errc stp_owner_check(int repo_fd, const char *path, const char *verb, struct stp_err *err)
{
	char owner[STP_USER_BYTES], here[STP_USER_BYTES], as[STP_USER_AS_BYTES];
	struct stat st;

	if (fstatat(repo_fd, STP_STATE_FOLDER, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    st.st_uid == geteuid())
		return STP_OK;
	return STP_FAIL(err, STP_CONFIG, "repository", path,
	                "belongs to user %s, but user %s runs this; run it as its owner: %s "
	                "stampede %s REPO%s",
	                stp_user_name(st.st_uid, owner), stp_user_name(geteuid(), here),
	                stp_user_run_as(st.st_uid, as), verb,
	                strcmp(verb, "init") == 0 ? " --update" : "");
}

enum stp_errc stp_owner_check_path(const char *path, const char *verb, struct stp_err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum stp_errc code;

	if (fd < 0)
		return STP_OK;
	code = stp_owner_check(fd, path, verb, err);
	close(fd);
	return code;
}
