/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program calls the hints of the library (stampede/hint.h): its commands and options.
 *
 * Shape      a table by enum stp_hint.
 * Memory     static.
 * Ownership  nobody's.
 * Threads    stp_cli_hints_use() before any other call of the library.
 */
#ifndef STP_CLI_HINTS_H
#define STP_CLI_HINTS_H

#include "stampede/hint.h"

extern const char *const stp_cli_hints[STP_HINT_COUNT];

/* From here on, the texts of the library name options. */
void stp_cli_hints_use(void);

#endif
