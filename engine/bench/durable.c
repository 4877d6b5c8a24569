/* SPDX-License-Identifier: Apache-2.0 */
/* What publishing asks of a file system: many new files in one folder, one barrier, and fsync. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "bench/corpus.h"
#include "bench/latency.h"
#include "bench/storage.h"

/* As many files as `sign` writes for 16,384 bins, each as large as an empty bin. */
#define CREATE_COUNT 16384
#define CREATE_BYTES 341
#define SYNC_COUNT   400
#define SYNC_BYTES   4096
/* Written at once; the first tells how much a second takes. */
#define WRITE_CHUNK_BYTES ((size_t)4 << 20)
#define WRITE_BYTES_MIN   ((uint64_t)64 << 20)
#define WRITE_BYTES_MAX   ((uint64_t)1 << 30)

struct creation {
	struct stp_bench *bench;
	int folder_fd;
	atomic_size_t next;
};

static enum stp_errc create_worker(void *ctx, size_t index, struct stp_err *err)
{
	struct creation *creation = ctx;
	uint8_t bytes[CREATE_BYTES];
	char name[32];

	stp_corpus_noise(index, bytes, sizeof(bytes));
	for (;;) {
		size_t i = atomic_fetch_add_explicit(&creation->next, 1, memory_order_relaxed);
		enum stp_errc code;
		int fd;

		if (i >= CREATE_COUNT || stp_cancelled(creation->bench->cancel))
			return STP_OK;
		snprintf(name, sizeof(name), "1.bin-n-%04zx.json", i);
		fd = openat(creation->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		            0644);
		if (fd < 0)
			return STP_FAIL_SYS(err, "bench", name, "cannot create");
		code = stp_fd_write_at(fd, bytes, sizeof(bytes), 0, "bench", name, err);
		close(fd);
		if (code != STP_OK)
			return code;
	}
}

/* Creates and syncs once: files per second without the barrier, and the barrier's seconds. */
static enum stp_errc create_once(struct stp_bench *bench, double *out_rate, double *out_sync,
                                 struct stp_err *err)
{
	struct creation creation = {.bench = bench, .folder_fd = -1};
	uint64_t started;
	enum stp_errc code;

	STP_TRY(
	    stp_folder_make(bench->scratch.fd, "create", 0700, "bench", &creation.folder_fd, err));
	started = stp_clock_monotonic_ns();
	code = stp_workers_run(bench->cpu_count, "create", create_worker, &creation, bench->cancel,
	                       err);
	*out_rate = CREATE_COUNT * 1e9 / (double)(stp_clock_monotonic_ns() - started);
	started = stp_clock_monotonic_ns();
	if (code == STP_OK && syncfs(creation.folder_fd) != 0)
		code = STP_FAIL_SYS(err, "bench", "create", "cannot make files durable");
	*out_sync = (double)(stp_clock_monotonic_ns() - started) / 1e9;
	stp_fd_close(&creation.folder_fd);
	stp_scratch_retire(&bench->scratch, "create");
	return code;
}

static enum stp_errc measure_creation(struct stp_bench *bench, json_t *durable, struct stp_err *err)
{
	double rates[3];
	double syncs[3];
	struct stp_rate rate;
	struct stp_rate sync;
	size_t i;

	for (i = 0; i < 3 && (i == 0 || !stp_bench_late(bench)); i++)
		STP_TRY(create_once(bench, &rates[i], &syncs[i], err));
	rate = stp_rate_of(rates, i);
	sync = stp_rate_of(syncs, i);
	json_object_set_new(durable, "created_files", json_integer(CREATE_COUNT));
	json_object_set_new(durable, "create_files_per_second",
	                    stp_bench_rate(bench, &rate, "creating files"));
	json_object_set_new(durable, "create_sync_seconds", stp_real_json(sync.value));
	return STP_OK;
}

