/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that a program passes one by one, as a digest list: they are written to a file and then read
 * like any other list, so that they pass every check of lists.
 *
 *	next_row() ─▶ NDJSON with its end line, in a file without a name ─▶ descriptor at its start
 *
 * Shape      any number of rows; a row whose path is not UTF-8 is a fault.
 * Memory     one buffer.
 * Ownership  the caller closes the descriptor.
 * Threads    next_row is called from the calling thread.
 */
#ifndef STP_RUN_SIGN_ROWS_H
#define STP_RUN_SIGN_ROWS_H

#include "base/cancel.h"
#include "stampede/sign.h"

/* The name of such a list in messages. */
#define STP_ROWS_NAME "rows"

/* Fails with the error of next_row, with STP_CANCELLED, or when folder_fd has no space left. */
enum stp_errc stp_rows_spool(const struct stp_sign_options *options, int folder_fd,
                             const struct stp_cancel *cancel, int *out_fd,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
