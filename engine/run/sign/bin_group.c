/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/bin_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "roles/roles.h"

/* One bin's file. */
struct stp_bin_document {
	uint8_t *bytes;
	size_t capacity;
	size_t body_bytes;
	char name[STP_BIN_NAME_BYTES + 32];
};

void stp_bin_frame_init(struct stp_bin_frame *frame, const struct stp_config *config,
                        const struct stp_publishing *publishing, int64_t now)
{
	frame->config = config;
	frame->publishing = publishing;
	frame->now = now;
	frame->digest_bytes = stp_alg_set_digest_bytes(config->hash_set);
	frame->head_bytes = stp_bin_body_head(now + config->expiry.bin_n, frame->head);
	frame->tail_bytes = stp_bin_body_tail(publishing->version, frame->tail);
}

enum stp_errc stp_bin_group_init(struct stp_bin_group *group, const struct stp_bin_frame *frame,
                                 uint32_t bin_count, struct stp_err *err)
{
	uint64_t started = stp_clock_monotonic_ns();

	group->frame = frame;
	group->bin_count = bin_count;
	stp_bin_init(&group->bin);
	STP_TRY(stp_signer_clone(frame->publishing->signers->bin_n, &group->signer, err));
	stp_sign_add_seconds(&group->seconds.sign, started);
	group->documents = calloc(bin_count, sizeof(*group->documents));
	group->sign_docs = calloc(bin_count, sizeof(*group->sign_docs));
	group->files = calloc(bin_count, sizeof(*group->files));
	if (!group->documents || !group->sign_docs || !group->files)
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for %u documents",
		                      bin_count);
	return STP_OK;
}

void stp_bin_group_release(struct stp_bin_group *group)
{
	uint32_t i;

	for (i = 0; group->documents && i < group->bin_count; i++)
		free(group->documents[i].bytes);
	free(group->documents);
	free(group->sign_docs);
	free(group->files);
	if (group->frame)
		stp_bin_release(&group->bin);
	if (group->signer)
		stp_signer_destroy(group->signer);
}

/* --- one bin --------------------------------------------------------------------------------- */

/* Makes space for body_bytes and the envelope; old bytes are not kept. */
static enum stp_errc document_reserve(struct stp_bin_document *document, size_t body_bytes,
                                      struct stp_err *err)
{
	size_t needed = body_bytes + STP_ENVELOPE_BYTES;

	document->body_bytes = body_bytes;
	if (needed <= document->capacity)
		return STP_OK;
	free(document->bytes);
	document->capacity = 0;
	/* A quarter more: about every second time the next bin of this slot is a little larger. */
	document->bytes = malloc(needed + needed / 4);
	if (!document->bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", document->name,
		                      "no memory for %zu bytes", needed);
	document->capacity = needed + needed / 4;
	return STP_OK;
}

enum stp_errc stp_bin_group_close_bin(struct stp_bin_group *group, uint32_t bin_index, size_t slot,
                                      uint64_t *out_bytes, struct stp_err *err)
{
	const struct stp_bin_frame *frame = group->frame;
	struct stp_bin_document *document = &group->documents[slot];
	unsigned hash_set = frame->config->hash_set;
	char role[STP_BIN_NAME_BYTES];
	uint64_t started = stp_clock_monotonic_ns();
	size_t targets_bytes;
	uint8_t *at;

	stp_bin_sort(&group->bin);
	targets_bytes = stp_bin_write_bytes(&group->bin, hash_set);
	STP_TRY(
	    document_reserve(document, frame->head_bytes + targets_bytes + frame->tail_bytes, err));
	at = document->bytes + STP_ENVELOPE_HEAD_BYTES;
	memcpy(at, frame->head, frame->head_bytes);
	at = stp_bin_write(&group->bin, hash_set, at + frame->head_bytes);
	memcpy(at, frame->tail, frame->tail_bytes);
	STP_ASSERT(at + frame->tail_bytes ==
	           document->bytes + STP_ENVELOPE_HEAD_BYTES + document->body_bytes);
	stp_bin_name(frame->config, bin_index, role);
	snprintf(document->name, sizeof(document->name), "%llu.%s.json",
	         (unsigned long long)frame->publishing->version, role);
	*out_bytes = document->body_bytes + STP_ENVELOPE_BYTES;
	stp_bin_reset(&group->bin);
	stp_sign_add_seconds(&group->seconds.bins, started);
	return STP_OK;
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum stp_errc audit(const struct stp_bin_group *group, uint32_t first_bin,
                           struct stp_err *err)
{
	const struct stp_bin_frame *frame = group->frame;
	uint32_t i;

	for (i = 0; i < group->bin_count; i++) {
		char role[STP_BIN_NAME_BYTES];

		stp_bin_name(frame->config, first_bin + i, role);
		STP_TRY(stp_audit_add(frame->publishing->audit, frame->now, role,
		                      frame->publishing->version, group->sign_docs[i].covered,
		                      err));
	}
	return STP_OK;
}

enum stp_errc stp_bin_group_seal(struct stp_bin_group *group, uint32_t first_bin, size_t worker,
                                 uint64_t *out_bytes, struct stp_err *err)
{
	uint64_t started = stp_clock_monotonic_ns();
	uint32_t count = group->bin_count;
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct stp_bin_document *document = &group->documents[i];

		group->sign_docs[i].name = document->name;
		group->sign_docs[i].bytes = document->bytes;
		group->sign_docs[i].body_bytes = document->body_bytes;
		group->files[i].name = document->name;
		group->files[i].bytes = document->bytes;
		group->files[i].count = document->body_bytes + STP_ENVELOPE_BYTES;
		bytes += group->files[i].count;
	}
	STP_TRY(stp_sign_batch(group->signer, group->sign_docs, count, err));
	STP_TRY(stp_sign_check_batch(group->signer, group->sign_docs, count, err));
	STP_TRY(audit(group, first_bin, err));
	stp_sign_add_seconds(&group->seconds.sign, started);
	started = stp_clock_monotonic_ns();
	STP_TRY(
	    stp_publish_put(group->frame->publishing->publisher, worker, group->files, count, err));
	stp_sign_add_seconds(&group->seconds.publish, started);
	*out_bytes = bytes;
	return STP_OK;
}
