/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a new payload, and who must sign it.
 *
 * Shape      one file, one report.
 * Memory     the payload again, while it is counted who must sign.
 * Ownership  the report's lists are released by stp_ceremony_start_report_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_NEW_PAYLOAD_H
#define STP_RUN_NEW_PAYLOAD_H

#include "ceremony/payload.h"
#include "stampede/ceremony.h"

/* STP_CONFIG when the file path exists. */
enum stp_errc stp_new_payload_check(const char *path, struct stp_err *err) STP_MUST_CHECK;

/* Makes the payload, fills report with who must sign, and file with its bytes. */
enum stp_errc stp_new_payload_make(const struct stp_payload_input *input, struct stp_buf *file,
                                   struct stp_ceremony_start_report *report,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Writes the new file path, durable, never over another. */
enum stp_errc stp_new_payload_write(const struct stp_buf *file, const char *path,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
