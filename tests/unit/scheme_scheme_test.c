/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/text.h"
#include "p256.h"
#include "scheme/public_key.h"

static void test_scheme__each_pair_has_a_row_and_no_other(void **state)
{
	static const char *const pairs[][2] = {
	    {"ed25519", "ed25519"},           {"rsa", "rsassa-pss-sha256"},
	    {"ecdsa", "ecdsa-sha2-nistp256"}, {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
	    {"ecdsa", "ecdsa-sha2-nistp384"}, {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"},
	};
	static const char *const others[][2] = {
	    {"ed25519", "ecdsa-sha2-nistp256"},
	    {"ecdsa", "ed25519"},
	    {"rsa", "rsa-pkcs1v15-sha256"},
	    {"rsa", "rsassa-pss-sha512"},
	    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"},
	    {"Ed25519", "ed25519"},
	    {"", ""},
	    {"sk", "ed25519"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct stp_scheme *scheme = stp_scheme_find(pairs[i][0], pairs[i][1]);

		assert_non_null(scheme);
		assert_string_equal(scheme->keytype, pairs[i][0]);
		assert_string_equal(scheme->scheme, pairs[i][1]);
		assert_true(scheme->signature_bytes_max <= STP_SIGNATURE_BYTES_MAX);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(stp_scheme_find(others[i][0], others[i][1]));
	assert_string_equal(stp_scheme_of(STP_KEY_KIND_ECDSA_P256_SHA256)->keytype, "ecdsa");
	assert_string_equal(stp_scheme_of(STP_KEY_KIND_ED25519)->keytype, "ed25519");
}

static void test_scheme__a_keyid_is_the_sha256_of_the_canonical_key(void **state)
{
	char text[1024];
	uint8_t digest[32];
	char expected[65];
	struct p256 key;
	int count;

	(void)state;
	p256_make(&key);
	count = snprintf(text, sizeof(text),
	                 "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"%s\"},"
	                 "\"scheme\":\"ecdsa-sha2-nistp256\"}",
	                 key.object.public_text);
	crypto_hash_sha256(digest, (const uint8_t *)text, (unsigned long long)count);
	stp_hex_encode(digest, 32, expected);
	expected[64] = '\0';
	assert_string_equal(key.object.keyid, expected);
	/* Its size is that of the table, with a line feed of two characters in a file. */
	assert_int_equal(key.object.public_chars, key.object.scheme->public_chars);
	assert_int_equal(stp_scheme_object_bytes(key.object.scheme), (size_t)count + 4);
	p256_release(&key);
}

static void test_scheme__an_object_holds_a_key_of_its_scheme(void **state)
{
	struct stp_key_object object;
	struct p256 key;

	(void)state;
	p256_make(&key);
	assert_non_null(stp_key_object_init(&object, stp_scheme_of(STP_KEY_KIND_ED25519),
	                                    key.object.public_text, key.object.public_chars));
	assert_non_null(stp_key_object_init(&object, stp_scheme_of(STP_KEY_KIND_ECDSA_P384_SHA384),
	                                    key.object.public_text, key.object.public_chars));
	assert_non_null(stp_key_object_init(&object, key.object.scheme, key.object.public_text,
	                                    key.object.public_chars - 2));
	assert_non_null(stp_key_object_init(&object, key.object.scheme, key.object.public_text,
	                                    STP_KEY_OBJECT_PUBLIC_CHARS_MAX + 1));
	p256_release(&key);
}

static void test_scheme__a_signature_has_a_length_of_its_scheme(void **state)
{
	static const uint8_t message[] = "{}";
	struct stp_public_key public_key;
	uint8_t sig[80] = {0};
	struct p256 key;
	size_t bytes;

	(void)state;
	p256_make(&key);
	assert_null(stp_public_key_load(&public_key, "ecdsa", "ecdsa-sha2-nistp256",
	                                key.object.public_text, key.object.public_chars));
	bytes = p256_sign(&key, message, 2, sig);
	assert_int_equal(stp_signature_check_bytes(&public_key, message, 2, sig, bytes,
	                                           STP_LIBRARIES_BOTH),
	                 STP_SIGNATURE_GOOD);
	for (size_t i = 0; i <= sizeof(sig); i++)
		if (i != bytes)
			assert_int_equal(stp_signature_check_bytes(&public_key, message, 2, sig, i,
			                                           STP_LIBRARIES_BOTH),
			                 STP_SIGNATURE_BAD);
	stp_public_key_release(&public_key);
	p256_release(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scheme__each_pair_has_a_row_and_no_other),
	    cmocka_unit_test(test_scheme__a_keyid_is_the_sha256_of_the_canonical_key),
	    cmocka_unit_test(test_scheme__an_object_holds_a_key_of_its_scheme),
	    cmocka_unit_test(test_scheme__a_signature_has_a_length_of_its_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
