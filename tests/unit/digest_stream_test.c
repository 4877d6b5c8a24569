/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "digest/queue.h"
#include "digest/stream.h"

#define WORKERS 4
#define PUTTERS 3
#define FILES   20000

struct crowd {
	struct stp_digest_stream *stream;
	struct stp_cancel cancel;
	pthread_t putters[PUTTERS];
	pthread_t workers[WORKERS];
	atomic_size_t next_putter, next_worker, next_file;
	atomic_uchar taken[FILES];
	atomic_size_t in_flight, in_flight_max;
	enum stp_errc put_code;
};

static struct stp_digest_stream *create(struct crowd *crowd, size_t items_max, size_t items_min,
                                        size_t bytes_max)
{
	struct stp_digest_stream_options options = {
	    .worker_count = WORKERS,
	    .items_max = items_max,
	    .items_min = items_min,
	    .bytes_max = bytes_max,
	    .cancel = &crowd->cancel,
	};
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_digest_stream_create(&options, &crowd->stream, &err), STP_OK);
	return crowd->stream;
}

static enum stp_errc put(struct stp_digest_stream *stream, size_t number)
{
	struct stp_err err = STP_ERR_INIT;
	char path[16];
	struct stp_record record = {.path = path, .length = 3, .fingerprint.ino = FILES - number};

	record.path_bytes = (uint16_t)snprintf(path, sizeof(path), "%zu", number);
	return stp_digest_stream_put(stream, &record, 1, &err);
}

static void *put_some(void *ctx)
{
	struct crowd *crowd = ctx;

	for (;;) {
		size_t number = atomic_fetch_add(&crowd->next_file, 1);
		enum stp_errc code;

		if (number >= FILES)
			return NULL;
		code = put(crowd->stream, number);
		if (code != STP_OK) {
			crowd->put_code = code;
			return NULL;
		}
	}
}

/* Keeps a few files in flight, as a reader does. */
static void *take_all(void *ctx)
{
	struct crowd *crowd = ctx;
	size_t worker = atomic_fetch_add(&crowd->next_worker, 1);
	struct stp_record held[8];
	size_t count = 0;
	int given;

	do {
		given = stp_digest_stream_next(crowd->stream, worker, &held[count % 8]);
		if (given == STP_HASH_NEXT_FILE)
			count++;
		/* The oldest ones are over when all places are taken, or nothing comes. */
		while (count && (given != STP_HASH_NEXT_FILE || count == 8)) {
			const struct stp_record *record = &held[--count];

			atomic_fetch_add(&crowd->taken[strtoul(record->path, NULL, 10)], 1);
			stp_digest_stream_over(crowd->stream, record);
		}
		if (given == STP_HASH_NEXT_LATER)
			sched_yield();
	} while (given != STP_HASH_NEXT_END);
	return NULL;
}

static void run_crowd(size_t items_max, size_t items_min, size_t bytes_max)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	struct stp_err err = STP_ERR_INIT;
	uint64_t count;
	uint64_t bytes;
	size_t i;

	create(crowd, items_max, items_min, bytes_max);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&crowd->workers[i], NULL, take_all, crowd), 0);
	for (i = 0; i < PUTTERS; i++)
		assert_int_equal(pthread_create(&crowd->putters[i], NULL, put_some, crowd), 0);
	for (i = 0; i < PUTTERS; i++)
		pthread_join(crowd->putters[i], NULL);
	stp_digest_stream_end(crowd->stream, &count, &bytes);
	for (i = 0; i < WORKERS; i++)
		pthread_join(crowd->workers[i], NULL);
	assert_int_equal(stp_digest_stream_stop(crowd->stream, &err), STP_OK);
	assert_int_equal(count, FILES);
	assert_int_equal(bytes, 3 * FILES);
	for (i = 0; i < FILES; i++)
		assert_int_equal(atomic_load(&crowd->taken[i]), 1);
	stp_digest_stream_destroy(crowd->stream);
	free(crowd);
}

static void test_digest_stream__each_file_goes_to_one_worker(void **state)
{
	(void)state;
	run_crowd(FILES, FILES, SIZE_MAX);
	run_crowd(1000, 16, SIZE_MAX);
	run_crowd(40, 1, SIZE_MAX);
	run_crowd(1, 1, SIZE_MAX);
	run_crowd(1000, 16, 2000);
}

