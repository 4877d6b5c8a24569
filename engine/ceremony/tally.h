/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signatures a payload has, and which are missing.
 *
 *	document        must be signed by a threshold of
 *	N+1.root.json   root N's root keys (unless it is the first), and root N+1's own
 *	V.targets.json  the targets keys of root N+1 if there is one in the payload, else of root N
 *	V.bins.json     the bins keys of the new targets if there is one in the payload, else of the
 *	                published one
 *	each            every key that its role gets with this payload: it proves that it exists
 *
 * A document of a drill must be signed by the keys that its role has now. Keys that targets or the
 * bins role get without a new document of that role cannot prove themselves: they stay unproven, at
 * the document that gives them the role.
 *
 * Signatures are verified over the payload's bytes, and counted by key material, not by keyid
 * (verify/signature.h). One that is wrong, of another payload or by a key that does not sign its
 * document is refused, not ignored: somebody has mixed up files or altered one. The same signature
 * in several files counts once; of two different good ones by one key the smaller is kept, so that
 * the order of files does not matter.
 *
 * Shape      one struct per payload, which must outlive it.
 * Memory     the signatures.
 * Ownership  release with stp_tally_release().
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_TALLY_H
#define STP_CEREMONY_TALLY_H

#include "ceremony/signatures.h"

/* A threshold that a document must reach. */
struct stp_tally_demand {
	char by[48];                 /* whose demand it is: "root 4", "root 5", "targets 7" */
	const struct stp_role *role; /* keys and threshold */
	uint64_t have;               /* unique keys of role that have signed */
};

struct stp_tally_signature {
	const struct stp_public_key *key; /* of one of the demands' roles */
	uint8_t bytes[STP_SIGNATURE_BYTES_MAX];
	size_t count;
};

struct stp_tally_document {
	const struct stp_payload_document *document;
	struct stp_tally_demand demands[2];
	size_t demand_count;
	struct stp_tally_signature *signatures; /* sorted by keyid, unique keys */
	size_t signature_count;
	const struct stp_public_key *
	    *unproven; /* keys that are new to the role and have not signed */
	size_t unproven_count;
};

struct stp_tally {
	struct stp_tally_document documents[STP_PAYLOAD_ROLES]; /* in the payload's order */
	size_t document_count;
	int is_reached; /* every demand */
	int is_proven;  /* no key is unproven */
};

/* Verifies files against payload and counts. STP_REFUSED names the file, the document and the key.
 * payload must outlive the tally. */
enum stp_errc stp_tally_make(struct stp_tally *tally, const struct stp_payload *payload,
                             const struct stp_signatures *files, size_t file_count,
                             struct stp_err *err) STP_MUST_CHECK;
void stp_tally_release(struct stp_tally *tally);

/* The key called keyid of document's demands, or NULL. */
const struct stp_public_key *stp_tally_key(const struct stp_tally_document *document,
                                           const char *keyid);

/* Whether document has a good signature under key's keyid. */
int stp_tally_has_signed(const struct stp_tally_document *document,
                         const struct stp_public_key *key);

/* Whether role has key, under whatever keyid. */
int stp_tally_role_has(const struct stp_role *role, const struct stp_public_key *key);

/* Appends the file to publish: the document with its signatures. */
enum stp_errc stp_tally_envelope(const struct stp_tally_document *document, struct stp_buf *out,
                                 struct stp_err *err) STP_MUST_CHECK;

#endif
