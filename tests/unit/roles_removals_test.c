/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roles/removals.h"

static void test_removals__shares_are_written_as_they_were_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {{"0%", 0},      {"1%", 10000},        {"0.5%", 5000},   {"12.25%", 122500},
	            {"0.0001%", 1}, {"33.3333%", 333333}, {"100%", 1000000}};
	static const char *const bad[] = {"",
	                                  "%",
	                                  "1",
	                                  "1 %",
	                                  "01%",
	                                  "-1%",
	                                  "1.%",
	                                  ".5%",
	                                  "0.00001%",
	                                  "100.0001%",
	                                  "101%",
	                                  "1%%",
	                                  "1.2.3%",
	                                  "1e2%",
	                                  "+1%",
	                                  "ten%",
	                                  "1%all",
	                                  "all",
	                                  "99999999999999999999%"};
	struct stp_removal_limit limit = {0, 77};
	char text[STP_REMOVAL_SHARE_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(stp_removal_share_parse(good[i].text, &limit));
		assert_true(limit.is_share);
		assert_int_equal(limit.value, good[i].value);
		stp_removal_share_format(&limit, text);
		assert_string_equal(text, good[i].text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (stp_removal_share_parse(bad[i], &limit))
			fail_msg("\"%s\" is not a share", bad[i]);
}

static uint64_t share(uint64_t value, uint64_t targets)
{
	struct stp_removal_limit limit = {1, value};

	return stp_removal_limit_of(&limit, targets);
}

static void test_removals__a_small_index_may_lose_ten_but_not_half(void **state)
{
	(void)state;
	assert_int_equal(share(STP_SHARE_DEFAULT, 0), 0);
	assert_int_equal(share(STP_SHARE_DEFAULT, 1), 0);
	assert_int_equal(share(STP_SHARE_DEFAULT, 2), 1);
	assert_int_equal(share(STP_SHARE_DEFAULT, 3), 1);
	assert_int_equal(share(STP_SHARE_DEFAULT, 19), 9);
	assert_int_equal(share(STP_SHARE_DEFAULT, 20), 10);
	assert_int_equal(share(STP_SHARE_DEFAULT, 21), 10);
	assert_int_equal(share(STP_SHARE_DEFAULT, 1099), 10);
	assert_int_equal(share(STP_SHARE_DEFAULT, 1100), 11);
	assert_int_equal(share(STP_SHARE_DEFAULT, 100000), 1000);
	assert_int_equal(share(0, 100000), 10);
	assert_int_equal(share(STP_SHARE_WHOLE, 7), 7);
	assert_int_equal(share(750000, 8), 6);
	/* The product does not overflow. */
	assert_int_equal(share(STP_SHARE_WHOLE, UINT64_MAX), UINT64_MAX);
	assert_int_equal(share(STP_SHARE_DEFAULT, UINT64_MAX), UINT64_MAX / 100);
}

static void test_removals__a_number_is_used_unchanged(void **state)
{
	struct stp_removal_limit limit = {0, 3};

	(void)state;
	assert_int_equal(stp_removal_limit_of(&limit, 1000000), 3);
	assert_int_equal(stp_removal_limit_of(&limit, 4), 3);
	limit.value = 0;
	assert_int_equal(stp_removal_limit_of(&limit, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_removals__shares_are_written_as_they_were_read),
	    cmocka_unit_test(test_removals__a_small_index_may_lose_ten_but_not_half),
	    cmocka_unit_test(test_removals__a_number_is_used_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
