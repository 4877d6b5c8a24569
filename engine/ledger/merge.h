/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge: many sorted sources → one stream of groups, each all records of one key.
 *
 *	memory runs ┐
 *	spilled runs ├─▶ [cursor per source] ─▶ heap on 8 bytes of key ─▶ group {key, items}
 *	segments     ┘
 *
 * A merge covers a key range [low, high); several merges may run over the same sources at once,
 * each on its thread. Items of a group are ordered by source index, records of one source in the
 * order they were added; so with ledger segments newest first, a group's first ledger item is the
 * one that counts.
 *
 * Damage. A block of a segment that fails its checksum or tag is an error that names it, unless the
 * segment tolerates damage (stp_segment_tolerate(), as the ledger's segments do): then a fault is
 * added to the segment's list, its records are missing, and so are all records of later sources of
 * the ledger in that block's key range, because an older record must not come back to life. Files
 * in that range look new and are hashed again.
 *
 * Shape      groups in strictly ascending key order; a group holds at most
 *            STP_MERGE_ITEMS_MAX items, total counts all.
 * Memory     two batches of blocks per file-backed source: 1 MiB for a sealed segment, 256 KiB for
 *            a spilled run.
 * Ownership  the sources belong to the list and outlive the merge; a group is valid until the next
 *            call.
 * Threads    one thread per merge; sources are read-only.
 */
#ifndef STP_LEDGER_MERGE_H
#define STP_LEDGER_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/sources.h"
#include "record/record.h"

/* Key range index of 2^bits: low is its first key, high the first beyond; high_is_end is set for
 * the last range, beyond which there is no key. */
struct stp_key_range {
	uint8_t low[STP_KEY_BYTES];
	uint8_t high[STP_KEY_BYTES];
	int high_is_end;
};

struct stp_key_range stp_key_range_at(uint64_t index, unsigned bits);
struct stp_key_range stp_key_range_all(void);

#define STP_MERGE_ITEMS_MAX 64

struct stp_merge_item {
	size_t source_index;
	struct stp_record record;
};

struct stp_merge_group {
	const uint8_t *key; /* NULL at the end */
	const struct stp_merge_item *items;
	size_t count; /* items in the group */
	size_t total; /* records found; more than count only beyond STP_MERGE_ITEMS_MAX */
};

struct stp_merge;

/* A merge over all sources; nothing is read until seek. */
enum stp_errc stp_merge_create(const struct stp_sources *sources, struct stp_merge **out_merge,
                               struct stp_err *err) STP_MUST_CHECK;

/* Starts at range->low; may be called again for other ranges, buffers are kept. */
enum stp_errc stp_merge_seek(struct stp_merge *merge, const struct stp_key_range *range,
                             struct stp_err *err) STP_MUST_CHECK;

/* The next group; group->key is NULL when the range is done. */
enum stp_errc stp_merge_next(struct stp_merge *merge, struct stp_merge_group *group,
                             struct stp_err *err) STP_MUST_CHECK;

void stp_merge_destroy(struct stp_merge *merge);

#endif