/* Writes bytes into one new file and makes them durable; *out_rate is bytes per second. */
static enum stp_errc write_once(struct stp_bench *bench, const uint8_t *chunk, uint64_t bytes,
                                double *out_rate, struct stp_err *err)
{
	int fd = openat(bench->scratch.fd, "write", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t started = stp_clock_monotonic_ns();
	enum stp_errc code = STP_OK;
	uint64_t at;

	if (fd < 0)
		return STP_FAIL_SYS(err, "bench", "write", "cannot create");
	for (at = 0; at < bytes && code == STP_OK; at += WRITE_CHUNK_BYTES) {
		if (stp_cancelled(bench->cancel))
			code = STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
		else
			code = stp_fd_write_at(fd, chunk, WRITE_CHUNK_BYTES, (off_t)at, "bench",
			                       "write", err);
	}
	if (code == STP_OK && fdatasync(fd) != 0)
		code = STP_FAIL_SYS(err, "bench", "write", "cannot make durable");
	*out_rate = (double)bytes * 1e9 / (double)(stp_clock_monotonic_ns() - started);
	close(fd);
	unlinkat(bench->scratch.fd, "write", 0);
	return code;
}

static enum stp_errc measure_writing(struct stp_bench *bench, json_t *durable, struct stp_err *err)
{
	uint8_t *chunk = malloc(WRITE_CHUNK_BYTES);
	uint64_t bytes = WRITE_BYTES_MIN;
	double rates[3];
	struct stp_rate rate;
	enum stp_errc code;
	size_t i;

	if (!chunk)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory to write");
	stp_corpus_noise(7, chunk, WRITE_CHUNK_BYTES);
	code = write_once(bench, chunk, bytes, &rates[0], err);
	if (code == STP_OK) {
		double wanted = rates[0] * stp_bench_share(bench, 0.02);
		uint64_t limit = bench->scratch.free_bytes / 4;

		bytes = wanted > (double)WRITE_BYTES_MAX ? WRITE_BYTES_MAX : (uint64_t)wanted;
		if (bytes > limit)
			bytes = limit;
		if (bytes < WRITE_BYTES_MIN)
			bytes = WRITE_BYTES_MIN;
		bytes -= bytes % WRITE_CHUNK_BYTES;
	}
	for (i = 0; i < 3 && code == STP_OK && (i == 0 || !stp_bench_late(bench)); i++)
		code = write_once(bench, chunk, bytes, &rates[i], err);
	free(chunk);
	if (code != STP_OK)
		return code;
	rate = stp_rate_of(rates, i);
	json_object_set_new(durable, "written_bytes", json_integer((json_int_t)bytes));
	json_object_set_new(durable, "write_bytes_per_second",
	                    stp_bench_rate(bench, &rate, "durable writing"));
	return STP_OK;
}

/* One small new file made durable at a time, as timestamp.json is. */
static enum stp_errc time_syncs(struct stp_bench *bench, struct stp_latency *latency,
                                struct stp_err *err)
{
	uint64_t until = stp_clock_monotonic_ns() + (uint64_t)(stp_bench_share(bench, 0.03) * 1e9);
	uint8_t bytes[SYNC_BYTES];
	enum stp_errc code = STP_OK;
	size_t i;

	stp_corpus_noise(3, bytes, sizeof(bytes));
	for (i = 0; i < SYNC_COUNT && code == STP_OK; i++) {
		int fd = openat(bench->scratch.fd, "sync", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		                0600);
		uint64_t started = stp_clock_monotonic_ns();

		if (fd < 0)
			return STP_FAIL_SYS(err, "bench", "sync", "cannot create");
		code = stp_fd_write_at(fd, bytes, sizeof(bytes), 0, "bench", "sync", err);
		if (code == STP_OK)
			code = stp_fd_sync(fd, "bench", "sync", err);
		stp_latency_add(latency, stp_clock_monotonic_ns() - started);
		close(fd);
		unlinkat(bench->scratch.fd, "sync", 0);
		if (stp_clock_monotonic_ns() > until || stp_cancelled(bench->cancel))
			break;
	}
	return code;
}

static enum stp_errc measure_sync(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_latency latency;
	enum stp_errc code;

	STP_TRY(stp_latency_init(&latency, err));
	code = time_syncs(bench, &latency, err);
	if (code == STP_OK)
		json_array_append_new(json_object_get(bench->document, "latency"),
		                      stp_latency_json(&latency, "make 4 KiB durable (fsync)"));
	stp_latency_release(&latency);
	return code;
}

enum stp_errc stp_bench_durable(struct stp_bench *bench, struct stp_err *err)
{
	json_t *durable = json_object();

	stp_bench_stage(bench, "durable");
	stp_bench_set(bench, "durable", durable);
	STP_TRY(measure_creation(bench, durable, err));
	STP_TRY(measure_writing(bench, durable, err));
	return measure_sync(bench, err);
}
