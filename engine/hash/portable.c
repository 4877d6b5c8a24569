/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scalar reference: FIPS 180-4 and RFC 7693 word for word, one lane. Slow and obvious; every
 * other kernel is tested against it.
 */
#include "base/bytes.h"
#include "hash/constants.h"
#include "hash/kernel.h"

static uint32_t ror32(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint64_t ror64(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

/* FIPS 180-4 section 6.2.2. */
static void sha256_block(uint32_t h[8], const uint8_t *p)
{
	uint32_t w[64];
	uint32_t s[8];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = stp_load32_be(p + 4 * i);
	for (i = 16; i < 64; i++) {
		uint32_t a = w[i - 15];
		uint32_t b = w[i - 2];

		w[i] = w[i - 16] + (ror32(a, 7) ^ ror32(a, 18) ^ a >> 3) + w[i - 7] +
		       (ror32(b, 17) ^ ror32(b, 19) ^ b >> 10);
	}
	memcpy(s, h, sizeof s);
	for (i = 0; i < 64; i++) {
		uint32_t a = s[0];
		uint32_t e = s[4];
		uint32_t t1 = s[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) +
		              ((e & s[5]) ^ (~e & s[6])) + stp_sha256_k[i] + w[i];
		uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) +
		              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof s[0]);
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h[i] += s[i];
}

void stp_sha256_portable(struct stp_hash_state *state, const uint8_t *const *data,
                         size_t block_count)
{
	const uint8_t *p = data[0];

	for (; block_count; block_count--, p += 64)
		sha256_block(state->u.w32, p);
}

/* FIPS 180-4 section 6.4.2. */
static void sha512_block(uint64_t h[8], const uint8_t *p)
{
	uint64_t w[80];
	uint64_t s[8];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = stp_load64_be(p + 8 * i);
	for (i = 16; i < 80; i++) {
		uint64_t a = w[i - 15];
		uint64_t b = w[i - 2];

		w[i] = w[i - 16] + (ror64(a, 1) ^ ror64(a, 8) ^ a >> 7) + w[i - 7] +
		       (ror64(b, 19) ^ ror64(b, 61) ^ b >> 6);
	}
	memcpy(s, h, sizeof s);
	for (i = 0; i < 80; i++) {
		uint64_t a = s[0];
		uint64_t e = s[4];
		uint64_t t1 = s[7] + (ror64(e, 14) ^ ror64(e, 18) ^ ror64(e, 41)) +
		              ((e & s[5]) ^ (~e & s[6])) + stp_sha512_k[i] + w[i];
		uint64_t t2 = (ror64(a, 28) ^ ror64(a, 34) ^ ror64(a, 39)) +
		              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof s[0]);
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h[i] += s[i];
}

void stp_sha512_portable(struct stp_hash_state *state, const uint8_t *const *data,
                         size_t block_count)
{
	const uint8_t *p = data[0];

	for (; block_count; block_count--, p += 128)
		sha512_block(state->u.w64, p);
}

/* RFC 7693 section 3.1. */
static void blake2b_mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y)
{
	v[a] = v[a] + v[b] + x;
	v[d] = ror64(v[d] ^ v[a], 32);
	v[c] = v[c] + v[d];
	v[b] = ror64(v[b] ^ v[c], 24);
	v[a] = v[a] + v[b] + y;
	v[d] = ror64(v[d] ^ v[a], 16);
	v[c] = v[c] + v[d];
	v[b] = ror64(v[b] ^ v[c], 63);
}

/* RFC 7693 section 3.2; t is the counter with this block counted, its high word always 0. */
static void blake2b_block(uint64_t h[8], const uint8_t *p, uint64_t t, uint64_t last)
{
	uint64_t v[16];
	uint64_t m[16];
	int i;

	for (i = 0; i < 8; i++) {
		v[i] = h[i];
		v[i + 8] = stp_blake2b_iv[i];
	}
	v[12] ^= t;
	v[14] ^= last;
	for (i = 0; i < 16; i++)
		m[i] = stp_load64_le(p + 8 * i);
	for (i = 0; i < 12; i++) {
		const uint8_t *s = stp_blake2b_sigma[i % 10];

		blake2b_mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		blake2b_mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		blake2b_mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		blake2b_mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		blake2b_mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		blake2b_mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		blake2b_mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		blake2b_mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (i = 0; i < 8; i++)
		h[i] ^= v[i] ^ v[i + 8];
}

void stp_blake2b_portable(struct stp_hash_state *state, const uint8_t *const *data,
                          size_t block_count)
{
	const uint8_t *p = data[0];

	for (; block_count; block_count--, p += 128) {
		state->counter[0] += 128;
		blake2b_block(state->u.w64, p, state->counter[0], state->last[0]);
	}
}
