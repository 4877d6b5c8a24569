/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many whole messages.
 *
 *	short: by number of blocks, tail included ─▶ bucket c ─▶ when it fills the lanes: run
 *	long, and the few left on buckets at the end ─────────▶ a hasher on the stack, drained
 *
 * Millions of paths have two or three blocks each, so buckets are usually full; the messages of one
 * start, run and end together without a queue, and only their last bytes are copied.
 */
#include "hash/hash.h"

#include <string.h>

#include "base/cpu.h"
#include "hash/hasher_state.h"
#include "hash/message.h"
#include "hash/stream.h"

#define BUCKETS          24 /* short: fewer blocks than this, tail included */
#define FLIGHT           48 /* long messages in the hasher: two to three times the lanes */
#define LANES_MAX        STP_HASH_LANES_MAX
#define BLAKE2B(buckets) ((buckets)->alg == STP_ALG_BLAKE2B_256)

struct bucket {
	size_t count;
	size_t index[LANES_MAX];
};

struct buckets {
	enum stp_alg alg;
	const uint8_t *const *messages;
	const size_t *message_bytes;
	uint8_t *digests;
	size_t digest_stride;
	unsigned block_shift; /* blocks are 1 << block_shift bytes: no division for each message */
	size_t lanes;
	struct stp_hash_chain chain;
	struct stp_hash_stream first; /* the start of every message, with the key */
	struct stp_hash_state start;  /* the same in every lane */
	struct bucket bucket[BUCKETS];
};

/* Blocks of message i, tail included, in a keyed message without those of the key. */
static size_t message_blocks(const struct buckets *buckets, size_t bytes)
{
	size_t block = (size_t)1 << buckets->block_shift;

	if (BLAKE2B(buckets))
		return bytes ? (bytes + block - 1) >> buckets->block_shift : 1;
	/* One byte 0x80 and the length field (FIPS 180-4 section 5.1). */
	return (bytes + 1 + block / 8 + block - 1) >> buckets->block_shift;
}

/* Starts a keyed message: the key is a first block of its own (RFC 7693 section 2.5). */
static void stream_keyed(struct stp_hash_stream *stream, const uint8_t *key, size_t key_bytes)
{
	stp_hash_stream_init(stream, STP_ALG_BIT(STP_ALG_BLAKE2B_256));
	stp_message_start(STP_ALG_BLAKE2B_256, key_bytes, stream->blake2b);
	memset(stream->held, 0, sizeof stream->held);
	memcpy(stream->held, key, key_bytes);
	stream->held_bytes = sizeof stream->held;
}

static void start_init(struct buckets *buckets, const uint8_t *key, size_t key_bytes)
{
	struct stp_hash_stream *first = &buckets->first;
	unsigned lane;

	if (key_bytes) {
		stream_keyed(first, key, key_bytes);
		first->held_bytes = 0;
		stp_stream_blocks(first, stp_cpu_features(), first->held, sizeof first->held);
	} else {
		stp_hash_stream_init(first, STP_ALG_BIT(buckets->alg));
	}
	for (lane = 0; lane < buckets->lanes; lane++)
		stp_state_put(&buckets->start, buckets->chain.kernels[0], lane,
		              stp_stream_words(first, buckets->alg), first->bytes_done, 0);
}

/* Gives each lane its last bytes and, with BLAKE2b, the last-block flag. */
static void tails_put(const struct buckets *buckets, const struct bucket *bucket, size_t body,
                      struct stp_hash_state *state, uint8_t tails[][STP_HASH_TAIL_MAX],
                      const uint8_t **data)
{
	size_t lane;

	for (lane = 0; lane < bucket->count; lane++) {
		size_t bytes = buckets->message_bytes[bucket->index[lane]];
		uint64_t total = buckets->first.bytes_done + bytes;

		stp_message_tail(buckets->alg, data[lane] + body, bytes - body, total, tails[lane]);
		data[lane] = tails[lane];
		if (BLAKE2B(buckets)) {
			state->counter[lane] = total - 128;
			state->last[lane] = ~(uint64_t)0;
		}
	}
}

/* Hashes and empties a bucket of messages of the same number of blocks, full or not. */
static void bucket_run(struct buckets *buckets, size_t blocks)
{
	struct bucket *bucket = &buckets->bucket[blocks];
	unsigned live = (unsigned)bucket->count;
	uint8_t tails[LANES_MAX][STP_HASH_TAIL_MAX];
	const uint8_t *data[LANES_MAX];
	struct stp_hash_state state = buckets->start;
	size_t body = SIZE_MAX;
	unsigned lane;

	/* The tail has one or two blocks; the body is the whole blocks that all messages have. */
	for (lane = 0; lane < live; lane++) {
		size_t bytes = buckets->message_bytes[bucket->index[lane]];
		size_t whole = (bytes - (BLAKE2B(buckets) && bytes)) >> buckets->block_shift;

		data[lane] = buckets->messages[bucket->index[lane]];
		if (whole < body)
			body = whole;
	}
	if (body)
		stp_hash_chain_run(&buckets->chain, &state, data, live, body);
	tails_put(buckets, bucket, body << buckets->block_shift, &state, tails, data);
	stp_hash_chain_run(&buckets->chain, &state, data, live, blocks - body);
	for (lane = 0; lane < live; lane++) {
		uint64_t words[STP_HASH_WORDS];

		stp_state_get(&state, buckets->chain.kernels[0], lane, words);
		stp_message_digest(buckets->alg, words,
		                   buckets->digests + bucket->index[lane] * buckets->digest_stride);
	}
	bucket->count = 0;
}

