/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of files: made from the results of stat(2) and statx(2), and compared.
 *
 *	struct stat  ─┐                    ┌─▶ difference: which of file system, inode, mtime, ctime
 *	struct statx ─┴─▶ fingerprint ─────┤
 *	                                   └─▶ record/trust.h: may it be trusted
 *
 * This is the only place where either becomes a fingerprint, so a time that does not fit becomes
 * the same stamp everywhere (record/stamp.h).
 *
 * Shape      a status is a length and a fingerprint, all integers.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_RECORD_FINGERPRINT_H
#define STP_RECORD_FINGERPRINT_H

#include <sys/stat.h>

#include "record/record.h"

/* The values that are compared to find out whether a file has changed. */
struct stp_file_status {
	uint64_t length;
	struct stp_fingerprint fingerprint;
};

/* fs_id: the number of the file's file system, see base/filesystem.h; st->st_dev where only results
 * of this run are compared. */
struct stp_fingerprint stp_fingerprint_of(const struct stat *st, uint64_t fs_id);

/* Its fs_id is the device, until the caller numbers it. */
struct stp_file_status stp_file_status_of(const struct stat *st);
struct stp_file_status stp_file_status_of_statx(const struct statx *stx);

/* Parts of a fingerprint. */
#define STP_DIFFERS_FS    1u
#define STP_DIFFERS_INO   2u
#define STP_DIFFERS_MTIME 4u
#define STP_DIFFERS_CTIME 8u

/* The STP_DIFFERS_* of the parts that differ; 0: the same. Callers mask out what may differ. */
static inline unsigned stp_fingerprint_difference(const struct stp_fingerprint *a,
                                                  const struct stp_fingerprint *b)
{
	return (a->fs_id != b->fs_id ? STP_DIFFERS_FS : 0) |
	       (a->ino != b->ino ? STP_DIFFERS_INO : 0) |
	       (a->mtime_ns != b->mtime_ns ? STP_DIFFERS_MTIME : 0) |
	       (a->ctime_ns != b->ctime_ns ? STP_DIFFERS_CTIME : 0);
}

static inline int stp_file_status_is(const struct stp_file_status *a,
                                     const struct stp_file_status *b)
{
	return a->length == b->length &&
	       stp_fingerprint_difference(&a->fingerprint, &b->fingerprint) == 0;
}

/* How st differs from the file that the record was made from, as STP_DIFFERS_* without
 * STP_DIFFERS_FS (the record's file system has a number, st has a device); all of them when st is
 * not a regular file of the record's length. */
unsigned stp_record_difference(const struct stp_record *record, const struct stat *st);

#endif
