/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "roles/roles.h"

static void check_format(int64_t epoch_s, const char *expected)
{
	char text[STP_TIME_BYTES + 1];

	stp_time_format(epoch_s, text);
	assert_string_equal(text, expected);
}

static void test_clock__formats_every_number(void **state)
{
	(void)state;
	check_format(0, "1970-01-01T00:00:00Z");
	check_format(1893499200, "2030-01-01T12:00:00Z");
	check_format(STP_TIME_MAX, "9999-12-31T23:59:59Z");
	check_format(-1, "1970-01-01T00:00:00Z");
	check_format(INT64_MIN, "1970-01-01T00:00:00Z");
	check_format(STP_TIME_MAX + 1, "9999-12-31T23:59:59Z");
	check_format(INT64_MAX, "9999-12-31T23:59:59Z");
}

static void test_clock__sums_stay_within_time(void **state)
{
	(void)state;
	assert_int_equal(stp_time_add(1000, 1), 1001);
	assert_int_equal(stp_time_add(1000, -1000), 0);
	assert_int_equal(stp_time_add(1000, -1001), 0);
	assert_int_equal(stp_time_add(STP_TIME_MAX, 1), STP_TIME_MAX);
	assert_int_equal(stp_time_add(INT64_MAX, INT64_MAX), STP_TIME_MAX);
	assert_int_equal(stp_time_add(INT64_MIN, INT64_MIN), 0);
	assert_int_equal(stp_time_add(INT64_MAX, INT64_MIN), 0);
}

static void test_clock__a_run_needs_a_time_whose_expiries_can_be_written(void **state)
{
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_now_check(0, "--now", &err), STP_OK);
	assert_int_equal(stp_now_check(STP_NOW_MAX, "--now", &err), STP_OK);
	assert_int_equal(stp_now_check(STP_NOW_MAX + 1, "--now", &err), STP_CONFIG);
	assert_string_equal(err.subject, "--now");
	assert_int_equal(stp_now_check(-1, "--now", NULL), STP_CONFIG);
	assert_int_equal(stp_now_check(INT64_MAX, "--now", NULL), STP_CONFIG);
}

/* The last line of defence: an expiry is never rounded to a representable time. */
static void test_clock__no_role_expires_beyond_time(void **state)
{
	const uint8_t digest[32] = {0};
	struct stp_role_head last = {1, STP_TIME_MAX};
	struct stp_role_head late = {1, STP_TIME_MAX + 1};
	struct stp_meta_list list = {NULL, 0};
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_timestamp_body(last, 1, 1, digest, &body, &err), STP_OK);
	assert_non_null(strstr((const char *)body.data, "9999-12-31T23:59:59Z"));
	assert_int_equal(stp_timestamp_body(late, 1, 1, digest, &body, &err), STP_CONFIG);
	assert_string_equal(err.subject, "timestamp");
	assert_int_equal(stp_snapshot_body(late, &list, &body, NULL), STP_CONFIG);
	stp_buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clock__formats_every_number),
	    cmocka_unit_test(test_clock__sums_stay_within_time),
	    cmocka_unit_test(test_clock__a_run_needs_a_time_whose_expiries_can_be_written),
	    cmocka_unit_test(test_clock__no_role_expires_beyond_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
