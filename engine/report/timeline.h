/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run does over time, watched from beside it: its counters, and how busy each worker is. The
 * run itself is not touched; the kernel tells how long each thread ran
 * (/proc/self/task/TID/schedstat), the thread's name which worker it is ("sign-3" is worker 3).
 *
 *	t ──▶  [sample][sample][sample] …
 *
 * At most STP_TIMELINE_SAMPLES; then every second one goes and the step doubles.
 *
 * Shape      samples in time order; worker rows 0 … STP_TIMELINE_WORKERS - 1.
 * Memory     about 0.5 MiB.
 * Ownership  stop() before reading; destroy() frees.
 * Threads    one sampler thread of its own; create, stop and destroy from one thread.
 */
#ifndef STP_REPORT_TIMELINE_H
#define STP_REPORT_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/progress.h"

#define STP_TIMELINE_SAMPLES 960
/* More workers share rows: worker w is on row w modulo this, and the row shows the busiest. */
#define STP_TIMELINE_WORKERS 64

struct stp_timeline_sample {
	double seconds; /* since the start */
	uint64_t items; /* done by all stages so far; never fewer than in the sample before */
	uint64_t bytes;
	uint8_t busy[STP_TIMELINE_WORKERS]; /* percent of the time since the sample before */
};

struct stp_timeline;

/* Starts watching; NULL when there is no memory or no thread for it. */
struct stp_timeline *stp_timeline_create(const struct stp_progress *progress);

/* Takes a last sample and ends the sampler. */
void stp_timeline_stop(struct stp_timeline *timeline);

/* The samples, after stop(); *out_workers is the number of rows in use. */
const struct stp_timeline_sample *stp_timeline_samples(const struct stp_timeline *timeline,
                                                       size_t *out_count, size_t *out_workers);

/* Stops if need be, and frees; NULL is fine. */
void stp_timeline_destroy(struct stp_timeline *timeline);

#endif
