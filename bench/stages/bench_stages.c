/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_stages [--json] [--cold] [--rounds N] [--jobs N] [--algorithm A,B] scan|read|hash DIR
 *
 *	scan   the walk with several numbers of threads beside `find -printf` of the same fields
 *	read   both back ends of read/ beside threads that only read
 *	hash   the hash stage over both back ends beside threads that only read
 *
 * Cases take turns for N rounds and a ratio is taken within its round; medians are printed. --cold
 * drops the page cache before each case (root).
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/thread.h"
#include "digest/stage.h"
#include "read/reader.h"
#include "report.h"
#include "scan/tree.h"
#include "stampede/alg.h"

#define CASES_MAX  16
#define ROUNDS_MAX 101

struct file {
	char *path;
	uint64_t length;
	uint64_t ino;
};

struct bench_case {
	char name[64];
	double (*run)(const struct bench_case *c); /* seconds */
	size_t threads;
	enum stp_io_mode io;
	double seconds[ROUNDS_MAX];
};

static struct bench_case cases[CASES_MAX];
static size_t case_count;
static const char *folder;
static int folder_fd;
static struct file *files;
static size_t file_count;
static uint64_t total_bytes;
static size_t jobs;
static unsigned hash_set = STP_ALG_BIT(STP_ALG_SHA512);
static int is_cold;
static struct stp_fault_list faults;
static atomic_size_t next_file;

static void fail(const struct stp_err *err)
{
	char line[1024];

	fprintf(stderr, "%s\n", stp_err_format(err, line, sizeof(line)));
	exit(1);
}

static double since(uint64_t started_ns)
{
	return (double)(stp_clock_monotonic_ns() - started_ns) / 1e9;
}

/* --- scan ------------------------------------------------------------------------------------ */

static enum stp_errc count_entries(void *ctx, size_t worker_index, const struct stp_record *records,
                                   size_t count, struct stp_err *err)
{
	(void)ctx;
	(void)worker_index;
	(void)records;
	(void)count;
	(void)err;
	return STP_OK;
}

static enum stp_errc keep_entries(void *ctx, size_t worker_index, const struct stp_record *records,
                                  size_t count, struct stp_err *err)
{
	size_t i;

	(void)ctx;
	(void)worker_index;
	(void)err;
	for (i = 0; i < count; i++) {
		if ((file_count & (file_count - 1)) == 0)
			files = realloc(files, (file_count ? 2 * file_count : 1) * sizeof(*files));
		files[file_count].path = strndup(records[i].path, records[i].path_bytes);
		files[file_count].ino = records[i].fingerprint.ino;
		files[file_count++].length = records[i].length;
		total_bytes += records[i].length;
	}
	return STP_OK;
}

static double walk(size_t threads, stp_tree_emit_fn *emit)
{
	struct stp_tree_options options = {
	    .threads = threads, .racy_after_ns = INT64_MAX, .faults = &faults};
	struct stp_err err = STP_ERR_INIT;
	uint64_t started_ns = stp_clock_monotonic_ns();

	if (stp_tree_walk(folder_fd, &options, emit, NULL, &err) != STP_OK)
		fail(&err);
	return since(started_ns);
}

static double run_walk(const struct bench_case *c)
{
	return walk(c->threads, count_entries);
}

static double run_find(const struct bench_case *c)
{
	char command[8192];
	uint64_t started_ns = stp_clock_monotonic_ns();

	(void)c;
	snprintf(command, sizeof(command),
	         "find '%s' -type f -printf '%%s %%D %%i %%T@ %%C@ %%p\\n' >/dev/null", folder);
	if (system(command) != 0)
		exit(1);
	return since(started_ns);
}

/* --- read ------------------------------------------------------------------------------------ */

static enum stp_errc plain_reader(void *ctx, size_t worker_index, struct stp_err *err)
{
	size_t bytes = 256 * 1024;
	char *buffer = malloc(bytes);
	size_t at;

