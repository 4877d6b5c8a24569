/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/again_rule.h"

#include "record/stamp.h"

#define NS_PER_S 1000000000
/* Between the clock when a window's files were hashed, in whole seconds, and stamps that lay ahead
 * of it: half of STP_STAMP_AHEAD_NS. */
#define HASHED_GRACE_S 30

enum stp_again stp_again_compare(const struct stp_again_rule *rule, const struct stp_record *now,
                                 const struct stp_record *then, unsigned *out_tolerated)
{
	const struct stp_fingerprint *print = &now->fingerprint;
	const struct stp_fingerprint *before = &then->fingerprint;

	*out_tolerated = 0;
	if (now->length != then->length)
		return STP_AGAIN_SIZE;
	if (print->mtime_ns != before->mtime_ns)
		return STP_AGAIN_MTIME;
	if (print->ino != before->ino)
		return STP_AGAIN_INODE;
	if (print->ctime_ns != before->ctime_ns) {
		if (!rule->mtime_counts)
			return STP_AGAIN_CTIME;
		*out_tolerated |= STP_TOLERATED_CTIME;
	}
	if (print->fs_id != before->fs_id) {
		if (!stp_fs_is_same(rule->fs, print->fs_id, before->fs_id))
			return STP_AGAIN_DEVICE;
		*out_tolerated |= STP_TOLERATED_DEVICE;
	}
	return STP_AGAIN_NOT;
}

enum stp_again stp_again_settled(const struct stp_again_rule *rule, const struct stp_record *record)
{
	const struct stp_fingerprint *print = &record->fingerprint;
	int64_t hashed_ns =
	    stp_stamp_clamp((__int128)(record->verified_at + HASHED_GRACE_S) * NS_PER_S);

	if (record->flags & STP_RECORD_RACY)
		return STP_AGAIN_UNSETTLED;
	if (record->flags & STP_RECORD_PASSED && !rule->mtime_counts)
		return STP_AGAIN_CTIME;
	/* The usual case: both are older than the hashing. */
	if (print->mtime_ns < hashed_ns && print->ctime_ns < hashed_ns)
		return STP_AGAIN_NOT;
	if (print->mtime_ns >= hashed_ns && print->mtime_ns < rule->ahead_ns)
		return STP_AGAIN_FUTURE;
	if (print->ctime_ns >= hashed_ns && print->ctime_ns < rule->ahead_ns)
		return STP_AGAIN_FUTURE;
	return STP_AGAIN_NOT;
}
