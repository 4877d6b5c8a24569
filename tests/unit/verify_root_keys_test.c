/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots signed with RSA and ECDSA keys, as other repositories have them: libcrypto signs here, and
 * verify must accept each signature, and refuse it when a bit of it or of the root differs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "audit.h"
#include "handmade.h"
#include "scratch.h"
#include "stampede/verify.h"

#define KEY_COUNT 4

static struct {
	const char *keytype, *scheme;
	EVP_PKEY *pkey;
	char keyid[65];
} keys[KEY_COUNT] = {
    {"rsa", "rsassa-pss-sha256", NULL, ""},
    {"ecdsa", "ecdsa-sha2-nistp256", NULL, ""},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", NULL, ""},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", NULL, ""},
};
static int spoilt = -1; /* the key whose signature gets a wrong bit */
static int salt_bytes = RSA_PSS_SALTLEN_DIGEST;
static int is_good = 1; /* no error is expected: print any finding */

/* OLPC canonical form contains the line feeds of a PEM raw, where jansson writes \n. */
static size_t raw_line_feeds(char *text)
{
	char *out = text;

	for (char *at = text; *at; at++) {
		if (at[0] == '\\' && at[1] == 'n') {
			*out++ = '\n';
			at++;
		} else {
			*out++ = *at;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* The key as a member of "keys"; fills its keyid. */
static json_t *key_object(int k)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char digest[32];
	json_t *object;
	char *pem = NULL;
	char *text;
	long count;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, keys[k].pkey), 1);
	count = BIO_get_mem_data(bio, &pem);
	object = json_pack("{s:s, s:{s:s%}, s:s}", "keytype", keys[k].keytype, "keyval", "public",
	                   pem, (size_t)count, "scheme", keys[k].scheme);
	assert_non_null(object);
	text = handmade_dump(object);
	count = (long)raw_line_feeds(text);
	crypto_hash_sha256(digest, (const unsigned char *)text, (size_t)count);
	handmade_hex(digest, 32, keys[k].keyid);
	free(text);
	BIO_free(bio);
	return object;
}

static json_t *signature_of(int k, const char *body, size_t body_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL;
	const EVP_MD *md = strstr(keys[k].scheme, "384") ? EVP_sha384() : EVP_sha256();
	unsigned char sig[1024];
	char hex[2049];
	size_t count = sizeof(sig);
	json_t *object;

	assert_int_equal(EVP_DigestSignInit(ctx, &pkey_ctx, md, NULL, keys[k].pkey), 1);
	if (k == 0) {
		EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salt_bytes);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &count, (const unsigned char *)body, body_bytes),
	                 1);
	EVP_MD_CTX_free(ctx);
	if (k == spoilt)
		sig[count / 2] ^= 1;
	handmade_hex(sig, count, hex);
	object = json_pack("{s:s, s:s}", "keyid", keys[k].keyid, "sig", hex);
	return object;
}

/* Signs roots with our keys instead of those of handmade. */
static void sign_root(struct handmade *h, const char *name, json_t *envelope)
{
	json_t *signatures;
	size_t count;
	char *body;

	(void)h;
	if (!strstr(name, ".root.json"))
		return;
	signatures = json_array();
	body = handmade_dump(json_object_get(envelope, "signed"));
	count = raw_line_feeds(body);
	for (int k = 0; k < KEY_COUNT; k++)
		json_array_append_new(signatures, signature_of(k, body, count));
	json_object_set_new(envelope, "signatures", signatures);
	free(body);
}

/* A repository whose root role has our keys, all of which must sign. */
static void make(struct handmade *h, const char *folder)
{
	json_t *role, *ids = json_array();

	handmade_init(h, folder);
	for (int k = 0; k < KEY_COUNT; k++) {
		json_t *object = key_object(k);

		json_object_set_new(json_object_get(h->root, "keys"), keys[k].keyid, object);
		json_array_append_new(ids, json_string(keys[k].keyid));
	}
	for (int i = 0; i < 3; i++)
		json_object_del(json_object_get(h->root, "keys"), h->root_keys[i].keyid);
	role = json_object_get(json_object_get(h->root, "roles"), "root");
	json_object_set_new(role, "keyids", ids);
	json_object_set_new(role, "threshold", json_integer(KEY_COUNT));
	h->after_sign = sign_root;
	handmade_write(h);
}

