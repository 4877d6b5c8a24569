/* SPDX-License-Identifier: Apache-2.0 */
#include "record/trust.h"

#include "record/fingerprint.h"
#include "record/stamp.h"

#define NS_PER_S 1000000000
/* The margin between the clock when a window's files were hashed, in whole seconds, and stamps
 * ahead of it: half of STP_STAMP_AHEAD_NS. */
#define HASHED_GRACE_S 30

static int is_fresh(int64_t stamp, int64_t now_ns)
{
	return stamp >= stp_stamp_later(now_ns, -STP_STAMP_SETTLE_NS) && stamp <= now_ns;
}

int stp_stamps_are_fresh(const struct stp_fingerprint *print, int64_t now_ns)
{
	return is_fresh(print->mtime_ns, now_ns) || is_fresh(print->ctime_ns, now_ns);
}

enum stp_again stp_again_compare(const struct stp_again_rule *rule, const struct stp_record *now,
                                 const struct stp_record *then, unsigned *out_tolerated)
{
	unsigned differs = stp_fingerprint_difference(&now->fingerprint, &then->fingerprint);

	*out_tolerated = 0;
	if (now->length != then->length)
		return STP_AGAIN_SIZE;
	if (!differs)
		return STP_AGAIN_NOT;
	if (differs & STP_DIFFERS_MTIME)
		return STP_AGAIN_MTIME;
	if (differs & STP_DIFFERS_INO)
		return STP_AGAIN_INODE;
	if (differs & STP_DIFFERS_CTIME) {
		if (!rule->mtime_counts)
			return STP_AGAIN_CTIME;
		*out_tolerated |= STP_TOLERATED_CTIME;
	}
	if (differs & STP_DIFFERS_FS) {
		if (!stp_fs_is_same(rule->fs, now->fingerprint.fs_id, then->fingerprint.fs_id))
			return STP_AGAIN_DEVICE;
		*out_tolerated |= STP_TOLERATED_DEVICE;
	}
	return STP_AGAIN_NOT;
}

enum stp_again stp_again_settled(const struct stp_again_rule *rule, const struct stp_record *record)
{
	/* Stamps from here on were ahead of the clock then: others would have been racy. */
	struct stp_stamp_limits came = {
	    .racy_after_ns =
	        stp_stamp_clamp(((__int128)record->verified_at + HASHED_GRACE_S) * NS_PER_S),
	    .ahead_ns = rule->ahead_ns,
	};

	if (record->flags & STP_RECORD_RACY)
		return STP_AGAIN_UNSETTLED;
	if (record->flags & STP_RECORD_PASSED && !rule->mtime_counts)
		return STP_AGAIN_CTIME;
	return stp_stamps_are_racy(&record->fingerprint, &came) ? STP_AGAIN_FUTURE : STP_AGAIN_NOT;
}
