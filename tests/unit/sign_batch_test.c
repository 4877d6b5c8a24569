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

#include "base/cpu.h"
#include "base/text.h"
#include "cjson/reader.h"
#include "keys/key_signer.h"
#include "sign/batch.h"
#include "sign/lanes.h"
#include "test_signer.h"

static struct stp_key *key;
static uint8_t sodium_secret[64];
static uint8_t sodium_public[32];

static int make_key(void **state)
{
	uint8_t seed[32];

	(void)state;
	for (int i = 0; i < 32; i++)
		seed[i] = (uint8_t)(i * 7 + 1);
	if (stp_key_from_seed(seed, &key, NULL) != STP_OK)
		return -1;
	return crypto_sign_seed_keypair(sodium_public, sodium_secret, seed);
}

static int drop_key(void **state)
{
	(void)state;
	stp_key_destroy(key);
	return 0;
}

/* A canonical body of exactly body_bytes (at least 2): a string. */
static void make_doc(struct stp_sign_doc *doc, size_t body_bytes, unsigned salt)
{
	uint8_t *body;

	doc->name = "7.bin-n-0000.json";
	doc->body_bytes = body_bytes;
	/* Exact size: the address sanitizer sees one byte too many. */
	doc->bytes = malloc(STP_ENVELOPE_BYTES + body_bytes);
	assert_non_null(doc->bytes);
	body = doc->bytes + STP_ENVELOPE_HEAD_BYTES;
	for (size_t i = 0; i < body_bytes; i++)
		body[i] = (uint8_t)('a' + (i * 5 + salt) % 26);
	body[0] = '"';
	body[body_bytes - 1] = '"';
}

static void free_docs(struct stp_sign_doc *docs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(docs[i].bytes);
}

static void assert_signed_as_libsodium_does(const struct stp_sign_doc *doc)
{
	uint8_t signature[64];
	uint8_t public_key[32];
	const uint8_t *body;
	size_t body_bytes;
	uint8_t expected[64];
	struct stp_cjson_cursor c;

	/* Read back as JSON, not by offsets. */
	stp_cjson_cursor_init(&c, doc->bytes, STP_ENVELOPE_BYTES + doc->body_bytes);
	assert_true(STP_CJSON_EXPECT(&c, "{\"signatures\":[{\"keyid\":\""));
	assert_true(stp_cjson_expect(&c, stp_key_id(key), 64));
	assert_true(STP_CJSON_EXPECT(&c, "\",\"sig\":"));
	assert_true(stp_cjson_take_hex(&c, signature, 64));
	assert_true(STP_CJSON_EXPECT(&c, "}],\"signed\":"));
	assert_true(stp_cjson_take_value(&c, &body, &body_bytes));
	assert_true(STP_CJSON_EXPECT(&c, "}"));
	assert_ptr_equal(c.at, c.end);
	assert_int_equal(body_bytes, doc->body_bytes);
	memcpy(public_key, stp_key_public(key), 32);
	assert_memory_equal(public_key, sodium_public, 32);
	crypto_sign_detached(expected, NULL, body, body_bytes, sodium_secret);
	assert_memory_equal(signature, expected, 64);
}

static void sign_and_compare(unsigned features, const size_t *body_bytes, size_t count)
{
	struct stp_signer *signer;
	struct stp_sign_doc *docs = calloc(count, sizeof(*docs));

	assert_non_null(docs);
	assert_int_equal(stp_lanes_create(key, features, &signer, NULL), STP_OK);
	for (size_t i = 0; i < count; i++)
		make_doc(&docs[i], body_bytes[i], (unsigned)i);
	assert_int_equal(stp_sign_batch(signer, docs, count, NULL), STP_OK);
	for (size_t i = 0; i < count; i++)
		assert_signed_as_libsodium_does(&docs[i]);
	assert_int_equal(stp_sign_check_batch(signer, docs, count, NULL), STP_OK);
	free_docs(docs, count);
	free(docs);
	stp_signer_destroy(signer);
}

static const unsigned feature_sets[] = {0, STP_CPU_AVX2, STP_CPU_AVX2 | STP_CPU_AVX512, ~0u};

static void test_sign_batch__every_length_is_signed_as_libsodium_signs_it(void **state)
{
	size_t body_bytes[400];

	(void)state;
	for (size_t i = 0; i < 400; i++)
		body_bytes[i] = i + 2;
	for (size_t f = 0; f < sizeof(feature_sets) / sizeof(feature_sets[0]); f++)
		sign_and_compare(feature_sets[f] & stp_cpu_features(), body_bytes, 400);
}

static void test_sign_batch__ragged_batches_of_every_count(void **state)
{
	static const size_t sizes[] = {2,    70,   95, 96,    97,     63,    64,    65,
	                               1000, 4096, 2,  30000, 270000, 12345, 54321, 100};
	size_t body_bytes[70];

	(void)state;
	for (size_t i = 0; i < 70; i++)
		body_bytes[i] = sizes[i * 7 % 16] + i % 3;
	for (size_t count = 1; count <= 70; count += count < 18 ? 1 : 13)
		sign_and_compare(stp_cpu_features(), body_bytes, count);
	sign_and_compare(stp_cpu_features(), body_bytes, 0 + 64);
	sign_and_compare(stp_cpu_features(), body_bytes, 65);
}

