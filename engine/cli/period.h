/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods of time as options and reports spell them: "90m", "12h", "7d"; "in 23 h", "3 d ago".
 *
 * Shape      text to seconds and back.
 * Memory     the caller's.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_CLI_PERIOD_H
#define STP_CLI_PERIOD_H

#include "cli/cli.h"

#define STP_PERIOD_TEXT 48

/* A whole number and its unit m, h or d, up to a hundred years. A number alone is refused: whoever
 * leaves the unit out may mean any of them. On error prints usage naming option and returns 0. */
int stp_cli_period(struct stp_cli *cli, const char *option, const char *value,
                   int64_t *out_seconds);

/* "in 23 h 59 m", or "5 d ago" for what has passed. Returns out. */
const char *stp_period_format(int64_t seconds, char out[STP_PERIOD_TEXT]);

#endif
