/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a digest list costs on its way into the ledger and back, stage by stage, for one count of
 * targets:
 *
 *	parse    the list → records, keys included, nobody takes them
 *	collect  the same, into sorted runs that spill
 *	merge    all runs by key, nobody takes the groups
 *	base     the same, into a sealed base segment, durable
 *	read     the base by key, every block checked
 *	nightly  the list again (collect), merged with the base
 *
 *	bench_ledger [--json] [--jobs N] [--targets N] [--budget MIB] [--folder DIR] [--list FILE]
 *	             [--ndjson] [--only parse]
 *
 * The list is made by a seed (SHA-512, paths of 156 bytes) unless FILE is there already; it is in
 * the page cache when it is read. wall is elapsed, cpu is processor time of all threads over it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "ledger/merge.h"
#include "ledger/run.h"
#include "ledger/segment.h"
#include "list/list.h"
#include "report.h"
#include "stampede/alg.h"

#define SET        STP_ALG_BIT(STP_ALG_SHA512)
#define PATH_BYTES 156 /* PyPI's mean, engine/TUF.md, "Sizes" */

static struct {
	int json;
	int ndjson;
	size_t jobs;
	uint64_t targets;
	size_t budget_bytes;
	const char *folder;
	const char *list;
	const char *only;
} options = {0, 0, 2, 200000, (size_t)400 << 20, "/tmp", NULL, NULL};

static const uint8_t seal_key[STP_SEAL_KEY_BYTES] = {1};

static void die(const char *what, const struct stp_err *err)
{
	char text[600];

	fprintf(stderr, "bench_ledger: %s: %s\n", what,
	        err ? stp_err_format(err, text, sizeof(text)) : "failed");
	exit(3);
}

/* --- measuring --- */

struct mark {
	uint64_t wall_ns, cpu_ns;
};

