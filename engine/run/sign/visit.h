/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visiting paths by the workers of a run, a range of keys at a time: every path of some sources, or
 * a few paths with the decision about each. For a few paths, only the ranges that contain one of
 * them are read, so the time depends on their number, not on the size of the index.
 *
 * Shape      one call of the function per path, in any order.
 * Memory     a merge per worker.
 * Ownership  groups and decisions are valid during the call.
 * Threads    the function is called from all workers at once, worker in [0, run->worker_count).
 */
#ifndef STP_RUN_SIGN_VISIT_H
#define STP_RUN_SIGN_VISIT_H

#include "run/sign/comparison.h"
#include "run/sign/sign_run.h"

typedef enum stp_errc stp_walk_fn(void *ctx, size_t worker, const struct stp_merge_group *group,
                                  struct stp_err *err);

struct stp_walk {
	const struct stp_sign_run *run;
	const char *name; /* of the workers, for messages */
	const struct stp_sources *sources;
	unsigned range_bits;           /* log2 of the number of ranges */
	const struct stp_keyset *keys; /* sealed: their paths only; NULL: all */
	stp_walk_fn *fn;
	void *ctx;
};

/* Calls fn for each path. */
enum stp_errc stp_sign_walk(const struct stp_walk *walk, struct stp_err *err) STP_MUST_CHECK;

typedef enum stp_errc stp_visit_fn(void *ctx, size_t worker, const struct stp_decision *decision,
                                   struct stp_err *err);

/* Calls fn for each path that the scan or the ledger has and that is in keys (sealed; NULL: all
 * paths), as STP_DECIDE_EMIT decides. */
enum stp_errc stp_sign_visit(const struct stp_sign_run *run,
                             const struct stp_comparison *comparison, const struct stp_keyset *keys,
                             stp_visit_fn *fn, void *ctx, struct stp_err *err) STP_MUST_CHECK;

#endif
