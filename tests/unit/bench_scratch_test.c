/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/scratch.h"
#include "scratch.h"

static int is_there(const struct scratch *parent, const char *name)
{
	return faccessat(parent->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A folder of that name and mode, with one file in it ("": none). */
static void make_folder(const struct scratch *parent, const char *name, mode_t mode,
                        const char *file)
{
	char path[128];
	int fd;

	assert_int_equal(mkdirat(parent->fd, name, 0700), 0);
	if (*file) {
		snprintf(path, sizeof(path), "%s/%s", name, file);
		fd = openat(parent->fd, path, O_WRONLY | O_CREAT, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(fchmodat(parent->fd, name, mode, 0), 0);
}

static void test_bench_scratch__removes_what_a_killed_bench_left(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_scratch scratch;
	struct scratch parent;
	int used;

	(void)state;
	scratch_init(&parent);
	make_folder(&parent, "stampede-bench-killed", 0700, STP_SCRATCH_MARK);
	make_folder(&parent, "stampede-bench-killed/small", 0700, "0");
	make_folder(&parent, "stampede-bench-atonce", 0700, "");
	/* All of these may be somebody's own. */
	make_folder(&parent, "stampede-bench-backup", 0700, "precious");
	make_folder(&parent, "stampede-bench-opened", 0755, STP_SCRATCH_MARK);
	make_folder(&parent, "stampede-bench-of-others", 0700, STP_SCRATCH_MARK);
	make_folder(&parent, "elsewhere", 0700, STP_SCRATCH_MARK);
	assert_int_equal(symlinkat("elsewhere", parent.fd, "stampede-bench-linked"), 0);
	make_folder(&parent, "stampede-bench-in_use", 0700, STP_SCRATCH_MARK);
	used = openat(parent.fd, "stampede-bench-in_use", O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(used, LOCK_EX), 0);

	assert_int_equal(stp_scratch_open(&scratch, parent.path, &err), STP_OK);
	assert_false(is_there(&parent, "stampede-bench-killed"));
	assert_false(is_there(&parent, "stampede-bench-atonce"));
	assert_true(is_there(&parent, "stampede-bench-backup/precious"));
	assert_true(is_there(&parent, "stampede-bench-opened/" STP_SCRATCH_MARK));
	assert_true(is_there(&parent, "stampede-bench-of-others/" STP_SCRATCH_MARK));
	assert_true(is_there(&parent, "elsewhere/" STP_SCRATCH_MARK));
	assert_true(is_there(&parent, "stampede-bench-in_use/" STP_SCRATCH_MARK));
	close(used);
	stp_scratch_close(&scratch, NULL);
	scratch_release(&parent);
}

static void test_bench_scratch__leaves_that_of_a_running_bench(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_scratch first, second;
	struct scratch parent;

	(void)state;
	scratch_init(&parent);
	assert_int_equal(stp_scratch_open(&first, parent.path, &err), STP_OK);
	assert_int_equal(stp_scratch_open(&second, parent.path, &err), STP_OK);
	assert_int_equal(access(first.path, F_OK), 0);
	stp_scratch_close(&second, NULL);
	assert_int_not_equal(access(second.path, F_OK), 0);
	assert_int_equal(access(first.path, F_OK), 0);
	stp_scratch_close(&first, NULL);
	assert_int_not_equal(access(first.path, F_OK), 0);
	scratch_release(&parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bench_scratch__removes_what_a_killed_bench_left),
	    cmocka_unit_test(test_bench_scratch__leaves_that_of_a_running_bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
