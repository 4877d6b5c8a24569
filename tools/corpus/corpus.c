/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stampede-corpus: makes package indexes that look like PyPI's, for tests, benchmarks and the
 * quickstart. Nothing here is shipped; nothing here hashes.
 *
 *	stampede-corpus --count 20000 --seed 1 DIR            a tree of files
 *	stampede-corpus --count 20000 --seed 1 --round 1 --add 1 --remove 1 --change 5 DIR
 *	                                                      the same tree a day later
 *	stampede-corpus --count 20000000 --digest-list csv    a digest list on stdout
 *
 * Everything follows from (seed, index, round): the n-th file of a seed has the same name, size
 * and bytes on every machine, for any --jobs. A project owns a contiguous range of file indexes;
 * files added in later rounds have indexes after the first count and belong to a random project.
 *
 *	index  0 ─────────────────────────────── count ──── +added(1) ──── +added(2) …
 *	       project 0 │ project 1 │ … │ project P-1 │ round 1's     │ round 2's
 *
 * Shape      count files in all, index pages included: packages/ab/cd/<60 hex>/NAME and
 *            simple/PROJECT/index.html. A digest list has count rows and no pages.
 * Memory     8 bytes per project, 8 per added file, 2 MiB per thread.
 * Threads    --jobs workers claim ranges of indexes with one atomic counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CORPUS_NOISE_BYTES    ((size_t)1 << 20)
#define CORPUS_FILE_BYTES_MAX ((uint64_t)256 << 20) /* caps the log-normal tail */
#define CORPUS_PATH_MAX       512
#define CORPUS_ROWS_PER_CLAIM 4096
#define CORPUS_LIST_BYTES     ((size_t)CORPUS_ROWS_PER_CLAIM * 1024)
#define CORPUS_JOBS_MAX       256
#define CORPUS_ROUNDS_MAX     1000

enum law { LAW_PYPI, LAW_SMALL, LAW_HUGE, LAW_FIXED };
enum list { LIST_NONE, LIST_CSV, LIST_NDJSON };

/* What a draw is for; keeps the streams of one index apart. */
enum draw {
	DRAW_RUN = 1,
	DRAW_NAME,
	DRAW_VERSION,
	DRAW_KIND,
	DRAW_SIZE,
	DRAW_FOLDER,
	DRAW_DIGEST,
	DRAW_CONTENT,
	DRAW_REMOVE,
	DRAW_CHANGE,
	DRAW_PROJECT,
};

struct algorithm {
	const char *name;
	size_t bytes;
};

static const struct algorithm algorithms[] = {{"sha256", 32}, {"sha512", 64}, {"blake2b-256", 32}};

struct corpus {
	uint64_t seed;
	uint64_t count; /* files asked for */
	enum law law;
	uint64_t fixed_bytes;
	int with_pages;
	unsigned round;
	double add, remove, change; /* percent per round */
	enum list list;
	unsigned algorithm_set;
	size_t jobs;

	uint64_t file_count; /* distribution files of round 0 */
	uint64_t *starts;    /* first file of each project; project_count + 1 of them */
	uint64_t project_count;
	uint64_t added_per_round;
	uint64_t *added_order;  /* added files sorted by project */
	uint64_t *added_starts; /* range of each project in added_order */

	int folder_fd;
	int out_fd;
	uint8_t *noise;
	atomic_ullong next;
	atomic_ullong bytes_written, files_written, files_removed;
	pthread_mutex_t turn_lock;
	pthread_cond_t turn_changed;
	uint64_t turn;
};

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("stampede-corpus: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(3);
}

/* splitmix64: Steele, Lea, Flood 2014. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t draw(const struct corpus *c, enum draw what, uint64_t index, uint64_t n)
{
	return mix(mix(mix(c->seed * 31 + (uint64_t)what) ^ index) + n);
}

/* Uniform in [0, 1), 53 bits. */
static double unit(uint64_t word)
{
	return (double)(word >> 11) * 0x1p-53;
}

