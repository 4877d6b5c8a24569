/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sum.h"
#include "record/stamp.h"

#define NS 1000000000

static void check(int64_t seconds, int64_t nanoseconds, int64_t expected)
{
	struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
	struct statx_timestamp stx = {.tv_sec = seconds, .tv_nsec = (uint32_t)nanoseconds};

	assert_int_equal(stp_stamp_of(time), expected);
	if (nanoseconds >= 0 && nanoseconds <= UINT32_MAX)
		assert_int_equal(stp_stamp_of_statx(stx), expected);
}

static void test_record_stamp__is_exact_within_its_range(void **state)
{
	(void)state;
	check(0, 0, 0);
	check(1700000000, 123456789, INT64_C(1700000000123456789));
	check(-1, 999999999, -1);
	check(-1, 0, -NS);
	/* 1677-09-21 and 2262-04-11, to the nanosecond. */
	check(-9223372037, 145224192, INT64_MIN);
	check(-9223372037, 145224193, INT64_MIN + 1);
	check(9223372036, 854775806, STP_STAMP_MAX);
	check(9223372036, 854775805, STP_STAMP_MAX - 1);
}

static void test_record_stamp__ends_at_its_range_for_all_other_seconds(void **state)
{
	static const int64_t late[] = {9223372037,    15021158400,   INT64_MAX / NS + 1,
	                               INT64_MAX / 2, INT64_MAX - 1, INT64_MAX};
	static const int64_t early[] = {-9223372038,   -11676096000,  INT64_MIN / NS - 2,
	                                INT64_MIN / 2, INT64_MIN + 1, INT64_MIN};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		check(late[i], 0, STP_STAMP_MAX);
		check(late[i], 999999999, STP_STAMP_MAX);
		check(early[i], 0, STP_STAMP_MIN);
		check(early[i], 999999999, STP_STAMP_MIN);
	}
	check(9223372036, 854775807, STP_STAMP_MAX); /* INT64_MAX means "later than any" */
	/* Invalid nanoseconds. */
	check(INT64_MAX, INT64_MAX, STP_STAMP_MAX);
	check(INT64_MIN, INT64_MIN, STP_STAMP_MIN);
	check(0, UINT32_MAX, UINT32_MAX);
}

static void test_record_stamp__moves_within_its_range(void **state)
{
	(void)state;
	assert_int_equal(stp_stamp_later(5, 7), 12);
	assert_int_equal(stp_stamp_later(5, -7), -2);
	assert_int_equal(stp_stamp_later(STP_STAMP_MAX, 1), STP_STAMP_MAX);
	assert_int_equal(stp_stamp_later(STP_STAMP_MIN, -1), STP_STAMP_MIN);
	assert_int_equal(stp_stamp_later(INT64_MAX, INT64_MAX), STP_STAMP_MAX);
	assert_int_equal(stp_stamp_later(INT64_MIN, INT64_MIN), STP_STAMP_MIN);
}

static void test_base_sum__stays_at_its_end(void **state)
{
	atomic_uint_fast64_t shared = 3;

	(void)state;
	assert_int_equal(stp_sum_add(1, 2), 3);
	assert_int_equal(stp_sum_add(STP_SUM_MAX - 1, 1), STP_SUM_MAX);
	assert_int_equal(stp_sum_add(STP_SUM_MAX, 0), STP_SUM_MAX);
	assert_int_equal(stp_sum_add(0, STP_SUM_MAX), STP_SUM_MAX);
	assert_int_equal(stp_sum_add(STP_SUM_MAX, STP_SUM_MAX), STP_SUM_MAX);
	assert_int_equal(stp_sum_add(UINT64_MAX, UINT64_MAX), STP_SUM_MAX);
	assert_int_equal(stp_sum_add(0, UINT64_MAX), STP_SUM_MAX);
	assert_int_equal(stp_sum_add_shared(&shared, 4), 3);
	assert_int_equal(stp_sum_add_shared(&shared, INT64_MAX), 7);
	assert_int_equal(stp_sum_add_shared(&shared, INT64_MAX), STP_SUM_MAX);
	assert_int_equal(atomic_load(&shared), STP_SUM_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_stamp__is_exact_within_its_range),
	    cmocka_unit_test(test_record_stamp__ends_at_its_range_for_all_other_seconds),
	    cmocka_unit_test(test_record_stamp__moves_within_its_range),
	    cmocka_unit_test(test_base_sum__stays_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
