/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished run from within: what the merge's cursors read it by.
 *
 *	memory run:  items[i].at ─▶ records + at       sorted by key, then by order of adding
 *	spilled run: file of blocks, see ledger/blocks.h
 *
 * Shape      exactly one of records and blocks is set.
 * Memory     a memory run: the builder's mappings; a spilled run: 88 bytes per block.
 * Ownership  stp_run_release() frees it.
 * Threads    read-only.
 */
#ifndef STP_LEDGER_RUN_SOURCE_H
#define STP_LEDGER_RUN_SOURCE_H

#include "ledger/blocks.h"

/* One record of a memory run. */
struct stp_run_item {
	uint64_t prefix; /* first 8 bytes of the key, big endian */
	uint64_t at;     /* of the encoded record in records */
};

struct stp_run {
	size_t digest_bytes;
	uint64_t record_count;
	uint64_t record_bytes; /* encoded */
	uint8_t *records;
	size_t records_mapped;
	struct stp_run_item *items;
	size_t items_mapped;
	int fd; /* -1 for a memory run */
	struct stp_block *blocks;
	size_t block_capacity;
	struct stp_block_file file;
};

void stp_run_release(struct stp_run *run);

/* Sorts items by the key of their records, equal keys by at. scratch has room for count items. */
void stp_run_sort(struct stp_run_item *items, struct stp_run_item *scratch, size_t count,
                  const uint8_t *records);

#endif
