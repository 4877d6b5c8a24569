/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a segment. Nothing in the file is trusted before the seal has been checked, except the
 * sizes, which are compared with the file's own before they are used to allocate memory; after the
 * seal the index is checked for consistency, so that readers need no bounds checks of their own.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/file.h"
#include "ledger/codec.h"
#include "ledger/segment_format.h"
#include "ledger/segment_reader.h"
#include "stampede/alg.h"

/* The header's fields into info. */
static enum stp_errc parse_header(struct stp_segment *segment, const uint8_t *header,
                                  uint64_t file_bytes, uint64_t *out_index_offset,
                                  struct stp_err *err)
{
	struct stp_segment_info *info = &segment->info;
	uint64_t frame = STP_SEGMENT_HEADER_BYTES + STP_SEGMENT_FOOTER_BYTES;
	uint32_t kind = stp_load32_le(header + 16);

	if (stp_load64_le(header) != STP_SEGMENT_MAGIC)
		return STP_FAIL(err, STP_FORMAT, "ledger", segment->name,
		                "is not a ledger segment");
	if (stp_load32_le(header + 8) != STP_SEGMENT_VERSION)
		return STP_FAIL(err, STP_FORMAT, "ledger", segment->name,
		                "has format version %u; this program reads %u",
		                stp_load32_le(header + 8), STP_SEGMENT_VERSION);
	info->hash_set = stp_load32_le(header + 12);
	info->generation = stp_load64_le(header + 32);
	info->record_count = stp_load64_le(header + 40);
	info->block_count = stp_load64_le(header + 48);
	*out_index_offset = stp_load64_le(header + 56);
	info->file_bytes = stp_load64_le(header + 64);
	if (!info->hash_set || info->hash_set >= 1u << STP_ALG_COUNT || kind < STP_SEGMENT_BASE ||
	    kind > STP_SEGMENT_CHECKPOINT || stp_load32_le(header + 20) != 0 ||
	    stp_load32_le(header + 24) != STP_SEGMENT_RESERVED_ONE ||
	    stp_load32_le(header + 28) != STP_BLOCK_ENTRY_BYTES)
		return STP_FAIL(err, STP_FORMAT, "ledger", segment->name,
		                "has a header with values out of range");
	info->kind = (enum stp_segment_kind)kind;
	if (info->file_bytes != file_bytes || file_bytes < frame ||
	    info->block_count > (file_bytes - frame) / STP_BLOCK_ENTRY_BYTES ||
	    *out_index_offset !=
	        file_bytes - STP_SEGMENT_FOOTER_BYTES - info->block_count * STP_BLOCK_ENTRY_BYTES)
		return STP_FAIL(err, STP_FORMAT, "ledger", segment->name,
		                "does not have the size in its header: it was cut off, or changed");
	return STP_OK;
}

/* Whether the index describes blocks that fill the file without gaps, keys ascending. */
static int index_is_sound(const struct stp_segment *segment, uint64_t index_offset)
{
	uint64_t offset = STP_SEGMENT_HEADER_BYTES;
	uint64_t record_count = 0;
	size_t i;

	for (i = 0; i < segment->info.block_count; i++) {
		const struct stp_block *block = &segment->blocks[i];

		if (block->offset != offset || !block->bytes || block->bytes % STP_BLOCK_ALIGN ||
		    block->bytes > STP_BLOCK_BYTES_MAX || !block->record_count ||
		    block->record_count > block->bytes / STP_RECORD_HEAD_BYTES)
			return 0;
		if (i && stp_key_compare(block[-1].first_key, block->first_key) >= 0)
			return 0;
		offset += block->bytes;
		record_count += block->record_count;
	}
	return offset == index_offset && record_count == segment->info.record_count;
}

/* Checks the seal over header and index (the footer follows) and loads the blocks from the
 * index. */
static enum stp_errc take_index(struct stp_segment *segment, const uint8_t *header,
                                const uint8_t *index, uint64_t index_offset, struct stp_err *err)
{
	size_t index_bytes = (size_t)segment->info.block_count * STP_BLOCK_ENTRY_BYTES;
	const uint8_t *footer = index + index_bytes;
	uint8_t seal[STP_SEAL_BYTES];
	size_t i;

	stp_segment_seal(&segment->keys, header, index, index_bytes, footer, seal);
	if (stp_load64_le(footer) != STP_SEGMENT_END_MAGIC ||
	    sodium_memcmp(seal, footer + 16, STP_SEAL_BYTES) != 0)
		return STP_FAIL(
		    err, STP_KEY, "ledger", segment->name,
		    "its seal does not match: it was changed, or sealed with another key");
	memcpy(segment->info.seal, seal, STP_SEAL_BYTES);
	for (i = 0; i < segment->info.block_count; i++)
		stp_block_load(index + i * STP_BLOCK_ENTRY_BYTES, &segment->blocks[i]);
	if (!index_is_sound(segment, index_offset) ||
	    stp_load64_le(footer + 8) != segment->info.file_bytes)
		return STP_FAIL(err, STP_FORMAT, "ledger", segment->name, "has an invalid index");
	return STP_OK;
}

