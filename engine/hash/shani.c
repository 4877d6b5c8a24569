/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 on the SHA extensions, two streams interleaved: SHA256RNDS2 has a latency of four cycles
 * and a throughput of two, so one stream leaves the unit idle half of the time.
 */
#include "hash/constants.h"
#include "hash/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SHANI  __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE static inline __attribute__((always_inline)) SHANI

/* The working variables of one stream as SHA256RNDS2 wants them, and its message ring. */
struct stream {
	__m128i abef;
	__m128i cdgh;
	__m128i w[4];
};

INLINE __m128i words(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* Rounds 4 quad … 4 quad + 3, and what the schedule needs from them (Intel SDM, SHA256MSG1). */
INLINE void four_rounds(struct stream *s, int quad)
{
	__m128i now = s->w[quad % 4];
	__m128i *next = &s->w[(quad + 1) % 4];
	__m128i *before = &s->w[(quad + 3) % 4];
	__m128i wk = _mm_add_epi32(now, words(stp_sha256_k + 4 * quad));

	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
	if (quad >= 3 && quad <= 14)
		*next = _mm_sha256msg2_epu32(_mm_add_epi32(*next, _mm_alignr_epi8(now, *before, 4)),
		                             now);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
	if (quad >= 1 && quad <= 12)
		*before = _mm_sha256msg1_epu32(*before, now);
}

INLINE void load_block(struct stream *s, const uint8_t *p)
{
	const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	s->w[0] = _mm_shuffle_epi8(words(p), swap);
	s->w[1] = _mm_shuffle_epi8(words(p + 16), swap);
	s->w[2] = _mm_shuffle_epi8(words(p + 32), swap);
	s->w[3] = _mm_shuffle_epi8(words(p + 48), swap);
}

/* Word w of lane l is at h[2 * w + l]. */
INLINE void load_state(struct stream *s, const uint32_t *h, int lane)
{
	h += lane;
	s->abef = _mm_set_epi32((int)h[0], (int)h[2], (int)h[8], (int)h[10]);
	s->cdgh = _mm_set_epi32((int)h[4], (int)h[6], (int)h[12], (int)h[14]);
}

INLINE void store_state(const struct stream *s, uint32_t *h, int lane)
{
	h += lane;
	h[0] = (uint32_t)_mm_extract_epi32(s->abef, 3);
	h[2] = (uint32_t)_mm_extract_epi32(s->abef, 2);
	h[8] = (uint32_t)_mm_extract_epi32(s->abef, 1);
	h[10] = (uint32_t)_mm_extract_epi32(s->abef, 0);
	h[4] = (uint32_t)_mm_extract_epi32(s->cdgh, 3);
	h[6] = (uint32_t)_mm_extract_epi32(s->cdgh, 2);
	h[12] = (uint32_t)_mm_extract_epi32(s->cdgh, 1);
	h[14] = (uint32_t)_mm_extract_epi32(s->cdgh, 0);
}

SHANI void stp_sha256_shani_x2(struct stp_hash_state *state, const uint8_t *const *data,
                               size_t block_count)
{
	const uint8_t *p0 = data[0];
	const uint8_t *p1 = data[1];
	struct stream s0;
	struct stream s1;
	int quad;

	load_state(&s0, state->u.w32, 0);
	load_state(&s1, state->u.w32, 1);
	for (; block_count; block_count--, p0 += 64, p1 += 64) {
		__m128i abef0 = s0.abef;
		__m128i cdgh0 = s0.cdgh;
		__m128i abef1 = s1.abef;
		__m128i cdgh1 = s1.cdgh;

		load_block(&s0, p0);
		load_block(&s1, p1);
		STP_UNROLL(16)
		for (quad = 0; quad < 16; quad++) {
			four_rounds(&s0, quad);
			four_rounds(&s1, quad);
		}
		s0.abef = _mm_add_epi32(s0.abef, abef0);
		s0.cdgh = _mm_add_epi32(s0.cdgh, cdgh0);
		s1.abef = _mm_add_epi32(s1.abef, abef1);
		s1.cdgh = _mm_add_epi32(s1.cdgh, cdgh1);
	}
	store_state(&s0, state->u.w32, 0);
	store_state(&s1, state->u.w32, 1);
}

#endif
