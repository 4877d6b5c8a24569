/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/limits.h"
#include "record/key.h"

#define COUNT_MAX 600

/* Against another implementation, for batches that fill the lanes and that do not. */
static void check_batch(size_t count, size_t path_bytes_first, size_t path_bytes_step)
{
	struct stp_record *records = calloc(count + 1, sizeof(*records));
	size_t i;

	assert_non_null(records);
	memset(records[count].key, 0xab, sizeof(records[count].key));
	for (i = 0; i < count; i++) {
		size_t bytes = (path_bytes_first + i * path_bytes_step) % (STP_PATH_BYTES_MAX + 1);
		char *path = malloc(bytes + 1);
		size_t at;

		assert_non_null(path);
		for (at = 0; at < bytes; at++)
			path[at] = (char)('a' + (at * 7 + i * 3) % 26);
		records[i].path = path;
		records[i].path_bytes = (uint16_t)bytes;
		records[i].length = i;
	}
	stp_record_keys(records, count);
	for (i = 0; i < count; i++) {
		uint8_t expected[crypto_hash_sha256_BYTES];

		crypto_hash_sha256(expected, (const uint8_t *)records[i].path,
		                   records[i].path_bytes);
		assert_memory_equal(records[i].key, expected, sizeof(expected));
		assert_int_equal(records[i].length, i);
		free((char *)(uintptr_t)records[i].path);
	}
	/* Nothing behind the batch is touched. */
	for (i = 0; i < STP_KEY_BYTES; i++)
		assert_int_equal(records[count].key[i], 0xab);
	free(records);
}

static void test_record_key__is_the_sha256_of_the_path(void **state)
{
	static const size_t counts[] = {0,  1,  7,   8,   9,   15,  16,
	                                17, 31, 100, 255, 256, 257, COUNT_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		check_batch(counts[i], 1, 1);
		check_batch(counts[i], 40, 0); /* all of one length */
		check_batch(counts[i], 0, 211);
	}
}

/* Where the padding takes another block, and the longest path. */
static void test_record_key__of_paths_at_the_ends_of_blocks(void **state)
{
	static const size_t bytes[] = {0,  1,   54,  55,  56,  63,  64,
	                               65, 119, 120, 127, 128, 129, STP_PATH_BYTES_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		check_batch(1, bytes[i], 0);
		check_batch(9, bytes[i], 0);
	}
}

static int init(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_key__is_the_sha256_of_the_path),
	    cmocka_unit_test(test_record_key__of_paths_at_the_ends_of_blocks),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
