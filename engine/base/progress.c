/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/sum.h"

struct stp_progress *stp_progress_create(void)
{
	struct stp_progress *progress =
	    aligned_alloc(_Alignof(struct stp_progress), sizeof(*progress));

	if (progress)
		memset(progress, 0, sizeof(*progress));
	if (progress)
		stp_progress_stage(progress, "", 0, 0);
	return progress;
}

void stp_progress_destroy(struct stp_progress *progress)
{
	free(progress);
}

/* In between, a reader sees less than the true value. */
static void move_to(atomic_uint_fast64_t *done, atomic_uint_fast64_t *earlier)
{
	uint64_t count = atomic_exchange_explicit(done, 0, memory_order_relaxed);

	atomic_fetch_add_explicit(earlier, count, memory_order_relaxed);
}

void stp_progress_stage(struct stp_progress *progress, const char *stage, uint64_t items_total,
                        uint64_t bytes_total)
{
	if (!progress)
		return;
	move_to(&progress->items_done, &progress->items_earlier);
	move_to(&progress->bytes_done, &progress->bytes_earlier);
	atomic_store_explicit(&progress->items_total, 0, memory_order_relaxed);
	atomic_store_explicit(&progress->bytes_total, 0, memory_order_relaxed);
	stp_progress_part(progress, 0, 1, items_total, bytes_total);
	atomic_store_explicit(&progress->stage_started_ns, stp_clock_monotonic_ns(),
	                      memory_order_relaxed);
	atomic_store_explicit(&progress->stage, stage, memory_order_release);
}

void stp_progress_part(struct stp_progress *progress, uint64_t index, uint64_t count,
                       uint64_t items, uint64_t bytes)
{
	uint64_t items_before;
	uint64_t bytes_before;

	if (!progress)
		return;
	items_before =
	    atomic_fetch_add_explicit(&progress->items_total, items, memory_order_relaxed);
	bytes_before = stp_sum_add_shared(&progress->bytes_total, bytes);
	atomic_store_explicit(&progress->items_before, items_before, memory_order_relaxed);
	atomic_store_explicit(&progress->bytes_before, bytes_before, memory_order_relaxed);
	atomic_store_explicit(&progress->part_index, index, memory_order_relaxed);
	atomic_store_explicit(&progress->part_count, count, memory_order_relaxed);
}

void stp_progress_time(struct stp_progress *progress, double seconds)
{
	if (!progress)
		return;
	atomic_store_explicit(&progress->run_started_ns, stp_clock_monotonic_ns(),
	                      memory_order_relaxed);
	atomic_store_explicit(&progress->run_ns, (uint64_t)(seconds * 1e9), memory_order_relaxed);
}

/* The fraction of total - before that is done, 0 … 1; -1 when the total is unknown. */
static double share_of(uint64_t done, uint64_t before, uint64_t total)
{
	if (total <= before)
		return -1;
	if (done <= before)
		return 0;
	return done < total ? (double)(done - before) / (double)(total - before) : 1;
}

/* The stage's share. Bytes are a better measure than items. */
static double stage_share(const struct stp_progress *progress, const struct stp_progress_view *view)
{
	uint64_t items = atomic_load_explicit(&progress->items_before, memory_order_relaxed);
	uint64_t bytes = atomic_load_explicit(&progress->bytes_before, memory_order_relaxed);
	uint64_t index = atomic_load_explicit(&progress->part_index, memory_order_relaxed);
	uint64_t count = atomic_load_explicit(&progress->part_count, memory_order_relaxed);
	double part = share_of(view->bytes_done, bytes, view->bytes_total);

	if (part < 0)
		part = share_of(view->items_done, items, view->items_total);
	return part < 0 ? -1 : ((double)index + part) / (double)count;
}

/* Sets share and seconds_left, and withdraws totals that cover only the parts so far. */
static void read_share(const struct stp_progress *progress, struct stp_progress_view *view)
{
	uint64_t run_ns = atomic_load_explicit(&progress->run_ns, memory_order_relaxed);
	uint64_t now = stp_clock_monotonic_ns();
	double seconds = (double)(now - view->stage_started_ns) / 1e9;

	view->seconds_left = -1;
	if (run_ns) {
		uint64_t started =
		    atomic_load_explicit(&progress->run_started_ns, memory_order_relaxed);

		view->share = share_of(now - started, 0, run_ns);
		view->seconds_left = (1 - view->share) * (double)run_ns / 1e9;
		return;
	}
	view->share = stage_share(progress, view);
	/* The first second is not representative. */
	if (view->share > 0.005 && seconds > 1)
		view->seconds_left = seconds / view->share - seconds;
	if (atomic_load_explicit(&progress->part_count, memory_order_relaxed) > 1) {
		view->items_total = 0;
		view->bytes_total = 0;
	}
}

static void read_lanes(const struct stp_progress *progress, struct stp_progress_view *out_view)
{
	size_t i;

	out_view->lanes_busy = 0;
	out_view->lanes_total = atomic_load_explicit(&progress->lanes_total, memory_order_relaxed);
	for (i = 0; out_view->lanes_total && i < STP_JOBS_MAX; i++)
		out_view->lanes_busy +=
		    atomic_load_explicit(&progress->lanes[i].busy, memory_order_relaxed);
	/* A worker that has just ended removed its lanes before its last store was seen. */
	if (out_view->lanes_busy > out_view->lanes_total)
		out_view->lanes_busy = out_view->lanes_total;
}

void stp_progress_read(const struct stp_progress *progress, struct stp_progress_view *out_view)
{
	out_view->stage = atomic_load_explicit(&progress->stage, memory_order_acquire);
	out_view->items_done = atomic_load_explicit(&progress->items_done, memory_order_relaxed);
	out_view->items_total = atomic_load_explicit(&progress->items_total, memory_order_relaxed);
	out_view->bytes_done = atomic_load_explicit(&progress->bytes_done, memory_order_relaxed);
	out_view->bytes_total = atomic_load_explicit(&progress->bytes_total, memory_order_relaxed);
	out_view->items_run = out_view->items_done +
	                      atomic_load_explicit(&progress->items_earlier, memory_order_relaxed);
	out_view->bytes_run = out_view->bytes_done +
	                      atomic_load_explicit(&progress->bytes_earlier, memory_order_relaxed);
	out_view->stage_started_ns =
	    atomic_load_explicit(&progress->stage_started_ns, memory_order_relaxed);
	read_share(progress, out_view);
	read_lanes(progress, out_view);
}

struct stp_cancel *stp_cancel_create(void)
{
	return calloc(1, sizeof(struct stp_cancel));
}

void stp_cancel_request(struct stp_cancel *cancel)
{
	stp_cancel_set(cancel);
}

void stp_cancel_destroy(struct stp_cancel *cancel)
{
	free(cancel);
}
