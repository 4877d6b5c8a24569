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
#include "base/limits.h"

#define STP_TIME_BYTES 20 /* "YYYY-MM-DDTHH:MM:SSZ" without NUL */

/* The last second that can be written: 9999-12-31T23:59:59Z. The first is 0. */
#define STP_TIME_MAX INT64_C(253402300799)
/* The latest time a run may have: whatever it signs can expire STP_EXPIRY_SECONDS_MAX later. */
#define STP_NOW_MAX (STP_TIME_MAX - STP_EXPIRY_SECONDS_MAX)

/* Wall clock, seconds since the epoch, within [0, STP_TIME_MAX]. */
int64_t stp_clock_now(void);

/* Monotonic clock, nanoseconds. */
uint64_t stp_clock_monotonic_ns(void);

/* epoch_s moved by seconds (either sign), limited to [0, STP_TIME_MAX]. For bounds such as "older
 * than 90 days", where the beginning or the end of time is the right answer; never for an
 * expiry. */
int64_t stp_time_add(int64_t epoch_s, int64_t seconds);

/* STP_CONFIG unless now is within [0, STP_NOW_MAX]; subject says where it came from ("now"). */
enum stp_errc stp_now_check(int64_t now, const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* Writes YYYY-MM-DDTHH:MM:SSZ and a NUL (21 bytes). A time outside [0, STP_TIME_MAX] is written as
 * the nearest one within: files and clocks may hold any value, and printing one must not end a
 * run. */
void stp_time_format(int64_t epoch_s, char out[STP_TIME_BYTES + 1]);

/* Parses exactly YYYY-MM-DDTHH:MM:SSZ (specification section 4.2), 1970 … 9999, real calendar
 * dates only. STP_FORMAT otherwise. */
enum stp_errc stp_time_parse(const char *text, size_t text_bytes, int64_t *out_epoch_s,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
