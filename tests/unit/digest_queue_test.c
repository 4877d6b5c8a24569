/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "digest/queue.h"
#include "read/reader.h"

#define WORKERS    4
#define PER_WORKER 5000
#define PIECE      ((uint64_t)STP_READ_CHUNK_BYTES)

static struct stp_err err = STP_ERR_INIT;

static struct stp_digest_queue *create(size_t worker_count)
{
	struct stp_digest_queue *queue;

	assert_int_equal(stp_digest_queue_create(worker_count, &queue, &err), STP_OK);
	return queue;
}

static struct stp_digest_item *put(struct stp_digest_queue *queue, size_t worker, const char *path,
                                   uint64_t length, uint64_t ino, unsigned group)
{
	struct stp_record record = {
	    .path = path,
	    .path_bytes = (uint16_t)strlen(path),
	    .length = length,
	    .fingerprint.ino = ino,
	};
	struct stp_digest_item *item;

	assert_int_equal(stp_digest_queue_put(queue, worker, &record, group, 0, &item, &err),
	                 STP_OK);
	return item;
}

static size_t gather(struct stp_digest_queue *queue, uint64_t expected_bytes)
{
	uint64_t bytes;
	size_t count;

	assert_int_equal(stp_digest_queue_gather(queue, &count, &bytes, &err), STP_OK);
	assert_int_equal(bytes, expected_bytes);
	return count;
}

/* The paths of the next group, in the order in which they are handed out. */
static void assert_group(struct stp_digest_queue *queue, unsigned group, const char *paths)
{
	const struct stp_digest_item *item;
	char found[256] = "";
	unsigned is;

	assert_true(stp_digest_queue_next_group(queue, &is));
	assert_int_equal(is, group);
	while (!stp_digest_queue_is_used_up(queue)) {
		item = stp_digest_queue_next(queue);
		assert_int_equal(strlen(item->path), item->path_bytes);
		strcat(found, item->path);
		strcat(found, " ");
	}
	assert_null(stp_digest_queue_next(queue));
	assert_null(stp_digest_queue_next(queue));
	assert_string_equal(found, paths);
}

static void test_digest_queue__large_ones_first_then_by_inode(void **state)
{
	struct stp_digest_queue *queue = create(2);
	unsigned group;

	(void)state;
	put(queue, 0, "small9", PIECE - 1, 9, 0);
	put(queue, 1, "small1", 0, 1, 0);
	put(queue, 0, "small5", 100, 5, 0);
	put(queue, 1, "three", 3 * PIECE, 8, 0);
	put(queue, 0, "huge", UINT64_MAX, 7, 0);
	put(queue, 1, "one", PIECE, 6, 0);
	put(queue, 0, "three_too", 4 * PIECE - 1, 2, 0);
	assert_int_equal(gather(queue, INT64_MAX), 7);
	assert_group(queue, 0, "huge three_too three one small1 small5 small9 ");
	assert_false(stp_digest_queue_next_group(queue, &group));
	stp_digest_queue_destroy(queue);
}

static void test_digest_queue__groups_come_one_after_the_other(void **state)
{
	struct stp_digest_queue *queue = create(1);
	unsigned group;

	(void)state;
	put(queue, 0, "b1", 1, 1, 2);
	put(queue, 0, "a2", 1, 2, 0);
	put(queue, 0, "c1", 1, 1, UINT16_MAX);
	put(queue, 0, "a1", 1, 1, 0);
	put(queue, 0, "b_large", 9 * PIECE, 3, 2);
	assert_int_equal(gather(queue, 9 * PIECE + 4), 5);
	assert_group(queue, 0, "a1 a2 ");
	assert_group(queue, 2, "b_large b1 ");
	assert_group(queue, UINT16_MAX, "c1 ");
	assert_false(stp_digest_queue_next_group(queue, &group));
	stp_digest_queue_destroy(queue);
}

static void test_digest_queue__nothing_one_and_again(void **state)
{
	struct stp_digest_queue *queue = create(3);
	size_t round;
	unsigned group;

	(void)state;
	for (round = 0; round < 3; round++) {
		assert_int_equal(gather(queue, 0), 0);
		assert_false(stp_digest_queue_next_group(queue, &group));
		assert_null(stp_digest_queue_next(queue));
		assert_true(stp_digest_queue_is_used_up(queue));
		stp_digest_queue_reset(queue);
		put(queue, 2, "only", 5, 0, 1);
		assert_int_equal(gather(queue, 5), 1);
		assert_string_equal(stp_digest_queue_at(queue, 0)->path, "only");
		assert_group(queue, 1, "only ");
		stp_digest_queue_reset(queue);
		assert_null(stp_digest_queue_next(queue));
	}
	stp_digest_queue_destroy(queue);
}

