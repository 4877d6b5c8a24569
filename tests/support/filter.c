/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case of a cmocka program: CASE='test_scan_path__*' build/dev/tests/unit/unit_scan_path_test.
 * "*" and "?" as cmocka_set_test_filter() knows them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void set_filter(void)
{
	const char *pattern = getenv("CASE");

	if (pattern && *pattern)
		cmocka_set_test_filter(pattern);
}
