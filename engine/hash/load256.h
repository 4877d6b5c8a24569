/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message blocks of eight lanes of 32 bits or four of 64 into ymm registers, transposed.
 *
 * Shape      w[i] holds word i of every lane.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_HASH_LOAD256_H
#define STP_HASH_LOAD256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/kernel.h"

#define LOAD256 static inline __attribute__((always_inline)) __attribute__((target("avx2")))

/* 4 × 4 words of 64 bits: r[i] holds words 0 … 3 of lane i, afterwards word i of lanes 0 … 3. */
LOAD256 void transpose256(__m256i r[4])
{
	__m256i t0 = _mm256_unpacklo_epi64(r[0], r[1]);
	__m256i t1 = _mm256_unpackhi_epi64(r[0], r[1]);
	__m256i t2 = _mm256_unpacklo_epi64(r[2], r[3]);
	__m256i t3 = _mm256_unpackhi_epi64(r[2], r[3]);

	r[0] = _mm256_permute2x128_si256(t0, t2, 0x20);
	r[1] = _mm256_permute2x128_si256(t1, t3, 0x20);
	r[2] = _mm256_permute2x128_si256(t0, t2, 0x31);
	r[3] = _mm256_permute2x128_si256(t1, t3, 0x31);
}

/* The 16 words of 64 bits at data[l] + offset of each lane l. */
LOAD256 void load256_block64(__m256i w[16], const uint8_t *const *data, size_t offset)
{
	int i;
	int lane;

	STP_UNROLL(16)
	for (i = 0; i < 16; i += 4) {
		STP_UNROLL(16)
		for (lane = 0; lane < 4; lane++)
			w[i + lane] = _mm256_loadu_si256(
			    (const __m256i *)(const void *)(data[lane] + offset + 8 * i));
		transpose256(w + i);
	}
}

LOAD256 void load256_block64_be(__m256i w[16], const uint8_t *const *data, size_t offset)
{
	const __m256i swap = _mm256_broadcastsi128_si256(
	    _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
	int i;

	load256_block64(w, data, offset);
	STP_UNROLL(16)
	for (i = 0; i < 16; i++)
		w[i] = _mm256_shuffle_epi8(w[i], swap);
}

/* 8 × 8 words of 32 bits at data[l] + offset of each lane l. */
LOAD256 void load256_half32_be(__m256i w[8], const uint8_t *const *data, size_t offset)
{
	const __m256i swap = _mm256_broadcastsi128_si256(
	    _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
	__m256i t[8];
	__m256i u[8];
	int i;

	STP_UNROLL(16)
	for (i = 0; i < 8; i++)
		w[i] = _mm256_shuffle_epi8(
		    _mm256_loadu_si256((const __m256i *)(const void *)(data[i] + offset)), swap);
	STP_UNROLL(16)
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_epi32(w[i], w[i + 1]);
		t[i + 1] = _mm256_unpackhi_epi32(w[i], w[i + 1]);
	}
	STP_UNROLL(16)
	for (i = 0; i < 8; i += 4) {
		u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
		u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
		u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
		u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	STP_UNROLL(16)
	for (i = 0; i < 4; i++) {
		w[i] = _mm256_permute2x128_si256(u[i], u[4 + i], 0x20);
		w[4 + i] = _mm256_permute2x128_si256(u[i], u[4 + i], 0x31);
	}
}

LOAD256 void load256_block32_be(__m256i w[16], const uint8_t *const *data, size_t offset)
{
	load256_half32_be(w, data, offset);
	load256_half32_be(w + 8, data, offset + 32);
}

#endif
