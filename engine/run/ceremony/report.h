/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tally says, as the report of the public calls.
 *
 * Shape      one report.
 * Memory     the keys of each demand.
 * Ownership  the report's: stp_ceremony_status_report_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_REPORT_H
#define STP_RUN_CEREMONY_REPORT_H

#include "ceremony/tally.h"
#include "stampede/ceremony.h"

/* Fills report, which is clear. */
enum stp_errc stp_ceremony_report(const struct stp_payload *payload, const struct stp_tally *tally,
                                  struct stp_ceremony_status_report *report,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
