/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/fill.h"

#include <time.h>

#include "record/stamp.h"

/* Whether a stamp is too new for the file to have settled. One ahead of the clock is not: whatever
 * happens to the file before that time gives it another
 * (decisions/0208-stamps-ahead-of-the-clock.md). The clock is read after the file was, so a change
 * made meanwhile never lies ahead of it. */
static int is_racy(int64_t stamp, int64_t racy_after_ns)
{
	return stamp >= racy_after_ns && stamp < stp_stamp_ahead();
}

void stp_digest_fill(struct stp_record *record, const struct stp_read_status *status,
                     const struct stp_hash_stage_options *options)
{
	uint64_t fs_id = status->fs_id;

	if (options->fs)
		fs_id = stp_fs_id(options->fs, (dev_t)fs_id, options->root_fd, record->path);
	record->length = status->length;
	record->fingerprint.fs_id = fs_id;
	record->fingerprint.ino = status->ino;
	record->fingerprint.mtime_ns = status->mtime_ns;
	record->fingerprint.ctime_ns = status->ctime_ns;
	record->verified_at = options->verified_at;
	record->flags |= STP_RECORD_FILE | STP_RECORD_DIGESTS;
	record->flags &= (uint16_t)~STP_RECORD_RACY;
	if (is_racy(status->mtime_ns, options->racy_after_ns) ||
	    is_racy(status->ctime_ns, options->racy_after_ns))
		record->flags |= STP_RECORD_RACY;
}

void stp_digest_idle(void)
{
	static const struct timespec pause = {.tv_nsec = 200000};

	nanosleep(&pause, NULL);
}
