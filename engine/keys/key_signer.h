/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signer with a key in memory, one message at a time: for small numbers of documents. Reference
 * implementation of sign/lanes.h, whose signatures are the same bytes.
 *
 * Shape      messages of any size.
 * Memory     one struct.
 * Ownership  the key is borrowed and must outlive the signer and its clones.
 * Threads    see keys/signer.h.
 */
#ifndef STP_KEYS_KEY_SIGNER_H
#define STP_KEYS_KEY_SIGNER_H

#include "keys/keys.h"
#include "keys/signer.h"

enum stp_errc stp_key_signer_create(const struct stp_key *key, struct stp_signer **out_signer,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
