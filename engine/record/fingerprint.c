/* SPDX-License-Identifier: Apache-2.0 */
#include "record/fingerprint.h"

#include <sys/sysmacros.h>

#include "record/stamp.h"

struct stp_fingerprint stp_fingerprint_of(const struct stat *st, uint64_t fs_id)
{
	return (struct stp_fingerprint){
	    .fs_id = fs_id,
	    .ino = (uint64_t)st->st_ino,
	    .mtime_ns = stp_stamp_of(st->st_mtim),
	    .ctime_ns = stp_stamp_of(st->st_ctim),
	};
}

struct stp_file_status stp_file_status_of(const struct stat *st)
{
	return (struct stp_file_status){
	    .length = (uint64_t)st->st_size,
	    .fingerprint = stp_fingerprint_of(st, (uint64_t)st->st_dev),
	};
}

struct stp_file_status stp_file_status_of_statx(const struct statx *stx)
{
	return (struct stp_file_status){
	    .length = stx->stx_size,
	    .fingerprint =
	        {
	            .fs_id = makedev(stx->stx_dev_major, stx->stx_dev_minor),
	            .ino = stx->stx_ino,
	            .mtime_ns = stp_stamp_of_statx(stx->stx_mtime),
	            .ctime_ns = stp_stamp_of_statx(stx->stx_ctime),
	        },
	};
}

unsigned stp_record_difference(const struct stp_record *record, const struct stat *st)
{
	const unsigned parts = STP_DIFFERS_INO | STP_DIFFERS_MTIME | STP_DIFFERS_CTIME;
	struct stp_fingerprint now;

	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != record->length)
		return parts;
	now = stp_fingerprint_of(st, 0);
	return stp_fingerprint_difference(&now, &record->fingerprint) & parts;
}
