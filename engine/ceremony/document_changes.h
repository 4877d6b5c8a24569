/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one document of a payload changes, as lines for people that leave nothing out.
 *
 *	published ─┐             ┌▶ lines about keys and roles (key_lines.c) ─┐
 *	           ├▶ diff ──────┤                                            ├▶ each marks what it
 *shows signed ────┘             └▶ lines about all other changes ────────────┘ published + what was
 *marked ─▶ the bytes to be signed, or STP_REFUSED
 *
 * A first version is compared with an empty document of its role. Internal to ceremony/.
 *
 * Shape      one struct per document.
 * Memory     a copy of the published document, the diff, the lines.
 * Ownership  release with stp_document_changes_release(), also after a failure.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_DOCUMENT_CHANGES_H
#define STP_CEREMONY_DOCUMENT_CHANGES_H

#include "ceremony/diff.h"
#include "ceremony/lines.h"
#include "ceremony/payload.h"

struct stp_document_changes {
	const struct stp_payload *payload;
	const struct stp_payload_document *document;
	json_t *before; /* owned: "signed" as published */
	json_t *after;  /* "signed" as it will be, borrowed */
	uint64_t from;  /* version; 0: none */
	struct stp_diff diff;
	struct stp_lines lines;
};

enum stp_errc stp_document_changes_make(struct stp_document_changes *changes,
                                        const struct stp_payload *payload,
                                        const struct stp_payload_document *document,
                                        struct stp_err *err) STP_MUST_CHECK;
void stp_document_changes_release(struct stp_document_changes *changes);

/* Adds the lines about keys of root's roles and of delegations, and marks what they show. */
enum stp_errc stp_key_lines_root(struct stp_document_changes *changes,
                                 struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_key_lines_delegations(struct stp_document_changes *changes,
                                        struct stp_err *err) STP_MUST_CHECK;

/* Appends value in canonical form, escaped: one reading only. */
enum stp_errc stp_value_text(const json_t *value, struct stp_buf *out,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
