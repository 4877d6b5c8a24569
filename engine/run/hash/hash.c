/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `hash`: walk, hash and sort at the same time, in bounded memory.
 *
 *	scanner ─▶ stream (digest/stream.h) ─▶ hash workers ─▶ sorters ─▶ by path
 */
#include "stampede/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/thread.h"
#include "digest/stage.h"
#include "digest/stream.h"
#include "hash/hash.h"
#include "run/hash/lines.h"
#include "scan/tree.h"

#define STAGE            "hash"
#define WINDOW_ITEMS     32768
#define WINDOW_ITEMS_MIN 512 /* more is no faster (engine/decisions/0121-reading.md) */
#define WINDOW_BYTES     (5 * 1024 * 1024)
/* Of all sorters together; each has at least 1 MiB. */
#define SORTER_BYTES     (16 * 1024 * 1024)
#define SORTER_BYTES_MIN (1024 * 1024)

struct hash_run {
	const struct stp_hash_options *options;
	struct stp_cancel *cancel;
	struct stp_cancel own_cancel;
	struct stp_fault_list faults;
	struct stp_tree_progress scanned;
	struct stp_hash_progress hashed;
	struct stp_read_choice io;
	size_t jobs;
	size_t worker_count;
	unsigned features;
	size_t digest_bytes;
	struct stp_sorter **sorters; /* per worker */
	struct stp_digest_stream *stream;
};

/* --- the scanner ----------------------------------------------------------------------------- */

static enum stp_errc add_entries(void *ctx, size_t worker_index, const struct stp_record *records,
                                 size_t count, struct stp_err *err)
{
	const struct hash_run *run = ctx;

	(void)worker_index;
	return stp_digest_stream_put(run->stream, records, count, err);
}

static enum stp_errc scan_folder(struct hash_run *run, const char *path, struct stp_err *err)
{
	char prefix[STP_PATH_BYTES_MAX + 2];
	size_t path_bytes = strlen(path);
	struct stp_tree_options options = {
	    .threads = stp_tree_thread_count(run->jobs),
	    .flags = STP_TREE_ANY_NAME | STP_TREE_SKIP_LINKS | STP_TREE_CROSS | STP_TREE_NO_KEYS,
	    .racy_after_ns = INT64_MAX,
	    .prefix = prefix,
	    .cancel = run->cancel,
	    .faults = &run->faults,
	    .progress = &run->scanned,
	};
	enum stp_errc code;
	int fd;

	memcpy(prefix, path, path_bytes + 1);
	if (prefix[path_bytes - 1] != '/')
		memcpy(prefix + path_bytes, "/", 2);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		stp_fault_add(&run->faults, STP_IO, errno, STAGE, path, path_bytes,
		              "cannot read the folder");
		return STP_OK;
	}
	code = stp_tree_walk(fd, &options, add_entries, run, err);
	close(fd);
	return code;
}

static enum stp_errc scan_path(struct hash_run *run, const char *path, struct stp_err *err)
{
	size_t path_bytes = strlen(path);
	struct stp_record record = {.path = path, .path_bytes = (uint16_t)path_bytes};
	struct stat st;

	if (path_bytes == 0 || path_bytes > STP_PATH_BYTES_MAX - 2)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "is not a path, or is too long");
	if (stat(path, &st) != 0) {
		stp_fault_add(&run->faults, STP_IO, errno, STAGE, path, path_bytes, "cannot stat");
		return STP_OK;
	}
	if (S_ISDIR(st.st_mode))
		return scan_folder(run, path, err);
	if (!S_ISREG(st.st_mode)) {
		stp_fault_add(&run->faults, STP_FORMAT, 0, STAGE, path, path_bytes,
		              "is not a regular file or folder");
		return STP_OK;
	}
	record.length = (uint64_t)st.st_size;
	return add_entries(run, 0, &record, 1, err);
}

static enum stp_errc scan_all(struct hash_run *run, struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	uint64_t count;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < run->options->path_count && code == STP_OK; i++)
		code = scan_path(run, run->options->paths[i], err);
	stp_digest_stream_end(run->stream, &count, &bytes);
	stp_progress_part(run->options->progress, 0, 1, count, bytes);
	return code;
}

