/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lane scheduler.
 *
 *	submit ─▶ queue ─▶ slot ───────────── body ─────────────▶ tail batch ─▶ done ─▶ next
 *	          by size   │  lane s of every algorithm's state      │
 *	                    └── not final: words back to the stream ──┴────────▶ done
 *
 * A slot is one lane of every algorithm of the set. All live slots advance together by the blocks
 * the shortest of them has left; then only the words of that one are copied out, and the next job
 * gets its lane: the others stay where they are, in the kernels' own layout. With more than one
 * algorithm a step is cut to a quantum, so that the bytes are still in the second-level cache for
 * the next one.
 *
 * Live slots are always [0, live): when the queue is empty the last one moves into the hole, so
 * that groups of lanes stay full and the ragged end is in one place, where lanes.c picks narrower
 * kernels for it.
 *
 * Padding differs from algorithm to algorithm and would break the step, so the last bytes of a
 * message wait until a batch of them fills the lanes once more.
 *
 * With STP_HASHER_FED, jobs start in order of arrival. While draining, the largest chunk goes
 * first, because the ragged end is as long as the chunk that starts last.
 */
#include "hash/hash.h"

#include <stdlib.h>
#include <string.h>

#include "hash/hasher_state.h"
#include "hash/stream.h"

/* 16 lanes × 16 KiB = 256 KiB: an eighth of a second-level cache, long runs for the kernels. */
#define QUANTUM_UNITS (16 * 1024 / STP_HASH_CHUNK_ALIGN)

void stp_hasher_init(struct stp_hasher *hasher, unsigned set, unsigned features,
                     size_t job_count_max)
{
	size_t group = 0;
	size_t i;
	int alg;

	STP_ASSERT(set != 0 && set < 1u << STP_ALG_COUNT && job_count_max != 0);
	memset(hasher, 0, offsetof(struct stp_hasher, states));
	hasher->set = set;
	hasher->features = features;
	hasher->job_count_max = job_count_max;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		struct stp_hash_engine *e = &hasher->engines[hasher->engine_count];

		if (!(set & STP_ALG_BIT(alg)))
			continue;
		e->alg = (enum stp_alg)alg;
		stp_hash_chain_init(&e->chain, e->alg, features);
		if (e->chain.kernels[0]->lanes > hasher->slot_count)
			hasher->slot_count = e->chain.kernels[0]->lanes;
		hasher->engine_count++;
	}
	for (i = 0; i < hasher->engine_count; i++) {
		hasher->engines[i].groups = hasher->states + group;
		group += hasher->slot_count / hasher->engines[i].chain.kernels[0]->lanes;
	}
	STP_ASSERT(group <= STP_HASH_GROUPS_MAX);
	memset(hasher->states, 0, group * sizeof hasher->states[0]);
	hasher->lanes_busy = &hasher->unwatched;
	hasher->quantum = hasher->engine_count > 1 ? QUANTUM_UNITS : SIZE_MAX;
}

enum stp_errc stp_hasher_create(unsigned set, unsigned features, size_t job_count_max,
                                struct stp_hasher **out_hasher, struct stp_err *err)
{
	struct stp_hasher *hasher = aligned_alloc(_Alignof(struct stp_hasher), sizeof *hasher);

	if (!hasher)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", "", "cannot allocate a hasher");
	stp_hasher_init(hasher, set, features, job_count_max);
	*out_hasher = hasher;
	return STP_OK;
}

void stp_hasher_destroy(struct stp_hasher *hasher)
{
	free(hasher);
}

void stp_hasher_watch(struct stp_hasher *hasher, atomic_uint *lanes_busy)
{
	hasher->lanes_busy = lanes_busy;
}

size_t stp_hasher_slot_count(const struct stp_hasher *hasher)
{
	return hasher->slot_count;
}

size_t stp_hasher_in_flight(const struct stp_hasher *hasher)
{
	return hasher->in_flight;
}

size_t stp_hasher_lane_count(const struct stp_hasher *hasher)
{
	/* As many more may wait with their last bytes. */
	return 2 * hasher->slot_count;
}

/* Updates the watched number. A plain store: only the thread that hashes writes it. */
static void set_busy(struct stp_hasher *hasher, size_t lanes)
{
	atomic_store_explicit(hasher->lanes_busy, (unsigned)lanes, memory_order_relaxed);
}

