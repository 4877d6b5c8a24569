/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signers of the online roles. Bins are signed by one key; snapshot and timestamp by one, or by
 * two while an online key is rotated: clients that know either accept them.
 *
 * Shape      one signer for bins, up to STP_ROLE_SIGNERS_MAX for each of the others.
 * Memory     that of the signers.
 * Ownership  release with stp_role_signers_release(), also after a failure.
 * Threads    those of keys/signer.h: workers that sign bins clone bin_n.
 */
#ifndef STP_SIGN_ROLE_SIGNERS_H
#define STP_SIGN_ROLE_SIGNERS_H

#include "keys/keys.h"
#include "keys/signer.h"

/* The old key and the new one. */
#define STP_ROLE_SIGNERS_MAX 2

/* The signers of one document. */
struct stp_signer_set {
	struct stp_signer *items[STP_ROLE_SIGNERS_MAX];
	size_t count;
};

struct stp_role_signers {
	struct stp_signer *bin_n;
	struct stp_signer_set snapshot, timestamp;
};

/* Makes signers with one key for all roles: bins are signed over the lanes of these CPU features,
 * the others one at a time. The key is borrowed. */
enum stp_errc stp_role_signers_create(struct stp_role_signers *signers, const struct stp_key *key,
                                      unsigned features, struct stp_err *err) STP_MUST_CHECK;
void stp_role_signers_release(struct stp_role_signers *signers);

#endif
