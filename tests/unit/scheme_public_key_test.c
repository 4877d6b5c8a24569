/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which public keys verify accepts, in which encoding, and which signatures: keys of every type are
 * made here with libcrypto and offered under every keytype and scheme.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheme/public_key.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define TEXT_CHARS    8192
#define MESSAGE       "what is signed"
#define MESSAGE_BYTES (sizeof(MESSAGE) - 1)
#define P256          "ecdsa-sha2-nistp256"
#define P384          "ecdsa-sha2-nistp384"
#define PSS           "rsassa-pss-sha256"
#define BEGIN         "-----BEGIN PUBLIC KEY-----\n"
#define END           "-----END PUBLIC KEY-----"

/* --- keys ------------------------------------------------------------------------------------ */

static EVP_PKEY *generate(int type, int rsa_bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
	EVP_PKEY *pkey = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	if (rsa_bits)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, rsa_bits), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &pkey), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *generate_restricted_pss(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA_PSS, NULL);
	EVP_PKEY *pkey = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 32), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &pkey), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static size_t der_of(EVP_PKEY *pkey, unsigned char *der)
{
	unsigned char *at = der;
	int bytes = i2d_PUBKEY(pkey, &at);

	assert_true(bytes > 0 && bytes < TEXT_CHARS / 2);
	return (size_t)bytes;
}

/* PEM of any bytes, in lines of line characters. */
static void pem_of(const unsigned char *der, size_t bytes, size_t line, char *out)
{
	char base64[TEXT_CHARS];
	size_t count = (size_t)EVP_EncodeBlock((unsigned char *)base64, der, (int)bytes);
	size_t at = (size_t)sprintf(out, "%s", BEGIN);

	for (size_t i = 0; i < count; i += line)
		at += (size_t)sprintf(out + at, "%.*s\n", (int)line, base64 + i);
	sprintf(out + at, "%s\n", END);
}

static void text_of(EVP_PKEY *pkey, char *out)
{
	unsigned char der[TEXT_CHARS / 2];

	pem_of(der, der_of(pkey, der), 64, out);
}

static const char *load(const char *keytype, const char *scheme, const char *text)
{
	struct stp_public_key key;
	const char *problem = stp_public_key_load(&key, keytype, scheme, text, strlen(text));

	if (!problem)
		stp_public_key_release(&key);
	return problem;
}

#define assert_taken(keytype, scheme, text)                         \
	do {                                                        \
		const char *problem_ = load(keytype, scheme, text); \
		if (problem_)                                       \
			fail_msg("%s: %s", problem_, text);         \
	} while (0)
#define assert_refused(keytype, scheme, text, why)                                                \
	do {                                                                                      \
		const char *problem_ = load(keytype, scheme, text);                               \
		if (!problem_ || !strstr(problem_, why))                                          \
			fail_msg("'%s', not '%s': %s", problem_ ? problem_ : "taken", why, text); \
	} while (0)

/* --- every pair, every key ------------------------------------------------------------------- */