static void queue_push(struct stp_hash_queue *queue, struct stp_hash_job *job)
{
	job->next = NULL;
	if (queue->head)
		queue->last->next = job;
	else
		queue->head = job;
	queue->last = job;
}

static struct stp_hash_job *queue_pop(struct stp_hash_queue *queue)
{
	struct stp_hash_job *job = queue->head;

	if (job)
		queue->head = job->next;
	return job;
}

/* The class of a job: the number of binary digits of its units. */
static unsigned job_class(const struct stp_hash_job *job)
{
	unsigned long long units = job->bytes / STP_HASH_CHUNK_ALIGN;
	unsigned c = units ? 64 - (unsigned)__builtin_clzll(units) : 0;

	return c < STP_HASH_CLASSES ? c : STP_HASH_CLASSES - 1;
}

void stp_hasher_submit(struct stp_hasher *hasher, struct stp_hash_job *job)
{
	unsigned c = job_class(job);

	STP_ASSERT(hasher->in_flight < hasher->job_count_max);
	STP_ASSERT(job->stream->set == hasher->set);
	STP_ASSERT(job->final || (job->bytes && job->bytes % STP_HASH_CHUNK_ALIGN == 0));
	job->state = hasher->sequence++;
	queue_push(&hasher->queue[c], job);
	hasher->classes_used |= (uint64_t)1 << c;
	hasher->in_flight++;
}

/* The class whose first job arrived first; numbers may wrap, so their differences are compared. */
static unsigned oldest_class(const struct stp_hasher *hasher)
{
	uint64_t left = hasher->classes_used;
	unsigned oldest = (unsigned)__builtin_ctzll(left);

	while ((left &= left - 1)) {
		unsigned c = (unsigned)__builtin_ctzll(left);
		unsigned later = hasher->queue[oldest].head->state - hasher->queue[c].head->state;

		if (later < ~0u / 2)
			oldest = c;
	}
	return oldest;
}

static struct stp_hash_job *take_job(struct stp_hasher *hasher, enum stp_hasher_mode mode)
{
	struct stp_hash_job *job;
	unsigned c;

	if (!hasher->classes_used)
		return NULL;
	c = mode == STP_HASHER_DRAIN ? 63 - (unsigned)__builtin_clzll(hasher->classes_used)
	                             : oldest_class(hasher);
	job = queue_pop(&hasher->queue[c]);
	if (!hasher->queue[c].head)
		hasher->classes_used &= ~((uint64_t)1 << c);
	return job;
}

/* The state and lane of slot s in engine e. */
static struct stp_hash_state *lane_of(struct stp_hash_engine *e, size_t s, unsigned *lane)
{
	unsigned lanes = e->chain.kernels[0]->lanes;

	*lane = (unsigned)(s % lanes);
	return &e->groups[s / lanes];
}

static void slot_put(struct stp_hasher *hasher, size_t s, struct stp_hash_stream *stream)
{
	size_t i;

	for (i = 0; i < hasher->engine_count; i++) {
		struct stp_hash_engine *e = &hasher->engines[i];
		unsigned lane;
		struct stp_hash_state *state = lane_of(e, s, &lane);

		stp_state_put(state, e->chain.kernels[0], lane, stp_stream_words(stream, e->alg),
		              stream->bytes_done, 0);
	}
}

static void slot_get(struct stp_hasher *hasher, size_t s, struct stp_hash_stream *stream)
{
	size_t i;

	for (i = 0; i < hasher->engine_count; i++) {
		struct stp_hash_engine *e = &hasher->engines[i];
		unsigned lane;
		struct stp_hash_state *state = lane_of(e, s, &lane);

		stp_state_get(state, e->chain.kernels[0], lane, stp_stream_words(stream, e->alg));
	}
}

static void slot_move(struct stp_hasher *hasher, size_t from, size_t to)
{
	size_t i;

	for (i = 0; i < hasher->engine_count; i++) {
		struct stp_hash_engine *e = &hasher->engines[i];
		unsigned from_lane;
		unsigned to_lane;
		struct stp_hash_state *source = lane_of(e, from, &from_lane);
		struct stp_hash_state *target = lane_of(e, to, &to_lane);

		stp_hash_lane_copy(e->chain.kernels[0], source, from_lane, e->chain.kernels[0],
		                   target, to_lane);
	}
	hasher->slots[to] = hasher->slots[from];
}

