/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies of single operations: quarters of a distribution and a histogram to draw.
 *
 * Shape      up to STP_LATENCY_SAMPLES_MAX samples in nanoseconds; more are not kept.
 * Memory     one array.
 * Ownership  init and release.
 * Threads    one thread.
 */
#ifndef STP_BENCH_LATENCY_H
#define STP_BENCH_LATENCY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STP_LATENCY_SAMPLES_MAX 65536

struct stp_latency {
	uint64_t *samples_ns;
	size_t count;
};

enum stp_errc stp_latency_init(struct stp_latency *latency, struct stp_err *err) STP_MUST_CHECK;
void stp_latency_release(struct stp_latency *latency);

/* Adds one sample. */
void stp_latency_add(struct stp_latency *latency, uint64_t ns);

/* {"operation":name,"count":N,"p50_us":…,"p90_us":…,"p99_us":…,"max_us":…,"buckets":[{"from_us":…,
 * "to_us":…,"count":N},…]}; buckets are four to a factor of ten. null without samples. */
json_t *stp_latency_json(struct stp_latency *latency, const char *name);

#endif
