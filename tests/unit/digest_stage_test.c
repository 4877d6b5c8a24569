/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "digest/queue.h"
#include "digest/stage.h"
#include "hash/hash.h"
#include "read/op.h"
#include "scratch.h"

#define SET (STP_ALG_BIT(STP_ALG_SHA256) | STP_ALG_BIT(STP_ALG_SHA512))

/* Around blocks, pages, chunks (64 KiB) and what a file may have ahead (8 chunks). */
static const size_t sizes[] = {0,      1,      55,      56,      64,     111,    112,
                               127,    128,    129,     4095,    4096,   4097,   65536,
                               131071, 131072, 131073,  262144,  524287, 524288, 524289,
                               655360, 655361, 1048576, 1000000, 3000001};
#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

struct fixture {
	struct scratch scratch;
	struct stp_fault_list faults;
	struct stp_hash_stage_options options;
	struct stp_digest_queue *queue;
	size_t count; /* of records */
	struct stp_record records[512];
	char paths[512][64];
	uint8_t digests[512][96];
	uint64_t lengths[512];
	struct stp_fingerprint fingerprints[512];
	unsigned flags[512];
	size_t done_count;
	size_t done_by[4]; /* worker */
	/* By record: how often it was given, done and failed. */
	unsigned given[512];
	unsigned done[512];
	unsigned failed[512];
	size_t given_count;
	size_t stop_at; /* done() with this many: cancels, or fails */
	int stop_fails;
	struct stp_cancel cancel;
	size_t in_flight; /* when it stopped */
	pthread_mutex_t lock;
	struct stp_err err;
};

static int next(void *ctx, size_t worker_index, struct stp_record *out)
{
	struct fixture *f = ctx;
	const struct stp_digest_item *item = stp_digest_queue_next(f->queue);

	(void)worker_index;
	if (!item)
		return STP_HASH_NEXT_END;
	stp_digest_item_record(item, out);
	out->origin = (uintptr_t)item->extra;
	pthread_mutex_lock(&f->lock);
	f->given[out->origin]++;
	f->given_count++;
	pthread_mutex_unlock(&f->lock);
	return STP_HASH_NEXT_FILE;
}

static void failed(void *ctx, size_t worker_index, const struct stp_record *record)
{
	struct fixture *f = ctx;

	(void)worker_index;
	pthread_mutex_lock(&f->lock);
	f->failed[record->origin]++;
	pthread_mutex_unlock(&f->lock);
}

/* Stops the stage as the test asks. */
static enum stp_errc stop(struct fixture *f, struct stp_err *err)
{
	f->in_flight = f->given_count - f->done_count;
	if (f->stop_fails)
		return STP_FAIL(err, STP_IO, "test", NULL, "no more");
	stp_cancel_set(&f->cancel);
	return STP_OK;
}

static enum stp_errc done(void *ctx, size_t worker_index, const struct stp_record *record,
                          struct stp_err *err)
{
	struct fixture *f = ctx;
	size_t i = record->origin;
	enum stp_errc code = STP_OK;