/* A small ring of jobs over a hasher on the stack. */
struct flight {
	struct stp_hasher hasher;
	struct stp_hash_stream streams[FLIGHT];
	struct stp_hash_job jobs[FLIGHT];
	struct stp_hash_job *free;
};

static void flight_init(struct flight *f, enum stp_alg alg)
{
	size_t i;

	stp_hasher_init(&f->hasher, STP_ALG_BIT(alg), stp_cpu_features(), FLIGHT);
	f->free = NULL;
	for (i = 0; i < FLIGHT; i++) {
		f->jobs[i].stream = &f->streams[i];
		f->jobs[i].next = f->free;
		f->free = &f->jobs[i];
	}
}

static void flight_add(struct flight *f, const struct buckets *buckets, size_t i)
{
	struct stp_hash_job *job = f->free;

	if (!job)
		job = stp_hasher_next(&f->hasher, STP_HASHER_DRAIN);
	else
		f->free = job->next;
	*job->stream = buckets->first;
	job->data = buckets->messages[i];
	job->bytes = buckets->message_bytes[i];
	job->final = 1;
	job->digests = buckets->digests + i * buckets->digest_stride;
	stp_hasher_submit(&f->hasher, job);
}

/* Empty messages with a key: the key's block is their last (RFC 7693 section 2.5). */
static void hash_empty(const struct buckets *buckets, size_t i, const uint8_t *key,
                       size_t key_bytes)
{
	struct stp_hash_stream stream;

	stream_keyed(&stream, key, key_bytes);
	stp_stream_absorb(&stream, stp_cpu_features(), NULL, 0, 1,
	                  buckets->digests + i * buckets->digest_stride);
}

static void buckets_init(struct buckets *buckets, enum stp_alg alg, const uint8_t *const *messages,
                         const size_t *message_bytes, uint8_t *digests, size_t digest_stride)
{
	size_t c;

	buckets->alg = alg;
	buckets->messages = messages;
	buckets->message_bytes = message_bytes;
	buckets->digests = digests;
	buckets->digest_stride = digest_stride;
	buckets->block_shift = alg == STP_ALG_SHA256 ? 6 : 7;
	stp_hash_chain_init(&buckets->chain, alg, stp_cpu_features());
	buckets->lanes = buckets->chain.kernels[0]->lanes;
	for (c = 0; c < BUCKETS; c++)
		buckets->bucket[c].count = 0;
}

/* Hashes the long messages, and the short ones that filled no bucket, the largest of those in
 * flight first. */
static void rest_run(struct buckets *buckets, size_t count)
{
	struct flight f;
	size_t c = BUCKETS;
	size_t i;

	flight_init(&f, buckets->alg);
	for (i = 0; i < count; i++)
		if (message_blocks(buckets, buckets->message_bytes[i]) >= BUCKETS)
			flight_add(&f, buckets, i);
	while (c-- > 0)
		for (i = 0; i < buckets->bucket[c].count; i++)
			flight_add(&f, buckets, buckets->bucket[c].index[i]);
	while (stp_hasher_next(&f.hasher, STP_HASHER_DRAIN))
		;
}

void stp_hash_many(enum stp_alg alg, const uint8_t *const *messages, const size_t *message_bytes,
                   size_t count, const uint8_t *key, size_t key_bytes, uint8_t *digests,
                   size_t digest_stride)
{
	struct buckets buckets;
	size_t left = 0;
	size_t c;
	size_t i;

	STP_ASSERT(!key_bytes || (alg == STP_ALG_BLAKE2B_256 && key && key_bytes <= 64));
	buckets_init(&buckets, alg, messages, message_bytes, digests, digest_stride);
	start_init(&buckets, key, key_bytes);
	for (i = 0; i < count; i++) {
		size_t blocks = message_blocks(&buckets, message_bytes[i]);
		struct bucket *bucket = &buckets.bucket[blocks < BUCKETS ? blocks : 0];

		if (key_bytes && !message_bytes[i]) {
			hash_empty(&buckets, i, key, key_bytes);
			continue;
		}
		left++;
		if (blocks >= BUCKETS)
			continue;
		bucket->index[bucket->count++] = i;
		if (bucket->count == buckets.lanes) {
			bucket_run(&buckets, blocks);
			left -= buckets.lanes;
		}
	}
	/* A bucket runs by itself when it is at least half as full as its kernel needs; the others
	 * share lanes. */
	for (c = 1; c < BUCKETS; c++) {
		if (2 * buckets.bucket[c].count >= buckets.chain.kernels[0]->live_min) {
			left -= buckets.bucket[c].count;
			bucket_run(&buckets, c);
		}
	}
	if (left)
		rest_run(&buckets, count);
}