/* 2^x by the Taylor series of exp on the fraction: the same bits wherever IEEE 754 holds. */
static double power_of_two(double x)
{
	int whole = (int)x - (x < 0);
	double f = (x - whole) * 0.69314718055994530942, term = 1, sum = 1;

	for (int i = 1; i < 18; i++) {
		term *= f / i;
		sum += term;
	}
	for (; whole > 0; whole--)
		sum *= 2;
	for (; whole < 0; whole++)
		sum /= 2;
	return sum;
}

/* Bytes of file index. pypi: log-normal, mean 290 KB, median 57 KB (sigma 1.8). */
static uint64_t file_bytes(const struct corpus *c, uint64_t index)
{
	double normal = -6;
	uint64_t bytes;

	switch (c->law) {
	case LAW_FIXED:
		return c->fixed_bytes;
	case LAW_SMALL: /* log-uniform, 1 … 16 KiB */
		return (uint64_t)power_of_two(10 + 4 * unit(draw(c, DRAW_SIZE, index, 0)));
	case LAW_HUGE: /* log-uniform, 64 MiB … 1 GiB */
		return (uint64_t)power_of_two(26 + 4 * unit(draw(c, DRAW_SIZE, index, 0)));
	case LAW_PYPI:
		break;
	}
	for (uint64_t n = 0; n < 12; n++) /* Irwin-Hall: sum of 12 uniforms */
		normal += unit(draw(c, DRAW_SIZE, index, n));
	bytes = (uint64_t)power_of_two(15.808 + 1.8 * 1.44269504 * normal);
	return bytes < CORPUS_FILE_BYTES_MAX ? bytes : CORPUS_FILE_BYTES_MAX;
}

static int chance(const struct corpus *c, enum draw what, uint64_t index, unsigned round,
                  double percent)
{
	return percent > 0 && unit(draw(c, what, index, round)) * 100 < percent;
}

static uint64_t added_before(const struct corpus *c, unsigned round)
{
	return c->added_per_round * round;
}

/* Round in which file index first exists. */
static unsigned birth_round(const struct corpus *c, uint64_t index)
{
	if (index < c->file_count)
		return 0;
	return (unsigned)((index - c->file_count) / c->added_per_round) + 1;
}

/* First round in which file index is gone, or 0 when it is there up to round. */
static unsigned death_round(const struct corpus *c, uint64_t index, unsigned round)
{
	for (unsigned r = birth_round(c, index) + 1; r <= round; r++)
		if (chance(c, DRAW_REMOVE, index, r, c->remove))
			return r;
	return 0;
}

