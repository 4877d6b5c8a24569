/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public key as metadata encodes it, and the check of one signature by it: specification section
 * 4.2.
 *
 * The kinds of keys are in the table of scheme/scheme.h. A key has only one accepted encoding, and
 * so has a signature, so that no two implementations can disagree about them:
 *
 *	Ed25519   64 lower-case digits of a point that generates the prime-order group; the
 *	          signature has S below the order (RFC 8032 section 5.1.7) and an R that is not of
 *	          small order
 *	RSA       PEM of a rsaEncryption key of 2,048 to 16,384 bits, exponent odd and from 65,537
 *	          to 2^31 - 1; a salt as long as the digest or as long as fits
 *	ECDSA     PEM of a key on the scheme's own curve, by name, point uncompressed; DER signature
 *
 * PEM is one block without headers, lines of 64 characters that end with "\n" (which may be missing
 * after the last one), and its DER must be what the key encodes to again.
 *
 * Shape      one struct per key.
 * Memory     libcrypto's key.
 * Ownership  release with stp_public_key_release().
 * Threads    read-only after load, then shared by all threads.
 */
#ifndef STP_SCHEME_PUBLIC_KEY_H
#define STP_SCHEME_PUBLIC_KEY_H

#include "scheme/scheme.h"

struct stp_public_key {
	char keyid[STP_KEYID_CHARS + 1]; /* set by the caller */
	const struct stp_scheme *scheme;
	uint8_t ed25519[32];
	uint8_t identity[32]; /* SHA-256 of the DER: equal for the same key under any keytype */
	void *pkey;           /* EVP_PKEY of libcrypto */
};

/* Parses the member "public" of a key of that keytype and scheme. Returns NULL, or what is wrong
 * with it; then there is nothing to release. */
const char *stp_public_key_load(struct stp_public_key *key, const char *keytype, const char *scheme,
                                const char *public, size_t public_chars);
void stp_public_key_release(struct stp_public_key *key);

/* Checks one signature (hex) over message; one of a length that its scheme does not allow is
 * bad. */
enum stp_signature_state stp_signature_check(const struct stp_public_key *key,
                                             const uint8_t *message, size_t message_bytes,
                                             const char *sig_hex, size_t sig_chars,
                                             enum stp_libraries libraries);

/* The same for a signature in bytes. */
enum stp_signature_state stp_signature_check_bytes(const struct stp_public_key *key,
                                                   const uint8_t *message, size_t message_bytes,
                                                   const uint8_t *sig, size_t sig_bytes,
                                                   enum stp_libraries libraries);

#endif
