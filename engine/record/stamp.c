/* SPDX-License-Identifier: Apache-2.0 */
#include "record/stamp.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

int64_t stp_stamp_ahead(void)
{
	struct timespec now = {0};

	(void)!clock_gettime(CLOCK_REALTIME, &now);
	return stp_stamp_later(stp_stamp_of(now), STP_STAMP_AHEAD_NS);
}

int64_t stp_stamp_tick(void)
{
	struct timespec now = {0};

	(void)!clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return stp_stamp_of(now);
}

int64_t stp_stamp_now(int folder_fd)
{
	char name[STP_TEMPORARY_BYTES];
	struct stp_err ignored = STP_ERR_INIT;
	struct stat st;
	int fd;

	if (stp_temporary_create(folder_fd, O_WRONLY, 0600, "scan", "the clock", name, &fd,
	                         &ignored) == STP_OK) {
		int stamped = fstat(fd, &st) == 0;

		unlinkat(folder_fd, name, 0);
		close(fd);
		if (stamped)
			return stp_stamp_of(st.st_ctim);
	}
	return stp_stamp_tick();
}
