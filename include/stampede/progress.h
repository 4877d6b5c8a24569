/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching a run and stopping it from another thread or a signal handler.
 *
 * Shape      one progress object and one cancel object per run.
 * Memory     on the heap.
 * Ownership  the caller creates, passes to a run, and destroys after it returned.
 * Threads    stp_progress_read() and stp_cancel_request() from any thread; the latter also from a
 *            signal handler.
 */
#ifndef STAMPEDE_PROGRESS_H
#define STAMPEDE_PROGRESS_H

#include <stdint.h>

#include "stampede/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_progress;
struct stp_cancel;

struct stp_progress_view {
	const char *stage;    /* static string: "scan", "hash", "sign", …; "" before the first */
	uint64_t items_done;  /* files, rows or bins of this stage */
	uint64_t items_total; /* 0 when not known */
	uint64_t bytes_done;  /* also within files that are not done */
	uint64_t bytes_total; /* 0 when not known */
	uint64_t items_run;   /* of all stages so far, this one too */
	uint64_t bytes_run;
	uint64_t stage_started_ns; /* monotonic clock */
	double share;        /* of the stage, 0 … 1, or of a run that has a time; -1: not known */
	double seconds_left; /* of the same; -1: not known */
	/* While files are hashed: lanes of all workers that are in a kernel at this very moment
	 * (take the mean of many looks), and how many there are; 0 and 0 in other stages. */
	uint64_t lanes_busy, lanes_total;
};

/* NULL when memory is short. */
STP_API struct stp_progress *stp_progress_create(void);
STP_API void stp_progress_read(const struct stp_progress *progress,
                               struct stp_progress_view *out_view);
STP_API void stp_progress_destroy(struct stp_progress *progress);

/* NULL when memory is short. */
STP_API struct stp_cancel *stp_cancel_create(void);
/* Asks the run to stop: it keeps what was hashed and returns STP_CANCELLED. */
STP_API void stp_cancel_request(struct stp_cancel *cancel);
STP_API void stp_cancel_destroy(struct stp_cancel *cancel);

#ifdef __cplusplus
}
#endif
#endif