/* Project that owns file index. */
static uint64_t file_project(const struct corpus *c, uint64_t index)
{
	uint64_t low = 0, high = c->project_count;

	if (index >= c->file_count)
		return draw(c, DRAW_PROJECT, index, 0) % c->project_count;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (c->starts[middle] <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Files of project p before any cut: skewed like an index, 1 … 640, mean about 10. */
static uint64_t project_run(const struct corpus *c, uint64_t p)
{
	double u = unit(draw(c, DRAW_RUN, p, 0));

	if (u < 0.9)
		return 1 + (uint64_t)(u * u * 12);
	return 10 + (uint64_t)(power_of_two((u - 0.9) * 10 * 6) * 10 - 10);
}

/* Cuts the index range into projects so that pages and files together are count. */
static void plan_projects(struct corpus *c)
{
	uint64_t left = c->count, capacity = 0, page = c->with_pages ? 1 : 0;

	while (left > 0) {
		uint64_t run = project_run(c, c->project_count);

		if (c->project_count + 2 > capacity) {
			capacity = capacity ? capacity * 2 : 1024;
			c->starts = realloc(c->starts, capacity * sizeof *c->starts);
			if (!c->starts)
				die("out of memory");
		}
		if (run + page > left || (c->with_pages && left - run - page == 1))
			run = left - page;
		c->starts[c->project_count++] = c->file_count;
		c->file_count += run;
		left -= run + page;
	}
	c->starts[c->project_count] = c->file_count;
}

/* Sorts the added files of all rounds by project (counting sort). */
static void plan_added(struct corpus *c)
{
	uint64_t total;

	c->added_per_round = (uint64_t)((double)c->file_count * c->add / 100);
	if (c->add > 0 && c->added_per_round == 0)
		c->added_per_round = 1;
	total = added_before(c, c->round);
	c->added_order = calloc(total + 1, sizeof *c->added_order);
	c->added_starts = calloc(c->project_count + 2, sizeof *c->added_starts);
	if (!c->added_order || !c->added_starts)
		die("out of memory");
	for (uint64_t i = 0; i < total; i++)
		c->added_starts[file_project(c, c->file_count + i) + 2]++;
	for (uint64_t p = 2; p < c->project_count + 2; p++)
		c->added_starts[p] += c->added_starts[p - 1];
	for (uint64_t i = 0; i < total; i++) {
		uint64_t p = file_project(c, c->file_count + i);

		c->added_order[c->added_starts[p + 1]++] = c->file_count + i;
	}
}

static char *put(char *out, const char *text)
{
	size_t bytes = strlen(text);

	memcpy(out, text, bytes);
	return out + bytes;
}

static char *put_number(char *out, uint64_t value)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		*out++ = digits[--count];
	return out;
}

/* count hex digits drawn from (what, index, salt). */
static char *put_hex(const struct corpus *c, char *out, enum draw what, uint64_t index,
                     uint64_t salt, size_t count)
{
	for (size_t i = 0; i < count; i += 16) {
		uint64_t word = draw(c, what, index, salt * 16 + i / 16);

		for (size_t j = i; j < i + 16 && j < count; j++, word >>= 4)
			*out++ = "0123456789abcdef"[word & 15];
	}
	return out;
}

static char *put_project(const struct corpus *c, char *out, uint64_t p, char join)
{
	static const char *const words[] = {
	    "aero",  "async",  "auth",   "blue",    "cache",  "cloud",  "core",   "data",
	    "delta", "django", "fast",   "flask",   "forge",  "graph",  "helper", "http",
	    "image", "json",   "kit",    "lambda",  "learn",  "linux",  "magic",  "matrix",
	    "micro", "model",  "nano",   "numeric", "open",   "parse",  "pipe",   "plot",
	    "proto", "pulse",  "query",  "quick",   "rapid",  "redis",  "rest",   "robot",
	    "scale", "schema", "serve",  "shell",   "simple", "smart",  "socket", "spark",
	    "stack", "storm",  "stream", "sync",    "table",  "tensor", "text",   "tiny",
	    "token", "tools",  "torch",  "typed",   "ultra",  "utils",  "vector", "web",
	};
	uint64_t word = draw(c, DRAW_NAME, p, 0);
	size_t count = 1 + (word >> 60) % 3;

	for (size_t i = 0; i < count; i++, word >>= 6) {
		out = put(out, words[word & 63]);
		*out++ = join;
	}
	return put_number(out, p); /* keeps names apart */
}

/* Writes the target path of distribution file index, NUL-terminated; returns its length. */
static size_t file_path(const struct corpus *c, uint64_t index, char path[CORPUS_PATH_MAX])
{
	static const char *const tails[] = {
	    "-py3-none-any.whl",
	    "-py3-none-any.whl",
	    "-py2.py3-none-any.whl",
	    ".tar.gz",
	    ".tar.gz",
	    "-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
	    "-cp312-cp312-win_amd64.whl",
	    "-cp310-cp310-macosx_11_0_arm64.whl",
	};
	uint64_t version = draw(c, DRAW_VERSION, index, 0);
	char hex[64], *out = path;

	put_hex(c, hex, DRAW_FOLDER, index, 0, 64);
	out = put(out, "packages/");
	for (size_t i = 0; i < 64; i++) {
		*out++ = hex[i];
		if (i == 1 || i == 3)
			*out++ = '/';
	}
	*out++ = '/';
	out = put_project(c, out, file_project(c, index), '_');
	*out++ = '-';
	out = put_number(out, version % 10);
	*out++ = '.';
	out = put_number(out, (version >> 8) % 30);
	*out++ = '.';
	out = put_number(out, (version >> 16) % 12);
	out = put(out, tails[draw(c, DRAW_KIND, index, 0) % 8]);
	*out = 0;
	return (size_t)(out - path);
}

/* Makes the folders above path. */
static void make_parents(const struct corpus *c, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(c->folder_fd, path, 0755) && errno != EEXIST)
			die("%s: cannot make the folder: %s", path, strerror(errno));
		*slash = '/';
	}
}

