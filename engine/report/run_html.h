/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of one run of `sign`: where the time went, stages over time, throughput, workers.
 *
 * Shape      one HTML page, see report/page.h.
 * Memory     the page.
 * Ownership  free() the page.
 * Threads    one thread.
 */
#ifndef STP_REPORT_RUN_HTML_H
#define STP_REPORT_RUN_HTML_H

#include "base/err.h"
#include "report/timeline.h"

/* report_json is what stp_sign_report_json() gave; repo names the repository, outcome is "" or the
 * message of the run's failure; timeline (stopped) may be NULL. */
enum stp_errc stp_run_html(const char *report_json, const char *repo, const char *outcome,
                           const struct stp_timeline *timeline, char **out_html,
                           struct stp_err *err) STP_MUST_CHECK;

#endif
