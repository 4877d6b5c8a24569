/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads past the page cache, for large files that are not in it: less copying, and a nightly run
 * does not evict the data that other programs use (engine/decisions/0121-reading.md).
 *
 * Shape      an open file in, true or false out.
 * Memory     none.
 * Ownership  descriptors stay the caller's.
 * Threads    any thread.
 */
#ifndef STP_READ_DIRECT_H
#define STP_READ_DIRECT_H

#include <stdint.h>

/* The alignment of direct reads: a multiple of every file system's block size, or the file system
 * refuses with EINVAL. */
#define STP_READ_DIRECT_ALIGN 4096

/* Whether direct reads pay for a file of that length: it is large, and hardly any of it is in the
 * page cache. 0 also where the kernel cannot report that. */
int stp_read_wants_direct(int fd, uint64_t length);

/* Makes reads of fd direct, or not. Returns whether they are direct now. */
int stp_read_set_direct(int fd, int direct);

#endif
