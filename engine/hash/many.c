/* SPDX-License-Identifier: Apache-2.0 */
#include "hash/hash.h"

#include <string.h>

#include "base/cpu.h"
#include "hash/message.h"
#include "hash/stream.h"

/* RFC 7693 section 2.5: the key is a first block of its own. */
static void stream_key(struct stp_hash_stream *stream, const uint8_t *key, size_t key_bytes)
{
	stp_message_start(STP_ALG_BLAKE2B_256, key_bytes, stream->blake2b);
	memset(stream->held, 0, sizeof stream->held);
	memcpy(stream->held, key, key_bytes);
	stream->held_bytes = sizeof stream->held;
}

void stp_hash_many(enum stp_alg alg, const uint8_t *const *messages, const size_t *message_bytes,
                   size_t count, const uint8_t *key, size_t key_bytes, uint8_t *digests,
                   size_t digest_stride)
{
	unsigned features = stp_cpu_features();
	size_t i;

	STP_ASSERT(!key_bytes || (alg == STP_ALG_BLAKE2B_256 && key && key_bytes <= 64));
	for (i = 0; i < count; i++) {
		struct stp_hash_stream stream;

		stp_hash_stream_init(&stream, STP_ALG_BIT(alg));
		if (key_bytes)
			stream_key(&stream, key, key_bytes);
		stp_stream_absorb(&stream, features, messages[i], message_bytes[i], 1,
		                  digests + i * digest_stride);
	}
}