	pthread_mutex_lock(&f->lock);
	memcpy(f->digests[i], record->digests, 96);
	f->lengths[i] = record->length;
	f->fingerprints[i] = record->fingerprint;
	f->flags[i] = record->flags;
	f->done_count++;
	f->done_by[worker_index]++;
	f->done[i]++;
	if (f->done_count == f->stop_at)
		code = stop(f, err);
	pthread_mutex_unlock(&f->lock);
	return code;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_init(&f->scratch);
	stp_fault_list_init(&f->faults);
	pthread_mutex_init(&f->lock, NULL);
	f->options.root_fd = f->scratch.fd;
	f->options.hash_set = SET;
	f->options.features = stp_cpu_features();
	f->options.racy_after_ns = INT64_MAX;
	f->options.verified_at = 1234;
	f->options.faults = &f->faults;
	f->options.failed = failed;
	assert_int_equal(stp_digest_queue_create(1, &f->queue, &f->err), STP_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stp_read_opened_hook = NULL;
	unsetenv("STAMPEDE_SHORT_READS");
	stp_fault_list_release(&f->faults);
	stp_digest_queue_destroy(f->queue);
	scratch_release(&f->scratch);
	free(f);
	return 0;
}

static void add(struct fixture *f, const char *path, uint64_t expected_length)
{
	size_t i = f->count++;

	snprintf(f->paths[i], sizeof(f->paths[i]), "%s", path);
	f->records[i].path = f->paths[i];
	f->records[i].path_bytes = (uint16_t)strlen(path);
	f->records[i].length = expected_length;
	f->records[i].origin = i;
}

/* All records in the queue again. */
static void fill_queue(struct fixture *f)
{
	struct stp_digest_item *item;
	uint64_t bytes;
	size_t count;
	unsigned group;
	size_t i;

	stp_digest_queue_reset(f->queue);
	for (i = 0; i < f->count; i++) {
		assert_int_equal(stp_digest_queue_put(f->queue, 0, &f->records[i], 0, 0, &item,
		                                      &f->err),
		                 STP_OK);
		item->extra = (void *)(uintptr_t)i;
	}
	assert_int_equal(stp_digest_queue_gather(f->queue, &count, &bytes, &f->err), STP_OK);
	(void)stp_digest_queue_next_group(f->queue, &group);
}

static enum stp_errc run(struct fixture *f, size_t jobs, enum stp_io_mode mode)
{
	memset(f->digests, 0, sizeof(f->digests));
	memset(f->done_by, 0, sizeof(f->done_by));
	memset(f->given, 0, sizeof(f->given));
	memset(f->done, 0, sizeof(f->done));
	memset(f->failed, 0, sizeof(f->failed));
	f->done_count = 0;
	f->given_count = 0;
	fill_queue(f);
	f->options.jobs = jobs;
	if (stp_read_choose(mode, &f->options.io, NULL) != STP_OK)
		return STP_BUSY; /* no io_uring here */
	f->err.code = STP_OK;
	return stp_hash_stage_run(&f->options, next, done, f, &f->err);
}

/* Whether record i has the digests of its file as read here. */
static void assert_right(struct fixture *f, size_t i)
{
	uint8_t digest[64];
	uint8_t *bytes;
	struct stat st;
	int fd = openat(f->scratch.fd, f->paths[i], O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	assert_int_equal(f->lengths[i], st.st_size);
	assert_int_equal(f->fingerprints[i].ino, st.st_ino);
	assert_int_equal(f->flags[i], STP_RECORD_FILE | STP_RECORD_DIGESTS);
	stp_hash_one(STP_ALG_SHA256, bytes, (size_t)st.st_size, digest);
	assert_memory_equal(f->digests[i], digest, 32);
	stp_hash_one(STP_ALG_SHA512, bytes, (size_t)st.st_size, digest);
	assert_memory_equal(f->digests[i] + 32, digest, 64);
	free(bytes);
}

static void make_sizes(struct fixture *f, size_t rounds)
{
	char name[32];
	size_t i;

	for (i = 0; i < rounds * SIZE_COUNT; i++) {
		snprintf(name, sizeof(name), "d%zu/f%zu", i % 3, i);
		scratch_noise(&f->scratch, name, sizes[i % SIZE_COUNT], (unsigned)i);
		add(f, name, sizes[i % SIZE_COUNT]);
	}
}

static void assert_all_right(struct fixture *f)
{
	size_t i;

	assert_int_equal(f->done_count, f->count);
	assert_int_equal(f->faults.total, 0);
	for (i = 0; i < f->count; i++)
		assert_right(f, i);
}

static void each_way(struct fixture *f, void (*check)(struct fixture *f))
{
	static const size_t jobs[] = {0, 1, 2, 3};
	size_t i;

	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		assert_int_equal(run(f, jobs[i], STP_IO_MODE_PREAD), STP_OK);
		check(f);
		if (jobs[i] == 0)
			continue;
		if (run(f, jobs[i], STP_IO_MODE_URING) == STP_OK)
			check(f);
		else
			assert_int_not_equal(f->err.code, STP_OK);
	}
}

static void test_digest_stage__every_way_gives_the_same(void **state)
{
	struct fixture *f = *state;

	make_sizes(f, 4);
	each_way(f, assert_all_right);
}

static void test_digest_stage__short_reads_change_nothing(void **state)
{
	struct fixture *f = *state;

	make_sizes(f, 1);
	setenv("STAMPEDE_SHORT_READS", "4097", 1);
	each_way(f, assert_all_right);
	setenv("STAMPEDE_SHORT_READS", "65536", 1);
	each_way(f, assert_all_right);
}

/* Large files that are not in the page cache are read past it. */
static void test_digest_stage__cold_large_files_give_the_same(void **state)
{
	static const size_t large[] = {1048576, 1048577, 1052672, 1500000, 4000000, 9000001};
	struct fixture *f = *state;
	char name[32];
	size_t i;
	size_t round;

	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		snprintf(name, sizeof(name), "large%zu", i);
		scratch_noise(&f->scratch, name, large[i], (unsigned)i);
		add(f, name, large[i]);
	}
	for (round = 0; round < 6; round++) {
		if (round >= 4)
			setenv("STAMPEDE_SHORT_READS", round == 4 ? "5000" : "8192", 1);
		for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
			int fd = openat(f->scratch.fd, f->paths[i], O_RDONLY | O_CLOEXEC);

			assert_int_equal(fsync(fd), 0);
			assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
			close(fd);
		}
		assert_int_equal(run(f, 2, round % 2 ? STP_IO_MODE_PREAD : STP_IO_MODE_AUTO),
		                 STP_OK);
		assert_all_right(f);
	}
}

