/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "bench/corpus.h"
#include "bench/latency.h"
#include "scan/path.h"

/* A machine on which every stage takes 1 ms, 2 us per bin and 3 us per target. */
static struct stp_bench_sign run_of(uint64_t targets, uint64_t bins)
{
	struct stp_bench_sign run = {targets, bins, bins * 400 + targets * 330, {{0}}};
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		if (stage != STP_STAGE_HASH)
			run.seconds.stage[stage] =
			    1e-3 + 2e-6 * (double)bins + 3e-6 * (double)targets;
	return run;
}

static struct stp_bench_job job_of(void)
{
	struct stp_bench_job job = {
	    .anchors = {run_of(5000, 16384), run_of(5000, 2048), run_of(200000, 16384),
	                run_of(569344, 4096), run_of(1000000, 2048)},
	    .low = 0.9,
	    .high = 1.2,
	};

	return job;
}

static struct stp_bench_model machine(void)
{
	struct stp_bench_model model = {
	    .first = job_of(),
	    .nightly = job_of(),
	    .memory_records = 10000000,
	    .spill_seconds = 1e-6,
	    .scan_hot_per_second = 1e6,
	    .scan_cold_per_second = 1e5,
	    .compare_seconds = 1e-6,
	    .hash = {{1e-6, 1e-9}, {2e-6, 2e-9}},
	    .read_cold = {1e-5, 1e-10},
	};

	return model;
}

static void test_model__gives_back_what_it_was_made_from(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {.target_count = 200000,
	                            .bin_count = 16384,
	                            .hash = STP_BENCH_SHA512,
	                            .from_list = 1,
	                            .is_first = 1};
	struct stp_bench_forecast forecast = stp_bench_forecast(&model, &of);
	double stage = 1e-3 + 2e-6 * 16384 + 3e-6 * 200000;

	(void)state;
	assert_float_equal(forecast.total, 6 * stage, 1e-6);
	assert_float_equal(forecast.seconds.stage[STP_STAGE_BINS], stage, 1e-6);
	assert_float_equal(forecast.low, 0.9 * forecast.total, 1e-6);
	assert_float_equal(forecast.high, 1.2 * forecast.total, 1e-6);
}

static void test_model__goes_on_in_proportion(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {.target_count = 400000,
	                            .bin_count = 8192,
	                            .hash = STP_BENCH_SHA512,
	                            .from_list = 1,
	                            .is_first = 1};
	struct stp_bench_forecast forecast = stp_bench_forecast(&model, &of);

	(void)state;
	assert_float_equal(forecast.total, 6 * (1e-3 + 2e-6 * 8192 + 3e-6 * 400000), 1e-5);
	/* Shorter digests make shorter lines: 266 of 330 bytes. */
	of.hash = STP_BENCH_SHA256;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_SIGN],
	                   1e-3 + 2e-6 * 8192 + 3e-6 * 400000 * 266 / 330, 1e-5);
}

/* Bins of 32 KiB and more are written in another way, which may cost more or less than the small
 * ones tell. */
static void test_model__publishes_large_bins_as_it_saw_large_ones(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {
	    .target_count = 2277376, .bin_count = 16384, .hash = STP_BENCH_SHA512, .from_list = 1};

	(void)state;
	/* 50 us a bin and 0.1 us a target. */
	model.nightly.anchors[STP_ANCHOR_LARGE].seconds.stage[STP_STAGE_PUBLISH] =
	    50e-6 * 4096 + 1e-7 * 569344;
	model.nightly.anchors[STP_ANCHOR_MANY].seconds.stage[STP_STAGE_PUBLISH] =
	    50e-6 * 2048 + 1e-7 * 1000000;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_PUBLISH],
	                   50e-6 * 16384 + 1e-7 * 2277376, 1e-5);
	/* Targets that seem to take less than no time: all of it is the bins'. */
	model.nightly.anchors[STP_ANCHOR_MANY].seconds.stage[STP_STAGE_PUBLISH] = 0;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_PUBLISH],
	                   4 * (50e-6 * 4096 + 1e-7 * 569344), 1e-5);
	/* And the other way round. */
	model.nightly.anchors[STP_ANCHOR_MANY].seconds.stage[STP_STAGE_PUBLISH] = 10;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_PUBLISH],
	                   4 * (50e-6 * 4096 + 1e-7 * 569344), 1e-5);
}

static void test_model__adds_spilling_beyond_memory(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {
	    .target_count = 10000000, .bin_count = 16384, .hash = STP_BENCH_SHA512, .from_list = 1};
	double within = stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_SCAN];

	(void)state;
	of.target_count = 11000000;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_SCAN],
	                   within + 3 + 1, 1e-6);
}

