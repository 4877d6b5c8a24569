/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"
#include "publish/twins.h"

#define COUNT 5000

static struct stp_fingerprint print_of(uint64_t number)
{
	return (struct stp_fingerprint){.fs_id = number % 3,
	                                .ino = number / 3 * 8, /* as some file systems count */
	                                .mtime_ns = 10,
	                                .ctime_ns = (int64_t)number};
}

static void test_twins__keep_the_times_before_the_first_link(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_fingerprint print = print_of(7);
	struct stp_linked twins;

	(void)state;
	stp_linked_init(&twins);
	assert_int_equal(stp_linked_has(&twins, &print), 0);
	assert_int_equal(stp_linked_add(&twins, &print, &err), STP_OK);
	assert_int_equal(stp_linked_was(&twins, &print), 1);
	print.ctime_ns = 100;
	assert_int_equal(stp_linked_has(&twins, &print), 1);
	assert_int_equal(stp_linked_was(&twins, &print), 0);
	assert_int_equal(stp_linked_add(&twins, &print, &err), STP_OK); /* another link */
	assert_int_equal(stp_linked_was(&twins, &print), 0);
	print = print_of(7);
	assert_int_equal(stp_linked_was(&twins, &print), 1);
	print.mtime_ns++;
	assert_int_equal(stp_linked_was(&twins, &print), 0);
	print.ino++;
	assert_int_equal(stp_linked_has(&twins, &print), 0);
	stp_linked_release(&twins);
}

static enum stp_errc add_all(void *ctx, size_t worker, struct stp_err *err)
{
	struct stp_linked *twins = ctx;
	uint64_t i;

	for (i = 0; i < COUNT; i++) {
		uint64_t number = worker ? COUNT - 1 - i : i;
		struct stp_fingerprint print = print_of(number);

		STP_TRY(stp_linked_add(twins, &print, err));
		if (!stp_linked_was(twins, &print))
			return STP_FAIL(err, STP_FORMAT, "twins", NULL, "one is missing");
	}
	return STP_OK;
}

static void test_twins__any_number_from_any_thread(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_fingerprint print = print_of(COUNT);
	struct stp_linked twins;
	uint64_t i;

	(void)state;
	stp_linked_init(&twins);
	assert_int_equal(stp_workers_run(3, "twins", add_all, &twins, NULL, &err), STP_OK);
	assert_int_equal(twins.count, COUNT);
	assert_int_equal(stp_linked_has(&twins, &print), 0);
	for (i = 0; i < COUNT; i++) {
		print = print_of(i);
		assert_int_equal(stp_linked_was(&twins, &print), 1);
	}
	stp_linked_release(&twins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twins__keep_the_times_before_the_first_link),
	    cmocka_unit_test(test_twins__any_number_from_any_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
