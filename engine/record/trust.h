/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a file is judged unchanged, so that its digests of an earlier run are signed again without
 * reading it: the whole rule.
 *
 * A file that changes gets the time of the change as its ctime (and usually as its mtime). So its
 * bytes are unchanged while the fingerprint is, provided that no later change can get the same
 * stamps. Very recent stamps can be repeated: two changes within one tick of the clock have the
 * same time.
 *
 *	                      racy_after      now          ahead (now + one minute)
 *	──────────────────────────┼────────────┼──────────────┼──────────────────────▶ stamps
 *	         settled          │         racy              │         future
 *	 any later change has     │  a later change may have  │  no change can have that
 *	 another stamp            │  this very stamp          │  stamp until it has come
 *
 * A record whose file has
 *
 *	settled stamps    is trusted while the fingerprint is the same
 *	racy stamps       is marked STP_RECORD_RACY and hashed again by the next run
 *	future stamps     is trusted until that time is less than a minute away, then hashed
 *	                  once more (engine/decisions/0208-stamps-ahead-of-the-clock.md)
 *
 * Stamps are racy from shortly before the scan, by the clock of the file system (stp_stamp_now()),
 * less a grace period (stp_fs_grace_ns()). Where this machine's own clock stamps the files, those
 * changed just now are hashed after a pause of STP_STAMP_SETTLE_NS, and only later stamps are racy
 * (engine/decisions/0004-racy-files.md).
 *
 * The fingerprint is compared with two tolerances, STP_TOLERATED_*: the root's file system may have
 * another number (base/filesystem.h), and where stampede.json says "trust": "mtime", the ctime may
 * differ. The ledger then gets the fingerprint from the scan, and for a ctime STP_RECORD_PASSED:
 * once "trust" is "ctime" again, such a file is read.
 *
 * Used by scan/ and digest/ (which records are racy), run/sign/ (which files are hashed again).
 *
 * Shape      fingerprints and stamps in, a verdict out; defined for all values.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_RECORD_TRUST_H
#define STP_RECORD_TRUST_H

#include "base/filesystem.h"
#include "record/record.h"
#include "stampede/sign.h"

/* How long after this machine's clock stamped a file a change certainly gets another stamp: ten
 * ticks of a kernel with 100 Hz; stamps are the time of the last tick. */
#define STP_STAMP_SETTLE_NS INT64_C(100000000)

/* The first racy stamp, and the first stamp of the future. */
struct stp_stamp_limits {
	int64_t racy_after_ns; /* INT64_MAX: nothing is racy */
	int64_t ahead_ns; /* stp_stamp_ahead(), read after the file was; INT64_MAX: nothing is */
};

/* Whether a later change may get one of the file's stamps again. */
static inline int stp_stamps_are_racy(const struct stp_fingerprint *print,
                                      const struct stp_stamp_limits *limits)
{
	return (print->mtime_ns >= limits->racy_after_ns && print->mtime_ns < limits->ahead_ns) ||
	       (print->ctime_ns >= limits->racy_after_ns && print->ctime_ns < limits->ahead_ns);
}

/* Whether one of the file's stamps is in the future, which begins at ahead_ns. */
static inline int stp_stamps_are_ahead(const struct stp_fingerprint *print, int64_t ahead_ns)
{
	return print->mtime_ns >= ahead_ns || print->ctime_ns >= ahead_ns;
}

/* Whether one of the file's stamps is at most STP_STAMP_SETTLE_NS old, so that waiting that long
 * settles it. A stamp of the future (an mtime may have any value) is not waited for. */
int stp_stamps_are_fresh(const struct stp_fingerprint *print, int64_t now_ns);

/* The rules by which a run judges files. */
struct stp_again_rule {
	const struct stp_fs_table *fs; /* of this run */
	int64_t ahead_ns;              /* stamps from here on are in the future */
	int mtime_counts;              /* "trust": "mtime", another ctime alone is tolerated */
};

/* Parts of a fingerprint that may differ. */
#define STP_TOLERATED_CTIME  1u
#define STP_TOLERATED_DEVICE 2u

/* Why the file of the record `now` is not the file of the record `then`: the first part that
 * differs, or STP_AGAIN_NOT. Both have length and fingerprint. *out_tolerated gets the
 * STP_TOLERATED_* flags. */
enum stp_again stp_again_compare(const struct stp_again_rule *rule, const struct stp_record *now,
                                 const struct stp_record *then, unsigned *out_tolerated);

/* Why the record's digests cannot be trusted for a file with the same fingerprint, or
 * STP_AGAIN_NOT. record->verified_at is the time when the file was hashed. */
enum stp_again stp_again_settled(const struct stp_again_rule *rule,
                                 const struct stp_record *record);

#endif
