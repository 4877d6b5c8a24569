/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb hash: walk, hash and sort at the same time, in bounded memory.
 *
 *	scanner ─▶ [filling] ─▶ [current, large first] ─▶ hash workers ─▶ digest runs ─▶ by path
 *	              ▲                │
 *	              └── free ◀── [old: files still being hashed]
 *
 * Three windows of entries go round. The scanner fills one and waits when none is free; the
 * workers take from the current one, and when it is used up the filling one is sorted by size and
 * takes its place. A window is free again when all of its files are done.
 */
#include "stampede/hash.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/sum.h"
#include "base/thread.h"
#include "digest/sorter.h"
#include "digest/stage.h"
#include "hash/hash.h"
#include "scan/tree.h"

#define STAGE             "hash"
#define WINDOW_COUNT      3
#define WINDOW_ENTRIES    32768
#define WINDOW_PATH_BYTES (4 * 1024 * 1024)
/* Entries that make a window worth taking before the scan is over. */
#define WINDOW_ENTRIES_MIN 512
/* Of all digest runs together; each has at least 1 MiB. */
#define RUN_BYTES     (16 * 1024 * 1024)
#define RUN_BYTES_MIN (1024 * 1024)
#define POLL_NS       50000000L

struct entry {
	uint64_t length;
	uint64_t ino;
	const char *path;
	uint32_t path_bytes;
};

struct window {
	struct entry *entries;
	char *paths;
	size_t count;
	size_t path_bytes_used;
	size_t taken;
	size_t unfinished; /* taken, not yet done or failed */
};

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
	struct stp_digest_run **runs; /* per worker */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t space;
	struct window windows[WINDOW_COUNT];
	struct window *filling; /* NULL: none is free */
	struct window *current;
	uint64_t found_count, found_bytes; /* by the scanner so far */
	int scan_is_over;
	int stage_is_over;
};

/* --- windows --------------------------------------------------------------------------------- */

static int window_is_used_up(const struct window *window)
{
	return window->taken == window->count;
}

static int window_is_full(const struct window *window)
{
	return window->count == WINDOW_ENTRIES ||
	       WINDOW_PATH_BYTES - window->path_bytes_used < STP_PATH_BYTES_MAX + 1;
}

/* Makes a finished window the filling one when there is none. */
static void find_filling_locked(struct hash_run *run)
{
	size_t i;

	for (i = 0; i < WINDOW_COUNT && !run->filling; i++) {
		struct window *window = &run->windows[i];

		if (window == run->current || !window_is_used_up(window) || window->unfinished)
			continue;
		window->count = 0;
		window->taken = 0;
		window->path_bytes_used = 0;
		run->filling = window;
		pthread_cond_broadcast(&run->space);
	}
}

/* Large files first. What fits one piece counts as equal and goes by inode number: file systems lay
 * small files out in about that order, so that neighbours on the disk are asked for together and
 * become one request (engine/decisions/0121-reading.md). */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	uint64_t x_pieces = x->length / STP_READ_PIECE_BYTES;
	uint64_t y_pieces = y->length / STP_READ_PIECE_BYTES;

	if (x_pieces != y_pieces)
		return x_pieces < y_pieces ? 1 : -1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* Replaces a used-up current window by the filling one, if that is worth it. */
static void turn_windows_locked(struct hash_run *run)
{
	struct window *window = run->filling;

	if (!window || window->count == 0)
		return;
	if (!run->scan_is_over && !window_is_full(window) && window->count < WINDOW_ENTRIES_MIN)
		return;
	qsort(window->entries, window->count, sizeof(*window->entries), compare_entries);
	run->current = window;
	run->filling = NULL;
	find_filling_locked(run);
}

static void add_entry_locked(struct hash_run *run, const struct stp_record *record)
{
	struct window *window = run->filling;
	struct entry *entry = &window->entries[window->count++];
	char *path = window->paths + window->path_bytes_used;

	memcpy(path, record->path, record->path_bytes);
	path[record->path_bytes] = '\0';
	window->path_bytes_used += record->path_bytes + 1u;
	entry->length = record->length;
	entry->ino = record->fingerprint.ino;
	entry->path = path;
	entry->path_bytes = record->path_bytes;
	run->found_count++;
	run->found_bytes = stp_sum_add(run->found_bytes, record->length);
}