static int create_file(const struct corpus *c, char *path)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd = openat(c->folder_fd, path, flags, 0644);

	if (fd < 0 && errno == ENOENT) {
		make_parents(c, path);
		fd = openat(c->folder_fd, path, flags, 0644);
	}
	if (fd < 0)
		die("%s: cannot create: %s", path, strerror(errno));
	return fd;
}

static void write_all(int fd, const void *bytes, size_t count, const char *subject)
{
	const char *p = bytes;

	while (count) {
		ssize_t n = write(fd, p, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("%s: cannot write: %s", subject, strerror(errno));
		p += n;
		count -= (size_t)n;
	}
}

/* Content: a line that only this file has, then slices of noise from drawn offsets. */
static void write_file(struct corpus *c, uint64_t index)
{
	char path[CORPUS_PATH_MAX], head[96];
	uint64_t bytes = file_bytes(c, index), left = bytes;
	int head_bytes, fd;

	file_path(c, index, path);
	fd = create_file(c, path);
	head_bytes = snprintf(head, sizeof head, "stampede corpus, seed %llu, file %llu\n",
	                      (unsigned long long)c->seed, (unsigned long long)index);
	if ((uint64_t)head_bytes > left)
		head_bytes = (int)left;
	write_all(fd, head, (size_t)head_bytes, path);
	left -= (uint64_t)head_bytes;
	for (uint64_t n = 0; left; n++) {
		size_t from = draw(c, DRAW_CONTENT, index, n) % (CORPUS_NOISE_BYTES / 2);
		size_t count = CORPUS_NOISE_BYTES - from;

		if (count > left)
			count = (size_t)left;
		write_all(fd, c->noise + from, count, path);
		left -= count;
	}
	if (close(fd))
		die("%s: cannot write: %s", path, strerror(errno));
	atomic_fetch_add_explicit(&c->bytes_written, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->files_written, 1, memory_order_relaxed);
}

static void remove_file(struct corpus *c, uint64_t index)
{
	char path[CORPUS_PATH_MAX];

	file_path(c, index, path);
	if (unlinkat(c->folder_fd, path, 0)) {
		if (errno == ENOENT)
			die("%s: not there: make round %u with the same options first", path,
			    c->round - 1);
		die("%s: cannot remove: %s", path, strerror(errno));
	}
	*strrchr(path, '/') = 0;
	unlinkat(c->folder_fd, path, AT_REMOVEDIR);
	atomic_fetch_add_explicit(&c->files_removed, 1, memory_order_relaxed);
}

/* One <a> line of an index page, if the file is there in this round. */
static void page_line(const struct corpus *c, FILE *page, uint64_t index)
{
	char path[CORPUS_PATH_MAX];

	if (death_round(c, index, c->round))
		return;
	file_path(c, index, path);
	fprintf(page, "<a href=\"../../%s\">%s</a><br>\n", path, strrchr(path, '/') + 1);
}

static void write_page(struct corpus *c, uint64_t p)
{
	char path[CORPUS_PATH_MAX] = "simple/", name[128], *text = NULL;
	size_t text_bytes = 0;
	unsigned edition = 0;
	FILE *page = open_memstream(&text, &text_bytes);
	int fd;

	if (!page)
		die("out of memory");
	*put_project(c, name, p, '-') = 0;
	for (unsigned r = 1; r <= c->round; r++)
		edition += (unsigned)chance(c, DRAW_CHANGE, p, r, c->change);
	fprintf(page, "<!DOCTYPE html>\n<html><head><title>Links for %s</title></head>\n<body>\n",
	        name);
	fprintf(page, "<h1>Links for %s</h1>\n<!-- edition %u -->\n", name, edition);
	for (uint64_t i = c->starts[p]; i < c->starts[p + 1]; i++)
		page_line(c, page, i);
	for (uint64_t i = c->added_starts[p]; i < c->added_starts[p + 1]; i++)
		page_line(c, page, c->added_order[i]);
	fputs("</body></html>\n", page);
	if (fclose(page))
		die("out of memory");
	strcat(strcat(path, name), "/index.html");
	fd = create_file(c, path);
	write_all(fd, text, text_bytes, path);
	if (close(fd))
		die("%s: cannot write: %s", path, strerror(errno));
	free(text);
	atomic_fetch_add_explicit(&c->bytes_written, text_bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->files_written, 1, memory_order_relaxed);
}

/* Whether page p of round differs from that of the round before. */
static int page_moves(const struct corpus *c, uint64_t p)
{
	if (chance(c, DRAW_CHANGE, p, c->round, c->change))
		return 1;
	for (uint64_t i = c->starts[p]; i < c->starts[p + 1]; i++)
		if (death_round(c, i, c->round) == c->round)
			return 1;
	for (uint64_t i = c->added_starts[p]; i < c->added_starts[p + 1]; i++) {
		uint64_t index = c->added_order[i];

		if (birth_round(c, index) == c->round ||
		    death_round(c, index, c->round) == c->round)
			return 1;
	}
	return 0;
}

/* Work item n: first all files that may exist, then all pages. */
static void do_item(struct corpus *c, uint64_t n, uint64_t files)
{
	if (n >= files) {
		if (c->with_pages && (c->round == 0 || page_moves(c, n - files)))
			write_page(c, n - files);
	} else if (c->round == 0 || birth_round(c, n) == c->round) {
		write_file(c, n);
	} else if (death_round(c, n, c->round) == c->round) {
		remove_file(c, n);
	}
}

static void *tree_worker(void *ctx)
{
	struct corpus *c = ctx;
	uint64_t files = c->file_count + added_before(c, c->round);
	uint64_t items = files + c->project_count;

	for (;;) {
		uint64_t first = atomic_fetch_add_explicit(&c->next, 16, memory_order_relaxed);

		if (first >= items)
			return NULL;
		for (uint64_t n = first; n < first + 16 && n < items; n++)
			do_item(c, n, files);
	}
}

/* One row of the digest list; --change gives the row a new digest. */
static char *put_row(const struct corpus *c, char *out, uint64_t index)
{
	char path[CORPUS_PATH_MAX];
	int ndjson = c->list == LIST_NDJSON;
	uint64_t edition = 0;

	file_path(c, index, path);
	for (unsigned r = birth_round(c, index) + 1; r <= c->round; r++)
		edition += (uint64_t)chance(c, DRAW_CHANGE, index, r, c->change);
	out = put(out, ndjson ? "{\"path\":\"" : "");
	out = put(out, path);
	out = put(out, ndjson ? "\",\"length\":" : ",");
	out = put_number(out, file_bytes(c, index));
	for (size_t a = 0; a < 3; a++) {
		if (!(c->algorithm_set & 1u << a))
			continue;
		out = put(out, ndjson ? ",\"" : ",");
		out = put(out, ndjson ? algorithms[a].name : "");
		out = put(out, ndjson ? "\":\"" : "");
		out = put_hex(c, out, DRAW_DIGEST, index, edition * 3 + a, 2 * algorithms[a].bytes);
		out = put(out, ndjson ? "\"" : "");
	}
	return put(out, ndjson ? "}\n" : "\n");
}

/* Rows are made in parallel and written in turn, so that the list is the same for any --jobs. */
static void *list_worker(void *ctx)
{
	struct corpus *c = ctx;
	uint64_t rows = c->file_count + added_before(c, c->round);
	char *text = malloc(CORPUS_LIST_BYTES);

	if (!text)
		die("out of memory");
	for (;;) {
		uint64_t claim = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed);
		uint64_t first = claim * CORPUS_ROWS_PER_CLAIM, written = 0;
		char *out = text;

		if (first >= rows)
			break;
		for (uint64_t i = first; i < first + CORPUS_ROWS_PER_CLAIM && i < rows; i++) {
			if (death_round(c, i, c->round))
				continue;
			out = put_row(c, out, i);
			written++;
		}
		pthread_mutex_lock(&c->turn_lock);
		while (c->turn != claim)
			pthread_cond_wait(&c->turn_changed, &c->turn_lock);
		write_all(c->out_fd, text, (size_t)(out - text), "digest list");
		c->turn++;
		pthread_cond_broadcast(&c->turn_changed);
		pthread_mutex_unlock(&c->turn_lock);
		atomic_fetch_add(&c->bytes_written, (uint64_t)(out - text));
		atomic_fetch_add(&c->files_written, written);
	}
	free(text);
	return NULL;
}

