/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish/copy: the bytes of one target file into another file, hashed on their way.
 *
 *	source ─▶ buffer ─▶ hash ─▶ copy ─▶ disk, a window behind
 *
 * Others may write to the source meanwhile, so its size is not asked for: the recorded length is
 * read, then one byte more, which must not be there. However fast the source grows, no more than
 * that is read, and no more than the recorded length is written.
 *
 * What is written goes to the disk while the copy goes on. Gigabytes of it in memory would be
 * waited for at once, where no signal is heard: when a copy that was given up is removed, or by the
 * barrier in front of a commit.
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

/* hash_set: STP_ALG_BIT()s of the digests. cancel is looked at every 256 KiB; may be NULL. */
enum stp_errc stp_copier_create(unsigned hash_set, const struct stp_cancel *cancel,
                                struct stp_copier **out_copier, struct stp_err *err) STP_MUST_CHECK;
void stp_copier_destroy(struct stp_copier *copier);

struct stp_copy_source {
	int fd;
	uint64_t length;        /* as it was recorded */
	const uint8_t *digests; /* as they were recorded, packed in the set's order; NULL: any */
	uint8_t *found;         /* may be NULL: takes the digests that it has */
	const char *name;       /* for messages */
};

enum stp_copy_result {
	STP_COPY_DONE,
	STP_COPY_CHANGED, /* the source is not what was recorded: use nothing of the copy */
	STP_COPY_REFUSED, /* stp_copier_share(): these file systems cannot */
};

/* Copies source into the empty file to_fd. With -1 it is only read: is it what was recorded? */
enum stp_errc stp_copier_copy(struct stp_copier *copier, const struct stp_copy_source *source,
                              int to_fd, enum stp_copy_result *out_result,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same by sharing the source's blocks (reflink): nothing is written, all is read. */
enum stp_errc stp_copier_share(struct stp_copier *copier, const struct stp_copy_source *source,
                               int to_fd, enum stp_copy_result *out_result,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
