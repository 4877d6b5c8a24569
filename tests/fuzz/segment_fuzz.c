/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment reader on any bytes: as they are, and, since hardly any input has a valid seal, again
 * with all sums and the seal corrected, as somebody who has the key could.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/bytes.h"
#include "hash/hash.h"
#include "ledger/merge.h"
#include "ledger/segment_format.h"
#include "memory_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static const uint8_t seal_key[STP_SEAL_KEY_BYTES] = {3};

/* Reads all records; they must be in order and valid. */
static void read_all(struct stp_segment *segment, unsigned bits)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_merge_group group;
	struct stp_merge *merge;
	uint64_t count = 0;
	uint64_t i;

	if (stp_sources_add(&sources, (struct stp_source){.segment = segment, .borrowed = 1},
	                    NULL) ||
	    stp_merge_create(&sources, &merge, NULL))
		abort();
	for (i = 0; i < (uint64_t)1 << bits; i++) {
		struct stp_key_range range = stp_key_range_at(i, bits);

		if (stp_merge_seek(merge, &range, NULL) != STP_OK)
			break;
		while (stp_merge_next(merge, &group, NULL) == STP_OK && group.key) {
			const struct stp_record *record = &group.items[0].record;

			if (record->path_bytes && !record->path[record->path_bytes - 1])
				count++;
			count++;
		}
	}
	if (count > 2 * stp_segment_info(segment)->record_count)
		abort();
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
}

static void try_bytes(const uint8_t *bytes, size_t count)
{
	struct stp_fault_list damage;
	struct stp_segment *segment;

	memory_folder_put("input", bytes, count);
	if (stp_segment_open(memory_folder(), "input", seal_key, &segment, NULL) == STP_OK) {
		stp_fault_list_init(&damage);
		if (stp_segment_check(segment, NULL) == STP_OK)
			read_all(segment, 0);
		stp_segment_tolerate(segment, &damage);
		read_all(segment, 2);
		stp_segment_close(segment);
		stp_fault_list_release(&damage);
	}
}

/* Corrects the sums and the seal of bytes where its header and index allow that. */
static int reseal(uint8_t *bytes, size_t count)
{
	struct stp_segment_keys keys;
	uint64_t block_count;
	uint64_t index_offset;
	uint8_t *footer = bytes + count - STP_SEGMENT_FOOTER_BYTES;
	uint64_t i;

	if (count < STP_SEGMENT_HEADER_BYTES + STP_SEGMENT_FOOTER_BYTES)
		return 0;
	stp_segment_keys_derive(seal_key, &keys);
	block_count = stp_load64_le(bytes + 48);
	index_offset = stp_load64_le(bytes + 56);
	if (block_count > count / STP_BLOCK_ENTRY_BYTES || index_offset > count ||
	    count - index_offset != block_count * STP_BLOCK_ENTRY_BYTES + STP_SEGMENT_FOOTER_BYTES)
		return 0;
	for (i = 0; i < block_count; i++) {
		uint8_t *entry = bytes + index_offset + i * STP_BLOCK_ENTRY_BYTES;
		uint64_t offset = stp_load64_le(entry + 32);
		uint32_t size = stp_load32_le(entry + 40);
		const uint8_t *data;
		size_t data_bytes = size;

		if (offset > index_offset || size > index_offset - offset)
			return 0;
		data = bytes + offset;
		stp_store64_le(entry + 48, XXH3_64bits(data, size));
		stp_hash_many(STP_ALG_BLAKE2B_256, &data, &data_bytes, 1, keys.block, 32,
		              entry + 56, 32);
	}
	stp_store64_le(bytes + 64, count);
	stp_store64_le(footer, STP_SEGMENT_END_MAGIC);
	stp_store64_le(footer + 8, count);
	stp_segment_seal(&keys, bytes, bytes + index_offset, block_count * STP_BLOCK_ENTRY_BYTES,
	                 footer, footer + 16);
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	uint8_t *copy;

	if (data_bytes > 300000)
		return 0;
	try_bytes(data, data_bytes);
	copy = malloc(data_bytes + 1);
	if (!copy)
		abort();
	memcpy(copy, data, data_bytes);
	if (reseal(copy, data_bytes))
		try_bytes(copy, data_bytes);
	free(copy);
	return 0;
}
