/* SPDX-License-Identifier: Apache-2.0 */
/* An ECDSA P-256 key of libcrypto's, as a TUF key object. For tests. */
#ifndef STP_TEST_P256_H
#define STP_TEST_P256_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "scheme/key_object.h"

struct p256 {
	EVP_PKEY *pkey;
	struct stp_key_object object;
};

static inline void p256_make(struct p256 *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long chars;

	key->pkey = EVP_EC_gen("P-256");
	if (!bio || !key->pkey || PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
		abort();
	chars = BIO_get_mem_data(bio, &text);
	if (stp_key_object_init(&key->object, stp_scheme_of(STP_KEY_KIND_ECDSA_P256_SHA256), text,
	                        (size_t)chars))
		abort();
	BIO_free(bio);
}

static inline void p256_release(struct p256 *key)
{
	EVP_PKEY_free(key->pkey);
}

/* A DER signature over SHA-256 of message; its bytes. */
static inline size_t p256_sign(const struct p256 *key, const void *message, size_t message_bytes,
                               uint8_t out[72])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t bytes = 72;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
	    EVP_DigestSign(ctx, out, &bytes, message, message_bytes) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return bytes;
}

#endif
