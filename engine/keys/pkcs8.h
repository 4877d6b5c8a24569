/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#8 private keys in DER (RFC 5208, RFC 8410, RFC 5915) of the kinds that stampede makes:
 * Ed25519, and ECDSA on P-256 by its name.
 *
 * Shape      DER in, a key out, and back.
 * Memory     sodium_malloc for DER and seeds; libcrypto wipes what it allocates on the way.
 * Ownership  release keys with stp_pkcs8_release(), DER with sodium_free().
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_PKCS8_H
#define STP_KEYS_PKCS8_H

#include "keys/keys.h"
#include "scheme/key_object.h"

/* One of the two is set. */
struct stp_pkcs8_key {
	struct stp_key *ed25519;
	void *p256; /* EVP_PKEY of libcrypto */
};

/* Reads all of der. STP_KEY says what it is instead: a key of another type, on another curve, one
 * whose public half is not of its secret one. */
enum stp_errc stp_pkcs8_read(const uint8_t *der, size_t der_bytes, const char *subject,
                             struct stp_pkcs8_key *out, struct stp_err *err) STP_MUST_CHECK;
void stp_pkcs8_release(struct stp_pkcs8_key *key);

/* Makes the DER of a new key. */
enum stp_errc stp_pkcs8_generate(enum stp_key_kind kind, uint8_t **out_der, size_t *out_bytes,
                                 struct stp_err *err) STP_MUST_CHECK;

/* The public key as metadata has it. */
enum stp_errc stp_pkcs8_object(const struct stp_pkcs8_key *key, struct stp_key_object *out,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
