/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters behind stampede/progress.h, as stages see them.
 *
 * Shape      relaxed atomics, each on its own; a reader may see a change of one before that of
 *            another.
 * Memory     one struct.
 * Ownership  the caller of the run.
 * Threads    stp_progress_add() from any thread; stp_progress_stage() from the driver only.
 */
#ifndef STP_BASE_PROGRESS_H
#define STP_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/limits.h"
#include "stampede/progress.h"

/* What one worker's hasher reports (stp_hasher_watch()), in a cache line of its own. */
struct stp_progress_lanes {
	_Alignas(64) atomic_uint busy;
};

struct stp_progress {
	_Atomic(const char *) stage;
	atomic_uint_fast64_t items_done, items_total, bytes_done, bytes_total, stage_started_ns;
	atomic_uint_fast64_t part_index, part_count, items_before, bytes_before;
	atomic_uint_fast64_t items_earlier, bytes_earlier; /* of the stages before this one */
	atomic_uint_fast64_t run_started_ns, run_ns; /* run_ns 0: the run has no fixed duration */
	atomic_uint_fast64_t lanes_total;
	struct stp_progress_lanes lanes[STP_JOBS_MAX]; /* by worker */
};

/* Starts a stage: counters at 0, totals as given (0 unknown). progress may be NULL. */
void stp_progress_stage(struct stp_progress *progress, const char *stage, uint64_t items_total,
                        uint64_t bytes_total);

/* For a stage that learns its totals part by part, each part about as much work as another: part
 * index (from 0) of count has these items and bytes. progress may be NULL. */
void stp_progress_part(struct stp_progress *progress, uint64_t index, uint64_t count,
                       uint64_t items, uint64_t bytes);

/* The run takes that many seconds from now, whatever its stages: share and seconds_left follow the
 * clock. progress may be NULL. */
void stp_progress_time(struct stp_progress *progress, double seconds);

/* Adds count lanes to lanes_total, or subtracts them. progress may be NULL. */
static inline void stp_progress_add_lanes(struct stp_progress *progress, int64_t count)
{
	if (progress)
		atomic_fetch_add_explicit(&progress->lanes_total, (uint64_t)count,
		                          memory_order_relaxed);
}

/* Counts work done. progress may be NULL. */
static inline void stp_progress_add(struct stp_progress *progress, uint64_t items, uint64_t bytes)
{
	if (!progress)
		return;
	atomic_fetch_add_explicit(&progress->items_done, items, memory_order_relaxed);
	atomic_fetch_add_explicit(&progress->bytes_done, bytes, memory_order_relaxed);
}

#endif
