/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of files as stat(2) sees them.
 *
 * Shape      struct stat in, a fingerprint or an answer out.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_RECORD_FINGERPRINT_H
#define STP_RECORD_FINGERPRINT_H

#include <sys/stat.h>

#include "record/record.h"
#include "record/stamp.h"

/* fs_id: see base/filesystem.h. */
static inline struct stp_fingerprint stp_fingerprint_of(const struct stat *st, uint64_t fs_id)
{
	return (struct stp_fingerprint){
	    .fs_id = fs_id,
	    .ino = (uint64_t)st->st_ino,
	    .mtime_ns = stp_stamp_of(st->st_mtim),
	    .ctime_ns = stp_stamp_of(st->st_ctim),
	};
}

/* Whether st is of a file with this fingerprint, whichever file system it lies on. */
static inline int stp_fingerprint_is(const struct stp_fingerprint *print, const struct stat *st)
{
	return (uint64_t)st->st_ino == print->ino && stp_stamp_of(st->st_mtim) == print->mtime_ns &&
	       stp_stamp_of(st->st_ctim) == print->ctime_ns;
}

#endif
