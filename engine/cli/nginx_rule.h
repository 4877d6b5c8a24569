/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web server's rule for a new repository.
 *
 * Shape      lines on stdout.
 * Memory     static texts.
 * Ownership  none.
 * Threads    one thread.
 */
#ifndef STP_CLI_NGINX_RULE_H
#define STP_CLI_NGINX_RULE_H

#include "stampede/init.h"

/* Names in public/targets exist for all files, or only for those that may change: then the web
 * server must find the others without their digest, by the marks of those that are signed. Prints
 * nothing where all names exist. */
void stp_cli_print_rule(const struct stp_init_report *report);

#endif
