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
#include "sign/sealed.h"

#define KEY_COUNT 5
static struct stp_key *keys[KEY_COUNT];

static int make_keys(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < KEY_COUNT; i++) {
		uint8_t seed[32] = {i};

		if (stp_key_from_seed(seed, &keys[i], NULL) != STP_OK)
			return -1;
	}
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++)
		stp_key_destroy(keys[i]);
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
	const struct stp_key *some[3] = {keys[4], keys[0], keys[2]};
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
	const struct stp_key *one[3] = {keys[4], keys[0], keys[2]};
	const struct stp_key *two[3] = {keys[2], keys[4], keys[0]};
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
	const struct stp_key *twice[2] = {keys[1], keys[1]};
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

static enum stp_errc make_escaped(const char *text, const char *form, struct stp_sealed *sealed)
{
	const struct stp_key *one = keys[0];

	return stp_sealed_make_escaped("3.root.json", 3, text, strlen(text), form, strlen(form),
	                               &one, 1, sealed, NULL);
}

/* What is signed has a line feed raw, what is written has it escaped. */
static void test_sign_sealed__escapes_control_characters_and_nothing_else(void **state)
{
	static const char raw[] = "{\"k\":\"a\nb\tc\rd\001e\"}";
	static const char form[] = "{\"k\":\"a\\nb\\tc\\rd\\u0001e\"}";
	static const char *const other[] = {
	    "{\"k\":\"a\\nb\\tc\\rd\\u0001f\"}",       "{\"k\":\"a\\nb\\tc\\rd\\u0001e\"} ",
	    "{\"k\":\"a\\nb\\tc\\rd\\u0001e\"",        "{\"k\":\"a\\rb\\tc\\rd\\u0001e\"}",
	    "{\"k\":\"a b\\tc\\rd\\u0001e\"}",         "{\"k\":\"a\nb\tc\rd\001e\"}",
	    "{\"k\":\"\\u0061\\nb\\tc\\rd\\u0001e\"}", "",
	};
	uint8_t signature[64];
	struct stp_sealed sealed;

	(void)state;
	assert_int_equal(make_escaped(raw, form, &sealed), STP_OK);
	assert_memory_equal(sealed.bytes + sealed.length - strlen(form) - 1, form, strlen(form));
	assert_true(stp_hex_decode((const char *)sealed.bytes + 98, 64, signature, 0));
	assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)raw, strlen(raw),
	                                             stp_key_public(keys[0])),
	                 0);
	stp_sealed_release(&sealed);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_int_equal(make_escaped(raw, other[i], &sealed), STP_FORMAT);
	/* A line feed between two members is white space in the one and nothing in the other. */
	assert_int_equal(make_escaped("{\n}", "{\\n}", &sealed), STP_FORMAT);
	assert_int_equal(make_escaped("{\"b\":1,\"a\":\"\n\"}", "{\"b\":1,\"a\":\"\\n\"}", &sealed),
	                 STP_FORMAT);
	assert_int_equal(make_escaped(body, body, &sealed), STP_OK);
	stp_sealed_release(&sealed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sign_sealed__holds_every_signature_in_the_order_of_keyids),
	    cmocka_unit_test(test_sign_sealed__the_order_of_keys_does_not_matter),
	    cmocka_unit_test(test_sign_sealed__refuses_what_it_should_not_sign),
	    cmocka_unit_test(test_sign_sealed__escapes_control_characters_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
