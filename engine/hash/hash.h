/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash/: buffers → digests, for many messages at once, one per SIMD lane.
 *
 *	job ─▶ stp_hasher_submit() ─▶ [queue] ─▶ lanes ─▶ stp_hasher_next() ─▶ job done
 *
 * A TUF hash is serial within one file, so speed comes from hashing many files side by side. The
 * hasher accepts chunks of many streams in any order of arrival and keeps all lanes busy: with
 * STP_HASHER_FED it hashes only while every lane has work, with STP_HASHER_DRAIN it finishes
 * everything that it has, the ragged end by the fastest narrower kernels. All algorithms of the set
 * run over a chunk while it is in cache.
 *
 * Shape      a stream is one message; its chunks are submitted in order, one in flight at a time.
 *            Every chunk but the last is a multiple of STP_HASH_CHUNK_ALIGN bytes, not empty.
 * Memory     stp_hasher_create() allocates everything; submit and next allocate nothing.
 * Ownership  job, stream and data stay the caller's and must live until next() returns the job.
 * Threads    one hasher per thread. stp_hash_many() and stp_hash_one() from any thread.
 */
#ifndef STP_HASH_HASH_H
#define STP_HASH_HASH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stampede/alg.h"

/* A multiple of every algorithm's block. */
#define STP_HASH_CHUNK_ALIGN 128

/* One message being hashed with every algorithm of set. Plain data: may be copied while no chunk
 * of it is in flight. */
struct stp_hash_stream {
	uint64_t bytes_done;
	unsigned set; /* STP_ALG_BIT()s */
	unsigned held_bytes;
	uint32_t sha256[8];
	uint64_t sha512[8];
	uint64_t blake2b[8];
	/* BLAKE2b must not compress what may be the last block */
	uint8_t held[STP_HASH_CHUNK_ALIGN];
};

/* Starts a message. set must not be empty. */
void stp_hash_stream_init(struct stp_hash_stream *stream, unsigned set);

struct stp_hash_job {
	struct stp_hash_stream *stream;
	const uint8_t *data;
	size_t bytes;
	int final; /* last chunk: any length, even 0; digests is written */
	/* Out, final only: stp_alg_set_digest_bytes(set) bytes, packed in enum order. */
	uint8_t *digests;
	void *user; /* the caller's */
	/* Below: used by the hasher while the job is in flight. */
	struct stp_hash_job *next;
	unsigned state;
};

enum stp_hasher_mode {
	STP_HASHER_FED,   /* return NULL rather than run with an empty lane */
	STP_HASHER_DRAIN, /* hash until nothing is left */
};

struct stp_hasher;

/* A hasher for streams of exactly this set. features is a subset of stp_cpu_features() (tests pass
 * fewer; 0 is the portable scalar reference). job_count_max bounds jobs in flight. */
enum stp_errc stp_hasher_create(unsigned set, unsigned features, size_t job_count_max,
                                struct stp_hasher **out_hasher, struct stp_err *err) STP_MUST_CHECK;
void stp_hasher_destroy(struct stp_hasher *hasher);

/* Adds a chunk; at most job_count_max may be in flight (asserted). Hashes nothing yet. */
void stp_hasher_submit(struct stp_hasher *hasher, struct stp_hash_job *job);

/* The next finished job in any order, hashing as mode allows; NULL when there is none. With
 * STP_HASHER_FED, a hasher that holds job_count_max jobs hashes even with empty lanes, since no
 * more jobs can be submitted. */
struct stp_hash_job *stp_hasher_next(struct stp_hasher *hasher, enum stp_hasher_mode mode);

/* Shows others how many lanes are hashing: *lanes_busy is their number during each kernel call and
 * 0 between calls, so that its mean over many samples is the utilization of the lanes, waiting
 * included. Relaxed stores by the hasher's thread only; give each hasher a cache line of its own.
 * It must outlive the hasher. */
void stp_hasher_watch(struct stp_hasher *hasher, atomic_uint *lanes_busy);

/* Lanes that a kernel call can keep busy: the largest number that is stored for
 * stp_hasher_watch(). */
size_t stp_hasher_slot_count(const struct stp_hasher *hasher);

/* Jobs submitted and not yet returned. */
size_t stp_hasher_in_flight(const struct stp_hasher *hasher);

/* The number of chunks that keep every lane of every kernel in use busy: feed at least that
 * many. */
size_t stp_hasher_lane_count(const struct stp_hasher *hasher);

/* Digests of count whole messages with one algorithm, over the lanes: digest of message i goes to
 * digests + i * digest_stride. key (blake2b only, key_bytes 1 … 64, else NULL and 0) keys every
 * message (RFC 7693 section 2.5). Used for paths, signatures and block seals. */
void stp_hash_many(enum stp_alg alg, const uint8_t *const *messages, const size_t *message_bytes,
                   size_t count, const uint8_t *key, size_t key_bytes, uint8_t *digests,
                   size_t digest_stride);

/* Digest of one message by the fastest single-stream kernel of this CPU. */
void stp_hash_one(enum stp_alg alg, const void *message, size_t message_bytes, uint8_t *digest);

/* Name of the kernel in use for alg with features, such as "avx512 x8"; static string. */
const char *stp_hash_kernel_name(enum stp_alg alg, unsigned features);

#endif
