/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internals of an open segment, as the merge's cursors read it.
 *
 * Shape      blocks[0, info.block_count), checked for sense at open.
 * Memory     88 bytes and a mark per block.
 * Ownership  stp_segment_close() frees it all.
 * Threads    read-only but for the damage marks, which are atomic.
 */
#ifndef STP_LEDGER_SEGMENT_READER_H
#define STP_LEDGER_SEGMENT_READER_H

#include <stdatomic.h>

#include "ledger/blocks.h"
#include "ledger/segment.h"
#include "ledger/segment_format.h"

struct stp_segment {
	int fd;
	char name[STP_SEGMENT_NAME_MAX + 1];
	struct stp_segment_info info;
	struct stp_segment_keys keys;
	struct stp_block *blocks;
	struct stp_block_file file;
	struct stp_fault_list *damage; /* NULL: damage is an error */
	atomic_uchar *is_named;        /* per block: its fault was added */
	atomic_uint_fast64_t damaged_count;
};

/* Reports block as damaged: as a fault, once per block, when the segment tolerates damage,
 * otherwise as the error STP_CHANGED. sys_errno is that of the read, or 0. */
enum stp_errc stp_segment_report(struct stp_segment *segment, size_t block, int sys_errno,
                                 struct stp_err *err) STP_MUST_CHECK;

#endif
