/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model: what measured rates say about an index that is not here.
 *
 *	stage seconds  = a + b * bins + c * targets    from real runs (bench/whole.c): b from two
 *	                                               numbers of bins, c from two of targets
 *	publishing     = the same, but bins of 32 KiB and more, which are written in another way,
 *	                 follow from two runs with such bins
 *	hash seconds   = max(hashing, storage)         each so much per file and per byte
 *	scan seconds   = targets / rate                hot or cold
 *
 * Nothing in it is a guess: every number was measured on this machine minutes ago, with all its
 * processors, by the code that does the job. Where digests of another length are asked for than
 * were measured, the stages that handle a bin's bytes (bins, sign, publish) take their share of
 * bytes: a target's line is as long as its path, its length and its digest in hex.
 * Record spills, which the measured runs are too small to show, come from bench/sorting.c.
 */
#include <math.h>

#include "bench/model.h"
#include "publish/writer.h"

/* Hex digits of a digest less than SHA-512's. */
#define SHA256_SHORTER_BYTES 64.0

const char *const stp_bench_stage_names[STP_STAGE_COUNT] = {"scan", "hash",    "ledger", "bins",
                                                            "sign", "publish", "rest"};

/* --- cost of a stage ------------------------------------------------------------------------- */

static double above_zero(double value)
{
	return value > 0 ? value : 0;
}

/* What is asked for, as the stages see it. */
struct load {
	double targets, bins;
	double byte_share;    /* of a target's line, beside the measured one */
	double bytes_per_bin; /* of targets, in a published bin */
};

/* Through two runs with equally many targets and two with equally many bins, of which one may be
 * the same: seconds = fixed + per_bin * bins + per_target * targets. No term is below zero: no work
 * is done faster by doing more. */
static double stage_seconds(const struct stp_bench_job *job, int stage,
                            const struct stp_bench_sign *base, const struct stp_bench_sign *more,
                            const struct load *load, double share)
{
	const struct stp_bench_sign *few = &job->anchors[STP_ANCHOR_FEW];
	const struct stp_bench_sign *few_bins = &job->anchors[STP_ANCHOR_FEW_BINS];
	double per_target = above_zero((more->seconds.stage[stage] - base->seconds.stage[stage]) /
	                               ((double)more->target_count - (double)base->target_count));
	double per_bin = above_zero((few->seconds.stage[stage] - few_bins->seconds.stage[stage]) /
	                            ((double)few->bin_count - (double)few_bins->bin_count));
	double fixed =
	    above_zero(few_bins->seconds.stage[stage] - per_bin * (double)few_bins->bin_count -
	               per_target * (double)few_bins->target_count);

	return fixed + per_bin * load->bins + per_target * share * load->targets;
}

/* Publishing bins that are written around the page cache: so much per bin and per target, through
 * two runs with such bins. */
static double publish_large(const struct stp_bench_job *job, const struct load *load)
{
	const struct stp_bench_sign *large = &job->anchors[STP_ANCHOR_LARGE];
	const struct stp_bench_sign *many = &job->anchors[STP_ANCHOR_MANY];
	double large_seconds = large->seconds.stage[STP_STAGE_PUBLISH];
	double many_seconds = many->seconds.stage[STP_STAGE_PUBLISH];
	double scale = (double)large->bin_count / (double)many->bin_count;
	double per_target =
	    above_zero((many_seconds * scale - large_seconds) /
	               ((double)many->target_count * scale - (double)large->target_count));
	double per_bin =
	    (large_seconds - per_target * (double)large->target_count) / (double)large->bin_count;

	if (per_bin < 0) {
		per_bin = 0;
		per_target = large_seconds / (double)large->target_count;
	}
	return per_bin * load->bins + per_target * load->byte_share * load->targets;
}

static double publish_seconds(const struct stp_bench_job *job, const struct load *load)
{
	if (load->bytes_per_bin >= (double)STP_WRITER_DIRECT_MIN)
		return publish_large(job, load);
	return stage_seconds(job, STP_STAGE_PUBLISH, &job->anchors[STP_ANCHOR_FEW],
	                     &job->anchors[STP_ANCHOR_SMALL], load, load->byte_share);
}

/* Published bytes of a target's line, as measured: SHA-512. */
static double line_bytes(const struct stp_bench_model *model)
{
	const struct stp_bench_sign *many = &model->first.anchors[STP_ANCHOR_MANY];
	const struct stp_bench_sign *few = &model->first.anchors[STP_ANCHOR_FEW_BINS];

	return above_zero(((double)many->published_bytes - (double)few->published_bytes) /
	                  ((double)many->target_count - (double)few->target_count));
}

