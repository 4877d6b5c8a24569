/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/pbes2.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

/* See pbes2.h. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 5

/* What a file may ask for: 32 MiB, libcrypto's own limit, and four times the work of what is
 * written here; of PBKDF2 about five seconds. */
#define SCRYPT_BYTES_MAX  ((uint64_t)32 << 20)
#define SCRYPT_WORK_MAX   (4 * (uint64_t)SCRYPT_N * SCRYPT_R * SCRYPT_P)
#define PBKDF2_ROUNDS_MAX 10000000

/* PKCS#8 keys that are read have some hundred bytes. */
#define PLAIN_BYTES_MAX 8192

static enum stp_errc refuse(const char *subject, const char *what, struct stp_err *err)
{
	ERR_clear_error();
	return STP_FAIL(err, STP_KEY, "keys", subject, "%s", what);
}

#define CONVERT "; convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW"

static const char *scrypt_problem(const ASN1_TYPE *parameter)
{
	SCRYPT_PARAMS *scrypt = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
	const char *problem = NULL;
	uint64_t n, r, p;

	if (!scrypt || ASN1_INTEGER_get_uint64(&n, scrypt->costParameter) != 1 ||
	    ASN1_INTEGER_get_uint64(&r, scrypt->blockSize) != 1 ||
	    ASN1_INTEGER_get_uint64(&p, scrypt->parallelizationParameter) != 1)
		problem = "is encrypted with scrypt parameters that cannot be read" CONVERT;
	else if (n < 2 || (n & (n - 1)) || r == 0 || p == 0)
		problem = "is encrypted with scrypt parameters that make no sense" CONVERT;
	else if (n > SCRYPT_BYTES_MAX / 128 || r > SCRYPT_BYTES_MAX / 128 / n ||
	         p > SCRYPT_WORK_MAX / n / r)
		problem = "asks for more scrypt work than is allowed (32 MiB, N * r * p at most "
		          "2,621,440)" CONVERT;
	SCRYPT_PARAMS_free(scrypt);
	return problem;
}

/* Without one that is named, RFC 8018 means HMAC-SHA-1. */
static int is_known_prf(const X509_ALGOR *prf)
{
	const ASN1_OBJECT *object;

	if (!prf)
		return 1;
	X509_ALGOR_get0(&object, NULL, NULL, prf);
	switch (OBJ_obj2nid(object)) {
	case NID_hmacWithSHA1:
	case NID_hmacWithSHA224:
	case NID_hmacWithSHA256:
	case NID_hmacWithSHA384:
	case NID_hmacWithSHA512:
		return 1;
	default:
		return 0;
	}
}

static const char *pbkdf2_problem(const ASN1_TYPE *parameter)
{
	PBKDF2PARAM *pbkdf2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	const char *problem = NULL;
	uint64_t rounds;

	if (!pbkdf2 || ASN1_INTEGER_get_uint64(&rounds, pbkdf2->iter) != 1 || rounds == 0)
		problem = "is encrypted with PBKDF2 parameters that cannot be read" CONVERT;
	else if (rounds > PBKDF2_ROUNDS_MAX)
		problem = "asks for more PBKDF2 iterations than are allowed (10,000,000)" CONVERT;
	else if (!is_known_prf(pbkdf2->prf))
		problem = "is encrypted with PBKDF2 of an unknown digest" CONVERT;
	PBKDF2PARAM_free(pbkdf2);
	return problem;
}

static int is_known_cipher(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;
	int nid;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	nid = OBJ_obj2nid(object);
	return nid == NID_aes_256_cbc || nid == NID_aes_192_cbc || nid == NID_aes_128_cbc;
}

/* What keeps the algorithm from being used, or NULL. */
static const char *algorithm_problem(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;
	const void *value;
	const char *problem;
	PBE2PARAM *pbes2;
	int type;

	X509_ALGOR_get0(&object, &type, &value, algorithm);
	if (OBJ_obj2nid(object) != NID_pbes2)
		return "is encrypted in an old way, not by PBES2" CONVERT;
	pbes2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	if (!pbes2)
		return "is encrypted with parameters that cannot be read" CONVERT;
	X509_ALGOR_get0(&object, &type, &value, pbes2->keyfunc);
	if (!is_known_cipher(pbes2->encryption))
		problem = "is encrypted with another cipher than AES-CBC" CONVERT;
	else if (OBJ_obj2nid(object) == NID_id_scrypt)
		problem = scrypt_problem(pbes2->keyfunc->parameter);
	else if (OBJ_obj2nid(object) == NID_id_pbkdf2)
		problem = pbkdf2_problem(pbes2->keyfunc->parameter);
	else
		problem = "is encrypted with a key from neither scrypt nor PBKDF2" CONVERT;
	PBE2PARAM_free(pbes2);
	return problem;
}

