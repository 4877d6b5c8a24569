/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/role_signers.h"

#include <string.h>

#include "keys/key_signer.h"
#include "sign/lanes.h"

enum stp_errc stp_role_signers_create(struct stp_role_signers *signers, const struct stp_key *key,
                                      unsigned features, struct stp_err *err)
{
	memset(signers, 0, sizeof(*signers));
	STP_TRY(stp_lanes_create(key, features, &signers->bin_n, err));
	STP_TRY(stp_key_signer_create(key, &signers->snapshot, err));
	return stp_key_signer_create(key, &signers->timestamp, err);
}

void stp_role_signers_release(struct stp_role_signers *signers)
{
	stp_signer_destroy(signers->bin_n);
	stp_signer_destroy(signers->snapshot);
	stp_signer_destroy(signers->timestamp);
	memset(signers, 0, sizeof(*signers));
}
