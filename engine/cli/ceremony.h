/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of ceremonies print alike.
 *
 * Shape      reports in, lines or one JSON object on stdout.
 * Memory     none.
 * Ownership  the reports stay the caller's.
 * Threads    the main thread.
 */
#ifndef STP_CLI_CEREMONY_H
#define STP_CLI_CEREMONY_H

#include "cli/cli.h"
#include "stampede/ceremony.h"

/* Prints what was signed, and into which file. */
void stp_cli_print_signed(const struct stp_cli *cli, const struct stp_ceremony_sign_report *report);

#endif