/* Waits until a window has room for one more entry. */
static enum stp_errc wait_for_space_locked(struct hash_run *run, struct stp_err *err)
{
	while (!run->filling || window_is_full(run->filling)) {
		struct timespec until;

		if (stp_cancelled(run->cancel) || run->stage_is_over)
			return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += POLL_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&run->space, &run->lock, &until);
	}
	return STP_OK;
}

/* --- the scanner ----------------------------------------------------------------------------- */

static enum stp_errc take_entries(void *ctx, size_t worker_index, const struct stp_record *records,
                                  size_t count, struct stp_err *err)
{
	struct hash_run *run = ctx;
	enum stp_errc code = STP_OK;
	size_t i;

	(void)worker_index;
	pthread_mutex_lock(&run->lock);
	for (i = 0; i < count && code == STP_OK; i++) {
		code = wait_for_space_locked(run, err);
		if (code == STP_OK)
			add_entry_locked(run, &records[i]);
	}
	pthread_mutex_unlock(&run->lock);
	return code;
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
	code = stp_tree_walk(fd, &options, take_entries, run, err);
	close(fd);
	return code;
}

static enum stp_errc scan_path(struct hash_run *run, const char *path, struct stp_err *err)
{
	size_t path_bytes = strlen(path);
	struct stp_record record = {.path = path, .path_bytes = (uint16_t)path_bytes};
	struct stat st;

	if (path_bytes == 0 || path_bytes > STP_PATH_BYTES_MAX - 2)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "is no path, or one too long");
	if (stat(path, &st) != 0) {
		stp_fault_add(&run->faults, STP_IO, errno, STAGE, path, path_bytes, "cannot stat");
		return STP_OK;
	}
	if (S_ISDIR(st.st_mode))
		return scan_folder(run, path, err);
	if (!S_ISREG(st.st_mode)) {
		stp_fault_add(&run->faults, STP_FORMAT, 0, STAGE, path, path_bytes,
		              "is no regular file or folder");
		return STP_OK;
	}
	record.length = (uint64_t)st.st_size;
	return take_entries(run, 0, &record, 1, err);
}

static enum stp_errc scan_all(struct hash_run *run, struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	size_t i;

	for (i = 0; i < run->options->path_count && code == STP_OK; i++)
		code = scan_path(run, run->options->paths[i], err);
	pthread_mutex_lock(&run->lock);
	run->scan_is_over = 1;
	stp_progress_part(run->options->progress, 0, 1, run->found_count, run->found_bytes);
	pthread_mutex_unlock(&run->lock);
	return code;
}

/* --- the hash stage -------------------------------------------------------------------------- */

static int next_file(void *ctx, size_t worker_index, struct stp_record *out)
{
	struct hash_run *run = ctx;
	int given = STP_HASH_NEXT_LATER;

	(void)worker_index;
	pthread_mutex_lock(&run->lock);
	if (window_is_used_up(run->current))
		turn_windows_locked(run);
	if (!window_is_used_up(run->current)) {
		const struct entry *entry = &run->current->entries[run->current->taken++];

		run->current->unfinished++;
		memset(out, 0, sizeof(*out));
		out->path = entry->path;
		out->path_bytes = (uint16_t)entry->path_bytes;
		out->length = entry->length;
		out->origin = (uint64_t)(run->current - run->windows);
		given = STP_HASH_NEXT_FILE;
	} else if (run->scan_is_over && (!run->filling || run->filling->count == 0)) {
		given = STP_HASH_NEXT_END;
	}
	pthread_mutex_unlock(&run->lock);
	return given;
}

static void file_is_over(struct hash_run *run, const struct stp_record *record)
{
	struct window *window = &run->windows[record->origin];

	pthread_mutex_lock(&run->lock);
	window->unfinished--;
	if (window->unfinished == 0)
		find_filling_locked(run);
	pthread_mutex_unlock(&run->lock);
}

static void file_failed(void *ctx, size_t worker_index, const struct stp_record *record)
{
	(void)worker_index;
	file_is_over(ctx, record);
}

