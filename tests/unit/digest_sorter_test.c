/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "digest/sorter.h"

#define COUNT 60000

struct check {
	char last[64];
	size_t last_bytes;
	size_t count;
	uint64_t length_sum;
};

static enum stp_errc take(void *ctx, const struct stp_digest_line *line, struct stp_err *err)
{
	struct check *check = ctx;
	size_t common = check->last_bytes < line->path_bytes ? check->last_bytes : line->path_bytes;
	int order = memcmp(check->last, line->path, common);

	(void)err;
	assert_true(order < 0 || (order == 0 && check->last_bytes <= line->path_bytes));
	memcpy(check->last, line->path, line->path_bytes);
	check->last_bytes = line->path_bytes;
	assert_int_equal(line->digests[0], (uint8_t)line->length);
	assert_int_equal(line->digests[31], (uint8_t)(line->length >> 8));
	check->length_sum += line->length;
	check->count++;
	return STP_OK;
}

static void test_digest_sorter__merges_what_was_spilled(void **state)
{
	struct stp_digest_run *runs[3];
	struct stp_err err = STP_ERR_INIT;
	struct check check = {0};
	uint64_t sum = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(stp_digest_run_create(32, 200 * 1024, &runs[i], &err), STP_OK);
	for (i = 0; i < COUNT; i++) {
		uint64_t value = i * 2654435761u % 1000003;
		uint8_t digest[32] = {(uint8_t)value};
		char path[64];
		struct stp_digest_line line = {path, 0, digest, value};

		digest[31] = (uint8_t)(value >> 8);
		line.path_bytes =
		    (size_t)snprintf(path, sizeof(path), "%s%llx", value % 3 ? "a/" : "a-",
		                     (unsigned long long)value);
		sum += value;
		assert_int_equal(stp_digest_run_add(runs[i % 3], &line, &err), STP_OK);
	}
	assert_int_equal(stp_digest_run_merge(runs, 3, take, &check, &err), STP_OK);
	assert_int_equal(check.count, COUNT);
	assert_int_equal(check.length_sum, sum);
	for (i = 0; i < 3; i++)
		stp_digest_run_destroy(runs[i]);
}

static void test_digest_sorter__nothing_merges_to_nothing(void **state)
{
	struct stp_digest_run *run;
	struct stp_err err = STP_ERR_INIT;
	struct check check = {0};

	(void)state;
	assert_int_equal(stp_digest_run_create(64, 100000, &run, &err), STP_OK);
	assert_int_equal(stp_digest_run_merge(&run, 1, take, &check, &err), STP_OK);
	assert_int_equal(check.count, 0);
	stp_digest_run_destroy(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digest_sorter__merges_what_was_spilled),
	    cmocka_unit_test(test_digest_sorter__nothing_merges_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
