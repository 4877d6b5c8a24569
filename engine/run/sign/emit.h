/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emitting: scan ⋈ ledger → the new ledger, and every bin encoded, signed, checked and written.
 *
 *	worker, for each group of bins it claims (a contiguous key range):
 *
 *	  merge ─▶ decide ─┬─▶ link ─▶ bin group: sort, encode, sign, check, put (bin_group.h)
 *	                   └─▶ ledger part (all records, or only what changed)
 *	  append the ledger part: in the order of groups, whoever is first
 *
 * Everything about a target happens while its bytes are in cache, and one worker writes while
 * others encode and sign. The order of bytes, in bins and ledger, follows from keys and paths
 * alone: it is the same for every number of workers.
 *
 * Shape      one step per run; a survey counts and writes nothing.
 * Memory     per worker the documents of one group and the merge's blocks.
 * Ownership  stp_emitted_release().
 * Threads    starts workers; the caller waits.
 */
#ifndef STP_RUN_SIGN_EMIT_H
#define STP_RUN_SIGN_EMIT_H

#include "run/sign/comparison.h"
#include "run/sign/publishing.h"
#include "run/sign/removals.h"

struct stp_emit_in {
	const struct stp_comparison *comparison;
	const struct stp_publishing *publishing; /* NULL: counts only, as a dry run does */
	uint64_t changed; /* records that a delta would have: hashed or renumbered by this run */
};

struct stp_emitted {
	struct stp_removals removals;
	uint64_t *bin_lengths; /* bytes of each bin's file, by its index */
};

/* Writes the ledger's segment, durably, and the signed bins, which the publisher's barrier makes
 * durable. Alarms are faults; the numbers go into the report. */
enum stp_errc stp_sign_emit(struct stp_sign_run *run, const struct stp_emit_in *in,
                            struct stp_emitted *out, struct stp_err *err) STP_MUST_CHECK;

/* At least removed_min of before targets are already known to be removed. If that is more than are
 * allowed: counts everything as emit does, and returns the result of stp_removals_check(). */
enum stp_errc stp_sign_survey(struct stp_sign_run *run, const struct stp_comparison *comparison,
                              uint64_t before, uint64_t removed_min, struct stp_emitted *out,
                              struct stp_err *err) STP_MUST_CHECK;

/* Zeroed memory is allowed. */
void stp_emitted_release(struct stp_emitted *emitted);

#endif
