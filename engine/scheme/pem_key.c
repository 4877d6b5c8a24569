/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA and ECDSA keys as PEM blocks, and their signatures.
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "scheme/check.h"

#define DER_BYTES_MAX  4096 /* 2,086 for RSA of 16,384 bits */
#define PEM_HEAD       "-----BEGIN PUBLIC KEY-----\n"
#define PEM_TAIL       "-----END PUBLIC KEY-----"
#define PEM_LINE_CHARS 64 /* RFC 7468 section 2 */

/* FIPS 186-5 appendix A.1.1 forbids exponents below 65,537, and go-tuf cannot read those above 2^31
 * - 1; every signer of TUF metadata uses 65,537. */
#define RSA_EXPONENT_MIN 65537

/* SubjectPublicKeyInfo up to the point (RFC 5480): the curve by its name, uncompressed. go-tuf
 * reads no compressed points. */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t p384_head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};

/* securesystemslib and tough use salts as long as the digest, sigstore's signer (go-tuf) and node
 * the longest that fit. */
static const int pss_salts[] = {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX};

/* The parameters of each kind of key and of its signatures. */
static const struct algorithm {
	int pkey_type; /* libcrypto's; a key with the OID rsassaPss has another type than RSA */
	const EVP_MD *(*digest)(void);
	const uint8_t *head; /* EC: the start of the DER */
	size_t head_bytes;
	int bits_min, bits_max; /* RSA */
	const int *salts;       /* RSA-PSS: one of these */
	size_t salt_count;
} algorithms[] = {
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

/* Decodes the only block of pem into der; returns its bytes, or 0. libcrypto's reader is not used:
 * it skips text around the block, accepts other line lengths, and asks on the terminal for the
 * password of an encrypted one. */
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

/* Whether the key encodes to exactly these bytes again. */
static int is_canonical(EVP_PKEY *pkey, const uint8_t *der, size_t der_bytes)
{
	unsigned char *again = NULL;
	int bytes = i2d_PUBKEY(pkey, &again);
	int same = bytes > 0 && (size_t)bytes == der_bytes && memcmp(again, der, der_bytes) == 0;

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

const char *stp_pem_key_load(struct stp_public_key *key, const char *pem, size_t chars)
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
		problem = key_problem(&algorithms[key->scheme->kind], pkey, der, bytes);
	if (problem) {
		EVP_PKEY_free(pkey);
		return problem;
	}
	key->pkey = pkey;
	return NULL;
}

enum stp_signature_state stp_rsa_check(const struct stp_public_key *key, const uint8_t *message,
                                       size_t message_bytes, const uint8_t *sig, size_t sig_bytes,
                                       enum stp_libraries libraries)
{
	const struct algorithm *algorithm = &algorithms[key->scheme->kind];
	size_t i;

	(void)libraries;
	/* RFC 8017 section 8.1.2, step 1: exactly the length of the modulus. */
	if (sig_bytes != (size_t)EVP_PKEY_get_size(key->pkey))
		return STP_SIGNATURE_BAD;
	for (i = 0; i < algorithm->salt_count; i++)
		if (stp_libcrypto_check(key, algorithm->digest(), &algorithm->salts[i], message,
		                        message_bytes, sig, sig_bytes))
			return STP_SIGNATURE_GOOD;
	return STP_SIGNATURE_BAD;
}

/* Accepts only DER without trailing bytes and without negative or padded integers. */
static int is_strict_der(const uint8_t *sig, size_t sig_bytes)
{
	const unsigned char *at = sig;
	unsigned char *again = NULL;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)sig_bytes);
	int bytes = pair ? i2d_ECDSA_SIG(pair, &again) : 0;
	int same = bytes > 0 && (size_t)bytes == sig_bytes && memcmp(again, sig, sig_bytes) == 0;

	OPENSSL_free(again);
	ECDSA_SIG_free(pair);
	return same;
}

enum stp_signature_state stp_ecdsa_check(const struct stp_public_key *key, const uint8_t *message,
                                         size_t message_bytes, const uint8_t *sig, size_t sig_bytes,
                                         enum stp_libraries libraries)
{
	const struct algorithm *algorithm = &algorithms[key->scheme->kind];

	(void)libraries;
	return is_strict_der(sig, sig_bytes) &&
	               stp_libcrypto_check(key, algorithm->digest(), NULL, message, message_bytes,
	                                   sig, sig_bytes)
	           ? STP_SIGNATURE_GOOD
	           : STP_SIGNATURE_BAD;
}
