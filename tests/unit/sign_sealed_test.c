/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "base/text.h"
#include "keys/key_signer.h"
#include "sign/sealed.h"
#include "test_signer.h"

#define KEY_COUNT 5
static struct stp_key *keys[KEY_COUNT];
static struct stp_signer *signers[KEY_COUNT];

static int make_keys(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < KEY_COUNT; i++) {
		uint8_t seed[32] = {i};

		if (stp_key_from_seed(seed, &keys[i], NULL) != STP_OK ||
		    stp_key_signer_create(keys[i], &signers[i], NULL) != STP_OK)
			return -1;
	}
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		stp_signer_destroy(signers[i]);
		stp_key_destroy(keys[i]);
	}
	return 0;
}

static const char body[] = "{\"_type\":\"root\",\"version\":3}";

static const struct stp_key *key_by_id(const char *id)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(stp_key_id(keys[i]), id) == 0)
			return keys[i];
	}
	return NULL;
}

static void test_sign_sealed__holds_every_signature_in_the_order_of_keyids(void **state)
{
	struct stp_signer *some[3] = {signers[4], signers[0], signers[2]};
	struct stp_sealed sealed;
	const char *before = "";
	uint8_t digest[32];
	json_t *tree;
	json_t *entries;

	(void)state;
	assert_int_equal(
	    stp_sealed_make("3.root.json", 3, body, strlen(body), some, 3, &sealed, NULL), STP_OK);
	assert_string_equal(sealed.name, "3.root.json");
	assert_int_equal(sealed.version, 3);
	crypto_hash_sha256(digest, sealed.bytes, sealed.length);
	assert_memory_equal(sealed.sha256, digest, 32);
	tree = json_loadb((const char *)sealed.bytes, sealed.length, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(tree);
	entries = json_object_get(tree, "signatures");
	assert_int_equal(json_array_size(entries), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *entry = json_array_get(entries, i);
		const char *id = json_string_value(json_object_get(entry, "keyid"));
		const char *hex = json_string_value(json_object_get(entry, "sig"));
		uint8_t signature[64];

		assert_true(strcmp(before, id) < 0);
		before = id;
		assert_int_equal(strlen(hex), 128);
		assert_true(stp_hex_decode(hex, 64, signature, 0));
		assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)body,
		                                             strlen(body),
		                                             stp_key_public(key_by_id(id))),
		                 0);
	}
	json_decref(tree);
	stp_sealed_release(&sealed);
	assert_null(sealed.bytes);
}

static void test_sign_sealed__the_order_of_keys_does_not_matter(void **state)
{
	struct stp_signer *one[3] = {signers[4], signers[0], signers[2]};
	struct stp_signer *two[3] = {signers[2], signers[4], signers[0]};
	struct stp_sealed a;
	struct stp_sealed b;

	(void)state;
	assert_int_equal(stp_sealed_make("x", 1, body, strlen(body), one, 3, &a, NULL), STP_OK);
	assert_int_equal(stp_sealed_make("x", 1, body, strlen(body), two, 3, &b, NULL), STP_OK);
	assert_int_equal(a.length, b.length);
	assert_memory_equal(a.bytes, b.bytes, a.length);
	stp_sealed_release(&a);
	stp_sealed_release(&b);
}

static void test_sign_sealed__refuses_what_it_should_not_sign(void **state)
{
	struct stp_signer *twice[2] = {signers[1], signers[1]};
	char name[STP_NAME_BYTES_MAX + 2];
	struct stp_sealed sealed;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_sealed_make("x.json", 1, body, strlen(body), twice, 2, &sealed, &err),
	                 STP_KEY);
	assert_string_equal(err.subject, "x.json");
	assert_int_equal(stp_sealed_make("x", 1, body, strlen(body), twice, 0, &sealed, NULL),
	                 STP_KEY);
	assert_int_equal(stp_sealed_make("x", 1, "{ }", 3, twice, 1, &sealed, NULL), STP_FORMAT);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(stp_sealed_make(name, 1, "{}", 2, twice, 1, &sealed, NULL), STP_LIMIT);
}

