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
#include "stampede/sign.h"

struct stp_run_page {
	const char *report_json; /* what stp_sign_report_json() gave */
	const char *repo;        /* names the repository */
	const char *outcome;     /* "", or the message of the run's failure */
	int is_dry_run;
	const struct stp_sign_span *spans; /* of the report; the picture adds up to its seconds */
	size_t span_count;
	const struct stp_timeline *timeline; /* stopped; may be NULL */
};

enum stp_errc stp_run_html(const struct stp_run_page *page, char **out_html,
                           struct stp_err *err) STP_MUST_CHECK;

#endif