static void test_scheme_public_key__only_the_right_pairs_are_taken(void **state)
{
	static const char *const keytypes[] = {
	    "ed25519", "rsa", "ecdsa", P256, P384, "ecdsa-sha2-nistp521", PSS, "sm2", "RSA", ""};
	static const char *const schemes[] = {"ed25519",
	                                      "ed448",
	                                      PSS,
	                                      "rsassa-pss-sha512",
	                                      "rsa-pkcs1v15-sha256",
	                                      P256,
	                                      P384,
	                                      "ecdsa-sha2-nistp521",
	                                      "ECDSA-SHA2-NISTP256",
	                                      ""};
	static const struct {
		const char *name, *keytype[2], *scheme;
		int type;
		const char *curve;
	} kinds[] = {
	    {"Ed25519 digits", {"ed25519"}, "ed25519", 0, NULL},
	    {"RSA", {"rsa"}, PSS, EVP_PKEY_RSA, NULL},
	    {"P-256", {"ecdsa", P256}, P256, 0, "prime256v1"},
	    {"P-384", {"ecdsa", P384}, P384, 0, "secp384r1"},
	    {"Ed25519 PEM", {NULL}, NULL, EVP_PKEY_ED25519, NULL},
	    {"Ed448", {NULL}, NULL, EVP_PKEY_ED448, NULL},
	    {"X25519", {NULL}, NULL, EVP_PKEY_X25519, NULL},
	    {"RSA with the OID rsassaPss", {NULL}, NULL, EVP_PKEY_RSA_PSS, NULL},
	    {"the same, restricted", {NULL}, NULL, -1, NULL},
	    {"P-224", {NULL}, NULL, 0, "secp224r1"},
	    {"P-521", {NULL}, NULL, 0, "secp521r1"},
	    {"secp256k1", {NULL}, NULL, 0, "secp256k1"},
	    {"brainpoolP256r1", {NULL}, NULL, 0, "brainpoolP256r1"},
	    {"brainpoolP384r1", {NULL}, NULL, 0, "brainpoolP384r1"},
	    {"SM2", {NULL}, NULL, 0, "SM2"},
	};
	unsigned taken = 0;

	(void)state;
	for (size_t k = 0; k < COUNT(kinds); k++) {
		char text[TEXT_CHARS] = "3d4017c3e843895a92b70aa74d1b7ebc"
		                        "9c982ccf2ec4968cc0cd55f12af4660c"; /* RFC 8032 7.1 */
		EVP_PKEY *pkey = NULL;

		if (kinds[k].curve)
			pkey = EVP_EC_gen(kinds[k].curve);
		else if (kinds[k].type < 0)
			pkey = generate_restricted_pss();
		else if (kinds[k].type)
			pkey = generate(kinds[k].type, kinds[k].type == EVP_PKEY_RSA ? 2048 : 0);
		if (pkey)
			text_of(pkey, text);
		EVP_PKEY_free(pkey);
		for (size_t t = 0; t < COUNT(keytypes); t++) {
			for (size_t s = 0; s < COUNT(schemes); s++) {
				int is_right = 0;

				for (int i = 0; i < 2 && kinds[k].scheme; i++)
					is_right |= kinds[k].keytype[i] &&
					            !strcmp(kinds[k].keytype[i], keytypes[t]) &&
					            !strcmp(kinds[k].scheme, schemes[s]);
				if ((load(keytypes[t], schemes[s], text) == NULL) != is_right)
					fail_msg("a key %s as (\"%s\", \"%s\") is %s",
					         kinds[k].name, keytypes[t], schemes[s],
					         is_right ? "refused" : "taken");
				taken += (unsigned)is_right;
			}
		}
	}
	assert_int_equal(taken, 6);
}

/* --- encodings ------------------------------------------------------------------------------- */

