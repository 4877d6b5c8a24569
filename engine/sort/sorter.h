/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in any order → the same in order, in bounded memory.
 *
 *	add() ─▶ [memory, budget] ─ full ─▶ sort ─▶ spilled run in an unnamed file
 *	merge() ─▶ all runs of all sorters together ─▶ emit(), in order
 *
 * The ledger's spilled runs are the same up to the file, and different from there on: ledger/run.h,
 * engine/decisions/0152-one-sorter.md.
 *
 * Shape      records of any content; equal ones stay side by side, those of one sorter in the order
 *            of adding.
 * Memory     budget_bytes per sorter; 64 KiB per run while merging.
 * Ownership  the caller writes what it adds into the sorter's memory. A sorter owns its file, which
 *            has no name and disappears with it.
 * Threads    one thread per sorter; merge() one thread, after all adds.
 */
#ifndef STP_SORT_SORTER_H
#define STP_SORT_SORTER_H

#include "base/err.h"
#include "sort/items.h"

struct stp_sorter;

/* Of one record, which is not aligned. */
#define STP_SORTER_RECORD_BYTES_MAX 16384
#define STP_SORTER_BUDGET_MIN       ((size_t)64 << 10)

typedef enum stp_errc stp_sorter_emit_fn(void *ctx, const uint8_t *record, struct stp_err *err);

/* compare is called where prefixes are equal. */
enum stp_errc stp_sorter_create(size_t budget_bytes, stp_sort_compare_fn *compare,
                                struct stp_sorter **out_sorter, struct stp_err *err) STP_MUST_CHECK;
void stp_sorter_destroy(struct stp_sorter *sorter);

/* Adds a record of that many bytes, for the caller to write to *out_record before anything else.
 * prefix: the first 8 bytes of its sort key, big endian. */
enum stp_errc stp_sorter_add(struct stp_sorter *sorter, uint64_t prefix, size_t bytes,
                             uint8_t **out_record, struct stp_err *err) STP_MUST_CHECK;

/* Passes all records of sorters[0, count), which have the same compare, to emit in order. */
enum stp_errc stp_sorter_merge(struct stp_sorter *const *sorters, size_t count,
                               stp_sorter_emit_fn *emit, void *ctx,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
