/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of stdout: whether the results reached whoever asked for them.
 *
 * Shape      one call, as often as one likes.
 * Memory     none.
 * Ownership  stdout.
 * Threads    the main thread.
 */
#ifndef STP_CLI_STDOUT_H
#define STP_CLI_STDOUT_H

#include "cli/cli.h"

enum stp_stdout {
	STP_STDOUT_WRITTEN,
	STP_STDOUT_LOST,   /* closed, or a full disk */
	STP_STDOUT_UNREAD, /* a pipe whose reader has gone, such as head(1), which knows that */
};

/* Flushes stdout. What was lost is reported on stderr, once. */
enum stp_stdout stp_stdout_flush(void);

/* The same behind what cannot be undone: the exit status of a verb that did its work, which is
 * STP_EXIT_PARTIAL when the results were not written. A fault then says of subject what was done
 * ("the repository was made"), so that nobody does it twice. */
int stp_stdout_finish(const struct stp_cli *cli, const char *stage, const char *subject,
                      const char *done);

#endif
