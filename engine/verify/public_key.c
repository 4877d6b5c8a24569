/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/public_key.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "hash/hash.h"

#define SIGNATURE_BYTES_MAX 2048 /* RSA of 16,384 bits */
#define DER_BYTES_MAX       4096 /* 2,086 for RSA of 16,384 bits */
#define PEM_HEAD            "-----BEGIN PUBLIC KEY-----\n"
#define PEM_TAIL            "-----END PUBLIC KEY-----"
#define PEM_LINE_CHARS      64 /* RFC 7468 section 2 */

/* Below 65,537 is what FIPS 186-5 appendix A.1.1 forbids, above 2^31 - 1 what go-tuf cannot read;
 * every signer of TUF metadata makes 65,537. */
#define RSA_EXPONENT_MIN 65537

/* SubjectPublicKeyInfo up to the point (RFC 5480): the curve by its name, uncompressed. go-tuf
 * reads no compressed points. */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t p384_head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};

/* securesystemslib and tough make salts as long as the digest, sigstore's signer (go-tuf) and node
 * as long as fits. */
static const int pss_salts[] = {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX};

/* What each kind of key is, and how its signatures are made. */
static const struct algorithm {
	int pkey_type; /* libcrypto's; a key with the OID rsassaPss is of another type than RSA */
	const EVP_MD *(*digest)(void); /* NULL: the scheme hashes by itself */
	const uint8_t *head;           /* EC: what the DER begins with */
	size_t head_bytes;
	int bits_min, bits_max; /* RSA */
	const int *salts;       /* RSA-PSS: one of these */
	size_t salt_count;
} algorithms[] = {
    [STP_KEY_KIND_ED25519] = {.pkey_type = EVP_PKEY_ED25519},
    [STP_KEY_KIND_RSA_PSS_SHA256] = {.pkey_type = EVP_PKEY_RSA,
                                     .digest = EVP_sha256,
                                     .bits_min = 2048,
                                     .bits_max = 16384,
                                     .salts = pss_salts,
                                     .salt_count = sizeof(pss_salts) / sizeof(pss_salts[0])},
    [STP_KEY_KIND_ECDSA_P256_SHA256] = {.pkey_type = EVP_PKEY_EC,
                                        .digest = EVP_sha256,
                                        .head = p256_head,
                                        .head_bytes = sizeof(p256_head)},
    [STP_KEY_KIND_ECDSA_P384_SHA384] = {.pkey_type = EVP_PKEY_EC,
                                        .digest = EVP_sha384,
                                        .head = p384_head,
                                        .head_bytes = sizeof(p384_head)},
};

/* "ecdsa" is the specification's, the longer ones are those of older releases of go-tuf and
 * python-tuf. */
static const struct {
	const char *keytype, *scheme;
	enum stp_key_kind kind;
} names[] = {
    {"ed25519", "ed25519", STP_KEY_KIND_ED25519},
    {"rsa", "rsassa-pss-sha256", STP_KEY_KIND_RSA_PSS_SHA256},
    {"ecdsa", "ecdsa-sha2-nistp256", STP_KEY_KIND_ECDSA_P256_SHA256},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", STP_KEY_KIND_ECDSA_P256_SHA256},
    {"ecdsa", "ecdsa-sha2-nistp384", STP_KEY_KIND_ECDSA_P384_SHA384},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", STP_KEY_KIND_ECDSA_P384_SHA384},
};

/* The kind for a pair of keytype and scheme, or -1. */
static int find_kind(const char *keytype, const char *scheme)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].keytype, keytype) == 0 && strcmp(names[i].scheme, scheme) == 0)
			return (int)names[i].kind;
	return -1;
}

/* The only block of pem into der; its bytes, or 0. Libcrypto's reader is not used: it passes over
 * text around the block, takes other line lengths, and asks the terminal for the password of an
 * encrypted one. */
static size_t decode_pem(const char *pem, size_t chars, uint8_t der[DER_BYTES_MAX])
{
	const size_t head = sizeof(PEM_HEAD) - 1, tail = sizeof(PEM_TAIL) - 1;
	char base64[DER_BYTES_MAX / 3 * 4];
	size_t used = 0, bytes = 0;

	if (chars && pem[chars - 1] == '\n')
		chars--;
	if (chars < head + tail || memcmp(pem, PEM_HEAD, head) != 0 ||
	    memcmp(pem + chars - tail, PEM_TAIL, tail) != 0)
		return 0;
	pem += head;
	chars -= head + tail;
	while (chars) {
		size_t line = chars <= PEM_LINE_CHARS ? chars - 1 : PEM_LINE_CHARS;

		if (line == 0 || pem[line] != '\n' || used + line > sizeof(base64))
			return 0;
		memcpy(base64 + used, pem, line);
		used += line;
		pem += line + 1;
		chars -= line + 1;
	}
	if (sodium_base642bin(der, DER_BYTES_MAX, base64, used, NULL, &bytes, NULL,
	                      sodium_base64_VARIANT_ORIGINAL) != 0)
		return 0;
	return bytes;
}

