/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key rings, roles and the signatures of a document as clients see them: specification sections 4.2
 * and 5 (threshold of unique keys). A key counts once, under however many keyids it is listed.
 *
 * Shape      a key ring of named keys; a role is a set of keys of one ring and a threshold.
 * Memory     the ring owns key material; a role has indexes into it.
 * Ownership  release with stp_key_ring_release(), stp_role_release().
 * Threads    a ring and its roles are read-only after load and then shared by all threads.
 */
#ifndef STP_VERIFY_SIGNATURE_H
#define STP_VERIFY_SIGNATURE_H

#include <jansson.h>

#include "scheme/public_key.h"
#include "verify/document.h"

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

/* Reads {"keyids","threshold"} of object against ring; what is wrong becomes findings. A role whose
 * threshold nobody can reach has threshold UINT64_MAX. */
enum stp_errc stp_role_load(struct stp_role *role, const struct stp_key_ring *ring,
                            struct stp_document *doc, json_t *object, const char *where,
                            struct stp_err *err) STP_MUST_CHECK;
void stp_role_release(struct stp_role *role);

/* The key of role called keyid, or NULL. */
const struct stp_public_key *stp_role_key(const struct stp_role *role, const char *keyid,
                                          size_t keyid_bytes);

struct stp_signature_tally {
	uint64_t checked, checked_twice;
};

/* Checks all signatures of doc against role. Adds findings for each that is wrong, repeated, or by
 * a key that is neither in role nor in other (which may be NULL), and for a threshold that unique
 * keys do not reach. where names the role in findings. Returns true when the threshold is reached.
 */
int stp_document_signed_by(struct stp_document *doc, const struct stp_role *role,
                           const struct stp_role *other, const char *where,
                           struct stp_signature_tally *tally);

#endif
