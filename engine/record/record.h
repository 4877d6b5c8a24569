/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record: everything known about one target. One struct from scan to bins, one codec on disk.
 *
 * A record that has no digests yet is an entry of the scan. One with STP_RECORD_REMOVED means that
 * the path is no longer a target: with digests it is a remembered record, with the digests that
 * were signed last and the time of removal (decisions/0190-removed-paths.md); without, it only
 * hides older records.
 *
 * Shape      sorted everywhere by key = SHA-256(path), so a bin is a contiguous range.
 * Memory     a view: path and digests point into the block, arena or buffer it came from.
 * Ownership  the source it was read from; valid until that source advances.
 * Threads    plain data.
 */
#ifndef STP_RECORD_RECORD_H
#define STP_RECORD_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"

#define STP_KEY_BYTES 32 /* SHA-256 of the target path */

#define STP_RECORD_DIGESTS 1u /* has digests, all of the ledger's set */
#define STP_RECORD_FILE    2u /* fingerprint is that of a file of the tree */
#define STP_RECORD_RACY \
	4u /* changed too recently: hashed, not trusted next time, see record/trust.h */
#define STP_RECORD_REMOVED 8u  /* the target is gone; removed_at, not origin */
#define STP_RECORD_LISTED  16u /* named by a digest list; origin is its line */
#define STP_RECORD_NO_PATH 32u /* path omitted: the ledger has it under the same key */

#define STP_RECORD_SIZED 512u /* LISTED: the list gives the length, not only the file */
#define STP_RECORD_PASSED                                                       \
	1024u /* FILE: had another ctime when it was hashed, see record/trust.h \
	       */

/* Digests of other algorithms than those of the source's set: from a list, a published bin, or an
 * older set of the ledger. They are packed like a set's, in the order of enum stp_alg. Never
 * together with STP_RECORD_DIGESTS. */
#define STP_RECORD_CLAIM(alg)     (64u << (alg))
#define STP_RECORD_CLAIMS         448u
#define STP_RECORD_CLAIMS_SET(fl) ((unsigned)(fl) >> 6 & 7u)
#define STP_CLAIMS_BYTES_MAX      128 /* of every algorithm */

/* Identity of a file's content as far as the file system shows it. Made and compared by
 * record/fingerprint.h; record/trust.h decides when equal ones are trusted. */
struct stp_fingerprint {
	uint64_t fs_id; /* see base/filesystem.h; 0: the file system of the targets folder */
	uint64_t ino;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

struct stp_record {
	uint8_t key[STP_KEY_BYTES];
	uint64_t length;                    /* bytes of the file */
	struct stp_fingerprint fingerprint; /* zeros without STP_RECORD_FILE */
	/* Epoch seconds when the bytes were last read; 0: never, from a list. */
	int64_t verified_at;
	union {
		uint64_t origin;     /* digest list line, 1-based; 0: the tree */
		uint64_t removed_at; /* with STP_RECORD_REMOVED: epoch seconds; 0: not known */
	};
	const uint8_t *digests; /* packed in the set's order; NULL without digests or claims */
	const char *path;       /* not NUL-terminated */
	uint16_t path_bytes;
	uint16_t flags; /* STP_RECORD_* */
};

/* The algorithms of record's digests; set is that of its source. */
static inline unsigned stp_record_set(const struct stp_record *record, unsigned set)
{
	return record->flags & STP_RECORD_DIGESTS ? set : STP_RECORD_CLAIMS_SET(record->flags);
}

/* Whether the path was removed and its last digests are known. */
static inline int stp_record_is_remembered(const struct stp_record *record)
{
	return (record->flags & STP_RECORD_REMOVED) != 0 &&
	       (record->flags & (STP_RECORD_DIGESTS | STP_RECORD_CLAIMS)) != 0;
}

/* Copies its path, NUL-terminated, to out. Paths of records have at most STP_PATH_BYTES_MAX
 * bytes. */
static inline void stp_record_path(const struct stp_record *record,
                                   char out[STP_PATH_BYTES_MAX + 1])
{
	memcpy(out, record->path, record->path_bytes);
	out[record->path_bytes] = '\0';
}

static inline int stp_key_compare(const uint8_t a[STP_KEY_BYTES], const uint8_t b[STP_KEY_BYTES])
{
	return memcmp(a, b, STP_KEY_BYTES);
}

#endif
