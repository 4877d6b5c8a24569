/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users in messages: what is called wrong about an owner is put right by the command that runs as
 * that user, so that command is named.
 *
 * Shape      user ids in, text out.
 * Memory     none that stays.
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

/* What stands before a command that is to run as uid: "runuser -u stampede --" for root, "sudo -u
 * stampede" for others, who may have to be allowed that. Returns out. */
char *stp_user_run_as(uid_t uid, char out[STP_USER_AS_BYTES]);

#endif