static enum stp_errc make_escaped(const char *text, struct stp_sealed *sealed)
{
	return stp_sealed_make_escaped("3.root.json", 3, text, strlen(text), signers, 1, sealed,
	                               NULL);
}

/* The signed bytes contain a raw line feed, the written ones an escape. */
static void test_sign_sealed__escapes_control_characters_and_nothing_else(void **state)
{
	static const char raw[] = "{\"k\":\"a\nb\tc\rd\001e\"}";
	static const char form[] = "{\"k\":\"a\\nb\\tc\\rd\\u0001e\"}";
	static const char *const refused[] = {
	    /* A line feed between two members is white space in the one and nothing in the other.
	     */
	    "{\n}",
	    "{\"b\":1,\"a\":\"\n\"}",
	    "{\"k\":\"a\\nb\"}",
	    "",
	};
	uint8_t signature[64];
	struct stp_sealed sealed;

	(void)state;
	assert_int_equal(make_escaped(raw, &sealed), STP_OK);
	assert_memory_equal(sealed.bytes + sealed.length - strlen(form) - 1, form, strlen(form));
	assert_true(stp_hex_decode((const char *)sealed.bytes + 98, 64, signature, 0));
	assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)raw, strlen(raw),
	                                             stp_key_public(keys[0])),
	                 0);
	stp_sealed_release(&sealed);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(make_escaped(refused[i], &sealed), STP_FORMAT);
	assert_int_equal(make_escaped(body, &sealed), STP_OK);
	stp_sealed_release(&sealed);
	/* Documents with one encoding contain none. */
	assert_int_equal(stp_sealed_make("x", 1, raw, strlen(raw), signers, 1, &sealed, NULL),
	                 STP_FORMAT);
}

/* Checks each signature of a sealed file by the public keys of its signers; their number. */
static size_t count_good(const struct stp_sealed *sealed, const char *signed_bytes,
                         struct stp_signer *const *by, size_t by_count)
{
	json_t *tree =
	    json_loadb((const char *)sealed->bytes, sealed->length, JSON_REJECT_DUPLICATES, NULL);
	json_t *entries = json_object_get(tree, "signatures");
	const char *before = "";
	size_t good = 0;

	assert_non_null(tree);
	for (size_t i = 0; i < json_array_size(entries); i++) {
		json_t *entry = json_array_get(entries, i);
		const char *id = json_string_value(json_object_get(entry, "keyid"));
		const json_t *sig = json_object_get(entry, "sig");

		assert_true(strcmp(before, id) < 0);
		before = id;
		for (size_t k = 0; k < by_count; k++)
			good +=
			    strcmp(by[k]->object.keyid, id) == 0 &&
			    stp_signature_check(&by[k]->public_key, (const uint8_t *)signed_bytes,
			                        strlen(signed_bytes), json_string_value(sig),
			                        json_string_length(sig),
			                        STP_LIBRARIES_BOTH) == STP_SIGNATURE_GOOD;
	}
	json_decref(tree);
	return good;
}

/* Ed25519 and ECDSA side by side, whose signatures differ in length from one to the next. */
static void test_sign_sealed__accepts_signatures_of_any_scheme_and_length(void **state)
{
	static const char raw[] = "{\"_type\":\"root\",\"k\":\"-----BEGIN\nMFkw\n\"}";
	struct test_signer other[3];
	struct stp_signer *all[5] = {signers[3], NULL, signers[1], NULL, NULL};
	struct stp_sealed sealed;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		test_signer_init(&other[i]);
	all[1] = &other[0].base;
	all[3] = &other[1].base;
	all[4] = &other[2].base;
	for (size_t round = 0; round < 20; round++) {
		assert_int_equal(stp_sealed_make_escaped("3.root.json", 3, raw, strlen(raw), all, 5,
		                                         &sealed, NULL),
		                 STP_OK);
		assert_int_equal(count_good(&sealed, raw, all, 5), 5);
		stp_sealed_release(&sealed);
		assert_int_equal(stp_sealed_make("x.json", 3, body, strlen(body), all, 5, &sealed,
		                                 NULL),
		                 STP_OK);
		assert_int_equal(count_good(&sealed, body, all, 5), 5);
		stp_sealed_release(&sealed);
	}
	for (size_t i = 0; i < 3; i++)
		test_signer_release(&other[i]);
}

