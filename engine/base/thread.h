/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers that share nothing: run one function on N named threads and join them.
 *
 *	stp_workers_run(4, "hash", fn, ctx, cancel, err)
 *	    fn(ctx, 0) … fn(ctx, 3) each on its thread; all joined; first error wins (by index).
 *
 * Shape      N threads, worker_index in [0, N).
 * Memory     one struct stp_err per worker on the heap during the call.
 * Ownership  ctx is the caller's and outlives the call.
 * Threads    call from one thread. With count 0 fn runs once, in the calling thread, as the
 *            serial reference.
 */
#ifndef STP_BASE_THREAD_H
#define STP_BASE_THREAD_H

#include <stddef.h>

#include "base/cancel.h"
#include "base/err.h"

typedef enum stp_errc stp_worker_fn(void *ctx, size_t worker_index, struct stp_err *err);

/* Runs fn on count threads (names "name-0" …, cut to 15 bytes). None begins before all have
 * started, so they may wait for each other; when one cannot be started, fn is not called. When one
 * fails, cancel (may be NULL) is set so that the others stop soon. Returns the failure of the
 * lowest worker index that is not STP_CANCELLED, else STP_CANCELLED if any, else STP_OK. */
enum stp_errc stp_workers_run(size_t count, const char *name, stp_worker_fn *fn, void *ctx,
                              struct stp_cancel *cancel, struct stp_err *err) STP_MUST_CHECK;

/* Online processors this process may use (affinity and cgroup quota counted), at least 1. */
size_t stp_cpu_count(void);

#endif
