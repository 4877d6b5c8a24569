/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known rows: most rows of a list are, word for word, what the ledger says already. Those are only
 * ticked off, and neither sorted nor spilled nor merged.
 *
 *	ledger ─▶ load ─▶ {prefix of the key, check} per record, in key order
 *	row ─▶ take ─┬─▶ found: its record is ticked
 *	             └─▶ not found: the row takes the slow way (ledger/run.h)
 *	emit: a record of the ledger that no row names is kept if it is ticked, else it is gone
 *
 * The check is over key, length and digests: a multilinear hash modulo 2^61 - 1 (Carter and Wegman,
 * "New hash functions and their use in authentication and set equality", 1981) with keys drawn
 * afresh for each table, so whatever a list's author does, a row passes for another record with a
 * probability of 2^-61.
 *
 * A known row that comes twice says the same both times, and is only counted. A path named by a
 * known row and by another one cannot be told with its lines from here; stp_known_is_unsure() says
 * so, and the caller reads the list again without.
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

/* Fetches what take of a row with this key will look at. */
void stp_known_prefetch(const struct stp_known *known, const uint8_t *key);

/* Ticks the record that row repeats; 0 when there is none. */
int stp_known_take(struct stp_known *known, const struct stp_record *row);

/* Notes that a row which cannot be taken, because it lacks something, names the path of key. */
void stp_known_pass(struct stp_known *known, const uint8_t *key);

/* True when a row like record was taken. */
int stp_known_saw(const struct stp_known *known, const struct stp_record *record);

/* Whether any path may have been named twice, with different words. */
int stp_known_is_unsure(const struct stp_known *known);

/* Rows taken that had been taken before. */
uint64_t stp_known_repeats(const struct stp_known *known);

/* NULL is allowed. */
void stp_known_destroy(struct stp_known *known);

#endif
