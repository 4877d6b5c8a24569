/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing many new files fast: small ones in place, larger ones by a pool of threads that write
 * around the page cache.
 *
 *	put(name, bytes) ─┬─▶ small: create, write, close                     the caller's thread
 *	                  ├─▶ middle: copy into an aligned slot ─▶ [queue] ─▶ O_DIRECT  writers
 *	                  └─▶ large: through one slot, piece by piece          the caller's thread
 *
 * Why: a page-cache write waits for the writer of dirty pages once a few hundred megabytes are
 * dirty, and burns a copy and a checksum of memory on pages nobody reads; direct writes with a few
 * in flight keep the disk busy while the callers encode the next bins
 * (engine/decisions/0181-writing-bins.md).
 *
 * Shape      slots of at most STP_WRITER_SLOT_BYTES; two per thread.
 * Memory     the slots, as large as the largest file that went through them.
 * Ownership  bytes stay the caller's and are free when put returns.
 * Threads    stp_writer_put() from any thread; create, drain and destroy from one.
 */
#ifndef STP_PUBLISH_WRITER_H
#define STP_PUBLISH_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Below this a file is written in place: the system calls cost more than its bytes. */
#define STP_WRITER_DIRECT_MIN ((size_t)32 * 1024)
#define STP_WRITER_SLOT_BYTES ((size_t)1024 * 1024)
/* Writes in flight that keep this kind of disk busy. */
#define STP_WRITER_THREADS 8

struct stp_writer;

/* Files go into folder_fd with permissions mode. thread_count 0: everything in the caller's thread
 * and through the page cache, the slow and obvious twin. */
enum stp_errc stp_writer_create(int folder_fd, mode_t mode, size_t thread_count,
                                struct stp_writer **out_writer, struct stp_err *err) STP_MUST_CHECK;

/* Writes the new file name; STP_IO with EEXIST when it is there. A failure of an earlier file may
 * be returned here. */
enum stp_errc stp_writer_put(struct stp_writer *writer, const char *name, const void *bytes,
                             size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Waits until all files are written; the first failure. No puts meanwhile. */
enum stp_errc stp_writer_drain(struct stp_writer *writer, struct stp_err *err) STP_MUST_CHECK;

/* Finishes what is queued, ends the threads, frees. NULL is allowed. */
void stp_writer_destroy(struct stp_writer *writer);

#endif