/* The last bytes of a final job: those held back when it is empty, otherwise those behind its
 * body. */
static const uint8_t *rest_of(const struct stp_hash_job *job, size_t *rest_bytes)
{
	size_t body = stp_stream_body_bytes(job->stream, job->bytes);

	if (!job->bytes && job->stream->held_bytes) {
		*rest_bytes = job->stream->held_bytes;
		return job->stream->held;
	}
	*rest_bytes = job->bytes - body;
	return job->data + body;
}

/* Writes the digests that engine e has finished after step blocks. */
static void tails_finish(struct stp_hasher *hasher, struct stp_hash_engine *e,
                         const struct stp_hash_state *state, size_t first, size_t count,
                         const size_t *blocks, size_t step)
{
	size_t offset = stp_alg_set_offset(hasher->set, e->alg);
	uint64_t words[STP_HASH_WORDS];
	size_t i;

	for (i = 0; i < count; i++) {
		if (blocks[i] != step)
			continue;
		stp_state_get(state, e->chain.kernels[0], (unsigned)i, words);
		stp_message_digest(e->alg, words, hasher->tails[first + i]->digests + offset);
	}
}

/* Tails [first, first + count), at most one group of lanes, with one algorithm. */
static void tails_run(struct stp_hasher *hasher, struct stp_hash_engine *e, size_t first,
                      size_t count)
{
	uint8_t tails[STP_HASH_LANES_MAX][STP_HASH_TAIL_MAX];
	const uint8_t *data[STP_HASH_LANES_MAX];
	size_t blocks[STP_HASH_LANES_MAX];
	struct stp_hash_state state;
	size_t steps = 0;
	size_t step;
	size_t i;

	for (i = 0; i < count; i++) {
		struct stp_hash_stream *stream = hasher->tails[first + i]->stream;
		size_t rest_bytes;
		const uint8_t *rest = rest_of(hasher->tails[first + i], &rest_bytes);
		uint64_t total = stream->bytes_done + rest_bytes;

		blocks[i] = stp_message_tail(e->alg, rest, rest_bytes, total, tails[i]);
		stp_state_put(&state, e->chain.kernels[0], (unsigned)i,
		              stp_stream_words(stream, e->alg), total - 128, ~(uint64_t)0);
		data[i] = tails[i];
		if (blocks[i] > steps)
			steps = blocks[i];
	}
	for (step = 1; step <= steps; step++) {
		stp_hash_chain_run(&e->chain, &state, data, (unsigned)count, 1);
		tails_finish(hasher, e, &state, first, count, blocks, step);
		for (i = 0; i < count; i++)
			data[i] += step < blocks[i] ? stp_alg_block_bytes(e->alg) : 0;
	}
}

static void tails_flush(struct stp_hasher *hasher)
{
	size_t i;
	size_t first;

	set_busy(hasher, hasher->tail_count);
	for (i = 0; i < hasher->engine_count; i++) {
		size_t lanes = hasher->engines[i].chain.kernels[0]->lanes;

		for (first = 0; first < hasher->tail_count; first += lanes) {
			size_t left = hasher->tail_count - first;

			tails_run(hasher, &hasher->engines[i], first, left < lanes ? left : lanes);
		}
	}
	set_busy(hasher, 0);
	for (i = 0; i < hasher->tail_count; i++) {
		size_t rest_bytes;

		rest_of(hasher->tails[i], &rest_bytes);
		hasher->tails[i]->stream->bytes_done += rest_bytes;
		queue_push(&hasher->done, hasher->tails[i]);
	}
	hasher->tail_count = 0;
}

/* A job whose body has been hashed into its stream's words. */
static void body_done(struct stp_hasher *hasher, struct stp_hash_job *job)
{
	struct stp_hash_stream *stream = job->stream;
	size_t body = stp_stream_body_bytes(stream, job->bytes);

	stream->bytes_done += body;
	if (job->final) {
		hasher->tails[hasher->tail_count++] = job;
		if (hasher->tail_count == hasher->slot_count)
			tails_flush(hasher);
		return;
	}
	if (body != job->bytes) {
		memcpy(stream->held, job->data + body, job->bytes - body);
		stream->held_bytes = (unsigned)(job->bytes - body);
	}
	queue_push(&hasher->done, job);
}

