/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/merge.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/bytes.h"
#include "ledger/codec.h"
#include "ledger/cursor.h"
#include "ledger/run_source.h"
#include "ledger/segment_reader.h"
#include "sort/losers.h"

struct stp_key_range stp_key_range_at(uint64_t index, unsigned bits)
{
	struct stp_key_range range;

	STP_ASSERT(bits < 64 && index < (uint64_t)1 << bits);
	memset(&range, 0, sizeof(range));
	range.high_is_end = index + 1 == (uint64_t)1 << bits;
	if (bits) {
		stp_store64_be(range.low, index << (64 - bits));
		if (!range.high_is_end)
			stp_store64_be(range.high, (index + 1) << (64 - bits));
	}
	return range;
}

struct stp_key_range stp_key_range_all(void)
{
	return stp_key_range_at(0, 0);
}

struct stp_merge {
	struct stp_cursor *cursors;
	size_t count;
	struct stp_losers losers;
	size_t ledger_damage; /* cursors of the ledger that have found damage */
	uint8_t key[STP_KEY_BYTES];
	struct stp_merge_item items[STP_MERGE_ITEMS_MAX];
	uint8_t *copies; /* of records that share key and source; made when first needed */
};

enum stp_errc stp_merge_create(const struct stp_sources *sources, struct stp_merge **out_merge,
                               struct stp_err *err)
{
	struct stp_merge *merge = calloc(1, sizeof(*merge));
	enum stp_errc code = STP_OK;

	if (merge)
		merge->cursors = calloc(sources->count + 1, sizeof(*merge->cursors));
	if (!merge || !merge->cursors || !stp_losers_init(&merge->losers, sources->count))
		code = STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for a merge");
	while (code == STP_OK && merge->count < sources->count) {
		code = stp_cursor_init(&merge->cursors[merge->count], &sources->items[merge->count],
		                       err);
		if (code == STP_OK)
			merge->count++;
	}
	if (code != STP_OK) {
		stp_merge_destroy(merge);
		return code;
	}
	*out_merge = merge;
	return STP_OK;
}

void stp_merge_destroy(struct stp_merge *merge)
{
	size_t i;

	if (!merge)
		return;
	for (i = 0; i < merge->count; i++)
		stp_cursor_release(&merge->cursors[i]);
	free(merge->cursors);
	stp_losers_release(&merge->losers);
	free(merge->copies);
	free(merge);
}

/* True when cursor a comes before cursor b. */
static int is_before(const void *ctx, size_t a, size_t b)
{
	const struct stp_merge *merge = ctx;
	const struct stp_cursor *x = &merge->cursors[a];
	const struct stp_cursor *y = &merge->cursors[b];
	int order;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix;
	if (x->is_done || y->is_done)
		return x->is_done == y->is_done ? a < b : y->is_done;
	order = stp_key_compare(x->record.key, y->record.key);
	return order ? order < 0 : a < b;
}

enum stp_errc stp_merge_seek(struct stp_merge *merge, const struct stp_key_range *range,
                             struct stp_err *err)
{
	size_t i;

	for (i = 0; i < merge->count; i++)
		STP_TRY(stp_cursor_seek(&merge->cursors[i], range, err));
	stp_losers_start(&merge->losers, is_before, merge);
	return STP_OK;
}

/* Copies item's record into slot of the copies, and points the item there. */
static enum stp_errc keep_item(struct stp_merge *merge, size_t slot, struct stp_err *err)
{
	struct stp_merge_item *item = &merge->items[slot];
	size_t digest_bytes = merge->cursors[item->source_index].digest_bytes;
	uint8_t *copy;

	if (!merge->copies)
		merge->copies = malloc((size_t)STP_MERGE_ITEMS_MAX * STP_RECORD_ENCODED_MAX);
	if (!merge->copies)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for equal paths");
	copy = merge->copies + slot * STP_RECORD_ENCODED_MAX;
	stp_record_encode(&item->record, digest_bytes, copy);
	STP_ASSERT(stp_record_decode(copy, STP_RECORD_ENCODED_MAX, digest_bytes, &item->record));
	return STP_OK;
}

/* Adds the winner's record to the group. A source's second record of the same key is copied, as is
 * its first: a cursor keeps a record valid only until it has advanced twice. */
static enum stp_errc take(struct stp_merge *merge, struct stp_merge_group *group,
                          struct stp_err *err)
{
	size_t winner = merge->losers.winner;
	struct stp_cursor *cursor = &merge->cursors[winner];

	group->total++;
	if (group->count < STP_MERGE_ITEMS_MAX) {
		struct stp_merge_item *item = &merge->items[group->count++];

		item->source_index = winner;
		item->record = cursor->record;
		if (group->count > 1 && item[-1].source_index == winner) {
			if (group->count < 3 || item[-2].source_index != winner)
				STP_TRY(keep_item(merge, group->count - 2, err));
			STP_TRY(keep_item(merge, group->count - 1, err));
		}
	}
	STP_TRY(stp_cursor_advance(cursor, err));
	stp_losers_play(&merge->losers, winner, is_before, merge);
	return STP_OK;
}

/* Drops the records of older ledger sources for a key in a damaged range. */
static void drop_distrusted(struct stp_merge *merge, struct stp_merge_group *group)
{
	size_t kept = 0;
	size_t damaged;
	size_t i;

	for (damaged = 0; damaged < merge->count; damaged++) {
		const struct stp_cursor *cursor = &merge->cursors[damaged];

		if (cursor->source.is_ledger && stp_cursor_is_damaged(cursor, merge->key))
			break;
	}
	if (damaged == merge->count)
		return;
	for (i = 0; i < group->count; i++) {
		size_t source = merge->items[i].source_index;

		if (source > damaged && merge->cursors[source].source.is_ledger)
			continue;
		if (kept != i)
			merge->items[kept] = merge->items[i];
		kept++;
	}
	group->total -= group->count - kept;
	group->count = kept;
}

static int has_damage(const struct stp_merge *merge)
{
	size_t i;

	for (i = 0; i < merge->count; i++) {
		if (merge->cursors[i].has_damage)
			return 1;
	}
	return 0;
}

enum stp_errc stp_merge_next(struct stp_merge *merge, struct stp_merge_group *group,
                             struct stp_err *err)
{
	do {
		group->key = NULL;
		group->items = merge->items;
		group->count = 0;
		group->total = 0;
		if (merge->losers.winner == STP_LOSERS_NONE ||
		    merge->cursors[merge->losers.winner].is_done)
			return STP_OK;
		memcpy(merge->key, merge->cursors[merge->losers.winner].record.key, STP_KEY_BYTES);
		group->key = merge->key;
		do {
			STP_TRY(take(merge, group, err));
		} while (!merge->cursors[merge->losers.winner].is_done &&
		         stp_key_compare(merge->cursors[merge->losers.winner].record.key,
		                         merge->key) == 0);
		if (has_damage(merge))
			drop_distrusted(merge, group);
	} while (!group->count);
	return STP_OK;
}