static struct load load_of(const struct stp_bench_model *model, const struct stp_bench_case *of)
{
	double line = line_bytes(model);
	struct load load = {(double)of->target_count, (double)of->bin_count, 1, 0};

	if (of->hash != STP_BENCH_SHA512 && line > SHA256_SHORTER_BYTES)
		load.byte_share = (line - SHA256_SHORTER_BYTES) / line;
	load.bytes_per_bin = line * load.byte_share * load.targets / load.bins;
	return load;
}

/* The stages of signing from a list. */
static void forecast_list(const struct stp_bench_model *model, const struct stp_bench_case *of,
                          struct stp_bench_forecast *forecast)
{
	const struct stp_bench_job *job = of->is_first ? &model->first : &model->nightly;
	struct load load = load_of(model, of);
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++) {
		int of_bytes = stage == STP_STAGE_BINS || stage == STP_STAGE_SIGN;

		forecast->seconds.stage[stage] =
		    stage_seconds(job, stage, &job->anchors[STP_ANCHOR_FEW_BINS],
		                  &job->anchors[STP_ANCHOR_MANY], &load,
		                  of_bytes ? load.byte_share : 1);
	}
	forecast->seconds.stage[STP_STAGE_PUBLISH] = publish_seconds(job, &load);
	if ((double)of->target_count > model->memory_records)
		forecast->seconds.stage[STP_STAGE_SCAN] +=
		    ((double)of->target_count - model->memory_records) * model->spill_seconds;
}

/* --- trees ----------------------------------------------------------------------------------- */

static double cost_seconds(const struct stp_bench_cost *cost, const struct stp_bench_case *of)
{
	return (double)of->target_count * cost->per_file +
	       (double)of->target_bytes * cost->per_byte;
}

/* Reading and hashing run side by side: the slower one decides. */
static void forecast_hashing(const struct stp_bench_model *model, const struct stp_bench_case *of,
                             struct stp_bench_forecast *forecast)
{
	const struct stp_bench_cost *cost = &model->hash[of->hash];
	double hashing = cost_seconds(cost, of);
	double reading = of->is_cold ? cost_seconds(&model->read_cold, of) : 0;
	double besides = of->is_hash_only ? 0 : (double)of->target_count * model->tree_new_seconds;

	forecast->read_seconds = reading > hashing ? reading : 0;
	forecast->file_seconds =
	    besides + (double)of->target_count *
	                  (reading > hashing ? model->read_cold.per_file : cost->per_file);
	forecast->seconds.stage[STP_STAGE_HASH] = fmax(reading, hashing) + besides;
}

static void forecast_tree(const struct stp_bench_model *model, const struct stp_bench_case *of,
                          struct stp_bench_forecast *forecast)
{
	double rate = of->is_cold && model->scan_cold_per_second > 0 ? model->scan_cold_per_second
	                                                             : model->scan_hot_per_second;
	double spill =
	    (double)of->target_count > model->memory_records && !of->is_hash_only
	        ? ((double)of->target_count - model->memory_records) * model->spill_seconds
	        : 0;

	forecast->seconds.stage[STP_STAGE_SCAN] = (double)of->target_count / rate + spill;
	if (of->is_first)
		forecast_hashing(model, of, forecast);
	else
		forecast->seconds.stage[STP_STAGE_HASH] =
		    (double)of->target_count * model->compare_seconds;
}

struct stp_bench_forecast stp_bench_forecast(const struct stp_bench_model *model,
                                             const struct stp_bench_case *of)
{
	const struct stp_bench_job *job = of->is_first ? &model->first : &model->nightly;
	struct stp_bench_forecast forecast = {.total = 0};
	double of_job = 0; /* seconds that follow from real runs */
	int stage;

	if (!of->is_hash_only)
		forecast_list(model, of, &forecast);
	if (!of->from_list)
		forecast_tree(model, of, &forecast);
	for (stage = 0; stage < STP_STAGE_COUNT; stage++) {
		double seconds = forecast.seconds.stage[stage];

		forecast.total += seconds;
		if (of->from_list || (stage != STP_STAGE_SCAN && stage != STP_STAGE_HASH))
			of_job += seconds;
	}
	forecast.low = forecast.total - of_job * (1 - job->low);
	forecast.high = forecast.total + of_job * (job->high - 1);
	return forecast;
}
