/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of bins: encoded one by one, then signed, checked and written together.
 *
 *	add … ─▶ close (sort, encode) ─▶ next bin … ─▶ seal: sign all, check, audit lines, put
 *
 * A group has enough documents to fill the SHA-512 lanes (8) twice, and few enough for most of them
 * to stay in cache.
 *
 * Shape      bin_count bins with consecutive indices.
 * Memory     the documents of one group, reused for the next.
 * Ownership  stp_bin_group_release().
 * Threads    one thread per group.
 */
#ifndef STP_RUN_SIGN_BIN_GROUP_H
#define STP_RUN_SIGN_BIN_GROUP_H

#include "bins/bin.h"
#include "run/sign/publishing.h"
#include "sign/batch.h"

/* What all bins of a run have in common. */
struct stp_bin_frame {
	const struct stp_config *config;
	const struct stp_publishing *publishing;
	int64_t now;
	size_t digest_bytes;
	char head[STP_BIN_HEAD_BYTES];
	size_t head_bytes;
	char tail[STP_BIN_TAIL_BYTES_MAX];
	size_t tail_bytes;
};

void stp_bin_frame_init(struct stp_bin_frame *frame, const struct stp_config *config,
                        const struct stp_publishing *publishing, int64_t now);

struct stp_bin_document;

struct stp_bin_group {
	const struct stp_bin_frame *frame;
	uint32_t bin_count;
	struct stp_signer *signer;
	struct stp_bin bin; /* the open one */
	struct stp_bin_document *documents;
	struct stp_sign_doc *sign_docs;
	struct stp_publish_file *files;
	struct stp_sign_seconds seconds; /* bins, sign, publish */
};

/* group: zeroed memory. */
enum stp_errc stp_bin_group_init(struct stp_bin_group *group, const struct stp_bin_frame *frame,
                                 uint32_t bin_count, struct stp_err *err) STP_MUST_CHECK;
void stp_bin_group_release(struct stp_bin_group *group);

/* Adds a target to the open bin. */
static inline enum stp_errc stp_bin_group_add(struct stp_bin_group *group,
                                              const struct stp_record *record, struct stp_err *err)
{
	return stp_bin_add(&group->bin, record, group->frame->digest_bytes, err);
}

/* Sorts and encodes the open bin, number bin_index of all and number slot of the group, and starts
 * the next. *out_bytes: the size of its file. */
enum stp_errc stp_bin_group_close_bin(struct stp_bin_group *group, uint32_t bin_index, size_t slot,
                                      uint64_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

/* Signs the group's documents, checks them, writes the audit lines and the files. *out_bytes: the
 * size of all files. */
enum stp_errc stp_bin_group_seal(struct stp_bin_group *group, uint32_t first_bin, size_t worker,
                                 uint64_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

#endif
