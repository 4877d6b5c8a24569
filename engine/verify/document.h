/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small published metadata document, read with jansson: root, timestamp, snapshot, targets, the
 * bins role. The only code that is shared with the writers is that for escapes of control
 *characters (cjson/encoding.h), which PEM keys in root, targets and bins need.
 *
 *	file bytes ─▶ JSON ─▶ {"signatures":[…],"signed":BODY}
 *	           ─▶ canonical bytes of BODY ─▶ signatures
 *	                                      └─▶ equal to the file's?
 *
 * Shape      one struct stp_document; JSON values are borrowed from it.
 * Memory     the file's bytes, their JSON tree, and the canonical bytes again.
 * Ownership  release with stp_document_release().
 * Threads    one thread per document; findings may be shared.
 */
#ifndef STP_VERIFY_DOCUMENT_H
#define STP_VERIFY_DOCUMENT_H

#include <jansson.h>

#include "base/bytes.h"
#include "verify/finding.h"

struct stp_document_rule;

struct stp_document {
	char name[300]; /* file name, the subject of findings */
	struct stp_finding_list *findings;
	const struct stp_document_rule *rule;
	struct stp_buf file;
	struct stp_buf body; /* canonical bytes of signed: what signatures cover */
	json_t *root;        /* owned */
	json_t *signatures;  /* array, borrowed from root */
	json_t *body_json;   /* "signed", borrowed from root */
	uint64_t version;    /* 0 when the field is bad */
	int64_t expires;     /* 0 when the field is bad */
};

/* The rules for a role's file. */
struct stp_document_rule {
	const char *type;   /* "_type" */
	const char *fields; /* names allowed in signed, separated by spaces; NULL: any */
	size_t bytes_max;
	/* The layout of the file is not judged: other tools indent what they write, and clients
	 * verify the canonical form of what they parsed. */
	int any_layout;
};

/* Those of the top-level roles; stp_rule_targets also applies to every delegated role of this
 * repository. */
extern const struct stp_document_rule stp_rule_root, stp_rule_timestamp, stp_rule_snapshot,
    stp_rule_targets;

/* Those of documents that other tools made and that nobody can sign again: roots that others
 * followed, roles to which targets delegates besides the bins, and what import reads. */
extern const struct stp_document_rule stp_rule_old_root, stp_rule_old_timestamp,
    stp_rule_old_snapshot, stp_rule_foreign;

/* Reads and checks name in folder_fd: JSON without duplicate keys, depth, envelope, canonical
 * bytes, _type, spec_version, version and expires present and well formed, no unknown field. Errors
 * in the document become findings; *out_usable is 1 when signed can be read. Fails only when the
 * system does. */
enum stp_errc stp_document_read(struct stp_document *doc, int folder_fd, const char *name,
                                const struct stp_document_rule *rule,
                                struct stp_finding_list *findings, int *out_usable,
                                struct stp_err *err) STP_MUST_CHECK;

/* As stp_document_read() for bytes in memory; takes ownership of file. */
enum stp_errc stp_document_parse(struct stp_document *doc, struct stp_buf *file, const char *name,
                                 const struct stp_document_rule *rule,
                                 struct stp_finding_list *findings, int *out_usable,
                                 struct stp_err *err) STP_MUST_CHECK;

/* As stp_document_parse() for bytes whose digest shows that they are the signed ones: the canonical
 * form is not made, and body stays empty. That saves 40 ms for a snapshot of 16,384 bins. */
enum stp_errc stp_document_parse_known(struct stp_document *doc, struct stp_buf *file,
                                       const char *name, const struct stp_document_rule *rule,
                                       struct stp_finding_list *findings, int *out_usable,
                                       struct stp_err *err) STP_MUST_CHECK;

void stp_document_release(struct stp_document *doc);

/* The member name of object (called where in findings), of the given type; else adds a finding and
 * returns NULL. JSON_TRUE means a boolean of either value. */
json_t *stp_document_member(struct stp_document *doc, json_t *object, const char *where,
                            const char *name, json_type type);

/* Reads an integer member in [min, max]; else adds a finding and returns 0. */
int stp_document_integer(struct stp_document *doc, json_t *object, const char *where,
                         const char *name, uint64_t min, uint64_t max, uint64_t *out);

/* Adds a finding for every member of object whose name is not in allowed (separated by spaces);
 * none in a document whose members are not judged (any_layout). */
void stp_document_known(struct stp_document *doc, json_t *object, const char *where,
                        const char *allowed);

/* Appends the canonical form (OLPC) of value to out: sorted keys, integers only, raw UTF-8.
 * STP_FORMAT for a real number. */
enum stp_errc stp_canonical_append(const json_t *value, struct stp_buf *out,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Converts the text of "expires" to epoch seconds; 0 when it is not YYYY-MM-DDTHH:MM:SSZ. */
int stp_expires_parse(const char *text, size_t count, int64_t *out_epoch_s);

#endif
