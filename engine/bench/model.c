/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model: what measured rates say about an index that is not here.
 *
 *	stage seconds = a + b * bins + c * targets        a, b, c from three real runs
 *(bench/whole.c) hash seconds  = max(hashing, storage)             each so much per file and per
 *byte scan seconds  = targets / rate                    hot or cold
 *
 * Nothing in it is a guess: every number was measured on this machine minutes ago, with all its
 * processors, by the code that does the job. Where digests of another length are asked for than
 * were measured, the stages that handle a bin's bytes (bins, sign, publish) take their share of
 * bytes: a target's line is as long as its path, its length and its digest in hex.
 * Record spills, which the measured runs are too small to show, come from bench/sorting.c.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/bench.h"

/* Hex digits of a digest less than SHA-512's. */
#define SHA256_SHORTER_BYTES 64.0
/* Files are read from memory only as far as they fit beside everything else. */
#define CACHE_SHARE 0.8

const struct stp_bench_shape stp_bench_shapes[] = {
    {"drupal", "packages.drupal.org: 165,000 files in 2,048 bins", 165000, 165000 * 120000ULL, 2048,
     "sha256"},
    {"pep458", "PyPI as PEP 458 counts it: 2.27 million files", 2273539, 2273539 * 2184393ULL,
     16384, "sha512"},
    {"packagist", "Packagist: 6 million archives", 6000000, 6000000 * 400000ULL, 16384, "sha256"},
    {"pypi", "PyPI today: 20 million files, 30 TB", 20000000, 30000000000000ULL, 16384, "sha512"},
    {NULL, NULL, 0, 0, 0, NULL},
};

/* --- cost of a stage ---------------------------------------------------------------------------
 */

/* The line through three runs, at (target_count, bin_count); byte_share scales what grows with
 * targets. No term is below zero: no work is done faster by doing more. */
static double stage_seconds(const struct stp_bench_job *job, int stage, double target_count,
                            double bin_count, double byte_share)
{
	double few = job->few.seconds.stage[stage];
	double few_bins = job->few_bins.seconds.stage[stage];
	double many = job->many.seconds.stage[stage];
	double per_target = (many - few) / (double)(job->many.target_count - job->few.target_count);
	double per_bin = (few - few_bins) / (double)(job->few.bin_count - job->few_bins.bin_count);
	double fixed;

	per_target = per_target > 0 ? per_target : 0;
	per_bin = per_bin > 0 ? per_bin : 0;
	fixed =
	    few - per_bin * (double)job->few.bin_count - per_target * (double)job->few.target_count;
	fixed = fixed > 0 ? fixed : 0;
	return fixed + per_bin * bin_count + per_target * byte_share * target_count;
}

/* Bytes of a target's line, of those measured, that a set with shorter digests has. */
static double byte_share(const struct stp_bench *bench, int hash)
{
	const struct stp_bench_sign *many = &bench->first.many;
	const struct stp_bench_sign *few = &bench->first.few;
	double line = (double)(many->published_bytes - few->published_bytes) /
	              (double)(many->target_count - few->target_count);

	return hash == STP_BENCH_SHA512 || line <= SHA256_SHORTER_BYTES
	           ? 1
	           : (line - SHA256_SHORTER_BYTES) / line;
}

static double cost_seconds(const struct stp_bench_cost *cost, const struct stp_bench_case *of)
{
	return (double)of->target_count * cost->per_file +
	       (double)of->target_bytes * cost->per_byte;
}

/* Reading and hashing run side by side: the slower one decides. */
static void forecast_hashing(const struct stp_bench *bench, const struct stp_bench_case *of,
                             struct stp_bench_forecast *forecast)
{
	const struct stp_bench_cost *cost = &bench->hash[of->hash];
	double hashing = cost_seconds(cost, of);
	double reading = of->is_cold ? cost_seconds(&bench->read_cold, of) : 0;
	double besides = (double)of->target_count * bench->tree_new_seconds;

