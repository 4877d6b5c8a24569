/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the secret key of a description is, and how stampede.json names that file.
 *
 * Shape      paths in, paths and URIs out.
 * Memory     none.
 * Ownership  the caller's buffers.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_CEREMONY_SECRET_PATH_H
#define STP_RUN_CEREMONY_SECRET_PATH_H

#include <limits.h>

#include "base/err.h"
#include "roles/config.h"

/* NAME.pem for the description at path, in the same folder. */
enum stp_errc stp_secret_path_beside(const char *path, char out[PATH_MAX],
                                     struct stp_err *err) STP_MUST_CHECK;

/* Writes the URI of the key file pem: relative to the repository if it is in it. */
enum stp_errc stp_secret_path_uri(const char *repo_path, const char *pem,
                                  char out[STP_SIGNER_URI_BYTES_MAX + 1],
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
