/* SPDX-License-Identifier: Apache-2.0 */
/* Audits of tests: reports on the heap, and a number of jobs in which 0 is the serial reference. */
#ifndef STP_TEST_AUDIT_H
#define STP_TEST_AUDIT_H

#include <stdlib.h>

#include "stampede/verify.h"

/* Ends the test when the audit itself fails; audit_free() it. */
static inline struct stp_verify_report *audit_run(struct stp_verify_options options)
{
	struct stp_verify_report *report = calloc(1, sizeof(*report));
	struct stp_err err = STP_ERR_INIT;

	if (!options.jobs)
		options.jobs = STP_JOBS_SERIAL;
	if (!report || stp_verify(&options, report, &err) != STP_OK)
		fail_msg("verify: %s: %s", err.subject, err.text);
	return report;
}

static inline void audit_free(struct stp_verify_report *report)
{
	stp_verify_report_release(report);
	free(report);
}

#endif