/* --- the hash stage -------------------------------------------------------------------------- */

static int next_file(void *ctx, size_t worker_index, struct stp_record *out)
{
	const struct hash_run *run = ctx;

	return stp_digest_stream_next(run->stream, worker_index, out);
}

static void file_failed(void *ctx, size_t worker_index, const struct stp_record *record)
{
	const struct hash_run *run = ctx;

	(void)worker_index;
	stp_digest_stream_over(run->stream, record);
}

static enum stp_errc file_done(void *ctx, size_t worker_index, const struct stp_record *record,
                               struct stp_err *err)
{
	struct hash_run *run = ctx;
	struct stp_hash_file line = {
	    .path = record->path,
	    .path_bytes = record->path_bytes,
	    .digests = record->digests,
	    .length = record->length,
	};
	enum stp_errc code =
	    stp_hash_lines_add(run->sorters[worker_index], &line, run->digest_bytes, err);

	stp_digest_stream_over(run->stream, record);
	return code;
}

static enum stp_errc hash_all(struct hash_run *run, struct stp_err *err)
{
	struct stp_hash_stage_options options = {
	    .root_fd = AT_FDCWD,
	    .hash_set = run->options->hash_set,
	    .jobs = run->jobs,
	    .features = run->features,
	    .io = run->io,
	    .racy_after_ns = INT64_MAX,
	    .cancel = run->cancel,
	    .faults = &run->faults,
	    .progress = &run->hashed,
	    .shown = run->options->progress,
	    .failed = file_failed,
	};
	enum stp_errc code = stp_hash_stage_run(&options, next_file, file_done, run, err);

	struct stp_err stream_err = STP_ERR_INIT;

	if (stp_digest_stream_stop(run->stream, &stream_err) != STP_OK && code == STP_OK) {
		stp_err_merge(err, &stream_err);
		code = stream_err.code;
	}
	return code;
}

static enum stp_errc run_side(void *ctx, size_t index, struct stp_err *err)
{
	return index == 0 ? hash_all(ctx, err) : scan_all(ctx, err);
}

/* --- the command ----------------------------------------------------------------------------- */

static enum stp_errc init_stream(struct hash_run *run, struct stp_err *err)
{
	struct stp_digest_stream_options options = {
	    .worker_count = run->worker_count,
	    .items_max = WINDOW_ITEMS,
	    .items_min = WINDOW_ITEMS_MIN,
	    .bytes_max = WINDOW_BYTES,
	    .cancel = run->cancel,
	};

	return stp_digest_stream_create(&options, &run->stream, err);
}

static enum stp_errc init_sorters(struct hash_run *run, struct stp_err *err)
{
	size_t budget_bytes = SORTER_BYTES / run->worker_count;
	size_t i;

	if (budget_bytes < SORTER_BYTES_MIN)
		budget_bytes = SORTER_BYTES_MIN;
	run->sorters = calloc(run->worker_count, sizeof(struct stp_sorter *));
	if (!run->sorters)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	for (i = 0; i < run->worker_count; i++)
		STP_TRY(
		    stp_sorter_create(budget_bytes, stp_hash_lines_compare, &run->sorters[i], err));
	return STP_OK;
}

static void init_run(struct hash_run *run, const struct stp_hash_options *options)
{
	run->options = options;
	run->digest_bytes = stp_alg_set_digest_bytes(options->hash_set);
	run->cancel = options->cancel ? options->cancel : &run->own_cancel;
	run->jobs = options->jobs;
	run->worker_count = run->jobs ? run->jobs : 1;
	run->features = run->jobs ? stp_cpu_features() : 0;
	stp_fault_list_init(&run->faults);
}

static void release_run(struct hash_run *run)
{
	size_t i;

	stp_digest_stream_destroy(run->stream);
	for (i = 0; run->sorters && i < run->worker_count; i++)
		stp_sorter_destroy(run->sorters[i]);
	free(run->sorters);
	stp_fault_list_release(&run->faults);
}

static enum stp_errc give_line(void *ctx, const uint8_t *record, struct stp_err *err)
{
	const struct stp_hash_options *options = ctx;
	struct stp_hash_file out = stp_hash_lines_get(record);

