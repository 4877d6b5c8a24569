/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many whole messages.
 *
 *	short: by number of blocks, tail included ─▶ shelf c ─▶ when it fills the lanes: run
 *	long, and the few left on shelves at the end ─────────▶ a hasher of our own, drained
 *
 * Millions of paths have two or three blocks each, so a full shelf is the rule; its messages start,
 * run and end together without a queue, and only their last bytes are copied.
 */
#include "hash/hash.h"

#include <string.h>

#include "base/cpu.h"
#include "hash/hasher_state.h"
#include "hash/message.h"
#include "hash/stream.h"

#define SHELVES     24 /* short: fewer blocks than this, tail included */
#define FLIGHT      48 /* long messages in the hasher: two to three times the lanes */
#define LANES_MAX   STP_HASH_LANES_MAX
#define BLAKE2B(sh) ((sh)->alg == STP_ALG_BLAKE2B_256)

struct shelf {
	size_t count;
	size_t index[LANES_MAX];
};

struct shelves {
	enum stp_alg alg;
	const uint8_t *const *messages;
	const size_t *message_bytes;
	uint8_t *digests;
	size_t digest_stride;
	unsigned block_shift; /* blocks are 1 << block_shift bytes: no division for each message */
	size_t lanes;
	struct stp_hash_chain chain;
	struct stp_hash_stream first; /* what every message starts from: the key is in it */
	struct stp_hash_state start;  /* the same in every lane */
	struct shelf shelf[SHELVES];
};

