/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weak set-ups: what clients accept, and what a careful auditor would still have otherwise. Each
 * becomes a finding with a name of its own; none is an error unless the operator asks for that.
 *
 *	root, targets, bins ─▶ who signs what?  a key of the signing machine in an offline role
 *	                                        one key in two offline roles
 *	                                        one root key enough; no root key to spare
 *	snapshot            ─▶ names that nobody delegates to, other than retired bins
 *	timestamp           ─▶ no length, no hash of the snapshot, valid for weeks
 *	all                 ─▶ valid for longer than the configuration allows
 *
 * Shape      findings.
 * Memory     none to speak of.
 * Ownership  the caller's tree and findings.
 * Threads    one thread.
 */
#ifndef STP_VERIFY_SETUP_H
#define STP_VERIFY_SETUP_H

#include "verify/chain.h"

/* For how many seconds each role may be valid from now; 0: not known. */
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
