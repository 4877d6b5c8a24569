/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tournament of losers (Knuth 5.4.1): leaf i is cursor i; an inner node holds the loser of the
 * match played there, so after the winner advances only the matches on its way up are played again,
 * one comparison each, nearly always of 8 bytes.
 *
 *	        winner
 *	          │
 *	        node 1
 *	       ╱      ╲
 *	   node 2    node 3
 *	   ╱   ╲      ╱   ╲
 *	  c0   c1    c2   c3
 */
#include "ledger/merge.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/bytes.h"
#include "ledger/codec.h"
#include "ledger/cursor.h"
#include "ledger/run_source.h"
#include "ledger/segment_reader.h"

#define RANGE_BYTES ((uint64_t)8 << 20)
#define NO_CURSOR   SIZE_MAX

enum stp_errc stp_sources_add(struct stp_sources *sources, struct stp_source source,
                              struct stp_err *err)
{
	if (!STP_ARRAY_RESERVE(sources->items, sources->capacity, sources->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for %zu sources",
		                      sources->count + 1);
	sources->items[sources->count++] = source;
	return STP_OK;
}

void stp_sources_release(struct stp_sources *sources)
{
	size_t i;

	for (i = 0; i < sources->count; i++) {
		if (sources->items[i].borrowed)
			continue;
		if (sources->items[i].run)
			stp_run_release(sources->items[i].run);
		stp_segment_close(sources->items[i].segment);
	}
	free(sources->items);
	memset(sources, 0, sizeof(*sources));
}

uint64_t stp_sources_record_count(const struct stp_sources *sources)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < sources->count; i++) {
		const struct stp_source *source = &sources->items[i];

		count += source->segment ? source->segment->info.record_count
		                         : source->run->record_count;
	}
	return count;
}

uint64_t stp_sources_bytes(const struct stp_sources *sources)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sources->count; i++) {
		const struct stp_source *source = &sources->items[i];

		bytes +=
		    source->segment ? source->segment->info.file_bytes : source->run->record_bytes;
	}
	return bytes;
}

unsigned stp_sources_range_bits(const struct stp_sources *sources, unsigned bits_max)
{
	uint64_t ranges = stp_sources_bytes(sources) / RANGE_BYTES;
	unsigned bits = 0;

	while (bits < bits_max && (uint64_t)1 << (bits + 1) <= ranges)
		bits++;
	return bits;
}

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
	size_t *losers; /* node i in [1, count) */
	size_t winner;
	size_t ledger_damage; /* cursors of the ledger that have met damage */
	uint8_t key[STP_KEY_BYTES];
	struct stp_merge_item items[STP_MERGE_ITEMS_MAX];
	uint8_t *copies; /* of records that share key and source; made when first needed */
};

enum stp_errc stp_merge_create(const struct stp_sources *sources, struct stp_merge **out_merge,
                               struct stp_err *err)
{
	struct stp_merge *merge = calloc(1, sizeof(*merge));
	enum stp_errc code = STP_OK;

	if (merge) {
		merge->cursors = calloc(sources->count + 1, sizeof(*merge->cursors));
		merge->losers = calloc(sources->count + 1, sizeof(*merge->losers));
	}
	if (!merge || !merge->cursors || !merge->losers)
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
	free(merge->losers);
	free(merge->copies);
	free(merge);
}

/* True when cursor a comes before cursor b. */
static int is_before(const struct stp_merge *merge, size_t a, size_t b)
{
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

/* Plays cursor's matches up to the root. While the tree is built, the first to arrive at a node
 * waits there. */
static void play(struct stp_merge *merge, size_t cursor)
{
	size_t winner = cursor;
	size_t node;

	for (node = (cursor + merge->count) / 2; node > 0; node /= 2) {
		size_t other = merge->losers[node];

		if (other == NO_CURSOR) {
			merge->losers[node] = winner;
			return;
		}
		if (is_before(merge, other, winner)) {
			merge->losers[node] = winner;
			winner = other;
		}
	}
	merge->winner = winner;
}

enum stp_errc stp_merge_seek(struct stp_merge *merge, const struct stp_key_range *range,
                             struct stp_err *err)
{
	size_t i;

	for (i = 0; i < merge->count; i++)
		STP_TRY(stp_cursor_seek(&merge->cursors[i], range, err));
	merge->winner = NO_CURSOR;
	for (i = 0; i < merge->count; i++)
		merge->losers[i] = NO_CURSOR;
	for (i = 0; i < merge->count; i++)
		play(merge, i);
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

/* Takes the winner's record into the group. A source's second record of the same key is copied, as
 * is its first: a cursor keeps a record only while it moves on once. */
static enum stp_errc take(struct stp_merge *merge, struct stp_merge_group *group,
                          struct stp_err *err)
{
	size_t winner = merge->winner;
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
	play(merge, winner);
	return STP_OK;
}

/* Leaves out what older sources of the ledger say about a key in a damaged range. */
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
		if (merge->winner == NO_CURSOR || merge->cursors[merge->winner].is_done)
			return STP_OK;
		memcpy(merge->key, merge->cursors[merge->winner].record.key, STP_KEY_BYTES);
		group->key = merge->key;
		do {
			STP_TRY(take(merge, group, err));
		} while (!merge->cursors[merge->winner].is_done &&
		         stp_key_compare(merge->cursors[merge->winner].record.key, merge->key) ==
		             0);
		if (has_damage(merge))
			drop_distrusted(merge, group);
	} while (!group->count);
	return STP_OK;
}
