/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "run/hash/lines.h"
#include "sort/memory.h"
#include "sort/sorter.h"

#define COUNT 60000

static struct stp_err err = STP_ERR_INIT;

static struct stp_sorter *create(size_t budget_bytes)
{
	struct stp_sorter *sorter;

	assert_int_equal(stp_sorter_create(budget_bytes, stp_hash_lines_compare, &sorter, &err),
	                 STP_OK);
	return sorter;
}

/* --- lines ----------------------------------------------------------------------------------- */

struct check {
	char last[4096];
	size_t last_bytes;
	size_t count;
	uint64_t length_sum;
};

static enum stp_errc take(void *ctx, const uint8_t *record, struct stp_err *e)
{
	struct check *check = ctx;
	struct stp_hash_file line = stp_hash_lines_get(record);
	size_t common = check->last_bytes < line.path_bytes ? check->last_bytes : line.path_bytes;
	int order = memcmp(check->last, line.path, common);

	(void)e;
	assert_true(order < 0 || (order == 0 && check->last_bytes <= line.path_bytes));
	memcpy(check->last, line.path, line.path_bytes);
	check->last_bytes = line.path_bytes;
	assert_int_equal(line.digests[0], (uint8_t)line.length);
	assert_int_equal(line.digests[31], (uint8_t)(line.length >> 8));
	check->length_sum += line.length;
	check->count++;
	return STP_OK;
}

/* Lines of paths that begin with all of prefix, which may be longer than what is sorted first. */
static void merge_lines(const char *prefix, size_t budget_bytes, size_t count)
{
	struct stp_sorter *sorters[3];
	struct check check = {{0}, 0, 0, 0};
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		sorters[i] = create(budget_bytes);
	for (i = 0; i < count; i++) {
		uint64_t value = i * 2654435761u % 1000003;
		uint8_t digest[32] = {(uint8_t)value};
		char path[64];
		struct stp_hash_file line = {path, 0, value, digest};

		digest[31] = (uint8_t)(value >> 8);
		line.path_bytes =
		    (size_t)snprintf(path, sizeof(path), "%s%s%llx", prefix,
		                     value % 3 ? "a/" : "a-", (unsigned long long)value);
		/* Every fifth one is all prefix of others, or short. */
		if (i % 5 == 0)
			line.path_bytes = strlen(prefix) + 1 + i % 3;
		sum += value;
		assert_int_equal(stp_hash_lines_add(sorters[i % 3], &line, 32, &err), STP_OK);
	}
	assert_int_equal(stp_sorter_merge(sorters, 3, take, &check, &err), STP_OK);
	assert_int_equal(check.count, count);
	assert_int_equal(check.length_sum, sum);
	for (i = 0; i < 3; i++)
		stp_sorter_destroy(sorters[i]);
}

static void test_sort_sorter__merges_what_was_spilled(void **state)
{
	(void)state;
	merge_lines("", 200 * 1024, COUNT);
	merge_lines("/a/common/folder/", 200 * 1024, COUNT);
	merge_lines("/a/comm", 200 * 1024, COUNT);
	merge_lines("", 64 << 20, COUNT);
	merge_lines("", 64 << 20, 1);
	merge_lines("", 64 << 20, 2);
}

static void test_sort_sorter__long_records_spill_too(void **state)
{
	struct stp_sorter *sorter = create(STP_SORTER_BUDGET_MIN);
	struct check check = {{0}, 0, 0, 0};
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++) {
		uint8_t digest[32] = {(uint8_t)i};
		char path[4095];
		struct stp_hash_file line = {path, sizeof(path), i, digest};

		digest[31] = (uint8_t)(i >> 8);
		memset(path, 'p', sizeof(path));
		path[4094] = (char)('a' + i % 26);
		path[i % 4000] = (char)('a' + i % 17);
		line.path_bytes -= i % 2 * (i % 100);
		assert_int_equal(stp_hash_lines_add(sorter, &line, 32, &err), STP_OK);
	}
	assert_int_equal(stp_sorter_merge(&sorter, 1, take, &check, &err), STP_OK);
	assert_int_equal(check.count, 300);
	stp_sorter_destroy(sorter);
}

