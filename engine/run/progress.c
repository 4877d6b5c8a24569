/* SPDX-License-Identifier: Apache-2.0 */
#include "run/progress.h"

#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"

struct stp_progress *stp_progress_create(void)
{
	struct stp_progress *progress = calloc(1, sizeof(*progress));

	if (progress)
		stp_progress_stage(progress, "", 0, 0);
	return progress;
}

void stp_progress_destroy(struct stp_progress *progress)
{
	free(progress);
}

void stp_progress_stage(struct stp_progress *progress, const char *stage, uint64_t items_total,
                        uint64_t bytes_total)
{
	if (!progress)
		return;
	atomic_store_explicit(&progress->items_done, 0, memory_order_relaxed);
	atomic_store_explicit(&progress->bytes_done, 0, memory_order_relaxed);
	atomic_store_explicit(&progress->items_total, items_total, memory_order_relaxed);
	atomic_store_explicit(&progress->bytes_total, bytes_total, memory_order_relaxed);
	atomic_store_explicit(&progress->stage_started_ns, stp_clock_monotonic_ns(),
	                      memory_order_relaxed);
	atomic_store_explicit(&progress->stage, stage, memory_order_release);
}

void stp_progress_read(const struct stp_progress *progress, struct stp_progress_view *out_view)
{
	out_view->stage = atomic_load_explicit(&progress->stage, memory_order_acquire);
	out_view->items_done = atomic_load_explicit(&progress->items_done, memory_order_relaxed);
	out_view->items_total = atomic_load_explicit(&progress->items_total, memory_order_relaxed);
	out_view->bytes_done = atomic_load_explicit(&progress->bytes_done, memory_order_relaxed);
	out_view->bytes_total = atomic_load_explicit(&progress->bytes_total, memory_order_relaxed);
	out_view->stage_started_ns =
	    atomic_load_explicit(&progress->stage_started_ns, memory_order_relaxed);
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