static struct mark start(void)
{
	struct timespec cpu;
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	/* Peak memory counts from here. */
	if (fd >= 0) {
		if (write(fd, "5", 1) != 1)
			fprintf(stderr, "bench_ledger: the peak of memory covers all stages\n");
		close(fd);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return (struct mark){stp_clock_monotonic_ns(),
	                     (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec};
}

static double peak_mib(void)
{
	char line[256];
	double kib = 0;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtod(line + 6, NULL);
	}
	if (file)
		fclose(file);
	return kib / 1024;
}

static void stop(struct mark mark, const char *stage, uint64_t bytes)
{
	double memory = peak_mib();
	struct mark now = start();
	double wall = (double)(now.wall_ns - mark.wall_ns) / 1e9;
	double cpu = (double)(now.cpu_ns - mark.cpu_ns) / 1e9;
	char name[64];

	snprintf(name, sizeof(name), "%s wall", stage);
	stp_bench_row("ledger", name, "s", wall, NULL, 0);
	snprintf(name, sizeof(name), "%s cpu per target", stage);
	stp_bench_row("ledger", name, "ns", cpu * 1e9 / (double)options.targets, NULL, 0);
	if (bytes) {
		snprintf(name, sizeof(name), "%s rate per core", stage);
		stp_bench_row("ledger", name, "GB/s", (double)bytes / 1e9 / cpu, NULL, 0);
	}
	snprintf(name, sizeof(name), "%s peak memory", stage);
	stp_bench_row("ledger", name, "MiB", memory, NULL, 0);
}

/* --- the list --- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static char *write_path(char *at, const uint64_t *words, uint64_t i)
{
	char *first = at;

	at += sprintf(at, "packages/%02x/%02x/", (unsigned)(words[0] & 255),
	              (unsigned)(words[0] >> 8 & 255));
	stp_hex_encode((const uint8_t *)words, 30, at);
	at += 60;
	at += sprintf(at, "/some_distribution_name-%llu.%llu.%llu-",
	              (unsigned long long)(words[1] & 15), (unsigned long long)(words[2] & 31),
	              (unsigned long long)i);
	while (at < first + PATH_BYTES - 4)
		*at++ = 'x';
	return at + sprintf(at, ".whl");
}

/* Writes row i; returns its end. */
static char *write_row(char *at, uint64_t i)
{
	uint64_t words[8];
	size_t j;

	for (j = 0; j < 8; j++)
		words[j] = mix(i * 0x9e3779b97f4a7c15ULL + j + 1);
	if (options.ndjson)
		at += sprintf(at, "{\"path\":\"");
	at = write_path(at, words, i);
	at += sprintf(at, options.ndjson ? "\",\"length\":%llu,\"sha512\":\"" : ",%llu,",
	              (unsigned long long)(words[3] >> 42));
	stp_hex_encode((const uint8_t *)words, 64, at);
	at += 128;
	return at + sprintf(at, options.ndjson ? "\"}\n" : "\n");
}

static void make_list(const char *path)
{
	static char buffer[1 << 20];
	FILE *file = fopen(path, "wxe");
	char *at = buffer;
	uint64_t i;

	if (!file)
		return;
	if (!options.ndjson)
		at += sprintf(at, "path,length,sha512\n");
	for (i = 0; i < options.targets; i++) {
		at = write_row(at, i);
		if (at - buffer > (ptrdiff_t)sizeof(buffer) - 1024 || i + 1 == options.targets) {
			size_t count = (size_t)(at - buffer);

			if (fwrite(buffer, 1, count, file) != count)
				die("cannot write the list", NULL);
			at = buffer;
		}
	}
	if (fclose(file) != 0)
		die("cannot write the list", NULL);
}

/* --- the stages --- */

struct state {
	struct stp_run_builder *builders[64];
	struct stp_sources sources;
	pthread_mutex_t lock; /* of sources */
	struct stp_segment_writer *writer;
	unsigned range_bits;
	atomic_uint_fast64_t next_range;
	atomic_uint_fast64_t groups;
	int folder_fd;
};

static enum stp_errc take_none(void *ctx, size_t worker, const struct stp_record *records,
                               size_t count, struct stp_err *err)
{
	(void)ctx;
	(void)worker;
	(void)records;
	(void)count;
	(void)err;
	return STP_OK;
}

static enum stp_errc take_run(void *ctx, size_t worker, const struct stp_record *records,
                              size_t count, struct stp_err *err)
{
	struct state *state = ctx;
	size_t i;

	for (i = 0; i < count; i++)
		STP_TRY(stp_run_add(state->builders[worker], &records[i], err));
	return STP_OK;
}

static uint64_t read_list(struct state *state, stp_list_emit_fn *emit)
{
	struct stp_list_source source = {.name = options.list};
	struct stp_list_options how = {.source = &source, .hash_set = SET, .jobs = options.jobs};
	struct stp_list_stats stats;
	struct stp_fault_list faults;
	struct stp_err err = STP_ERR_INIT;

	stp_fault_list_init(&faults);
	source.fd = open(options.list, O_RDONLY | O_CLOEXEC);
	if (source.fd < 0)
		die("cannot open the list", NULL);
	if (stp_list_read(&how, emit, state, &faults, &stats, &err) != STP_OK)
		die("list", &err);
	close(source.fd);
	if (stats.digest_count != options.targets || faults.total)
		die("the list is another one", NULL);
	stp_fault_list_release(&faults);
	return stats.bytes;
}

/* Finishes builder index: the last sort, on its own thread. */
static enum stp_errc finish_builder(void *ctx, size_t index, struct stp_err *err)
{
	struct state *state = ctx;
	struct stp_sources own = STP_SOURCES_INIT;
	enum stp_errc code = stp_run_finish(state->builders[index], &own, err);
	size_t i;

	pthread_mutex_lock(&state->lock);
	for (i = 0; i < own.count && code == STP_OK; i++)
		code = stp_sources_add(&state->sources, own.items[i], err);
	pthread_mutex_unlock(&state->lock);
	free(own.items);
	stp_run_destroy(state->builders[index]);
	return code;
}

static void collect(struct state *state)
{
	struct stp_run_options how = {.spill_fd = state->folder_fd,
	                              .hash_set = SET,
	                              .budget_bytes = options.budget_bytes / options.jobs};
	struct stp_err err = STP_ERR_INIT;
	size_t i;

	for (i = 0; i < options.jobs; i++) {
		if (stp_run_create(&how, &state->builders[i], &err) != STP_OK)
			die("run", &err);
	}
	read_list(state, take_run);
	if (stp_workers_run(options.jobs, "finish", finish_builder, state, NULL, &err) != STP_OK)
		die("run", &err);
}

/* Merges ranges until none is left; writes parts when there is a writer. */
static enum stp_errc merge_ranges(void *ctx, size_t index, struct stp_err *err)
{
	struct state *state = ctx;
	struct stp_segment_part *part = NULL;
	struct stp_merge *merge;
	uint64_t groups = 0;

