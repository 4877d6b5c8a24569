/* SPDX-License-Identifier: Apache-2.0 */
/* Predictions: the model asked about known indexes or one's own, and the answers explained. */
#include <string.h>

#include "base/options.h"
#include "bench/bench.h"

/* Files are read from memory only as far as they fit beside everything else. */
#define CACHE_SHARE 0.8

static const struct stp_bench_shape shapes[] = {
    {"drupal", "packages.drupal.org: 165,000 files in 2,048 bins", 165000, 165000 * 120000ULL, 2048,
     "sha256"},
    {"pep458", "PyPI as PEP 458 counts it: 2.27 million files", 2273539, 2273539 * 2184393ULL,
     16384, "sha512"},
    {"packagist", "Packagist: 6 million archives", 6000000, 6000000 * 400000ULL, 16384, "sha256"},
    {"pypi", "PyPI today: 20 million files, 30 TB", 20000000, 30000000000000ULL, 16384, "sha512"},
};

const struct stp_bench_shape *stp_bench_shape(size_t index)
{
	return index < sizeof(shapes) / sizeof(shapes[0]) ? &shapes[index] : NULL;
}

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

static void add_job(const struct stp_bench_model *model, json_t *jobs, const char *name,
                    const struct stp_bench_case *of)
{
	struct stp_bench_forecast forecast = stp_bench_forecast(model, of);
	const char *bottleneck;
	const char *advice;
	json_t *seconds = json_object();
	int stage;

	explain(&forecast, of, &bottleneck, &advice);
	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		json_object_set_new(seconds, stp_bench_stage_names[stage],
		                    stp_real_json(forecast.seconds.stage[stage]));
	json_object_set_new(seconds, "total", stp_real_json(forecast.total));
	json_object_set_new(seconds, "low", stp_real_json(forecast.low));
	json_object_set_new(seconds, "high", stp_real_json(forecast.high));
	json_array_append_new(jobs, json_pack("{s:s,s:o,s:s,s:s}", "job", name, "seconds", seconds,
	                                      "bottleneck", bottleneck, "advice", advice));
}

static json_t *predict_jobs(const struct stp_bench_model *model, const struct stp_bench_case *index,
                            double memory_bytes)
{
	struct stp_bench_case of = *index;
	json_t *jobs = json_array();

	of.is_first = 1;
	of.is_cold = 1;
	if (model->read_cold.per_byte > 0)
		add_job(model, jobs, "bootstrap, files on storage", &of);
	of.is_cold = 0;
	if ((double)of.target_bytes < memory_bytes * CACHE_SHARE) {
		add_job(model, jobs, "bootstrap, files in memory", &of);
		of.is_hash_only = 1;
		add_job(model, jobs, "hash only, files in memory", &of);
		of.is_hash_only = 0;
	}
	of.from_list = 1;
	add_job(model, jobs, "bootstrap, digest list", &of);
	of.is_first = 0;
	of.from_list = 0;
	of.is_cold = model->scan_cold_per_second > 0;
	add_job(model, jobs, of.is_cold ? "nightly" : "nightly, inodes in memory", &of);
	of.from_list = 1;
	add_job(model, jobs, "nightly, digest list", &of);
	return jobs;
}

static json_t *predict(const struct stp_bench_model *model, const struct stp_bench_options *options,
                       const struct stp_bench_shape *shape, const char *name, double memory_bytes)
{
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
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:o}", "index", name, "summary", shape->summary,
	                 "targets", (json_int_t)index.target_count, "bytes",
	                 (json_int_t)index.target_bytes, "bins", (json_int_t)index.bin_count,
	                 "hash", shape->hash, "jobs", predict_jobs(model, &index, memory_bytes));
}

json_t *stp_bench_predict(const struct stp_bench_model *model,
                          const struct stp_bench_options *options, double memory_bytes)
{
	const struct stp_bench_shape *shape;
	json_t *predictions = json_array();
	size_t i;

	for (i = 0; (shape = stp_bench_shape(i)) != NULL; i++) {
		int is_own = options->target_count || options->target_bytes;
		/* An index of one's own is laid out as pep458 unless a shape is named. */
		const char *wanted = options->shape ? options->shape : is_own ? "pep458" : NULL;

		if (!wanted || strcmp(wanted, shape->name) == 0)
			json_array_append_new(predictions, predict(model, options, shape,
			                                           is_own ? "yours" : shape->name,
			                                           memory_bytes));
	}
	return predictions;
}

enum stp_errc stp_bench_again(const char *json, const char *name,
                              const struct stp_bench_options *options,
                              struct stp_bench_report *out_report, struct stp_err *err)
{
	struct stp_bench_options mine;
	struct stp_bench_model model;
	json_t *document, *memory;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, measured_ctx, "bench", err));
	document = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	memory = json_object_get(json_object_get(document, "machine"), "memory_bytes");
	code = stp_bench_model_load(json_object_get(document, "model"), name, &model, err);
	if (code == STP_OK) {
		json_object_set_new(document, "predictions",
		                    stp_bench_predict(&model, &mine, json_number_value(memory)));
		out_report->json = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(9));
		if (!out_report->json)
			code = STP_FAIL_ERRNO(err, ENOMEM, "bench", name,
			                      "no memory for the document");
	}
	json_decref(document);
	return code;
}