static void test_scheme_public_key__a_pem_has_one_spelling(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("prime256v1");
	char good[TEXT_CHARS], text[2 * TEXT_CHARS + 64];
	unsigned char der[TEXT_CHARS / 2];
	size_t bytes = der_of(pkey, der);
	const char *why = "not exactly one PEM block";
	char *at;

	(void)state;
	text_of(pkey, good);
	assert_taken("ecdsa", P256, good);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(good) - 1, good);
	assert_taken("ecdsa", P256, text); /* securesystemslib took the last line feed away */

	snprintf(text, sizeof(text), "%s\n", good);
	assert_refused("ecdsa", P256, text, why);
	snprintf(text, sizeof(text), "%s%s", good, good);
	assert_refused("ecdsa", P256, text, why);
	snprintf(text, sizeof(text), "%sgarbage", good);
	assert_refused("ecdsa", P256, text, why);
	snprintf(text, sizeof(text), "comment\n%s", good);
	assert_refused("ecdsa", P256, text, why);
	snprintf(text, sizeof(text), " %s", good);
	assert_refused("ecdsa", P256, text, why);
	snprintf(text, sizeof(text),
	         BEGIN "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,%032d\n\n%s", 0,
	         good + strlen(BEGIN));
	assert_refused("ecdsa", P256, text, why);
	for (size_t i = 0, o = 0; i <= strlen(good); i++) {
		if (good[i] == '\n')
			text[o++] = '\r';
		text[o++] = good[i];
	}
	assert_refused("ecdsa", P256, text, why);
	for (size_t line = 60; line <= 76; line++) {
		pem_of(der, bytes, line, text);
		if (line != 64)
			assert_refused("ecdsa", P256, text, why);
	}
	strcpy(text, good);
	at = strstr(text, "==");
	assert_non_null(at);
	memmove(at, at + 1, strlen(at)); /* one "=" less */
	assert_refused("ecdsa", P256, text, why);
	strcpy(text, good);
	at = strstr(text, "==");
	at[-1] = (char)(at[-1] == 'A' ? 'B' : at[-1] + 1); /* bits behind the last byte */
	assert_refused("ecdsa", P256, text, "");
	assert_refused("ecdsa", P256, "", why);
	assert_refused("ecdsa", P256, BEGIN END, why);
	assert_refused("ecdsa", P256, BEGIN "\n" END, why);
	assert_refused("ecdsa", P256, BEGIN, why);

	der[bytes] = 0;
	pem_of(der, bytes + 1, 64, text);
	assert_refused("ecdsa", P256, text, "or more than one");
	pem_of(der, bytes - 1, 64, text);
	assert_refused("ecdsa", P256, text, "holds no public key");
	der[bytes - 1] ^= 1; /* not on the curve */
	pem_of(der, bytes, 64, text);
	assert_refused("ecdsa", P256, text, "holds no public key");
	EVP_PKEY_free(pkey);
}

/* BER: the outer length in two bytes where one is enough. */
static void test_scheme_public_key__other_encodings_of_the_same_key_are_refused(void **state)
{
	unsigned char der[TEXT_CHARS / 2], ber[TEXT_CHARS / 2 + 1];
	EVP_PKEY *rsa = generate(EVP_PKEY_RSA, 2048), *ec = EVP_EC_gen("prime256v1");
	size_t bytes = der_of(ec, der);
	char text[TEXT_CHARS];

	(void)state;
	ber[0] = 0x30;
	ber[1] = 0x81;
	memcpy(ber + 2, der + 1, bytes - 1);
	pem_of(ber, bytes + 1, 64, text);
	assert_refused("ecdsa", P256, text, "");
	/* AlgorithmIdentifier of rsaEncryption without its NULL (RFC 3279 section 2.3.1). */
	bytes = der_of(rsa, der);
	assert_memory_equal(der + 4, "\x30\x0d\x06\x09", 4);
	assert_memory_equal(der + 17, "\x05\x00\x03", 3);
	memmove(der + 17, der + 19, bytes - 19);
	der[5] = 0x0b;
	der[2] = (unsigned char)((bytes - 6) >> 8);
	der[3] = (unsigned char)(bytes - 6);
	pem_of(der, bytes - 2, 64, text);
	assert_refused("rsa", PSS, text, "canonical encoding");
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

static void test_scheme_public_key__points_are_uncompressed_and_curves_named(void **state)
{
	static const char *const forms[] = {"compressed", "hybrid"};
	static const struct {
		const char *curve, *scheme;
	} curves[] = {{"prime256v1", P256}, {"secp384r1", P384}};
	char text[TEXT_CHARS];

	(void)state;
	for (size_t c = 0; c < COUNT(curves); c++) {
		for (size_t f = 0; f < COUNT(forms); f++) {
			EVP_PKEY *pkey = EVP_EC_gen(curves[c].curve);

			assert_int_equal(EVP_PKEY_set_utf8_string_param(
			                     pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			                     forms[f]),
			                 1);
			text_of(pkey, text);
			assert_refused("ecdsa", curves[c].scheme, text,
			               "not an uncompressed point");
			EVP_PKEY_free(pkey);
		}
		EVP_PKEY *pkey = EVP_EC_gen(curves[c].curve);

		assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
		                                                OSSL_PKEY_EC_ENCODING_EXPLICIT),
		                 1);
		text_of(pkey, text);
		assert_true(strlen(text) > 300);
		assert_refused("ecdsa", curves[c].scheme, text, "not an uncompressed point");
		EVP_PKEY_free(pkey);
	}
}

