/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose repository it is: the owner of its state/, and nobody else writes there.
 *
 * The timer signs as a user of its own. Root could write all of it too, and would leave files that
 * this user cannot replace the next night; so root is told which command to run instead.
 *
 * Shape      a folder, by path or descriptor.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_PUBLISH_OWNER_H
#define STP_PUBLISH_OWNER_H

#include "base/err.h"

/* STP_CONFIG when keys/ and state/ are of two users, as when one was put back from a backup by
 * root, and when the repository at repo_fd belongs to another user than the one that runs this;
 * path is for the message, verb names the command ("sign"). What cannot be looked at is left to
 * whoever opens it. */
enum stp_errc stp_owner_check(int repo_fd, const char *path, const char *verb,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same by path, before anything else is opened. */
enum stp_errc stp_owner_check_path(const char *path, const char *verb,
                                   struct stp_err *err) STP_MUST_CHECK;

#endif