static struct stp_verify_report *audit(const char *folder)
{
	struct stp_verify_options options = {.path = folder, .now = HANDMADE_NOW};

	return audit_run(options);
}

/* Errors that verify reports of such a repository. */
static uint64_t errors_with(int spoilt_key, int salt, int flip_root)
{
	struct stp_verify_report *report;
	struct scratch scratch;
	struct handmade h;
	uint64_t total;

	spoilt = spoilt_key;
	salt_bytes = salt;
	scratch_init(&scratch);
	make(&h, scratch.path);
	if (flip_root) {
		/* Another version than the signed one. */
		json_object_set_new(h.root, "expires", json_string("2027-12-02T00:00:00Z"));
		h.after_sign = NULL;
		handmade_write_root(&h, 1, h.root_keys, 2);
	}
	report = audit(scratch.path);
	total = report->error_total;
	if (total && is_good)
		for (size_t i = 0; i < report->finding_count; i++)
			print_error("%s: %s\n", report->findings[i].subject,
			            report->findings[i].text);
	if (!total)
		assert_int_equal(report->finding_count, report->setup_total);
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
	return total;
}

static void test_verify_root_keys__rsa_and_ecdsa_signatures_are_accepted(void **state)
{
	(void)state;
	is_good = 1;
	assert_int_equal(errors_with(-1, RSA_PSS_SALTLEN_DIGEST, 0), 0);
	/* Some signers use as much salt as fits. */
	assert_int_equal(errors_with(-1, RSA_PSS_SALTLEN_MAX, 0), 0);
}

/* Errors with another key in place of key k, which signs as before. */
static uint64_t errors_with_key(int k, EVP_PKEY *other)
{
	EVP_PKEY *own = keys[k].pkey;
	uint64_t total;

	keys[k].pkey = other;
	total = errors_with(-1, RSA_PSS_SALTLEN_DIGEST, 0);
	keys[k].pkey = own;
	return total;
}

static void test_verify_root_keys__keys_of_other_curves_do_not_count(void **state)
{
	static const struct {
		int k;
		const char *curve;
	} cases[] = {{1, "secp256k1"},  {1, "brainpoolP256r1"}, {1, "secp521r1"},
	             {1, "secp384r1"},  {2, "secp256k1"},       {2, "secp384r1"},
	             {3, "prime256v1"}, {3, "secp521r1"},       {3, "brainpoolP384r1"}};

	(void)state;
	is_good = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EVP_PKEY *other = EVP_EC_gen(cases[i].curve);

		if (errors_with_key(cases[i].k, other) == 0)
			fail_msg("%s passes for %s", cases[i].curve, keys[cases[i].k].scheme);
		EVP_PKEY_free(other);
	}
}

/* Two keytypes give it two keyids, and both signatures are good: still one key of four that must
 * sign. */
static void test_verify_root_keys__one_key_under_two_keytypes_counts_once(void **state)
{
	(void)state;
	is_good = 0;
	assert_true(errors_with_key(2, keys[1].pkey) > 0);
}

static void test_verify_root_keys__a_wrong_bit_in_any_of_them_is_found(void **state)
{
	(void)state;
	is_good = 0;
	for (int k = 0; k < KEY_COUNT; k++)
		assert_true(errors_with(k, RSA_PSS_SALTLEN_DIGEST, 0) > 0);
}

static void test_verify_root_keys__signatures_by_unknown_keys_do_not_count(void **state)
{
	(void)state;
	is_good = 0;
	assert_true(errors_with(-1, RSA_PSS_SALTLEN_DIGEST, 1) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify_root_keys__rsa_and_ecdsa_signatures_are_accepted),
	    cmocka_unit_test(test_verify_root_keys__keys_of_other_curves_do_not_count),
	    cmocka_unit_test(test_verify_root_keys__one_key_under_two_keytypes_counts_once),
	    cmocka_unit_test(test_verify_root_keys__a_wrong_bit_in_any_of_them_is_found),
	    cmocka_unit_test(test_verify_root_keys__signatures_by_unknown_keys_do_not_count),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	keys[0].pkey = EVP_RSA_gen(2048);
	keys[1].pkey = EVP_EC_gen("P-256");
	keys[2].pkey = EVP_EC_gen("P-256");
	keys[3].pkey = EVP_EC_gen("P-384");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (int k = 0; k < KEY_COUNT; k++)
		EVP_PKEY_free(keys[k].pkey);
	return failed;
}
