/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public key as it is in the metadata that stampede writes: a TUF key object with its keyid.
 *
 * Shape      one struct, copied by value.
 * Memory     one struct.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_SCHEME_KEY_OBJECT_H
#define STP_SCHEME_KEY_OBJECT_H

#include "scheme/scheme.h"

/* The PEM block of an RSA key of 4,096 bits. */
#define STP_KEY_OBJECT_PUBLIC_CHARS_MAX 800

struct stp_key_object {
	const struct stp_scheme *scheme;
	size_t public_chars;
	char public_text[STP_KEY_OBJECT_PUBLIC_CHARS_MAX + 1]; /* "public": hex or PEM, with NUL */
	char keyid[STP_KEYID_CHARS + 1];
};

/* Fills object from the member "public" of a key of scheme. Returns NULL, or what is wrong with it
 * (see stp_public_key_load()). */
const char *stp_key_object_init(struct stp_key_object *object, const struct stp_scheme *scheme,
                                const char *public_text, size_t public_chars);

/* The same from the 32 bytes of an Ed25519 key, which are not checked. */
void stp_key_object_ed25519(struct stp_key_object *object, const uint8_t public_key[32]);

#endif