/* A key of any numbers: nothing shows that n has two large factors. */
static void rsa_text(int bits, int is_even, const char *exponent, char *out)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	BIGNUM *n = BN_new(), *e = NULL;
	OSSL_PARAM *params;
	EVP_PKEY *pkey = NULL;

	assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	if (is_even)
		BN_clear_bit(n, 0);
	assert_true(BN_dec2bn(&e, exponent) > 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	text_of(pkey, out);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
}

static void test_scheme_public_key__rsa_has_sane_numbers(void **state)
{
	static const struct {
		int bits, is_even;
		const char *exponent, *why;
	} cases[] = {
	    {2048, 0, "65537", NULL},
	    {3072, 0, "2147483647", NULL},
	    {16384, 0, "65537", NULL},
	    {1024, 0, "65537", "bits"},
	    {2047, 0, "65537", "bits"},
	    {16385, 0, "65537", ""},
	    {2048, 1, "65537", "even"},
	    {2048, 0, "1", "exponent"},
	    {2048, 0, "3", "exponent"},
	    {2048, 0, "65535", "exponent"},
	    {2048, 0, "65538", "exponent"},
	    {2048, 0, "2147483649", "exponent"},
	    {2048, 0, "18446744073709617153", "exponent"}, /* 2^64 + 65537 */
	};
	char text[TEXT_CHARS];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		rsa_text(cases[i].bits, cases[i].is_even, cases[i].exponent, text);
		if (cases[i].why)
			assert_refused("rsa", PSS, text, cases[i].why);
		else
			assert_taken("rsa", PSS, text);
	}
}

static void test_scheme_public_key__a_key_is_the_same_under_any_keytype(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("prime256v1"), *other = EVP_EC_gen("prime256v1");
	struct stp_public_key keys[4];
	char text[TEXT_CHARS], other_text[TEXT_CHARS];

	(void)state;
	text_of(pkey, text);
	text_of(other, other_text);
	assert_null(stp_public_key_load(&keys[0], "ecdsa", P256, text, strlen(text)));
	assert_null(stp_public_key_load(&keys[1], P256, P256, text, strlen(text)));
	assert_null(stp_public_key_load(&keys[2], "ecdsa", P256, text, strlen(text) - 1));
	assert_null(stp_public_key_load(&keys[3], "ecdsa", P256, other_text, strlen(other_text)));
	assert_memory_equal(keys[0].identity, keys[1].identity, 32);
	assert_memory_equal(keys[0].identity, keys[2].identity, 32);
	assert_memory_not_equal(keys[0].identity, keys[3].identity, 32);
	for (size_t i = 0; i < COUNT(keys); i++)
		stp_public_key_release(&keys[i]);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

/* --- signatures ------------------------------------------------------------------------------ */

static enum stp_signature_state check(const struct stp_public_key *key, const unsigned char *sig,
                                      size_t bytes)
{
	char hex[2 * 2100 + 1];

	sodium_bin2hex(hex, sizeof(hex), sig, bytes);
	return stp_signature_check(key, (const uint8_t *)MESSAGE, MESSAGE_BYTES, hex, 2 * bytes,
	                           STP_LIBRARIES_BOTH);
}

static size_t sign_with(EVP_PKEY *pkey, const EVP_MD *md, int padding, int salt, unsigned char *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL;
	size_t bytes = 2048;

	assert_int_equal(EVP_DigestSignInit(ctx, &pkey_ctx, md, NULL, pkey), 1);
	if (padding)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, padding), 1);
	if (padding == RSA_PKCS1_PSS_PADDING)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salt), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, sig, &bytes, (const unsigned char *)MESSAGE, MESSAGE_BYTES), 1);
	EVP_MD_CTX_free(ctx);
	return bytes;
}

