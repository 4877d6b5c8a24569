/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up records for tests of the ledger: record i of a seed is always the same.
 *
 * Shape      struct made_record holds the bytes its record points to.
 * Memory     inside the struct.
 * Ownership  the caller's; do not copy the struct, its record points into it.
 * Threads    one thread per struct.
 */
#ifndef STP_TESTS_RECORDS_H
#define STP_TESTS_RECORDS_H

#include <stdio.h>

#include "hash/hash.h"
#include "record/record.h"
#include "stampede/alg.h"

struct made_record {
	struct stp_record record;
	char path[512];
	uint8_t digests[128];
};

static inline uint64_t made_number(uint64_t seed, uint64_t i)
{
	uint64_t z = seed * 0x9e3779b97f4a7c15ULL + (i + 1) * 0xbf58476d1ce4e5b9ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Record i of seed: a file of the tree, or a row of a list when i is odd. */
static inline const struct stp_record *make_record(struct made_record *made, uint64_t seed,
                                                   uint64_t i)
{
	struct stp_record *record = &made->record;
	size_t j;

	memset(record, 0, sizeof(*record));
	record->path = made->path;
	record->path_bytes =
	    (uint16_t)snprintf(made->path, sizeof(made->path),
	                       "packages/%02x/%016llx/name-%llu.whl",
	                       (unsigned)(made_number(seed, i) & 255),
	                       (unsigned long long)made_number(seed, i + 7), (unsigned long long)i);
	for (j = 0; j < sizeof(made->digests); j++)
		made->digests[j] = (uint8_t)made_number(seed + i, j);
	record->digests = made->digests;
	record->length = made_number(seed, i) >> 30;
	record->flags = STP_RECORD_DIGESTS;
	if (i % 2) {
		record->flags |= STP_RECORD_LISTED;
		record->origin = i;
	} else {
		record->flags |= STP_RECORD_FILE;
		record->fingerprint.fs_id = 7;
		record->fingerprint.ino = i;
		record->fingerprint.mtime_ns = (int64_t)made_number(i, seed);
		record->fingerprint.ctime_ns = -1;
		record->verified_at = 1700000000 + (int64_t)i;
	}
	stp_hash_one(STP_ALG_SHA256, record->path, record->path_bytes, record->key);
	return record;
}

/* True when both are equal, digests included. */
static inline int same_record(const struct stp_record *a, const struct stp_record *b,
                              size_t digest_bytes)
{
	return memcmp(a->key, b->key, STP_KEY_BYTES) == 0 && a->length == b->length &&
	       memcmp(&a->fingerprint, &b->fingerprint, sizeof(a->fingerprint)) == 0 &&
	       a->verified_at == b->verified_at && a->origin == b->origin && a->flags == b->flags &&
	       a->path_bytes == b->path_bytes && memcmp(a->path, b->path, a->path_bytes) == 0 &&
	       !a->digests == !b->digests &&
	       (!a->digests || memcmp(a->digests, b->digests, digest_bytes) == 0);
}

#endif