static void run_workers(struct corpus *c, void *(*worker)(void *))
{
	pthread_t threads[CORPUS_JOBS_MAX];

	for (size_t i = 0; i < c->jobs; i++)
		if (pthread_create(&threads[i], NULL, worker, c))
			die("cannot start a thread");
	for (size_t i = 0; i < c->jobs; i++)
		pthread_join(threads[i], NULL);
}

static void make_list(struct corpus *c)
{
	char head[128] = "path,length";

	for (size_t a = 0; a < 3; a++)
		if (c->algorithm_set & 1u << a)
			strcat(strcat(head, ","), algorithms[a].name);
	strcat(head, "\n");
	if (c->list == LIST_CSV)
		write_all(c->out_fd, head, strlen(head), "digest list");
	run_workers(c, list_worker);
}

static void make_tree(struct corpus *c, const char *folder)
{
	uint64_t word = mix(c->seed);

	if (mkdir(folder, 0755) && errno != EEXIST)
		die("%s: cannot make the folder: %s", folder, strerror(errno));
	c->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder_fd < 0)
		die("%s: cannot open: %s", folder, strerror(errno));
	c->noise = malloc(CORPUS_NOISE_BYTES);
	if (!c->noise)
		die("out of memory");
	for (size_t i = 0; i < CORPUS_NOISE_BYTES; i += 8) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		for (size_t j = 0; j < 8; j++)
			c->noise[i + j] = (uint8_t)(word >> (8 * j));
	}
	run_workers(c, tree_worker);
}