	(void)index;
	STP_TRY(stp_merge_create(&state->sources, &merge, err));
	if (state->writer)
		STP_TRY(stp_segment_part_create(state->writer, (size_t)12 << 20, &part, err));
	for (;;) {
		uint64_t range_index = atomic_fetch_add(&state->next_range, 1);
		struct stp_key_range range;
		struct stp_merge_group group;

		if (range_index >> state->range_bits)
			break;
		range = stp_key_range_at(range_index, state->range_bits);
		STP_TRY(stp_merge_seek(merge, &range, err));
		for (;;) {
			STP_TRY(stp_merge_next(merge, &group, err));
			if (!group.key)
				break;
			groups++;
			if (part)
				STP_TRY(stp_segment_part_add(part, &group.items[0].record, err));
		}
		if (part)
			STP_TRY(stp_segment_append(state->writer, part, range_index, err));
	}
	atomic_fetch_add(&state->groups, groups);
	stp_segment_part_destroy(part);
	stp_merge_destroy(merge);
	return STP_OK;
}

static void merge_all(struct state *state)
{
	struct stp_err err = STP_ERR_INIT;

	state->range_bits = stp_sources_range_bits(&state->sources, 14);
	atomic_store(&state->next_range, 0);
	atomic_store(&state->groups, 0);
	if (stp_workers_run(options.jobs, "merge", merge_ranges, state, NULL, &err) != STP_OK)
		die("merge", &err);
	if (atomic_load(&state->groups) != options.targets)
		die("merge: records are missing", NULL);
}

static void write_base(struct state *state)
{
	struct stp_segment_options how = {
	    .kind = STP_SEGMENT_BASE, .hash_set = SET, .seal_key = seal_key};
	struct stp_err err = STP_ERR_INIT;
	struct mark mark = start();

	unlinkat(state->folder_fd, "bench.segment", 0);
	if (stp_segment_create(state->folder_fd, "bench.segment", &how, &state->writer, &err) !=
	    STP_OK)
		die("segment", &err);
	merge_all(state);
	stop(mark, "base", 0);
	mark = start();
	if (stp_segment_commit(state->writer, NULL, &err) != STP_OK)
		die("segment", &err);
	stop(mark, "base durable", 0);
	state->writer = NULL;
}

static void add_base(struct state *state)
{
	struct stp_source source = {.is_ledger = 1};
	struct stp_err err = STP_ERR_INIT;

	if (stp_segment_open(state->folder_fd, "bench.segment", seal_key, &source.segment, &err) !=
	        STP_OK ||
	    stp_sources_add(&state->sources, source, &err) != STP_OK)
		die("segment", &err);
}

static void run_stages(struct state *state)
{
	struct mark mark = start();
	uint64_t bytes = read_list(state, take_none);

	stop(mark, "parse", bytes);
	if (options.only)
		return;
	mark = start();
	collect(state);
	stop(mark, "collect", bytes);
	mark = start();
	merge_all(state);
	bytes = stp_sources_bytes(&state->sources);
	stop(mark, "merge", bytes);
	write_base(state);
	stp_sources_release(&state->sources);
	add_base(state);
	mark = start();
	merge_all(state);
	stop(mark, "read", bytes);
	stp_sources_release(&state->sources);
	mark = start();
	collect(state);
	add_base(state);
	merge_all(state);
	stop(mark, "nightly", 0);
	stp_sources_release(&state->sources);
}

static void parse_options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--json") == 0) {
			options.json = 1;
			continue;
		}
		if (strcmp(argv[i], "--ndjson") == 0) {
			options.ndjson = 1;
			continue;
		}
		i++;
		if (strcmp(argv[i - 1], "--jobs") == 0)
			options.jobs = strtoul(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--targets") == 0)
			options.targets = strtoull(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--budget") == 0)
			options.budget_bytes = strtoul(value, NULL, 10) << 20;
		else if (strcmp(argv[i - 1], "--folder") == 0)
			options.folder = value;
		else if (strcmp(argv[i - 1], "--list") == 0)
			options.list = value;
		else if (strcmp(argv[i - 1], "--only") == 0)
			options.only = value;
		else
			die("unknown option", NULL);
	}
	if (options.jobs < 1 || options.jobs > 64 || !options.targets)
		die("--jobs is 1 to 64, --targets at least 1", NULL);
}

int main(int argc, char **argv)
{
	struct state state = {.sources = STP_SOURCES_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};
	char list[512];
	int is_ours;
	int status;

	parse_options(argc, argv);
	is_ours = !options.list;
	if (is_ours) {
		snprintf(list, sizeof(list), "%s/bench-%d.csv", options.folder, (int)getpid());
		options.list = list;
	}
	make_list(options.list);
	state.folder_fd = open(options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state.folder_fd < 0)
		die("cannot open the folder", NULL);
	run_stages(&state);
	status = stp_bench_print(options.json);
	unlinkat(state.folder_fd, "bench.segment", 0);
	if (is_ours)
		unlink(list);
	close(state.folder_fd);
	return status;
}
