/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands "key …" have in common.
 *
 * Shape      one report in, text or JSON out.
 * Memory     none that outlives the call.
 * Ownership  the caller's.
 * Threads    the main thread.
 */
#ifndef STP_CLI_KEY_H
#define STP_CLI_KEY_H

#include "cli/cli.h"
#include "stampede/key.h"

/* Prints one line: a label and a text, which may quote what comes from outside. */
void stp_cli_key_line(const char *label, const char *text);

/* Prints type, keyid, words and, where they are known, name, holder and time. */
void stp_cli_key_print(const struct stp_key_report *report);

/* The same for --json. */
json_t *stp_cli_key_json(const struct stp_key_report *report);

/* Reads the value of --passphrase-fd, an open descriptor; 0 after printing usage. */
int stp_cli_key_descriptor(struct stp_cli *cli, const char *value, int *out_fd);

#endif