static void test_scheme_public_key__pss_salts_are_those_that_signers_make(void **state)
{
	/* 222 is the longest: 256 bytes less the digest and two. */
	static const struct {
		int salt, is_good;
	} cases[] = {{RSA_PSS_SALTLEN_DIGEST, 1},
	             {RSA_PSS_SALTLEN_MAX, 1},
	             {32, 1},
	             {222, 1},
	             {0, 0},
	             {20, 0},
	             {31, 0},
	             {33, 0},
	             {64, 0},
	             {221, 0}};
	EVP_PKEY *pkey = generate(EVP_PKEY_RSA, 2048);
	struct stp_public_key key;
	unsigned char sig[2100];
	char text[TEXT_CHARS];
	size_t bytes;

	(void)state;
	text_of(pkey, text);
	assert_null(stp_public_key_load(&key, "rsa", PSS, text, strlen(text)));
	for (size_t i = 0; i < COUNT(cases); i++) {
		bytes = sign_with(pkey, EVP_sha256(), RSA_PKCS1_PSS_PADDING, cases[i].salt, sig);
		if (check(&key, sig, bytes) !=
		    (cases[i].is_good ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD))
			fail_msg("a salt of %d", cases[i].salt);
	}
	bytes = sign_with(pkey, EVP_sha512(), RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, sig);
	assert_int_equal(check(&key, sig, bytes), STP_SIGNATURE_BAD);
	bytes = sign_with(pkey, EVP_sha256(), RSA_PKCS1_PADDING, 0, sig);
	assert_int_equal(check(&key, sig, bytes), STP_SIGNATURE_BAD);
	/* The same number with a zero before it, and one whose own zero was left out. */
	bytes = sign_with(pkey, EVP_sha256(), RSA_PKCS1_PSS_PADDING, 32, sig + 1);
	sig[0] = 0;
	assert_int_equal(check(&key, sig + 1, bytes), STP_SIGNATURE_GOOD);
	assert_int_equal(check(&key, sig, bytes + 1), STP_SIGNATURE_BAD);
	do {
		bytes = sign_with(pkey, EVP_sha256(), RSA_PKCS1_PSS_PADDING, 32, sig);
	} while (sig[0] != 0);
	assert_int_equal(check(&key, sig, bytes), STP_SIGNATURE_GOOD);
	assert_int_equal(check(&key, sig + 1, bytes - 1), STP_SIGNATURE_BAD);
	stp_public_key_release(&key);
	EVP_PKEY_free(pkey);
}

/* An INTEGER of the 32 bytes, with pad zeros before it; bytes written. */
static size_t put_integer(unsigned char *out, const unsigned char number[32], size_t pad)
{
	out[0] = 0x02;
	out[1] = (unsigned char)(32 + pad);
	memset(out + 2, 0, pad);
	memcpy(out + 2 + pad, number, 32);
	return 34 + pad;
}

/* A signature whose r and s both begin with the bit wanted (set: DER needs one zero before them).
 */
static void sign_until(EVP_PKEY *pkey, int is_set, unsigned char r[32], unsigned char s[32])
{
	for (;;) {
		unsigned char sig[2048];
		size_t bytes = sign_with(pkey, EVP_sha256(), 0, 0, sig);
		const unsigned char *at = sig;
		ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bytes);

		assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, 32), 32);
		assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, 32), 32);
		ECDSA_SIG_free(pair);
		if ((r[0] >= 0x80) == is_set && (s[0] >= 0x80) == is_set && r[0] && s[0])
			return;
	}
}