static void test_digest_stage__large_files_are_shared_out(void **state)
{
	static const enum stp_io_mode modes[] = {STP_IO_MODE_PREAD, STP_IO_MODE_AUTO};
	struct fixture *f = *state;
	char name[32];
	size_t i;

	/* Few enough that one reader can hold all of them. */
	for (i = 0; i < 48; i++) {
		snprintf(name, sizeof(name), "large%zu", i);
		scratch_noise(&f->scratch, name, 1048576, (unsigned)i);
		add(f, name, 1048576);
	}
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int tries = 0;

		/* On a busy machine one worker may not get a processor until all is done. */
		do {
			assert_int_equal(run(f, 2, modes[i]), STP_OK);
			assert_all_right(f);
		} while ((f->done_by[0] == 0 || f->done_by[0] == 48) && ++tries < 10);
		assert_in_range(f->done_by[0], 1, 47);
	}
}

static void test_digest_stage__a_wrong_expectation_does_no_harm(void **state)
{
	struct fixture *f = *state;

	scratch_noise(&f->scratch, "grown", 700000, 1);
	scratch_noise(&f->scratch, "shrunk", 10, 2);
	add(f, "grown", 10);
	add(f, "shrunk", 700000);
	each_way(f, assert_all_right);
}

/* --- what is shown while it runs ------------------------------------------------------------- */

struct watcher {
	struct stp_progress *progress;
	pthread_t thread;
	atomic_int stop;
	uint64_t lanes_total_max, lanes_busy_max, bytes_before_end;
};

static void *watch(void *ctx)
{
	struct watcher *watcher = ctx;
	struct stp_progress_view view;

	while (!atomic_load(&watcher->stop)) {
		stp_progress_read(watcher->progress, &view);
		if (view.lanes_total > watcher->lanes_total_max)
			watcher->lanes_total_max = view.lanes_total;
		if (view.lanes_busy > watcher->lanes_busy_max)
			watcher->lanes_busy_max = view.lanes_busy;
		if (view.items_done == 0)
			watcher->bytes_before_end = view.bytes_done;
	}
	return NULL;
}

