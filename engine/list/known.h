/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known rows: most rows of a list repeat what the ledger already has. Their records are only marked
 * as seen, and the rows are neither sorted nor spilled nor merged.
 *
 *	ledger ─▶ load ─▶ {prefix of the key, check} per record, in key order
 *	row ─▶ take ─┬─▶ found: its record is marked as seen
 *	             └─▶ not found: the row takes the slow way (ledger/run.h)
 *	emit: a record of the ledger without a new row is kept if it is marked, otherwise it is gone
 *
 * The check is over key, length and digests: a multilinear hash modulo 2^61 - 1 (Carter and Wegman,
 * "New hash functions and their use in authentication and set equality", 1981) with fresh random
 * keys for each table, so whatever a list's author does, a row is mistaken for another record with
 * a probability of 2^-61.
 *
 * A known row that occurs twice has the same values both times, and is only counted. Of a path that
 * is named by a known row and by a different one, the lines are not known here;
 * stp_known_is_unsure() reports that, and the caller reads the list again without this table.
 *
 * Shape      2^bits ranges of the key space, about 1,000 records each; 2^32 - 1 records at most.
 * Memory     STP_KNOWN_RECORD_BYTES per record of the segments, in one mapping.
 * Ownership  stp_known_destroy() frees it.
 * Threads    take and saw from any thread; everything else from one.
 */
#ifndef STP_LIST_KNOWN_H
#define STP_LIST_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "ledger/merge.h"

#define STP_KNOWN_RECORD_BYTES ((size_t)16)

struct stp_known;

/* Reads all records of sources (segments of a ledger, newest first) with jobs threads. */
enum stp_errc stp_known_load(const struct stp_sources *sources, size_t digest_bytes, size_t jobs,
                             struct stp_cancel *cancel, struct stp_known **out_known,
                             struct stp_err *err) STP_MUST_CHECK;

/* Prefetches what stp_known_take() of a row with this key will read. */
void stp_known_prefetch(const struct stp_known *known, const uint8_t *key);

/* Marks the record that row repeats as seen; 0 when there is none. */
int stp_known_take(struct stp_known *known, const struct stp_record *row);

/* Notes that an incomplete row, which cannot be compared, names the path of key. */
void stp_known_pass(struct stp_known *known, const uint8_t *key);

/* True when record is marked as seen. */
int stp_known_saw(const struct stp_known *known, const struct stp_record *record);

/* Whether any path may have been named twice, with different values. */
int stp_known_is_unsure(const struct stp_known *known);

/* Rows whose record was already marked as seen. */
uint64_t stp_known_repeats(const struct stp_known *known);

/* NULL is allowed. */
void stp_known_destroy(struct stp_known *known);

#endif
