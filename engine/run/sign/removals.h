/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removals: targets that were signed last time and would not be signed now, for whatever reason.
 *
 *	emit's workers ─▶ struct stp_removals each ─▶ merged ─▶ more than allowed? ─▶ exit status 3
 *	                                                        examples, the likely cause
 *
 * A file system that is not mounted, a list that ends early and a glob with a mistake look like an
 * index from which nearly everything was removed. Operators remove little in one night, so a run
 * that would remove more than max_removals of stampede.json publishes nothing without
 * --allow-removals (decisions/0191-too-many-removals.md).
 *
 * Shape      numbers, and the STP_REMOVALS_SHOWN removed paths with the lowest keys: the same for
 *            every number of workers.
 * Memory     those paths.
 * Ownership  release with stp_removals_release().
 * Threads    one struct per worker; merge after the join.
 */
#ifndef STP_RUN_SIGN_REMOVALS_H
#define STP_RUN_SIGN_REMOVALS_H

#include "record/record.h"
#include "stampede/err.h"

struct stp_sign_run;
struct stp_decision;

#define STP_REMOVALS_SHOWN 5

enum stp_removal_reason {
	STP_REMOVAL_ABSENT,   /* no input names it */
	STP_REMOVAL_EXCLUDED, /* a glob of the configuration excludes it */
	STP_REMOVAL_FAULT,    /* it is at fault */
};

struct stp_removal {
	uint8_t key[STP_KEY_BYTES];
	enum stp_removal_reason reason;
	uint64_t fs_id; /* where its file was, if that is known */
	int has_fs_id;
	char *path;
};

struct stp_removals {
	uint64_t before;             /* targets that were signed last time */
	uint64_t count;              /* of these, those not signed now */
	uint64_t excluded, at_fault; /* of count */
	uint64_t added;              /* signed now, and not before */
	struct stp_removal shown[STP_REMOVALS_SHOWN];
	size_t shown_count;
};

/* Counts record, which was signed last time, as removed. */
enum stp_errc stp_removals_count(struct stp_removals *removals, const struct stp_record *record,
                                 enum stp_removal_reason reason,
                                 struct stp_err *err) STP_MUST_CHECK;

/* The same for the path of a decision that is not signed, with the reason; does nothing if it was
 * not signed last time either. */
enum stp_errc stp_removals_add(struct stp_removals *removals, const struct stp_sign_run *run,
                               const struct stp_decision *decision,
                               struct stp_err *err) STP_MUST_CHECK;

/* Adds all of part to removals and empties part. */
void stp_removals_merge(struct stp_removals *removals, struct stp_removals *part);

void stp_removals_release(struct stp_removals *removals);

/* How many of before targets this run may remove. */
uint64_t stp_removals_allowed(const struct stp_sign_run *run, uint64_t before);

/* STP_REFUSED when there are more removals than are allowed: the error says how many and the likely
 * cause, and notes give examples. */
enum stp_errc stp_removals_check(struct stp_sign_run *run, struct stp_removals *removals,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Notes that a run scanned the folder and found nothing to sign in it, and the likely cause: if
 * nothing was signed before either, there are no removals to refuse. */
void stp_sign_note_nothing(struct stp_sign_run *run, const struct stp_removals *removals);

#endif