/* Runs while a thread reads the progress all the time. */
static void run_watched(struct fixture *f, size_t jobs, struct watcher *watcher,
                        struct stp_progress_view *out_after)
{
	memset(watcher, 0, sizeof(*watcher));
	watcher->progress = f->options.shown = stp_progress_create();
	stp_progress_stage(watcher->progress, "hash", f->count, 0);
	assert_int_equal(pthread_create(&watcher->thread, NULL, watch, watcher), 0);
	assert_int_equal(run(f, jobs, STP_IO_MODE_PREAD), STP_OK);
	atomic_store(&watcher->stop, 1);
	pthread_join(watcher->thread, NULL);
	stp_progress_read(watcher->progress, out_after);
	stp_progress_destroy(watcher->progress);
	f->options.shown = NULL;
}

static size_t slot_count(const struct fixture *f)
{
	struct stp_hasher *hasher;
	size_t count;

	assert_int_equal(
	    stp_hasher_create(f->options.hash_set, f->options.features, 1, &hasher, NULL), STP_OK);
	count = stp_hasher_slot_count(hasher);
	stp_hasher_destroy(hasher);
	return count;
}

static void test_digest_stage__shows_how_many_lanes_hash(void **state)
{
	struct fixture *f = *state;
	struct stp_progress_view after;
	struct watcher watcher;
	char name[32];
	size_t lanes;
	size_t tries;
	size_t i;

	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "f%zu", i);
		scratch_noise(&f->scratch, name, 1048576, (unsigned)i);
		add(f, name, 1048576);
	}
	lanes = slot_count(f);
	/* The reading thread may get no processor in time: then try again. */
	for (tries = 0; tries < 50; tries++) {
		run_watched(f, 2, &watcher, &after);
		if (watcher.lanes_busy_max == 2 * lanes)
			break;
	}
	assert_int_equal(watcher.lanes_total_max, 2 * lanes);
	assert_int_equal(watcher.lanes_busy_max, 2 * lanes);
	assert_int_equal(after.lanes_total, 0);
	assert_int_equal(after.lanes_busy, 0);
	/* One file has one lane, however many there are. */
	f->count = 1;
	for (tries = 0; tries < 50; tries++) {
		run_watched(f, 1, &watcher, &after);
		assert_in_range(watcher.lanes_busy_max, 0, 1);
		if (watcher.lanes_busy_max)
			break;
	}
	assert_int_equal(watcher.lanes_busy_max, 1);
}

static void test_digest_stage__shows_bytes_within_a_file(void **state)
{
	static const size_t jobs[] = {0, 1};
	struct fixture *f = *state;
	struct stp_progress_view after;
	struct watcher watcher;
	size_t i;
	size_t tries;

	scratch_noise(&f->scratch, "large", 8 << 20, 1);
	add(f, "large", 8 << 20);
	for (i = 0; i < 2; i++) {
		for (tries = 0; tries < 50; tries++) {
			run_watched(f, jobs[i], &watcher, &after);
			if (watcher.bytes_before_end)
				break;
		}
		assert_in_range(watcher.bytes_before_end, 1, 8 << 20);
		assert_int_equal(after.items_done, 1);
		assert_int_equal(after.bytes_done, 8 << 20);
	}
}

static int hook_fd;
static unsigned hook_calls;
static unsigned hook_limit;

static void hook_change(const char *path)
{
	int fd;

	if (hook_calls++ >= hook_limit)
		return;
	fd = openat(hook_fd, path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "new", 3, 0), 3);
	close(fd);
}

static void hook_grow(const char *path)
{
	int fd = openat(hook_fd, path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
}

static void hook_truncate(const char *path)
{
	int fd;

	if (hook_calls++ >= hook_limit)
		return;
	fd = openat(hook_fd, path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 100000), 0);
	close(fd);
}

static void hook_replace(const char *path)
{
	struct scratch scratch = {.fd = hook_fd};

	if (hook_calls++ >= hook_limit)
		return;
	scratch_noise(&scratch, "other", 5000, 9);
	assert_int_equal(renameat(hook_fd, "other", hook_fd, path), 0);
}

