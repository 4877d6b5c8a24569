/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a byte string as a schedule over a hasher and compares every digest with that of the scalar
 * reference.
 *
 *	script:  features · set · depth · op op op …     open a message | next fed | next drain
 *
 * Shape      any bytes; after their end, zeros follow and open messages are drained.
 * Memory     static.
 * Ownership  none.
 * Threads    one.
 */
#ifndef STP_TESTS_HASHER_SCRIPT_H
#define STP_TESTS_HASHER_SCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "hash/hash.h"
#include "hash/stream.h"

#define SCRIPT_STREAMS    48
#define SCRIPT_TEXT_BYTES (48 * 1024)

struct script {
	const uint8_t *bytes;
	size_t left;
};

struct script_message {
	struct stp_hash_stream stream;
	struct stp_hash_job job;
	const uint8_t *data;
	size_t bytes;
	size_t at; /* bytes submitted */
	int open;
	uint8_t digests[32 + 64 + 32 + 1];
};

struct script_run {
	struct script script;
	struct stp_hasher *hasher;
	unsigned set;
	size_t checked;
	struct script_message messages[SCRIPT_STREAMS];
};

static uint8_t script_text[SCRIPT_TEXT_BYTES];

static unsigned script_next(struct script *script)
{
	if (!script->left)
		return 0;
	script->left--;
	return *script->bytes++;
}

/* Fills the text that messages are cut from; xorshift64 (Marsaglia 2003), any seed but 0. */
static void script_text_init(uint64_t seed)
{
	size_t i;

	for (i = 0; i < SCRIPT_TEXT_BYTES; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		script_text[i] = (uint8_t)(seed >> 32);
	}
}

/* Every set of features of this machine, by number. */
static unsigned script_features(unsigned choice)
{
	static const unsigned sets[] = {
	    ~0u,
	    ~(STP_CPU_AVX512),
	    ~(STP_CPU_AVX512 | STP_CPU_SHANI),
	    ~(STP_CPU_AVX512 | STP_CPU_AVX2),
	    STP_CPU_SINGLE,
	    STP_CPU_AVX512,
	    STP_CPU_AVX2,
	    0,
	};

	return sets[choice % (sizeof sets / sizeof sets[0])] & stp_cpu_features();
}

/* The next chunk: all that is left, or some of it; a whole end may come as an empty last chunk. */
static void script_submit(struct script_run *run, struct script_message *m)
{
	size_t left = m->bytes - m->at;
	unsigned choice = script_next(&run->script);
	size_t chunk = (size_t)STP_HASH_CHUNK_ALIGN * (1 + (choice >> 2));

	memset(&m->job, 0, sizeof m->job);
	m->job.stream = &m->stream;
	m->job.data = m->data + m->at;
	m->job.final = chunk > left || (choice & 3) == 0;
	m->job.bytes = m->job.final ? left : chunk;
	m->job.digests = m->digests;
	m->at += m->job.bytes;
	stp_hasher_submit(run->hasher, &m->job);
}

static void script_open(struct script_run *run)
{
	struct script_message *m = run->messages;
	unsigned kind = script_next(&run->script);
	size_t a = script_next(&run->script);
	size_t b = script_next(&run->script);

	while (m < run->messages + SCRIPT_STREAMS && m->open)
		m++;
	if (m == run->messages + SCRIPT_STREAMS)
		return;
	m->open = 1;
	m->at = 0;
	m->bytes = kind % 16 == 0 ? a << 6 | (b & 63) : kind % 4 == 0 ? 16 * a : a + (b & 64);
	m->data = script_text + b * 97 + (kind >> 4);
	m->digests[stp_alg_set_digest_bytes(run->set)] = 0xe5;
	stp_hash_stream_init(&m->stream, run->set);
	script_submit(run, m);
}

/* Aborts when a digest is wrong, or the byte behind the digests was written. */
static void script_check(struct script_run *run, struct script_message *m)
{
	size_t bytes = stp_alg_set_digest_bytes(run->set);
	struct stp_hash_stream oracle;
	uint8_t want[32 + 64 + 32];

	stp_hash_stream_init(&oracle, run->set);
	stp_stream_absorb(&oracle, 0, m->data, m->bytes, 1, want);
	if (memcmp(want, m->digests, bytes) != 0 || m->digests[bytes] != 0xe5 ||
	    m->stream.bytes_done != m->bytes)
		abort();
	m->open = 0;
	run->checked++;
}

static int script_take(struct script_run *run, enum stp_hasher_mode mode)
{
	struct stp_hash_job *job = stp_hasher_next(run->hasher, mode);
	size_t i;

	if (!job)
		return 0;
	for (i = 0; i < SCRIPT_STREAMS; i++)
		if (&run->messages[i].job == job)
			break;
	if (i == SCRIPT_STREAMS || !run->messages[i].open)
		abort();
	if (job->final)
		script_check(run, &run->messages[i]);
	else
		script_submit(run, &run->messages[i]);
	return 1;
}

/* Returns the number of messages checked; aborts at the first difference. */
static size_t script_play(const uint8_t *bytes, size_t count)
{
	static struct script_run run;
	unsigned features;
	size_t depth;

	memset(&run, 0, sizeof run);
	run.script.bytes = bytes;
	run.script.left = count;
	features = script_features(script_next(&run.script));
	run.set = 1 + script_next(&run.script) % 7;
	depth = 1 + script_next(&run.script) % SCRIPT_STREAMS;
	if (stp_hasher_create(run.set, features, depth, &run.hasher, NULL) != STP_OK)
		abort();
	while (run.script.left) {
		unsigned op = script_next(&run.script);

		if (op % 8 == 0)
			script_take(&run, STP_HASHER_DRAIN);
		else if (op % 8 < 3 || stp_hasher_in_flight(run.hasher) == depth)
			script_take(&run, STP_HASHER_FED);
		else
			script_open(&run);
	}
	while (script_take(&run, STP_HASHER_DRAIN))
		;
	if (stp_hasher_in_flight(run.hasher) != 0)
		abort();
	stp_hasher_destroy(run.hasher);
	return run.checked;
}

#endif