static void test_scheme_public_key__ecdsa_signatures_are_der_and_nothing_else(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("prime256v1");
	struct stp_public_key key;
	char text[TEXT_CHARS];
	unsigned char sig[2100], r[32], s[32];
	size_t bytes;

	(void)state;
	text_of(pkey, text);
	assert_null(stp_public_key_load(&key, "ecdsa", P256, text, strlen(text)));
	for (int is_set = 0; is_set < 2; is_set++) {
		for (size_t pad = 0; pad < 3; pad++) {
			sign_until(pkey, is_set, r, s);
			bytes = 2 + put_integer(sig + 2, r, pad);
			bytes += put_integer(sig + bytes, s, pad);
			sig[0] = 0x30;
			sig[1] = (unsigned char)(bytes - 2);
			/* With the bit and no zero the numbers are negative. */
			assert_int_equal(check(&key, sig, bytes), pad == (size_t)is_set
			                                              ? STP_SIGNATURE_GOOD
			                                              : STP_SIGNATURE_BAD);
			if (pad != (size_t)is_set)
				continue;
			sig[bytes] = 0;
			assert_int_equal(check(&key, sig, bytes + 1), STP_SIGNATURE_BAD);
			assert_int_equal(check(&key, sig, bytes - 1), STP_SIGNATURE_BAD);
			memmove(sig + 3, sig + 2, bytes - 2);
			sig[2] = sig[1];
			sig[1] = 0x81; /* BER */
			assert_int_equal(check(&key, sig, bytes + 1), STP_SIGNATURE_BAD);
		}
	}
	memcpy(sig, r, 32); /* IEEE P1363, as in WebCrypto */
	memcpy(sig + 32, s, 32);
	assert_int_equal(check(&key, sig, 64), STP_SIGNATURE_BAD);
	bytes = sign_with(pkey, EVP_sha384(), 0, 0, sig);
	assert_int_equal(check(&key, sig, bytes), STP_SIGNATURE_BAD);
	stp_public_key_release(&key);
	EVP_PKEY_free(pkey);
}

/* --- Ed25519 --------------------------------------------------------------------------------- */

static const char *load_bytes(const unsigned char point[32])
{
	char hex[65];

	sodium_bin2hex(hex, sizeof(hex), point, 32);
	return load("ed25519", "ed25519", hex);
}

static void test_scheme_public_key__ed25519_points_that_no_key_has_are_refused(void **state)
{
	static const char *const points[] = {
	    /* order 1, 2, 4, 4, 8, 8, 8, 8 */
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000000000000000000000000000080",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	    /* the same in other encodings: y + p, a sign without an x */
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "0100000000000000000000000000000000000000000000000000000000000080",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    /* not on the curve; beyond p */
	    "0200000000000000000000000000000000000000000000000000000000000000",
	    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	unsigned char public[32], secret[64], two[32] = {0}, mixed[32];
	char hex[65];

	(void)state;
	for (size_t i = 0; i < COUNT(points); i++)
		assert_refused("ed25519", "ed25519", points[i], "prime-order group");
	crypto_sign_keypair(public, secret);
	assert_null(load_bytes(public));
	memset(two, 0xff, 32);
	two[0] = 0xec;
	two[31] = 0x7f;
	assert_int_equal(crypto_core_ed25519_add(mixed, public, two), 0);
	assert_non_null(load_bytes(mixed));
	sodium_bin2hex(hex, sizeof(hex), public, 32);
	hex[63] = '\0';
	assert_refused("ed25519", "ed25519", hex, "64 lower-case");
	assert_refused("ed25519", "ed25519", "", "64 lower-case");
	sodium_bin2hex(hex, sizeof(hex), public, 32);
	for (char *at = hex; *at; at++)
		if (*at >= 'a')
			*at = (char)(*at - 32);
	assert_refused("ed25519", "ed25519", hex, "64 lower-case");
}

struct ed25519 {
	unsigned char public[32], secret[64];
	struct stp_public_key key;
};

static void make_ed25519(struct ed25519 *e)
{
	char hex[65];

	crypto_sign_keypair(e->public, e->secret);
	sodium_bin2hex(hex, sizeof(hex), e->public, 32);
	assert_null(stp_public_key_load(&e->key, "ed25519", "ed25519", hex, 64));
}

static int libcrypto_takes(const struct ed25519 *e, const unsigned char sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good;

	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, e->key.pkey), 1);
	good = EVP_DigestVerify(ctx, sig, 64, (const unsigned char *)MESSAGE, MESSAGE_BYTES) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* The owner of the secret key can make R the neutral point: r = 0, so S = h a. libcrypto accepts
 * that. */