static void test_model__takes_the_slower_of_reading_and_hashing(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {.target_count = 1000,
	                            .target_bytes = 1000000000000,
	                            .bin_count = 2048,
	                            .hash = STP_BENCH_SHA512,
	                            .is_first = 1,
	                            .is_cold = 1};

	(void)state;
	/* Large files: hashing, 2 s per GB. */
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_HASH],
	                   1000 * 2e-6 + 2000, 1e-3);
	assert_float_equal(stp_bench_forecast(&model, &of).read_seconds, 0, 0);
	/* Small ones: opening them on the storage, 10 us each. */
	of.target_count = 1000000;
	of.target_bytes = 1000000;
	assert_float_equal(stp_bench_forecast(&model, &of).seconds.stage[STP_STAGE_HASH], 10 + 1e-4,
	                   1e-3);
	assert_true(stp_bench_forecast(&model, &of).read_seconds > 9);
}

static void test_model__hashes_without_signing(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_case of = {.target_count = 1000,
	                            .target_bytes = 1000000000,
	                            .bin_count = 2048,
	                            .hash = STP_BENCH_SHA512,
	                            .is_first = 1,
	                            .is_hash_only = 1};
	struct stp_bench_forecast forecast;

	(void)state;
	model.tree_new_seconds = 1;
	forecast = stp_bench_forecast(&model, &of);
	assert_float_equal(forecast.total, 1000 / 1e6 + 1000 * 2e-6 + 2, 1e-6);
	assert_float_equal(forecast.high, forecast.total, 0);
}

static void test_model__comes_back_from_its_document(void **state)
{
	struct stp_bench_model model = machine();
	struct stp_bench_model back;
	struct stp_err err = STP_ERR_INIT;
	json_t *json = stp_bench_model_json(&model);
	json_t *anchors = json_object_get(json, "first");

	(void)state;
	assert_int_equal(stp_bench_model_load(json, "a.json", &back, &err), STP_OK);
	assert_memory_equal(&back, &model, sizeof(model));
	/* What would be divided by is looked at, and so is every number. */
	json_array_set(anchors, STP_ANCHOR_MANY, json_array_get(anchors, STP_ANCHOR_LARGE));
	assert_int_equal(stp_bench_model_load(json, "a.json", &back, &err), STP_FORMAT);
	assert_string_equal(err.subject, "a.json");
	json_decref(json);
	json = stp_bench_model_json(&model);
	json_object_set_new(json, "spill_seconds", json_real(-1));
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_bench_model_load(json, "a.json", &back, &err), STP_FORMAT);
	json_decref(json);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_bench_model_load(NULL, "a.json", &back, &err), STP_FORMAT);
}

static void test_rate__is_the_median_and_the_spread_of_quarters(void **state)
{
	double samples[] = {5, 1, 3, 100, 4};
	struct stp_rate rate = stp_rate_of(samples, 5);
	double one[] = {7};

	(void)state;
	assert_float_equal(rate.value, 4, 0);
	assert_float_equal(rate.spread, 0.5, 1e-9);
	assert_float_equal(stp_rate_of(one, 1).value, 7, 0);
}

static void test_corpus__makes_paths_that_are_targets(void **state)
{
	char path[STP_CORPUS_PATH_BYTES];
	size_t sum = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		size_t n = stp_corpus_path(i, path);

		assert_int_equal(strlen(path), n);
		assert_true(n < STP_CORPUS_PATH_BYTES);
		assert_null(stp_path_problem(path, n));
		sum += n;
	}
	/* PyPI's mean, which sizes of bins follow from. */
	assert_in_range(sum / 2000, 110, 130);
}

static void test_latency__counts_every_sample_in_a_bucket(void **state)
{
	struct stp_latency latency;
	struct stp_err err = STP_ERR_INIT;
	json_t *json;
	json_t *bucket;
	json_int_t sum = 0;
	size_t i;

	(void)state;
	assert_int_equal(stp_latency_init(&latency, &err), STP_OK);
	for (i = 0; i < 1000; i++)
		stp_latency_add(&latency, i * i * 17 + (i == 0));
	json = stp_latency_json(&latency, "read");
	json_array_foreach(json_object_get(json, "buckets"), i, bucket) sum +=
	    json_integer_value(json_object_get(bucket, "count"));
	assert_int_equal(sum, 1000);
	json_decref(json);
	stp_latency_release(&latency);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model__gives_back_what_it_was_made_from),
	    cmocka_unit_test(test_model__goes_on_in_proportion),
	    cmocka_unit_test(test_model__publishes_large_bins_as_it_saw_large_ones),
	    cmocka_unit_test(test_model__hashes_without_signing),
	    cmocka_unit_test(test_model__comes_back_from_its_document),
	    cmocka_unit_test(test_model__adds_spilling_beyond_memory),
	    cmocka_unit_test(test_model__takes_the_slower_of_reading_and_hashing),
	    cmocka_unit_test(test_rate__is_the_median_and_the_spread_of_quarters),
	    cmocka_unit_test(test_corpus__makes_paths_that_are_targets),
	    cmocka_unit_test(test_latency__counts_every_sample_in_a_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
