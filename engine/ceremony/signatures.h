/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAYLOAD.KEYID8.sig: the signatures of one key over the documents of one payload.
 *
 *	{"_type":"stampede-signatures","format":1,"keyid":K,"payload":SHA256,
 *	 "signatures":[{"document":"5.root.json","sig":HEX}]}
 *
 * Files of any number of machines are put together in any order; the same signature twice counts
 * once (ceremony/tally.h).
 *
 * Shape      one struct per file.
 * Memory     one struct, 6 KB.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_SIGNATURES_H
#define STP_CEREMONY_SIGNATURES_H

#include "ceremony/payload.h"

#define STP_SIGNATURES_FILE_BYTES_MAX ((size_t)64 << 10)

struct stp_ceremony_signature {
	char document[STP_PAYLOAD_NAME_BYTES];
	uint8_t bytes[STP_SIGNATURE_BYTES_MAX];
	size_t count;
};

struct stp_signatures {
	char subject[256]; /* the file, for messages */
	uint8_t payload_sha256[32];
	char keyid[STP_KEYID_CHARS + 1];
	struct stp_ceremony_signature items[STP_PAYLOAD_ROLES];
	size_t count;
};

/* Appends the file to out. */
enum stp_errc stp_signatures_make(const struct stp_signatures *signatures, struct stp_buf *out,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Checks the form only: STP_FORMAT for anything else than the above. */
enum stp_errc stp_signatures_parse(struct stp_signatures *signatures, const void *bytes,
                                   size_t count, const char *subject,
                                   struct stp_err *err) STP_MUST_CHECK;

/* The same of the file at path, which must be a regular file. */
enum stp_errc stp_signatures_read(struct stp_signatures *signatures, const char *path,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
