/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that update from what will be published: one from each published root, as somebody who
 * was away since then would.
 *
 *	1.root.json ─▶ 2.root.json ─▶ … ─▶ new root ─▶ timestamp ─▶ snapshot ─▶ targets ─▶ bins
 *	               2.root.json ─▶ … ─▶ new root ─▶ …
 *
 * Each is compared with the same client before the change: what was wrong already, such as an
 * expired timestamp, does not stop the ceremony that may put it right.
 *
 * Shape      one client at a time.
 * Memory     that of verify/chain.h, twice.
 * Ownership  none is kept.
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_CLIENTS_H
#define STP_RUN_CEREMONY_CLIENTS_H

#include <stdint.h>

#include "base/err.h"

struct stp_clients_run {
	int before_fd, after_fd; /* metadata folders */
	uint64_t newest;         /* version of the newest root in after_fd */
	int64_t now;
	/* The change has new keys for timestamp and snapshot, or for targets: until the next sign,
	 * clients cannot follow them. */
	int online_changes, targets_change;
};

/* STP_REFUSED names the document that a client would refuse, and the root it started from.
 * *out_must_sign is 1 when clients fail until the next sign, for the reasons above only. */
enum stp_errc stp_clients_try(const struct stp_clients_run *run, int *out_must_sign,
                              struct stp_err *err) STP_MUST_CHECK;

#endif
