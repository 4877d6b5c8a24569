/* SPDX-License-Identifier: Apache-2.0 */
#include "hash/message.h"

#include "base/bytes.h"
#include "hash/constants.h"

void *stp_stream_words(struct stp_hash_stream *stream, enum stp_alg alg)
{
	switch (alg) {
	case STP_ALG_SHA256:
		return stream->sha256;
	case STP_ALG_SHA512:
		return stream->sha512;
	default:
		return stream->blake2b;
	}
}

void stp_message_start(enum stp_alg alg, size_t key_bytes, void *words)
{
	uint64_t *h = words;

	switch (alg) {
	case STP_ALG_SHA256:
		memcpy(words, stp_sha256_iv, sizeof stp_sha256_iv);
		return;
	case STP_ALG_SHA512:
		memcpy(words, stp_sha512_iv, sizeof stp_sha512_iv);
		return;
	default:
		/* RFC 7693 section 2.5: fanout 1, depth 1, key length, digest length. */
		memcpy(words, stp_blake2b_iv, sizeof stp_blake2b_iv);
		h[0] ^= 0x01010000 ^ (uint64_t)key_bytes << 8 ^ stp_alg_digest_bytes(alg);
	}
}

size_t stp_message_tail(enum stp_alg alg, const uint8_t *rest, size_t rest_bytes, uint64_t total,
                        uint8_t tail[STP_HASH_TAIL_MAX])
{
	size_t block = alg == STP_ALG_SHA256 ? 64 : 128;
	size_t length_bytes = block / 8; /* FIPS 180-4 section 5.1: 64 or 128 bits of length */
	size_t used = rest_bytes + 1 + length_bytes + block - 1;
	size_t count = alg == STP_ALG_SHA256 ? used / 64 : used / 128;

	if (alg == STP_ALG_BLAKE2B_256)
		count = 1;
	if (rest_bytes)
		memcpy(tail, rest, rest_bytes);
	memset(tail + rest_bytes, 0, count * block - rest_bytes);
	if (alg == STP_ALG_BLAKE2B_256)
		return count;
	tail[rest_bytes] = 0x80;
	stp_store64_be(tail + count * block - 8, total << 3);
	if (length_bytes == 16)
		tail[count * block - 9] = (uint8_t)(total >> 61);
	return count;
}

void stp_message_digest(enum stp_alg alg, const void *words, uint8_t *digest)
{
	const uint32_t *w32 = words;
	const uint64_t *w64 = words;
	int i;

	switch (alg) {
	case STP_ALG_SHA256:
		for (i = 0; i < 8; i++)
			stp_store32_be(digest + 4 * i, w32[i]);
		return;
	case STP_ALG_SHA512:
		for (i = 0; i < 8; i++)
			stp_store64_be(digest + 8 * i, w64[i]);
		return;
	default:
		for (i = 0; i < 4; i++)
			stp_store64_le(digest + 8 * i, w64[i]);
	}
}

static void run(const struct stp_hash_kernel *kernel, void *words, const uint8_t *blocks,
                size_t block_count, uint64_t counter, uint64_t last)
{
	size_t words_bytes = kernel->alg == STP_ALG_SHA256 ? 32 : 64;
	struct stp_hash_state state;

	memcpy(&state.u, words, words_bytes);
	state.counter[0] = counter;
	state.last[0] = last;
	kernel->run(&state, &blocks, block_count);
	memcpy(words, &state.u, words_bytes);
}

void stp_message_run(const struct stp_hash_kernel *kernel, void *words, const uint8_t *blocks,
                     size_t block_count, uint64_t counter)
{
	if (block_count)
		run(kernel, words, blocks, block_count, counter, 0);
}

void stp_message_run_last(const struct stp_hash_kernel *kernel, void *words, const uint8_t *tail,
                          size_t block_count, uint64_t total)
{
	run(kernel, words, tail, block_count, total - 128, ~(uint64_t)0);
}
