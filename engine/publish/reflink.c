/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/reflink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "publish/links.h"

#define STAGE   "links"
#define SUBJECT "public/targets"

static int is_wanted(const struct stp_config *config, uint64_t target_count)
{
	/* Files that may change can be copied instead, so this matters only with names for all
	 * files. */
	return config->link == STP_LINK_REFLINK && target_count &&
	       (config->target_files == STP_TARGET_FILES_ALL ||
	        (config->target_files == STP_TARGET_FILES_AUTO &&
	         target_count <= STP_LINKS_AUTO_MAX));
}

static enum stp_errc share(int from_fd, int to_fd, struct stp_err *err)
{
	static const char block[4096];
	struct file_clone_range range = {.src_fd = from_fd}; /* all of it */

	STP_TRY(stp_fd_write_at(from_fd, block, sizeof(block), 0, STAGE, SUBJECT, err));
	if (ioctl(to_fd, FICLONERANGE, &range) == 0)
		return STP_OK;
	if (errno != EOPNOTSUPP && errno != ENOTTY && errno != ENOSYS)
		return STP_OK; /* perhaps a temporary failure */
	return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
	                "\"link\": the file system of public/targets has no reflinks; set "
	                "\"symlink\" or \"copy\"");
}

enum stp_errc stp_reflink_check(const struct stp_repo *repo, const struct stp_config *config,
                                uint64_t target_count, struct stp_err *err)
{
	char names[2][STP_TEMPORARY_BYTES];
	int fds[2];
	enum stp_errc code;
	size_t i;

	if (!is_wanted(config, target_count))
		return STP_OK;
	for (i = 0, code = STP_OK; i < 2 && code == STP_OK; i++)
		code = stp_temporary_create(repo->targets_fd, O_RDWR, STP_MODE_PRIVATE_FILE, STAGE,
		                            SUBJECT, names[i], &fds[i], err);
	if (code != STP_OK)
		i--; /* the last was not made */
	if (code == STP_OK)
		code = share(fds[0], fds[1], err);
	while (i--) {
		close(fds[i]);
		unlinkat(repo->targets_fd, names[i], 0);
	}
	return code;
}
