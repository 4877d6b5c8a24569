/* SPDX-License-Identifier: Apache-2.0 */
/* Limits cannot be taken back, so each test runs in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"

#define COUNT 64

struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t all_here;
	size_t here;
};

/* Returns when all COUNT workers have arrived, as with workers that share work. */
static enum stp_errc meet(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct meeting *meeting = ctx;

	(void)worker_index;
	(void)err;
	pthread_mutex_lock(&meeting->lock);
	meeting->here++;
	pthread_cond_broadcast(&meeting->all_here);
	while (meeting->here < COUNT)
		pthread_cond_wait(&meeting->all_here, &meeting->lock);
	pthread_mutex_unlock(&meeting->lock);
	return STP_OK;
}

/* Bytes of address space in use. */
static size_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (!file || fscanf(file, "%zu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static enum stp_errc run_meeting(struct stp_cancel *cancel, struct stp_err *err)
{
	struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

	return stp_workers_run(COUNT, "meet", meet, &meeting, cancel, err);
}

static int all_there(void)
{
	return run_meeting(NULL, NULL) == STP_OK ? 0 : 1;
}

/* Room for the stacks of a few threads. */
static int few_there(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 77; /* they need terabytes of address space */
#endif
	struct stp_cancel cancel = {0};
	struct stp_err err = STP_ERR_INIT;
	struct rlimit limit;
	rlim_t room = address_space() + ((size_t)64 << 20);

	if (room <= ((size_t)64 << 20) || getrlimit(RLIMIT_AS, &limit) != 0)
		return 77;
	limit.rlim_cur = limit.rlim_max = room;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 77;
	if (run_meeting(&cancel, &err) == STP_OK)
		return 1;
	if (!strstr(err.text, "cannot start thread") || strstr(err.text, "thread 0 "))
		return 2;
	return stp_cancelled(&cancel) ? 0 : 3;
}

static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(20);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_thread__workers_may_wait_for_each_other(void **state)
{
	(void)state;
	in_child(all_there);
}

static void test_thread__a_worker_that_cannot_start_leaves_none_waiting(void **state)
{
	(void)state;
	in_child(few_there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_thread__workers_may_wait_for_each_other),
	    cmocka_unit_test(test_thread__a_worker_that_cannot_start_leaves_none_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
