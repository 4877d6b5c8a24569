/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of a run goes: each second is in one stage's member of struct stp_sign_seconds,
 * and in one span of the report.
 *
 * Shape      a stopwatch that always runs for one stage.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    the stopwatch: main thread only.
 */
#ifndef STP_RUN_SIGN_SECONDS_H
#define STP_RUN_SIGN_SECONDS_H

#include <stdint.h>

#include "stampede/sign.h"

struct stp_stopwatch {
	double *stage;        /* member of the report's seconds that the time since goes to */
	uint64_t stage_since; /* monotonic clock */
	uint64_t started_ns;  /* of the run */
};

void stp_stopwatch_start(struct stp_stopwatch *watch, double *stage);

/* From now on time goes to *stage, usually a member of report->seconds. Returns where it went
 * before, for the way back; no second is counted twice or lost, and each is in a span of the
 * report. */
double *stp_stopwatch_stage(struct stp_stopwatch *watch, struct stp_sign_report *report,
                            double *stage);

/* Gives back what was added to *wall_s to the stages in the proportion of their members in
 * worker_s, the sums over all workers. */
void stp_sign_share_seconds(struct stp_sign_seconds *seconds,
                            const struct stp_sign_seconds *worker_s, double wall_s);

/* Adds what went by since started_ns to *seconds: for workers. */
void stp_sign_add_seconds(double *seconds, uint64_t started_ns);

#endif
