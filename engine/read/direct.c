/* SPDX-License-Identifier: Apache-2.0 */
#include "read/direct.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Files from here on are read past the page cache unless they are in it. */
#define DIRECT_BYTES_MIN (1024 * 1024)
/* How much of a large file is looked up in the page cache. */
#define CACHED_LOOK_BYTES (64 * 1024 * 1024)

/* cachestat(2), Linux 6.5; not in the headers of Debian 12. */
struct cachestat_range {
	uint64_t offset;
	uint64_t bytes;
};
struct cachestat {
	uint64_t cached_pages;
	uint64_t unused[4];
};
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

int stp_read_wants_direct(int fd, uint64_t length)
{
	struct cachestat_range range = {0, length < CACHED_LOOK_BYTES ? length : CACHED_LOOK_BYTES};
	struct cachestat stat;

	if (length < DIRECT_BYTES_MIN)
		return 0;
	if (syscall(SYS_cachestat, fd, &range, &stat, 0) != 0)
		return 0;
	return stat.cached_pages * 4096 * 8 < range.bytes;
}

int stp_read_set_direct(int fd, int direct)
{
	int flags = fcntl(fd, F_GETFL);

	/* EINVAL: a file system without direct reads. */
	flags = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
	return fcntl(fd, F_SETFL, flags) == 0 && direct;
}
