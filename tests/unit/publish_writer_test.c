/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/thread.h"
#include "publish/writer.h"
#include "scratch.h"

static const size_t sizes[] = {
    1,
    2000,
    4096,
    STP_WRITER_UNCACHED_MIN - 1,
    STP_WRITER_UNCACHED_MIN,
    STP_WRITER_DIRECT_MIN - 1,
    STP_WRITER_DIRECT_MIN,
    STP_WRITER_DIRECT_MIN + 1,
    270001,
    STP_WRITER_SLOT_BYTES - 1,
    STP_WRITER_SLOT_BYTES,
    STP_WRITER_SLOT_BYTES + 1,
    3 * STP_WRITER_SLOT_BYTES + 4097,
};
#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))
#define ROUNDS     3

struct job {
	struct stp_writer *writer;
};

static void fill(uint8_t *bytes, size_t count, unsigned seed)
{
	size_t i;

	for (i = 0; i < count; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 12) + seed);
}

/* Every size, with one buffer that is reused: the writer must not need it after put has returned.
 */
static enum stp_errc put_all(void *ctx, size_t worker_index, struct stp_err *err)
{
	const struct job *job = ctx;
	size_t largest = sizes[SIZE_COUNT - 1];
	uint8_t *bytes = malloc(largest);
	enum stp_errc code = STP_OK;
	unsigned round;
	size_t i;

	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < SIZE_COUNT && code == STP_OK; i++) {
			char name[64];

			snprintf(name, sizeof(name), "%zu-%u-%zu", worker_index, round, i);
			fill(bytes, sizes[i], round * 7 + (unsigned)worker_index);
			code = stp_writer_put(job->writer, name, bytes, sizes[i], err);
			memset(bytes, 0xee, sizes[i]);
		}
	free(bytes);
	return code;
}

static void check_all(const struct scratch *scratch, size_t workers)
{
	struct stp_buf have = STP_BUF_INIT;
	uint8_t *bytes = malloc(sizes[SIZE_COUNT - 1]);
	struct stp_err err = STP_ERR_INIT;
	struct stat st;
	unsigned round;
	size_t w;
	size_t i;

	for (w = 0; w < workers; w++)
		for (round = 0; round < ROUNDS; round++)
			for (i = 0; i < SIZE_COUNT; i++) {
				char name[64];

				snprintf(name, sizeof(name), "%zu-%u-%zu", w, round, i);
				fill(bytes, sizes[i], round * 7 + (unsigned)w);
				assert_int_equal(stp_file_read(scratch->fd, name, 1 << 24, "test",
				                               &have, &err),
				                 STP_OK);
				assert_int_equal(have.count, sizes[i]);
				assert_memory_equal(have.data, bytes, sizes[i]);
				assert_int_equal(fstatat(scratch->fd, name, &st, 0), 0);
				assert_int_equal(st.st_mode & 0777, 0644);
			}
	stp_buf_release(&have);
	free(bytes);
}

/* base is a folder on the file system to try. */
static void run(const char *base, enum stp_writer_way way)
{
	struct scratch scratch;
	struct job job;
	struct stp_err err = STP_ERR_INIT;
	mode_t before = umask(077);

	if (base)
		setenv("TMPDIR", base, 1);
	else
		unsetenv("TMPDIR");
	scratch_init(&scratch);
	assert_int_equal(stp_writer_create(scratch.fd, 0644, way, &job.writer, &err), STP_OK);
	assert_int_equal(stp_workers_run(2, "put", put_all, &job, NULL, &err), STP_OK);
	assert_int_equal(stp_writer_drain(job.writer, &err), STP_OK);
	umask(before);
	check_all(&scratch, 2);
	stp_writer_destroy(job.writer);
	scratch_release(&scratch);
	unsetenv("TMPDIR");
}

static void test_writer__every_size_arrives_whole(void **state)
{
	(void)state;
	run(NULL, STP_WRITER_PLAIN);
	run(NULL, STP_WRITER_DIRECT);
	run(NULL, STP_WRITER_UNCACHED);
}

static void test_writer__file_systems_without_direct_writes_work(void **state)
{
	(void)state;
	if (access("/dev/shm", W_OK) != 0)
		skip();
	run("/dev/shm", STP_WRITER_DIRECT);
	run("/dev/shm", STP_WRITER_UNCACHED);
}

static void test_writer__a_failure_of_a_thread_is_reported(void **state)
{
	struct scratch scratch;
	struct stp_writer *writer;
	struct stp_err err = STP_ERR_INIT;
	uint8_t *bytes = calloc(1, 100000);

	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "taken", "x", 1);
	assert_int_equal(stp_writer_create(scratch.fd, 0644, STP_WRITER_DIRECT, &writer, &err),
	                 STP_OK);
	assert_int_equal(stp_writer_put(writer, "taken", bytes, 100000, &err), STP_OK);
	assert_int_equal(stp_writer_drain(writer, &err), STP_IO);
	assert_string_equal(err.subject, "taken");
	assert_int_equal(err.sys_errno, EEXIST);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_writer_put(writer, "other", bytes, 100000, &err), STP_IO);
	assert_string_equal(err.subject, "taken");
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_writer_put(writer, "taken", bytes, 10, &err), STP_IO);
	stp_writer_destroy(writer);
	scratch_release(&scratch);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_writer__every_size_arrives_whole),
	    cmocka_unit_test(test_writer__file_systems_without_direct_writes_work),
	    cmocka_unit_test(test_writer__a_failure_of_a_thread_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