/* Gives slot s to the next queued job that has a body; 0 when there is none. */
static int slot_fill(struct stp_hasher *hasher, size_t s, enum stp_hasher_mode mode)
{
	struct stp_hash_slot *slot = &hasher->slots[s];
	struct stp_hash_job *job;

	while ((job = take_job(hasher, mode))) {
		struct stp_hash_stream *stream = job->stream;
		size_t body = stp_stream_body_bytes(stream, job->bytes);

		if (job->bytes && stream->held_bytes) {
			stream->held_bytes = 0;
			stp_stream_blocks(stream, hasher->features, stream->held,
			                  STP_HASH_CHUNK_ALIGN);
		}
		if (body) {
			slot->job = job;
			slot->data = job->data;
			slot->left = body / STP_HASH_CHUNK_ALIGN;
			slot_put(hasher, s, stream);
			return 1;
		}
		body_done(hasher, job);
	}
	return 0;
}

/* Hashes units from every live slot with one algorithm. */
static void engine_run(struct stp_hasher *hasher, struct stp_hash_engine *e, size_t units)
{
	size_t lanes = e->chain.kernels[0]->lanes;
	size_t blocks = units * (STP_HASH_CHUNK_ALIGN / stp_alg_block_bytes(e->alg));
	const uint8_t *data[STP_HASH_LANES_MAX];
	size_t first;
	size_t i;

	STP_ASSERT(lanes != 0);
	for (first = 0; first < hasher->live; first += lanes) {
		size_t count = hasher->live - first < lanes ? hasher->live - first : lanes;

		for (i = 0; i < count; i++)
			data[i] = hasher->slots[first + i].data;
		stp_hash_chain_run(&e->chain, &e->groups[first / lanes], data, (unsigned)count,
		                   blocks);
	}
}

/* Removes the finished job from slot s and fills the hole: from the queue, otherwise with the last
 * slot. */
static void slot_end(struct stp_hasher *hasher, size_t s, enum stp_hasher_mode mode)
{
	struct stp_hash_job *job = hasher->slots[s].job;

	slot_get(hasher, s, job->stream);
	if (!slot_fill(hasher, s, mode)) {
		hasher->live--;
		if (s != hasher->live)
			slot_move(hasher, hasher->live, s);
	}
	body_done(hasher, job);
}

/* Advances all live slots to where the first of them ends, or by a quantum. */
static void step(struct stp_hasher *hasher, enum stp_hasher_mode mode)
{
	size_t units = hasher->quantum;
	size_t s;

	for (s = 0; s < hasher->live; s++)
		if (hasher->slots[s].left < units)
			units = hasher->slots[s].left;
	set_busy(hasher, hasher->live);
	for (s = 0; s < hasher->engine_count; s++)
		engine_run(hasher, &hasher->engines[s], units);
	set_busy(hasher, 0);
	for (s = 0; s < hasher->live; s++) {
		hasher->slots[s].data += units * STP_HASH_CHUNK_ALIGN;
		hasher->slots[s].left -= units;
	}
	/* From the end, so that a slot moved into a hole has been checked already. */
	for (s = hasher->live; s-- > 0;)
		if (!hasher->slots[s].left)
			slot_end(hasher, s, mode);
}

struct stp_hash_job *stp_hasher_next(struct stp_hasher *hasher, enum stp_hasher_mode mode)
{
	for (;;) {
		struct stp_hash_job *job = queue_pop(&hasher->done);

		if (job) {
			hasher->in_flight--;
			return job;
		}
		while (hasher->live < hasher->slot_count && slot_fill(hasher, hasher->live, mode))
			hasher->live++;
		if (hasher->done.head)
			continue;
		if (hasher->live < hasher->slot_count && mode == STP_HASHER_FED &&
		    hasher->in_flight < hasher->job_count_max)
			return NULL;
		if (hasher->live)
			step(hasher, mode);
		else if (hasher->tail_count)
			tails_flush(hasher);
		else
			return NULL;
	}
}
