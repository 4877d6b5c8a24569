/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a document lists about the file of another: a member of "meta" in timestamp and snapshot.
 *
 *	"7.bin-n-0000.json" ◀─ {"hashes":{"sha256":HEX},"length":N,"version":7}
 *
 * Shape      one line per role.
 * Memory     role in the caller's arena; digests point into the document's JSON.
 * Ownership  none.
 * Threads    read-only once made.
 */
#ifndef STP_VERIFY_LISTED_H
#define STP_VERIFY_LISTED_H

#include "base/arena.h"
#include "verify/document.h"

/* A line of "meta". */
struct stp_listed {
	const char *role; /* name without ".json" */
	uint64_t version;
	int64_t length;     /* -1: not listed */
	const char *sha256; /* 64 hex digits or NULL */
	const char *sha512; /* 128 hex digits or NULL */
	int delegated;      /* a role delegates to it */
};

/* Reads one member of "meta" into line; 0 (with a finding) when it is unusable. */
int stp_listed_read(struct stp_arena *arena, struct stp_document *doc, const char *name,
                    json_t *object, struct stp_listed *line);

/* For qsort() and bsearch(): the order of role names. */
int stp_listed_compare(const void *a, const void *b);

/* Compares length and digests of a file with its line; adds findings. */
void stp_listed_check(struct stp_finding_list *findings, const char *subject,
                      const struct stp_listed *listed, const struct stp_buf *file);

#endif