/* Its name becomes a link to bytes of an attacker's choice, while its first bytes are read. */
static void hook_link(const char *path)
{
	if (hook_calls++ >= hook_limit)
		return;
	assert_int_equal(unlinkat(hook_fd, path, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", hook_fd, path), 0);
}

static void hook_vanish(const char *path)
{
	if (hook_calls++ >= hook_limit)
		return;
	assert_int_equal(unlinkat(hook_fd, path, 0), 0);
}

/* The file that was opened becomes a terabyte long; who opens the name again finds a small one. */
static void hook_grow_far(const char *path)
{
	struct scratch scratch = {.fd = hook_fd};
	int fd = openat(hook_fd, path, O_WRONLY | O_CLOEXEC);

	hook_calls++;
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	scratch_noise(&scratch, "other", 300000, 9);
	assert_int_equal(renameat(hook_fd, "other", hook_fd, path), 0);
}

static void prepare_change(struct fixture *f, void (*hook)(const char *), unsigned limit)
{
	hook_fd = f->scratch.fd;
	hook_calls = 0;
	hook_limit = limit;
	stp_read_opened_hook = NULL;
	f->count = 0;
	unlinkat(f->scratch.fd, "file", 0);
	scratch_noise(&f->scratch, "file", 300000, 1);
	add(f, "file", 300000);
	stp_read_opened_hook = hook;
}

struct way {
	size_t jobs;
	enum stp_io_mode mode;
};

static const struct way ways[] = {
    {0, STP_IO_MODE_PREAD}, {1, STP_IO_MODE_PREAD}, {1, STP_IO_MODE_AUTO}};

static void test_digest_stage__a_file_that_changed_is_read_again(void **state)
{
	static void (*const hooks[])(const char *) = {hook_change, hook_truncate, hook_replace};
	struct fixture *f = *state;
	size_t i;
	size_t k;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (k = 0; k < sizeof(hooks) / sizeof(hooks[0]); k++) {
			prepare_change(f, hooks[k], 1);
			assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
			assert_all_right(f);
		}
	}
}

static void test_digest_stage__shows_the_bytes_of_a_file_once(void **state)
{
	static const size_t jobs[] = {0, 1};
	struct fixture *f = *state;
	struct stp_progress_view after;
	struct watcher watcher;
	size_t i;

	for (i = 0; i < 2; i++) {
		prepare_change(f, hook_change, 2);
		run_watched(f, jobs[i], &watcher, &after);
		assert_int_equal(hook_calls, 3);
		assert_int_equal(after.items_done, 1);
		assert_int_equal(after.bytes_done, 300000);
	}
}

static void test_digest_stage__a_file_that_keeps_changing_is_a_fault(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		prepare_change(f, hook_grow, 0);
		assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
		assert_int_equal(f->done_count, 0);
		assert_int_equal(f->faults.total, i + 1);
		assert_int_equal(f->faults.items[i].code, STP_CHANGED);
		assert_string_equal(f->faults.items[i].subject, "file");
	}
	/* once, and three times again, each 4 bytes more */
	assert_non_null(strstr(f->faults.items[1].text, "(300012 → 300016 bytes)"));
}

/* Not one of the four tries follows the file to where it ends now. */
static void test_digest_stage__a_file_that_grows_without_end_is_not_followed(void **state)
{
	struct fixture *f = *state;
	uint64_t began = stp_clock_monotonic_ns();
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		prepare_change(f, hook_grow_far, 0);
		assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
		assert_int_equal(hook_calls, 4);
		assert_int_equal(f->done_count, 0);
		assert_int_equal(f->faults.total, i + 1);
		assert_int_equal(f->faults.items[i].code, STP_CHANGED);
	}
	assert_true(stp_clock_monotonic_ns() - began < UINT64_C(60000000000));
}

