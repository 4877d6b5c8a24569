/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the time of a run is accounted for: each second counts for one member of struct
 * stp_sign_seconds, and is in one span of the report.
 *
 * Shape      a stopwatch that always runs for exactly one stage.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    the stopwatch: main thread only.
 */
#ifndef STP_RUN_SIGN_SECONDS_H
#define STP_RUN_SIGN_SECONDS_H

#include <stdint.h>

#include "stampede/sign.h"

struct stp_stopwatch {
	double *stage;        /* member of the report's seconds that is running */
	uint64_t stage_since; /* monotonic clock */
	uint64_t started_ns;  /* of the run */
};

void stp_stopwatch_start(struct stp_stopwatch *watch, double *stage);

/* From now on time counts for *stage, usually a member of report->seconds. Returns the stage
 * before, so that the caller can return to it; no second is counted twice or lost, and each is in a
 * span of the report. */
double *stp_stopwatch_stage(struct stp_stopwatch *watch, struct stp_sign_report *report,
                            double *stage);

/* Divides wall_s seconds among the stages, in proportion to the members of worker_s, the sums over
 * all workers. */
void stp_sign_share_seconds(struct stp_sign_seconds *seconds,
                            const struct stp_sign_seconds *worker_s, double wall_s);

/* Adds the time since started_ns to *seconds: for workers. */
void stp_sign_add_seconds(double *seconds, uint64_t started_ns);

#endif
