/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records sorted in memory, and sorted with too little memory: the difference is what spilling
 * costs, which large indexes pay and small runs do not show.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/corpus.h"
#include "bench/whole.h"
#include "ledger/merge.h"
#include "ledger/run.h"
#include "record/key.h"
#include "stampede/alg.h"

#define RECORD_COUNT 200000
#define LARGE_BUDGET ((size_t)512 << 20)
/* A dozen runs, as 20 million records make within the budget of a run. */
#define SMALL_BUDGET ((size_t)6 << 20)

typedef char corpus_path[STP_CORPUS_PATH_BYTES];

static enum stp_errc add_records(struct stp_run_builder *builder, const corpus_path *paths,
                                 struct stp_err *err)
{
	uint8_t digests[64];
	uint64_t i;

	stp_corpus_noise(1, digests, sizeof(digests));
	for (i = 0; i < RECORD_COUNT; i++) {
		struct stp_record record = {
		    .length = i,
		    .digests = digests,
		    .path = paths[i],
		    .path_bytes = (uint16_t)strlen(paths[i]),
		    .flags = STP_RECORD_DIGESTS | STP_RECORD_LISTED,
		    .origin = i + 1,
		};

		/* Noise stands for the path's hash: the sort sees the same. */
		stp_corpus_noise(i, record.key, sizeof(record.key));
		STP_TRY(stp_run_add(builder, &record, err));
	}
	return STP_OK;
}

static enum stp_errc merge_all(const struct stp_sources *sources, struct stp_err *err)
{
	struct stp_key_range range = stp_key_range_all();
	struct stp_merge_group group;
	struct stp_merge *merge;
	enum stp_errc code;

	STP_TRY(stp_merge_create(sources, &merge, err));
	code = stp_merge_seek(merge, &range, err);
	do {
		if (code == STP_OK)
			code = stp_merge_next(merge, &group, err);
	} while (code == STP_OK && group.key);
	stp_merge_destroy(merge);
	return code;
}

/* Adds, sorts and merges once on one thread. */
static enum stp_errc sort_once(struct stp_bench *bench, const corpus_path *paths,
                               size_t budget_bytes, double *out_seconds, uint64_t *out_spills,
                               struct stp_err *err)
{
	struct stp_run_options options = {
	    .spill_fd = bench->scratch.fd,
	    .hash_set = STP_ALG_BIT(STP_ALG_SHA512),
	    .budget_bytes = budget_bytes,
	    .cancel = bench->cancel,
	};
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_run_builder *builder;
	uint64_t started = stp_clock_monotonic_ns();
	enum stp_errc code;

	STP_TRY(stp_run_create(&options, &builder, err));
	code = add_records(builder, paths, err);
	if (code == STP_OK)
		code = stp_run_finish(builder, &sources, err);
	*out_spills = stp_run_spill_count(builder);
	if (code == STP_OK)
		code = merge_all(&sources, err);
	stp_run_destroy(builder);
	stp_sources_release(&sources);
	*out_seconds = (double)(stp_clock_monotonic_ns() - started) / 1e9;
	return code;
}

/* Median of three. */
static enum stp_errc sort_rate(struct stp_bench *bench, const corpus_path *paths,
                               size_t budget_bytes, struct stp_rate *out, uint64_t *out_spills,
                               struct stp_err *err)
{
	double rates[3];
	size_t i;

	for (i = 0; i < 3 && (i == 0 || !stp_bench_late(bench)); i++) {
		double seconds;

		STP_TRY(sort_once(bench, paths, budget_bytes, &seconds, out_spills, err));
		rates[i] = RECORD_COUNT / seconds;
	}
	*out = stp_rate_of(rates, i);
	return STP_OK;
}

static enum stp_errc measure(struct stp_bench *bench, const corpus_path *paths, struct stp_err *err)
{
	struct stp_rate memory;
	struct stp_rate spilled;
	uint64_t spills;
	double record_bytes;

	STP_TRY(sort_rate(bench, paths, LARGE_BUDGET, &memory, &spills, err));
	STP_TRY(sort_rate(bench, paths, SMALL_BUDGET, &spilled, &spills, err));
	record_bytes = (double)(spills + 1) * (double)SMALL_BUDGET / RECORD_COUNT;
	bench->model.memory_records = floor((double)STP_SIGN_COLLECT_BYTES / record_bytes);
	bench->model.spill_seconds =
	    (1 / spilled.value - 1 / memory.value) / (double)bench->cpu_count;
	if (bench->model.spill_seconds < 0)
		bench->model.spill_seconds = 0;
	stp_bench_set(bench, "sorting",
	              json_pack("{s:o,s:o,s:I}", "memory_records_per_second_core",
	                        stp_bench_rate(bench, &memory, "sorting records"),
	                        "spilled_records_per_second_core",
	                        stp_bench_rate(bench, &spilled, "sorting records that spill"),
	                        "records_in_memory", (json_int_t)bench->model.memory_records));
	return STP_OK;
}

enum stp_errc stp_bench_sorting(struct stp_bench *bench, struct stp_err *err)
{
	corpus_path *paths = malloc(RECORD_COUNT * sizeof(*paths));
	enum stp_errc code;
	size_t i;

	stp_bench_stage(bench, "sorting");
	if (!paths)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for paths");
	for (i = 0; i < RECORD_COUNT; i++)
		stp_corpus_path(i, paths[i]);
	code = measure(bench, paths, err);
	free(paths);
	return code;
}
