/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keys of each kind are parsed and their signatures checked. Internal to scheme/, whose table
 * names these functions.
 *
 * Shape      see stp_scheme_load_fn and stp_scheme_check_fn.
 * Memory     libcrypto's key.
 * Ownership  the key's.
 * Threads    a loaded key is read-only: any thread may check with it.
 */
#ifndef STP_SCHEME_CHECK_H
#define STP_SCHEME_CHECK_H

#include "scheme/public_key.h"

stp_scheme_load_fn stp_ed25519_load;
stp_scheme_check_fn stp_ed25519_check;

/* RSA and ECDSA, by the kind of key->scheme. */
stp_scheme_load_fn stp_pem_key_load;
stp_scheme_check_fn stp_rsa_check;
stp_scheme_check_fn stp_ecdsa_check;

/* libcrypto's verdict for any kind of key. md is a const EVP_MD *, NULL where the scheme hashes by
 * itself; salt, if not NULL, points to an RSASSA-PSS salt length as
 * EVP_PKEY_CTX_set_rsa_pss_saltlen(3) expects it. */
int stp_libcrypto_check(const struct stp_public_key *key, const void *md, const int *salt,
                        const uint8_t *message, size_t message_bytes, const uint8_t *sig,
                        size_t sig_bytes);

#endif
