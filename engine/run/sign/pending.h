/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending files: scan ⋈ ledger → what must be hashed → checkpoints.
 *
 *	key space, cut into windows of about WINDOW_ENTRIES entries
 *	  window: parallel merges over its ranges ─▶ list, large files first ─▶ hash stage
 *	                                              finished record ─▶ stp_ledger_put()
 *
 * A window limits memory; it is so large that little time is lost at its end, when some workers
 * have run out of files (the largest files are started first). Finished records are durable within
 * seconds: the checkpoints of a killed run are ledger segments for the next run, so resuming needs
 * no code here.
 *
 * Shape      one step per run, between comparing and looking again.
 * Memory     the files of a window.
 * Ownership  results are in the ledger's checkpoints and in *out; faults are the run's.
 * Threads    starts workers; the caller waits.
 */
#ifndef STP_RUN_SIGN_PENDING_H
#define STP_RUN_SIGN_PENDING_H

#include "run/sign/comparison.h"
#include "run/sign/sign_run.h"

struct stp_read_reason;

struct stp_pending_in {
	const struct stp_comparison *comparison;
	uint64_t entry_count; /* of the scan: those that may need hashing; with 0 nothing is done */
	struct stp_read_reason *why_read; /* reported once, and then emptied */
	/* Called in each window before anything is hashed, with the number of targets found so far
	 * that would be removed: a failure ends the step. May be NULL. */
	enum stp_errc (*survey)(void *ctx, uint64_t removed, struct stp_err *err);
	void *survey_ctx;
};

struct stp_pended {
	uint64_t renumbered; /* records that get the permanent number of their file system */
};

/* Hashes every entry that is not unchanged since the ledger's record; the results are in the
 * ledger's checkpoints, and the rest in hashed. A dry run only counts them. */
enum stp_errc stp_sign_pending(struct stp_sign_run *run, const struct stp_pending_in *in,
                               struct stp_hashed *hashed, struct stp_pended *out,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
