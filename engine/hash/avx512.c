/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for AVX-512 (F, BW, VL, DQ): 16 lanes of 32 bits or 8 of 64, 32 registers; and half as
 * many lanes for the ragged end, where 256-bit instructions can use a third port.
 */
#include "hash/constants.h"
#include "hash/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "hash/load256.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define INLINE static inline __attribute__((always_inline)) AVX512

/* Ternary logic, by truth table of (x, y, z) = (0xf0, 0xcc, 0xaa). */
#define TERNARY_XOR3 0x96
#define TERNARY_CH   0xca
#define TERNARY_MAJ  0xe8

/* 8 × 8 words of 64 bits: r[i] holds words 0 … 7 of lane i, afterwards word i of lanes 0 … 7. */
INLINE void transpose8(__m512i r[8])
{
	__m512i t[8];
	__m512i u[8];
	int i;

	STP_UNROLL(16)
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
	}
	STP_UNROLL(16)
	for (i = 0; i < 8; i += 4) {
		u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
		u[i + 1] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0x88);
		u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
		u[i + 3] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0xdd);
	}
	r[0] = _mm512_shuffle_i64x2(u[0], u[4], 0x88);
	r[1] = _mm512_shuffle_i64x2(u[1], u[5], 0x88);
	r[2] = _mm512_shuffle_i64x2(u[2], u[6], 0x88);
	r[3] = _mm512_shuffle_i64x2(u[3], u[7], 0x88);
	r[4] = _mm512_shuffle_i64x2(u[0], u[4], 0xdd);
	r[5] = _mm512_shuffle_i64x2(u[1], u[5], 0xdd);
	r[6] = _mm512_shuffle_i64x2(u[2], u[6], 0xdd);
	r[7] = _mm512_shuffle_i64x2(u[3], u[7], 0xdd);
}

/* The 16 words of 64 bits at data[l] + offset of each lane l. */
INLINE void load_block64(__m512i w[16], const uint8_t *const *data, size_t offset)
{
	int i;

	STP_UNROLL(16)
	for (i = 0; i < 8; i++) {
		w[i] = _mm512_loadu_si512(data[i] + offset);
		w[8 + i] = _mm512_loadu_si512(data[i] + offset + 64);
	}
	transpose8(w);
	transpose8(w + 8);
}

