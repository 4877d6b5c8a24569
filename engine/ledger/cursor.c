/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/cursor.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "ledger/codec.h"
#include "ledger/run_source.h"
#include "ledger/segment_reader.h"

/* Records of a memory run are scattered: prefetch this many ahead. */
#define PREFETCH_COUNT 6

/* A batch is STP_BLOCK_BATCH_MAX of the source's largest blocks, which fills the hash lanes; a
 * segment that is smaller needs no more than itself. */
static size_t batch_bytes(const struct stp_cursor *cursor)
{
	const struct stp_segment *segment = cursor->source.segment;
	size_t bytes = STP_BLOCK_BATCH_MAX * (segment ? STP_BLOCK_BYTES_MAX : STP_BLOCK_BYTES_RUN);

	return segment && segment->info.file_bytes < bytes ? (size_t)segment->info.file_bytes
	                                                   : bytes;
}

enum stp_errc stp_cursor_init(struct stp_cursor *cursor, const struct stp_source *source,
                              struct stp_err *err)
{
	size_t i;

	memset(cursor, 0, sizeof(*cursor));
	cursor->source = *source;
	cursor->is_done = 1;
	cursor->prefix = UINT64_MAX;
	if (source->segment)
		cursor->file = &source->segment->file;
	else if (source->run->fd >= 0)
		cursor->file = &source->run->file;
	cursor->digest_bytes =
	    cursor->file ? cursor->file->digest_bytes : source->run->digest_bytes;
	for (i = 0; i < 2 && cursor->file; i++) {
		void *batch = NULL;
		int sys = posix_memalign(&batch, STP_BLOCK_ALIGN, batch_bytes(cursor));

		cursor->batches[i] = sys == 0 ? batch : NULL;
		if (sys != 0) {
			stp_cursor_release(cursor);
			return STP_FAIL_ERRNO(err, sys, "ledger", NULL,
			                      "cannot get memory for a merge");
		}
	}
	return STP_OK;
}

void stp_cursor_release(struct stp_cursor *cursor)
{
	free(cursor->batches[0]);
	free(cursor->batches[1]);
	cursor->batches[0] = NULL;
	cursor->batches[1] = NULL;
}

static void finish(struct stp_cursor *cursor)
{
	cursor->is_done = 1;
	cursor->prefix = UINT64_MAX;
}

/* True when key is beyond the range. */
static int is_beyond(const struct stp_cursor *cursor, const uint8_t *key)
{
	return !cursor->range.high_is_end && stp_key_compare(key, cursor->range.high) >= 0;
}

/* --- memory runs --- */