/* Does the key encode to these bytes again, and to no other? */
static bool is_canonical(EVP_PKEY *pkey, const uint8_t *der, size_t der_bytes)
{
	unsigned char *again = NULL;
	int bytes = i2d_PUBKEY(pkey, &again);
	bool same = bytes > 0 && (size_t)bytes == der_bytes && memcmp(again, der, der_bytes) == 0;

	OPENSSL_free(again);
	return same;
}

static const char *rsa_problem(const struct algorithm *algorithm, EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);
	BIGNUM *n = NULL, *e = NULL;
	const char *problem = NULL;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		problem = "its RSA numbers cannot be read";
	else if (bits < algorithm->bits_min || bits > algorithm->bits_max)
		problem = "its RSA modulus has too few or too many bits";
	else if (!BN_is_odd(n))
		problem = "its RSA modulus is even";
	else if (!BN_is_odd(e) || BN_num_bits(e) > 31 || BN_get_word(e) < RSA_EXPONENT_MIN)
		problem = "its RSA exponent is not an odd number from 65537 to 2147483647";
	BN_free(n);
	BN_free(e);
	return problem;
}

/* What is wrong with a key that was decoded from der, or NULL. */
static const char *key_problem(const struct algorithm *algorithm, EVP_PKEY *pkey,
                               const uint8_t *der, size_t der_bytes)
{
	const char *problem = NULL;

	if (EVP_PKEY_get_base_id(pkey) != algorithm->pkey_type)
		problem = "it is a key of another type than its keytype";
	else if (algorithm->bits_max)
		problem = rsa_problem(algorithm, pkey);
	else if (der_bytes < algorithm->head_bytes ||
	         memcmp(der, algorithm->head, algorithm->head_bytes) != 0)
		problem = "it is not an uncompressed point on the curve of its scheme, by its name";
	if (!problem && !is_canonical(pkey, der, der_bytes))
		problem = "it is not in its canonical encoding";
	return problem;
}

static const char *load_pem(struct stp_public_key *key, const char *pem, size_t chars)
{
	uint8_t der[DER_BYTES_MAX];
	size_t bytes = decode_pem(pem, chars, der);
	const unsigned char *at = der;
	const char *problem = NULL;
	EVP_PKEY *pkey;

	if (!bytes)
		return "it is not exactly one PEM block of a public key";
	pkey = d2i_PUBKEY(NULL, &at, (long)bytes);
	if (!pkey || at != der + bytes)
		problem = "its PEM block holds no public key, or more than one";
	else
		problem = key_problem(&algorithms[key->kind], pkey, der, bytes);
	if (problem) {
		EVP_PKEY_free(pkey);
		return problem;
	}
	key->pkey = pkey;
	return NULL;
}

/* Points that are no honest key are refused: libsodium and libcrypto differ about them, and under
 * one of small order anything counts as signed. */
static const char *load_ed25519(struct stp_public_key *key, const char *hex, size_t chars)
{
	if (chars != 64 || !stp_hex_decode(hex, 32, key->ed25519, 0))
		return "it is not 64 lower-case hexadecimal digits";
	if (crypto_core_ed25519_is_valid_point(key->ed25519) != 1)
		return "it is not a point of the prime-order group of Ed25519";
	key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->ed25519, 32);
	return key->pkey ? NULL : "libcrypto does not take it";
}

/* identity: the same public key under another name or keytype is the same key. */
static bool set_identity(struct stp_public_key *key)
{
	unsigned char *der = NULL;
	int bytes = i2d_PUBKEY(key->pkey, &der);

	if (bytes <= 0)
		return false;
	stp_hash_one(STP_ALG_SHA256, der, (size_t)bytes, key->identity);
	OPENSSL_free(der);
	return true;
}

const char *stp_public_key_load(struct stp_public_key *key, const char *keytype, const char *scheme,
                                const char *public, size_t public_chars)
{
	const char *problem;
	int kind = find_kind(keytype, scheme);

	key->pkey = NULL;
	if (kind < 0)
		return "its keytype and scheme are not a pair that is known";
	key->kind = (enum stp_key_kind)kind;
	problem = key->kind == STP_KEY_KIND_ED25519 ? load_ed25519(key, public, public_chars)
	                                            : load_pem(key, public, public_chars);
	if (!problem && !set_identity(key))
		problem = "it cannot be encoded";
	if (problem)
		stp_public_key_release(key);
	return problem;
}

