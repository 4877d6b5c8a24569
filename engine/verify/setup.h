/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weak set-ups: what clients accept, but a careful auditor would want changed. Each becomes a
 *finding with its own code; none is an error unless the operator asks for that.
 *
 *	root, targets, bins ─▶ keys:            a key of the signing machine in an offline role
 *	                                        one key in two offline roles
 *	                                        one root key suffices; no spare root key
 *	snapshot            ─▶ names to which no role delegates, other than retired bins
 *	timestamp           ─▶ no length or no hash of the snapshot, valid for weeks
 *	all                 ─▶ valid for longer than the configuration allows
 *
 * Shape      findings.
 * Memory     negligible.
 * Ownership  the caller's tree and findings.
 * Threads    one thread.
 */
#ifndef STP_VERIFY_SETUP_H
#define STP_VERIFY_SETUP_H

#include "verify/chain.h"

/* For how many seconds each role may be valid from now; 0: unknown. */
struct stp_setup_policy {
	int64_t root, targets, bins, bin_n, snapshot, timestamp;
};

struct stp_setup_options {
	const struct stp_chain *tree;
	struct stp_setup_policy policy;
	int64_t now;
	int64_t bin_expires_max; /* of all bins; 0: none was read */
	struct stp_finding_list *findings;
};

void stp_setup_audit(const struct stp_setup_options *options);

#endif