static void test_digest_queue__what_is_put_is_copied(void **state)
{
	struct stp_digest_queue *queue = create(1);
	char path[5000];
	struct stp_record record = {.path = path, .path_bytes = 4096, .length = 77};
	struct stp_digest_item *item;
	struct stp_record out;
	const uint8_t *extra;
	size_t i;

	(void)state;
	memset(path, 'p', sizeof(path));
	assert_int_equal(stp_digest_queue_put(queue, 0, &record, 0, 1000, &item, &err), STP_OK);
	memset(path, 'q', sizeof(path));
	assert_int_equal((uintptr_t)item->extra % 16, 0);
	extra = item->extra;
	for (i = 0; i < 1000; i++)
		assert_int_equal(extra[i], 0);
	memset(item->extra, 0xff, 1000);
	assert_non_null(stp_digest_queue_alloc(queue, 0, 64));
	assert_int_equal(strspn(item->path, "p"), 4096);
	assert_int_equal(item->path[4096], '\0');
	stp_digest_item_record(item, &out);
	assert_int_equal(out.path_bytes, 4096);
	assert_int_equal(out.length, 77);
	assert_ptr_equal(stp_digest_item_of(&out), item);
	stp_digest_queue_destroy(queue);
}

/* --- many threads ---------------------------------------------------------------------------- */

struct crowd {
	struct stp_digest_queue *queue;
	pthread_t threads[WORKERS];
	atomic_size_t index;
	atomic_uchar taken[WORKERS * PER_WORKER];
};

static void *put_many(void *ctx)
{
	struct crowd *crowd = ctx;
	size_t worker = atomic_fetch_add(&crowd->index, 1);
	size_t i;

	for (i = 0; i < PER_WORKER; i++) {
		size_t number = worker * PER_WORKER + i;
		char path[32];

		snprintf(path, sizeof(path), "%zu", number);
		/* Few inode numbers, so that many are equal. */
		put(crowd->queue, worker, path, number % 11 * (PIECE / 2), number % 100, 0);
	}
	return NULL;
}

static void *take_many(void *ctx)
{
	struct crowd *crowd = ctx;
	const struct stp_digest_item *item;

	while ((item = stp_digest_queue_next(crowd->queue)) != NULL)
		atomic_fetch_add(&crowd->taken[strtoul(item->path, NULL, 10)], 1);
	return NULL;
}

static void run_all(struct crowd *crowd, void *(*fn)(void *))
{
	size_t i;

	atomic_store(&crowd->index, 0);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&crowd->threads[i], NULL, fn, crowd), 0);
	for (i = 0; i < WORKERS; i++)
		pthread_join(crowd->threads[i], NULL);
}

static void test_digest_queue__each_item_goes_to_one_worker(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	uint64_t bytes;
	size_t count;
	unsigned group;
	size_t i;

	(void)state;
	crowd->queue = create(WORKERS);
	run_all(crowd, put_many);
	assert_int_equal(stp_digest_queue_gather(crowd->queue, &count, &bytes, &err), STP_OK);
	assert_int_equal(count, WORKERS * PER_WORKER);
	for (i = 1; i < count; i++) {
		const struct stp_digest_item *a = stp_digest_queue_at(crowd->queue, i - 1);
		const struct stp_digest_item *b = stp_digest_queue_at(crowd->queue, i);

		assert_true(a->length / PIECE > b->length / PIECE ||
		            (a->length / PIECE == b->length / PIECE && a->ino <= b->ino));
	}
	assert_true(stp_digest_queue_next_group(crowd->queue, &group));
	run_all(crowd, take_many);
	for (i = 0; i < count; i++)
		assert_int_equal(atomic_load(&crowd->taken[i]), 1);
	stp_digest_queue_destroy(crowd->queue);
	free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digest_queue__large_ones_first_then_by_inode),
	    cmocka_unit_test(test_digest_queue__groups_come_one_after_the_other),
	    cmocka_unit_test(test_digest_queue__nothing_one_and_again),
	    cmocka_unit_test(test_digest_queue__what_is_put_is_copied),
	    cmocka_unit_test(test_digest_queue__each_item_goes_to_one_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