void stp_public_key_release(struct stp_public_key *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

/* libcrypto's answer for any kind of key; salt only for RSA. */
static bool check_libcrypto(const struct stp_public_key *key, int salt, const uint8_t *message,
                            size_t message_bytes, const uint8_t *sig, size_t sig_bytes)
{
	const struct algorithm *algorithm = &algorithms[key->kind];
	const EVP_MD *md = algorithm->digest ? algorithm->digest() : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL;
	bool ok;

	ok = ctx && EVP_DigestVerifyInit(ctx, &pkey_ctx, md, NULL, key->pkey) == 1;
	if (ok && algorithm->salt_count)
		ok = EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(pkey_ctx, md) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salt) == 1;
	if (ok)
		ok = EVP_DigestVerify(ctx, sig, sig_bytes, message, message_bytes) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool check_rsa(const struct stp_public_key *key, const uint8_t *message,
                      size_t message_bytes, const uint8_t *sig, size_t sig_bytes)
{
	const struct algorithm *algorithm = &algorithms[key->kind];

	/* RFC 8017 section 8.1.2, step 1: no leading zero more or less. */
	if (sig_bytes != (size_t)EVP_PKEY_get_size(key->pkey))
		return false;
	for (size_t i = 0; i < algorithm->salt_count; i++)
		if (check_libcrypto(key, algorithm->salts[i], message, message_bytes, sig,
		                    sig_bytes))
			return true;
	return false;
}

/* DER without trailing bytes, negative or padded integers. */
static bool is_strict_der(const uint8_t *sig, size_t sig_bytes)
{
	const unsigned char *at = sig;
	unsigned char *again = NULL;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)sig_bytes);
	int bytes = pair ? i2d_ECDSA_SIG(pair, &again) : 0;
	bool same = bytes > 0 && (size_t)bytes == sig_bytes && memcmp(again, sig, sig_bytes) == 0;

	OPENSSL_free(again);
	ECDSA_SIG_free(pair);
	return same;
}

/* S below the order of the group, R not of small order: what libsodium refuses, libcrypto only in
 * part. An R in another than its canonical encoding fits no signature in either. */
static bool is_ed25519_shape(const uint8_t sig[64])
{
	/* y of the points of order 1, 2, 4, 8 and 8, with either sign of x. */
	static const uint8_t small[][32] = {
	    {1},
	    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	    {0},
	    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	                                  0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	                                  0,    0,    0,    0,    0,    0,    0,    0,
	                                  0,    0,    0,    0,    0,    0,    0,    0x10};
	uint8_t y[32];

	if (sodium_compare(sig + 32, order, 32) >= 0)
		return false;
	memcpy(y, sig, 32);
	y[31] &= 0x7f;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (memcmp(y, small[i], 32) == 0)
			return false;
	return true;
}

static enum stp_signature_state check_ed25519(const struct stp_public_key *key,
                                              const uint8_t *message, size_t message_bytes,
                                              const uint8_t *sig, size_t sig_bytes,
                                              enum stp_libraries libraries)
{
	bool sodium, crypto;

	if (sig_bytes != 64 || !is_ed25519_shape(sig))
		return STP_SIGNATURE_BAD;
	sodium = crypto_sign_verify_detached(sig, message, message_bytes, key->ed25519) == 0;
	if (libraries == STP_LIBRARIES_ONE)
		return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
	crypto = check_libcrypto(key, 0, message, message_bytes, sig, sig_bytes);
	if (sodium != crypto)
		return STP_SIGNATURE_DISPUTED;
	return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
}

enum stp_signature_state stp_signature_check(const struct stp_public_key *key,
                                             const uint8_t *message, size_t message_bytes,
                                             const char *sig_hex, size_t sig_chars,
                                             enum stp_libraries libraries)
{
	uint8_t sig[SIGNATURE_BYTES_MAX];
	size_t sig_bytes = sig_chars / 2;
	bool good;

	if (sig_chars % 2 || sig_chars == 0 || sig_bytes > sizeof(sig) ||
	    !stp_hex_decode(sig_hex, sig_bytes, sig, 0))
		return STP_SIGNATURE_BAD;
	if (key->kind == STP_KEY_KIND_ED25519)
		return check_ed25519(key, message, message_bytes, sig, sig_bytes, libraries);
	if (key->kind == STP_KEY_KIND_RSA_PSS_SHA256)
		good = check_rsa(key, message, message_bytes, sig, sig_bytes);
	else
		good = is_strict_der(sig, sig_bytes) &&
		       check_libcrypto(key, 0, message, message_bytes, sig, sig_bytes);
	return good ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
}
