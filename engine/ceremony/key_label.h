/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages call a key: "safe-1 (9f3c1a20…)", or its keyid where the payload has no name for
 * it. The name is a claim of whoever made the payload.
 *
 * Shape      one short text.
 * Memory     the caller's.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_CEREMONY_KEY_LABEL_H
#define STP_CEREMONY_KEY_LABEL_H

#include "ceremony/payload.h"

struct stp_key_label {
	char text[STP_KEY_NAME_BYTES_MAX + 24];
};

/* Fills label and returns its text. keyid is escaped. */
const char *stp_key_label(struct stp_key_label *label, const struct stp_payload *payload,
                          const char *keyid);

/* The name alone, or the first digits of keyid. */
const char *stp_key_label_short(struct stp_key_label *label, const struct stp_payload *payload,
                                const char *keyid);

#endif
