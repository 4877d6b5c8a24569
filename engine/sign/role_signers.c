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
	STP_TRY(stp_key_signer_create(key, &signers->snapshot.items[0], err));
	signers->snapshot.count = 1;
	STP_TRY(stp_key_signer_create(key, &signers->timestamp.items[0], err));
	signers->timestamp.count = 1;
	return STP_OK;
}

static void release_set(const struct stp_signer_set *set)
{
	size_t i;

	for (i = 0; i < STP_ROLE_SIGNERS_MAX; i++)
		stp_signer_destroy(set->items[i]);
}

void stp_role_signers_release(struct stp_role_signers *signers)
{
	stp_signer_destroy(signers->bin_n);
	release_set(&signers->snapshot);
	release_set(&signers->timestamp);
	memset(signers, 0, sizeof(*signers));
}
