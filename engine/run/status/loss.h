/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can still be done when keys are lost:
 *
 *	root below its threshold       nothing: clients accept no further root, ever
 *	targets below its threshold    root gives it new keys
 *	bins below its threshold       targets gives it new keys (which it may get from root)
 *	an online key                  root (timestamp, snapshot), or the role above bin-n
 *	others                         the same, and there is time for it
 *
 * Shape      marks keys and roles of a report.
 * Memory     none.
 * Ownership  the caller's report.
 * Threads    one thread.
 */
#ifndef STP_RUN_STATUS_LOSS_H
#define STP_RUN_STATUS_LOSS_H

#include "base/err.h"
#include "stampede/status.h"

/* Marks the keys that names mean: by name, keyid or its first 8 digits or more. STP_CONFIG when one
 * means no key, or several keys. */
enum stp_errc stp_loss_mark(struct stp_status_report *status, const char *const *names,
                            size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Sets lost_count and loss of each role, and lost_until, from the keys that are marked. */
void stp_loss_judge(struct stp_status_report *status);

#endif
