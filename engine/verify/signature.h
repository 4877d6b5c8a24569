/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, roles and signatures as a client sees them: specification sections 4.2 (keys, signatures)
 * and 5 (threshold of unique keys).
 *
 * Ed25519 is checked by libsodium and, unless the caller asks for one library only, by libcrypto
 * as well: both must agree. RSA-PSS and ECDSA (roots of other makers) go through libcrypto.
 *
 * Shape      a key ring of named keys; a role is a set of keys of one ring and a threshold.
 * Memory     the ring owns key material; a role has indexes into it.
 * Ownership  release with stp_key_ring_release(), stp_role_release().
 * Threads    a ring and its roles are read-only after load and then shared by all threads.
 */
#ifndef STP_VERIFY_SIGNATURE_H
#define STP_VERIFY_SIGNATURE_H

#include <jansson.h>
#include <stdbool.h>

#include "verify/document.h"

#define STP_KEYID_CHARS 64

enum stp_key_kind {
	STP_KEY_KIND_ED25519,
	STP_KEY_KIND_RSA_PSS_SHA256,
	STP_KEY_KIND_ECDSA_SHA256,
	STP_KEY_KIND_ECDSA_SHA384,
};

struct stp_public_key {
	char keyid[STP_KEYID_CHARS + 1];
	enum stp_key_kind kind;
	uint8_t ed25519[32];
	uint8_t identity[32]; /* SHA-256 of kind and public key: equal for the same key twice */
	void *pkey;           /* EVP_PKEY of libcrypto */
};

struct stp_key_ring {
	struct stp_public_key *keys;
	size_t count;
};

struct stp_role {
	const struct stp_public_key **keys; /* unique by identity */
	size_t key_count;
	uint64_t threshold;
};

/* Reads a "keys" object. Keys that are malformed, or whose keyid is not the SHA-256 of their
 * canonical form, become findings; malformed ones are left out of the ring. */
enum stp_errc stp_key_ring_load(struct stp_key_ring *ring, struct stp_document *doc, json_t *keys,
                                const char *where, struct stp_err *err) STP_MUST_CHECK;
void stp_key_ring_release(struct stp_key_ring *ring);

/* Reads {"keyids","threshold"} of object against ring; what is wrong becomes findings. A role that
 * cannot be met by anybody has threshold UINT64_MAX. */
enum stp_errc stp_role_load(struct stp_role *role, const struct stp_key_ring *ring,
                            struct stp_document *doc, json_t *object, const char *where,
                            struct stp_err *err) STP_MUST_CHECK;
void stp_role_release(struct stp_role *role);

/* The key of role called keyid, or NULL. */
const struct stp_public_key *stp_role_key(const struct stp_role *role, const char *keyid,
                                          size_t keyid_bytes);

enum stp_libraries {
	STP_LIBRARIES_ONE,  /* the quickest */
	STP_LIBRARIES_BOTH, /* Ed25519 by libsodium and libcrypto */
};

enum stp_signature_state {
	STP_SIGNATURE_GOOD,
	STP_SIGNATURE_BAD,
	STP_SIGNATURE_DISPUTED, /* one library says yes, the other no: counts as bad */
};

/* Checks one signature (hex) over message. */
enum stp_signature_state stp_signature_check(const struct stp_public_key *key,
                                             const uint8_t *message, size_t message_bytes,
                                             const char *sig_hex, size_t sig_chars,
                                             enum stp_libraries libraries);

struct stp_signature_tally {
	uint64_t checked, checked_twice;
};

/* Checks all signatures of doc against role: findings for each bad, doubled or (unless quiet_roles
 * names another role that knows it) stranger's one, and for a threshold that is not reached by
 * unique keys. other may be NULL. where names the role in findings. Returns true when the threshold
 * is reached. */
bool stp_document_signed_by(struct stp_document *doc, const struct stp_role *role,
                            const struct stp_role *other, const char *where,
                            struct stp_signature_tally *tally);

#endif
