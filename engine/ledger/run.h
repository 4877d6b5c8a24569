/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: records in any order → sorted sources for a merge, in bounded memory.
 *
 *	stp_run_add() ─▶ [arena, budget] ─ full ─▶ sort by key ─▶ spilled run (unnamed file)
 *	stp_run_finish() ─▶ sort ─▶ memory run + spilled runs ─▶ struct stp_sources ─▶ merge
 *
 * One builder per worker; the runs of all builders go into one list of sources. Records with the
 * same key are all kept, also within one builder, in the order of adding: the merge returns them in
 * one group, which is how a path that is named twice is found.
 *
 * A spilled run lives in a file without a name (O_TMPFILE): nobody else can open it, and a crash
 * leaves nothing behind. So its blocks have XXH3 sums against bad memory and disks, but no seal.
 *
 * Shape      at most budget_bytes of records, index and sort space in memory per builder.
 * Memory     one mapping per builder, touched as it fills; a memory run keeps it.
 * Ownership  finish moves the runs to the list; the builder can be destroyed.
 * Threads    one thread per builder; finished sources are read-only, any thread.
 */
#ifndef STP_LEDGER_RUN_H
#define STP_LEDGER_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "ledger/sources.h"
#include "record/record.h"

struct stp_run_builder;

struct stp_run_options {
	int spill_fd;                    /* folder for spilled runs (state/), not closed */
	unsigned hash_set;               /* the set of record->digests */
	size_t budget_bytes;             /* at least STP_RUN_BUDGET_MIN */
	const struct stp_cancel *cancel; /* may be NULL */
};

#define STP_RUN_BUDGET_MIN ((size_t)1 << 20)

enum stp_errc stp_run_create(const struct stp_run_options *options,
                             struct stp_run_builder **out_builder,
                             struct stp_err *err) STP_MUST_CHECK;

/* Copies record (any key, any flags). Sorts and spills when the budget is used up. */
enum stp_errc stp_run_add(struct stp_run_builder *builder, const struct stp_record *record,
                          struct stp_err *err) STP_MUST_CHECK;

/* Sorts what is in memory and appends all runs of the builder to sources. The builder is empty
 * afterwards and may only be destroyed. */
enum stp_errc stp_run_finish(struct stp_run_builder *builder, struct stp_sources *sources,
                             struct stp_err *err) STP_MUST_CHECK;

/* Records added so far, and runs spilled so far. */
uint64_t stp_run_record_count(const struct stp_run_builder *builder);
uint64_t stp_run_spill_count(const struct stp_run_builder *builder);

void stp_run_destroy(struct stp_run_builder *builder);

#endif