INLINE void load_block64_be(__m512i w[16], const uint8_t *const *data, size_t offset)
{
	const __m512i swap = _mm512_broadcast_i32x4(
	    _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
	int i;

	load_block64(w, data, offset);
	STP_UNROLL(16)
	for (i = 0; i < 16; i++)
		w[i] = _mm512_shuffle_epi8(w[i], swap);
}

/* 16 × 16 words of 32 bits at data[l] + offset of each lane l. */
INLINE void load_block32_be(__m512i w[16], const uint8_t *const *data, size_t offset)
{
	const __m512i swap = _mm512_broadcast_i32x4(
	    _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
	__m512i t[16];
	__m512i u[16];
	int i;

	STP_UNROLL(16)
	for (i = 0; i < 16; i++)
		w[i] = _mm512_loadu_si512(data[i] + offset);
	STP_UNROLL(16)
	for (i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(w[i], w[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(w[i], w[i + 1]);
	}
	/* u[4 q + j]: in each quarter p, word 4 p + j of lanes 4 q … 4 q + 3. */
	STP_UNROLL(16)
	for (i = 0; i < 16; i += 4) {
		u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	STP_UNROLL(16)
	for (i = 0; i < 4; i++) {
		__m512i lo02 = _mm512_shuffle_i32x4(u[i], u[4 + i], 0x88);
		__m512i lo13 = _mm512_shuffle_i32x4(u[i], u[4 + i], 0xdd);
		__m512i hi02 = _mm512_shuffle_i32x4(u[8 + i], u[12 + i], 0x88);
		__m512i hi13 = _mm512_shuffle_i32x4(u[8 + i], u[12 + i], 0xdd);

		w[i] = _mm512_shuffle_i32x4(lo02, hi02, 0x88);
		w[4 + i] = _mm512_shuffle_i32x4(lo13, hi13, 0x88);
		w[8 + i] = _mm512_shuffle_i32x4(lo02, hi02, 0xdd);
		w[12 + i] = _mm512_shuffle_i32x4(lo13, hi13, 0xdd);
	}
	STP_UNROLL(16)
	for (i = 0; i < 16; i++)
		w[i] = _mm512_shuffle_epi8(w[i], swap);
}

#define NAME                        stp_sha256_avx512_x16
#define TARGET                      AVX512
#define WORD_BITS                   32
#define LANES                       16
#define UNROLL_ROUNDS               STP_UNROLL(4)
#define VEC                         __m512i
#define LOAD(p)                     _mm512_load_si512(p)
#define STORE(p, x)                 _mm512_store_si512(p, x)
#define SET1(p)                     _mm512_set1_epi32((int)*(p))
#define LOAD_BLOCK(w, data, offset) load_block32_be(w, data, offset)
#define ADD(x, y)                   _mm512_add_epi32(x, y)
#define ROR(x, n)                   _mm512_ror_epi32(x, n)
#define SHR(x, n)                   _mm512_srli_epi32(x, n)
#define XOR3(x, y, z)               _mm512_ternarylogic_epi32(x, y, z, TERNARY_XOR3)
#define CH(x, y, z)                 _mm512_ternarylogic_epi32(x, y, z, TERNARY_CH)
#define MAJ(x, y, z)                _mm512_ternarylogic_epi32(x, y, z, TERNARY_MAJ)
#include "hash/sha2_template.h"

#define NAME                        stp_sha512_avx512_x8
#define TARGET                      AVX512
#define WORD_BITS                   64
#define LANES                       8
#define UNROLL_ROUNDS               STP_UNROLL(4)
#define VEC                         __m512i
#define LOAD(p)                     _mm512_load_si512(p)
#define STORE(p, x)                 _mm512_store_si512(p, x)
#define SET1(p)                     _mm512_set1_epi64((long long)*(p))
#define LOAD_BLOCK(w, data, offset) load_block64_be(w, data, offset)
#define ADD(x, y)                   _mm512_add_epi64(x, y)
#define ROR(x, n)                   _mm512_ror_epi64(x, n)
#define SHR(x, n)                   _mm512_srli_epi64(x, n)
#define XOR3(x, y, z)               _mm512_ternarylogic_epi64(x, y, z, TERNARY_XOR3)
#define CH(x, y, z)                 _mm512_ternarylogic_epi64(x, y, z, TERNARY_CH)
#define MAJ(x, y, z)                _mm512_ternarylogic_epi64(x, y, z, TERNARY_MAJ)
#include "hash/sha2_template.h"

#define NAME                        stp_sha256_avx512_x8
#define TARGET                      AVX512
#define WORD_BITS                   32
#define LANES                       8
#define UNROLL_ROUNDS               STP_UNROLL(4)
#define VEC                         __m256i
#define LOAD(p)                     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STORE(p, x)                 _mm256_store_si256((__m256i *)(void *)(p), x)
#define SET1(p)                     _mm256_set1_epi32((int)*(p))
#define LOAD_BLOCK(w, data, offset) load256_block32_be(w, data, offset)
#define ADD(x, y)                   _mm256_add_epi32(x, y)
#define ROR(x, n)                   _mm256_ror_epi32(x, n)
#define SHR(x, n)                   _mm256_srli_epi32(x, n)
#define XOR3(x, y, z)               _mm256_ternarylogic_epi32(x, y, z, TERNARY_XOR3)
#define CH(x, y, z)                 _mm256_ternarylogic_epi32(x, y, z, TERNARY_CH)
#define MAJ(x, y, z)                _mm256_ternarylogic_epi32(x, y, z, TERNARY_MAJ)
#include "hash/sha2_template.h"

#define NAME                        stp_sha512_avx512_x4
#define TARGET                      AVX512
#define WORD_BITS                   64
#define LANES                       4
#define UNROLL_ROUNDS               STP_UNROLL(4)
#define VEC                         __m256i
#define LOAD(p)                     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STORE(p, x)                 _mm256_store_si256((__m256i *)(void *)(p), x)
#define SET1(p)                     _mm256_set1_epi64x((long long)*(p))
#define LOAD_BLOCK(w, data, offset) load256_block64_be(w, data, offset)
#define ADD(x, y)                   _mm256_add_epi64(x, y)
#define ROR(x, n)                   _mm256_ror_epi64(x, n)
#define SHR(x, n)                   _mm256_srli_epi64(x, n)
#define XOR3(x, y, z)               _mm256_ternarylogic_epi64(x, y, z, TERNARY_XOR3)
#define CH(x, y, z)                 _mm256_ternarylogic_epi64(x, y, z, TERNARY_CH)
#define MAJ(x, y, z)                _mm256_ternarylogic_epi64(x, y, z, TERNARY_MAJ)
#include "hash/sha2_template.h"

#define NAME                        stp_blake2b_avx512_x8
#define TARGET                      AVX512
#define LANES                       8
#define VEC                         __m512i
#define LOAD(p)                     _mm512_load_si512(p)
#define STORE(p, x)                 _mm512_store_si512(p, x)
#define SET1(p)                     _mm512_set1_epi64((long long)*(p))
#define LOAD_BLOCK(m, data, offset) load_block64(m, data, offset)
#define ADD(x, y)                   _mm512_add_epi64(x, y)
#define XOR(x, y)                   _mm512_xor_si512(x, y)
#define ROR32(x)                    _mm512_ror_epi64(x, 32)
#define ROR24(x)                    _mm512_ror_epi64(x, 24)
#define ROR16(x)                    _mm512_ror_epi64(x, 16)
#define ROR63(x)                    _mm512_ror_epi64(x, 63)
#include "hash/blake2b_template.h"

#endif
