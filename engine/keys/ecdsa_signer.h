/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signer with an ECDSA P-256 key in memory, one message at a time. Signatures are DER, with the
 * lower one of the two possible s, so that verifiers that demand it accept them; each is verified
 * before it is returned. ECDSA is randomized: two signatures of one message differ.
 *
 * Shape      messages of any size.
 * Memory     one struct.
 * Ownership  the key is borrowed and must outlive the signer and its clones.
 * Threads    see keys/signer.h.
 */
#ifndef STP_KEYS_ECDSA_SIGNER_H
#define STP_KEYS_ECDSA_SIGNER_H

#include "keys/signer.h"

/* pkey is an EVP_PKEY of libcrypto, object its public key. */
enum stp_errc stp_ecdsa_signer_create(void *pkey, const struct stp_key_object *object,
                                      struct stp_signer **out_signer,
                                      struct stp_err *err) STP_MUST_CHECK;

#endif
