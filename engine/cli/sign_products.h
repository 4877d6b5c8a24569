/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sign` writes besides its product: --report and --metrics.
 *
 * Shape      begin before the run, finish after it.
 * Memory     the timeline.
 * Ownership  finish frees what begin made.
 * Threads    the main thread; a sampler of its own runs in between.
 */
#ifndef STP_CLI_SIGN_PRODUCTS_H
#define STP_CLI_SIGN_PRODUCTS_H

#include "report/timeline.h"
#include "stampede/sign.h"

struct stp_sign_products {
	const char *report_path;  /* --report, NULL for none */
	const char *metrics_path; /* --metrics, NULL for none */
	struct stp_timeline *timeline;
	char *folders[2]; /* of the two, which must stay writable */
	char *repo;       /* absolute path of the repository, for metrics */
};

/* Starts watching run->progress and keeps the products' folders writable. STP_CONFIG when a
 * product cannot be written or would take the place of another file (cli/outputs.h): before hours
 * of work, not after. */
enum stp_errc stp_sign_products_begin(struct stp_sign_products *products,
                                      struct stp_sign_options *run,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Writes them: the report, then the metrics, which say whether all went well. code and failure are
 * the run's outcome; a run that failed because another holds the lock leaves the metrics to that
 * one. */
enum stp_errc stp_sign_products_finish(struct stp_sign_products *products,
                                       const struct stp_sign_options *run,
                                       const struct stp_sign_report *report, enum stp_errc code,
                                       const struct stp_err *failure,
                                       struct stp_err *err) STP_MUST_CHECK;

#endif