static size_t find_item(const struct stp_run *run, const uint8_t *key)
{
	size_t low = 0;
	size_t high = (size_t)run->record_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stp_key_compare(stp_sort_memory_at(&run->memory, middle), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void next_item(struct stp_cursor *cursor)
{
	const struct stp_run *run = cursor->source.run;
	const struct stp_sort_item *item = run->memory.items + cursor->item;

	if (cursor->item >= cursor->item_end) {
		finish(cursor);
		return;
	}
	if (cursor->item + PREFETCH_COUNT < cursor->item_end) {
		const uint8_t *ahead = run->memory.records + item[PREFETCH_COUNT].at;

		__builtin_prefetch(ahead);
		__builtin_prefetch(ahead + 64);
		__builtin_prefetch(ahead + 128);
		__builtin_prefetch(ahead + 192);
	}
	cursor->item++;
	cursor->prefix = item->prefix;
	/* Trusted memory: encoded by stp_run_add(). */
	STP_ASSERT(stp_record_decode(run->memory.records + item->at, STP_RECORD_ENCODED_MAX,
	                             cursor->digest_bytes, &cursor->record) != 0);
}

/* --- files --- */

/* Handles a damaged block: remembers its key range, or fails. */
static enum stp_errc meet_damage(struct stp_cursor *cursor, size_t block, int sys_errno,
                                 struct stp_err *err)
{
	const struct stp_block *blocks = cursor->file->blocks;

	if (!cursor->source.segment)
		return STP_FAIL(
		    err, STP_CHANGED, "ledger", cursor->file->name,
		    "block %zu does not read back as it was written; check memory and disk",
		    block + 1);
	STP_TRY(stp_segment_report(cursor->source.segment, block, sys_errno, err));
	if (!cursor->has_damage ||
	    stp_key_compare(cursor->damage_high, blocks[block].first_key) != 0)
		memcpy(cursor->damage_low, blocks[block].first_key, STP_KEY_BYTES);
	cursor->has_damage = 1;
	cursor->damage_to_end = block + 1 == cursor->file->block_count;
	if (!cursor->damage_to_end)
		memcpy(cursor->damage_high, blocks[block + 1].first_key, STP_KEY_BYTES);
	return STP_OK;
}

/* Loads the next batch of blocks into the batch that is not in use. */
static enum stp_errc load_batch(struct stp_cursor *cursor, struct stp_err *err)
{
	size_t count = cursor->block_end - cursor->block;
	struct stp_err local = STP_ERR_INIT;
	enum stp_errc code;
	unsigned bad;

	if (count > STP_BLOCK_BATCH_MAX)
		count = STP_BLOCK_BATCH_MAX;
	cursor->turn ^= 1;
	code = stp_blocks_read(cursor->file, cursor->block, count, cursor->batches[cursor->turn],
	                       &bad, &local);
	if (code != STP_OK) {
		/* A block that cannot be read is damage in a ledger, and a failure in a spilled
		 * run. */
		if (!cursor->source.segment || !cursor->source.segment->damage) {
			stp_err_merge(err, &local);
			return code;
		}
		bad = ~0u;
	}
	cursor->batch_first = cursor->block;
	cursor->batch_count = count;
	cursor->batch_bad = bad;
	cursor->block += count;
	cursor->in_batch = 0;
	return STP_OK;
}

/* Advances to the next good block; *out_any is 0 when there is none. */
static enum stp_errc next_block(struct stp_cursor *cursor, int *out_any, struct stp_err *err)
{
	for (;;) {
		const struct stp_block *block;

		if (cursor->in_batch >= cursor->batch_count) {
			*out_any = cursor->block < cursor->block_end;
			if (!*out_any)
				return STP_OK;
			STP_TRY(load_batch(cursor, err));
		}
		block = &cursor->file->blocks[cursor->batch_first + cursor->in_batch];
		if (!(cursor->batch_bad & 1u << cursor->in_batch)) {
			const struct stp_block *first = &cursor->file->blocks[cursor->batch_first];

			cursor->at =
			    cursor->batches[cursor->turn] + (block->offset - first->offset);
			cursor->left = block->bytes;
			cursor->records_left = block->record_count;
			cursor->in_batch++;
			*out_any = 1;
			return STP_OK;
		}
		STP_TRY(meet_damage(cursor, cursor->batch_first + cursor->in_batch, 0, err));
		cursor->in_batch++;
	}
}

/* The next record of the file. A block with good sums holds what the writer put there; an invalid
 * record in it nevertheless ends the merge. */
static enum stp_errc next_in_file(struct stp_cursor *cursor, struct stp_err *err)
{
	size_t block;
	size_t count;

	if (!cursor->records_left) {
		int any;

		STP_TRY(next_block(cursor, &any, err));
		if (!any) {
			finish(cursor);
			return STP_OK;
		}
	}
	block = cursor->batch_first + cursor->in_batch - 1;
	count = stp_record_decode(cursor->at, cursor->left, cursor->digest_bytes, &cursor->record);
	if (!count || (cursor->records_left == cursor->file->blocks[block].record_count &&
	               stp_key_compare(cursor->record.key, cursor->file->blocks[block].first_key)))
		return STP_FAIL(err, STP_FORMAT, "ledger", cursor->file->name,
		                "block %zu holds an invalid record", block + 1);
	cursor->at += count;
	cursor->left -= count;
	cursor->records_left--;
	cursor->prefix = stp_load64_be(cursor->record.key);
	/* Only the last block of the range can extend beyond it. */
	if (block + 1 == cursor->block_end && is_beyond(cursor, cursor->record.key))
		finish(cursor);
	return STP_OK;
}

/* --- both --- */

enum stp_errc stp_cursor_advance(struct stp_cursor *cursor, struct stp_err *err)
{
	uint8_t before[STP_KEY_BYTES];

	if (cursor->is_done)
		return STP_OK;
	if (!cursor->file) {
		next_item(cursor);
		return STP_OK;
	}
	memcpy(before, cursor->record.key, STP_KEY_BYTES);
	STP_TRY(next_in_file(cursor, err));
	if (!cursor->is_done &&
	    stp_key_compare(before, cursor->record.key) > (cursor->source.segment ? -1 : 0))
		return STP_FAIL(err, STP_FORMAT, "ledger", cursor->file->name,
		                "has keys that are not in order");
	return STP_OK;
}

enum stp_errc stp_cursor_seek(struct stp_cursor *cursor, const struct stp_key_range *range,
                              struct stp_err *err)
{
	cursor->range = *range;
	cursor->is_done = 0;
	cursor->has_damage = 0;
	cursor->damage_to_end = 0;
	if (!cursor->file) {
		const struct stp_run *run = cursor->source.run;

		cursor->item = find_item(run, range->low);
		cursor->item_end =
		    range->high_is_end ? (size_t)run->record_count : find_item(run, range->high);
		next_item(cursor);
		return STP_OK;
	}
	cursor->block = stp_blocks_find(cursor->file, range->low);
	/* The block before may extend into the range. */
	if (cursor->block)
		cursor->block--;
	cursor->block_end = range->high_is_end ? cursor->file->block_count
	                                       : stp_blocks_find(cursor->file, range->high);
	cursor->batch_count = 0;
	cursor->in_batch = 0;
	cursor->records_left = 0;
	STP_TRY(next_in_file(cursor, err));
	while (!cursor->is_done && stp_key_compare(cursor->record.key, range->low) < 0)
		STP_TRY(stp_cursor_advance(cursor, err));
	return STP_OK;
}

int stp_cursor_is_damaged(const struct stp_cursor *cursor, const uint8_t *key)
{
	return cursor->has_damage && stp_key_compare(key, cursor->damage_low) >= 0 &&
	       (cursor->damage_to_end || stp_key_compare(key, cursor->damage_high) < 0);
}
