/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/segment_format.h"

#include <sodium.h>

#include "base/bytes.h"

static void derive(const uint8_t *seal_key, const char *purpose, uint8_t out[32])
{
	crypto_generichash(out, 32, (const uint8_t *)purpose, strlen(purpose), seal_key,
	                   STP_SEAL_KEY_BYTES);
}

void stp_segment_keys_derive(const uint8_t *seal_key, struct stp_segment_keys *out_keys)
{
	derive(seal_key, "stampede ledger block 1", out_keys->block);
	derive(seal_key, "stampede ledger segment 1", out_keys->segment);
	derive(seal_key, "stampede ledger manifest 1", out_keys->manifest);
}

void stp_segment_header_store(const struct stp_segment_info *info, uint64_t index_offset,
                              uint8_t out[STP_SEGMENT_HEADER_BYTES])
{
	memset(out, 0, STP_SEGMENT_HEADER_BYTES);
	stp_store64_le(out, STP_SEGMENT_MAGIC);
	stp_store32_le(out + 8, STP_SEGMENT_VERSION);
	stp_store32_le(out + 12, info->hash_set);
	stp_store32_le(out + 16, info->kind);
	stp_store32_le(out + 24, STP_SEGMENT_RESERVED_ONE); /* 20 … 23 stay zero */
	stp_store32_le(out + 28, STP_BLOCK_ENTRY_BYTES);
	stp_store64_le(out + 32, info->generation);
	stp_store64_le(out + 40, info->record_count);
	stp_store64_le(out + 48, info->block_count);
	stp_store64_le(out + 56, index_offset);
	stp_store64_le(out + 64, info->file_bytes);
}

void stp_segment_seal(const struct stp_segment_keys *keys,
                      const uint8_t header[STP_SEGMENT_HEADER_BYTES], const uint8_t *index,
                      size_t index_bytes, const uint8_t footer[16], uint8_t out[STP_SEAL_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, keys->segment, sizeof(keys->segment), STP_SEAL_BYTES);
	crypto_generichash_update(&state, header, STP_SEGMENT_HEADER_BYTES);
	if (index_bytes)
		crypto_generichash_update(&state, index, index_bytes);
	crypto_generichash_update(&state, footer, 16);
	crypto_generichash_final(&state, out, STP_SEAL_BYTES);
}
