/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state/last-run.json, the report that `sign` leaves for `status`, as it is read back. Whoever can
 * write the state folder can write this: it informs and decides nothing.
 *
 * Shape      one JSON object, see run/sign/report.h.
 * Memory     none that stays.
 * Ownership  the caller's bytes and struct.
 * Threads    any thread.
 */
#ifndef STP_RUN_LAST_RUN_H
#define STP_RUN_LAST_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/status.h"

#define STP_LAST_RUN_FILE "last-run.json"

/* More is not read: a fault list of a million rows. */
#define STP_LAST_RUN_BYTES_MAX ((size_t)512 << 20)

/* Takes from bytes[0, count) what it says; out->found stays 0 when it is no JSON object. Texts are
 * fit for a terminal: what stp_text_clean() leaves. */
void stp_last_run_parse(const void *bytes, size_t count, struct stp_status_run *out);

/* Rows of the digest list that the last run took; 0: it took a tree, or nobody knows. */
uint64_t stp_last_run_list_rows(int state_fd);

#endif
