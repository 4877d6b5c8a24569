/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real runs of `sign`, from the first to the last byte, on made-up indexes in the scratch folder.
 *
 *	      5,000 targets, 16,384 bins ┐                      ─▶ what a bin costs
 *	      5,000 targets,  2,048 bins ┤ the first time
 *	    200,000 targets, 16,384 bins ┤ and again            ─▶ what a target costs in small bins
 *	    570,000 targets,  4,096 bins ┤
 *	  1,000,000 targets,  2,048 bins ┘                      ─▶ … in large ones
 *	     60,000 targets, 16,384 bins ┐ the first time       ─▶ a check of the model
 *	a tree of larger files           ┘ and again
 *	a tree of small files                                   ─▶ what a file costs
 *
 * The last two lists are smaller where time or space is short. Each nightly run is repeated: the
 * median counts, and how far the others lie from it is told with every prediction. The first run
 * of a repository cannot be repeated cheaply; the small ones are.
 */
#include "bench/whole.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/bench.h"
#include "bench/corpus.h"
#include "stampede/init.h"
#include "stampede/sign.h"

#define BINS_MANY   ((uint64_t)16384)
#define BINS_FEW    ((uint64_t)2048)
#define COUNT_FEW   ((uint64_t)5000)
#define COUNT_PROBE ((uint64_t)60000)
#define COUNT_SMALL ((uint64_t)200000)
/* Repetitions of a nightly run. */
#define NIGHTS 3
/* Scratch bytes per target: list row, metadata of each night and the first, ledger twice. */
#define BYTES_PER_TARGET (1000 + 480 * (NIGHTS + 1))

/* The runs with large bins: 65 KiB and 230 KiB each, with SHA-512 and paths of 120 bytes. */
static const struct large_runs {
	uint64_t large_targets, large_bins, many_targets, many_bins;
} full_runs = {569344, 4096, 1000000, 2048}, reduced_runs = {142336, 1024, 250000, 512};

#define TREE_COUNT      ((uint64_t)12000)
#define TREE_FILE_BYTES ((uint64_t)4096)
/* Another tree, to check the model with. */
#define CHECK_COUNT      ((uint64_t)3000)
#define CHECK_FILE_BYTES ((uint64_t)80000)

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
	stage[STP_STAGE_REST] = seconds->rest;
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
	code = stp_sign(&options, &report, err);
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
		                    stp_real_json(stp_bench_forecast(&bench->model, of).total));
	json_array_append_new(json_object_get(bench->document, "runs"), object);
}

/* --- lists ----------------------------------------------------------------------------------- */

static double total_of(const struct stp_bench_sign *sign)
{
	double total = 0;
	int stage;

	for (stage = 0; stage < STP_STAGE_COUNT; stage++)
		total += sign->seconds.stage[stage];
	return total;
}

/* One anchor of both jobs. */
struct list_runs {
	struct stp_bench_sign first, nights[NIGHTS]; /* nights by time */
	size_t night_count;
};

static int compare_runs(const void *a, const void *b)
{
	double x = total_of(a);
	double y = total_of(b);

	return (x > y) - (x < y);
}

/* Signs a list of count targets in bin_count bins, the first time and again. */
static enum stp_errc sign_list(struct stp_bench *bench, uint64_t count, uint64_t bin_count,
                               struct list_runs *out, struct stp_err *err)
{
	uint64_t list_bytes;

	STP_TRY(stp_corpus_write_list(bench->scratch.fd, "list.csv", count, bench->cancel,
	                              &list_bytes, err));
	STP_TRY(make_repo(bench, "repo", "empty", bin_count, err));
	STP_TRY(sign_once(bench, "repo", "list.csv", &out->first, err));
	for (out->night_count = 0; out->night_count < NIGHTS; out->night_count++) {
		if (out->night_count && stp_bench_late(bench))
			break;
		STP_TRY(sign_once(bench, "repo", "list.csv", &out->nights[out->night_count], err));
	}
	qsort(out->nights, out->night_count, sizeof(out->nights[0]), compare_runs);
	return STP_OK;
}

/* The same, and makes way for the next. */
static enum stp_errc measure_list(struct stp_bench *bench, uint64_t count, uint64_t bin_count,
                                  struct list_runs *out, struct stp_err *err)
{
	enum stp_errc code = sign_list(bench, count, bin_count, out, err);

	stp_scratch_retire(&bench->scratch, "repo");
	unlinkat(bench->scratch.fd, "list.csv", 0);
	return code;
}

/* Adds an anchor to the model, and to the sums from which its range follows. */
struct range {
	double low, median, high;
};

