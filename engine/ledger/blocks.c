/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/blocks.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/array.h"
#include "base/bytes.h"
#include "hash/hash.h"
#include "ledger/codec.h"

void stp_block_store(const struct stp_block *block, uint8_t out[STP_BLOCK_ENTRY_BYTES])
{
	memcpy(out, block->first_key, STP_KEY_BYTES);
	stp_store64_le(out + 32, block->offset);
	stp_store32_le(out + 40, block->bytes);
	stp_store32_le(out + 44, block->record_count);
	stp_store64_le(out + 48, block->xxh3);
	memcpy(out + 56, block->tag, STP_BLOCK_TAG_BYTES);
}

void stp_block_load(const uint8_t bytes[STP_BLOCK_ENTRY_BYTES], struct stp_block *out_block)
{
	memcpy(out_block->first_key, bytes, STP_KEY_BYTES);
	out_block->offset = stp_load64_le(bytes + 32);
	out_block->bytes = stp_load32_le(bytes + 40);
	out_block->record_count = stp_load32_le(bytes + 44);
	out_block->xxh3 = stp_load64_le(bytes + 48);
	memcpy(out_block->tag, bytes + 56, STP_BLOCK_TAG_BYTES);
}

/* Grows data to capacity bytes. */
static enum stp_errc grow_data(struct stp_blocks *blocks, size_t capacity, struct stp_err *err)
{
	void *data;
	int sys = posix_memalign(&data, STP_BLOCK_ALIGN, capacity);

	if (sys != 0)
		return STP_FAIL_ERRNO(err, sys, "ledger", NULL, "cannot get %zu bytes", capacity);
	if (blocks->bytes)
		memcpy(data, blocks->data, blocks->bytes);
	free(blocks->data);
	blocks->data = data;
	blocks->capacity = capacity;
	return STP_OK;
}

enum stp_errc stp_blocks_init(struct stp_blocks *blocks, size_t digest_bytes, size_t capacity_hint,
                              struct stp_err *err)
{
	size_t capacity = capacity_hint ? capacity_hint : (size_t)1 << 20;

	memset(blocks, 0, sizeof(*blocks));
	blocks->digest_bytes = digest_bytes;
	blocks->block_bytes_max = STP_BLOCK_BYTES_MAX;
	if (capacity < 2 * STP_BLOCK_BYTES_MAX)
		capacity = 2 * STP_BLOCK_BYTES_MAX;
	return grow_data(blocks, (capacity + STP_BLOCK_ALIGN - 1) & ~(size_t)(STP_BLOCK_ALIGN - 1),
	                 err);
}

void stp_blocks_clear(struct stp_blocks *blocks)
{
	blocks->bytes = 0;
	blocks->count = 0;
	blocks->open_at = 0;
	blocks->open_count = 0;
	blocks->summed = 0;
	blocks->record_count = 0;
}

void stp_blocks_release(struct stp_blocks *blocks)
{
	free(blocks->data);
	free(blocks->items);
	memset(blocks, 0, sizeof(*blocks));
}

/* Pads the open block with zeros and sets its size. */
static void close_block(struct stp_blocks *blocks)
{
	size_t padded = (blocks->bytes + STP_BLOCK_ALIGN - 1) & ~(size_t)(STP_BLOCK_ALIGN - 1);

	if (!blocks->open_count)
		return;
	memset(blocks->data + blocks->bytes, 0, padded - blocks->bytes);
	blocks->bytes = padded;
	blocks->items[blocks->count - 1].bytes = (uint32_t)(padded - blocks->open_at);
	blocks->items[blocks->count - 1].record_count = blocks->open_count;
	blocks->open_at = padded;
	blocks->open_count = 0;
}

/* Starts a block with key; afterwards there is space for an entry. */
static enum stp_errc open_block(struct stp_blocks *blocks, const uint8_t *key, struct stp_err *err)
{
	struct stp_block *block;

