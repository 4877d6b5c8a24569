/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a published file into a buffer that is used again for the next one.
 *
 * Shape      whole files.
 * Memory     the buffer grows to the largest file it met.
 * Ownership  the caller's buffer.
 * Threads    one buffer per thread.
 */
#ifndef STP_VERIFY_PUBLISHED_H
#define STP_VERIFY_PUBLISHED_H

#include "base/bytes.h"
#include "verify/finding.h"

/* Largest bin that is read: what 1/2 of 20 M targets with two digests would need. */
#define STP_BIN_FILE_BYTES_MAX ((size_t)8 << 30)

/* Reads name in folder_fd (a link is not followed) into buf, replacing what it held, with a NUL
 * behind. A file that is not there, is no regular file or is larger than bytes_max becomes a
 * finding (findings may be NULL) and *out_there is 0. Fails when the system does. */
enum stp_errc stp_published_read(int folder_fd, const char *name, size_t bytes_max,
                                 struct stp_buf *buf, struct stp_finding_list *findings,
                                 int *out_there, struct stp_err *err) STP_MUST_CHECK;

#endif
