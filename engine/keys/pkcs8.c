/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/pkcs8.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "keys/pem_block.h"

#define ED25519_DER_BYTES 48
#define SEED_AT           16

/* OneAsymmetricKey, version 0, id-Ed25519 (1.3.101.112), OCTET STRING in OCTET STRING: RFC 8410
 * section 7. */
static const uint8_t ed25519_head[SEED_AT] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                              0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static enum stp_errc refuse(const char *subject, const char *what, struct stp_err *err)
{
	ERR_clear_error();
	return STP_FAIL(err, STP_KEY, "keys", subject, "%s", what);
}

static enum stp_errc read_ed25519(const uint8_t *octets, int count, int parameter_type,
                                  const char *subject, struct stp_pkcs8_key *out,
                                  struct stp_err *err)
{
	if (parameter_type != V_ASN1_UNDEF || count != 2 + STP_KEY_SEED_BYTES ||
	    octets[0] != V_ASN1_OCTET_STRING || octets[1] != STP_KEY_SEED_BYTES)
		return refuse(subject, "holds no Ed25519 seed; restore it from a backup", err);
	return stp_key_from_seed(octets + 2, &out->ed25519, err);
}

/* Whether the two halves of the key belong together: a file could name any public key. */
static int is_pair(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	int is_good = ctx && EVP_PKEY_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return is_good;
}

static enum stp_errc read_p256(const PKCS8_PRIV_KEY_INFO *info, int parameter_type,
                               const void *parameter, const char *subject,
                               struct stp_pkcs8_key *out, struct stp_err *err)
{
	EVP_PKEY *pkey;

	if (parameter_type != V_ASN1_OBJECT || OBJ_obj2nid(parameter) != NID_X9_62_prime256v1)
		return refuse(subject,
		              "is a key on another curve than P-256, or one that does not name its "
		              "curve; make a new key",
		              err);
	pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return refuse(subject, "is a P-256 key that libcrypto cannot read", err);
	if (!is_pair(pkey)) {
		EVP_PKEY_free(pkey);
		return refuse(subject,
		              "has a public key that does not belong to its secret key; restore it "
		              "from a backup",
		              err);
	}
	EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	                               "uncompressed");
	out->p256 = pkey;
	return STP_OK;
}

static enum stp_errc read_info(const PKCS8_PRIV_KEY_INFO *info, const char *subject,
                               struct stp_pkcs8_key *out, struct stp_err *err)
{
	const ASN1_OBJECT *type;
	const unsigned char *octets;
	const X509_ALGOR *algorithm;
	const void *parameter;
	int count, parameter_type;
	char name[80];

	if (PKCS8_pkey_get0(&type, &octets, &count, &algorithm, info) != 1)
		return refuse(subject, "is not a PKCS#8 private key", err);
	X509_ALGOR_get0(NULL, &parameter_type, &parameter, algorithm);
	switch (OBJ_obj2nid(type)) {
	case NID_ED25519:
		return read_ed25519(octets, count, parameter_type, subject, out, err);
	case NID_X9_62_id_ecPublicKey:
		return read_p256(info, parameter_type, parameter, subject, out, err);
	default:
		OBJ_obj2txt(name, sizeof(name), type, 0);
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is a key of type %s; only Ed25519 and ECDSA P-256 keys can sign",
		                name);
	}
}

enum stp_errc stp_pkcs8_read(const uint8_t *der, size_t der_bytes, const char *subject,
                             struct stp_pkcs8_key *out, struct stp_err *err)
{
	const unsigned char *at = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der_bytes);
	struct stp_pkcs8_key key = {NULL, NULL};
	enum stp_errc code;

	if (!info || at != der + der_bytes)
		code =
		    refuse(subject, "is not a PKCS#8 private key; restore it from a backup", err);
	else
		code = read_info(info, subject, &key, err);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (code == STP_OK)
		*out = key;
	return code;
}

void stp_pkcs8_release(struct stp_pkcs8_key *key)
{
	stp_key_destroy(key->ed25519);
	EVP_PKEY_free(key->p256);
	key->ed25519 = NULL;
	key->p256 = NULL;
}

static enum stp_errc generate_ed25519(uint8_t **out_der, size_t *out_bytes, struct stp_err *err)
{
	uint8_t *der = sodium_malloc(ED25519_DER_BYTES);

	if (!der)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", NULL, "cannot get locked memory");
	memcpy(der, ed25519_head, SEED_AT);
	randombytes_buf(der + SEED_AT, STP_KEY_SEED_BYTES);
	*out_der = der;
	*out_bytes = ED25519_DER_BYTES;
	return STP_OK;
}

static enum stp_errc generate_p256(uint8_t **out_der, size_t *out_bytes, struct stp_err *err)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	PKCS8_PRIV_KEY_INFO *info = pkey ? EVP_PKEY2PKCS8(pkey) : NULL;
	unsigned char *der = NULL;
	int bytes = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	uint8_t *locked = bytes > 0 ? sodium_malloc((size_t)bytes) : NULL;

	if (locked)
		memcpy(locked, der, (size_t)bytes);
	OPENSSL_clear_free(der, bytes > 0 ? (size_t)bytes : 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	if (!locked)
		return refuse(NULL, "cannot make a P-256 key: libcrypto failed", err);
	*out_der = locked;
	*out_bytes = (size_t)bytes;
	return STP_OK;
}

enum stp_errc stp_pkcs8_generate(enum stp_key_kind kind, uint8_t **out_der, size_t *out_bytes,
                                 struct stp_err *err)
{
	if (sodium_init() < 0)
		return refuse(NULL, "cannot initialize libsodium", err);
	if (kind == STP_KEY_KIND_ED25519)
		return generate_ed25519(out_der, out_bytes, err);
	STP_ASSERT(kind == STP_KEY_KIND_ECDSA_P256_SHA256);
	return generate_p256(out_der, out_bytes, err);
}

static enum stp_errc p256_object(EVP_PKEY *pkey, struct stp_key_object *out, struct stp_err *err)
{
	unsigned char *der = NULL;
	int bytes = i2d_PUBKEY(pkey, &der);
	const char *problem;
	enum stp_errc code;
	size_t chars;
	char *pem;

	if (bytes <= 0)
		return refuse(NULL, "the public key cannot be encoded: libcrypto failed", err);
	code = stp_pem_block_write("PUBLIC KEY", der, (size_t)bytes, &pem, &chars, err);
	OPENSSL_free(der);
	if (code != STP_OK)
		return code;
	problem =
	    stp_key_object_init(out, stp_scheme_of(STP_KEY_KIND_ECDSA_P256_SHA256), pem, chars);
	sodium_free(pem);
	if (!problem)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, "keys", NULL, "the key cannot be used: %s", problem);
}

enum stp_errc stp_pkcs8_object(const struct stp_pkcs8_key *key, struct stp_key_object *out,
                               struct stp_err *err)
{
	if (key->p256)
		return p256_object(key->p256, out, err);
	stp_key_object_ed25519(out, stp_key_public(key->ed25519));
	return STP_OK;
}
