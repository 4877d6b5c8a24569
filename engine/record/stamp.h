/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time stamps of files as nanoseconds since the epoch.
 *
 * The owner of a file can set its mtime to any 64-bit number of seconds, but int64_t nanoseconds
 * reach only from 1677-09-21 to 2262-04-11. A stamp outside becomes the nearest end, so that order
 * is kept: a stamp of the future stays in the future. INT64_MAX is not a stamp: it means "later
 * than any" (see struct stp_stamp_limits in record/trust.h).
 *
 * Shape      seconds and nanoseconds in, int64_t out; defined for all values of both.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state but the clock's.
 */
#ifndef STP_RECORD_STAMP_H
#define STP_RECORD_STAMP_H

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define STP_STAMP_MIN INT64_MIN
#define STP_STAMP_MAX (INT64_MAX - 1)

/* The nearest stamp to a value that may be out of range. */
static inline int64_t stp_stamp_clamp(__int128 ns)
{
	if (ns < STP_STAMP_MIN)
		return STP_STAMP_MIN;
	return ns < STP_STAMP_MAX ? (int64_t)ns : STP_STAMP_MAX;
}

/* The stamp for a time of a file or a clock. */
static inline int64_t stp_stamp_of(struct timespec time)
{
	return stp_stamp_clamp((__int128)time.tv_sec * 1000000000 + time.tv_nsec);
}

/* The same for a time from statx(2). */
static inline int64_t stp_stamp_of_statx(struct statx_timestamp time)
{
	return stp_stamp_clamp((__int128)time.tv_sec * 1000000000 + time.tv_nsec);
}

/* The stamp ns nanoseconds later, or earlier when ns is negative. */
static inline int64_t stp_stamp_later(int64_t stamp, int64_t ns)
{
	return stp_stamp_clamp((__int128)stamp + ns);
}

/* A stamp this far ahead of the clock is in the future: no server's clock is off by more. */
#define STP_STAMP_AHEAD_NS INT64_C(60000000000)

/* The first stamp that is now in the future. */
int64_t stp_stamp_ahead(void);

/* The time at the kernel's last tick, which is what a file is stamped with by this machine. */
int64_t stp_stamp_tick(void);

/* The time with which files in folder_fd, a folder that stampede may write to, are stamped now:
 * found by creating and removing a file. stp_stamp_tick() when nothing can be written there. */
int64_t stp_stamp_now(int folder_fd);

#endif