/* Blocks of message i, tail included, in a keyed message without those of the key. */
static size_t message_blocks(const struct shelves *sh, size_t bytes)
{
	size_t block = (size_t)1 << sh->block_shift;

	if (BLAKE2B(sh))
		return bytes ? (bytes + block - 1) >> sh->block_shift : 1;
	/* One byte 0x80 and the length field (FIPS 180-4 section 5.1). */
	return (bytes + 1 + block / 8 + block - 1) >> sh->block_shift;
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

static void start_init(struct shelves *sh, const uint8_t *key, size_t key_bytes)
{
	struct stp_hash_stream *first = &sh->first;
	unsigned lane;

	if (key_bytes) {
		stream_keyed(first, key, key_bytes);
		first->held_bytes = 0;
		stp_stream_blocks(first, stp_cpu_features(), first->held, sizeof first->held);
	} else {
		stp_hash_stream_init(first, STP_ALG_BIT(sh->alg));
	}
	for (lane = 0; lane < sh->lanes; lane++)
		stp_state_put(&sh->start, sh->chain.kernels[0], lane,
		              stp_stream_words(first, sh->alg), first->bytes_done, 0);
}

/* Gives each lane its last bytes and, with BLAKE2b, the mark of the last block. */
static void tails_put(const struct shelves *sh, const struct shelf *shelf, size_t body,
                      struct stp_hash_state *state, uint8_t tails[][STP_HASH_TAIL_MAX],
                      const uint8_t **data)
{
	size_t lane;

	for (lane = 0; lane < shelf->count; lane++) {
		size_t bytes = sh->message_bytes[shelf->index[lane]];
		uint64_t total = sh->first.bytes_done + bytes;

		stp_message_tail(sh->alg, data[lane] + body, bytes - body, total, tails[lane]);
		data[lane] = tails[lane];
		if (BLAKE2B(sh)) {
			state->counter[lane] = total - 128;
			state->last[lane] = ~(uint64_t)0;
		}
	}
}

/* Hashes and empties a shelf of messages of the same number of blocks, full or not. */
static void shelf_run(struct shelves *sh, size_t blocks)
{
	struct shelf *shelf = &sh->shelf[blocks];
	unsigned live = (unsigned)shelf->count;
	uint8_t tails[LANES_MAX][STP_HASH_TAIL_MAX];
	const uint8_t *data[LANES_MAX];
	struct stp_hash_state state = sh->start;
	size_t body = SIZE_MAX;
	unsigned lane;

	/* The tail has one or two blocks; the body, then, is what all have. */
	for (lane = 0; lane < live; lane++) {
		size_t bytes = sh->message_bytes[shelf->index[lane]];
		size_t whole = (bytes - (BLAKE2B(sh) && bytes)) >> sh->block_shift;

		data[lane] = sh->messages[shelf->index[lane]];
		if (whole < body)
			body = whole;
	}
	if (body)
		stp_hash_chain_run(&sh->chain, &state, data, live, body);
	tails_put(sh, shelf, body << sh->block_shift, &state, tails, data);
	stp_hash_chain_run(&sh->chain, &state, data, live, blocks - body);
	for (lane = 0; lane < live; lane++) {
		uint64_t words[STP_HASH_WORDS];

		stp_state_get(&state, sh->chain.kernels[0], lane, words);
		stp_message_digest(sh->alg, words,
		                   sh->digests + shelf->index[lane] * sh->digest_stride);
	}
	shelf->count = 0;
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

static void flight_add(struct flight *f, const struct shelves *sh, size_t i)
{
	struct stp_hash_job *job = f->free;

	if (!job)
		job = stp_hasher_next(&f->hasher, STP_HASHER_DRAIN);
	else
		f->free = job->next;
	*job->stream = sh->first;
	job->data = sh->messages[i];
	job->bytes = sh->message_bytes[i];
	job->final = 1;
	job->digests = sh->digests + i * sh->digest_stride;
	stp_hasher_submit(&f->hasher, job);
}

/* Messages without bytes but with a key: the key's block is their last (RFC 7693 section 2.5). */
static void hash_empty(const struct shelves *sh, size_t i, const uint8_t *key, size_t key_bytes)
{
	struct stp_hash_stream stream;

	stream_keyed(&stream, key, key_bytes);
	stp_stream_absorb(&stream, stp_cpu_features(), NULL, 0, 1,
	                  sh->digests + i * sh->digest_stride);
}

static void shelves_init(struct shelves *sh, enum stp_alg alg, const uint8_t *const *messages,
                         const size_t *message_bytes, uint8_t *digests, size_t digest_stride)
{
	size_t c;

	sh->alg = alg;
	sh->messages = messages;
	sh->message_bytes = message_bytes;
	sh->digests = digests;
	sh->digest_stride = digest_stride;
	sh->block_shift = alg == STP_ALG_SHA256 ? 6 : 7;
	stp_hash_chain_init(&sh->chain, alg, stp_cpu_features());
	sh->lanes = sh->chain.kernels[0]->lanes;
	for (c = 0; c < SHELVES; c++)
		sh->shelf[c].count = 0;
}

/* Hashes the long messages, and short ones that fill no shelf, largest first as far as it sees. */
static void rest_run(struct shelves *sh, size_t count)
{
	struct flight f;
	size_t c = SHELVES;
	size_t i;

	flight_init(&f, sh->alg);
	for (i = 0; i < count; i++)
		if (message_blocks(sh, sh->message_bytes[i]) >= SHELVES)
			flight_add(&f, sh, i);
	while (c-- > 0)
		for (i = 0; i < sh->shelf[c].count; i++)
			flight_add(&f, sh, sh->shelf[c].index[i]);
	while (stp_hasher_next(&f.hasher, STP_HASHER_DRAIN))
		;
}

void stp_hash_many(enum stp_alg alg, const uint8_t *const *messages, const size_t *message_bytes,
                   size_t count, const uint8_t *key, size_t key_bytes, uint8_t *digests,
                   size_t digest_stride)
{
	struct shelves sh;
	size_t left = 0;
	size_t c;
	size_t i;

	STP_ASSERT(!key_bytes || (alg == STP_ALG_BLAKE2B_256 && key && key_bytes <= 64));
	shelves_init(&sh, alg, messages, message_bytes, digests, digest_stride);
	start_init(&sh, key, key_bytes);
	for (i = 0; i < count; i++) {
		size_t blocks = message_blocks(&sh, message_bytes[i]);
		struct shelf *shelf = &sh.shelf[blocks < SHELVES ? blocks : 0];

		if (key_bytes && !message_bytes[i]) {
			hash_empty(&sh, i, key, key_bytes);
			continue;
		}
		left++;
		if (blocks >= SHELVES)
			continue;
		shelf->index[shelf->count++] = i;
		if (shelf->count == sh.lanes) {
			shelf_run(&sh, blocks);
			left -= sh.lanes;
		}
	}
	/* A shelf at least half as full as pays for itself; the others share lanes. */
	for (c = 1; c < SHELVES; c++) {
		if (2 * sh.shelf[c].count >= sh.chain.kernels[0]->live_min) {
			left -= sh.shelf[c].count;
			shelf_run(&sh, c);
		}
	}
	if (left)
		rest_run(&sh, count);
}
