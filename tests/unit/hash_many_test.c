/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cpu.h"
#include "hash/hash.h"

#define LENGTHS 700

static uint8_t text[LENGTHS + 64];

/* libsodium's digest. */
static void expect(enum stp_alg alg, const uint8_t *p, size_t n, const uint8_t *key,
                   size_t key_bytes, uint8_t *digest)
{
	switch (alg) {
	case STP_ALG_SHA256:
		crypto_hash_sha256(digest, p, n);
		break;
	case STP_ALG_SHA512:
		crypto_hash_sha512(digest, p, n);
		break;
	default:
		crypto_generichash(digest, 32, p, n, key, key_bytes);
	}
}

static void test_hash_many__one_message_of_every_length_equals_libsodium(void **state)
{
	uint8_t want[64];
	uint8_t got[64];
	int alg;
	size_t n;

	(void)state;
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		for (n = 0; n <= LENGTHS; n++) {
			expect((enum stp_alg)alg, text, n, NULL, 0, want);
			stp_hash_one((enum stp_alg)alg, text, n, got);
			assert_memory_equal(want, got, stp_alg_digest_bytes((enum stp_alg)alg));
		}
}

/* Hashes count messages of lengths first, first + step, … with one call. */
static void check_many(enum stp_alg alg, size_t count, size_t first, size_t step,
                       const uint8_t *key, size_t key_bytes)
{
	static const uint8_t *messages[LENGTHS + 1];
	static size_t bytes[LENGTHS + 1];
	static uint8_t digests[(LENGTHS + 1) * 80];
	uint8_t want[64];
	size_t i;

	memset(digests, 0xee, sizeof digests);
	for (i = 0; i < count; i++) {
		messages[i] = text + i % 64;
		bytes[i] = (first + i * step) % (LENGTHS + 1);
	}
	stp_hash_many(alg, messages, bytes, count, key, key_bytes, digests, 80);
	for (i = 0; i < count; i++) {
		expect(alg, messages[i], bytes[i], key, key_bytes, want);
		assert_memory_equal(want, digests + i * 80, stp_alg_digest_bytes(alg));
		assert_int_equal(digests[i * 80 + stp_alg_digest_bytes(alg)], 0xee);
	}
}

static void test_hash_many__messages_of_all_lengths_in_one_call_equal_libsodium(void **state)
{
	int alg;
	size_t count;

	(void)state;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		check_many((enum stp_alg)alg, LENGTHS + 1, 0, 1, NULL, 0);
		check_many((enum stp_alg)alg, LENGTHS + 1, 0, 97, NULL, 0);
		for (count = 0; count < 40; count++) {
			check_many((enum stp_alg)alg, count, 100, 0, NULL, 0);
			check_many((enum stp_alg)alg, count, 0, 131, NULL, 0);
		}
	}
}

static void test_hash_many__keyed_blake2b_equals_libsodium(void **state)
{
	uint8_t key[64];
	size_t n;

	(void)state;
	randombytes_buf(key, sizeof key);
	for (n = 1; n <= sizeof key; n++)
		check_many(STP_ALG_BLAKE2B_256, LENGTHS + 1, n, 1, key, n);
}

/* Short and long messages in one call, in an order without pattern. */
static void check_mixed(enum stp_alg alg, size_t count, const uint8_t *key, size_t key_bytes)
{
	enum { COUNT_MAX = 300, BYTES_MAX = 40000 };
	static uint8_t big[BYTES_MAX + COUNT_MAX];
	const uint8_t *messages[COUNT_MAX];
	size_t bytes[COUNT_MAX];
	uint8_t digests[COUNT_MAX][64];
	uint8_t want[64];
	size_t i;

	randombytes_buf(big, sizeof big);
	for (i = 0; i < count; i++) {
		uint32_t kind = randombytes_uniform(4);

		messages[i] = big + i;
		bytes[i] = randombytes_uniform(kind == 0 ? BYTES_MAX : kind == 1 ? 8 : 400);
	}
	stp_hash_many(alg, messages, bytes, count, key, key_bytes, digests[0], 64);
	for (i = 0; i < count; i++) {
		expect(alg, messages[i], bytes[i], key, key_bytes, want);
		assert_memory_equal(want, digests[i], stp_alg_digest_bytes(alg));
	}
}

static void test_hash_many__messages_of_very_different_sizes_equal_libsodium(void **state)
{
	static const uint8_t key[32] = {1, 2, 3};
	size_t count;
	int alg;

	(void)state;
	for (count = 1; count <= 300; count += 13) {
		for (alg = 0; alg < STP_ALG_COUNT; alg++)
			check_mixed((enum stp_alg)alg, count, NULL, 0);
		check_mixed(STP_ALG_BLAKE2B_256, count, key, sizeof key);
	}
}

/* Feeds one message as chunks of chunk_bytes, the last of them empty when it divides. */
static void check_chunks(unsigned set, unsigned features, size_t n, size_t chunk_bytes)
{
	struct stp_hasher *hasher;
	struct stp_hash_stream stream;
	struct stp_err err = STP_ERR_INIT;
	uint8_t digests[3 * 64];
	uint8_t want[64];
	size_t at = 0;
	int alg;

	assert_int_equal(stp_hasher_create(set, features, 4, &hasher, &err), STP_OK);
	stp_hash_stream_init(&stream, set);
	for (;;) {
		int final = n - at < chunk_bytes;
		struct stp_hash_job job = {.stream = &stream,
		                           .data = text + at,
		                           .bytes = final ? n - at : chunk_bytes,
		                           .final = final,
		                           .digests = digests};

		stp_hasher_submit(hasher, &job);
		assert_int_equal(stp_hasher_in_flight(hasher), 1);
		assert_ptr_equal(stp_hasher_next(hasher, STP_HASHER_DRAIN), &job);
		at += job.bytes;
		if (final)
			break;
	}
	assert_null(stp_hasher_next(hasher, STP_HASHER_DRAIN));
	stp_hasher_destroy(hasher);
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (set & STP_ALG_BIT(alg)) {
			expect((enum stp_alg)alg, text, n, NULL, 0, want);
			assert_memory_equal(want, digests + stp_alg_set_offset(set, alg),
			                    stp_alg_digest_bytes((enum stp_alg)alg));
		}
}

static void test_hasher__chunks_of_one_message_equal_the_whole(void **state)
{
	unsigned set;
	size_t n;

	(void)state;
	for (set = 1; set < 1u << STP_ALG_COUNT; set++)
		for (n = 0; n <= LENGTHS; n++) {
			check_chunks(set, stp_cpu_features(), n, 128);
			check_chunks(set, stp_cpu_features(), n, 256);
			check_chunks(set, 0, n, 384);
		}
}

static int group_setup(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	randombytes_buf(text, sizeof text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash_many__one_message_of_every_length_equals_libsodium),
	    cmocka_unit_test(test_hash_many__messages_of_all_lengths_in_one_call_equal_libsodium),
	    cmocka_unit_test(test_hash_many__messages_of_very_different_sizes_equal_libsodium),
	    cmocka_unit_test(test_hash_many__keyed_blake2b_equals_libsodium),
	    cmocka_unit_test(test_hasher__chunks_of_one_message_equal_the_whole),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
