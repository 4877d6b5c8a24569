/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a run: what stampede/sign.h promises, kept in state/last-run.json for `status`.
 *
 * Shape      see struct stp_sign_report; JSON with the members that stampede-sign(1) lists.
 * Memory     copies of the kept faults in one arena.
 * Ownership  the report owns them until stp_sign_report_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_REPORT_H
#define STP_RUN_SIGN_REPORT_H

#include "base/fault.h"
#include "stampede/sign.h"

/* Copies the faults, the damage of the ledger (as warnings of stage "ledger") and the notes into
 * report, those that were printed during the run before the others. 0 when memory is short. */
int stp_sign_report_set_faults(struct stp_sign_report *report, const struct stp_fault_list *faults,
                               const struct stp_fault_list *damage,
                               const struct stp_fault_list *reported,
                               const struct stp_fault_list *notes);

/* Writes state/last-run.json, best effort: it informs, nothing depends on it. code and err are the
 * run's outcome. */
void stp_sign_report_save(const struct stp_sign_report *report, int state_fd, enum stp_errc code,
                          const struct stp_err *err);

#endif