	forecast->read_seconds = reading > hashing ? reading : 0;
	forecast->file_seconds =
	    besides + (double)of->target_count *
	                  (reading > hashing ? bench->read_cold.per_file : cost->per_file);
	forecast->seconds.stage[STP_STAGE_HASH] = fmax(reading, hashing) + besides;
}

static void forecast_tree(const struct stp_bench *bench, const struct stp_bench_case *of,
                          struct stp_bench_forecast *forecast)
{
	double rate = of->is_cold && bench->scan_cold_per_second > 0 ? bench->scan_cold_per_second
	                                                             : bench->scan_hot_per_second;

	forecast->seconds.stage[STP_STAGE_SCAN] = (double)of->target_count / rate;
	if (of->is_first)
		forecast_hashing(bench, of, forecast);
	else
		forecast->seconds.stage[STP_STAGE_HASH] =
		    (double)of->target_count * bench->compare_seconds;
}

struct stp_bench_forecast stp_bench_forecast(const struct stp_bench *bench,
                                             const struct stp_bench_case *of)
{
	const struct stp_bench_job *job = of->is_first ? &bench->first : &bench->nightly;
	struct stp_bench_forecast forecast = {.total = 0};
	double targets = (double)of->target_count;
	double share = byte_share(bench, of->hash);
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++) {
		int of_bytes = stage == STP_STAGE_BINS || stage == STP_STAGE_SIGN ||
		               stage == STP_STAGE_PUBLISH;

		forecast.seconds.stage[stage] =
		    stage_seconds(job, stage, targets, (double)of->bin_count, of_bytes ? share : 1);
	}
	if (!of->from_list)
		forecast_tree(bench, of, &forecast);
	if (of->target_count > bench->memory_records)
		forecast.seconds.stage[STP_STAGE_SCAN] +=
		    (double)(of->target_count - bench->memory_records) * bench->spill_seconds;
	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		forecast.total += forecast.seconds.stage[stage];
	return forecast;
}

/* --- telling it --------------------------------------------------------------------------------
 */

/* The slowest stage, and what would move it. */
static void explain(const struct stp_bench_forecast *forecast, const struct stp_bench_case *of,
                    const char **out_bottleneck, const char **out_advice)
{
	int worst = 0;
	int stage;

	for (stage = 1; stage < STP_STAGE_COUNT; stage++)
		if (forecast->seconds.stage[stage] > forecast->seconds.stage[worst])
			worst = stage;
	*out_bottleneck = stp_bench_stage_names[worst];
	switch (worst) {
	case STP_STAGE_HASH:
		if (!of->is_first) {
			*out_bottleneck = "compare";
			*out_advice = "more cores compare faster";
		} else if (forecast->file_seconds > forecast->seconds.stage[worst] / 2) {
			*out_bottleneck = "open files";
			*out_advice =
			    "the files are small: more cores, storage with more operations "
			    "a second, or a digest list, which opens none";
		} else if (forecast->read_seconds > 0) {
			*out_bottleneck = "read";
			*out_advice =
			    "faster storage moves it, more cores do not; a digest list reads "
			    "no file";
		} else {
			*out_advice =
			    "more cores, or cores with wider vectors; a digest list hashes "
			    "nothing";
		}
		break;
	case STP_STAGE_SCAN:
		*out_advice = of->from_list
		                  ? "more cores parse the list faster"
		                  : "storage with faster metadata, more memory for inodes, "
		                    "or a digest list in place of the walk";
		break;
	case STP_STAGE_PUBLISH:
		*out_advice = "storage that makes files durable faster, or fewer bins";
		break;
	case STP_STAGE_LEDGER:
		*out_advice = "more cores, and storage that writes faster";
		break;
	case STP_STAGE_REST:
		*out_advice = "storage with a faster fsync";
		break;
	default:
		*out_advice = "more cores";
		break;
	}
}

