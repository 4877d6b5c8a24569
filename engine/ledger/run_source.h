/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internals of a finished run, as the merge's cursors read it.
 *
 *	memory run:  sort/memory.h                     sorted by key, then by order of adding
 *	spilled run: file of blocks, see ledger/blocks.h
 *
 * Shape      exactly one of memory and blocks is set.
 * Memory     a memory run: the builder's memory; a spilled run: 88 bytes per block.
 * Ownership  stp_run_release() frees it.
 * Threads    read-only.
 */
#ifndef STP_LEDGER_RUN_SOURCE_H
#define STP_LEDGER_RUN_SOURCE_H

#include "ledger/blocks.h"
#include "sort/memory.h"

struct stp_run {
	size_t digest_bytes;
	uint64_t record_count;
	uint64_t record_bytes; /* encoded */
	struct stp_sort_memory memory;
	int fd; /* -1 for a memory run */
	struct stp_block *blocks;
	size_t block_capacity;
	struct stp_block_file file;
};

void stp_run_release(struct stp_run *run);

#endif