static void add_anchor(struct stp_bench *bench, enum stp_bench_anchor anchor,
                       const struct list_runs *runs, struct range *range)
{
	const struct stp_bench_sign *median = &runs->nights[(runs->night_count - 1) / 2];

	bench->model.first.anchors[anchor] = runs->first;
	bench->model.nightly.anchors[anchor] = *median;
	range->low += total_of(&runs->nights[0]);
	range->median += total_of(median);
	range->high += total_of(&runs->nights[runs->night_count - 1]);
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

static void bound_job(struct stp_bench_job *job)
{
	bound(&job->anchors[STP_ANCHOR_FEW], &job->anchors[STP_ANCHOR_SMALL]);
	bound(&job->anchors[STP_ANCHOR_FEW_BINS], &job->anchors[STP_ANCHOR_FEW]);
}

/* As much as fits the time and the space, from a first look. */
static const struct large_runs *choose_large(const struct stp_bench *bench,
                                             const struct list_runs *few,
                                             const struct list_runs *small)
{
	double per_target = (total_of(&small->first) - total_of(&few->first) +
	                     NIGHTS * (total_of(&small->nights[0]) - total_of(&few->nights[0]))) /
	                    (double)(COUNT_SMALL - COUNT_FEW);
	double targets = (double)(full_runs.large_targets + full_runs.many_targets);

	/* A third more for making the lists; and an eighth of the budget in any case, since where
	 * the storage is slow just now the small runs differ by less than they should. */
	if (fmax(per_target * targets * 4 / 3, stp_bench_share(bench, 0.125)) >
	        stp_bench_left(bench) ||
	    bench->scratch.free_bytes / 2 < (uint64_t)targets * BYTES_PER_TARGET)
		return &reduced_runs;
	return &full_runs;
}

static void add_list_runs(struct stp_bench *bench)
{
	static const char *const names[STP_ANCHOR_COUNT] = {
	    "few targets", "few targets and bins", "small bins", "large bins", "many targets"};
	const struct stp_bench_job *jobs[] = {&bench->model.first, &bench->model.nightly};
	char name[64];
	int i;
	int j;

	for (j = 0; j < 2; j++) {
		for (i = 0; i < STP_ANCHOR_COUNT; i++) {
			snprintf(name, sizeof(name), "%s%s", names[i], j ? ", again" : "");
			add_run(bench, name, &jobs[j]->anchors[i], NULL);
		}
	}
}

/* Nights that lie apart make every prediction of a night a range, and a noisy measure. */
static void set_range(struct stp_bench *bench, const struct range *range)
{
	struct stp_rate rate = {1 / range->median, (range->high - range->low) / range->median, 3};

	bench->model.nightly.low = bench->model.first.low = range->low / range->median;
	bench->model.nightly.high = bench->model.first.high = range->high / range->median;
	json_decref(stp_bench_rate(bench, &rate, "signing the same list again"));
}

static enum stp_errc measure_anchors(struct stp_bench *bench, struct list_runs *probe,
                                     struct stp_err *err)
{
	struct range range = {0, 0, 0};
	const struct large_runs *large;
	struct list_runs few;
	struct list_runs runs;

	STP_TRY(measure_list(bench, COUNT_FEW, BINS_MANY, &few, err));
	add_anchor(bench, STP_ANCHOR_FEW, &few, &range);
	STP_TRY(measure_list(bench, COUNT_FEW, BINS_FEW, &runs, err));
	add_anchor(bench, STP_ANCHOR_FEW_BINS, &runs, &range);
	STP_TRY(measure_list(bench, COUNT_PROBE, BINS_MANY, probe, err));
	STP_TRY(measure_list(bench, COUNT_SMALL, BINS_MANY, &runs, err));
	add_anchor(bench, STP_ANCHOR_SMALL, &runs, &range);
	large = choose_large(bench, &few, &runs);
	STP_TRY(measure_list(bench, large->large_targets, large->large_bins, &runs, err));
	add_anchor(bench, STP_ANCHOR_LARGE, &runs, &range);
	STP_TRY(measure_list(bench, large->many_targets, large->many_bins, &runs, err));
	add_anchor(bench, STP_ANCHOR_MANY, &runs, &range);
	set_range(bench, &range);
	return STP_OK;
}

static enum stp_errc measure_lists(struct stp_bench *bench, struct stp_err *err)
{
	struct list_runs probe;
	struct stp_bench_case of = {.bin_count = BINS_MANY,
	                            .target_count = COUNT_PROBE,
	                            .hash = STP_BENCH_SHA512,
	                            .from_list = 1,
	                            .is_first = 1};

	stp_bench_stage(bench, "sign lists");
	STP_TRY(measure_anchors(bench, &probe, err));
	bound_job(&bench->model.first);
	bound_job(&bench->model.nightly);
	add_list_runs(bench);
	add_run(bench, "list, between", &probe.first, &of);
	of.is_first = 0;
	add_run(bench, "list, between, again", &probe.nights[(probe.night_count - 1) / 2], &of);
	return STP_OK;
}

/* --- a tree ---------------------------------------------------------------------------------- */

/* What each entry costs in the hash stage besides hashing: comparing, and keeping the result. */
static void learn_tree(struct stp_bench *bench, const struct stp_bench_sign *first,
                       const struct stp_bench_sign *again)
{
	const struct stp_bench_cost *cost = &bench->model.hash[STP_BENCH_SHA512];
	double count = (double)first->target_count;
	double hashing = count * (cost->per_file + (double)TREE_FILE_BYTES * cost->per_byte);

	bench->model.compare_seconds = again->seconds.stage[STP_STAGE_HASH] / count;
	bench->model.tree_new_seconds = (first->seconds.stage[STP_STAGE_HASH] - hashing) / count;
	if (bench->model.tree_new_seconds < 0)
		bench->model.tree_new_seconds = 0;
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

	stp_scratch_retire(&bench->scratch, "repo");
	stp_scratch_retire(&bench->scratch, "tree");
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
