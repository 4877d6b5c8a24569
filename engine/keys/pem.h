/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 private keys as PKCS#8 PEM text (RFC 7468, RFC 5958, RFC 8410).
 *
 * Shape      text in, 32 bytes of seed out, and back.
 * Memory     libcrypto wipes what it allocates on the way.
 * Ownership  the caller's buffers, which should be locked memory.
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_PEM_H
#define STP_KEYS_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STP_PEM_BYTES 119 /* of what stp_pem_write() writes, without NUL */

/* Reads one unencrypted Ed25519 private key. STP_KEY for anything else, with a message that says
 * what it is. */
enum stp_errc stp_pem_read(const void *pem, size_t pem_bytes, const char *subject,
                           uint8_t out_seed[32], struct stp_err *err) STP_MUST_CHECK;

/* Writes exactly what `openssl pkey` would write for this seed, and a NUL. */
void stp_pem_write(const uint8_t seed[32], char out[STP_PEM_BYTES + 1]);

#endif
