/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int stp_folder_is_inside(int folder_fd, int outer_fd)
{
	struct stat outer, here, below = {0};
	int fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 3);
	int found = 0;

	if (fstat(outer_fd, &outer) != 0)
		stp_fd_close(&fd);
	while (fd >= 0 && fstat(fd, &here) == 0) {
		int above_fd;

		found = is_same(&here, &outer);
		if (found || is_same(&here, &below)) /* the root is its own parent */
			break;
		below = here;
		above_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		stp_fd_close(&fd);
		fd = above_fd;
	}
	stp_fd_close(&fd);
	return found;
}
