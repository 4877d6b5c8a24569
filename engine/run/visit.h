/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step that looks at a few paths after they were hashed, with the decision about each: only the
 * key ranges that one of them lies in are read, so it takes time by their number, not by the size
 * of the index.
 *
 * Shape      one call of the function per path that the scan or the ledger has, in any order.
 * Memory     a merge per worker.
 * Ownership  a decision is valid during the call.
 * Threads    the function is called from all workers at once, worker in [0, run->worker_count).
 */
#ifndef STP_RUN_VISIT_H
#define STP_RUN_VISIT_H

#include "run/sign_run.h"

typedef enum stp_errc stp_visit_fn(void *ctx, size_t worker, const struct stp_decision *decision,
                                   struct stp_err *err);

/* Calls fn for each path of keys (sealed; NULL: all paths), as STP_DECIDE_EMIT decides. */
enum stp_errc stp_sign_visit(struct stp_sign_run *run, const struct stp_keyset *keys,
                             stp_visit_fn *fn, void *ctx, struct stp_err *err) STP_MUST_CHECK;

#endif
