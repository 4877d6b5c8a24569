/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters behind stampede/progress.h, as stages see them.
 *
 * Shape      relaxed atomics, each on its own; a reader may see one a moment before another.
 * Memory     one struct.
 * Ownership  the caller of the run.
 * Threads    stp_progress_add() from any thread; stp_progress_stage() from the spine only.
 */
#ifndef STP_RUN_PROGRESS_H
#define STP_RUN_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

#include "stampede/progress.h"

struct stp_progress {
	_Atomic(const char *) stage;
	atomic_uint_fast64_t items_done, items_total, bytes_done, bytes_total, stage_started_ns;
};

/* Starts a stage: counters at 0, totals as given (0 unknown). progress may be NULL. */
void stp_progress_stage(struct stp_progress *progress, const char *stage, uint64_t items_total,
                        uint64_t bytes_total);

/* Counts work done. progress may be NULL. */
static inline void stp_progress_add(struct stp_progress *progress, uint64_t items, uint64_t bytes)
{
	if (!progress)
		return;
	atomic_fetch_add_explicit(&progress->items_done, items, memory_order_relaxed);
	atomic_fetch_add_explicit(&progress->bytes_done, bytes, memory_order_relaxed);
}

#endif
