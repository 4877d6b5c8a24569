/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real runs of `sign`, from the first to the last byte, on made-up indexes in the scratch folder.
 *
 *	few targets, 16,384 bins ┐
 *	few targets, 2,048 bins  ├─ the first time and again ─▶ what a bin and a target cost
 *	many targets, 16,384     ┘
 *	a tree of small files    ── the first time and again ─▶ what a file costs; a check of the
 *model
 *
 * The model takes each stage of the few to have taken no longer than the same stage of the larger
 * runs. "Many" is as many as fit the time, so that the step from what was measured to what is asked
 *for is short.
 */
#include "bench/whole.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/corpus.h"
#include "stampede/init.h"
#include "stampede/sign.h"

#define BINS_MANY ((uint64_t)16384)
#define BINS_FEW  ((uint64_t)2048)
#define COUNT_FEW ((uint64_t)5000)
/* A first look at the rate, then the many. */
#define COUNT_PROBE ((uint64_t)60000)
#define COUNT_MAX   ((uint64_t)1000000)
/* Fewer would stretch a small difference to millions. */
#define COUNT_MANY_MIN ((uint64_t)200000)
/* Scratch bytes per target: list row, two times metadata, ledger twice. */
#define BYTES_PER_TARGET 2000
#define TREE_COUNT       ((uint64_t)12000)
#define TREE_FILE_BYTES  ((uint64_t)4096)
/* Another tree, to check the model with. */
#define CHECK_COUNT      ((uint64_t)3000)
#define CHECK_FILE_BYTES ((uint64_t)80000)

const char *const stp_bench_stage_names[STP_STAGE_COUNT] = {"scan", "hash",    "ledger", "bins",
                                                            "sign", "publish", "rest"};

/* Makes repository name with bin_count bins over the folder targets. */
static enum stp_errc make_repo(struct stp_bench *bench, const char *name, const char *targets,
                               uint64_t bin_count, struct stp_err *err)
{
	char repo_path[4096];
	char targets_path[4096];
	struct stp_init_options options = {
	    .repo = stp_scratch_path(&bench->scratch, name, repo_path, sizeof(repo_path)),
	    .targets_dir =
	        stp_scratch_path(&bench->scratch, targets, targets_path, sizeof(targets_path)),
	    .bin_count = bin_count,
	    .target_files = "none",
	    .now = bench->options->now,
	};
	struct stp_init_report report;

	STP_TRY(stp_init(&options, &report, err));
	stp_init_report_release(&report);
	return STP_OK;
}

static struct stp_bench_sign sign_of(const struct stp_sign_report *report)
{
	const struct stp_sign_seconds *seconds = &report->seconds;
	struct stp_bench_sign sign = {
	    report->targets, report->bins, report->published_bytes, {{0}}};
	double *stage = sign.seconds.stage;

	stage[STP_STAGE_SCAN] = seconds->scan;
	stage[STP_STAGE_HASH] = seconds->hash;
	stage[STP_STAGE_LEDGER] = seconds->ledger;
	stage[STP_STAGE_BINS] = seconds->bins;
	stage[STP_STAGE_SIGN] = seconds->sign;
	stage[STP_STAGE_PUBLISH] = seconds->publish;
	stage[STP_STAGE_REST] = seconds->total - seconds->scan - seconds->hash - seconds->ledger -
	                        seconds->bins - seconds->sign - seconds->publish;
	return sign;
}

/* Runs sign once; list NULL scans the tree. */
static enum stp_errc sign_once(struct stp_bench *bench, const char *name, const char *list,
                               struct stp_bench_sign *out, struct stp_err *err)
{
	char repo_path[4096];
	char list_path[4096];
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
	struct stp_sign_report report;
	enum stp_errc code;

	options.repo = stp_scratch_path(&bench->scratch, name, repo_path, sizeof(repo_path));
	if (list)
		options.digests =
		    stp_scratch_path(&bench->scratch, list, list_path, sizeof(list_path));
	options.cancel = bench->cancel;
	code = stp_sign_run(&options, &report, err);
	if (code == STP_OK)
		*out = sign_of(&report);
	stp_sign_report_release(&report);
	return code;
}

static json_t *seconds_json(const struct stp_bench_seconds *seconds, double *out_total)
{
	json_t *object = json_object();
	int stage;

	*out_total = 0;
	for (stage = 0; stage < STP_STAGE_COUNT; stage++) {
		json_object_set_new(object, stp_bench_stage_names[stage],
		                    stp_real_json(seconds->stage[stage]));
		*out_total += seconds->stage[stage];
	}
	json_object_set_new(object, "total", stp_real_json(*out_total));
	return object;
}

/* Adds a run to the document; of says what the model is asked for the same, NULL for runs that the
 * model is made from. */
