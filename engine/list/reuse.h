/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of a list a run need not read because the ledger has it: all of it, or known rows.
 *
 *	the same list that the ledger's generation was made from ─▶ is_same: nothing is read
 *	a list that is mostly the same ─▶ known: records that a row repeats are only marked
 *	anything else, or a list that cannot be read twice ─▶ every row is emitted
 *
 *	choose ─▶ read ─▶ unsure? ─▶ drop ─▶ read
 *
 * Faults name lines, so where a path may be named twice, by a known row and by another, the caller
 * drops what was reused and reads the list again in full (decisions/0148-known-rows.md).
 *
 * Shape      one struct per list and run.
 * Memory     the table of known rows, see list/known.h.
 * Ownership  stp_list_reuse_release() frees it.
 * Threads    one thread; reading starts workers, which call the sink.
 */
#ifndef STP_LIST_REUSE_H
#define STP_LIST_REUSE_H

#include <stdatomic.h>

#include "ledger/ledger.h"
#include "list/known.h"
#include "list/list.h"

struct stp_list_reuse {
	int is_same;             /* the ledger has every row already */
	struct stp_known *known; /* rows that the ledger has; NULL: none are known */
	uint64_t identity;       /* of the list, stored as the ledger's tag; 0: not known yet */
	atomic_uint_fast64_t known_count; /* rows of the last reading that were only marked */
};

/* What reuse depends on: see stp_list_reuse_choose(). */
struct stp_list_basis {
	struct stp_ledger *ledger;           /* whole, and of what is published */
	const struct stp_fault_list *damage; /* the ledger's */
	size_t digest_bytes;                 /* of its set, which is the list's */
	size_t jobs;
	struct stp_cancel *cancel;
};

/* Receives rows. accept: called before the lookup; returns 0 when the row is left out, with its
 * fault. emit: rows that the ledger does not have, or not with the same values. */
struct stp_list_sink {
	int (*accept)(void *ctx, const struct stp_record *row);
	stp_list_emit_fn *emit;
	void *ctx;
	struct stp_progress *progress; /* counts all rows; may be NULL */
};

/* Finds what can be reused: the whole list if it is the same, otherwise the known rows; nothing if
 * the source cannot be read twice. The sum's secret is options->sum_secret. */
enum stp_errc stp_list_reuse_choose(struct stp_list_reuse *reuse,
                                    const struct stp_list_options *options,
                                    const struct stp_list_basis *basis,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Reads the list, and passes the rows that are not known to the sink. */
enum stp_errc stp_list_reuse_read(struct stp_list_reuse *reuse,
                                  const struct stp_list_options *options,
                                  const struct stp_list_sink *sink, struct stp_fault_list *faults,
                                  struct stp_list_stats *out_stats,
                                  struct stp_err *err) STP_MUST_CHECK;

/* True when anything is reused. */
int stp_list_reuse_is_used(const struct stp_list_reuse *reuse);

/* True when a path may have been named twice with different values: read the list again in full. */
int stp_list_reuse_is_unsure(const struct stp_list_reuse *reuse);

/* Reuses nothing, and goes back to the start of the list. */
enum stp_errc stp_list_reuse_drop(struct stp_list_reuse *reuse,
                                  const struct stp_list_source *source,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Works on zeroed memory too. */
void stp_list_reuse_release(struct stp_list_reuse *reuse);

/* Rows that repeat another and were only counted. */
static inline uint64_t stp_list_reuse_repeats(const struct stp_list_reuse *reuse)
{
	return reuse->known ? stp_known_repeats(reuse->known) : 0;
}

/* True when a record of the ledger that the scan did not find stays, because the list has it. */
static inline int stp_list_reuse_has(const struct stp_list_reuse *reuse,
                                     const struct stp_record *record)
{
	return reuse->is_same || (reuse->known && stp_known_saw(reuse->known, record));
}

#endif
