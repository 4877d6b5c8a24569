/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a repository, which is the owner of its state/: nobody else writes to it.
 *
 * The timer signs as a user of its own. Root could write everything as well, but would leave files
 * that this user cannot replace the next night; so the message names the command for root to run.
 *
 * Shape      a folder, by path or descriptor.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_PUBLISH_OWNER_H
#define STP_PUBLISH_OWNER_H

#include "base/err.h"

/* STP_CONFIG when keys/ and state/ have different owners, as after root has restored one from a
 * backup, and when the repository at repo_fd belongs to another user than the one that runs this.
 * path is for the message, command is the running one ("sign"). A folder that stat(2) cannot
 * examine is not reported here, but when it is opened. */
enum stp_errc stp_owner_check(int repo_fd, const char *path, const char *command,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same by path, before anything else is opened. */
enum stp_errc stp_owner_check_path(const char *path, const char *command,
                                   struct stp_err *err) STP_MUST_CHECK;

#endif
