/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an offline role is due for renewal. Every run renews the online roles; root, targets and
 * bins need people, and keys that are kept elsewhere, so there must be weeks to find them.
 *
 * Shape      seconds.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_ROLES_EXPIRY_H
#define STP_ROLES_EXPIRY_H

#include <stdint.h>

/* How long before its expiry a role with this period is to be renewed: 30 days, or a tenth of a
 * period that is shorter than 300 days. */
int64_t stp_expiry_due_s(int64_t period_s);

#endif
