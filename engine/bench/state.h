/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One benchmark while it runs: what all its parts read and add to.
 *
 * Each part adds to one JSON document and leaves behind, in struct stp_bench_model, the few numbers
 * that the model needs.
 *
 * Shape      one struct, filled from top to bottom.
 * Memory     the document.
 * Ownership  bench/bench.c.
 * Threads    parts run one after another.
 */
#ifndef STP_BENCH_STATE_H
#define STP_BENCH_STATE_H

#include <jansson.h>

#include "base/cancel.h"
#include "bench/measure.h"
#include "bench/model.h"
#include "bench/scratch.h"
#include "stampede/bench.h"

struct stp_bench {
	const struct stp_bench_options *options;
	struct stp_cancel own_cancel;
	struct stp_cancel *cancel;
	double seconds; /* the whole budget */
	size_t cpu_count;
	struct stp_scratch scratch;
	json_t *document;
	json_t *notes;
	json_t *noisy;       /* measures whose runs lay too far apart */
	uint64_t started_ns; /* monotonic */
	uint64_t late_ns;    /* when this stage's share of the budget is spent */

	struct stp_bench_model model;
};

/* Adds a note: what could not be measured well, and why. */
void stp_bench_note(struct stp_bench *bench, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes that the rate called name was noisy, when it was. Returns what stp_rate_json() does. */
json_t *stp_bench_rate(struct stp_bench *bench, const struct stp_rate *rate, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/* Seconds left to the stage by the plan, 0 once they are spent. */
double stp_bench_left(const struct stp_bench *bench);

/* True when none are: what is left of the stage is measured once rather than three times. */
int stp_bench_late(const struct stp_bench *bench);

/* Adds value to the document under name. */
void stp_bench_set(struct stp_bench *bench, const char *name, json_t *value);

/* Starts and shows a stage of the plan in bench/state.c. */
void stp_bench_stage(struct stp_bench *bench, const char *name);

/* A share of the whole budget, in seconds. */
static inline double stp_bench_share(const struct stp_bench *bench, double share)
{
	return bench->seconds * share;
}

/* Thread counts of a scaling curve: 1, 2, 4, … and all processors. Returns how many. */
#define STP_BENCH_CURVE_MAX 16
size_t stp_bench_curve(const struct stp_bench *bench, size_t out[STP_BENCH_CURVE_MAX]);

#endif
