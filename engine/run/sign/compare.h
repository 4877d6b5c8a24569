/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two statements about a file's bytes, whichever algorithms either has: the ledger may
 * have been written with other "hashes" than are configured now, and a list may have digests that
 * are not configured at all.
 *
 * Shape      digests are packed as a set's are, in the order of enum stp_alg.
 * Memory     none.
 * Ownership  statements point into the record they were made from.
 * Threads    plain data.
 */
#ifndef STP_RUN_SIGN_COMPARE_H
#define STP_RUN_SIGN_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "record/record.h"
#include "stampede/alg.h"

/* A statement about a file's bytes. */
struct stp_said {
	uint64_t length;
	const uint8_t *digests; /* packed by set */
	unsigned set;           /* STP_ALG_BIT()s; 0: no digests */
};

/* What record says; set: the algorithms of its digests, stp_record_set(). */
struct stp_said stp_said_by(const struct stp_record *record, unsigned set);

enum stp_same {
	STP_SAME_UNKNOWN, /* no algorithm in common, or no digests; the lengths are equal */
	STP_SAME_YES,     /* the lengths and a digest are equal, none differs */
	STP_SAME_NO,
};

enum stp_same stp_said_compare(const struct stp_said *a, const struct stp_said *b);

/* Bytes for stp_said_difference(). */
#define STP_DIFFERENCE_MAX 384

/* Writes to out how now differs from before: "length 6 is now 7", "sha256 0123… is now 0124…", or
 * both; digests with enough digits to distinguish them, at least 16. between is " is now " in
 * these. */
const char *stp_said_difference(const struct stp_said *before, const struct stp_said *now,
                                const char *between, char out[STP_DIFFERENCE_MAX]);

/* Converts a record with the digests of set for a source with those of wanted: its digests are
 * those of wanted if it has them all (repacked into buffer), else claims. */
void stp_record_restate(struct stp_record *record, unsigned set, unsigned wanted,
                        uint8_t buffer[STP_CLAIMS_BYTES_MAX]);

#endif
