/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign/lanes: the signer of many messages at once, Ed25519 over the SHA-512 lanes of hash/.
 *
 * Messages are hashed in place, many side by side; only their first 96 bytes are
 * copied. Signatures are byte for byte those of crypto_sign_detached(). Checking hashes again and
 * uses nothing from the signing.
 *
 * Shape      any count; best a multiple of 8 and at least 16 messages of similar size.
 * Memory     70 KiB of locked pages, 120 KiB of tables and a hasher per signer, made by create().
 * Ownership  the key is borrowed and must outlive the signer and its clones.
 * Threads    one signer per thread; signers may share a key.
 */
#ifndef STP_SIGN_LANES_H
#define STP_SIGN_LANES_H

#include "keys/keys.h"
#include "keys/signer.h"

/* features as in stp_hasher_create(). */
enum stp_errc stp_lanes_create(const struct stp_key *key, unsigned features,
                               struct stp_signer **out_signer, struct stp_err *err) STP_MUST_CHECK;

#endif
