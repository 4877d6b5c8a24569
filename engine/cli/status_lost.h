/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `status --lost`: what to do when keys are lost, from the thresholds of what is published.
 *
 * Shape      a plan on stdout, and JSON of it.
 * Memory     a few lines.
 * Ownership  the JSON object is the caller's.
 * Threads    one thread.
 */
#ifndef STP_CLI_STATUS_LOST_H
#define STP_CLI_STATUS_LOST_H

#include "cli/cli.h"
#include "stampede/status.h"

/* Prints which roles still reach their thresholds, and the commands. */
void stp_status_print_lost(const struct stp_cli *cli, const struct stp_status_report *status);

/* {"keys","roles","recoverable","clients_work_until","commands"} */
json_t *stp_status_lost_json(const struct stp_cli *cli, const struct stp_status_report *status);

/* Whether some role cannot be recovered. */
int stp_status_lost_is_final(const struct stp_status_report *status);

#endif