static void test_sign_sealed__a_signer_that_goes_wrong_signs_nothing(void **state)
{
	static const struct {
		enum test_signer_fault fault;
		enum stp_errc code;
		const char *text;
	} cases[] = {
	    {TEST_SIGNER_OTHER_MESSAGE, STP_REFUSED, "does not match the bytes"},
	    {TEST_SIGNER_OTHER_KEY, STP_REFUSED, "does not match the bytes"},
	    {TEST_SIGNER_EMPTY, STP_REFUSED, "signature of 0 bytes"},
	    {TEST_SIGNER_LONG, STP_REFUSED, "signature of 73 bytes"},
	    {TEST_SIGNER_SHORT, STP_REFUSED, "does not match the bytes"},
	    {TEST_SIGNER_FAILS, STP_IO, "is gone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct test_signer signer;
		struct stp_signer *two[2] = {signers[0], &signer.base};
		struct stp_err err = STP_ERR_INIT;
		struct stp_sealed sealed;

		test_signer_init(&signer);
		signer.fault = cases[i].fault;
		assert_int_equal(stp_sealed_make("x.json", 1, body, strlen(body), two, 2, &sealed,
		                                 &err),
		                 cases[i].code);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_string_equal(err.subject, "x.json");
		test_signer_release(&signer);
	}
}

static void test_sign_sealed__a_message_too_long_for_a_device_is_never_sent(void **state)
{
	struct test_signer signer;
	struct stp_signer *one = &signer.base;
	struct stp_err err = STP_ERR_INIT;
	struct stp_sealed sealed;

	(void)state;
	test_signer_init(&signer);
	signer.base.limits.message_bytes_max = strlen(body) - 1;
	assert_int_equal(stp_sealed_make("x.json", 1, body, strlen(body), &one, 1, &sealed, &err),
	                 STP_LIMIT);
	assert_string_equal(err.subject, "x.json");
	assert_int_equal(signer.calls, 0);
	signer.base.limits.message_bytes_max++;
	assert_int_equal(stp_sealed_make("x.json", 1, body, strlen(body), &one, 1, &sealed, NULL),
	                 STP_OK);
	stp_sealed_release(&sealed);
	test_signer_release(&signer);
}

/* The same P-256 key under both of its keytypes has two keyids. */
static void test_sign_sealed__one_key_under_two_keyids_is_refused(void **state)
{
	struct test_signer first, second;
	struct stp_signer *two[2] = {&first.base, &second.base};
	struct stp_sealed sealed;

	(void)state;
	test_signer_init(&first);
	test_signer_same_key(&second, &first, "ecdsa-sha2-nistp256");
	assert_string_not_equal(first.base.object.keyid, second.base.object.keyid);
	assert_int_equal(stp_sealed_make("x.json", 1, body, strlen(body), two, 2, &sealed, NULL),
	                 STP_KEY);
	assert_int_equal(
	    stp_sealed_make("x.json", 1, body, strlen(body), two + 1, 1, &sealed, NULL), STP_OK);
	stp_sealed_release(&sealed);
	test_signer_release(&second);
	test_signer_release(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sign_sealed__holds_every_signature_in_the_order_of_keyids),
	    cmocka_unit_test(test_sign_sealed__the_order_of_keys_does_not_matter),
	    cmocka_unit_test(test_sign_sealed__refuses_what_it_should_not_sign),
	    cmocka_unit_test(test_sign_sealed__escapes_control_characters_and_nothing_else),
	    cmocka_unit_test(test_sign_sealed__accepts_signatures_of_any_scheme_and_length),
	    cmocka_unit_test(test_sign_sealed__a_signer_that_goes_wrong_signs_nothing),
	    cmocka_unit_test(test_sign_sealed__a_message_too_long_for_a_device_is_never_sent),
	    cmocka_unit_test(test_sign_sealed__one_key_under_two_keyids_is_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
