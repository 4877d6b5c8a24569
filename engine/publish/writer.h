/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes many new files fast. How depends on the size of the file and on the kernel:
 *
 *	put(name, bytes) ─┬─▶ small: create, write, close                     the caller's thread
 *	                  ├─▶ larger: the same with RWF_DONTCACHE (Linux 6.14): the kernel starts
 *	                  │           writing at once and drops the pages      the caller's thread
 *	                  └─▶ larger, older kernel or file system:
 *	                      ├─▶ copy into an aligned slot ─▶ [queue] ─▶ O_DIRECT      writers
 *	                      └─▶ larger than a slot: in chunks                the caller's thread
 *
 * Reason: plain page-cache writes of gigabytes use new memory for every page, then wait for
 * writeback; uncached ones use the same few pages again and again, and the disk works while the
 * callers encode the next bins (engine/decisions/0181-writing-bins.md).
 *
 * Shape      slots of at most STP_WRITER_SLOT_BYTES; two per thread.
 * Memory     the slots, as large as the largest file that went through them.
 * Ownership  bytes stay the caller's and may be reused when put returns.
 * Threads    stp_writer_put() from any thread; create, drain and destroy from one.
 */
#ifndef STP_PUBLISH_WRITER_H
#define STP_PUBLISH_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Smaller files are written by the caller: the system calls cost more than their bytes. */
#define STP_WRITER_UNCACHED_MIN ((size_t)16 * 1024)
#define STP_WRITER_DIRECT_MIN   ((size_t)32 * 1024)
#define STP_WRITER_SLOT_BYTES   ((size_t)1024 * 1024)
/* The number of writes in flight that keeps this kind of disk busy. */
#define STP_WRITER_THREADS 8

struct stp_writer;

enum stp_writer_way {
	STP_WRITER_PLAIN,    /* all in the caller's thread, through the page cache: the serial
	                        reference */
	STP_WRITER_DIRECT,   /* larger files bypass the page cache, by threads */
	STP_WRITER_UNCACHED, /* larger files uncached; as DIRECT if that is not supported */
};

/* Files are created in folder_fd with permissions mode. */
enum stp_errc stp_writer_create(int folder_fd, mode_t mode, enum stp_writer_way way,
                                struct stp_writer **out_writer, struct stp_err *err) STP_MUST_CHECK;

/* Writes the new file name; STP_IO with EEXIST when it exists. A failure of an earlier file may be
 * returned here. */
enum stp_errc stp_writer_put(struct stp_writer *writer, const char *name, const void *bytes,
                             size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Waits until all files are written; returns the first failure. No puts meanwhile. */
enum stp_errc stp_writer_drain(struct stp_writer *writer, struct stp_err *err) STP_MUST_CHECK;

/* Finishes what is queued, ends the threads, frees. NULL is allowed. */
void stp_writer_destroy(struct stp_writer *writer);

#endif