static const char usage[] =
    "usage: stampede-corpus [options] DIR\n"
    "       stampede-corpus --digest-list csv|ndjson [options] [--output FILE]\n"
    "\n"
    "  --count N          files in all, index pages included (default 2000); rows of a list\n"
    "  --seed S           another index, just as reproducible (default 1)\n"
    "  --sizes LAW        pypi (log-normal, mean 290 KB), small (1-16 KiB), huge (64 MiB-1 GiB)\n"
    "                     or a number of bytes (default pypi)\n"
    "  --no-simple        no simple/PROJECT/index.html pages\n"
    "  --round R          take the index of round R-1 in DIR to round R (default 0: make it);\n"
    "                     a list is printed as of round R\n"
    "  --add P            percent of files added in each round\n"
    "  --remove P         percent of files removed in each round\n"
    "  --change P         percent of index pages (of a list: of rows) changed in each round\n"
    "  --algorithm A,B    digests of a list: sha256, sha512, blake2b-256 (default sha256)\n"
    "  --jobs N           threads (default: 2 per processor, at most 64)\n";

static uint64_t number(const char *text, const char *option, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > max) {
		fprintf(stderr, "stampede-corpus: %s: %s: not a number up to %llu\n", option, text,
		        (unsigned long long)max);
		exit(2);
	}
	return value;
}

static double percent(const char *text, const char *option)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 100)) {
		fprintf(stderr, "stampede-corpus: %s: %s: not a percentage\n", option, text);
		exit(2);
	}
	return value;
}

static void parse_sizes(struct corpus *c, const char *text)
{
	if (!strcmp(text, "pypi"))
		c->law = LAW_PYPI;
	else if (!strcmp(text, "small"))
		c->law = LAW_SMALL;
	else if (!strcmp(text, "huge"))
		c->law = LAW_HUGE;
	else {
		c->law = LAW_FIXED;
		c->fixed_bytes = number(text, "--sizes", UINT64_C(1) << 44);
	}
}