static void test_sort_sorter__nothing_merges_to_nothing(void **state)
{
	struct stp_sorter *sorter = create(100000);
	struct check check = {{0}, 0, 0, 0};

	(void)state;
	assert_int_equal(stp_sorter_merge(&sorter, 1, take, &check, &err), STP_OK);
	assert_int_equal(check.count, 0);
	assert_int_equal(stp_sorter_merge(NULL, 0, take, &check, &err), STP_OK);
	assert_int_equal(check.count, 0);
	stp_sorter_destroy(sorter);
}

static enum stp_errc refuse(void *ctx, const uint8_t *record, struct stp_err *e)
{
	(void)record;
	return ++*(size_t *)ctx == 3 ? STP_FAIL(e, STP_IO, "test", NULL, "no more") : STP_OK;
}

static void test_sort_sorter__a_failure_of_emit_ends_it(void **state)
{
	struct stp_sorter *sorter = create(100000);
	uint8_t digest[32] = {0};
	struct stp_err failed = STP_ERR_INIT;
	size_t count = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		struct stp_hash_file line = {"x", 1, 0, digest};

		assert_int_equal(stp_hash_lines_add(sorter, &line, 32, &err), STP_OK);
	}
	assert_int_equal(stp_sorter_merge(&sorter, 1, refuse, &count, &failed), STP_IO);
	assert_int_equal(count, 3);
	stp_sorter_destroy(sorter);
}

/* --- items ----------------------------------------------------------------------------------- */

static int compare_eight(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a + 8, b + 8, 8);
}

/* Records of 16 bytes, sorted by the first 8 as their prefix and then by the others. */
static void sort_items(size_t count, uint64_t prefix_mask, uint64_t rest_mask)
{
	struct stp_sort_memory memory;
	uint64_t value = 1;
	size_t i;

	assert_int_equal(stp_sort_memory_map(&memory, count * 48 + 100, 16, "test", &err), STP_OK);
	for (i = 0; i < count; i++) {
		uint8_t *at;

		value = value * 6364136223846793005u + 1442695040888963407u;
		assert_true(stp_sort_memory_fits(&memory, 16));
		at = stp_sort_memory_add(&memory, value & prefix_mask, 16);
		stp_store64_be(at, value & prefix_mask);
		stp_store64_be(at + 8, (value >> 7) & rest_mask);
	}
	assert_int_equal(stp_sort_memory_sort(&memory, compare_eight, "test", &err), STP_OK);
	for (i = 1; i < count; i++) {
		const uint8_t *a = stp_sort_memory_at(&memory, i - 1);
		const uint8_t *b = stp_sort_memory_at(&memory, i);
		int order = memcmp(a, b, 16);

		assert_true(order < 0 || (order == 0 && a < b));
	}
	stp_sort_memory_unmap(&memory);
}

static void test_sort_items__any_prefix(void **state)
{
	static const size_t counts[] = {0, 1, 2, 32, 33, 1000, 20000};
	static const uint64_t masks[] = {
	    UINT64_MAX, 0, 0xff, 0xff00000000000000, 0xff00ff00ff, 3, UINT64_MAX - 255};
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (k = 0; k < sizeof(masks) / sizeof(masks[0]); k++) {
			sort_items(counts[i], masks[k], UINT64_MAX);
			sort_items(counts[i], masks[k], 7);
			sort_items(counts[i], masks[k], 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sort_sorter__merges_what_was_spilled),
	    cmocka_unit_test(test_sort_sorter__long_records_spill_too),
	    cmocka_unit_test(test_sort_sorter__nothing_merges_to_nothing),
	    cmocka_unit_test(test_sort_sorter__a_failure_of_emit_ends_it),
	    cmocka_unit_test(test_sort_items__any_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
