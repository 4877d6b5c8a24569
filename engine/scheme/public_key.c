/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/public_key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "hash/hash.h"

/* identity: the same public key under another name or keytype is the same key. */
static int set_identity(struct stp_public_key *key)
{
	unsigned char *der = NULL;
	int bytes = i2d_PUBKEY(key->pkey, &der);

	if (bytes <= 0)
		return 0;
	stp_hash_one(STP_ALG_SHA256, der, (size_t)bytes, key->identity);
	OPENSSL_free(der);
	return 1;
}

const char *stp_public_key_load(struct stp_public_key *key, const char *keytype, const char *scheme,
                                const char *public, size_t public_chars)
{
	const char *problem;

	key->pkey = NULL;
	key->scheme = stp_scheme_find(keytype, scheme);
	if (!key->scheme)
		return "its keytype and scheme are not a known pair";
	problem = key->scheme->load(key, public, public_chars);
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

enum stp_signature_state stp_signature_check_bytes(const struct stp_public_key *key,
                                                   const uint8_t *message, size_t message_bytes,
                                                   const uint8_t *sig, size_t sig_bytes,
                                                   enum stp_libraries libraries)
{
	if (sig_bytes < key->scheme->signature_bytes_min ||
	    sig_bytes > key->scheme->signature_bytes_max)
		return STP_SIGNATURE_BAD;
	return key->scheme->check(key, message, message_bytes, sig, sig_bytes, libraries);
}

enum stp_signature_state stp_signature_check(const struct stp_public_key *key,
                                             const uint8_t *message, size_t message_bytes,
                                             const char *sig_hex, size_t sig_chars,
                                             enum stp_libraries libraries)
{
	uint8_t sig[STP_SIGNATURE_BYTES_MAX];
	size_t sig_bytes = sig_chars / 2;

	if (sig_chars % 2 || sig_chars == 0 || sig_bytes > sizeof(sig) ||
	    !stp_hex_decode(sig_hex, sig_bytes, sig, 0))
		return STP_SIGNATURE_BAD;
	return stp_signature_check_bytes(key, message, message_bytes, sig, sig_bytes, libraries);
}