static void parse_algorithms(struct corpus *c, const char *text)
{
	char copy[64], *save = NULL;

	snprintf(copy, sizeof copy, "%s", text);
	c->algorithm_set = 0;
	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		size_t a = 0;

		while (a < 3 && strcmp(algorithms[a].name, name) != 0)
			a++;
		if (a == 3) {
			fprintf(stderr, "stampede-corpus: --algorithm: %s: not known\n", name);
			exit(2);
		}
		c->algorithm_set |= 1u << a;
	}
}

static void parse_list(struct corpus *c, const char *text)
{
	if (strcmp(text, "csv") != 0 && strcmp(text, "ndjson") != 0) {
		fprintf(stderr, "stampede-corpus: --digest-list: %s: csv or ndjson\n", text);
		exit(2);
	}
	c->list = strcmp(text, "csv") == 0 ? LIST_CSV : LIST_NDJSON;
	c->with_pages = 0;
}

/* Reads the options; returns the output file's name or NULL. */
static const char *parse(struct corpus *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"count", 1, 0, 'n'},       {"seed", 1, 0, 's'},   {"sizes", 1, 0, 'z'},
	    {"no-simple", 0, 0, 'P'},   {"round", 1, 0, 'r'},  {"add", 1, 0, 'a'},
	    {"remove", 1, 0, 'd'},      {"change", 1, 0, 'c'}, {"algorithm", 1, 0, 'A'},
	    {"digest-list", 1, 0, 'l'}, {"output", 1, 0, 'o'}, {"jobs", 1, 0, 'j'},
	    {"help", 0, 0, 'h'},        {0, 0, 0, 0},
	};
	const char *output = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			c->count = number(optarg, "--count", UINT64_C(1) << 40);
			break;
		case 's':
			c->seed = number(optarg, "--seed", UINT64_MAX);
			break;
		case 'z':
			parse_sizes(c, optarg);
			break;
		case 'P':
			c->with_pages = 0;
			break;
		case 'r':
			c->round = (unsigned)number(optarg, "--round", CORPUS_ROUNDS_MAX);
			break;
		case 'a':
			c->add = percent(optarg, "--add");
			break;
		case 'd':
			c->remove = percent(optarg, "--remove");
			break;
		case 'c':
			c->change = percent(optarg, "--change");
			break;
		case 'A':
			parse_algorithms(c, optarg);
			break;
		case 'l':
			parse_list(c, optarg);
			break;
		case 'o':
			output = optarg;
			break;
		case 'j':
			c->jobs = number(optarg, "--jobs", CORPUS_JOBS_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc - (c->list == LIST_NONE)) {
		fputs(usage, stderr);
		exit(2);
	}
	return output;
}

int main(int argc, char **argv)
{
	struct corpus c = {
	    .seed = 1,
	    .count = 2000,
	    .with_pages = 1,
	    .algorithm_set = 1,
	    .out_fd = 1,
	    .turn_lock = PTHREAD_MUTEX_INITIALIZER,
	    .turn_changed = PTHREAD_COND_INITIALIZER,
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *output = parse(&c, argc, argv);
	struct timespec start, end;

	if (c.jobs == 0)
		c.jobs = cpus < 1 ? 2 : cpus > 32 ? 64 : (size_t)cpus * 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	plan_projects(&c);
	plan_added(&c);
	if (output) {
		c.out_fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (c.out_fd < 0)
			die("%s: cannot create: %s", output, strerror(errno));
	}
	if (c.list != LIST_NONE)
		make_list(&c);
	else
		make_tree(&c, argv[argc - 1]);
	if (output && close(c.out_fd))
		die("%s: cannot write: %s", output, strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &end);
	fprintf(stderr, "stampede-corpus: %llu %s, %.1f MB, %llu removed, in %.1f s\n",
	        (unsigned long long)c.files_written, c.list ? "rows" : "files",
	        (double)c.bytes_written / 1e6, (unsigned long long)c.files_removed,
	        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	free(c.starts);
	free(c.added_order);
	free(c.added_starts);
	free(c.noise);
	return 0;
}
