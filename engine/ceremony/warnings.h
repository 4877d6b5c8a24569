/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a holder should think about before signing: lower thresholds, one holder who can sign alone,
 * keys in roles of the other kind, odd names, expiries, what clients do not take.
 *
 * Shape      lines with the sign '!'.
 * Memory     the lines'.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_WARNINGS_H
#define STP_CEREMONY_WARNINGS_H

#include "ceremony/lines.h"
#include "ceremony/payload.h"

/* Those that follow from the payload alone. */
enum stp_errc stp_warnings_add(const struct stp_payload *payload, struct stp_lines *lines,
                               struct stp_err *err) STP_MUST_CHECK;

/* Those that follow from the clock of this machine, which may be wrong; now 0: unknown. */
void stp_warnings_add_clock(const struct stp_payload *payload, int64_t now,
                            struct stp_lines *lines);

#endif
