/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "scan/path.h"

static int is_good(const char *path)
{
	return stp_path_problem(path, strlen(path)) == NULL;
}

static void test_scan_path__accepts_what_indexes_use(void **state)
{
	(void)state;
	assert_true(is_good("a"));
	assert_true(is_good("packages/ab/cd/foo-1.2-py3-none-any.whl"));
	assert_true(is_good("simple/foo/index.html"));
	assert_true(is_good("a b/c~d/+!#$%&'()*,-.:;<=>?@[]^_`{|}"));
	assert_true(is_good(".hidden/..double/...triple"));
}

static void test_scan_path__refuses_traversal_and_empty_segments(void **state)
{
	static const char *const bad[] = {"",     "/a",    "a/",   "a//b",   ".", "..",    "./a",
	                                  "../a", "a/./b", "a/..", "a/../b", "/", "a/b/.", "//"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_good(bad[i]));
}

static void test_scan_path__refuses_each_byte_outside_printable_ascii(void **state)
{
	unsigned byte;

	(void)state;
	for (byte = 0; byte < 256; byte++) {
		char path[3] = {'a', (char)byte, 'b'};
		int good = byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\';

		/* "a/b" is a path, but not a name */
		assert_int_equal(stp_path_problem(path, 3) == NULL, good);
		assert_int_equal(stp_path_name_problem(path, 3) == NULL, good && byte != '/');
	}
}

static void test_scan_path__limits_length_names_and_depth(void **state)
{
	char path[STP_PATH_BYTES_MAX + 2];
	size_t i;

	(void)state;
	memset(path, 'a', sizeof(path));
	assert_null(stp_path_problem(path, STP_NAME_BYTES_MAX));
	assert_non_null(stp_path_problem(path, STP_NAME_BYTES_MAX + 1));
	for (i = 200; i < sizeof(path); i += 200)
		path[i] = '/';
	assert_null(stp_path_problem(path, STP_PATH_BYTES_MAX));
	assert_non_null(stp_path_problem(path, STP_PATH_BYTES_MAX + 1));
	for (i = 0; i < 2 * STP_TREE_DEPTH_MAX + 3; i++)
		path[i] = i % 2 ? '/' : 'd';
	assert_null(stp_path_problem(path, 2 * STP_TREE_DEPTH_MAX + 1));
	assert_non_null(stp_path_problem(path, 2 * STP_TREE_DEPTH_MAX + 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan_path__accepts_what_indexes_use),
	    cmocka_unit_test(test_scan_path__refuses_traversal_and_empty_segments),
	    cmocka_unit_test(test_scan_path__refuses_each_byte_outside_printable_ascii),
	    cmocka_unit_test(test_scan_path__limits_length_names_and_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
