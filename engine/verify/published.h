/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a published file into a buffer that is reused for the next one.
 *
 * Shape      whole files.
 * Memory     the buffer grows to the size of the largest file.
 * Ownership  the caller's buffer.
 * Threads    one buffer per thread.
 */
#ifndef STP_VERIFY_PUBLISHED_H
#define STP_VERIFY_PUBLISHED_H

#include "base/bytes.h"
#include "verify/finding.h"

/* The largest bin that is read: half of 20 M targets with two digests. */
#define STP_BIN_FILE_BYTES_MAX ((size_t)8 << 30)

/* Reads name in folder_fd (a link is not followed) into buf, replacing its content, followed by a
 * NUL. A file that does not exist, is not a regular file or is larger than bytes_max becomes a
 * finding (findings may be NULL), and *out_there is 0. Fails when the system does. */
enum stp_errc stp_published_read(int folder_fd, const char *name, size_t bytes_max,
                                 struct stp_buf *buf, struct stp_finding_list *findings,
                                 int *out_there, struct stp_err *err) STP_MUST_CHECK;

#endif