static void test_sign_batch__an_empty_batch_is_fine(void **state)
{
	struct stp_signer *signer;

	(void)state;
	assert_int_equal(stp_lanes_create(key, 0, &signer, NULL), STP_OK);
	assert_int_equal(stp_sign_batch(signer, NULL, 0, NULL), STP_OK);
	assert_int_equal(stp_sign_check_batch(signer, NULL, 0, NULL), STP_OK);
	stp_signer_destroy(signer);
}

static void test_sign_batch__a_flipped_bit_anywhere_is_refused_by_name(void **state)
{
	struct stp_sign_doc docs[9];
	struct stp_signer *signer;

	(void)state;
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &signer, NULL), STP_OK);
	for (size_t i = 0; i < 9; i++)
		make_doc(&docs[i], 300 + i * 40, (unsigned)i);
	docs[5].name = "7.bin-n-0005.json";
	assert_int_equal(stp_sign_batch(signer, docs, 9, NULL), STP_OK);
	for (size_t at = 0; at < STP_ENVELOPE_BYTES + docs[5].body_bytes; at++) {
		struct stp_err err = STP_ERR_INIT;

		docs[5].bytes[at] ^= (uint8_t)(1u << at % 8);
		assert_int_equal(stp_sign_check_batch(signer, docs, 9, &err), STP_REFUSED);
		assert_string_equal(err.subject, "7.bin-n-0005.json");
		assert_string_equal(err.stage, "sign");
		docs[5].bytes[at] ^= (uint8_t)(1u << at % 8);
	}
	assert_int_equal(stp_sign_check_batch(signer, docs, 9, NULL), STP_OK);
	free_docs(docs, 9);
	stp_signer_destroy(signer);
}

/* S + L verifies by the equation, but RFC 8032 forbids it. */
static void test_sign_batch__a_signature_that_is_not_reduced_is_refused(void **state)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	                                  0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	                                  0,    0,    0,    0,    0,    0,    0,    0,
	                                  0,    0,    0,    0,    0,    0,    0,    0x10};
	struct stp_sign_doc doc;
	struct stp_signer *signer;
	struct stp_err err = STP_ERR_INIT;
	uint8_t s[32];

	(void)state;
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &signer, NULL), STP_OK);
	make_doc(&doc, 500, 1);
	assert_int_equal(stp_sign_batch(signer, &doc, 1, NULL), STP_OK);
	assert_true(stp_hex_decode((const char *)doc.bytes + 98 + 64, 32, s, 0));
	sodium_add(s, order, 32);
	stp_hex_encode(s, 32, (char *)doc.bytes + 98 + 64);
	assert_int_equal(stp_sign_check_batch(signer, &doc, 1, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "canonical"));
	free(doc.bytes);
	stp_signer_destroy(signer);
}

static void test_sign_batch__a_valid_signature_of_another_body_is_refused(void **state)
{
	struct stp_sign_doc docs[2];
	struct stp_signer *signer;

	(void)state;
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &signer, NULL), STP_OK);
	make_doc(&docs[0], 500, 1);
	make_doc(&docs[1], 500, 2);
	assert_int_equal(stp_sign_batch(signer, docs, 2, NULL), STP_OK);
	memcpy(docs[0].bytes, docs[1].bytes, STP_ENVELOPE_HEAD_BYTES);
	assert_int_equal(stp_sign_check_batch(signer, docs, 2, NULL), STP_REFUSED);
	free_docs(docs, 2);
	stp_signer_destroy(signer);
}

static void test_sign_batch__checking_leaves_the_bytes_alone_and_says_what_is_covered(void **state)
{
	struct stp_sign_doc doc;
	struct stp_signer *signer;
	uint8_t before[STP_ENVELOPE_BYTES + 500];
	uint8_t input[64 + 500];
	uint8_t digest[64];

	(void)state;
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &signer, NULL), STP_OK);
	make_doc(&doc, 500, 1);
	assert_int_equal(stp_sign_batch(signer, &doc, 1, NULL), STP_OK);
	memcpy(before, doc.bytes, sizeof(before));
	assert_int_equal(stp_sign_check_batch(signer, &doc, 1, NULL), STP_OK);
	assert_memory_equal(before, doc.bytes, sizeof(before));
	assert_true(stp_hex_decode((const char *)doc.bytes + 98, 32, input, 0));
	memcpy(input + 32, sodium_public, 32);
	memcpy(input + 64, doc.bytes + STP_ENVELOPE_HEAD_BYTES, 500);
	crypto_hash_sha512(digest, input, sizeof(input));
	assert_memory_equal(doc.covered, digest, sizeof(doc.covered));
	free(doc.bytes);
	stp_signer_destroy(signer);
}

