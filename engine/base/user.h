/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users in messages: a wrong owner is corrected by a command that runs as the right user, so
 * messages name that command.
 *
 * Shape      user ids in, text out.
 * Memory     none that outlives the call.
 * Ownership  the caller's buffers.
 * Threads    any thread.
 */
#ifndef STP_BASE_USER_H
#define STP_BASE_USER_H

#include <sys/types.h>

#define STP_USER_BYTES    64
#define STP_USER_AS_BYTES 128

/* "stampede", or "id 1234" for a user without a name. Returns out. */
char *stp_user_name(uid_t uid, char out[STP_USER_BYTES]);

/* The prefix of a command that is to run as uid: "runuser -u stampede --" for root, "sudo -u
 * stampede" for others, who may need permission for that. Returns out. */
char *stp_user_run_as(uid_t uid, char out[STP_USER_AS_BYTES]);

#endif
