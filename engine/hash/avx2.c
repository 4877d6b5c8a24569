/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for AVX2: 8 lanes of 32 bits or 4 of 64, 16 registers, no rotate. */
#include "hash/constants.h"
#include "hash/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "hash/load256.h"

#define AVX2   __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) AVX2

INLINE __m256i xor3(__m256i x, __m256i y, __m256i z)
{
	return _mm256_xor_si256(_mm256_xor_si256(x, y), z);
}

INLINE __m256i choose(__m256i x, __m256i y, __m256i z)
{
	return _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)));
}

/* x ^ y of one round is y ^ z of the next: the compiler keeps it. */
INLINE __m256i majority(__m256i x, __m256i y, __m256i z)
{
	return _mm256_xor_si256(y,
	                        _mm256_and_si256(_mm256_xor_si256(x, y), _mm256_xor_si256(y, z)));
}

/* Rotates by whole bytes are one shuffle; n is 8, 16 or 24. */
INLINE __m256i ror64_bytes(__m256i x, int n)
{
	const __m128i by8 = _mm_setr_epi8(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8);
	const __m128i by16 = _mm_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
	const __m128i by24 = _mm_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);

	return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(n == 8    ? by8
	                                                          : n == 16 ? by16
	                                                                    : by24));
}

INLINE __m256i ror64(__m256i x, int n)
{
	if (n == 8 || n == 16 || n == 24)
		return ror64_bytes(x, n);
	if (n == 32)
		return _mm256_shuffle_epi32(x, 0xb1);
	if (n == 63)
		return _mm256_xor_si256(_mm256_srli_epi64(x, 63), _mm256_add_epi64(x, x));
	return _mm256_xor_si256(_mm256_srli_epi64(x, n), _mm256_slli_epi64(x, 64 - n));
}

INLINE __m256i ror32(__m256i x, int n)
{
	return _mm256_xor_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}

#define NAME      stp_sha256_avx2_x8
#define TARGET    AVX2
#define WORD_BITS 32
#define LANES     8
#define UNROLL_ROUNDS
#define VEC                         __m256i
#define LOAD(p)                     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STORE(p, x)                 _mm256_store_si256((__m256i *)(void *)(p), x)
#define SET1(p)                     _mm256_set1_epi32((int)*(p))
#define LOAD_BLOCK(w, data, offset) load256_block32_be(w, data, offset)
#define ADD(x, y)                   _mm256_add_epi32(x, y)
#define ROR(x, n)                   ror32(x, n)
#define SHR(x, n)                   _mm256_srli_epi32(x, n)
#define XOR3(x, y, z)               xor3(x, y, z)
#define CH(x, y, z)                 choose(x, y, z)
#define MAJ(x, y, z)                majority(x, y, z)
#include "hash/sha2_template.h"

#define NAME      stp_sha512_avx2_x4
#define TARGET    AVX2
#define WORD_BITS 64
#define LANES     4
#define UNROLL_ROUNDS
#define VEC                         __m256i
#define LOAD(p)                     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STORE(p, x)                 _mm256_store_si256((__m256i *)(void *)(p), x)
#define SET1(p)                     _mm256_set1_epi64x((long long)*(p))
#define LOAD_BLOCK(w, data, offset) load256_block64_be(w, data, offset)
#define ADD(x, y)                   _mm256_add_epi64(x, y)
#define ROR(x, n)                   ror64(x, n)
#define SHR(x, n)                   _mm256_srli_epi64(x, n)
#define XOR3(x, y, z)               xor3(x, y, z)
#define CH(x, y, z)                 choose(x, y, z)
#define MAJ(x, y, z)                majority(x, y, z)
#include "hash/sha2_template.h"

#define NAME                        stp_blake2b_avx2_x4
#define TARGET                      AVX2
#define LANES                       4
#define VEC                         __m256i
#define LOAD(p)                     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STORE(p, x)                 _mm256_store_si256((__m256i *)(void *)(p), x)
#define SET1(p)                     _mm256_set1_epi64x((long long)*(p))
#define LOAD_BLOCK(m, data, offset) load256_block64(m, data, offset)
#define ADD(x, y)                   _mm256_add_epi64(x, y)
#define XOR(x, y)                   _mm256_xor_si256(x, y)
#define ROR32(x)                    ror64(x, 32)
#define ROR24(x)                    ror64(x, 24)
#define ROR16(x)                    ror64(x, 16)
#define ROR63(x)                    ror64(x, 63)
#include "hash/blake2b_template.h"

#endif
