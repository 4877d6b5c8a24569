/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who must sign what, and by when:
 *
 *	now ─▶ this machine, before the first online role expires
 *	     ─▶ holders, before an offline role expires: from weeks before on, as a ceremony takes
 *weeks ─▶ holders, before so many keys have been silent for so long that the margin is an alarm
 *
 * Shape      at most STP_STATUS_TASKS_MAX tasks, sorted by the time before which they must be done.
 * Memory     none.
 * Ownership  the caller's report.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_STATUS_CALENDAR_H
#define STP_RUN_STATUS_CALENDAR_H

#include "stampede/status.h"

/* Sets tasks and task_count of status from its roles and now. */
void stp_calendar_make(struct stp_status_report *status);

#endif
