/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of hashing other than the checkpoints: the few paths for which scan and ledger are not
 * enough to decide.
 *
 *	pending     ─▶ refused, moved, unstable
 *	look again  ─▶ refused, moved, gone, unstable_keys, several_names ─▶ decide, link first
 *
 * Shape      sets of keys, sealed at the end of each step, and a list of possible faults.
 * Memory     32 bytes per key.
 * Ownership  stp_hashed_release().
 * Threads    see run/sign/keyset.h and base/fault.h.
 */
#ifndef STP_RUN_SIGN_HASHED_H
#define STP_RUN_SIGN_HASHED_H

#include "base/fault.h"
#include "run/sign/keyset.h"

struct stp_hashed {
	struct stp_keyset refused; /* their file was at fault when it was hashed */
	struct stp_keyset moved;   /* their file was hashed in a newer state than the scan saw */
	struct stp_keyset gone;    /* their file was removed meanwhile */
	/* their file kept changing, and is left to the step that copies it */
	struct stp_keyset unstable_keys;
	struct stp_keyset several_names; /* their file has several hard links */
	struct stp_fault_list unstable;  /* files that could not be hashed just then */
};

void stp_hashed_init(struct stp_hashed *hashed);
void stp_hashed_release(struct stp_hashed *hashed);

#endif
