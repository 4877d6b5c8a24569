/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The immutability alarm: a distribution file never changes under its name. A path must have the
 * bytes that were signed last for it, also if it was removed for a while
 * (decisions/0190-removed-paths.md).
 *
 * Shape      one question per target.
 * Memory     none.
 * Ownership  keeps nothing.
 * Threads    any thread of a step; faults go on the run's list.
 */
#ifndef STP_RUN_SIGN_ALARM_H
#define STP_RUN_SIGN_ALARM_H

#include "run/sign/compare.h"
#include "run/sign/decide.h"
#include "run/sign/sign_run.h"

/* True when the configuration allows the bytes under this path to change. */
int stp_sign_is_mutable(const struct stp_sign_run *run, const struct stp_record *record);

/* True when they may change, in this run or always. The argument of --allow-replace that matches
 * counts as used. */
int stp_sign_may_change(struct stp_sign_run *run, const struct stp_record *record);

/* What was signed last for a path. */
struct stp_signed_last {
	struct stp_said said;
	int is_removed; /* it was not signed last time, but earlier */
	int64_t removed_at;
};

/* All zero when the path is new. It points into the decision's records. */
struct stp_signed_last stp_sign_signed_last(const struct stp_decision *decision);

/* Raises the alarm: record's path has other bytes than before. */
void stp_sign_alarm(struct stp_sign_run *run, const struct stp_record *record,
                    const struct stp_signed_last *before, const struct stp_said *now);

/* True, after a fault, when the target of a KEEP decision has other bytes than it may have. A file
 * that has no algorithm in common with what was signed was compared when it was hashed. */
int stp_sign_alarms(struct stp_sign_run *run, const struct stp_decision *decision);

/* Raises the alarm about a list that contradicts the file that its row names. */
void stp_sign_contradict(struct stp_sign_run *run, const struct stp_record *row,
                         const struct stp_said *says, const struct stp_said *has);

#endif
