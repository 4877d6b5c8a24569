/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/hashed.h"

void stp_hashed_init(struct stp_hashed *hashed)
{
	stp_keyset_init(&hashed->refused);
	stp_keyset_init(&hashed->moved);
	stp_keyset_init(&hashed->gone);
	stp_keyset_init(&hashed->unstable_keys);
	stp_keyset_init(&hashed->several_names);
	stp_fault_list_init(&hashed->unstable);
}

void stp_hashed_release(struct stp_hashed *hashed)
{
	stp_keyset_release(&hashed->refused);
	stp_keyset_release(&hashed->moved);
	stp_keyset_release(&hashed->gone);
	stp_keyset_release(&hashed->unstable_keys);
	stp_keyset_release(&hashed->several_names);
	stp_fault_list_release(&hashed->unstable);
}
