/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading without hashing: what the storage and the page cache give.
 *
 * A pass reads every file of a set once, shared by all workers through one counter. Before a cold
 * pass the set's pages are dropped, and a sample of them is asked whether that worked: a kernel may
 * refuse (pages still dirty or mapped), and a rate from memory must not pass for the disk's.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "bench/latency.h"
#include "bench/storage.h"
#include "read/reader.h"

#define COLD_RESIDENT_MAX 0.02
#define LATENCY_FILES     2000
#define LATENCY_BYTES     ((size_t)64 << 10)

struct pass {
	struct stp_bench *bench;
	const struct stp_bench_files *files;
	struct stp_read_choice choice;
	size_t depth; /* files in flight per worker */
	atomic_size_t next;
	atomic_uint_fast64_t faults;
};

/* Submits files while there is room; drains what comes back. */
static void read_files(struct pass *pass, struct stp_reader *reader)
{
	struct stp_read_event event;
	int more = 1;

	/* What is in flight when the run is cancelled ends with the reader. */
	while (!stp_cancelled(pass->bench->cancel)) {
		while (more && stp_reader_has_room(reader)) {
			size_t i = atomic_fetch_add_explicit(&pass->next, 1, memory_order_relaxed);

			more = i < pass->files->count;
			if (more)
				stp_reader_submit(reader, pass->files->items[i].path,
				                  pass->files->items[i].bytes, NULL);
		}
		if (!stp_reader_in_flight(reader))
			return;
		if (!stp_reader_next(reader, STP_READ_WAIT, &event))
			continue;
		if (event.kind == STP_READ_DATA)
			stp_reader_release(reader, event.buffer);
		else if (event.kind == STP_READ_FAULT)
			atomic_fetch_add_explicit(&pass->faults, 1, memory_order_relaxed);
	}
}

static enum stp_errc pass_worker(void *ctx, size_t index, struct stp_err *err)
{
	struct pass *pass = ctx;
	struct stp_reader_options options = {
	    .root_fd = pass->files->root_fd,
	    .choice = pass->choice,
	    .file_count_max = pass->depth,
	    .thread_count = pass->depth,
	    .exact_length = 1,
	    .cancel = pass->bench->cancel,
	};
	struct stp_reader *reader;

	(void)index;
	STP_TRY(stp_reader_create(&options, &reader, err));
	read_files(pass, reader);
	stp_reader_destroy(reader);
	return STP_OK;
}

/* One pass with depth files in flight over all workers; *out_seconds is its time. */
static enum stp_errc run_pass(struct stp_bench *bench, const struct stp_bench_files *files,
                              const struct stp_read_choice *choice, size_t depth,
                              double *out_seconds, struct stp_err *err)
{
	size_t workers = depth < bench->cpu_count ? depth : bench->cpu_count;
	struct pass pass = {.bench = bench, .files = files, .choice = *choice};
	uint64_t started;

	pass.depth = depth / workers;
	started = stp_clock_monotonic_ns();
	STP_TRY(stp_workers_run(workers, "read", pass_worker, &pass, bench->cancel, err));
	*out_seconds = (double)(stp_clock_monotonic_ns() - started) / 1e9;
	if (stp_cancelled(bench->cancel))
		return STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
	if (atomic_load(&pass.faults) > files->count / 100)
		return STP_FAIL(err, STP_CHANGED, "bench", NULL,
		                "more than one file in a hundred could not be read; bench a folder "
		                "that is not changing");
	return STP_OK;
}

/* What one line of the table says. */
struct reading {
	const struct stp_bench_files *files;
	const char *set; /* "small", "large" */
	int is_cold;
	enum stp_io_mode mode;
	size_t depth;
	size_t left; /* readings there are still to do, with this one: they share the time */
	struct stp_rate files_per_second;
	double resident; /* share of pages that were cached before a cold pass */
};

static enum stp_errc measure_reading(struct stp_bench *bench, const struct stp_read_choice *choice,
                                     struct reading *reading, struct stp_err *err)
{
	double samples[STP_RATE_RUNS];
	uint64_t until = stp_clock_monotonic_ns() +
	                 (uint64_t)(stp_bench_left(bench) / (double)reading->left * 1e9);
	size_t count = 0;
	double seconds;

