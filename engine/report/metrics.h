/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of `sign` as Prometheus text, for node_exporter's textfile collector.
 *
 * Shape      Prometheus text exposition format 0.0.4: HELP, TYPE and samples with a label "repo",
 *            some with "stage" or "role" besides.
 * Memory     the text.
 * Ownership  free() the text.
 * Threads    one thread.
 */
#ifndef STP_REPORT_METRICS_H
#define STP_REPORT_METRICS_H

#include <stdint.h>

#include "base/err.h"
#include "stampede/sign.h"

/* What a monitoring system should know after this run, of the repository at repo (its absolute
 * path). succeeded: it ends with exit status 0. previous is the text that stood in the file before
 * ("" when there was none): what this run did not come to know, such as the time of the last
 * success when it failed, is taken from there. now is the wall clock at the end of the run. */
enum stp_errc stp_metrics_text(const struct stp_sign_report *report, const char *repo,
                               int succeeded, int64_t now, const char *previous, char **out_text,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
