/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish/mark_name.h"

#define HEX "0123456789abcdef0000"

static void is_named(const char *path, const char *name)
{
	char out[STP_MARK_NAME_BYTES];
	char again[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];

	assert_int_equal(stp_mark_name(path, strlen(path), HEX, out), strlen(name));
	assert_string_equal(out, name);
	assert_int_equal(stp_mark_parse(name, strlen(name), again, hex), 1);
	assert_string_equal(again, path);
	assert_string_equal(hex, "0123456789abcdef");
}

static void test_mark_name__folders_become_separators(void **state)
{
	(void)state;
	is_named("a.whl", ".signed/01/23456789abcdef.\"\"\"\"\"\"a.whl");
	is_named("p/a.whl", ".signed/01/23456789abcdef.p\"\"\"\"\"\"a.whl");
	is_named("p/q/a.whl", ".signed/01/23456789abcdef.p\"q\"\"\"\"\"a.whl");
	is_named("1/2/3/4/5/6/a.whl", ".signed/01/23456789abcdef.1\"2\"3\"4\"5\"6\"a.whl");
}

static void test_mark_name__many_folders_stay_folders(void **state)
{
	(void)state;
	is_named("1/2/3/4/5/6/7/a.whl", ".signed/long/1/2/3/4/5/6/7/0123456789abcdef.a.whl");
}

/* Exactly as long as a file's name may be, and one byte more. */
static void test_mark_name__long_paths_stay_folders(void **state)
{
	char path[STP_PATH_BYTES_MAX + 1];
	char out[STP_MARK_NAME_BYTES];
	char want[STP_MARK_NAME_BYTES];

	(void)state;
	memset(path, 'x', sizeof(path));
	memcpy(path, "d/", 2);
	path[255 - 14 - 1 - 5] = '\0';
	assert_int_equal(stp_mark_name(path, strlen(path), HEX, out), strlen(".signed/01/") + 255);
	path[strlen(path)] = 'x';
	path[255 - 14 - 1 - 5 + 1] = '\0';
	snprintf(want, sizeof(want), ".signed/long/d/0123456789abcdef.%s", path + 2);
	is_named(path, want);
	memset(path, 'x', 300);
	path[238] = '\0';
	assert_int_not_equal(stp_mark_name(path, 238, HEX, out), 0);
	path[238] = 'x';
	path[239] = '\0';
	assert_int_equal(stp_mark_name(path, 239, HEX, out), 0);
}

static void test_mark_name__the_longest_path_is_refused_or_fits(void **state)
{
	char path[STP_PATH_BYTES_MAX + 1];
	char out[STP_MARK_NAME_BYTES];
	size_t bytes;

	(void)state;
	for (bytes = 0; bytes < STP_PATH_BYTES_MAX; bytes++)
		path[bytes] = bytes % 100 == 99 && bytes + 1 < STP_PATH_BYTES_MAX ? '/' : 'x';
	for (bytes = STP_PATH_BYTES_MAX - 60; bytes <= STP_PATH_BYTES_MAX; bytes++) {
		size_t count = path[bytes - 1] == '/' ? 0 : stp_mark_name(path, bytes, HEX, out);

		assert_true(count <= STP_PATH_BYTES_MAX);
		if (count)
			assert_int_equal(strlen(out), count);
	}
}

static void test_mark_name__other_names_are_not_marks(void **state)
{
	static const char *const bad[] = {
	    "",
	    ".signed/",
	    ".signed/01/",
	    ".signed/01/23456789abcdef.",
	    ".signed/01/23456789abcdef.a.whl",
	    ".signed/01/23456789abcdef.\"\"\"\"\"a.whl",
	    ".signed/01/23456789abcdef.\"\"\"\"\"\"\"a.whl",
	    ".signed/01/23456789abcdef.\"p\"\"\"\"\"a.whl",
	    ".signed/01/23456789abcdef.p\"\"q\"\"\"\"a.whl",
	    ".signed/01/23456789abcdef.1\"2\"3\"4\"5\"6\"",
	    ".signed/01/23456789abcdeF.\"\"\"\"\"\"a.whl",
	    ".signed/0123/456789abcdef.\"\"\"\"\"\"a.whl",
	    ".signed/long/0123456789abcdef.a.whl",
	    ".signed/long/a/0123456789abcdef.a.whl",
	    ".signed/long/1/2/3/4/5/6/7/0123456789abcdef.",
	    "xsigned/012/3456789abcdef.\"\"\"\"\"\"a.whl",
	};
	char path[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (stp_mark_parse(bad[i], strlen(bad[i]), path, hex))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mark_name__folders_become_separators),
	    cmocka_unit_test(test_mark_name__many_folders_stay_folders),
	    cmocka_unit_test(test_mark_name__long_paths_stay_folders),
	    cmocka_unit_test(test_mark_name__the_longest_path_is_refused_or_fits),
	    cmocka_unit_test(test_mark_name__other_names_are_not_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
