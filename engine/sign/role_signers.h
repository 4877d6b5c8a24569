/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signers of the online roles. At present one key signs all three.
 *
 * Shape      one signer per role, each its own.
 * Memory     that of the signers.
 * Ownership  release with stp_role_signers_release(), also after a failure.
 * Threads    those of keys/signer.h: workers that sign bins clone bin_n.
 */
#ifndef STP_SIGN_ROLE_SIGNERS_H
#define STP_SIGN_ROLE_SIGNERS_H

#include "keys/keys.h"
#include "keys/signer.h"

struct stp_role_signers {
	struct stp_signer *bin_n, *snapshot, *timestamp;
};

/* Makes signers with one key for all roles: bins are signed over the lanes of these CPU features,
 * the others one at a time. The key is borrowed. */
enum stp_errc stp_role_signers_create(struct stp_role_signers *signers, const struct stp_key *key,
                                      unsigned features, struct stp_err *err) STP_MUST_CHECK;
void stp_role_signers_release(struct stp_role_signers *signers);

#endif