static void test_digest_stage__an_exact_length_is_looked_at_before_reading(void **state)
{
	struct fixture *f = *state;
	uint64_t began = stp_clock_monotonic_ns();
	size_t i;
	int fd;

	scratch_noise(&f->scratch, "right", 300000, 1);
	scratch_noise(&f->scratch, "other", 300000, 2);
	fd = openat(f->scratch.fd, "other", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	add(f, "right", 300000);
	add(f, "other", 300000);
	f->options.exact_length = 1;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
		assert_int_equal(f->done_count, 1);
		assert_right(f, 0);
		assert_int_equal(f->faults.total, i + 1);
		assert_int_equal(f->faults.items[i].code, STP_CHANGED);
		assert_string_equal(f->faults.items[i].text, "has 1099511627776 bytes, not 300000");
	}
	assert_true(stp_clock_monotonic_ns() - began < UINT64_C(60000000000));
}

static void test_digest_stage__a_file_that_becomes_a_link_or_goes_is_a_fault(void **state)
{
	static void (*const hooks[])(const char *) = {hook_link, hook_vanish};
	static const enum stp_errc codes[][2] = {{STP_IO, STP_FORMAT}, {STP_CHANGED, STP_CHANGED}};
	struct fixture *f = *state;
	size_t total = 0;
	size_t i;
	size_t k;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (k = 0; k < sizeof(hooks) / sizeof(hooks[0]); k++) {
			enum stp_errc code;

			prepare_change(f, hooks[k], 1);
			assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
			assert_int_equal(f->done_count, 0);
			assert_int_equal(f->faults.total, total + 1);
			code = f->faults.items[total].code;
			assert_true(code == codes[k][0] || code == codes[k][1]);
			assert_string_equal(f->faults.items[total].subject, "file");
			total++;
		}
	}
}

static void test_digest_stage__what_is_no_file_is_a_fault(void **state)
{
	struct fixture *f = *state;
	size_t i;

	scratch_file(&f->scratch, "good", "x", 1);
	assert_int_equal(symlinkat("good", f->scratch.fd, "link"), 0);
	assert_int_equal(symlinkat("/etc", f->scratch.fd, "etc"), 0);
	assert_int_equal(mkfifoat(f->scratch.fd, "fifo", 0644), 0);
	add(f, "good", 1);
	add(f, "link", 1);
	add(f, "etc/passwd", 1);
	add(f, "fifo", 0);
	add(f, "gone", 1);
	add(f, ".", 1);
	add(f, "../x", 1);
	add(f, "/etc/passwd", 1);
	add(f, "good/x", 1);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_OK);
		assert_int_equal(f->done_count, 1);
		assert_right(f, 0);
		assert_int_equal(f->faults.total, (i + 1) * 8);
	}
}

/* In a process of its own: a hard limit cannot be raised again. */
static int run_with_few_descriptors(struct fixture *f)
{
	struct rlimit few = {24, 24};
	size_t i;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 1;
	for (i = 1; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (run(f, ways[i].jobs, ways[i].mode) != STP_OK || f->faults.total != 0 ||
		    f->done_count != f->count)
			return 2;
	}
	return 0;
}