static void add_run(struct stp_bench *bench, const char *name, const struct stp_bench_sign *sign,
                    const struct stp_bench_case *of)
{
	double total;
	json_t *seconds = seconds_json(&sign->seconds, &total);
	json_t *object =
	    json_pack("{s:s,s:I,s:I,s:I,s:o}", "run", name, "targets",
	              (json_int_t)sign->target_count, "bins", (json_int_t)sign->bin_count,
	              "published_bytes", (json_int_t)sign->published_bytes, "seconds", seconds);

	if (of)
		json_object_set_new(object, "predicted_seconds",
		                    stp_real_json(stp_bench_forecast(bench, of).total));
	json_array_append_new(json_object_get(bench->document, "runs"), object);
}

/* --- lists -------------------------------------------------------------------------------------
 */

/* Signs a list of count targets in bin_count bins, the first time and again. */
static enum stp_errc sign_list(struct stp_bench *bench, uint64_t count, uint64_t bin_count,
                               struct stp_bench_sign *out_first, struct stp_bench_sign *out_nightly,
                               struct stp_err *err)
{
	uint64_t list_bytes;

	STP_TRY(stp_corpus_write_list(bench->scratch.fd, "list.csv", count, bench->cancel,
	                              &list_bytes, err));
	STP_TRY(make_repo(bench, "repo", "empty", bin_count, err));
	STP_TRY(sign_once(bench, "repo", "list.csv", out_first, err));
	STP_TRY(sign_once(bench, "repo", "list.csv", out_nightly, err));
	return STP_OK;
}

/* The same, and takes away what it made. */
static enum stp_errc measure_list(struct stp_bench *bench, uint64_t count, uint64_t bin_count,
                                  struct stp_bench_sign *out_first,
                                  struct stp_bench_sign *out_nightly, struct stp_err *err)
{
	enum stp_errc code = sign_list(bench, count, bin_count, out_first, out_nightly, err);

	stp_scratch_remove(&bench->scratch, "repo");
	unlinkat(bench->scratch.fd, "list.csv", 0);
	return code;
}

static double total_of(const struct stp_bench_sign *sign)
{
	double total;

	json_decref(seconds_json(&sign->seconds, &total));
	return total;
}

/* Twice, unless time is up: the faster run of each job, since small ones suffer most from what else
 * the machine does. */
static enum stp_errc measure_list_twice(struct stp_bench *bench, uint64_t count, uint64_t bin_count,
                                        struct stp_bench_sign *out_first,
                                        struct stp_bench_sign *out_nightly, struct stp_err *err)
{
	struct stp_bench_sign first;
	struct stp_bench_sign nightly;

	STP_TRY(measure_list(bench, count, bin_count, out_first, out_nightly, err));
	if (stp_bench_late(bench))
		return STP_OK;
	STP_TRY(measure_list(bench, count, bin_count, &first, &nightly, err));
	if (total_of(&first) < total_of(out_first))
		*out_first = first;
	if (total_of(&nightly) < total_of(out_nightly))
		*out_nightly = nightly;
	return STP_OK;
}

/* How many targets fit the time and the space, from a first look. */
static uint64_t choose_many(const struct stp_bench *bench, const struct stp_bench_sign *few,
                            const struct stp_bench_sign *probe)
{
	double per_target =
	    (total_of(probe) - total_of(few)) / (double)(probe->target_count - few->target_count);
	double fits = per_target > 0 ? stp_bench_share(bench, 0.07) / per_target : 0;
	uint64_t space = bench->scratch.free_bytes / 2 / BYTES_PER_TARGET;
	uint64_t count = fits > (double)COUNT_MAX ? COUNT_MAX : (uint64_t)fits;

	if (count < COUNT_MANY_MIN)
		count = COUNT_MANY_MIN;
	if (count > space)
		count = space;
	return count > COUNT_PROBE ? count : COUNT_PROBE;
}

/* A run that does less than another in every stage took no longer for it: what it took beyond was
 * somebody else's work. */
static void bound(struct stp_bench_sign *less, const struct stp_bench_sign *more)
{
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		if (less->seconds.stage[stage] > more->seconds.stage[stage])
			less->seconds.stage[stage] = more->seconds.stage[stage];
}

static void bound_job(struct stp_bench_job *job, const struct stp_bench_sign *probe)
{
	bound(&job->few, probe);
	bound(&job->few, &job->many);
	bound(&job->few_bins, &job->few);
}

