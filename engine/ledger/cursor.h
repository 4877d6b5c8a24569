/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor: one source of a merge, read in key order within a range.
 *
 *	memory run ─▶ items ─▶ record
 *	file ─▶ [batch of blocks A | batch B, checked] ─▶ record
 *
 * Two batches take turns, so a record stays valid while the cursor advances once more.
 *
 * Shape      struct stp_cursor with the current record and its key's first 8 bytes.
 * Memory     file: two batches; memory run: none.
 * Ownership  the source's bytes; batches are the cursor's.
 * Threads    one thread per cursor.
 */
#ifndef STP_LEDGER_CURSOR_H
#define STP_LEDGER_CURSOR_H

#include "ledger/blocks.h"
#include "ledger/merge.h"

struct stp_cursor {
	struct stp_source source;
	size_t digest_bytes;
	struct stp_key_range range;
	int is_done;
	uint64_t prefix; /* of record's key, UINT64_MAX when done */
	struct stp_record record;

	/* A memory run: items [item, item_end) are left. */
	size_t item, item_end;

	/* A file: blocks [block, block_end) are still to be loaded. */
	const struct stp_block_file *file;
	size_t block, block_end;
	uint8_t *batches[2];
	unsigned turn;      /* the batch in use */
	size_t batch_first; /* its first block */
	size_t batch_count; /* its blocks */
	unsigned batch_bad; /* bit i: block batch_first + i is damaged */
	size_t in_batch;    /* the block being read, or batch_count */
	const uint8_t *at;  /* next record */
	size_t left;        /* bytes of the block from at */
	uint32_t records_left;

	/* Key range of the last damaged blocks found: [damage_low, damage_high). */
	int has_damage;
	int damage_to_end;
	uint8_t damage_low[STP_KEY_BYTES];
	uint8_t damage_high[STP_KEY_BYTES];
};

/* Prepares a cursor over source; allocates its batches. */
enum stp_errc stp_cursor_init(struct stp_cursor *cursor, const struct stp_source *source,
                              struct stp_err *err) STP_MUST_CHECK;

/* Moves to the first record of range, or to the end. */
enum stp_errc stp_cursor_seek(struct stp_cursor *cursor, const struct stp_key_range *range,
                              struct stp_err *err) STP_MUST_CHECK;

/* Moves to the next record, or to the end. The previous record stays valid until the next call. */
enum stp_errc stp_cursor_advance(struct stp_cursor *cursor, struct stp_err *err) STP_MUST_CHECK;

/* True when key is in a damaged range that this cursor has found. */
int stp_cursor_is_damaged(const struct stp_cursor *cursor, const uint8_t *key);

void stp_cursor_release(struct stp_cursor *cursor);

#endif
