/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/hasher.h"

#include "hash/hash.h"

/* Messages at once: enough to fill all lanes, and to sort them by length. */
#define BATCH 256

enum stp_errc stp_hash_messages(unsigned hash_set, const struct stp_message *messages, size_t count,
                                uint8_t *digests, struct stp_err *err)
{
	size_t stride = stp_alg_set_digest_bytes(hash_set);
	const uint8_t *bytes[BATCH];
	size_t byte_counts[BATCH];
	size_t first, many, i;
	unsigned alg;

	if (!hash_set || hash_set >= STP_ALG_BIT(STP_ALG_COUNT))
		return STP_FAIL(err, STP_CONFIG, "hash", "hash_set",
		                "is empty or has an unknown algorithm");
	for (first = 0; first < count; first += many) {
		many = count - first < BATCH ? count - first : BATCH;
		for (i = 0; i < many; i++) {
			const void *at = messages[first + i].bytes;

			bytes[i] = at ? at : (const void *)"";
			byte_counts[i] = messages[first + i].byte_count;
		}
		for (alg = 0; alg < STP_ALG_COUNT; alg++)
			if (hash_set & STP_ALG_BIT(alg))
				stp_hash_many((enum stp_alg)alg, bytes, byte_counts, many, NULL, 0,
				              digests + first * stride +
				                  stp_alg_set_offset(hash_set, (enum stp_alg)alg),
				              stride);
	}
	return STP_OK;
}