/* Gets the next file; its number, or -1 when there is none for now, or -2 when there are no
 * more. */
static int take(struct stp_digest_stream *stream, size_t worker, struct stp_record *out)
{
	int given = stp_digest_stream_next(stream, worker, out);

	if (given == STP_HASH_NEXT_FILE)
		return (int)strtoul(out->path, NULL, 10);
	return given == STP_HASH_NEXT_LATER ? -1 : -2;
}

static void test_digest_stream__a_window_is_worth_it_or_the_last(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	struct stp_digest_stream *stream = create(crowd, 10, 3, SIZE_MAX);
	struct stp_record record;
	uint64_t count;
	uint64_t bytes;

	(void)state;
	assert_int_equal(take(stream, 0, &record), -1);
	assert_int_equal(put(stream, 1), STP_OK);
	assert_int_equal(put(stream, 2), STP_OK);
	assert_int_equal(take(stream, 0, &record), -1);
	assert_int_equal(put(stream, 3), STP_OK);
	/* By inode number. */
	assert_int_equal(take(stream, 0, &record), 3);
	assert_int_equal(take(stream, 1, &record), 2);
	assert_int_equal(put(stream, 4), STP_OK);
	assert_int_equal(take(stream, 0, &record), 1);
	assert_int_equal(take(stream, 0, &record), -1);
	stp_digest_stream_end(stream, &count, &bytes);
	assert_int_equal(count, 4);
	assert_int_equal(take(stream, 1, &record), 4);
	assert_int_equal(take(stream, 0, &record), -2);
	assert_int_equal(take(stream, 1, &record), -2);
	stp_digest_stream_destroy(stream);
	free(crowd);
}

/* Three windows, the fourth has to wait until the files of one are over. */
static void test_digest_stream__who_puts_waits_for_a_window(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	struct stp_digest_stream *stream = create(crowd, 2, 1, SIZE_MAX);
	struct stp_record records[6];
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		assert_int_equal(put(stream, i), STP_OK);
		if (i % 2 == 1) {
			assert_true(take(stream, 0, &records[i - 1]) >= 0);
			assert_true(take(stream, 0, &records[i]) >= 0);
		}
	}
	atomic_store(&crowd->next_file, 6);
	assert_int_equal(pthread_create(&crowd->putters[0], NULL, put_some, crowd), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(take(stream, 1, &records[0]), -1);
		sched_yield();
	}
	/* The paths of what is in flight are still there. */
	for (i = 1; i < 6; i++)
		assert_true(strtoul(records[i].path, NULL, 10) < 6);
	stp_digest_stream_over(stream, &records[3]);
	assert_int_equal(take(stream, 1, &records[0]), -1);
	stp_digest_stream_over(stream, &records[2]);
	while (take(stream, 1, &records[0]) < 0)
		sched_yield();
	/* Its stage ends, and the stream is stopped. */
	assert_int_equal(stp_digest_stream_stop(stream, NULL), STP_OK);
	pthread_join(crowd->putters[0], NULL);
	assert_int_equal(crowd->put_code, STP_CANCELLED);
	stp_digest_stream_destroy(stream);
	free(crowd);
}

static void test_digest_stream__cancelling_ends_the_wait(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	struct stp_digest_stream *stream = create(crowd, 2, 1, SIZE_MAX);

	(void)state;
	assert_int_equal(pthread_create(&crowd->putters[0], NULL, put_some, crowd), 0);
	sched_yield();
	stp_cancel_set(&crowd->cancel);
	pthread_join(crowd->putters[0], NULL);
	assert_int_equal(crowd->put_code, STP_CANCELLED);
	stp_digest_stream_destroy(stream);
	free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digest_stream__each_file_goes_to_one_worker),
	    cmocka_unit_test(test_digest_stream__a_window_is_worth_it_or_the_last),
	    cmocka_unit_test(test_digest_stream__who_puts_waits_for_a_window),
	    cmocka_unit_test(test_digest_stream__cancelling_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
