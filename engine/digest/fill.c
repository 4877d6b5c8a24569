/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/fill.h"

#include <time.h>

#include "record/stamp.h"
#include "record/trust.h"

/* Whether the record may not be trusted, see record/trust.h. The clock is read after the file, so a
 * change made meanwhile is never ahead of it; and it is read only for the few files that need
 * it. */
static int is_racy(const struct stp_fingerprint *print, int64_t racy_after_ns)
{
	struct stp_stamp_limits limits = {racy_after_ns, INT64_MAX};

	if (!stp_stamps_are_racy(print, &limits))
		return 0;
	limits.ahead_ns = stp_stamp_ahead();
	return stp_stamps_are_racy(print, &limits);
}

void stp_digest_fill(struct stp_record *record, const struct stp_file_status *status,
                     const struct stp_hash_stage_options *options)
{
	record->length = status->length;
	record->fingerprint = status->fingerprint;
	if (options->fs)
		record->fingerprint.fs_id = stp_fs_id(options->fs, (dev_t)status->fingerprint.fs_id,
		                                      options->root_fd, record->path);
	record->verified_at = options->verified_at;
	record->flags |= STP_RECORD_FILE | STP_RECORD_DIGESTS;
	record->flags &= (uint16_t)~STP_RECORD_RACY;
	if (is_racy(&record->fingerprint, options->racy_after_ns))
		record->flags |= STP_RECORD_RACY;
}

void stp_digest_idle(void)
{
	static const struct timespec pause = {.tv_nsec = 200000};

	nanosleep(&pause, NULL);
}
