/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removed paths in the ledger: what remains of a path that is no longer signed
 * (decisions/0190-removed-paths.md).
 *
 *	signed last, not signed now ─▶ removed record: digests, fingerprint, time of removal
 *	removed before              ─▶ the same record, in each new base, until it is forgotten
 *
 * Shape      one record per path.
 * Memory     none.
 * Ownership  a record points to the same bytes as the decision's.
 * Threads    any thread of a step.
 */
#ifndef STP_RUN_SIGN_REMEMBER_H
#define STP_RUN_SIGN_REMEMBER_H

#include "run/sign/decide.h"
#include "run/sign/sign_run.h"

/* Fills *out with the record that the ledger's new segment, a whole base or a delta, needs for a
 * path that is not signed; returns 0 if it needs none. digests: memory for those of *out. */
int stp_sign_remember(const struct stp_sign_run *run, const struct stp_decision *decision,
                      int is_whole, struct stp_record *out, uint8_t digests[STP_CLAIMS_BYTES_MAX]);

#endif
