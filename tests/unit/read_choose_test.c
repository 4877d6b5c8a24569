/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"
#include "digest/stage.h"
#include "read/reader.h"
#include "scratch.h"
#include "seccomp.h"
#include "stampede/alg.h"

#define SKIPPED 77

/* Runs fn in a process of its own, since its restrictions cannot be undone. */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* io_uring_setup fails with sys from here on, as container runtimes do it. */
static int refuse_rings(int sys)
{
	return seccomp_refuse(__NR_io_uring_setup, sys);
}

struct one {
	struct stp_record record;
	int given;
	int done;
};

static int next(void *ctx, size_t worker_index, struct stp_record *out)
{
	struct one *one = ctx;

	(void)worker_index;
	if (one->given)
		return STP_HASH_NEXT_END;
	one->given = 1;
	*out = one->record;
	return STP_HASH_NEXT_FILE;
}

static enum stp_errc done(void *ctx, size_t worker_index, const struct stp_record *record,
                          struct stp_err *err)
{
	struct one *one = ctx;

	(void)worker_index;
	(void)err;
	/* sha256 of "abc", FIPS 180-4 */
	one->done = record->digests[0] == 0xba && record->digests[31] == 0xad;
	return STP_OK;
}

/* Whether a file is hashed with choice. */
static int can_hash(const struct stp_read_choice *choice)
{
	struct one one = {.record = {.path = "abc", .path_bytes = 3, .length = 3}};
	struct stp_fault_list faults;
	struct scratch scratch;
	struct stp_err err = STP_ERR_INIT;
	struct stp_hash_stage_options options = {
	    .hash_set = STP_ALG_BIT(STP_ALG_SHA256),
	    .jobs = 1,
	    .features = stp_cpu_features(),
	    .io = *choice,
	    .faults = &faults,
	};
	enum stp_errc code;

	stp_fault_list_init(&faults);
	scratch_init(&scratch);
	scratch_file(&scratch, "abc", "abc", 3);
	options.root_fd = scratch.fd;
	code = stp_hash_stage_run(&options, next, done, &one, &err);
	scratch_release(&scratch);
	stp_fault_list_release(&faults);
	return code == STP_OK && one.done;
}

/* auto chooses pread, gives a reason with word, and works; uring fails with the same reason. */
static int falls_back(const char *word)
{
	struct stp_read_choice choice;
	struct stp_err err = STP_ERR_INIT;

	if (stp_read_choose(STP_IO_MODE_AUTO, &choice, &err) != STP_OK)
		return 1;
	if (choice.mode != STP_IO_MODE_PREAD || !strstr(choice.why, word) || !can_hash(&choice))
		return 2;
	if (stp_read_choose(STP_IO_MODE_URING, &choice, &err) != STP_IO || !strstr(err.text, word))
		return 3;
	return 0;
}

static int child_eperm(void)
{
	return refuse_rings(EPERM) ? falls_back("forbidden") : SKIPPED;
}

static int child_enosys(void)
{
	return refuse_rings(ENOSYS) ? falls_back("no io_uring") : SKIPPED;
}

static int child_enomem(void)
{
	return refuse_rings(ENOMEM) ? falls_back("RLIMIT_MEMLOCK") : SKIPPED;
}

/* The ring was available to the probe but is refused to a worker. */
static int child_late(void)
{
	struct stp_read_choice choice;
	struct stp_read_choice strict;

	if (stp_read_choose(STP_IO_MODE_AUTO, &choice, NULL) != STP_OK ||
	    choice.mode != STP_IO_MODE_URING || !refuse_rings(ENOMEM))
		return SKIPPED;
	strict = choice;
	strict.may_fall_back = 0;
	return can_hash(&choice) && !can_hash(&strict) ? 0 : 1;
}

static int child_memlock(void)
{
	struct rlimit none = {0, 0};
	struct stp_read_choice choice;

	/* CAP_IPC_LOCK exempts root. */
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return SKIPPED;
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
		return SKIPPED;
	if (stp_read_choose(STP_IO_MODE_AUTO, &choice, NULL) != STP_OK)
		return 1;
	if (choice.mode == STP_IO_MODE_URING)
		return can_hash(&choice) ? SKIPPED : 2; /* this kernel does not count rings */
	return falls_back("RLIMIT_MEMLOCK");
}

static void test_read_choose__a_seccomp_filter_leads_to_pread(void **state)
{
	(void)state;
	in_child(child_eperm);
	in_child(child_enosys);
	in_child(child_enomem);
}

static void test_read_choose__a_worker_without_ring_falls_back(void **state)
{
	(void)state;
	in_child(child_late);
}

static void test_read_choose__no_locked_memory_leads_to_pread(void **state)
{
	(void)state;
	in_child(child_memlock);
}

static void test_read_choose__names_go_both_ways(void **state)
{
	(void)state;
	assert_int_equal(stp_io_mode_from_name("auto"), STP_IO_MODE_AUTO);
	assert_int_equal(stp_io_mode_from_name("uring"), STP_IO_MODE_URING);
	assert_int_equal(stp_io_mode_from_name("pread"), STP_IO_MODE_PREAD);
	assert_int_equal(stp_io_mode_from_name("mmap"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_choose__a_seccomp_filter_leads_to_pread),
	    cmocka_unit_test(test_read_choose__a_worker_without_ring_falls_back),
	    cmocka_unit_test(test_read_choose__no_locked_memory_leads_to_pread),
	    cmocka_unit_test(test_read_choose__names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