/* All of der, as far as it may be decrypted; NULL: *out_problem says why not. */
static X509_SIG *parse(const uint8_t *der, size_t der_bytes, const char **out_problem)
{
	const unsigned char *at = der;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)der_bytes);
	const X509_ALGOR *algorithm;

	*out_problem = NULL;
	if (!sealed || at != der + der_bytes) {
		*out_problem = "is not an encrypted PKCS#8 key; restore it from a backup";
	} else {
		X509_SIG_get0(sealed, &algorithm, NULL);
		*out_problem = algorithm_problem(algorithm);
	}
	if (*out_problem) {
		X509_SIG_free(sealed);
		return NULL;
	}
	return sealed;
}

enum stp_errc stp_pbes2_check(const uint8_t *der, size_t der_bytes, const char *subject,
                              struct stp_err *err)
{
	const char *problem;
	X509_SIG *sealed = parse(der, der_bytes, &problem);

	if (!sealed)
		return refuse(subject, problem, err);
	X509_SIG_free(sealed);
	return STP_OK;
}

/* Copies what libcrypto allocated into locked memory, and wipes and frees it. */
static enum stp_errc lock(unsigned char *der, int bytes, const char *subject, uint8_t **out_der,
                          size_t *out_bytes, struct stp_err *err)
{
	uint8_t *locked = bytes > 0 ? sodium_malloc((size_t)bytes) : NULL;

	if (locked)
		memcpy(locked, der, (size_t)bytes);
	OPENSSL_clear_free(der, bytes > 0 ? (size_t)bytes : 0);
	if (!locked)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot get locked memory");
	*out_der = locked;
	*out_bytes = (size_t)bytes;
	return STP_OK;
}

enum stp_errc stp_pbes2_decrypt(const uint8_t *der, size_t der_bytes, const char *passphrase,
                                size_t passphrase_bytes, const char *subject, uint8_t **out_der,
                                size_t *out_bytes, struct stp_err *err)
{
	PKCS8_PRIV_KEY_INFO *plain;
	unsigned char *again = NULL;
	const char *problem;
	X509_SIG *sealed = parse(der, der_bytes, &problem);
	int bytes;

	if (!sealed)
		return refuse(subject, problem, err);
	plain = PKCS8_decrypt(sealed, passphrase, (int)passphrase_bytes);
	X509_SIG_free(sealed);
	/* CBC has no check of its own: what a wrong key decrypts is no PKCS#8 key. */
	if (!plain)
		return refuse(subject, "cannot be decrypted: the passphrase is wrong", err);
	bytes = i2d_PKCS8_PRIV_KEY_INFO(plain, &again);
	PKCS8_PRIV_KEY_INFO_free(plain);
	if (bytes > PLAIN_BYTES_MAX) {
		OPENSSL_clear_free(again, (size_t)bytes);
		return refuse(subject, "holds something larger than a key", err);
	}
	return lock(again, bytes, subject, out_der, out_bytes, err);
}

enum stp_errc stp_pbes2_encrypt(const uint8_t *der, size_t der_bytes, const char *passphrase,
                                size_t passphrase_bytes, const char *subject, uint8_t **out_der,
                                size_t *out_bytes, struct stp_err *err)
{
	const unsigned char *at = der;
	PKCS8_PRIV_KEY_INFO *plain = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der_bytes);
	uint8_t salt[32], iv[16];
	unsigned char *out = NULL;
	X509_ALGOR *algorithm;
	X509_SIG *sealed = NULL;
	int bytes = -1;

	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(iv, sizeof(iv));
	algorithm = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), iv, SCRYPT_N,
	                                  SCRYPT_R, SCRYPT_P);
	if (plain && algorithm)
		sealed = PKCS8_set0_pbe(passphrase, (int)passphrase_bytes, plain, algorithm);
	if (sealed)
		bytes = i2d_X509_SIG(sealed, &out);
	else
		X509_ALGOR_free(algorithm); /* else it is part of sealed */
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(plain);
	if (bytes <= 0)
		return refuse(subject, "cannot be encrypted: libcrypto failed", err);
	return lock(out, bytes, subject, out_der, out_bytes, err);
}
