/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floors: the newest version of each role that this repository has published, with the SHA-256 of
 * its file, in state/floors under the seal of the ledger's key.
 *
 *	stampede-floors 1
 *	root 2 9f3c…             version and digest of N.root.json, which is also a trusted root
 *	older 1 44d0…            the lowest version before it, and a digest of all (trust/older.h)
 *	targets 1 771a…
 *	bins 1 02be…
 *	snapshot 38 c0ff…
 *	timestamp 38 ee01…
 *	thresholds 2/3 2/2 2/2   of root, targets, bins, as last published
 *	periods 31536000 31536000 31536000   validity of root, targets and bins in
 *	                         seconds; missing in files of earlier versions
 *	profile pep458           with which stampede.json was made; may be missing as well
 *	committed 2026-11-22T04:00:00Z
 *	folder 1835012 998       inode of state/, owner of this file; another inode means a copy
 *	place 02be771a9f3c5d1e   BLAKE2b of the path of state/: a copy there is a restored backup
 *	seal 5d1e…               BLAKE2b-256 of all lines above, keyed
 *
 * What is read from public/ must not be older than this, and must have the same bytes at the same
 * version: a web server works in public/, but not in state/. A role that was never published
 * has version 0 and a digest of zeros.
 *
 * Shape      one small file, one struct.
 * Memory     none but the struct.
 * Ownership  the caller's.
 * Threads    any thread; writers hold the repository's lock.
 */
#ifndef STP_TRUST_FLOORS_H
#define STP_TRUST_FLOORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "roles/config.h"

#define STP_FLOORS_FILE       "floors"
#define STP_PROFILE_BYTES_MAX 15

/* The version and digest of a file. */
struct stp_pin stp_pin_of(uint64_t version, const void *bytes, size_t count);

/* Whether both have the same digest, whatever their versions. */
int stp_pin_is(const struct stp_pin *a, const struct stp_pin *b);

struct stp_threshold {
	unsigned threshold, key_count;
};

/* Validity of the offline roles in seconds; root is 0 when that is unknown. */
struct stp_periods {
	int64_t root, targets, bins;
};

struct stp_floors {
	struct stp_pin root, older, targets, bins, snapshot, timestamp;
	struct stp_threshold root_keys, targets_keys, bins_keys;
	struct stp_periods periods;
	char profile[STP_PROFILE_BYTES_MAX + 1]; /* "": unknown */
	int64_t committed_at; /* epoch seconds of the timestamp; 0: nothing was signed */
	uint64_t folder_ino;
	uint64_t owner; /* user id of the writer */
	uint64_t place; /* BLAKE2b-64 of the path of state/; no path is kept */
};

/* Where state/floors is, compared with where it was written. */
enum stp_floors_origin {
	STP_FLOORS_OWN,      /* here */
	STP_FLOORS_COPY,     /* a recent copy at another place: a move, an experiment */
	STP_FLOORS_RESTORED, /* a backup: restored at the old place, or older than ten minutes */
};

/* Reads state/floors. *out_found is 0 when it does not exist. seal_key (32 bytes) may be NULL for
 * callers without access to keys/: then the seal is not checked, and an unreadable file counts as
 * missing. STP_REFUSED when the seal is wrong, STP_FORMAT when the text is malformed. */
enum stp_errc stp_floors_load(int state_fd, const uint8_t *seal_key, struct stp_floors *out_floors,
                              int *out_found, enum stp_floors_origin *out_origin,
                              struct stp_err *err) STP_MUST_CHECK;

/* Writes it, durable; folder_ino, owner and place are set here. With STP_FLOORS_RESTORED the next
 * load returns that again: for callers that write floors and leave the skipping of version numbers
 * to the next sign. */
enum stp_errc stp_floors_save(int state_fd, const uint8_t *seal_key,
                              const struct stp_floors *floors, enum stp_floors_origin origin,
                              struct stp_err *err) STP_MUST_CHECK;

/* Parses the text and, with seal_key, checks its seal. It accepts exactly the bytes that
 * stp_floors_save() writes. */
enum stp_errc stp_floors_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                               struct stp_floors *out_floors, struct stp_err *err) STP_MUST_CHECK;

#endif
