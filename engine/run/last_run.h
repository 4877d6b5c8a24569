/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading state/last-run.json, the report that `sign` leaves for `status`. Whoever can write the
 * state folder can write this file, so it only informs: nothing is decided by it.
 *
 * Shape      one JSON object, see run/sign/report.h.
 * Memory     none is kept.
 * Ownership  the caller's bytes and struct.
 * Threads    any thread.
 */
#ifndef STP_RUN_LAST_RUN_H
#define STP_RUN_LAST_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/status.h"

#define STP_LAST_RUN_FILE "last-run.json"

/* Larger files are not read; a list of a million faults is smaller. */
#define STP_LAST_RUN_BYTES_MAX ((size_t)512 << 20)

/* Fills *out from bytes[0, count); out->found stays 0 if they are not a JSON object. Texts are safe
 * for a terminal: stp_text_clean() was applied to them. */
void stp_last_run_parse(const void *bytes, size_t count, struct stp_status_run *out);

/* Rows of the digest list that the last run read; 0: it scanned a tree, or this is not known. */
uint64_t stp_last_run_list_rows(int state_fd);

#endif
