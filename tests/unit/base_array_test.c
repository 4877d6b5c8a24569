/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

struct item {
	uint64_t value;
	char rest[40];
};

static void test_array__keeps_what_was_added(void **state)
{
	struct item *items = NULL;
	size_t capacity = 0;
	size_t moves = 0;
	size_t count;
	size_t i;

	(void)state;
	for (count = 0; count < 10000; count++) {
		size_t before = capacity;

		assert_true(STP_ARRAY_RESERVE(items, capacity, count + 1));
		assert_true(capacity > count);
		moves += capacity != before;
		items[count].value = count;
	}
	assert_true(moves < 10); /* it doubles */
	for (i = 0; i < count; i++)
		assert_int_equal(items[i].value, i);
	free(items);
}

static void test_array__fits_many_at_once(void **state)
{
	static const size_t needed[] = {0, 1, 63, 64, 65, 1000, 1001, 5000};
	uint32_t *items = NULL;
	size_t capacity = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		assert_true(STP_ARRAY_RESERVE(items, capacity, needed[i]));
		assert_true(capacity >= needed[i]);
		if (needed[i])
			memset(items, 0xff, capacity * sizeof(*items));
	}
	free(items);
}

static void test_array__what_fits_is_left_alone(void **state)
{
	uint32_t *items = NULL;
	uint32_t *before;
	size_t capacity = 0;
	size_t fits;

	(void)state;
	assert_true(STP_ARRAY_RESERVE(items, capacity, 0));
	assert_null(items);
	assert_true(STP_ARRAY_RESERVE(items, capacity, 1));
	before = items;
	fits = capacity;
	assert_true(STP_ARRAY_RESERVE(items, capacity, fits));
	assert_ptr_equal(items, before);
	assert_int_equal(capacity, fits);
	free(items);
}

/* What cannot be counted must fail, not wrap round to a small array. */
static void test_array__refuses_more_than_can_be_counted(void **state)
{
	static const size_t needed[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / sizeof(struct item) + 1,
	                                (size_t)PTRDIFF_MAX / sizeof(struct item) + 1};
	struct item *items = NULL;
	struct item *before;
	size_t capacity = 0;
	size_t fits;
	size_t i;

	(void)state;
	assert_true(STP_ARRAY_RESERVE(items, capacity, 1));
	items[0].value = 42;
	before = items;
	fits = capacity;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		assert_false(STP_ARRAY_RESERVE(items, capacity, needed[i]));
		assert_ptr_equal(items, before);
		assert_int_equal(capacity, fits);
		assert_int_equal(items[0].value, 42);
	}
	/* A capacity that cannot be doubled. */
	capacity = SIZE_MAX / 2 + 1;
	assert_false(STP_ARRAY_RESERVE(items, capacity, capacity + 1));
	assert_ptr_equal(items, before);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_array__keeps_what_was_added),
	    cmocka_unit_test(test_array__fits_many_at_once),
	    cmocka_unit_test(test_array__what_fits_is_left_alone),
	    cmocka_unit_test(test_array__refuses_more_than_can_be_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
