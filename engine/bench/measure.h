/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates that can be trusted: the same work several times over, on one thread or many.
 *
 *	prepare (each thread) ─▶ [ run 0 │ run 1 │ … ] ─▶ release
 *	                         all threads start each run together
 *
 * A run repeats one unit of work until its slice of time is over; its rate is the sum over threads
 * of work by the thread's own time. The result is the median of the runs and their spread: how far
 * the quarters lie apart, as a share of the median.
 *
 * Shape      STP_RATE_RUNS runs.
 * Memory     what prepare makes, per thread.
 * Ownership  prepare's state is released by release on the same thread, also after a failure.
 * Threads    call from one thread.
 */
#ifndef STP_BENCH_MEASURE_H
#define STP_BENCH_MEASURE_H

#include <jansson.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/err.h"

#define STP_RATE_RUNS 5
/* Above this a rate is called noisy: predictions are promised within a quarter, and a sum of
 * stages must not spend half of that on one of them. */
#define STP_RATE_NOISY 0.12

struct stp_rate {
	double value;  /* per second, median of runs; 0: not measured */
	double spread; /* (upper quarter - lower quarter) / median */
	size_t runs;
};

struct stp_bench_task {
	/* Makes a thread's state; may be NULL, then work gets ctx. */
	enum stp_errc (*prepare)(void *ctx, size_t worker_index, void **out_state,
	                         struct stp_err *err);
	/* One unit of work: adds to *amount. */
	enum stp_errc (*work)(void *state, double *amount, struct stp_err *err);
	void (*release)(void *state); /* may be NULL */
	void *ctx;
};

/* Measures task on thread_count threads (at least 1) for about seconds. cancel is required: it is
 * how the other threads learn that one failed. */
enum stp_errc stp_rate_measure(const struct stp_bench_task *task, size_t thread_count,
                               double seconds, struct stp_cancel *cancel, struct stp_rate *out,
                               struct stp_err *err) STP_MUST_CHECK;

/* The rate of samples (rates of single runs, at least one); sorts them. */
struct stp_rate stp_rate_of(double *samples, size_t count);

/* {"value":…,"spread":…,"runs":…}, or null when it was not measured. */
json_t *stp_rate_json(const struct stp_rate *rate);

/* A number as JSON, rounded to six significant digits so that documents stay readable. */
json_t *stp_real_json(double value);

#endif
