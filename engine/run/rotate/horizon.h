/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exposure horizon: until when clients that a thief isolates stay at risk, and what caches must
 * forget.
 *
 * A client that reaches the repository recovers at its next update. One that the thief keeps from
 * it, and serves himself, sees no new root. The thief signs timestamp, snapshot and bins with any
 * expiry, but not root, targets and the bins role: such a client fails when the first of those that
 * it can be shown expires. Any version of them may be shown to it, so the latest expiry of each
 * role counts.
 *
 * Shape      numbers; one URL path a line.
 * Memory     one document at a time; the list.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_ROTATE_HORIZON_H
#define STP_RUN_ROTATE_HORIZON_H

#include "base/bytes.h"
#include "stampede/stolen.h"
#include "trust/trust.h"

/* Fills out from the roots, targets and bins in metadata_fd, up to those in trust. */
enum stp_errc stp_horizon_find(const struct stp_trust *trust, int metadata_fd,
                               struct stp_horizon *out, struct stp_err *err) STP_MUST_CHECK;

/* Appends what caches must forget, sorted, one URL path a line, relative to the address of public/:
 * timestamp.json, the next root, and the name of each forged file as clients request it. Bytes
 * other than letters, digits and "-._~" are written as %XX. *out_count: lines. */
enum stp_errc stp_purge_list(const struct stp_hunt_report *hunt, uint64_t root_version,
                             struct stp_buf *out, size_t *out_count,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
