/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: compression functions over one or many lanes, behind one const table, best first.
 *
 *	data[0] ──▶ lane 0 ┐
 *	data[1] ──▶ lane 1 ├─ block_count blocks each ─▶ state (word w of lane l at w * lanes + l)
 *	  …                ┘
 *
 * A kernel knows nothing of messages: padding, counters and digests are up to message.h, filling
 * lanes is up to the hasher.
 *
 * Shape      lanes messages advance together by block_count whole blocks.
 * Memory     none; the state is the caller's and 64-byte aligned.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_HASH_KERNEL_H
#define STP_HASH_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/alg.h"

/* To put above a loop: arrays of vectors stay in registers only when the loop is unrolled early, at
 * -O2 too. */
#define STP_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define STP_UNROLL(n) STP_PRAGMA(unroll)
#else
#define STP_UNROLL(n) STP_PRAGMA(GCC unroll n)
#endif

#define STP_HASH_LANES_MAX 16
#define STP_HASH_WORDS     8

/* The chaining values of all lanes of one kernel. SHA-256 uses w32, the others w64. */
struct stp_hash_state {
	_Alignas(64) union {
		uint32_t w32[STP_HASH_WORDS * STP_HASH_LANES_MAX];
		uint64_t w64[STP_HASH_WORDS * STP_HASH_LANES_MAX / 2];
	} u;
	/* BLAKE2b only (RFC 7693 section 3.2): t before the next block, and f0. A lane at its last
	 * block has counter = total - 128 (modulo 2^64), last = ~0, and runs one block. */
	_Alignas(64) uint64_t counter[STP_HASH_LANES_MAX / 2];
	_Alignas(64) uint64_t last[STP_HASH_LANES_MAX / 2];
};

/* Compresses block_count blocks at data[l] into lane l, for every lane. */
typedef void stp_hash_kernel_fn(struct stp_hash_state *state, const uint8_t *const *data,
                                size_t block_count);

struct stp_hash_kernel {
	const char *name;
	enum stp_alg alg;
	unsigned lanes;
	unsigned features; /* all of them are needed */
	unsigned live_min; /* fewest live lanes with which it beats the narrower kernels below it */
	stp_hash_kernel_fn *run;
};

/* Puts the words of one message into a lane; counter and last are BLAKE2b's. */
static inline void stp_state_put(struct stp_hash_state *state, const struct stp_hash_kernel *kernel,
                                 unsigned lane, const void *words, uint64_t counter, uint64_t last)
{
	unsigned stride = kernel->lanes;
	unsigned w;

	if (kernel->alg == STP_ALG_SHA256) {
		for (w = 0; w < STP_HASH_WORDS; w++)
			state->u.w32[w * stride + lane] = ((const uint32_t *)words)[w];
		return;
	}
	for (w = 0; w < STP_HASH_WORDS; w++)
		state->u.w64[w * stride + lane] = ((const uint64_t *)words)[w];
	state->counter[lane] = counter;
	state->last[lane] = last;
}

/* Copies the words of one message out of a lane. */
static inline void stp_state_get(const struct stp_hash_state *state,
                                 const struct stp_hash_kernel *kernel, unsigned lane, void *words)
{
	unsigned stride = kernel->lanes;
	unsigned w;

	if (kernel->alg == STP_ALG_SHA256) {
		for (w = 0; w < STP_HASH_WORDS; w++)
			((uint32_t *)words)[w] = state->u.w32[w * stride + lane];
		return;
	}
	for (w = 0; w < STP_HASH_WORDS; w++)
		((uint64_t *)words)[w] = state->u.w64[w * stride + lane];
}

/* Every kernel built in, best first within each algorithm. */
extern const struct stp_hash_kernel stp_hash_kernels[];
extern const size_t stp_hash_kernel_count;

/* The next kernel for alg after `after` (NULL: the first) that features allow; NULL at the end. */
const struct stp_hash_kernel *stp_hash_kernel_next(const struct stp_hash_kernel *after,
                                                   enum stp_alg alg, unsigned features);

stp_hash_kernel_fn stp_sha256_portable;
stp_hash_kernel_fn stp_sha512_portable;
stp_hash_kernel_fn stp_blake2b_portable;
stp_hash_kernel_fn stp_blake2b_scalar;
stp_hash_kernel_fn stp_sha256_libcrypto;
stp_hash_kernel_fn stp_sha512_libcrypto;
stp_hash_kernel_fn stp_sha256_avx512_x16;
stp_hash_kernel_fn stp_sha512_avx512_x8;
stp_hash_kernel_fn stp_blake2b_avx512_x8;
stp_hash_kernel_fn stp_sha256_avx512_x8;
stp_hash_kernel_fn stp_sha512_avx512_x4;
stp_hash_kernel_fn stp_sha256_avx2_x8;
stp_hash_kernel_fn stp_sha512_avx2_x4;
stp_hash_kernel_fn stp_blake2b_avx2_x4;
stp_hash_kernel_fn stp_sha256_shani_x2;

#endif
