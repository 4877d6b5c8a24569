/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a ceremony: one file with all that people sign and all that they need to judge it.
 * It is made once, by `ceremony start`, carried to each holder, and never modified; its SHA-256,
 * as words, is the name of the ceremony.
 *
 *	{"_type":"stampede-ceremony","format":1,
 *	 "purpose":TEXT,"made":TIME,
 *	 "chain":[1.root.json, …, N.root.json],      whole, oldest first; empty for a first root
 *	 "published":{"bins":FILE,"targets":FILE},   whole, see below
 *	 "base":{ROLE:{"sha256":HEX,"version":V}},   what was published when it was made
 *	 "documents":[{"name":"5.root.json","signed":{…}}],
 *	 "drill":BOOL,
 *	 "names":{KEYID:{"holder":TEXT,"name":TEXT}}}
 *
 * The file is canonical, with the line feeds of PEM keys escaped (cjson/encoding.h): published
 *files that another tool made are there as values, not as bytes. "published" is left out when it
 *would be empty, "drill" when it is false, and a holder that is not known. Documents stand in the
 *order root, targets, bins. "published" needs the targets when targets or bins are in "documents"
 *and there are published ones, and the bins role likewise with new bins. Expiries stand in the
 *documents, so that people sign the same bytes on different days.
 *
 * In a drill, which proves that keys still work, each document is "drill.ROLE.json", which no
 *client accepts, signed by the keys that ROLE has (stp_payload_drill_body()):
 *
 *	{"_type":"stampede-drill","made":TIME,"nonce":HEX of 32 random bytes,"role":ROLE}
 *
 * Nothing in it is trusted: parse() checks its form only. Holders verify the chain from a root of
 * their own, see ceremony/basis.h.
 *
 * Shape      one struct per payload; it has pointers into itself and is not copied.
 * Memory     the file, its JSON, and each document again; at most STP_PAYLOAD_BYTES_MAX each.
 * Ownership  release with stp_payload_release(), also after a failed parse.
 * Threads    one thread while it is read; read-only afterwards.
 */
#ifndef STP_CEREMONY_PAYLOAD_H
#define STP_CEREMONY_PAYLOAD_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"
#include "ceremony/delegated.h"
#include "keys/key_description.h"
#include "verify/root.h"

/* A bins role with the prefixes of 65,536 bins is 11 MB, and it may be there twice. */
#define STP_PAYLOAD_BYTES_MAX         ((size_t)64 << 20)
#define STP_PAYLOAD_PURPOSE_BYTES_MAX 200
#define STP_PAYLOAD_NAME_BYTES        64 /* "9007199254740991.targets.json" and NUL */

/* In the order in which documents are shown and signed. */
enum stp_payload_role {
	STP_PAYLOAD_ROOT,
	STP_PAYLOAD_TARGETS,
	STP_PAYLOAD_BINS,
	STP_PAYLOAD_ROLES,
};

/* "root", "targets", "bins". */
const char *stp_payload_role_name(enum stp_payload_role role);

struct stp_payload_base {
	uint64_t version; /* 0: there is none yet */
	uint8_t sha256[32];
};

/* One document that is to be signed. */
struct stp_payload_document {
	char name[STP_PAYLOAD_NAME_BYTES]; /* "5.root.json", "drill.root.json" */
	enum stp_payload_role role;
	/* body: the signed bytes; its envelope has no signatures; version 0 in a drill. Of root: as
	 * stp_payload.root.doc, which owns it. */
	const struct stp_document *doc;
};

struct stp_payload {
	struct stp_finding_list findings; /* of the new documents */
	struct stp_finding_list old;      /* of what is published */
	uint8_t sha256[32];               /* of the file */
	char purpose[STP_PAYLOAD_PURPOSE_BYTES_MAX + 1];
	char made[21];
	int is_drill;
	json_t *json;           /* the whole file, owned */
	struct stp_root *chain; /* published roots, oldest first, one version apart */
	size_t chain_count;     /* 0: the payload makes the first root */
	struct stp_document published_targets,
	    published_bins; /* as published; version 0: not there */
	struct stp_payload_base base[STP_PAYLOAD_ROLES];
	struct stp_payload_document documents[STP_PAYLOAD_ROLES]; /* by role, each at most once */
	size_t document_count;
	struct stp_root root; /* the new root, when there is a document of it; else not read */
	int has_root;
	struct stp_document bodies[STP_PAYLOAD_ROLES]; /* of the other documents */
	/* to whom targets and the bins role delegate, as published and new */
	struct stp_delegated published_delegated, delegated;
	struct stp_delegated published_bins_delegated, bins_delegated;
	const json_t *names; /* member "names", borrowed from json */
};

/* What a new payload has; all of it is borrowed. */
struct stp_payload_input {
	const char *purpose;
	int64_t made;
	int is_drill;
	const struct stp_buf *chain; /* files */
	size_t chain_count;
	const struct stp_buf *published_targets, *published_bins; /* files; NULL: not in it */
	struct stp_payload_base base[STP_PAYLOAD_ROLES];
	/* canonical bytes of "signed" of each new document, NULL: none; "version" inside */
	const struct stp_buf *bodies[STP_PAYLOAD_ROLES];
	const struct stp_key_description *keys; /* names of keys, any order */
	size_t key_count;
};

/* Appends the file of a payload to out. STP_CONFIG for a purpose that is empty, too long or has
 * control characters. */
enum stp_errc stp_payload_make(const struct stp_payload_input *input, struct stp_buf *out,
                               struct stp_err *err) STP_MUST_CHECK;

/* Fills out with the body of a drill's document for role. */
enum stp_errc stp_payload_drill_body(enum stp_payload_role role, int64_t made,
                                     const uint8_t nonce[32], struct stp_buf *out,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Reads the bytes of a payload, and takes ownership of them; subject names it in messages.
 * STP_FORMAT for any other form than the above: not canonical, members missing or unknown, a
 * document's name that is not VERSION.ROLE.json of its own version and one of the three roles, a
 * role twice, a chain that is not of consecutive versions, a new version that is not the base's +
 * 1, documents that could not be published (thresholds above the keys or below 1, keyids that are
 * not of their keys, …: what verify/ finds to be an error). */
enum stp_errc stp_payload_parse(struct stp_payload *payload, struct stp_buf *file,
                                const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* The same of the file at path, which must be a regular file. */
enum stp_errc stp_payload_read(struct stp_payload *payload, const char *path,
                               struct stp_err *err) STP_MUST_CHECK;

void stp_payload_release(struct stp_payload *payload);

/* Whether name is one that a document can have; *out_role is its role. */
int stp_payload_name_ok(const char *name, enum stp_payload_role *out_role);

/* The document of a role, or NULL. */
const struct stp_payload_document *stp_payload_document(const struct stp_payload *payload,
                                                        enum stp_payload_role role);

/* The document called name: "5.root.json", or just "root". NULL: none. */
const struct stp_payload_document *stp_payload_find(const struct stp_payload *payload,
                                                    const char *name);

/* The newest published root, or NULL. */
const struct stp_root *stp_payload_published_root(const struct stp_payload *payload);

/* The name that the payload gives to keyid, or NULL; *out_holder likewise (may be NULL). */
const char *stp_payload_key_name(const struct stp_payload *payload, const char *keyid,
                                 const char **out_holder);

#endif