/* The fault point sign.flip simulates memory that flips a bit between signing and publishing. */
static void test_sign_batch__a_buffer_corrupted_after_signing_stops_the_run(void **state)
{
	struct stp_sign_doc docs[3];
	struct stp_signer *signer;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	setenv("STAMPEDE_FAULT_POINT", "sign.flip:2:EIO", 1);
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &signer, NULL), STP_OK);
	for (size_t i = 0; i < 3; i++)
		make_doc(&docs[i], 200, (unsigned)i);
	docs[1].name = "7.bin-n-0001.json";
	assert_int_equal(stp_sign_batch(signer, docs, 3, &err), STP_OK);
	unsetenv("STAMPEDE_FAULT_POINT");
	assert_int_equal(stp_sign_check_batch(signer, docs, 3, &err), STP_REFUSED);
	assert_string_equal(err.subject, "7.bin-n-0001.json");
	free_docs(docs, 3);
	stp_signer_destroy(signer);
}

/* Compares the lanes with their reference: the same bytes, and each checks what the other signed.
 */
static void test_sign_batch__one_at_a_time_gives_the_same_files(void **state)
{
	struct stp_sign_doc by_lanes[70];
	struct stp_sign_doc one_by_one[70];
	struct stp_signer *lanes;
	struct stp_signer *single;
	struct stp_signer *again;

	(void)state;
	assert_int_equal(stp_lanes_create(key, stp_cpu_features(), &lanes, NULL), STP_OK);
	assert_int_equal(stp_key_signer_create(key, &single, NULL), STP_OK);
	assert_int_equal(stp_signer_clone(lanes, &again, NULL), STP_OK);
	for (size_t i = 0; i < 70; i++) {
		make_doc(&by_lanes[i], 2 + i * 37, (unsigned)i);
		make_doc(&one_by_one[i], 2 + i * 37, (unsigned)i);
	}
	assert_int_equal(stp_sign_batch(again, by_lanes, 70, NULL), STP_OK);
	assert_int_equal(stp_sign_batch(single, one_by_one, 70, NULL), STP_OK);
	assert_int_equal(stp_sign_check_batch(single, by_lanes, 70, NULL), STP_OK);
	assert_int_equal(stp_sign_check_batch(lanes, one_by_one, 70, NULL), STP_OK);
	for (size_t i = 0; i < 70; i++) {
		assert_memory_equal(by_lanes[i].bytes, one_by_one[i].bytes,
		                    STP_ENVELOPE_BYTES + by_lanes[i].body_bytes);
		assert_memory_equal(by_lanes[i].covered, one_by_one[i].covered, STP_COVERED_BYTES);
	}
	one_by_one[69].bytes[STP_ENVELOPE_HEAD_BYTES] ^= 1;
	assert_int_equal(stp_sign_check_batch(single, one_by_one, 70, NULL), STP_REFUSED);
	free_docs(by_lanes, 70);
	free_docs(one_by_one, 70);
	stp_signer_destroy(lanes);
	stp_signer_destroy(single);
	stp_signer_destroy(again);
}

/* The envelope of bins has one size: a scheme whose signatures vary cannot sign them. */
static void test_sign_batch__a_scheme_without_a_fixed_size_is_refused(void **state)
{
	struct test_signer signer;
	struct stp_err err = STP_ERR_INIT;
	struct stp_sign_doc doc;

	(void)state;
	test_signer_init(&signer);
	make_doc(&doc, 100, 1);
	assert_int_equal(stp_sign_batch(&signer.base, &doc, 1, &err), STP_KEY);
	assert_non_null(strstr(err.text, "ecdsa-sha2-nistp256"));
	assert_int_equal(signer.calls, 0);
	assert_int_equal(stp_sign_check_batch(&signer.base, &doc, 1, NULL), STP_KEY);
	free(doc.bytes);
	test_signer_release(&signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    /* First: the fault point's environment is read once per process. */
	    cmocka_unit_test(test_sign_batch__a_buffer_corrupted_after_signing_stops_the_run),
	    cmocka_unit_test(test_sign_batch__every_length_is_signed_as_libsodium_signs_it),
	    cmocka_unit_test(test_sign_batch__ragged_batches_of_every_count),
	    cmocka_unit_test(test_sign_batch__an_empty_batch_is_fine),
	    cmocka_unit_test(test_sign_batch__one_at_a_time_gives_the_same_files),
	    cmocka_unit_test(test_sign_batch__a_scheme_without_a_fixed_size_is_refused),
	    cmocka_unit_test(test_sign_batch__a_flipped_bit_anywhere_is_refused_by_name),
	    cmocka_unit_test(test_sign_batch__a_signature_that_is_not_reduced_is_refused),
	    cmocka_unit_test(test_sign_batch__a_valid_signature_of_another_body_is_refused),
	    cmocka_unit_test(
	        test_sign_batch__checking_leaves_the_bytes_alone_and_says_what_is_covered),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