	enum stp_errc code =
	    options->on_file ? options->on_file(options->on_file_ctx, &out, err) : STP_OK;

	if (code != STP_OK) /* the callback need not have set err */
		return STP_FAIL(err, code, STAGE, NULL, "the calling program ended it");
	return STP_OK;
}

/* Copies the sorted faults into one block owned by the report. */
static enum stp_errc report_faults(struct hash_run *run, struct stp_hash_report *report,
                                   struct stp_err *err)
{
	struct stp_fault_list *list = &run->faults;
	size_t bytes = 1; /* never zero bytes */
	size_t i;
	char *at;

	report->fault_total = list->total;
	if (list->count == 0)
		return STP_OK;
	stp_fault_list_sort(list);
	for (i = 0; i < list->count; i++)
		bytes += sizeof(struct stp_hash_fault) + strlen(list->items[i].subject) +
		         strlen(list->items[i].text) + 2;
	report->owned = malloc(bytes);
	if (!report->owned)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the faults");
	report->faults = report->owned;
	report->fault_count = list->count;
	at = (char *)(report->faults + list->count);
	for (i = 0; i < list->count; i++) {
		report->faults[i].path = at;
		at = stpcpy(at, list->items[i].subject) + 1;
		report->faults[i].text = at;
		at = stpcpy(at, list->items[i].text) + 1;
	}
	return STP_OK;
}

static void report_numbers(const struct hash_run *run, struct stp_hash_report *report)
{
	int alg;

	report->files = atomic_load(&run->hashed.files);
	report->bytes = atomic_load(&run->hashed.bytes);
	report->left_out = atomic_load(&run->scanned.left_out);
	report->io_backend = run->jobs ? stp_read_choice_name(&run->io) : "serial";
	memcpy(report->io_why, run->io.why, sizeof(report->io_why));
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (run->options->hash_set & STP_ALG_BIT(alg))
			report->kernels[alg] =
			    stp_hash_kernel_name((enum stp_alg)alg, run->features);
	}
}

static enum stp_errc run_all(struct hash_run *run, struct stp_hash_report *report,
                             struct stp_err *err)
{
	uint64_t started_ns = stp_clock_monotonic_ns();
	uint64_t hashed_ns;

	STP_TRY(stp_read_choose(run->options->io, &run->io, err));
	STP_TRY(init_stream(run, err));
	STP_TRY(init_sorters(run, err));
	stp_progress_stage(run->options->progress, "hash", 0, 0);
	STP_TRY(stp_workers_run(2, "hash-run", run_side, run, run->cancel, err));
	hashed_ns = stp_clock_monotonic_ns();
	STP_TRY(stp_sorter_merge(run->sorters, run->worker_count, give_line,
	                         (void *)(uintptr_t)run->options, err));
	report->seconds_scan_and_hash = (double)(hashed_ns - started_ns) / 1e9;
	report->seconds_sort = (double)(stp_clock_monotonic_ns() - hashed_ns) / 1e9;
	report_numbers(run, report);
	return report_faults(run, report, err);
}

enum stp_errc stp_hash_files(const struct stp_hash_options *options,
                             struct stp_hash_report *out_report, struct stp_err *err)
{
	struct stp_hash_report report = {0};
	struct stp_hash_options mine;
	struct hash_run *run;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, on_file_ctx, STAGE, err));
	mine.jobs = stp_options_jobs(mine.jobs);
	if (!mine.hash_set)
		mine.hash_set = STP_ALG_BIT(STP_ALG_SHA512);
	if (mine.hash_set >= STP_ALG_BIT(STP_ALG_COUNT))
		return STP_FAIL(err, STP_CONFIG, STAGE, "hash_set", "has an unknown algorithm");
	run = calloc(1, sizeof(*run));
	if (!run)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	init_run(run, &mine);
	code = run_all(run, &report, err);
	release_run(run);
	free(run);
	if (code == STP_OK)
		*out_report = report;
	else
		stp_hash_report_release(&report);
	return code;
}

void stp_hash_report_release(struct stp_hash_report *report)
{
	free(report->owned);
	memset(report, 0, sizeof(*report));
}
