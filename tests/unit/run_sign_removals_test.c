/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "records.h"
#include "run/sign/removals.h"

#define RECORDS 50
#define PARTS   3

static void add(struct stp_removals *removals, uint64_t i)
{
	struct made_record made;

	make_record(&made, 9, i);
	assert_int_equal(stp_removals_count(removals, &made.record,
	                                    i % 4   ? STP_REMOVAL_ABSENT
	                                    : i % 8 ? STP_REMOVAL_EXCLUDED
	                                            : STP_REMOVAL_FAULT,
	                                    NULL),
	                 STP_OK);
}

static void assert_same(const struct stp_removals *a, const struct stp_removals *b)
{
	size_t i;

	assert_int_equal(a->count, b->count);
	assert_int_equal(a->excluded, b->excluded);
	assert_int_equal(a->at_fault, b->at_fault);
	assert_int_equal(a->shown_count, b->shown_count);
	for (i = 0; i < a->shown_count; i++) {
		assert_memory_equal(a->shown[i].key, b->shown[i].key, STP_KEY_BYTES);
		assert_string_equal(a->shown[i].path, b->shown[i].path);
		assert_int_equal(a->shown[i].reason, b->shown[i].reason);
	}
}

static void test_removals__the_examples_are_the_same_however_they_were_met(void **state)
{
	struct stp_removals one = {0};
	struct stp_removals sum = {0};
	struct stp_removals parts[PARTS] = {{0}};
	uint64_t i;

	(void)state;
	for (i = 0; i < RECORDS; i++)
		add(&one, i);
	assert_int_equal(one.count, RECORDS);
	assert_int_equal(one.excluded, 6);
	assert_int_equal(one.at_fault, 7);
	assert_int_equal(one.shown_count, STP_REMOVALS_SHOWN);
	for (i = 1; i < one.shown_count; i++)
		assert_true(stp_key_compare(one.shown[i - 1].key, one.shown[i].key) < 0);
	for (i = RECORDS; i-- > 0;)
		add(&parts[i * i % PARTS], i);
	for (i = PARTS; i-- > 0;)
		stp_removals_merge(&sum, &parts[i]);
	assert_same(&one, &sum);
	for (i = 0; i < PARTS; i++)
		assert_int_equal(parts[i].shown_count, 0);
	stp_removals_release(&one);
	stp_removals_release(&sum);
	assert_int_equal(sum.count, 0);
}

static void test_removals__few_are_all_shown(void **state)
{
	struct stp_removals removals = {0};
	struct stp_removals part = {.before = 7, .added = 2};

	(void)state;
	removals.before = 1;
	add(&removals, 1);
	add(&part, 2);
	stp_removals_merge(&removals, &part);
	assert_int_equal(removals.count, 2);
	assert_int_equal(removals.before, 8);
	assert_int_equal(removals.added, 2);
	assert_int_equal(removals.shown_count, 2);
	stp_removals_release(&removals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_removals__the_examples_are_the_same_however_they_were_met),
	    cmocka_unit_test(test_removals__few_are_all_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
