/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/measure.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

struct crew {
	const struct stp_bench_task *task;
	size_t thread_count;
	uint64_t run_ns;
	struct stp_cancel *cancel;
	atomic_size_t arrived; /* threads at the start of a run, counted over all runs */
	double *rates;         /* [run][thread] */
};

/* One run of one thread: units of work until the slice is over. */
static enum stp_errc do_run(struct crew *crew, void *state, double *out_rate, struct stp_err *err)
{
	uint64_t started = stp_clock_monotonic_ns();
	uint64_t now = started;
	double amount = 0;

	while (now - started < crew->run_ns) {
		if (stp_cancelled(crew->cancel))
			return STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
		STP_TRY(crew->task->work(state, &amount, err));
		now = stp_clock_monotonic_ns();
	}
	*out_rate = amount * 1e9 / (double)(now - started);
	return STP_OK;
}

/* Waits until every thread stands at the start of this run, or one of them never will. */
static enum stp_errc await_start(struct crew *crew, size_t run, struct stp_err *err)
{
	const struct timespec nap = {0, 20000};

	atomic_fetch_add_explicit(&crew->arrived, 1, memory_order_acq_rel);
	while (atomic_load_explicit(&crew->arrived, memory_order_acquire) <
	       (run + 1) * crew->thread_count) {
		if (stp_cancelled(crew->cancel))
			return STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
		nanosleep(&nap, NULL);
	}
	return STP_OK;
}

static enum stp_errc crew_main(void *ctx, size_t index, struct stp_err *err)
{
	struct crew *crew = ctx;
	const struct stp_bench_task *task = crew->task;
	void *state = task->ctx;
	enum stp_errc code = STP_OK;
	size_t run;

	if (task->prepare)
		STP_TRY(task->prepare(task->ctx, index, &state, err));
	for (run = 0; run < STP_RATE_RUNS && code == STP_OK; run++) {
		code = await_start(crew, run, err);
		if (code == STP_OK)
			code = do_run(crew, state, &crew->rates[run * crew->thread_count + index],
			              err);
	}
	if (task->release)
		task->release(state);
	return code;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The q-quantile of sorted samples, between neighbours in proportion. */
static double quantile(const double *samples, size_t count, double q)
{
	double at = q * (double)(count - 1);
	size_t below = (size_t)at;
	size_t above = below + 1 < count ? below + 1 : below;

	return samples[below] + (at - (double)below) * (samples[above] - samples[below]);
}

struct stp_rate stp_rate_of(double *samples, size_t count)
{
	struct stp_rate rate = {0, 0, count};

	STP_ASSERT(count > 0);
	qsort(samples, count, sizeof(*samples), compare_doubles);
	rate.value = quantile(samples, count, 0.5);
	if (rate.value > 0)
		rate.spread =
		    (quantile(samples, count, 0.75) - quantile(samples, count, 0.25)) / rate.value;
	return rate;
}

enum stp_errc stp_rate_measure(const struct stp_bench_task *task, size_t thread_count,
                               double seconds, struct stp_cancel *cancel, struct stp_rate *out,
                               struct stp_err *err)
{
	struct crew crew = {
	    .task = task,
	    .thread_count = thread_count,
	    .run_ns = (uint64_t)(seconds * 1e9 / STP_RATE_RUNS),
	    .cancel = cancel,
	};
	double sums[STP_RATE_RUNS] = {0};
	enum stp_errc code;
	size_t run;
	size_t i;

	STP_ASSERT(thread_count > 0);
	crew.rates = calloc(STP_RATE_RUNS * thread_count, sizeof(*crew.rates));
	if (!crew.rates)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for %zu threads",
		                      thread_count);
	code = stp_workers_run(thread_count, "bench", crew_main, &crew, cancel, err);
	for (run = 0; run < STP_RATE_RUNS; run++)
		for (i = 0; i < thread_count; i++)
			sums[run] += crew.rates[run * thread_count + i];
	free(crew.rates);
	if (code == STP_OK)
		*out = stp_rate_of(sums, STP_RATE_RUNS);
	return code;
}

json_t *stp_real_json(double value)
{
	double scale;

	if (!isfinite(value))
		return json_null();
	if (value == 0)
		return json_real(0);
	scale = pow(10, 5 - floor(log10(fabs(value))));
	/* Large scales would lose the number they are to keep. */
	return json_real(isfinite(scale) && scale > 0 ? round(value * scale) / scale : value);
}

json_t *stp_rate_json(const struct stp_rate *rate)
{
	if (rate->runs == 0 || rate->value <= 0)
		return json_null();
	return json_pack("{s:o,s:o,s:I}", "value", stp_real_json(rate->value), "spread",
	                 stp_real_json(rate->spread), "runs", (json_int_t)rate->runs);
}