/* Reads header, index and footer and checks them. */
static enum stp_errc load_frame(struct stp_segment *segment, uint8_t *header, uint64_t file_bytes,
                                struct stp_err *err)
{
	uint64_t index_offset = 0;
	size_t index_bytes;
	enum stp_errc code;
	uint8_t *index;

	STP_TRY(stp_fd_read_at(segment->fd, header, STP_SEGMENT_HEADER_BYTES, 0, "ledger",
	                       segment->name, err));
	STP_TRY(parse_header(segment, header, file_bytes, &index_offset, err));
	index_bytes = (size_t)segment->info.block_count * STP_BLOCK_ENTRY_BYTES;
	index = malloc(index_bytes + STP_SEGMENT_FOOTER_BYTES);
	segment->blocks = calloc((size_t)segment->info.block_count + 1, sizeof(*segment->blocks));
	segment->is_named = calloc((size_t)segment->info.block_count + 1, 1);
	if (!index || !segment->blocks || !segment->is_named) {
		free(index);
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", segment->name,
		                      "no memory for its index");
	}
	code = stp_fd_read_at(segment->fd, index, index_bytes + STP_SEGMENT_FOOTER_BYTES,
	                      (off_t)index_offset, "ledger", segment->name, err);
	if (code == STP_OK)
		code = take_index(segment, header, index, index_offset, err);
	free(index);
	return code;
}

enum stp_errc stp_segment_open(int folder_fd, const char *name, const uint8_t *seal_key,
                               struct stp_segment **out_segment, struct stp_err *err)
{
	struct stp_segment *segment = calloc(1, sizeof(*segment));
	uint8_t header[STP_SEGMENT_HEADER_BYTES];
	enum stp_errc code;
	struct stat st;

	if (!segment)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", name, "cannot open");
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	stp_segment_keys_derive(seal_key, &segment->keys);
	segment->fd = -1;
	code = stp_file_open(folder_fd, name, "ledger", &segment->fd, &st, err);
	if (code == STP_OK)
		code = load_frame(segment, header, (uint64_t)st.st_size, err);
	if (code != STP_OK) {
		stp_segment_close(segment);
		return code;
	}
	segment->file = (struct stp_block_file){
	    .fd = segment->fd,
	    .digest_bytes = stp_alg_set_digest_bytes(segment->info.hash_set),
	    .blocks = segment->blocks,
	    .block_count = (size_t)segment->info.block_count,
	    .tag_key = segment->keys.block,
	    .name = segment->name,
	};
	*out_segment = segment;
	return STP_OK;
}

void stp_segment_tolerate(struct stp_segment *segment, struct stp_fault_list *damage)
{
	segment->damage = damage;
}

uint64_t stp_segment_damaged_count(const struct stp_segment *segment)
{
	return atomic_load_explicit(&segment->damaged_count, memory_order_relaxed);
}

const struct stp_segment_info *stp_segment_info(const struct stp_segment *segment)
{
	return &segment->info;
}

enum stp_errc stp_segment_report(struct stp_segment *segment, size_t block, int sys_errno,
                                 struct stp_err *err)
{
	static const char text[] = "block %zu of %zu at byte %llu is damaged or was changed; the "
	                           "files recorded in it count as new";
	unsigned long long offset = (unsigned long long)segment->blocks[block].offset;
	size_t block_count = segment->file.block_count;

	if (!segment->damage)
		return stp_err_set(err, STP_CHANGED, sys_errno, "ledger", segment->name, __FILE__,
		                   __LINE__, text, block + 1, block_count, offset);
	if (atomic_exchange_explicit(&segment->is_named[block], 1, memory_order_relaxed))
		return STP_OK;
	atomic_fetch_add_explicit(&segment->damaged_count, 1, memory_order_relaxed);
	stp_fault_add(segment->damage, STP_CHANGED, sys_errno, "ledger", segment->name,
	              strlen(segment->name), text, block + 1, block_count, offset);
	return STP_OK;
}

enum stp_errc stp_segment_check(struct stp_segment *segment, struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	size_t batch_bytes = (size_t)STP_BLOCK_BATCH_MAX * STP_BLOCK_BYTES_MAX;
	size_t count;
	void *memory = NULL;
	uint8_t *data;
	size_t first;

	if (segment->info.file_bytes < batch_bytes)
		batch_bytes = (size_t)segment->info.file_bytes;
	if (posix_memalign(&memory, STP_BLOCK_ALIGN, batch_bytes) != 0)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", segment->name, "cannot check it");
	data = memory;
	for (first = 0; first < segment->file.block_count && code == STP_OK; first += count) {
		unsigned bad;
		size_t i;

		count = segment->file.block_count - first;
		if (count > STP_BLOCK_BATCH_MAX)
			count = STP_BLOCK_BATCH_MAX;
		code = stp_blocks_read(&segment->file, first, count, data, &bad, err);
		for (i = 0; i < count && code == STP_OK; i++) {
			if (bad & 1u << i)
				code = stp_segment_report(segment, first + i, 0, err);
		}
	}
	free(data);
	return code;
}

void stp_segment_close(struct stp_segment *segment)
{
	if (!segment)
		return;
	stp_fd_close(&segment->fd);
	free(segment->blocks);
	free(segment->is_named);
	sodium_memzero(&segment->keys, sizeof(segment->keys));
	free(segment);
}
