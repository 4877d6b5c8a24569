/* SPDX-License-Identifier: Apache-2.0 */
/* Files read from the page cache and hashed by the very stage that `sign` and `hash` run. */
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/storage.h"
#include "digest/stage.h"
#include "stampede/alg.h"

/* The sets, and the algorithm each is named after. */
static const struct {
	const char *name;
	enum stp_alg alg;
} sets[STP_BENCH_SETS] = {{"sha256", STP_ALG_SHA256}, {"sha512", STP_ALG_SHA512}};

/* A pass this long says more of hashing than of starting and of the last files, for which not every
 * worker has work; a share of the budget. */
#define PASS_SHARE 0.0045
#define ROUNDS_MAX 64

struct queue {
	const struct stp_bench_files *files;
	size_t rounds; /* how often each file is read in a pass */
	atomic_size_t next;
};

static int next_file(void *ctx, size_t worker, struct stp_record *out)
{
	struct queue *queue = ctx;
	size_t i = atomic_fetch_add_explicit(&queue->next, 1, memory_order_relaxed);

	(void)worker;
	if (i >= queue->files->count * queue->rounds)
		return 0;
	i %= queue->files->count;
	memset(out, 0, sizeof(*out));
	out->path = queue->files->items[i].path;
	out->path_bytes = (uint16_t)strlen(out->path);
	out->length = queue->files->items[i].bytes;
	out->flags = STP_RECORD_FILE;
	return 1;
}

static enum stp_errc take_file(void *ctx, size_t worker, const struct stp_record *record,
                               struct stp_err *err)
{
	(void)ctx, (void)worker, (void)record, (void)err;
	return STP_OK;
}

/* One pass, rounds times over files; *out_rate is files per second. */
static enum stp_errc hash_once(struct stp_bench *bench, const struct stp_bench_files *files,
                               unsigned hash_set, size_t rounds, double *out_rate,
                               struct stp_err *err)
{
	struct queue queue = {.files = files, .rounds = rounds};
	struct stp_fault_list faults;
	struct stp_hash_stage_options options = {
	    .root_fd = files->root_fd,
	    .hash_set = hash_set,
	    .jobs = bench->cpu_count,
	    .features = stp_cpu_features(),
	    .exact_length = 1,
	    .racy_after_ns = INT64_MAX,
	    .cancel = bench->cancel,
	    .faults = &faults,
	    .shown = bench->options->progress,
	};
	uint64_t started;
	enum stp_errc code;

	STP_TRY(stp_read_choose(STP_IO_MODE_AUTO, &options.io, err));
	stp_fault_list_init(&faults);
	started = stp_clock_monotonic_ns();
	code = stp_hash_stage_run(&options, next_file, take_file, &queue, err);
	*out_rate =
	    (double)(files->count * rounds) * 1e9 / (double)(stp_clock_monotonic_ns() - started);
	stp_fault_list_release(&faults);
	return code;
}

static enum stp_errc measure_set(struct stp_bench *bench, const struct stp_bench_files *files,
                                 unsigned hash_set, struct stp_rate *out, struct stp_err *err)
{
	double samples[STP_RATE_RUNS];
	double warm;
	size_t rounds;
	size_t i;

	STP_TRY(stp_bench_files_warm(files, bench->cancel, err));
	STP_TRY(hash_once(bench, files, hash_set, 1, &warm, err));
	rounds = (size_t)(stp_bench_share(bench, PASS_SHARE) * warm / (double)files->count) + 1;
	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	for (i = 0; i < STP_RATE_RUNS && (i == 0 || !stp_bench_late(bench)); i++)
		STP_TRY(hash_once(bench, files, hash_set, rounds, &samples[i], err));
	*out = stp_rate_of(samples, i);
	return STP_OK;
}

enum stp_errc stp_bench_hash(struct stp_bench *bench, const struct stp_bench_storage *storage,
                             struct stp_err *err)
{
	double large_mean = (double)storage->large.total_bytes / (double)storage->large.count;
	json_t *array = json_array();
	size_t i;

	stp_bench_stage(bench, "hash");
	stp_bench_set(bench, "hash", array);
	for (i = 0; i < STP_BENCH_SETS; i++) {
		unsigned set = STP_ALG_BIT(sets[i].alg);
		struct stp_rate small;
		struct stp_rate large;

		STP_TRY(measure_set(bench, &storage->small, set, &small, err));
		STP_TRY(measure_set(bench, &storage->large, set, &large, err));
		bench->model.hash[i] =
		    stp_bench_cost_of(storage, small.value, large.value * large_mean);
		large.value *= large_mean;
		json_array_append_new(
		    array,
		    json_pack(
		        "{s:s,s:o,s:o,s:o,s:o}", "hash", sets[i].name, "small_files_per_second",
		        stp_bench_rate(bench, &small, "hashing small files, %s", sets[i].name),
		        "large_bytes_per_second",
		        stp_bench_rate(bench, &large, "hashing large files, %s", sets[i].name),
		        "seconds_per_file", stp_real_json(bench->model.hash[i].per_file),
		        "seconds_per_byte", stp_real_json(bench->model.hash[i].per_byte)));
	}
	return STP_OK;
}
