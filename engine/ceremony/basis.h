/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a holder's own root to the one on which the payload builds.
 *
 *	--trust ROOT.json ─▶ its version in the payload's chain, the same bytes ─▶ … ─▶ N.root.json
 *	                                          │ published targets and bins are signed by that
 *
 * The trusted root must be in the chain, byte for byte, or lead to its first root. Each further one
 * follows as clients demand (specification section 5.3); expired ones in between are legal.
 *
 * Shape      one verdict per payload.
 * Memory     one root.
 * Ownership  the payload's.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_BASIS_H
#define STP_CEREMONY_BASIS_H

#include "ceremony/payload.h"

/* Verifies payload's chain from the root file at trusted_path, and that base and "published" are of
 * the chain's newest root (the bins role: of the published targets). trusted_path NULL: allowed
 * only for a payload that makes the first root. STP_REFUSED says which root does not follow and
 * that nothing must be signed; STP_CONFIG when trusted_path is missing, or given for a first root.
 */
enum stp_errc stp_basis_check(struct stp_payload *payload, const char *trusted_path,
                              struct stp_err *err) STP_MUST_CHECK;

#endif
