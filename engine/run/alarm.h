/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The immutability alarm: a distribution file never changes under its name. What was signed last is
 * what a path must have, also when it was out of sight for a while
 * (decisions/0190-removed-paths.md).
 *
 * Shape      one question per target.
 * Memory     none.
 * Ownership  nothing is kept.
 * Threads    any thread of a step; faults go on the run's list.
 */
#ifndef STP_RUN_ALARM_H
#define STP_RUN_ALARM_H

#include "run/sign_run.h"

/* True when the configuration lets the path's bytes change under its name. */
int stp_sign_is_mutable(const struct stp_sign_run *run, const struct stp_record *record);

/* True when the target of a KEEP decision has other bytes than it may have; a fault says so. */
int stp_sign_alarms(struct stp_sign_run *run, const struct stp_decision *decision);

#endif
