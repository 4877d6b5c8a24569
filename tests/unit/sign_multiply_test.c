/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares both implementations of sign/multiply.h with libsodium's point arithmetic: for scalars
 * at the limits of every digit, for random ones, and for every count, since idle lanes must have no
 * effect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cpu.h"
#include "sign/multiply.h"

static struct stp_key *key;

static int make_key(void **state)
{
	uint8_t seed[32] = {9, 8, 7};

	(void)state;
	return stp_key_from_seed(seed, &key, NULL) == STP_OK ? 0 : -1;
}

static int drop_key(void **state)
{
	(void)state;
	stp_key_destroy(key);
	return 0;
}

static struct stp_multiplier *multiplier_for(unsigned features)
{
	struct stp_multiplier *multiplier = NULL;

	assert_int_equal(stp_multiplier_create(key, features, &multiplier, NULL), STP_OK);
	assert_true(stp_multiplier_fits(multiplier));
	return multiplier;
}

/* s·B - k·A by point operations, not by scalars; 0 where libsodium refuses the neutral point. */
static int expected_point(const uint8_t *s, const uint8_t *k, uint8_t out[32])
{
	uint8_t from_base[32];
	uint8_t from_key[32];

	if (crypto_scalarmult_ed25519_base_noclamp(from_base, s) != 0)
		return 0;
	if (!k) {
		memcpy(out, from_base, 32);
		return 1;
	}
	return crypto_scalarmult_ed25519_noclamp(from_key, k, stp_key_public(key)) == 0 &&
	       crypto_core_ed25519_sub(out, from_base, from_key) == 0;
}

static void assert_multiplies(struct stp_multiplier *multiplier, uint8_t (*s)[32], uint8_t (*k)[32],
                              size_t count)
{
	static uint8_t points[STP_MULTIPLY_JOBS_MAX + 1][32];
	struct stp_multiply_job jobs[STP_MULTIPLY_JOBS_MAX] = {{NULL, NULL, NULL}};
	uint8_t expected[32];

	memset(points, 0xee, sizeof(points));
	for (size_t i = 0; i < count; i++)
		jobs[i] = (struct stp_multiply_job){s[i], k ? k[i] : NULL, points[i]};
	assert_true(stp_multiply(multiplier, jobs, count));
	for (size_t i = 0; i < count; i++) {
		assert_true(expected_point(s[i], k ? k[i] : NULL, expected));
		assert_memory_equal(points[i], expected, 32);
	}
	memset(expected, 0xee, sizeof(expected));
	assert_memory_equal(points[count], expected, 32);
}

/* The order of the group, less one: the largest scalar. */
static const uint8_t largest[32] = {0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                    0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                    0,    0,    0,    0,    0,    0,    0,    0,
                                    0,    0,    0,    0,    0,    0,    0,    0x10};

/* Scalar number i of those whose digits are at a limit: one digit of each value at each position (a
 * digit becomes negative between 7 and 8), all digits equal, and the largest. */
static void edge_scalar(size_t i, uint8_t out[32])
{
	memset(out, 0, 32);
	if (i < 63 * 15) {
		out[i / 15 / 2] = (uint8_t)((i % 15 + 1) << (i / 15 % 2 * 4));
	} else if (i < 63 * 15 + 15) {
		memset(out, (int)(i - 63 * 15 + 1) * 0x11, 31);
	} else {
		memcpy(out, largest, 32);
	}
}
#define EDGE_COUNT ((size_t)63 * 15 + 16)

/* Without the instructions all tests here use the slow reference, and do not test lanes. */
static void test_has_lanes(void **state)
{
	(void)state;
	if (!(stp_cpu_features() & STP_CPU_IFMA))
		skip();
}

static void test_edges(void **state)
{
	const unsigned sets[] = {0, stp_cpu_features()};
	uint8_t s[STP_MULTIPLY_JOBS_MAX][32];
	uint8_t k[STP_MULTIPLY_JOBS_MAX][32];

	(void)state;
	for (size_t set = 0; set < 2; set++) {
		struct stp_multiplier *multiplier = multiplier_for(sets[set]);

		for (size_t first = 0; first < EDGE_COUNT; first += STP_MULTIPLY_JOBS_MAX) {
			size_t count = EDGE_COUNT - first < STP_MULTIPLY_JOBS_MAX
			                   ? EDGE_COUNT - first
			                   : STP_MULTIPLY_JOBS_MAX;

			for (size_t i = 0; i < count; i++) {
				edge_scalar(first + i, s[i]);
				edge_scalar(EDGE_COUNT - 1 - first - i, k[i]);
			}
			assert_multiplies(multiplier, s, NULL, count);
			assert_multiplies(multiplier, s, k, count);
		}
		stp_multiplier_destroy(multiplier);
	}
}

static void test_random_scalars_at_every_count(void **state)
{
	struct stp_multiplier *multiplier = multiplier_for(stp_cpu_features());
	uint8_t s[STP_MULTIPLY_JOBS_MAX][32];
	uint8_t k[STP_MULTIPLY_JOBS_MAX][32];

	(void)state;
	for (size_t count = 0; count <= STP_MULTIPLY_JOBS_MAX; count++) {
		for (size_t i = 0; i < count; i++) {
			crypto_core_ed25519_scalar_random(s[i]);
			crypto_core_ed25519_scalar_random(k[i]);
		}
		assert_multiplies(multiplier, s, NULL, count);
		assert_multiplies(multiplier, s, k, count);
	}
	stp_multiplier_destroy(multiplier);
}

/* ka·B - k·A is the neutral point, and so is 0·B: no signature contains that. */
static void test_neutral_point_is_refused(void **state)
{
	const unsigned sets[] = {0, stp_cpu_features()};
	uint8_t s[32];
	uint8_t k[32];
	uint8_t point[32];

	(void)state;
	crypto_core_ed25519_scalar_random(k);
	crypto_core_ed25519_scalar_mul(s, k, stp_key_secret(key)->scalar);
	for (size_t set = 0; set < 2; set++) {
		struct stp_multiplier *multiplier = multiplier_for(sets[set]);
		struct stp_multiply_job job = {s, k, point};
		static const uint8_t nought[32];

		assert_false(stp_multiply(multiplier, &job, 1));
		job = (struct stp_multiply_job){nought, NULL, point};
		assert_false(stp_multiply(multiplier, &job, 1));
		stp_multiplier_destroy(multiplier);
	}
}

/* Doubling as a case of addition: both sums are equal here. */
static void test_sums_that_double(void **state)
{
	struct stp_multiplier *multiplier = multiplier_for(stp_cpu_features());
	uint8_t s[STP_MULTIPLY_JOBS_MAX][32];
	uint8_t k[STP_MULTIPLY_JOBS_MAX][32];

	(void)state;
	/* s = -ka: the sum is twice either term. */
	for (size_t i = 0; i < STP_MULTIPLY_JOBS_MAX; i++) {
		memset(k[i], 0, 32);
		k[i][0] = (uint8_t)(i + 1);
		crypto_core_ed25519_scalar_mul(s[i], k[i], stp_key_secret(key)->scalar);
		crypto_core_ed25519_scalar_negate(s[i], s[i]);
	}
	assert_multiplies(multiplier, s, k, STP_MULTIPLY_JOBS_MAX);
	stp_multiplier_destroy(multiplier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_has_lanes),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_random_scalars_at_every_count),
	    cmocka_unit_test(test_neutral_point_is_refused),
	    cmocka_unit_test(test_sums_that_double),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
