/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model as JSON: names and numbers. What is read back may be anything, so each number is
 * looked at: none below zero, and no division by zero further on.
 */
#include <math.h>
#include <stddef.h>

#include "bench/model.h"

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
    {"scan_hot_per_second", offsetof(struct stp_bench_model, scan_hot_per_second)},
    {"scan_cold_per_second", offsetof(struct stp_bench_model, scan_cold_per_second)},
    {"sha256_seconds_per_file", offsetof(struct stp_bench_model, hash[STP_BENCH_SHA256].per_file)},
    {"sha256_seconds_per_byte", offsetof(struct stp_bench_model, hash[STP_BENCH_SHA256].per_byte)},
    {"sha512_seconds_per_file", offsetof(struct stp_bench_model, hash[STP_BENCH_SHA512].per_file)},
    {"sha512_seconds_per_byte", offsetof(struct stp_bench_model, hash[STP_BENCH_SHA512].per_byte)},
    {"cold_seconds_per_file", offsetof(struct stp_bench_model, read_cold.per_file)},
    {"cold_seconds_per_byte", offsetof(struct stp_bench_model, read_cold.per_byte)},
    {"spill_seconds", offsetof(struct stp_bench_model, spill_seconds)},
    {"memory_records", offsetof(struct stp_bench_model, memory_records)},
    {"compare_seconds", offsetof(struct stp_bench_model, compare_seconds)},
    {"tree_new_seconds", offsetof(struct stp_bench_model, tree_new_seconds)},
    {"first_low", offsetof(struct stp_bench_model, first.low)},
    {"first_high", offsetof(struct stp_bench_model, first.high)},
    {"nightly_low", offsetof(struct stp_bench_model, nightly.low)},
    {"nightly_high", offsetof(struct stp_bench_model, nightly.high)},
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static json_t *job_json(const struct stp_bench_job *job)
{
	json_t *anchors = json_array();
	int stage;
	int i;

	for (i = 0; i < STP_ANCHOR_COUNT; i++) {
		const struct stp_bench_sign *sign = &job->anchors[i];
		json_t *seconds = json_object();

		for (stage = 0; stage < STP_STAGE_COUNT; stage++)
			json_object_set_new(seconds, stp_bench_stage_names[stage],
			                    json_real(sign->seconds.stage[stage]));
		json_array_append_new(
		    anchors,
		    json_pack("{s:I,s:I,s:I,s:o}", "targets", (json_int_t)sign->target_count,
		              "bins", (json_int_t)sign->bin_count, "published_bytes",
		              (json_int_t)sign->published_bytes, "seconds", seconds));
	}
	return anchors;
}

json_t *stp_bench_model_json(const struct stp_bench_model *model)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < FIELD_COUNT; i++)
		json_object_set_new(object, fields[i].name,
		                    json_real(
		                        *(const double *)((const char *)model + fields[i].offset)));
	json_object_set_new(object, "first", job_json(&model->first));
	json_object_set_new(object, "nightly", job_json(&model->nightly));
	return object;
}

/* --- reading back ---------------------------------------------------------------------------- */

static int take_number(const json_t *object, const char *key, double *out)
{
	const json_t *number = json_object_get(object, key);

	*out = json_number_value(number);
	return json_is_number(number) && isfinite(*out) && *out >= 0;
}

static int take_count(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *number = json_object_get(object, key);

	*out = json_is_integer(number) && json_integer_value(number) > 0
	           ? (uint64_t)json_integer_value(number)
	           : 0;
	return *out > 0;
}

static int take_anchor(const json_t *object, struct stp_bench_sign *out)
{
	int good = take_count(object, "targets", &out->target_count) &&
	           take_count(object, "bins", &out->bin_count) &&
	           take_count(object, "published_bytes", &out->published_bytes);
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		good = take_number(json_object_get(object, "seconds"), stp_bench_stage_names[stage],
		                   &out->seconds.stage[stage]) &&
		       good;
	return good;
}

/* The differences that the model divides by. */
static int has_slopes(const struct stp_bench_job *job)
{
	const struct stp_bench_sign *anchors = job->anchors;
	const struct stp_bench_sign *many = &anchors[STP_ANCHOR_MANY];
	const struct stp_bench_sign *large = &anchors[STP_ANCHOR_LARGE];

	return anchors[STP_ANCHOR_FEW].bin_count > anchors[STP_ANCHOR_FEW_BINS].bin_count &&
	       anchors[STP_ANCHOR_SMALL].target_count > anchors[STP_ANCHOR_FEW].target_count &&
	       many->target_count > anchors[STP_ANCHOR_FEW_BINS].target_count &&
	       (double)many->target_count / (double)many->bin_count >
	           (double)large->target_count / (double)large->bin_count;
}

static int take_job(const json_t *array, struct stp_bench_job *out)
{
	int good = json_array_size(array) == STP_ANCHOR_COUNT;
	int i;

	for (i = 0; i < STP_ANCHOR_COUNT && good; i++)
		good = take_anchor(json_array_get(array, (size_t)i), &out->anchors[i]);
	return good && has_slopes(out);
}

enum stp_errc stp_bench_model_load(const json_t *json, const char *name,
                                   struct stp_bench_model *out, struct stp_err *err)
{
	struct stp_bench_model model = {.memory_records = 0};
	int good = 1;
	size_t i;

	for (i = 0; i < FIELD_COUNT && good; i++)
		good = take_number(json, fields[i].name,
		                   (double *)((char *)&model + fields[i].offset));
	if (!good || model.scan_hot_per_second <= 0 ||
	    !take_job(json_object_get(json, "first"), &model.first) ||
	    !take_job(json_object_get(json, "nightly"), &model.nightly))
		return STP_FAIL(err, STP_FORMAT, "bench", name,
		                "holds no model to predict from; measure that machine again");
	*out = model;
	return STP_OK;
}
