/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/latency.h"

#include <math.h>
#include <stdlib.h>

#include "bench/measure.h"

#define BUCKETS_PER_DECADE 4

enum stp_errc stp_latency_init(struct stp_latency *latency, struct stp_err *err)
{
	latency->count = 0;
	latency->samples_ns = malloc(STP_LATENCY_SAMPLES_MAX * sizeof(uint64_t));
	if (!latency->samples_ns)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for latencies");
	return STP_OK;
}

void stp_latency_release(struct stp_latency *latency)
{
	free(latency->samples_ns);
	latency->samples_ns = NULL;
	latency->count = 0;
}

void stp_latency_add(struct stp_latency *latency, uint64_t ns)
{
	if (latency->count < STP_LATENCY_SAMPLES_MAX)
		latency->samples_ns[latency->count++] = ns;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double at_us(const struct stp_latency *latency, double q)
{
	size_t index = (size_t)(q * (double)(latency->count - 1) + 0.5);

	return (double)latency->samples_ns[index] / 1e3;
}

/* Bucket of a latency: bucket b holds 10^(b/4) up to 10^((b+1)/4) microseconds. */
static int bucket_of(uint64_t ns)
{
	return (int)floor(log10((double)(ns ? ns : 1) / 1e3) * BUCKETS_PER_DECADE);
}

static json_t *buckets_json(const struct stp_latency *latency)
{
	json_t *array = json_array();
	int last = bucket_of(latency->samples_ns[latency->count - 1]);
	size_t at = 0;
	int bucket;

	for (bucket = bucket_of(latency->samples_ns[0]); bucket <= last; bucket++) {
		size_t count = 0;

		for (; at < latency->count && bucket_of(latency->samples_ns[at]) <= bucket; at++)
			count++;
		json_array_append_new(
		    array,
		    json_pack("{s:o,s:o,s:I}", "from_us",
		              stp_real_json(pow(10, (double)bucket / BUCKETS_PER_DECADE)), "to_us",
		              stp_real_json(pow(10, (double)(bucket + 1) / BUCKETS_PER_DECADE)),
		              "count", (json_int_t)count));
	}
	return array;
}

json_t *stp_latency_json(struct stp_latency *latency, const char *name)
{
	if (latency->count == 0)
		return json_null();
	qsort(latency->samples_ns, latency->count, sizeof(uint64_t), compare_u64);
	return json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "operation", name, "count",
	                 (json_int_t)latency->count, "p50_us", stp_real_json(at_us(latency, 0.5)),
	                 "p90_us", stp_real_json(at_us(latency, 0.9)), "p99_us",
	                 stp_real_json(at_us(latency, 0.99)), "max_us",
	                 stp_real_json(at_us(latency, 1)), "buckets", buckets_json(latency));
}
