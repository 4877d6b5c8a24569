/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotate --stolen: its options, and what it prints.
 *
 * Shape      one struct of what was said on the command line.
 * Memory     none.
 * Ownership  the command line's strings.
 * Threads    one thread.
 */
#ifndef STP_CLI_STOLEN_H
#define STP_CLI_STOLEN_H

#include "cli/cli.h"
#include "stampede/stolen.h"

#define STP_CLI_MIRRORS_MAX 64

struct stp_cli_stolen {
	struct stp_stolen_options options;
	const char *mirrors[STP_CLI_MIRRORS_MAX];
	size_t mirror_count;
	const char *purge_list; /* a file to write, or NULL */
	const char *role;       /* of --role, or NULL */
};

/* Adds a value of --mirror; 0 after printing usage. */
int stp_cli_stolen_mirror(struct stp_cli *cli, struct stp_cli_stolen *stolen, const char *value);

/* Runs with options, of which repo, key, offline folders, time and confirm are set; returns the
 * exit code. */
int stp_cli_stolen_run(struct stp_cli *cli, struct stp_cli_stolen *stolen);

#endif
