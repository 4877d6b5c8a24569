/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/url.h"

static int can_be_fetched(const char *path)
{
	return stp_url_problem(path, strlen(path)) == NULL;
}

static void test_url__names_that_clients_write_right(void **state)
{
	(void)state;
	assert_true(can_be_fetched("packages/ab/cd/foo-1.2-py3-none-any.whl"));
	assert_true(can_be_fetched("a b/ c/d /e+f;g=h&i,j:k@l!$'()*~^`{|}<>[]_-.x"));
	assert_true(can_be_fetched("a"));
	assert_true(can_be_fetched(""));
}

/* Whatever vector the byte falls into, at the beginning, within and at the end. */
static void test_url__each_delimiter_at_each_place(void **state)
{
	static const char delimiters[] = "%#?";
	char path[70];
	size_t bytes;
	size_t at;
	size_t i;

	(void)state;
	for (bytes = 1; bytes < sizeof(path); bytes++)
		for (at = 0; at < bytes; at++)
			for (i = 0; i < 3; i++) {
				memset(path, 'a', sizeof(path));
				assert_null(stp_url_problem(path, bytes));
				path[at] = delimiters[i];
				assert_non_null(stp_url_problem(path, bytes));
				assert_non_null(strchr(stp_url_problem(path, bytes), path[at]));
			}
}

static void test_url__a_space_only_at_the_end(void **state)
{
	(void)state;
	assert_false(can_be_fetched("packages/a.whl "));
	assert_false(can_be_fetched(" "));
	assert_true(can_be_fetched("packages /a.whl"));
	assert_true(can_be_fetched(" a.whl"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_url__names_that_clients_write_right),
	    cmocka_unit_test(test_url__each_delimiter_at_each_place),
	    cmocka_unit_test(test_url__a_space_only_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