	if (!reading->is_cold)
		STP_TRY(stp_bench_files_warm(reading->files, bench->cancel, err));
	do {
		if (reading->is_cold) {
			double resident;

			stp_bench_files_drop(reading->files);
			stp_bench_drop_inodes();
			resident = stp_bench_files_resident(reading->files);
			if (resident > reading->resident)
				reading->resident = resident;
		}
		STP_TRY(run_pass(bench, reading->files, choice, reading->depth, &seconds, err));
		samples[count++] = (double)reading->files->count / seconds;
	} while (count < STP_RATE_RUNS && stp_clock_monotonic_ns() < until);
	reading->files_per_second = stp_rate_of(samples, count);
	return STP_OK;
}

static json_t *reading_json(struct stp_bench *bench, const struct reading *reading)
{
	double mean = (double)reading->files->total_bytes / (double)reading->files->count;
	const char *back_end = reading->mode == STP_IO_MODE_URING ? "io_uring" : "pread";
	const char *cache = reading->is_cold ? "cold" : "hot";
	json_t *rate =
	    stp_bench_rate(bench, &reading->files_per_second, "reading %s files, %s, %s, depth %zu",
	                   reading->set, cache, back_end, reading->depth);

	return json_pack("{s:s,s:s,s:s,s:I,s:o,s:o,s:o}", "files", reading->set, "cache", cache,
	                 "io_backend", back_end, "depth", (json_int_t)reading->depth,
	                 "files_per_second", rate, "bytes_per_second",
	                 stp_real_json(reading->files_per_second.value * mean), "resident",
	                 stp_real_json(reading->resident));
}

/* Keeps the best cold rates for the model: the run picks back end and depth as well as this. */
struct best {
	double small_cold, large_cold; /* files per second */
	double resident;               /* worst share that stayed cached */
};

static void keep_best(struct best *best, const struct reading *reading)
{
	double *slot = reading->set[0] == 's' ? &best->small_cold : &best->large_cold;

	if (!reading->is_cold)
		return;
	if (reading->files_per_second.value > *slot)
		*slot = reading->files_per_second.value;
	if (reading->resident > best->resident)
		best->resident = reading->resident;
}

/* Depths of small files; of large ones a handful fills any queue. */
static const size_t small_depths[] = {1, 16, 64, 256};
static const size_t large_depths[] = {1, 64};

#define SMALL_DEPTHS (sizeof(small_depths) / sizeof(small_depths[0]))
#define LARGE_DEPTHS (sizeof(large_depths) / sizeof(large_depths[0]))
/* Readings of one back end, hot and cold. */
#define READINGS (2 * (SMALL_DEPTHS + LARGE_DEPTHS))

struct readings {
	const struct stp_read_choice *choice;
	json_t *array;
	struct best *best;
	size_t left;
};

static enum stp_errc add_reading(struct stp_bench *bench, struct readings *readings,
                                 struct reading reading, struct stp_err *err)
{
	reading.mode = readings->choice->mode;
	reading.left = readings->left--;
	STP_TRY(measure_reading(bench, readings->choice, &reading, err));
	keep_best(readings->best, &reading);
	json_array_append_new(readings->array, reading_json(bench, &reading));
	return STP_OK;
}

static enum stp_errc measure_back_end(struct stp_bench *bench, struct stp_bench_storage *storage,
                                      struct readings *readings, struct stp_err *err)
{
	size_t i;
	int is_cold;

	for (is_cold = 0; is_cold < 2; is_cold++) {
		struct reading small = {
		    .files = &storage->small, .set = "small", .is_cold = is_cold};
		struct reading large = {
		    .files = &storage->large, .set = "large", .is_cold = is_cold};

		for (i = 0; i < SMALL_DEPTHS; i++) {
			small.depth = small_depths[i];
			STP_TRY(add_reading(bench, readings, small, err));
		}
		for (i = 0; i < LARGE_DEPTHS; i++) {
			large.depth = large_depths[i];
			STP_TRY(add_reading(bench, readings, large, err));
		}
	}
	return STP_OK;
}

