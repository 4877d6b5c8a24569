/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/sign/compare.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)
#define SHA512 STP_ALG_BIT(STP_ALG_SHA512)
#define BLAKE  STP_ALG_BIT(STP_ALG_BLAKE2B_256)

/* The digests of one version of a file: each algorithm's digest repeats one byte. */
static const uint8_t *packed(unsigned set, uint8_t sha256, uint8_t sha512, uint8_t blake,
                             uint8_t out[128])
{
	uint8_t bytes[3] = {sha256, sha512, blake};
	uint8_t *at = out;
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(set & STP_ALG_BIT(alg)))
			continue;
		memset(at, bytes[alg], stp_alg_digest_bytes((enum stp_alg)alg));
		at += stp_alg_digest_bytes((enum stp_alg)alg);
	}
	return out;
}

static void test_compare__any_common_algorithm_decides(void **state)
{
	unsigned a;
	unsigned b;

	(void)state;
	for (a = 0; a < 8; a++) {
		for (b = 0; b < 8; b++) {
			uint8_t x[128];
			uint8_t y[128];
			uint8_t z[128];
			struct stp_said said_x = {5, packed(a, 1, 2, 3, x), a};
			struct stp_said said_y = {5, packed(b, 1, 2, 3, y), b};
			struct stp_said said_z = {5, packed(b, 4, 4, 4, z), b};
			int is_common = (a & b) != 0;

			assert_int_equal(stp_said_compare(&said_x, &said_y),
			                 is_common ? STP_SAME_YES : STP_SAME_UNKNOWN);
			assert_int_equal(stp_said_compare(&said_x, &said_z),
			                 is_common ? STP_SAME_NO : STP_SAME_UNKNOWN);
			said_y.length = 6;
			assert_int_equal(stp_said_compare(&said_x, &said_y), STP_SAME_NO);
		}
	}
}

static void test_compare__one_that_differs_among_equal_ones_is_a_difference(void **state)
{
	uint8_t x[128];
	uint8_t y[128];
	struct stp_said said_x = {5, packed(7, 1, 2, 3, x), 7};
	struct stp_said said_y = {5, packed(7, 1, 2, 3, y), 7};

	(void)state;
	y[32 + 64 + 31] ^= 1;
	assert_int_equal(stp_said_compare(&said_x, &said_y), STP_SAME_NO);
	said_x.set = SHA256 | SHA512; /* the same digests without the last one */
	assert_int_equal(stp_said_compare(&said_x, &said_y), STP_SAME_YES);
}

static void test_compare__a_difference_never_reads_as_equal(void **state)
{
	char text[STP_DIFFERENCE_MAX];
	uint8_t x[128];
	uint8_t y[128];
	struct stp_said before = {6, packed(SHA256 | BLAKE, 0x11, 0, 0x33, x), SHA256 | BLAKE};
	struct stp_said now = {7, packed(BLAKE, 0, 0, 0x33, y), BLAKE};
	size_t at;

	(void)state;
	assert_string_equal(stp_said_difference(&before, &now, " is now ", text),
	                    "length 6 is now 7");
	y[0] = 0x34;
	assert_string_equal(stp_said_difference(&before, &now, ", there ", text),
	                    "length 6, there 7, blake2b-256 3333333333333333..., there "
	                    "3433333333333333...");
	now.length = 6;
	for (at = 0; at < 32; at++) {
		char *second;
		size_t digits;

		memset(y, 0x33, 32);
		y[at] = 0x3f;
		stp_said_difference(&before, &now, " is now ", text);
		second = strstr(text, " is now ");
		assert_non_null(second);
		digits = strspn(second + 8, "0123456789abcdef");
		assert_true(digits >= 16 && digits >= 2 * (at + 1));
		assert_memory_not_equal(text + strlen("blake2b-256 "), second + 8, digits);
	}
	assert_null(strstr(text, "...")); /* whole */
}

static void test_compare__records_are_restated_for_another_set(void **state)
{
	uint8_t digests[128];
	uint8_t expected[128];
	uint8_t buffer[STP_CLAIMS_BYTES_MAX];
	struct stp_record record = {.digests = packed(SHA256 | BLAKE, 1, 0, 3, digests)};

	(void)state;
	record.flags = STP_RECORD_LISTED | STP_RECORD_CLAIM(STP_ALG_SHA256) |
	               STP_RECORD_CLAIM(STP_ALG_BLAKE2B_256);
	stp_record_restate(&record, SHA512, BLAKE, buffer);
	assert_int_equal(record.flags, STP_RECORD_LISTED | STP_RECORD_DIGESTS);
	assert_memory_equal(record.digests, packed(BLAKE, 0, 0, 3, expected), 32);
	/* If the wanted set has more, the digests stay claims. */
	record.digests = digests;
	stp_record_restate(&record, SHA256 | BLAKE, SHA512, buffer);
	assert_int_equal(record.flags, STP_RECORD_LISTED | STP_RECORD_CLAIM(STP_ALG_SHA256) |
	                                   STP_RECORD_CLAIM(STP_ALG_BLAKE2B_256));
	assert_ptr_equal(record.digests, digests);
	stp_record_restate(&record, 0, SHA256 | BLAKE, buffer);
	assert_int_equal(record.flags, STP_RECORD_LISTED | STP_RECORD_DIGESTS);
	assert_ptr_equal(record.digests, digests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compare__any_common_algorithm_decides),
	    cmocka_unit_test(test_compare__one_that_differs_among_equal_ones_is_a_difference),
	    cmocka_unit_test(test_compare__a_difference_never_reads_as_equal),
	    cmocka_unit_test(test_compare__records_are_restated_for_another_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
