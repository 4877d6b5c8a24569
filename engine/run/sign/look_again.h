/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last check before anything is signed: are the files still those that were hashed?
 *
 *	checkpoints ─▶ one look at each file ─┬─▶ unchanged
 *	unstable files ───────────────────────┴─▶ changed: hash again ─▶ look again … a few rounds
 *
 * While a run hashes for hours, files are replaced. They are hashed again. A file that still
 * changes at the end is a fault, as is one that could never be hashed; a file that was removed
 * permanently counts as removed, as if the scan had come a little later. Mutable files get copies
 * of their own, which are hashed as they are made: they are left to that step (run/sign/target.h).
 *
 * Only files that are not in the ledger's generation yet are checked: those that this run hashed,
 * or an earlier one that published nothing.
 *
 * Shape      one step per run, between hashing and signing.
 * Memory     32 bytes per file that moved or has several names.
 * Ownership  results are in hashed and in the ledger's checkpoints; faults are the run's.
 * Threads    starts workers; the caller waits.
 */
#ifndef STP_RUN_SIGN_LOOK_AGAIN_H
#define STP_RUN_SIGN_LOOK_AGAIN_H

#include "run/sign/comparison.h"
#include "run/sign/sign_run.h"

/* After stp_sign_pending(), not in a dry run, when the scan has entries. */
enum stp_errc stp_sign_look_again(struct stp_sign_run *run, const struct stp_comparison *comparison,
                                  struct stp_hashed *hashed, struct stp_err *err) STP_MUST_CHECK;

#endif