static enum stp_errc file_done(void *ctx, size_t worker_index, const struct stp_record *record,
                               struct stp_err *err)
{
	struct hash_run *run = ctx;
	struct stp_digest_line line = {
	    .path = record->path,
	    .path_bytes = record->path_bytes,
	    .digests = record->digests,
	    .length = record->length,
	};
	enum stp_errc code = stp_digest_run_add(run->runs[worker_index], &line, err);

	file_is_over(run, record);
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

	pthread_mutex_lock(&run->lock);
	run->stage_is_over = 1;
	pthread_cond_broadcast(&run->space);
	pthread_mutex_unlock(&run->lock);
	return code;
}

static enum stp_errc run_side(void *ctx, size_t index, struct stp_err *err)
{
	return index == 0 ? hash_all(ctx, err) : scan_all(ctx, err);
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum stp_errc init_windows(struct hash_run *run, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < WINDOW_COUNT; i++) {
		struct window *window = &run->windows[i];

		window->entries = malloc(WINDOW_ENTRIES * sizeof(*window->entries));
		window->paths = malloc(WINDOW_PATH_BYTES);
		if (!window->entries || !window->paths)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a window");
	}
	run->current = &run->windows[0];
	run->filling = &run->windows[1];
	return STP_OK;
}

static enum stp_errc init_runs(struct hash_run *run, struct stp_err *err)
{
	size_t budget_bytes = RUN_BYTES / run->worker_count;
	size_t digest_bytes = stp_alg_set_digest_bytes(run->options->hash_set);
	size_t i;

	if (budget_bytes < RUN_BYTES_MIN)
		budget_bytes = RUN_BYTES_MIN;
	run->runs = calloc(run->worker_count, sizeof(struct stp_digest_run *));
	if (!run->runs)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	for (i = 0; i < run->worker_count; i++)
		STP_TRY(stp_digest_run_create(digest_bytes, budget_bytes, &run->runs[i], err));
	return STP_OK;
}

static void init_run(struct hash_run *run, const struct stp_hash_options *options)
{
	pthread_condattr_t attr;

	run->options = options;
	run->cancel = options->cancel ? options->cancel : &run->own_cancel;
	run->jobs = options->jobs;
	run->worker_count = run->jobs ? run->jobs : 1;
	run->features = run->jobs ? stp_cpu_features() : 0;
	stp_fault_list_init(&run->faults);
	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&run->space, &attr);
	pthread_condattr_destroy(&attr);
}

static void release_run(struct hash_run *run)
{
	size_t i;

	for (i = 0; i < WINDOW_COUNT; i++) {
		free(run->windows[i].entries);
		free(run->windows[i].paths);
	}
	for (i = 0; run->runs && i < run->worker_count; i++)
		stp_digest_run_destroy(run->runs[i]);
	free(run->runs);
	stp_fault_list_release(&run->faults);
	pthread_cond_destroy(&run->space);
	pthread_mutex_destroy(&run->lock);
}

static enum stp_errc give_line(void *ctx, const struct stp_digest_line *line, struct stp_err *err)
{
	const struct stp_hash_options *options = ctx;
	struct stp_hash_file out = {line->path, line->path_bytes, line->length, line->digests};

	enum stp_errc code =
	    options->on_file ? options->on_file(options->on_file_ctx, &out, err) : STP_OK;

	if (code != STP_OK) /* which need not have set err */
		return STP_FAIL(err, code, STAGE, NULL, "the program that asked for it ended it");
	return STP_OK;
}

/* Copies the sorted faults into one block behind the report. */
static enum stp_errc report_faults(struct hash_run *run, struct stp_hash_report *report,
                                   struct stp_err *err)
{
	struct stp_fault_list *list = &run->faults;
	size_t bytes = 1; /* never an empty block */
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
	STP_TRY(init_windows(run, err));
	STP_TRY(init_runs(run, err));
	stp_progress_stage(run->options->progress, "hash", 0, 0);
	STP_TRY(stp_workers_run(2, "hash-run", run_side, run, run->cancel, err));
	hashed_ns = stp_clock_monotonic_ns();
	STP_TRY(stp_digest_run_merge(run->runs, run->worker_count, give_line,
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
