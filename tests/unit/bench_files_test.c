/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bench/files.h"
#include "scratch.h"

/* A set sampled from a folder that others write to: one file grew to a terabyte, one became a link
 * to a device without end, one a FIFO. */
static void test_bench_files__are_read_as_far_as_they_were_sampled(void **state)
{
	static const char *const names[] = {"grown", "device", "fifo"};
	struct stp_err err = STP_ERR_INIT;
	struct stp_bench_files files;
	struct scratch scratch;
	uint64_t began;
	size_t i;

	(void)state;
	scratch_init(&scratch);
	stp_bench_files_init(&files);
	files.root_fd = openat(scratch.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 3; i++)
		assert_int_equal(stp_bench_files_add(&files, names[i], strlen(names[i]), 5, &err),
		                 STP_OK);
	scratch_file(&scratch, "grown", "bytes", 5);
	assert_int_equal(symlinkat("/dev/zero", scratch.fd, "device"), 0);
	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
	i = (size_t)openat(scratch.fd, "grown", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate((int)i, (off_t)1 << 40), 0);
	close((int)i);
	began = stp_clock_monotonic_ns();
	stp_bench_files_drop(&files);
	assert_int_equal(stp_bench_files_warm(&files, NULL, &err), STP_OK);
	assert_true(stp_bench_files_resident(&files) <= 1);
	assert_true(stp_clock_monotonic_ns() - began < UINT64_C(60000000000));
	stp_bench_files_release(&files);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bench_files__are_read_as_far_as_they_were_sampled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
