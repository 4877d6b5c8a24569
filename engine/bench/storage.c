/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/storage.h"

#include <stdio.h>

#include "bench/bench.h"

/* What the sets hold when they are made: 128 MB and 256 MB, enough for a tenth of a second at
 * 3 GB/s. */
#define SMALL_COUNT 8000
#define SMALL_BYTES ((uint64_t)16 << 10)
#define LARGE_COUNT 128
#define LARGE_BYTES ((uint64_t)2 << 20)
/* Below these a sample of --dir says more about starting than about reading. */
#define SAMPLE_SMALL_COUNT_MIN 500
#define SAMPLE_LARGE_BYTES_MIN ((uint64_t)64 << 20)
/* Scratch space the made sets and the write measurement need. */
#define FREE_BYTES_MIN ((uint64_t)1 << 30)

/* Replaces a sampled set that is too small by a made one. */
static enum stp_errc complete_sets(struct stp_bench *bench, struct stp_bench_storage *storage,
                                   struct stp_err *err)
{
	int small_missing = storage->small.count < SAMPLE_SMALL_COUNT_MIN;
	int large_missing = storage->large.total_bytes < SAMPLE_LARGE_BYTES_MIN;

	if (bench->options->dir && small_missing)
		stp_bench_note(bench,
		               "the folder has too few files of up to 64 KiB (%zu, %d are needed): "
		               "made-up files were read instead",
		               storage->small.count, SAMPLE_SMALL_COUNT_MIN);
	if (bench->options->dir && large_missing)
		stp_bench_note(bench,
		               "the folder has too few files of 1 MiB and more (%llu MB, 67 MB are "
		               "needed): made-up files were read instead",
		               (unsigned long long)(storage->large.total_bytes / 1000000));
	stp_bench_stage(bench, "files");
	if (small_missing) {
		stp_bench_files_release(&storage->small);
		STP_TRY(stp_bench_files_make(&storage->small, &bench->scratch, "small", SMALL_COUNT,
		                             SMALL_BYTES, bench->cancel, err));
	}
	if (large_missing) {
		stp_bench_files_release(&storage->large);
		STP_TRY(stp_bench_files_make(&storage->large, &bench->scratch, "large", LARGE_COUNT,
		                             LARGE_BYTES, bench->cancel, err));
	}
	return STP_OK;
}

static enum stp_errc measure(struct stp_bench *bench, struct stp_bench_storage *storage,
                             struct stp_err *err)
{
	STP_TRY(stp_bench_scan(bench, storage, err));
	STP_TRY(complete_sets(bench, storage, err));
	STP_TRY(stp_bench_read(bench, storage, err));
	return stp_bench_hash(bench, storage, err);
}

enum stp_errc stp_bench_storage(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_bench_storage storage = {.is_sampled = 0};
	enum stp_errc code;

	if (bench->scratch.free_bytes < FREE_BYTES_MIN)
		return STP_FAIL(stp_hinted(err, STP_HINT_WORK), STP_CONFIG, "bench",
		                bench->scratch.path,
		                "has less than 1 GB free; name another folder with %s",
		                stp_hint_text(STP_HINT_WORK));
	stp_bench_files_init(&storage.small);
	stp_bench_files_init(&storage.large);
	code = measure(bench, &storage, err);
	stp_bench_files_release(&storage.small);
	stp_bench_files_release(&storage.large);
	stp_scratch_retire(&bench->scratch, "small");
	stp_scratch_retire(&bench->scratch, "large");
	if (code == STP_OK)
		code = stp_bench_durable(bench, err);
	return code;
}
