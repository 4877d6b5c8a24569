/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "read/reader.h"
#include "scratch.h"

#define FILE_COUNT 40

struct seen {
	uint64_t bytes;
	uint64_t sum; /* of all bytes, each times its place */
	int last;
	int done;
	int fault;
};

struct fixture {
	struct scratch scratch;
	struct seen expected[FILE_COUNT];
	struct seen seen[FILE_COUNT];
	char paths[FILE_COUNT][32];
	uint64_t lengths[FILE_COUNT];
	struct stp_reader_options options;
};

static void add_bytes(struct seen *seen, const uint8_t *data, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		seen->sum += data[i] * (seen->bytes + i + 1);
	seen->bytes += bytes;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i;

	scratch_init(&f->scratch);
	for (i = 0; i < FILE_COUNT; i++) {
		uint8_t *bytes = malloc(2000000);
		int fd;

		f->lengths[i] = i * i * i * 30 % 1700000;
		snprintf(f->paths[i], sizeof(f->paths[i]), "f%zu", i);
		scratch_noise(&f->scratch, f->paths[i], f->lengths[i], (unsigned)i + 1);
		fd = openat(f->scratch.fd, f->paths[i], O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, bytes, 2000000), f->lengths[i]);
		close(fd);
		add_bytes(&f->expected[i], bytes, f->lengths[i]);
		free(bytes);
	}
	f->options.root_fd = f->scratch.fd;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scratch_release(&f->scratch);
	free(f);
	return 0;
}

static void take(struct fixture *f, struct stp_reader *reader, const struct stp_read_event *event)
{
	struct seen *seen = &f->seen[(size_t)(uintptr_t)event->user];

	assert_false(seen->done || seen->fault);
	if (event->kind == STP_READ_FAULT) {
		seen->fault = 1;
	} else if (event->kind == STP_READ_DONE) {
		seen->done = 1;
		assert_true(seen->last);
		assert_int_equal(event->status.length, seen->bytes);
	} else {
		assert_false(seen->last);
		assert_true(event->last || event->bytes % STP_READ_CHUNK_ALIGN == 0);
		assert_true(event->bytes > 0 || event->last);
		add_bytes(seen, event->data, event->bytes);
		seen->last = event->last;
		stp_reader_release(reader, event->buffer);
	}
}

/* Reads all files; the reader must never have more in flight than it said. */
static void read_all(struct fixture *f, enum stp_io_mode mode)
{
	struct stp_reader *reader;
	struct stp_err err = STP_ERR_INIT;
	struct stp_read_event event;
	size_t submitted = 0;
	size_t i;

	if (stp_read_choose(mode, &f->options.choice, &err) != STP_OK)
		skip();
	memset(f->seen, 0, sizeof(f->seen));
	assert_int_equal(stp_reader_create(&f->options, &reader, &err), STP_OK);
	do {
		while (submitted < FILE_COUNT && stp_reader_has_room(reader)) {
			stp_reader_submit(reader, f->paths[submitted], f->lengths[submitted],
			                  (void *)(uintptr_t)submitted);
			submitted++;
		}
		while (stp_reader_next(reader, STP_READ_WAIT, &event))
			take(f, reader, &event);
		assert_int_equal(stp_reader_check(reader, &err), STP_OK);
	} while (submitted < FILE_COUNT || stp_reader_in_flight(reader));
	stp_reader_destroy(reader);
	for (i = 0; i < FILE_COUNT; i++) {
		assert_true(f->seen[i].done);
		assert_int_equal(f->seen[i].bytes, f->expected[i].bytes);
		assert_int_equal(f->seen[i].sum, f->expected[i].sum);
	}
}

static void test_read_reader__gives_every_byte_in_order(void **state)
{
	read_all(*state, STP_IO_MODE_PREAD);
	read_all(*state, STP_IO_MODE_URING);
}

static void test_read_reader__works_with_one_file_and_few_buffers(void **state)
{
	struct fixture *f = *state;

	f->options.file_count_max = 1;
	f->options.buffer_bytes = 1;
	f->options.thread_count = 1;
	f->options.start_count = 1;
	read_all(f, STP_IO_MODE_PREAD);
	read_all(f, STP_IO_MODE_URING);
	f->options.file_count_max = 1000;
	f->options.start_count = 1000;
	read_all(f, STP_IO_MODE_PREAD);
	read_all(f, STP_IO_MODE_URING);
}

static void test_read_reader__waits_when_descriptors_run_out(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit few;

	f->options.thread_count = 1;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 16;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	read_all(f, STP_IO_MODE_PREAD);
	read_all(f, STP_IO_MODE_URING);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Destroying with everything in flight waits for the kernel, and leaks nothing. */
static void destroy_early(struct fixture *f, enum stp_io_mode mode)
{
	struct stp_reader *reader;
	struct stp_err err = STP_ERR_INIT;
	struct stp_read_event event;
	size_t events;

	for (events = 0; events < 60; events += 3) {
		size_t i;

		if (stp_read_choose(mode, &f->options.choice, &err) != STP_OK)
			skip();
		assert_int_equal(stp_reader_create(&f->options, &reader, &err), STP_OK);
		for (i = 0; i < FILE_COUNT && stp_reader_has_room(reader); i++)
			stp_reader_submit(reader, f->paths[i], f->lengths[i], (void *)(uintptr_t)i);
		for (i = 0; i < events; i++) {
			if (!stp_reader_next(reader, STP_READ_POLL, &event))
				break;
			if (event.kind == STP_READ_DATA && i % 2)
				stp_reader_release(reader, event.buffer);
		}
		stp_reader_destroy(reader);
	}
}

static int count_descriptors(void)
{
	int count = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static void test_read_reader__may_be_destroyed_at_any_time(void **state)
{
	int before = count_descriptors();

	destroy_early(*state, STP_IO_MODE_PREAD);
	destroy_early(*state, STP_IO_MODE_URING);
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_read_reader__gives_every_byte_in_order, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_read_reader__works_with_one_file_and_few_buffers,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_read_reader__waits_when_descriptors_run_out, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_read_reader__may_be_destroyed_at_any_time, setup,
	                                    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
