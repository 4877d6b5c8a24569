/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about a repository that a program has before it calls anything else.
 *
 * Shape      a path in, an answer out.
 * Memory     the configuration, while it is read.
 * Ownership  the caller's buffers.
 * Threads    any thread.
 */
#ifndef STAMPEDE_REPOSITORY_H
#define STAMPEDE_REPOSITORY_H

#include <stddef.h>

#include "stampede/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* STP_CONFIG when the repository at path belongs to another user than the one that runs this, or to
 * two users: whoever writes to it must be its owner. command is what the message says to run as the
 * owner ("sign"). What is no repository is left to the call that opens it. */
STP_API enum stp_errc stp_repository_check_owner(const char *path, const char *command,
                                                 struct stp_err *err) STP_MUST_CHECK;

/* The folder of the files to be signed, as stampede.json names it, into out (size bytes with the
 * NUL). STP_CONFIG when there is no repository at path, STP_LIMIT when size is too small. */
STP_API enum stp_errc stp_repository_targets_dir(const char *path, char *out, size_t size,
                                                 struct stp_err *err) STP_MUST_CHECK;

/* 1 when glob can be one of stp_sign_options.scan_globs: below the targets folder, sets closed, no
 * control bytes. */
STP_API int stp_target_glob_is_valid(const char *glob);

/* 1 when path can be one of stp_sign_options.replace_paths: a target path, or a glob of such when
 * it has "*" or "?" in it. */
STP_API int stp_target_path_is_valid(const char *path);

#ifdef __cplusplus
}
#endif
#endif
