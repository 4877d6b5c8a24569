/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"

void stp_bench_note(struct stp_bench *bench, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(bench->notes, json_string(text));
}

json_t *stp_bench_rate(struct stp_bench *bench, const struct stp_rate *rate, const char *format,
                       ...)
{
	char name[256];
	va_list args;

	if (rate->runs && rate->spread > STP_RATE_NOISY) {
		va_start(args, format);
		vsnprintf(name, sizeof(name), format, args);
		va_end(args);
		json_array_append_new(bench->noisy,
		                      json_pack("{s:s,s:o}", "measure", name, "spread",
		                                stp_real_json(rate->spread)));
	}
	return stp_rate_json(rate);
}

void stp_bench_set(struct stp_bench *bench, const char *name, json_t *value)
{
	json_object_set_new(bench->document, name, value);
}

/* By which share of the budget each stage should be over. Stages that take their time whatever they
 * are given (files made, whole runs) have what they took on two cores and one disk. */
static const struct {
	const char *name;
	double end;
} plan[] = {
    {"kernels", 0.05},    {"scaling", 0.11}, {"memory", 0.15},  {"encoding", 0.17},
    {"signing", 0.20},    {"scan", 0.26},    {"files", 0.27},   {"read", 0.44},
    {"hash", 0.53},       {"durable", 0.58}, {"sorting", 0.59}, {"sign lists", 0.97},
    {"sign trees", 1.00},
};

void stp_bench_stage(struct stp_bench *bench, const char *name)
{
	size_t i = 0;

	while (i < sizeof(plan) / sizeof(plan[0]) && strcmp(plan[i].name, name) != 0)
		i++;
	STP_ASSERT(i < sizeof(plan) / sizeof(plan[0]));
	bench->late_ns = bench->started_ns + (uint64_t)(bench->seconds * plan[i].end * 1e9);
	stp_progress_stage(bench->options->progress, name, 0, 0);
}

double stp_bench_left(const struct stp_bench *bench)
{
	uint64_t now = stp_clock_monotonic_ns();

	return now < bench->late_ns ? (double)(bench->late_ns - now) / 1e9 : 0;
}

int stp_bench_late(const struct stp_bench *bench)
{
	return stp_bench_left(bench) <= 0;
}

size_t stp_bench_curve(const struct stp_bench *bench, size_t out[STP_BENCH_CURVE_MAX])
{
	size_t threads;
	size_t count = 0;

	for (threads = 1; threads < bench->cpu_count && count < STP_BENCH_CURVE_MAX - 1;
	     threads *= 2)
		out[count++] = threads;
	out[count++] = bench->cpu_count;
	return count;
}
