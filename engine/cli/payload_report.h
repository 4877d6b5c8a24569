/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print about a payload that they made: its words, and who must sign it.
 *
 * Shape      lines on stdout, or JSON.
 * Memory     JSON is the caller's.
 * Ownership  reports stay the caller's.
 * Threads    one thread.
 */
#ifndef STP_CLI_PAYLOAD_REPORT_H
#define STP_CLI_PAYLOAD_REPORT_H

#include <jansson.h>

#include "cli/cli.h"
#include "stampede/ceremony.h"

json_t *stp_cli_words_json(const char *const words[STP_CEREMONY_WORDS]);

/* The words on one line. */
void stp_cli_print_words(const char *const words[STP_CEREMONY_WORDS]);

json_t *stp_cli_signers_json(const struct stp_ceremony_signer *signers, size_t count);

/* A space, and the key's name or the beginning of its keyid. */
void stp_cli_print_signer(const struct stp_ceremony_signer *signer);

json_t *stp_cli_payload_json(const char *path, const struct stp_ceremony_start_report *report);

/* What holders will be warned of, on stderr. */
void stp_cli_warn_payload(const struct stp_cli *cli,
                          const struct stp_ceremony_start_report *report);
void stp_cli_print_payload(const char *repo, const char *path,
                           const struct stp_ceremony_start_report *report);

#endif
