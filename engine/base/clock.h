/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: the wall clock is read once per run, the monotonic one for durations.
 *
 * Shape      seconds since the epoch (UTC) as int64_t, nanoseconds as uint64_t.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_CLOCK_H
#define STP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STP_TIME_BYTES 20 /* "YYYY-MM-DDTHH:MM:SSZ" without NUL */

/* Wall clock, seconds since the epoch. */
int64_t stp_clock_now(void);

/* Monotonic clock, nanoseconds. */
uint64_t stp_clock_monotonic_ns(void);

/* Writes YYYY-MM-DDTHH:MM:SSZ and a NUL (21 bytes). Years 1970 … 9999 only: asserts. */
void stp_time_format(int64_t epoch_s, char out[STP_TIME_BYTES + 1]);

/* Parses exactly YYYY-MM-DDTHH:MM:SSZ (specification section 4.2), 1970 … 9999, real calendar
 * dates only. STP_FORMAT otherwise. */
enum stp_errc stp_time_parse(const char *text, size_t text_bytes, int64_t *out_epoch_s,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