	(void)ctx;
	(void)worker_index;
	(void)err;
	while ((at = atomic_fetch_add(&next_file, 1)) < file_count) {
		int fd = openat(folder_fd, files[at].path, O_RDONLY | O_CLOEXEC);

		while (fd >= 0 && read(fd, buffer, bytes) > 0)
			;
		close(fd);
	}
	free(buffer);
	return STP_OK;
}

static double run_plain(const struct bench_case *c)
{
	struct stp_err err = STP_ERR_INIT;
	uint64_t started_ns = stp_clock_monotonic_ns();

	atomic_store(&next_file, 0);
	if (stp_workers_run(c->threads, "plain", plain_reader, NULL, NULL, &err) != STP_OK)
		fail(&err);
	return since(started_ns);
}

static enum stp_errc only_read(void *ctx, size_t worker_index, struct stp_err *err)
{
	const struct bench_case *c = ctx;
	struct stp_reader_options options = {.root_fd = folder_fd};
	struct stp_reader *reader;
	struct stp_read_event event;

	(void)worker_index;
	options.thread_count = 64 / c->threads;
	if (stp_read_choose(c->io, &options.choice, err) != STP_OK ||
	    stp_reader_create(&options, &reader, err) != STP_OK)
		return err->code;
	for (;;) {
		while (stp_reader_has_room(reader)) {
			size_t at = atomic_fetch_add(&next_file, 1);

			if (at >= file_count)
				break;
			stp_reader_submit(reader, files[at].path, files[at].length, NULL);
		}
		if (!stp_reader_next(reader, STP_READ_WAIT, &event))
			break;
		if (event.kind == STP_READ_DATA)
			stp_reader_release(reader, event.buffer);
	}
	stp_reader_destroy(reader);
	return STP_OK;
}

static double run_reader(const struct bench_case *c)
{
	struct stp_err err = STP_ERR_INIT;
	uint64_t started_ns = stp_clock_monotonic_ns();
	struct bench_case copy = *c;

	atomic_store(&next_file, 0);
	if (stp_workers_run(c->threads, "read", only_read, &copy, NULL, &err) != STP_OK)
		fail(&err);
	return since(started_ns);
}

/* --- hash ------------------------------------------------------------------------------------ */

static int give_file(void *ctx, size_t worker_index, struct stp_record *out)
{
	size_t at = atomic_fetch_add(&next_file, 1);

	(void)ctx;
	(void)worker_index;
	if (at >= file_count)
		return STP_HASH_NEXT_END;
	memset(out, 0, sizeof(*out));
	out->path = files[at].path;
	out->path_bytes = (uint16_t)strlen(files[at].path);
	out->length = files[at].length;
	return STP_HASH_NEXT_FILE;
}

static enum stp_errc take_digest(void *ctx, size_t worker_index, const struct stp_record *record,
                                 struct stp_err *err)
{
	(void)ctx;
	(void)worker_index;
	(void)record;
	(void)err;
	return STP_OK;
}

