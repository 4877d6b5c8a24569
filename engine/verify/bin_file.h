/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A published bin file, read at memory speed with the strict canonical reader.
 *
 *	{"signatures":[{"keyid":K,"sig":S},…],"signed":{"_type":"targets",["delegations":{…},]
 *	 "expires":T,"spec_version":V,"targets":{PATH:{"hashes":{ALG:HEX,…},"length":N},…},"version":N}}
 *	                                       body, the bytes that are signed, is the value of
 *"signed"
 *
 * Only this form is accepted, in canonical bytes. A file of another form may still be valid TUF:
 *the caller then reads it with jansson to name what is different.
 *
 * Shape      entries in the file's order, which is sorted by path (checked).
 * Memory     48 bytes an entry, kept for the next file.
 * Ownership  entries point into the file's bytes.
 * Threads    one thread per struct.
 */
#ifndef STP_VERIFY_BIN_FILE_H
#define STP_VERIFY_BIN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "stampede/alg.h"

/* A target's line. */
struct stp_bin_entry {
	const char *path; /* as in the JSON text: with escapes if escaped */
	uint32_t path_bytes;
	uint32_t escaped;
	uint64_t length;
	const char *hex[STP_ALG_COUNT]; /* NULL for algorithms outside the file's set */
};

struct stp_bin_signature {
	const char *keyid, *sig; /* between their quotes, no escapes */
	size_t keyid_chars, sig_chars;
};

struct stp_bin_file {
	const char *body;
	size_t body_bytes;
	struct stp_bin_signature signatures[STP_SIGNATURES_MAX];
	size_t signature_count;
	const char *expires, *spec_version;
	size_t expires_chars, spec_version_chars;
	uint64_t version;
	unsigned hash_set;   /* of all entries; 0 when there are none */
	const char *targets; /* from the "{" of targets to the end of the file */
	struct stp_bin_entry *entries;
	size_t entry_count, entry_capacity;
	size_t fault_at; /* after a failure: offset of the byte that did not fit */
};

void stp_bin_file_init(struct stp_bin_file *bin);
void stp_bin_file_release(struct stp_bin_file *bin);

enum stp_bin_file_state {
	STP_BIN_FILE_OK,
	STP_BIN_FILE_OTHER, /* not of this form, or not canonical */
	STP_BIN_FILE_NO_MEMORY,
};

/* Parses a whole file. Entries of an earlier file are dropped. */
enum stp_bin_file_state stp_bin_file_parse(struct stp_bin_file *bin, const void *bytes,
                                           size_t count);

/* Parses only what precedes the targets: body_bytes and version are not set. */
enum stp_bin_file_state stp_bin_file_head(struct stp_bin_file *bin, const void *bytes,
                                          size_t count);

/* What forbids path as a target path (engine/TUF.md, "Files and canonical form"), or NULL: empty,
 * too long, absolute, an empty, "." or ".." segment, anything but printable ASCII without '"' and
 * '\'. path is decoded, without escapes. */
const char *stp_target_path_problem(const char *path, size_t count);

#endif
