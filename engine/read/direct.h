/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads past the page cache, for large files that are not in it: less copying, and a nightly run
 * does not evict what others use (engine/decisions/0121-reading.md).
 *
 * Shape      an open file in, an answer out.
 * Memory     none.
 * Ownership  descriptors stay the caller's.
 * Threads    any thread.
 */
#ifndef STP_READ_DIRECT_H
#define STP_READ_DIRECT_H

#include <stdint.h>

/* What direct reads are aligned to; every file system's block fits or is refused with EINVAL. */
#define STP_READ_DIRECT_ALIGN 4096

/* Whether a file of length is worth it: large, and hardly any of it in the page cache. 0 also where
 * the kernel does not know. */
int stp_read_wants_direct(int fd, uint64_t length);

/* Makes reads of fd direct, or not. Returns whether they are now. */
int stp_read_set_direct(int fd, int direct);

#endif