static void add_job(struct stp_bench *bench, json_t *jobs, const char *name,
                    const struct stp_bench_case *of)
{
	struct stp_bench_forecast forecast = stp_bench_forecast(bench, of);
	const char *bottleneck;
	const char *advice;
	json_t *seconds = json_object();
	int stage;

	explain(&forecast, of, &bottleneck, &advice);
	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		json_object_set_new(seconds, stp_bench_stage_names[stage],
		                    stp_real_json(forecast.seconds.stage[stage]));
	json_object_set_new(seconds, "total", stp_real_json(forecast.total));
	json_array_append_new(jobs, json_pack("{s:s,s:o,s:s,s:s}", "job", name, "seconds", seconds,
	                                      "bottleneck", bottleneck, "advice", advice));
}

/* Bytes of memory, for what may stay in the page cache. */
static double memory_bytes(const struct stp_bench *bench)
{
	return json_number_value(
	    json_object_get(json_object_get(bench->document, "machine"), "memory_bytes"));
}

static json_t *predict_jobs(struct stp_bench *bench, const struct stp_bench_case *index)
{
	struct stp_bench_case of = *index;
	json_t *jobs = json_array();

	of.is_first = 1;
	of.is_cold = 1;
	if (bench->read_cold.per_byte > 0)
		add_job(bench, jobs, "bootstrap, files on storage", &of);
	of.is_cold = 0;
	if ((double)of.target_bytes < memory_bytes(bench) * CACHE_SHARE)
		add_job(bench, jobs, "bootstrap, files in memory", &of);
	of.from_list = 1;
	add_job(bench, jobs, "bootstrap, digest list", &of);
	of.is_first = 0;
	of.from_list = 0;
	of.is_cold = bench->scan_cold_per_second > 0;
	add_job(bench, jobs, of.is_cold ? "nightly" : "nightly, inodes in memory", &of);
	of.from_list = 1;
	add_job(bench, jobs, "nightly, digest list", &of);
	return jobs;
}

static void predict(struct stp_bench *bench, json_t *predictions,
                    const struct stp_bench_shape *shape, const char *name)
{
	const struct stp_bench_options *options = bench->options;
	struct stp_bench_case index = {
	    .target_count = shape->target_count,
	    .target_bytes = shape->target_bytes,
	    .bin_count = shape->bin_count,
	    .hash = strcmp(shape->hash, "sha512") == 0 ? STP_BENCH_SHA512 : STP_BENCH_SHA256,
	};

	if (options->target_count) {
		index.target_count = options->target_count;
		index.target_bytes =
		    (uint64_t)((double)shape->target_bytes * (double)options->target_count /
		               (double)shape->target_count);
	}
	if (options->target_bytes)
		index.target_bytes = options->target_bytes;
	json_array_append_new(predictions,
	                      json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:o}", "index", name, "summary",
	                                shape->summary, "targets", (json_int_t)index.target_count,
	                                "bytes", (json_int_t)index.target_bytes, "bins",
	                                (json_int_t)index.bin_count, "hash", shape->hash, "jobs",
	                                predict_jobs(bench, &index)));
}

enum stp_errc stp_bench_predict(struct stp_bench *bench, struct stp_err *err)
{
	const struct stp_bench_options *options = bench->options;
	const struct stp_bench_shape *shape;
	json_t *predictions = json_array();

	(void)err;
	stp_bench_set(bench, "predictions", predictions);
	for (shape = stp_bench_shapes; shape->name; shape++) {
		int is_own = options->target_count || options->target_bytes;
		/* An index of one's own is laid out as pep458 unless a shape is named. */
		const char *wanted = options->shape ? options->shape : is_own ? "pep458" : NULL;

		if (!wanted || strcmp(wanted, shape->name) == 0)
			predict(bench, predictions, shape, is_own ? "yours" : shape->name);
	}
	return STP_OK;
}