/* --- latency of single files ----------------------------------------------------------------- */

/* Opens, reads and closes file after file; the time of each. */
static enum stp_errc time_files(struct stp_bench *bench, const struct stp_bench_files *files,
                                struct stp_latency *latency, struct stp_err *err)
{
	uint64_t until = stp_clock_monotonic_ns() + (uint64_t)(stp_bench_share(bench, 0.01) * 1e9);
	uint8_t *buffer = malloc(LATENCY_BYTES);
	size_t step = files->count / LATENCY_FILES + 1;
	uint64_t before = stp_clock_monotonic_ns();
	size_t i;

	if (!buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory to read");
	for (i = 0; i < files->count && before < until; i += step) {
		int fd = openat(files->root_fd, files->items[i].path,
		                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, buffer, LATENCY_BYTES);
		uint64_t now;

		if (fd >= 0)
			close(fd);
		now = stp_clock_monotonic_ns();
		if (n >= 0)
			stp_latency_add(latency, now - before);
		before = now;
	}
	free(buffer);
	return STP_OK;
}

static enum stp_errc measure_latency(struct stp_bench *bench, struct stp_bench_storage *storage,
                                     int is_cold, json_t *array, struct stp_err *err)
{
	struct stp_latency latency;
	enum stp_errc code;

	STP_TRY(stp_latency_init(&latency, err));
	code = STP_OK;
	if (is_cold) {
		stp_bench_files_drop(&storage->small);
		stp_bench_drop_inodes();
	} else {
		code = stp_bench_files_warm(&storage->small, bench->cancel, err);
	}
	if (code == STP_OK)
		code = time_files(bench, &storage->small, &latency, err);
	if (code == STP_OK)
		json_array_append_new(array, stp_latency_json(&latency,
		                                              is_cold ? "read a small file, cold"
		                                                      : "read a small file, hot"));
	stp_latency_release(&latency);
	return code;
}

/* --- all -------------------------------------------------------------------------------------- */

/* True when the file system keeps its files in memory only: dropping does nothing. */
static void note_cold(struct stp_bench *bench, const struct best *best)
{
	if (best->resident <= COLD_RESIDENT_MAX)
		return;
	stp_bench_note(bench,
	               "the page cache could not be dropped (%.0f %% of the pages stayed): cold "
	               "reads are faster here than from the disk, and are not used to predict",
	               best->resident * 100);
}

enum stp_errc stp_bench_read(struct stp_bench *bench, struct stp_bench_storage *storage,
                             struct stp_err *err)
{
	static const enum stp_io_mode modes[] = {STP_IO_MODE_URING, STP_IO_MODE_PREAD};
	json_t *latencies = json_object_get(bench->document, "latency");
	json_t *array = json_array();
	struct best best = {0, 0, 0};
	struct readings readings = {.array = array, .best = &best};
	size_t i;

	stp_bench_stage(bench, "read");
	stp_bench_set(bench, "read", array);
	for (i = 0; i < 2; i++) {
		struct stp_err choose_err = STP_ERR_INIT;
		struct stp_read_choice choice;

		if (stp_read_choose(modes[i], &choice, &choose_err) != STP_OK) {
			stp_bench_note(bench, "%s is refused here: %s", stp_io_mode_name(modes[i]),
			               choose_err.text);
			continue;
		}
		readings.choice = &choice;
		readings.left = (2 - i) * READINGS;
		STP_TRY(measure_back_end(bench, storage, &readings, err));
	}
	note_cold(bench, &best);
	if (best.resident <= COLD_RESIDENT_MAX)
		bench->model.read_cold =
		    stp_bench_cost_of(storage, best.small_cold,
		                      best.large_cold * (double)storage->large.total_bytes /
		                          (double)storage->large.count);
	STP_TRY(measure_latency(bench, storage, 1, latencies, err));
	return measure_latency(bench, storage, 0, latencies, err);
}
