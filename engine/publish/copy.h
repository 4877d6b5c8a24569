/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish/copy: copies one target file into another file, and hashes it on the way.
 *
 *	source ─▶ buffer ─▶ hash ─▶ copy ─▶ disk, one window later
 *
 * Others may write to the source meanwhile, so its size is not used: the recorded length is read,
 * then one byte more, which must not exist. However fast the source grows, no more than that is
 * read, and no more than the recorded length is written.
 *
 * Written bytes go to the disk while the copy continues. Otherwise gigabytes could collect in
 *memory and be waited for at once, in a system call that no signal interrupts: when an abandoned
 *copy is removed, or at the barrier before a commit.
 *
 * Shape      one source and one copy per call.
 * Memory     a buffer of 256 KiB and a hasher, made by stp_copier_create().
 * Ownership  descriptors, digests and names stay the caller's.
 * Threads    one copier per thread.
 */
#ifndef STP_PUBLISH_COPY_H
#define STP_PUBLISH_COPY_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

struct stp_copier;

/* hash_set: STP_ALG_BIT()s of the digests. cancel is checked every 256 KiB; may be NULL. */
enum stp_errc stp_copier_create(unsigned hash_set, const struct stp_cancel *cancel,
                                struct stp_copier **out_copier, struct stp_err *err) STP_MUST_CHECK;
void stp_copier_destroy(struct stp_copier *copier);

struct stp_copy_source {
	int fd;
	uint64_t length;        /* as recorded */
	const uint8_t *digests; /* as recorded, packed in the set's order; NULL: any */
	uint8_t *found;         /* out: the digests of the source; may be NULL */
	const char *name;       /* for messages */
};

enum stp_copy_result {
	STP_COPY_DONE,
	STP_COPY_CHANGED, /* the source differs from the record: do not use the copy */
	STP_COPY_REFUSED, /* stp_copier_share(): not possible between these file systems */
};

/* Copies source into the empty file to_fd. With -1 it is only read, and compared with the record.
 */
enum stp_errc stp_copier_copy(struct stp_copier *copier, const struct stp_copy_source *source,
                              int to_fd, enum stp_copy_result *out_result,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same by sharing the source's blocks (reflink): nothing is written, but all is read. */
enum stp_errc stp_copier_share(struct stp_copier *copier, const struct stp_copy_source *source,
                               int to_fd, enum stp_copy_result *out_result,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