static enum stp_errc measure_lists(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_bench_job *first = &bench->first;
	struct stp_bench_job *nightly = &bench->nightly;
	struct stp_bench_sign probe;
	struct stp_bench_sign probe_nightly;
	struct stp_bench_case of = {.bin_count = BINS_MANY,
	                            .target_count = COUNT_PROBE,
	                            .hash = STP_BENCH_SHA512,
	                            .from_list = 1,
	                            .is_first = 1};

	stp_bench_stage(bench, "sign lists");
	STP_TRY(measure_list_twice(bench, COUNT_FEW, BINS_MANY, &first->few, &nightly->few, err));
	STP_TRY(measure_list_twice(bench, COUNT_FEW, BINS_FEW, &first->few_bins, &nightly->few_bins,
	                           err));
	STP_TRY(measure_list(bench, COUNT_PROBE, BINS_MANY, &probe, &probe_nightly, err));
	STP_TRY(measure_list(bench, choose_many(bench, &first->few, &probe), BINS_MANY,
	                     &first->many, &nightly->many, err));
	add_run(bench, "list, few targets", &first->few, NULL);
	add_run(bench, "list, few bins", &first->few_bins, NULL);
	add_run(bench, "list, many targets", &first->many, NULL);
	add_run(bench, "list, few targets, again", &nightly->few, NULL);
	add_run(bench, "list, few bins, again", &nightly->few_bins, NULL);
	add_run(bench, "list, many targets, again", &nightly->many, NULL);
	bound_job(first, &probe);
	bound_job(nightly, &probe_nightly);
	add_run(bench, "list, between", &probe, &of);
	of.is_first = 0;
	add_run(bench, "list, between, again", &probe_nightly, &of);
	return STP_OK;
}

/* --- a tree ------------------------------------------------------------------------------------
 */

/* What each entry costs in the hash stage besides hashing: comparing, and keeping the result. */
static void learn_tree(struct stp_bench *bench, const struct stp_bench_sign *first,
                       const struct stp_bench_sign *again)
{
	const struct stp_bench_cost *cost = &bench->hash[STP_BENCH_SHA512];
	double count = (double)first->target_count;
	double hashing = count * (cost->per_file + (double)TREE_FILE_BYTES * cost->per_byte);

	bench->compare_seconds = again->seconds.stage[STP_STAGE_HASH] / count;
	bench->tree_new_seconds = (first->seconds.stage[STP_STAGE_HASH] - hashing) / count;
	if (bench->tree_new_seconds < 0)
		bench->tree_new_seconds = 0;
}

static enum stp_errc sign_tree(struct stp_bench *bench, uint64_t count, uint64_t file_bytes,
                               struct stp_bench_sign *out_first, struct stp_bench_sign *out_again,
                               struct stp_err *err)
{
	int fd;
	enum stp_errc code;

	STP_TRY(stp_folder_make(bench->scratch.fd, "tree", 0700, "bench", &fd, err));
	code = stp_corpus_write_tree(fd, 0, count, file_bytes, bench->cancel, err);
	stp_fd_close(&fd);
	if (code == STP_OK)
		code = make_repo(bench, "repo", "tree", BINS_FEW, err);
	if (code == STP_OK)
		code = sign_once(bench, "repo", NULL, out_first, err);
	if (code == STP_OK)
		code = sign_once(bench, "repo", NULL, out_again, err);
	return code;
}

/* The same, and takes away what it made. */
static enum stp_errc measure_tree(struct stp_bench *bench, uint64_t count, uint64_t file_bytes,
                                  struct stp_bench_sign *out_first,
                                  struct stp_bench_sign *out_again, struct stp_err *err)
{
	enum stp_errc code = sign_tree(bench, count, file_bytes, out_first, out_again, err);

	stp_scratch_remove(&bench->scratch, "repo");
	stp_scratch_remove(&bench->scratch, "tree");
	return code;
}

static enum stp_errc measure_trees(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_bench_case of = {.target_count = CHECK_COUNT,
	                            .target_bytes = CHECK_COUNT * CHECK_FILE_BYTES,
	                            .bin_count = BINS_FEW,
	                            .hash = STP_BENCH_SHA512,
	                            .is_first = 1};
	struct stp_bench_sign first;
	struct stp_bench_sign again;

	stp_bench_stage(bench, "sign trees");
	STP_TRY(measure_tree(bench, TREE_COUNT, TREE_FILE_BYTES, &first, &again, err));
	learn_tree(bench, &first, &again);
	add_run(bench, "tree, small files", &first, NULL);
	add_run(bench, "tree, small files, again", &again, NULL);
	STP_TRY(measure_tree(bench, CHECK_COUNT, CHECK_FILE_BYTES, &first, &again, err));
	add_run(bench, "tree, larger files", &first, &of);
	of.is_first = 0;
	add_run(bench, "tree, larger files, again", &again, &of);
	return STP_OK;
}

enum stp_errc stp_bench_whole(struct stp_bench *bench, struct stp_err *err)
{
	int fd;

	STP_TRY(stp_bench_sorting(bench, err));
	STP_TRY(stp_folder_make(bench->scratch.fd, "empty", 0700, "bench", &fd, err));
	stp_fd_close(&fd);
	stp_bench_set(bench, "runs", json_array());
	STP_TRY(measure_lists(bench, err));
	return measure_trees(bench, err);
}
