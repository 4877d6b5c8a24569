/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last look before anything is signed: is what was hashed still what is there?
 *
 *	checkpoints ─▶ one look at each file ─┬─▶ unchanged
 *	unstable files ──────────────────────┴─▶ changed: hash again ─▶ look again … a few rounds
 *
 * A run that hashes for hours meets files that are replaced meanwhile. They are hashed again. What
 * keeps moving in the end is a fault, as is what could not be hashed once; a file that is gone for
 * good counts as removed, as if the scan had come a little later. Files that may change get copies
 * of their own, which are hashed as they are made: they are left to that (run/sign/target.h).
 *
 * Only what is not in the ledger's generation yet is looked at: what this run hashed, or a run
 * before it that published nothing.
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
