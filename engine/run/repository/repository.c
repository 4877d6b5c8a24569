/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/repository.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "publish/owner.h"
#include "roles/config.h"

enum stp_errc stp_repository_check_owner(const char *path, const char *command, struct stp_err *err)
{
	return stp_owner_check_path(path, command, err);
}

enum stp_errc stp_repository_targets_dir(const char *path, char *out, size_t size,
                                         struct stp_err *err)
{
	struct stp_config config;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum stp_errc code;

	if (fd < 0)
		return STP_FAIL_SYS(err, "repository", path, "cannot open the folder");
	code = stp_config_load(&config, fd, err);
	stp_fd_close(&fd);
	if (code != STP_OK)
		return code;
	if ((size_t)snprintf(out, size, "%s", config.targets_dir) >= size)
		code = STP_FAIL(err, STP_LIMIT, "repository", path,
		                "has a targets folder whose path is too long");
	stp_config_release(&config);
	return code;
}

int stp_target_glob_is_valid(const char *glob)
{
	return stp_glob_valid(glob);
}

int stp_target_path_is_valid(const char *path)
{
	return stp_glob_is_relative(path) && (!strpbrk(path, "*?") || stp_glob_valid(path));
}
