/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writing bins costs: many new files in one folder, then one syncfs.
 *
 *	limit     create, write, close from two threads through the page cache, syncfs
 *	plain     the publisher's serial twin in two threads
 *	pool      the publisher's pool: direct writes, eight in flight
 *	uncached  the publisher where the kernel has uncached writes
 *
 * Rounds of the four take turns, so that a busy machine is unfair to all alike; medians.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "publish/writer.h"
#include "report.h"

#define ROUNDS_MAX 15

struct round {
	int folder_fd;
	struct stp_writer *writer; /* NULL: the limit */
	size_t file_bytes;
	size_t file_count;
	atomic_size_t next;
};

static void die(const char *what, const char *subject)
{
	fprintf(stderr, "bench_publish: %s%s%s\n", what, subject ? ": " : "",
	        subject ? subject : "");
	exit(2);
}

/* The fewest system calls that make the file. */
static void write_bare(const struct round *round, const char *name, const uint8_t *bytes)
{
	int fd = openat(round->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, bytes, round->file_bytes) != (ssize_t)round->file_bytes)
		die("cannot write", name);
	close(fd);
}

static enum stp_errc worker(void *ctx, size_t index, struct stp_err *err)
{
	struct round *round = ctx;
	uint8_t *bytes = malloc(round->file_bytes);
	enum stp_errc code = STP_OK;
	size_t i;

	if (!bytes)
		die("no memory", NULL);
	memset(bytes, (int)index + 'a', round->file_bytes);
	while (code == STP_OK && (i = atomic_fetch_add(&round->next, 1)) < round->file_count) {
		char name[64];

		snprintf(name, sizeof(name), "7.bin-n-%05zx.json", i);
		if (round->writer)
			code = stp_writer_put(round->writer, name, bytes, round->file_bytes, err);
		else
			write_bare(round, name, bytes);
	}
	free(bytes);
	return code;
}

static void remove_all(int folder_fd, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "7.bin-n-%05zx.json", i);
		unlinkat(folder_fd, name, 0);
	}
	syncfs(folder_fd);
}

/* Seconds for one round; way: 0 limit, 1 plain, 2 pool, 3 uncached. */
static double run_round(int folder_fd, int way, size_t file_bytes, size_t file_count)
{
	struct round round = {
	    .folder_fd = folder_fd, .file_bytes = file_bytes, .file_count = file_count};
	struct stp_err err = STP_ERR_INIT;
	uint64_t start = stp_clock_monotonic_ns();
	double seconds;

	if (way > 0 && stp_writer_create(folder_fd, 0644, (enum stp_writer_way)(way - 1),
	                                 &round.writer, &err) != STP_OK)
		die("cannot start the writer", err.text);
	if (stp_workers_run(2, "bench", worker, &round, NULL, &err) != STP_OK ||
	    (round.writer && stp_writer_drain(round.writer, &err) != STP_OK))
		die(err.subject, err.text);
	if (syncfs(folder_fd) != 0)
		die("syncfs failed", NULL);
	seconds = (double)(stp_clock_monotonic_ns() - start) / 1e9;
	stp_writer_destroy(round.writer);
	remove_all(folder_fd, file_count);
	return seconds;
}

static void run_size(int folder_fd, size_t file_bytes, size_t file_count, size_t rounds)
{
	static const char *const ways[] = {"limit", "plain", "pool", "uncached"};
	double seconds[4][ROUNDS_MAX];
	double median[4];
	size_t i;
	int way;

	for (i = 0; i < rounds; i++)
		for (way = 0; way < 4; way++)
			seconds[way][i] = run_round(folder_fd, way, file_bytes, file_count);
	for (way = 0; way < 4; way++) {
		char name[64];

		median[way] = stp_bench_median(seconds[way], rounds);
		snprintf(name, sizeof(name), "%zu files of %zu bytes, %s", file_count, file_bytes,
		         ways[way]);
		stp_bench_row("publish", name, "s", median[way], way ? "limit" : "",
		              way ? median[way] / median[0] : 0);
	}
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {2000, 16000, 36000, 90000, 270000};
	const char *folder = argc > 1 ? argv[1] : ".";
	size_t file_count = argc > 2 ? strtoul(argv[2], NULL, 10) : 4096;
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 3;
	char path[512];
	size_t i;
	int json = argc > 4 && strcmp(argv[4], "--json") == 0;
	int fd;

	if (file_count < 1 || rounds < 1 || rounds > ROUNDS_MAX)
		die("usage: bench_publish [FOLDER [FILES [ROUNDS [--json]]]]", NULL);
	snprintf(path, sizeof(path), "%s/bench-publish-%d", folder, (int)getpid());
	if (mkdir(path, 0755) != 0 || (fd = open(path, O_RDONLY | O_DIRECTORY)) < 0)
		die("cannot make a folder", path);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		run_size(fd, sizes[i], file_count, rounds);
	close(fd);
	rmdir(path);
	return stp_bench_print(json);
}
