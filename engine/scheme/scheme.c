/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/scheme.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "hash/hash.h"
#include "scheme/check.h"

/* Characters of a PEM block around its base64. */
#define PEM_FRAME_CHARS (sizeof("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n") - 1)

#define ED25519_ROW(keytype_, scheme_)                                                          \
	{                                                                                       \
		.keytype = (keytype_), .scheme = (scheme_), .kind = STP_KEY_KIND_ED25519,       \
		.form = STP_KEY_FORM_HEX, .public_chars = 64, .signature_bytes_min = 64,        \
		.signature_bytes_max = 64, .load = stp_ed25519_load, .check = stp_ed25519_check \
	}
/* A key of 2,048 bits is the smallest one. */
#define RSA_ROW(keytype_, scheme_)                                                               \
	{                                                                                        \
		.keytype = (keytype_), .scheme = (scheme_), .kind = STP_KEY_KIND_RSA_PSS_SHA256, \
		.form = STP_KEY_FORM_PEM, .signature_bytes_min = 256,                            \
		.signature_bytes_max = STP_SIGNATURE_BYTES_MAX, .load = stp_pem_key_load,        \
		.check = stp_rsa_check                                                           \
	}
/* SubjectPublicKeyInfo of 91 bytes: 124 characters in two lines. A signature is a DER sequence of
 * two integers of 1 to 33 bytes. */
#define P256_ROW(keytype_, scheme_)                                                            \
	{                                                                                      \
		.keytype = (keytype_), .scheme = (scheme_),                                    \
		.kind = STP_KEY_KIND_ECDSA_P256_SHA256, .form = STP_KEY_FORM_PEM,              \
		.public_chars = PEM_FRAME_CHARS + 124 + 2, .public_line_feeds = 4,             \
		.signature_bytes_min = 8, .signature_bytes_max = 72, .load = stp_pem_key_load, \
		.check = stp_ecdsa_check                                                       \
	}
/* 120 bytes: 160 characters in three lines; integers of 1 to 49 bytes. */
#define P384_ROW(keytype_, scheme_)                                                             \
	{                                                                                       \
		.keytype = (keytype_), .scheme = (scheme_),                                     \
		.kind = STP_KEY_KIND_ECDSA_P384_SHA384, .form = STP_KEY_FORM_PEM,               \
		.public_chars = PEM_FRAME_CHARS + 160 + 3, .public_line_feeds = 5,              \
		.signature_bytes_min = 8, .signature_bytes_max = 104, .load = stp_pem_key_load, \
		.check = stp_ecdsa_check                                                        \
	}

/* The specification says "ecdsa"; older releases of go-tuf and python-tuf use the longer names. New
 * keys are written with the first row of their kind. */
static const struct stp_scheme schemes[] = {
    ED25519_ROW("ed25519", "ed25519"),
    RSA_ROW("rsa", "rsassa-pss-sha256"),
    P256_ROW("ecdsa", "ecdsa-sha2-nistp256"),
    P256_ROW("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    P384_ROW("ecdsa", "ecdsa-sha2-nistp384"),
    P384_ROW("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
};
#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

const struct stp_scheme *stp_scheme_find(const char *keytype, const char *scheme)
{
	size_t i;

	for (i = 0; i < SCHEME_COUNT; i++)
		if (strcmp(schemes[i].keytype, keytype) == 0 &&
		    strcmp(schemes[i].scheme, scheme) == 0)
			return &schemes[i];
	return NULL;
}

const struct stp_scheme *stp_scheme_of(enum stp_key_kind kind)
{
	size_t i = 0;

	while (i < SCHEME_COUNT && schemes[i].kind != kind)
		i++;
	STP_ASSERT(i < SCHEME_COUNT);
	return &schemes[i];
}

size_t stp_scheme_object_bytes(const struct stp_scheme *scheme)
{
	STP_ASSERT(scheme->public_chars != 0);
	return sizeof("{\"keytype\":\"\",\"keyval\":{\"public\":\"\"},\"scheme\":\"\"}") - 1 +
	       strlen(scheme->keytype) + scheme->public_chars + scheme->public_line_feeds +
	       strlen(scheme->scheme);
}

void stp_keyid_of_form(const void *form, size_t form_bytes, char out_keyid[STP_KEYID_CHARS + 1])
{
	uint8_t digest[32];

	stp_hash_one(STP_ALG_SHA256, form, form_bytes, digest);
	stp_hex_encode(digest, sizeof(digest), out_keyid);
	out_keyid[STP_KEYID_CHARS] = '\0';
}