	if (!STP_ARRAY_RESERVE(blocks->items, blocks->item_capacity, blocks->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for an index");
	block = &blocks->items[blocks->count++];
	memset(block, 0, sizeof(*block));
	memcpy(block->first_key, key, STP_KEY_BYTES);
	block->offset = blocks->open_at;
	return STP_OK;
}

/* Makes space for a record of count bytes with key at data + bytes, in an open block. */
static enum stp_errc make_room(struct stp_blocks *blocks, const uint8_t *key, size_t count,
                               struct stp_err *err)
{
	STP_ASSERT(count <= STP_RECORD_ENCODED_MAX);
	if (blocks->count || blocks->open_count)
		STP_ASSERT(stp_key_compare(blocks->last_key, key) <= 0);
	if (blocks->bytes - blocks->open_at + count > blocks->block_bytes_max)
		close_block(blocks);
	if (blocks->bytes + count + STP_BLOCK_ALIGN > blocks->capacity)
		STP_TRY(grow_data(blocks, blocks->capacity * 2, err));
	if (!blocks->open_count)
		STP_TRY(open_block(blocks, key, err));
	memcpy(blocks->last_key, key, STP_KEY_BYTES);
	return STP_OK;
}

enum stp_errc stp_blocks_add(struct stp_blocks *blocks, const struct stp_record *record,
                             struct stp_err *err)
{
	size_t count = stp_record_encoded_bytes(record, blocks->digest_bytes);

	STP_TRY(make_room(blocks, record->key, count, err));
	stp_record_encode(record, blocks->digest_bytes, blocks->data + blocks->bytes);
	blocks->bytes += count;
	blocks->open_count++;
	blocks->record_count++;
	return STP_OK;
}

enum stp_errc stp_blocks_add_encoded(struct stp_blocks *blocks, const uint8_t *bytes, size_t count,
                                     struct stp_err *err)
{
	STP_TRY(make_room(blocks, bytes, count, err));
	memcpy(blocks->data + blocks->bytes, bytes, count);
	blocks->bytes += count;
	blocks->open_count++;
	blocks->record_count++;
	return STP_OK;
}

/* Sums of count blocks (at most STP_BLOCK_BATCH_MAX) whose bytes start at data[i]. */
static void sum_blocks(const uint8_t *const *data, const size_t *bytes, size_t count,
                       const uint8_t *tag_key, uint64_t *out_xxh3,
                       uint8_t (*out_tags)[STP_BLOCK_TAG_BYTES])
{
	size_t i;

	for (i = 0; i < count; i++)
		out_xxh3[i] = XXH3_64bits(data[i], bytes[i]);
	if (tag_key)
		stp_hash_many(STP_ALG_BLAKE2B_256, data, bytes, count, tag_key, 32, out_tags[0],
		              STP_BLOCK_TAG_BYTES);
	else
		memset(out_tags, 0, count * STP_BLOCK_TAG_BYTES);
}

void stp_blocks_seal(struct stp_blocks *blocks, const uint8_t *tag_key)
{
	const uint8_t *data[STP_BLOCK_BATCH_MAX];
	size_t bytes[STP_BLOCK_BATCH_MAX];
	uint64_t xxh3[STP_BLOCK_BATCH_MAX];
	uint8_t tags[STP_BLOCK_BATCH_MAX][STP_BLOCK_TAG_BYTES];

	close_block(blocks);
	while (blocks->summed < blocks->count) {
		struct stp_block *batch = blocks->items + blocks->summed;
		size_t count = blocks->count - blocks->summed;
		size_t i;

		if (count > STP_BLOCK_BATCH_MAX)
			count = STP_BLOCK_BATCH_MAX;
		for (i = 0; i < count; i++) {
			data[i] = blocks->data + batch[i].offset;
			bytes[i] = batch[i].bytes;
		}
		sum_blocks(data, bytes, count, tag_key, xxh3, tags);
		for (i = 0; i < count; i++) {
			batch[i].xxh3 = xxh3[i];
			memcpy(batch[i].tag, tags[i], STP_BLOCK_TAG_BYTES);
		}
		blocks->summed += count;
	}
}

/* Reads up to count bytes; fewer only at the end of the file. */
static enum stp_errc read_some(const struct stp_block_file *file, uint8_t *data, size_t count,
                               uint64_t offset, size_t *out_got, struct stp_err *err)
{
	size_t done = 0;

	while (done < count) {
		ssize_t got = pread(file->fd, data + done, count - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, "ledger", file->name, "cannot read");
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*out_got = done;
	return STP_OK;
}

enum stp_errc stp_blocks_read(const struct stp_block_file *file, size_t first, size_t count,
                              uint8_t *data, unsigned *out_bad, struct stp_err *err)
{
	const struct stp_block *blocks = file->blocks + first;
	const struct stp_block *last = blocks + count - 1;
	const uint8_t *at[STP_BLOCK_BATCH_MAX];
	size_t bytes[STP_BLOCK_BATCH_MAX];
	uint64_t xxh3[STP_BLOCK_BATCH_MAX];
	uint8_t tags[STP_BLOCK_BATCH_MAX][STP_BLOCK_TAG_BYTES];
	size_t wanted = (size_t)(last->offset + last->bytes - blocks->offset);
	unsigned bad = 0;
	size_t got = 0;
	size_t i;

	STP_ASSERT(count >= 1 && count <= STP_BLOCK_BATCH_MAX);
	STP_TRY(read_some(file, data, wanted, blocks->offset, &got, err));
	/* A truncated file: the missing bytes read as zeros and fail their sums. */
	memset(data + got, 0, wanted - got);
	for (i = 0; i < count; i++) {
		at[i] = data + (blocks[i].offset - blocks->offset);
		bytes[i] = blocks[i].bytes;
	}
	sum_blocks(at, bytes, count, file->tag_key, xxh3, tags);
	for (i = 0; i < count; i++) {
		if (xxh3[i] != blocks[i].xxh3 ||
		    sodium_memcmp(tags[i], blocks[i].tag, STP_BLOCK_TAG_BYTES) != 0)
			bad |= 1u << i;
	}
	*out_bad = bad;
	return STP_OK;
}

size_t stp_blocks_find(const struct stp_block_file *file, const uint8_t key[STP_KEY_BYTES])
{
	size_t low = 0;
	size_t high = file->block_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stp_key_compare(file->blocks[middle].first_key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
