/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products that verbs write to files of the operator's choice: reports, results, metrics.
 *
 * Shape      a path and all its bytes.
 * Memory     what it is given.
 * Ownership  the caller's.
 * Threads    any thread.
 */
#ifndef STP_CLI_PRODUCT_H
#define STP_CLI_PRODUCT_H

#include "base/err.h"

enum stp_product_reader {
	STP_PRODUCT_UMASK, /* whom the umask lets */
	STP_PRODUCT_ALL,   /* a monitoring system, which runs as another user: everybody */
};

/* Writes text to path: whole or not at all, over a file that is there. Devices, pipes and
 * what stdout or stderr lead to (/dev/stdout) are written as they are; one that nobody reads is an
 * error after ten seconds at most. */
enum stp_errc stp_product_write(const char *path, const char *text, enum stp_product_reader reader,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
