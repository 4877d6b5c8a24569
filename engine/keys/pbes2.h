/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypted PKCS#8 keys: PBES2 (RFC 8018) with scrypt (RFC 7914).
 *
 *	PrivateKeyInfo ◀─ AES-256-CBC ◀─ scrypt(passphrase, salt) ─▶ EncryptedPrivateKeyInfo
 *
 * Written with N = 2^14, r = 8, p = 5: 16 MiB of memory, which a small machine has, and 0.2 to
 * 0.7 s of work; as much as N = 2^17, r = 8, p = 1 costs an attacker. A larger N would need more
 * than the 32 MiB that `openssl pkey` allows itself, and keys must be readable without this
 *program.
 *
 * Read are files of other programs too: scrypt and PBKDF2 with a digest of the SHA family, AES in
 * CBC mode. What a hostile file may make a reader spend is bounded before the passphrase is asked
 * for.
 *
 * Shape      DER in, DER out.
 * Memory     sodium_malloc for keys; libcrypto wipes what it allocates on the way.
 * Ownership  free results with sodium_free().
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_PBES2_H
#define STP_KEYS_PBES2_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* STP_KEY unless der is an EncryptedPrivateKeyInfo of a kind that is read, at a cost that is
 * allowed. */
enum stp_errc stp_pbes2_check(const uint8_t *der, size_t der_bytes, const char *subject,
                              struct stp_err *err) STP_MUST_CHECK;

/* Decrypts what check() accepts. STP_KEY: the passphrase is wrong. */
enum stp_errc stp_pbes2_decrypt(const uint8_t *der, size_t der_bytes, const char *passphrase,
                                size_t passphrase_bytes, const char *subject, uint8_t **out_der,
                                size_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

/* Encrypts the DER of a PrivateKeyInfo. */
enum stp_errc stp_pbes2_encrypt(const uint8_t *der, size_t der_bytes, const char *passphrase,
                                size_t passphrase_bytes, const char *subject, uint8_t **out_der,
                                size_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

#endif
