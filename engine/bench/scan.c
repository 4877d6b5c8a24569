/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/corpus.h"
#include "bench/storage.h"
#include "scan/tree.h"

/* A made tree to walk, and how much of an operator's folder is looked at. */
#define MADE_COUNT         20000
#define SAMPLE_SMALL_COUNT ((size_t)8000)
#define SAMPLE_LARGE_BYTES ((uint64_t)512 << 20)
#define SCAN_COUNT_MIN     1000

struct walk {
	struct stp_bench *bench;
	struct stp_bench_storage *storage; /* NULL: files are only counted */
	pthread_mutex_t lock;
	struct stp_cancel enough; /* the walk took its time: what was seen will do */
	uint64_t deadline_ns;
	uint64_t entries;
};

/* Adds files to the sets until these are full. Called with the lock held. */
static enum stp_errc sample(struct walk *walk, const struct stp_record *record, struct stp_err *err)
{
	struct stp_bench_storage *storage = walk->storage;

	if (record->length <= STP_BENCH_SMALL_BYTES_MAX && record->length > 0 &&
	    storage->small.count < SAMPLE_SMALL_COUNT)
		return stp_bench_files_add(&storage->small, record->path, record->path_bytes,
		                           record->length, err);
	if (record->length >= STP_BENCH_LARGE_BYTES_MIN &&
	    storage->large.total_bytes + record->length <= SAMPLE_LARGE_BYTES)
		return stp_bench_files_add(&storage->large, record->path, record->path_bytes,
		                           record->length, err);
	return STP_OK;
}

static enum stp_errc take_entries(void *ctx, size_t worker, const struct stp_record *records,
                                  size_t count, struct stp_err *err)
{
	struct walk *walk = ctx;
	enum stp_errc code = STP_OK;
	size_t i;

	(void)worker;
	pthread_mutex_lock(&walk->lock);
	walk->entries += count;
	for (i = 0; walk->storage && i < count && code == STP_OK; i++)
		code = sample(walk, &records[i], err);
	pthread_mutex_unlock(&walk->lock);
	if (stp_clock_monotonic_ns() > walk->deadline_ns || stp_cancelled(walk->bench->cancel))
		stp_cancel_set(&walk->enough);
	return code;
}

/* One walk of root_fd, for a tenth of the budget at most; *out_rate is entries per second. */
static enum stp_errc walk_once(struct stp_bench *bench, int root_fd,
                               struct stp_bench_storage *sample_into, double *out_rate,
                               uint64_t *out_entries, struct stp_err *err)
{
	struct walk walk = {.bench = bench, .storage = sample_into};
	struct stp_fault_list faults;
	struct stp_tree_options options = {
	    .threads = stp_tree_thread_count(bench->cpu_count),
	    .racy_after_ns = INT64_MAX,
	    .cancel = &walk.enough,
	    .faults = &faults,
	};
	struct stp_err walk_err = STP_ERR_INIT;
	uint64_t started = stp_clock_monotonic_ns();
	enum stp_errc code;

	walk.deadline_ns = started + (uint64_t)(stp_bench_share(bench, 0.08) * 1e9);
	pthread_mutex_init(&walk.lock, NULL);
	stp_fault_list_init(&faults);
	code = stp_tree_walk(root_fd, &options, take_entries, &walk, &walk_err);
	*out_rate = (double)walk.entries * 1e9 / (double)(stp_clock_monotonic_ns() - started);
	*out_entries = walk.entries;
	stp_fault_list_release(&faults);
	pthread_mutex_destroy(&walk.lock);
	if (stp_cancelled(bench->cancel))
		return STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
	if (code == STP_CANCELLED)
		return STP_OK;
	stp_err_merge(err, &walk_err);
	return code;
}

/* Walks several times; cold ones forget folders and inodes before each. */
static enum stp_errc measure_walks(struct stp_bench *bench, int root_fd, int is_cold,
                                   struct stp_rate *out, struct stp_err *err)
{
	double samples[STP_RATE_RUNS];
	uint64_t until = stp_clock_monotonic_ns() + (uint64_t)(stp_bench_share(bench, 0.04) * 1e9);
	uint64_t entries;
	size_t count = 0;

	do {
		if (is_cold)
			stp_bench_drop_inodes();
		STP_TRY(walk_once(bench, root_fd, NULL, &samples[count], &entries, err));
		count++;
	} while (count < STP_RATE_RUNS &&
	         ((count < 3 && !stp_bench_late(bench)) || stp_clock_monotonic_ns() < until));
	*out = stp_rate_of(samples, count);
	return STP_OK;
}

static enum stp_errc measure(struct stp_bench *bench, int root_fd,
                             struct stp_bench_storage *storage, struct stp_err *err)
{
	struct stp_rate hot;
	struct stp_rate cold = {0, 0, 0};
	uint64_t entries;
	double first;

	STP_TRY(
	    walk_once(bench, root_fd, bench->options->dir ? storage : NULL, &first, &entries, err));
	if (entries < SCAN_COUNT_MIN)
		stp_bench_note(bench,
		               "the folder has only %llu files: its scan rate says little about "
		               "large trees",
		               (unsigned long long)entries);
	STP_TRY(measure_walks(bench, root_fd, 0, &hot, err));
	storage->inodes_dropped = stp_bench_drop_inodes();
	if (storage->inodes_dropped)
		STP_TRY(measure_walks(bench, root_fd, 1, &cold, err));
	else
		stp_bench_note(bench,
		               "folders and inodes stayed cached (only root can drop them): cold "
		               "scans are not measured, and cold reads open files from memory");
	bench->model.scan_hot_per_second = hot.value;
	bench->model.scan_cold_per_second = cold.value;
	stp_bench_set(
	    bench, "scan",
	    json_pack("{s:I,s:o,s:o}", "files", (json_int_t)entries, "hot_files_per_second",
	              stp_bench_rate(bench, &hot, "scanning, hot"), "cold_files_per_second",
	              stp_bench_rate(bench, &cold, "scanning, cold")));
	return STP_OK;
}

enum stp_errc stp_bench_scan(struct stp_bench *bench, struct stp_bench_storage *storage,
                             struct stp_err *err)
{
	const char *dir = bench->options->dir;
	int root_fd = -1;
	enum stp_errc code;

	stp_bench_stage(bench, "scan");
	if (dir) {
		STP_TRY(stp_folder_open(AT_FDCWD, dir, "bench", &root_fd, err));
		storage->is_sampled = 1;
		storage->small.root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
		storage->large.root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
		code = measure(bench, root_fd, storage, err);
	} else {
		STP_TRY(stp_folder_make(bench->scratch.fd, "scan", 0700, "bench", &root_fd, err));
		code = stp_corpus_write_tree(root_fd, 0, MADE_COUNT, 0, bench->cancel, err);
		if (code == STP_OK && syncfs(root_fd) != 0)
			code = STP_FAIL_SYS(err, "bench", "scan", "cannot make files durable");
		if (code == STP_OK)
			code = measure(bench, root_fd, storage, err);
	}
	stp_fd_close(&root_fd);
	stp_scratch_retire(&bench->scratch, "scan");
	return code;
}
