/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheme/: the key types and signature schemes of TUF metadata (specification section 4.2), in one
 * table. All code that writes, sizes, signs with or verifies keys uses it. It holds no secrets.
 *
 *	{"keytype":"ecdsa","keyval":{"public":PEM},"scheme":"ecdsa-sha2-nistp256"}
 *	           └─────────── a row of the table ───────────┘
 *	keyid = hex SHA-256 of these bytes, in canonical form
 *
 * Shape      rows that live as long as the program; compare them by address or by kind.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_SCHEME_SCHEME_H
#define STP_SCHEME_SCHEME_H

#include <stddef.h>
#include <stdint.h>

#define STP_KEYID_CHARS 64

/* Of all schemes: RSA of 16,384 bits. */
#define STP_SIGNATURE_BYTES_MAX 2048

/* The kind of a key and of its signatures, whatever its keytype is called. */
enum stp_key_kind {
	STP_KEY_KIND_ED25519,
	STP_KEY_KIND_RSA_PSS_SHA256,
	STP_KEY_KIND_ECDSA_P256_SHA256,
	STP_KEY_KIND_ECDSA_P384_SHA384,
};

/* How "public" encodes a key. */
enum stp_key_form {
	STP_KEY_FORM_HEX, /* lower-case digits */
	STP_KEY_FORM_PEM, /* a PUBLIC KEY block: holds line feeds, see cjson/encoding.h */
};

enum stp_libraries {
	STP_LIBRARIES_ONE,  /* the faster one */
	STP_LIBRARIES_BOTH, /* Ed25519 by libsodium and libcrypto */
};

enum stp_signature_state {
	STP_SIGNATURE_GOOD,
	STP_SIGNATURE_BAD,
	STP_SIGNATURE_DISPUTED, /* the libraries disagree: counts as bad */
};

struct stp_public_key;

/* See stp_public_key_load() and stp_signature_check(); sig holds at most signature_bytes_max. */
typedef const char *stp_scheme_load_fn(struct stp_public_key *key, const char *public_text,
                                       size_t public_chars);
typedef enum stp_signature_state stp_scheme_check_fn(const struct stp_public_key *key,
                                                     const uint8_t *message, size_t message_bytes,
                                                     const uint8_t *sig, size_t sig_bytes,
                                                     enum stp_libraries libraries);

struct stp_scheme {
	const char *keytype, *scheme;
	enum stp_key_kind kind;
	enum stp_key_form form;
	size_t public_chars;        /* of "public"; 0: depends on the key */
	size_t public_line_feeds;   /* of these; a file has two characters for each */
	size_t signature_bytes_min; /* equal to max: a fixed length */
	size_t signature_bytes_max;
	stp_scheme_load_fn *load;
	stp_scheme_check_fn *check;
};

/* The row of a pair of keytype and scheme, or NULL when the pair is not known. */
const struct stp_scheme *stp_scheme_find(const char *keytype, const char *scheme);

/* The row with which new keys of a kind are written. */
const struct stp_scheme *stp_scheme_of(enum stp_key_kind kind);

/* Bytes that a key object {"keytype":…} of scheme takes in a file. public_chars must not be 0. */
size_t stp_scheme_object_bytes(const struct stp_scheme *scheme);

/* The keyid of a key object from its canonical form: 64 lower-case hex digits and NUL. */
void stp_keyid_of_form(const void *form, size_t form_bytes, char out_keyid[STP_KEYID_CHARS + 1]);

#endif