static void sign_with_neutral(const struct ed25519 *e, unsigned char sig[64])
{
	unsigned char hash[64], scalar[32], h[32];
	crypto_hash_sha512_state state;

	memset(sig, 0, 64);
	sig[0] = 1;
	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, sig, 32);
	crypto_hash_sha512_update(&state, e->public, 32);
	crypto_hash_sha512_update(&state, (const unsigned char *)MESSAGE, MESSAGE_BYTES);
	crypto_hash_sha512_final(&state, hash);
	crypto_core_ed25519_scalar_reduce(h, hash);
	crypto_hash_sha512(hash, e->secret, 32);
	hash[0] &= 248;
	hash[31] = (unsigned char)((hash[31] & 127) | 64);
	memset(hash + 32, 0, 32);
	crypto_core_ed25519_scalar_reduce(scalar, hash);
	crypto_core_ed25519_scalar_mul(sig + 32, h, scalar);
}

static void test_scheme_public_key__both_libraries_refuse_the_same_ed25519(void **state)
{
	static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	                                        0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	                                        0,    0,    0,    0,    0,    0,    0,    0,
	                                        0,    0,    0,    0,    0,    0,    0,    0x10};
	unsigned char sig[65] = {0}, bad[65];
	struct ed25519 e;
	unsigned carry = 0;

	(void)state;
	make_ed25519(&e);
	crypto_sign_detached(sig, NULL, (const unsigned char *)MESSAGE, MESSAGE_BYTES, e.secret);
	assert_int_equal(check(&e.key, sig, 64), STP_SIGNATURE_GOOD);
	assert_int_equal(check(&e.key, sig, 63), STP_SIGNATURE_BAD);
	assert_int_equal(check(&e.key, sig, 65), STP_SIGNATURE_BAD);
	memcpy(bad, sig, 64);
	for (size_t i = 0; i < 32; i++) { /* S + L */
		carry += (unsigned)bad[32 + i] + order[i];
		bad[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	assert_int_equal(check(&e.key, bad, 64), STP_SIGNATURE_BAD);
	memcpy(bad, sig, 64);
	memcpy(bad + 32, order, 32);
	assert_int_equal(check(&e.key, bad, 64), STP_SIGNATURE_BAD);
	sign_with_neutral(&e, bad);
	assert_true(libcrypto_takes(&e, bad));
	assert_int_equal(check(&e.key, bad, 64), STP_SIGNATURE_BAD);
	bad[31] = 0x80; /* the neutral point with a sign, and as y + p */
	assert_int_equal(check(&e.key, bad, 64), STP_SIGNATURE_BAD);
	memset(bad, 0xff, 32);
	bad[0] = 0xee;
	bad[31] = 0x7f;
	assert_int_equal(check(&e.key, bad, 64), STP_SIGNATURE_BAD);
	stp_public_key_release(&e.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scheme_public_key__only_the_right_pairs_are_taken),
	    cmocka_unit_test(test_scheme_public_key__a_pem_has_one_spelling),
	    cmocka_unit_test(test_scheme_public_key__other_encodings_of_the_same_key_are_refused),
	    cmocka_unit_test(test_scheme_public_key__points_are_uncompressed_and_curves_named),
	    cmocka_unit_test(test_scheme_public_key__rsa_has_sane_numbers),
	    cmocka_unit_test(test_scheme_public_key__a_key_is_the_same_under_any_keytype),
	    cmocka_unit_test(test_scheme_public_key__pss_salts_are_those_that_signers_make),
	    cmocka_unit_test(test_scheme_public_key__ecdsa_signatures_are_der_and_nothing_else),
	    cmocka_unit_test(test_scheme_public_key__ed25519_points_that_no_key_has_are_refused),
	    cmocka_unit_test(test_scheme_public_key__both_libraries_refuse_the_same_ed25519),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
