/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a file is judged unchanged: the scan's fingerprint against the ledger's.
 *
 *	fingerprints differ   in size, mtime, inode, ctime, file system   the first that does is why
 *	they do not           but its stamps had not settled when it was hashed
 *	                      or lay ahead of the clock then, and do not any more
 *	                      (engine/decisions/0208-stamps-ahead-of-the-clock.md)
 *
 * What is tolerated: another number of the root's file system (base/filesystem.h), and another
 * ctime where stampede.json says "trust": "mtime". The ledger then gets what the scan saw, and
 * for a ctime STP_RECORD_PASSED: once "trust" is "ctime" again, such a file is read.
 *
 * Shape      records in, an answer out.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_SIGN_AGAIN_RULE_H
#define STP_RUN_SIGN_AGAIN_RULE_H

#include "base/filesystem.h"
#include "record/record.h"
#include "stampede/sign.h"

/* What a run judges files by. */
struct stp_again_rule {
	const struct stp_fs_table *fs; /* of this run */
	int64_t ahead_ns;              /* stamps from here on lie in the future */
	int mtime_counts;              /* "trust": "mtime", another ctime alone is tolerated */
};

/* Parts of a fingerprint that differ and do not count. */
#define STP_TOLERATED_CTIME  1u
#define STP_TOLERATED_DEVICE 2u

/* Why the file that now was made of is not the one that then was made of: the first part that
 * differs, or STP_AGAIN_NOT. Both have length and fingerprint. *out_tolerated gets the
 * STP_TOLERATED_*. */
enum stp_again stp_again_compare(const struct stp_again_rule *rule, const struct stp_record *now,
                                 const struct stp_record *then, unsigned *out_tolerated);

/* Why the record's digests do not hold for a file that has its very fingerprint, or STP_AGAIN_NOT.
 * record->verified_at is the clock when the file was hashed. */
enum stp_again stp_again_settled(const struct stp_again_rule *rule,
                                 const struct stp_record *record);

#endif
