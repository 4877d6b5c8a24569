/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "scheme/check.h"

int stp_libcrypto_check(const struct stp_public_key *key, const void *md, const int *salt,
                        const uint8_t *message, size_t message_bytes, const uint8_t *sig,
                        size_t sig_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL;
	int ok;

	ok = ctx && EVP_DigestVerifyInit(ctx, &pkey_ctx, md, NULL, key->pkey) == 1;
	if (ok && salt)
		ok = EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(pkey_ctx, md) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, *salt) == 1;
	if (ok)
		ok = EVP_DigestVerify(ctx, sig, sig_bytes, message, message_bytes) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}
