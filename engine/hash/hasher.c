/* SPDX-License-Identifier: Apache-2.0 */
#include "hash/hash.h"

#include <stdlib.h>

#include "hash/stream.h"

struct stp_hasher {
	unsigned set;
	unsigned features;
	size_t job_count_max;
	size_t in_flight;
	struct stp_hash_job *head;
	struct stp_hash_job **tail;
};

enum stp_errc stp_hasher_create(unsigned set, unsigned features, size_t job_count_max,
                                struct stp_hasher **out_hasher, struct stp_err *err)
{
	struct stp_hasher *hasher = calloc(1, sizeof *hasher);

	if (!hasher)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", "", "cannot allocate a hasher");
	hasher->set = set;
	hasher->features = features;
	hasher->job_count_max = job_count_max;
	hasher->tail = &hasher->head;
	*out_hasher = hasher;
	return STP_OK;
}

void stp_hasher_destroy(struct stp_hasher *hasher)
{
	free(hasher);
}

void stp_hasher_submit(struct stp_hasher *hasher, struct stp_hash_job *job)
{
	STP_ASSERT(hasher->in_flight < hasher->job_count_max);
	STP_ASSERT(job->stream->set == hasher->set);
	STP_ASSERT(job->final || (job->bytes && job->bytes % STP_HASH_PIECE_ALIGN == 0));
	job->next = NULL;
	*hasher->tail = job;
	hasher->tail = &job->next;
	hasher->in_flight++;
}

struct stp_hash_job *stp_hasher_next(struct stp_hasher *hasher, enum stp_hasher_mode mode)
{
	struct stp_hash_job *job = hasher->head;

	(void)mode; /* one lane: any job feeds it */
	if (!job)
		return NULL;
	hasher->head = job->next;
	if (!hasher->head)
		hasher->tail = &hasher->head;
	hasher->in_flight--;
	stp_stream_absorb(job->stream, hasher->features, job->data, job->bytes, job->final,
	                  job->digests);
	return job;
}

size_t stp_hasher_in_flight(const struct stp_hasher *hasher)
{
	return hasher->in_flight;
}

size_t stp_hasher_lane_count(const struct stp_hasher *hasher)
{
	(void)hasher;
	return 1;
}
