/* SPDX-License-Identifier: Apache-2.0 */
/* One message at a time, on one-lane kernels. */
#include "hash/stream.h"

#include <string.h>

#include "base/cpu.h"
#include "hash/message.h"

void stp_hash_stream_init(struct stp_hash_stream *stream, unsigned set)
{
	int alg;

	STP_ASSERT(set != 0 && set < 1u << STP_ALG_COUNT);
	stream->bytes_done = 0;
	stream->set = set;
	stream->held_bytes = 0;
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		stp_message_start((enum stp_alg)alg, 0,
		                  stp_stream_words(stream, (enum stp_alg)alg));
}

/* The best one-lane kernel. */
static const struct stp_hash_kernel *kernel_for(enum stp_alg alg, unsigned features)
{
	const struct stp_hash_kernel *k = stp_hash_kernel_next(NULL, alg, features);

	while (k->lanes != 1)
		k = stp_hash_kernel_next(k, alg, features);
	return k;
}

void stp_stream_blocks(struct stp_hash_stream *stream, unsigned features, const uint8_t *data,
                       size_t bytes)
{
	int a;

	for (a = 0; a < STP_ALG_COUNT; a++) {
		enum stp_alg alg = (enum stp_alg)a;

		if (stream->set & STP_ALG_BIT(alg))
			stp_message_run(kernel_for(alg, features), stp_stream_words(stream, alg),
			                data, bytes / stp_alg_block_bytes(alg), stream->bytes_done);
	}
	stream->bytes_done += bytes;
}

/* Hashes the last 0 … 128 bytes and writes the digests, packed in order of the set. */
static void finish(struct stp_hash_stream *stream, unsigned features, const uint8_t *rest,
                   size_t rest_bytes, uint8_t *digests)
{
	uint8_t tail[STP_HASH_TAIL_MAX];
	int a;

	stream->bytes_done += rest_bytes;
	for (a = 0; a < STP_ALG_COUNT; a++) {
		enum stp_alg alg = (enum stp_alg)a;
		void *words = stp_stream_words(stream, alg);
		size_t count;

		if (!(stream->set & STP_ALG_BIT(alg)))
			continue;
		count = stp_message_tail(alg, rest, rest_bytes, stream->bytes_done, tail);
		stp_message_run_last(kernel_for(alg, features), words, tail, count,
		                     stream->bytes_done);
		stp_message_digest(alg, words, digests + stp_alg_set_offset(stream->set, alg));
	}
}

size_t stp_stream_body_bytes(const struct stp_hash_stream *stream, size_t bytes)
{
	if (stream->set & STP_ALG_BIT(STP_ALG_BLAKE2B_256) && bytes)
		bytes--;
	return bytes & ~(size_t)(STP_HASH_CHUNK_ALIGN - 1);
}

void stp_stream_absorb(struct stp_hash_stream *stream, unsigned features, const uint8_t *data,
                       size_t bytes, int final, uint8_t *digests)
{
	size_t body = stp_stream_body_bytes(stream, bytes);

	if (bytes && stream->held_bytes) {
		stream->held_bytes = 0;
		stp_stream_blocks(stream, features, stream->held, STP_HASH_CHUNK_ALIGN);
	}
	stp_stream_blocks(stream, features, data, body);
	if (final) {
		if (stream->held_bytes)
			finish(stream, features, stream->held, stream->held_bytes, digests);
		else
			finish(stream, features, data + body, bytes - body, digests);
	} else if (body != bytes) {
		memcpy(stream->held, data + body, bytes - body);
		stream->held_bytes = (unsigned)(bytes - body);
	}
}

void stp_hash_one(enum stp_alg alg, const void *message, size_t message_bytes, uint8_t *digest)
{
	struct stp_hash_stream stream;

	stp_hash_stream_init(&stream, STP_ALG_BIT(alg));
	stp_stream_absorb(&stream, stp_cpu_features(), message, message_bytes, 1, digest);
}
