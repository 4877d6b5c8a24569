/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DER of an Ed25519 key is 16 fixed bytes and the seed (RFC 8410 section 7), which is what
 * every program writes, as three lines of PEM. That form is composed and parsed here, so that no
 * copy of the seed is left in a library's buffers: OpenSSL's decoders of base64 and DER free memory
 * that still holds what they decoded. Other text and other DER go through libcrypto: unusual forms
 * of the key, and keys that are refused with a message that says what they are.
 */
#include "keys/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define PEM_END   "\n-----END PRIVATE KEY-----\n"

/* OneAsymmetricKey, version 0, id-Ed25519 (1.3.101.112), OCTET STRING in OCTET STRING: RFC 8410
 * section 7. */
static const uint8_t der_head[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

void stp_pem_write(const uint8_t seed[32], char out[STP_PEM_BYTES + 1])
{
	uint8_t der[48];
	char base64[65];

	memcpy(der, der_head, sizeof(der_head));
	memcpy(der + sizeof(der_head), seed, 32);
	/* Constant time, unlike a table lookup. 48 bytes are 64 characters: one line. */
	sodium_bin2base64(base64, sizeof(base64), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
	memcpy(out, PEM_BEGIN, sizeof(PEM_BEGIN) - 1);
	memcpy(out + sizeof(PEM_BEGIN) - 1, base64, 64);
	memcpy(out + sizeof(PEM_BEGIN) - 1 + 64, PEM_END, sizeof(PEM_END));
	sodium_memzero(der, sizeof(der));
	sodium_memzero(base64, sizeof(base64));
}

/* The form that every program writes; 0 when der is another. */
static int read_plain(const uint8_t *der, long der_bytes, uint8_t seed[32])
{
	if (der_bytes != (long)sizeof(der_head) + 32 ||
	    memcmp(der, der_head, sizeof(der_head)) != 0)
		return 0;
	memcpy(seed, der + sizeof(der_head), 32);
	return 1;
}

/* DER of a PKCS#8 key → seed. */
static enum stp_errc read_pkcs8(const uint8_t *der, long der_bytes, const char *subject,
                                uint8_t seed[32], struct stp_err *err)
{
	const unsigned char *at = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, der_bytes);
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;
	size_t seed_bytes = 32;
	enum stp_errc code = STP_OK;

	if (!info || at != der + der_bytes)
		code = STP_FAIL(err, STP_KEY, "keys", subject, "is not a PKCS#8 private key");
	else if (!key)
		code = STP_FAIL(err, STP_KEY, "keys", subject,
		                "is a PKCS#8 key that libcrypto cannot read");
	else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
		code = STP_FAIL(err, STP_KEY, "keys", subject,
		                "is not an Ed25519 key; make one with openssl genpkey -algorithm "
		                "ed25519");
	else if (EVP_PKEY_get_raw_private_key(key, seed, &seed_bytes) != 1 || seed_bytes != 32)
		code = STP_FAIL(err, STP_KEY, "keys", subject, "holds no Ed25519 seed");
	EVP_PKEY_free(key);
	PKCS8_PRIV_KEY_INFO_free(info);
	return code;
}

/* Refuses a block that is not an unencrypted private key, and says what to do. */
static enum stp_errc check_label(const char *label, const char *header, const char *subject,
                                 struct stp_err *err)
{
	if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0 || header[0])
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is encrypted; store it without a pass phrase (openssl pkey -in "
		                "OLD -out NEW)");
	if (strcmp(label, "PRIVATE KEY") != 0)
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is not a PKCS#8 private key (BEGIN PRIVATE KEY)");
	return STP_OK;
}

/* The only PEM block of bio. */
static enum stp_errc read_block(BIO *bio, const char *subject, uint8_t seed[32],
                                struct stp_err *err)
{
	char *label = NULL;
	char *header = NULL;
	unsigned char *der = NULL;
	long der_bytes = 0;
	enum stp_errc code;

	/* PEM_FLAG_SECURE makes libcrypto wipe its line buffers, but not its base64 decoder. */
	if (PEM_read_bio_ex(bio, &label, &header, &der, &der_bytes, PEM_FLAG_SECURE) != 1)
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is not a PEM file with a private key; restore it from a backup");
	code = check_label(label, header, subject, err);
	if (code == STP_OK && !read_plain(der, der_bytes, seed))
		code = read_pkcs8(der, der_bytes, subject, seed, err);
	OPENSSL_secure_free(label);
	OPENSSL_secure_free(header);
	OPENSSL_secure_clear_free(der, (size_t)der_bytes);
	return code;
}

/* The text that stp_pem_write(), like every program, makes of a seed; 0 when text is different. */
static int read_plain_text(const char *text, size_t count, uint8_t seed[32])
{
	const char *base64 = text + sizeof(PEM_BEGIN) - 1;
	uint8_t der[48];
	size_t der_bytes = 0;
	int is_plain;

	if (count != STP_PEM_BYTES || memcmp(text, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) != 0 ||
	    memcmp(base64 + 64, PEM_END, sizeof(PEM_END) - 1) != 0)
		return 0;
	is_plain = sodium_base642bin(der, sizeof(der), base64, 64, NULL, &der_bytes, NULL,
	                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
	           read_plain(der, (long)der_bytes, seed);
	sodium_memzero(der, sizeof(der));
	return is_plain;
}

enum stp_errc stp_pem_read(const void *pem, size_t pem_bytes, const char *subject,
                           uint8_t out_seed[32], struct stp_err *err)
{
	static const char begin[] = "-----BEGIN";
	const char *first = memmem(pem, pem_bytes, begin, sizeof(begin) - 1);
	size_t rest;
	enum stp_errc code;
	BIO *bio;

	if (!first || pem_bytes > 1024 * 1024)
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is not a PEM file with a private key; restore it from a backup");
	/* With two keys in one file, it is not clear which one is meant. */
	rest = pem_bytes - (size_t)(first - (const char *)pem) - 1;
	if (memmem(first + 1, rest, begin, sizeof(begin) - 1))
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "holds more than one PEM block; keep one key per file");
	if (read_plain_text(first, rest + 1, out_seed))
		return STP_OK;
	bio = BIO_new_mem_buf(pem, (int)pem_bytes);
	if (!bio)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot read");
	code = read_block(bio, subject, out_seed, err);
	BIO_free(bio);
	ERR_clear_error();
	return code;
}
