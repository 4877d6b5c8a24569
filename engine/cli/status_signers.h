/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `status` that are about people: who signs which role, what must be signed next, and
 * whose keys must be found.
 *
 * Shape      lines on stdout, warnings on stderr, and JSON of the same.
 * Memory     one line at a time.
 * Ownership  texts are the caller's to free; JSON objects too.
 * Threads    one thread.
 */
#ifndef STP_CLI_STATUS_SIGNERS_H
#define STP_CLI_STATUS_SIGNERS_H

#include "cli/cli.h"
#include "report/out.h"
#include "stampede/status.h"

/* A role's name in JSON. */
const char *stp_status_json_name(const struct stp_status_role *role);

/* Appends the names of the roles in bits, between ", " or another separator. */
void stp_status_add_roles(struct stp_out *out, const struct stp_status_report *status,
                          unsigned bits, const char *separator);

/* Appends what a key is called: its name, or the first digits of its keyid. */
void stp_status_add_key(struct stp_out *out, const struct stp_status_key *key);

/* Appends "{safe-1 safe-2}": the keys of role that is_in holds for; NULL: all. */
typedef int stp_status_key_fn(const struct stp_status_key *key);
void stp_status_add_keys(struct stp_out *out, const struct stp_status_role *role,
                         stp_status_key_fn *is_in);

/* Appends the repository as the operator named it, or REPO when a shell would not take that as one
 * word. */
void stp_status_add_repo(struct stp_out *out, const struct stp_cli *cli);

/* Whether both roles have the same keys and threshold. */
int stp_status_same_signers(const struct stp_status_role *a, const struct stp_status_role *b);

/* The finished text, free() it; "" when memory is short. */
char *stp_status_text(struct stp_out *out);

void stp_status_print_signers(const struct stp_cli *cli, const struct stp_status_report *status);
void stp_status_print_calendar(const struct stp_cli *cli, const struct stp_status_report *status);
void stp_status_print_margins(const struct stp_cli *cli, const struct stp_status_report *status);

/* The alarms of quorum margins on stderr. */
void stp_status_warn_margins(const struct stp_cli *cli, const struct stp_status_report *status);

/* Sets "signers", "quorum_margin", "quorum_alarms" and "calendar". */
void stp_status_set_signers(json_t *object, const struct stp_cli *cli,
                            const struct stp_status_report *status);

/* {"keyid","name","holder",…}; "state" is null for a role that is not judged. */
json_t *stp_status_key_json(const struct stp_status_role *role, const struct stp_status_key *key);

#endif