static void test_digest_stage__few_descriptors_only_slow_it_down(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	make_sizes(f, 4);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run_with_few_descriptors(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_digest_stage__marks_what_changed_too_lately(void **state)
{
	struct fixture *f = *state;

	scratch_file(&f->scratch, "x", "x", 1);
	add(f, "x", 1);
	f->options.racy_after_ns = 1;
	assert_int_equal(run(f, 1, STP_IO_MODE_AUTO), STP_OK);
	assert_true(f->flags[0] & STP_RECORD_RACY);
	assert_int_equal(run(f, 0, STP_IO_MODE_AUTO), STP_OK);
	assert_true(f->flags[0] & STP_RECORD_RACY);
}

static void test_digest_stage__a_cancelled_stage_says_so(void **state)
{
	static struct stp_cancel cancel;
	struct fixture *f = *state;
	size_t i;

	make_sizes(f, 1);
	stp_cancel_set(&cancel);
	f->options.cancel = &cancel;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_equal(run(f, ways[i].jobs, ways[i].mode), STP_CANCELLED);
}

static size_t descriptor_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Every record that was given came back once, and only once. */
static void assert_all_back(const struct fixture *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		assert_in_range(f->given[i], 0, 1);
		assert_int_equal(f->done[i] + f->failed[i], f->given[i]);
	}
}

static void test_digest_stage__every_record_comes_back_once(void **state)
{
	struct fixture *f = *state;

	make_sizes(f, 2);
	add(f, "gone", 1);
	assert_int_equal(mkdirat(f->scratch.fd, "folder", 0700), 0);
	add(f, "folder", 1);
	each_way(f, (void (*)(struct fixture *))assert_all_back);
	assert_int_equal(f->given_count, f->count);
	assert_int_equal(f->failed[f->count - 1], 1);
	assert_int_equal(f->failed[f->count - 2], 1);
}

/* What was in flight when the stage ended early is back: descriptors, and records without a fault.
 */
static void stop_in_the_middle(struct fixture *f, size_t jobs, enum stp_io_mode mode)
{
	size_t descriptors = descriptor_count();
	enum stp_errc code;

	atomic_store(&f->cancel.flag, 0);
	f->in_flight = 0;
	code = run(f, jobs, mode);
	if (code == STP_BUSY)
		return;
	assert_int_equal(code, f->stop_fails ? STP_IO : STP_CANCELLED);
	assert_int_equal(descriptor_count(), descriptors);
	assert_int_equal(f->faults.total, 0);
	assert_in_range(f->done_count, f->stop_at, f->count - 1);
	assert_all_back(f);
	if (jobs)
		assert_true(f->in_flight > 32);
}

static void test_digest_stage__a_stage_that_ends_early_gives_all_back(void **state)
{
	static const struct way stops[] = {{0, STP_IO_MODE_PREAD},
	                                   {1, STP_IO_MODE_PREAD},
	                                   {3, STP_IO_MODE_PREAD},
	                                   {1, STP_IO_MODE_URING},
	                                   {3, STP_IO_MODE_URING}};
	struct fixture *f = *state;
	char name[32];
	size_t round;
	size_t i;

	for (i = 0; i < 480; i++) {
		/* Each several chunks, so that buffers, too, are lent when it ends. */
		snprintf(name, sizeof(name), "f%zu", i);
		scratch_noise(&f->scratch, name, i % 8 ? 200000 : 1000, (unsigned)i);
		add(f, name, 200000);
	}
	f->options.cancel = &f->cancel;
	f->stop_at = 20;
	for (round = 0; round < 4; round++) {
		f->stop_fails = round % 2;
		for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
			stop_in_the_middle(f, stops[i].jobs, stops[i].mode);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_digest_stage__every_way_gives_the_same),
	    TEST(test_digest_stage__short_reads_change_nothing),
	    TEST(test_digest_stage__cold_large_files_give_the_same),
	    TEST(test_digest_stage__large_files_are_shared_out),
	    TEST(test_digest_stage__shows_how_many_lanes_hash),
	    TEST(test_digest_stage__shows_bytes_within_a_file),
	    TEST(test_digest_stage__a_wrong_expectation_does_no_harm),
	    TEST(test_digest_stage__a_file_that_changed_is_read_again),
	    TEST(test_digest_stage__shows_the_bytes_of_a_file_once),
	    TEST(test_digest_stage__a_file_that_keeps_changing_is_a_fault),
	    TEST(test_digest_stage__a_file_that_grows_without_end_is_not_followed),
	    TEST(test_digest_stage__an_exact_length_is_looked_at_before_reading),
	    TEST(test_digest_stage__a_file_that_becomes_a_link_or_goes_is_a_fault),
	    TEST(test_digest_stage__what_is_no_file_is_a_fault),
	    TEST(test_digest_stage__few_descriptors_only_slow_it_down),
	    TEST(test_digest_stage__marks_what_changed_too_lately),
	    TEST(test_digest_stage__a_cancelled_stage_says_so),
	    TEST(test_digest_stage__every_record_comes_back_once),
	    TEST(test_digest_stage__a_stage_that_ends_early_gives_all_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