static double run_hash(const struct bench_case *c)
{
	struct stp_err err = STP_ERR_INIT;
	uint64_t started_ns = stp_clock_monotonic_ns();
	struct stp_hash_stage_options options = {
	    .root_fd = folder_fd,
	    .hash_set = hash_set,
	    .jobs = c->threads,
	    .features = stp_cpu_features(),
	    .racy_after_ns = INT64_MAX,
	    .faults = &faults,
	};

	atomic_store(&next_file, 0);
	if (stp_read_choose(c->io, &options.io, &err) != STP_OK ||
	    stp_hash_stage_run(&options, give_file, take_digest, NULL, &err) != STP_OK)
		fail(&err);
	return since(started_ns);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void add_case(double (*run)(const struct bench_case *), size_t threads, enum stp_io_mode io,
                     const char *name)
{
	struct bench_case *c = &cases[case_count++];

	snprintf(c->name, sizeof(c->name), "%s, %s %zu", is_cold ? "cold" : "hot", name, threads);
	c->run = run;
	c->threads = threads;
	c->io = io;
}

/* Large first, then by inode: as the hash stage gets them. */
static int compare_files(const void *a, const void *b)
{
	const struct file *x = a;
	const struct file *y = b;

	if (x->length != y->length)
		return x->length < y->length ? 1 : -1;
	return x->ino < y->ino ? -1 : 1;
}

static void add_cases(const char *what)
{
	size_t threads;

	if (strcmp(what, "scan") == 0) {
		add_case(run_find, 1, 0, "find -printf");
		for (threads = 1; threads <= 128; threads *= 2)
			add_case(run_walk, threads, 0, "walk, threads");
		return;
	}
	add_case(run_plain, is_cold ? 64 : jobs, 0, "only read, threads");
	if (is_cold) {
		add_case(run_plain, 32, 0, "only read, threads");
		add_case(run_plain, 128, 0, "only read, threads");
	}
	if (strcmp(what, "read") == 0) {
		add_case(run_reader, jobs, STP_IO_MODE_URING, "uring, jobs");
		add_case(run_reader, jobs, STP_IO_MODE_PREAD, "pread, jobs");
	} else {
		add_case(run_hash, jobs, STP_IO_MODE_URING, "uring, jobs");
		add_case(run_hash, jobs, STP_IO_MODE_PREAD, "pread, jobs");
	}
	walk(0, keep_entries);
	qsort(files, file_count, sizeof(*files), compare_files);
}

static void drop_caches(void)
{
	FILE *file = fopen("/proc/sys/vm/drop_caches", "w");

	sync();
	if (!file || fputs("3\n", file) < 0 || fclose(file) != 0) {
		fputs("bench_stages: --cold needs root\n", stderr);
		exit(1);
	}
}

static void print_case(const char *what, struct bench_case *c, size_t rounds)
{
	double ratios[ROUNDS_MAX];
	double median;
	size_t round;

	for (round = 0; round < rounds; round++)
		ratios[round] = cases[0].seconds[round] / c->seconds[round];
	median = stp_bench_median(c->seconds, rounds);
	stp_bench_row(what, c->name, "s", median, cases[0].name,
	              c == cases ? 1 : stp_bench_median(ratios, rounds));
	if (file_count && total_bytes / file_count > 65536)
		stp_bench_row(what, c->name, "GB/s", (double)total_bytes / median / 1e9, "", 0);
	else if (file_count)
		stp_bench_row(what, c->name, "files/s", (double)file_count / median, "", 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"json", 0, NULL, 'J'},      {"cold", 0, NULL, 'c'},
	                                        {"rounds", 1, NULL, 'r'},    {"jobs", 1, NULL, 'j'},
	                                        {"algorithm", 1, NULL, 'a'}, {NULL, 0, NULL, 0}};
	size_t rounds = 3;
	size_t round;
	size_t i;
	int json = 0;
	int option;

	jobs = stp_cpu_count();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'J')
			json = 1;
		else if (option == 'c')
			is_cold = 1;
		else if (option == 'r')
			rounds = strtoul(optarg, NULL, 10);
		else if (option == 'j')
			jobs = strtoul(optarg, NULL, 10);
		else if (option != 'a' || !(hash_set = stp_alg_set_parse(optarg)))
			return 2;
	}
	if (argc - optind != 2 || rounds < 1 || rounds > ROUNDS_MAX || jobs < 1)
		return 2;
	stp_fault_list_init(&faults);
	folder = argv[optind + 1];
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0) {
		perror(folder);
		return 1;
	}
	add_cases(argv[optind]);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < case_count; i++) {
			if (is_cold)
				drop_caches();
			cases[i].seconds[round] = cases[i].run(&cases[i]);
		}
	}
	for (i = case_count; i-- > 0;)
		print_case(argv[optind], &cases[i], rounds);
	return stp_bench_print(json);
}
