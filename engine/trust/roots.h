/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of roots, from the newest one that is named outside public/ to the newest in public/:
 *
 *	stampede.json "trusted_root" ─┐
 *	state/floors (sealed)         ├▶ N.root.json ─▶ N+1.root.json ─▶ … newest root
 *	--trust FILE                  ┘
 *
 * Inside trust/ only.
 *
 * Shape      one struct stp_trust, whose roots it fills.
 * Memory     two roots at a time.
 * Ownership  stp_trust_release() frees them.
 * Threads    one thread.
 */
#ifndef STP_TRUST_ROOTS_H
#define STP_TRUST_ROOTS_H

#include "trust/trust.h"

/* With trust->floors loaded: sets root, confirmed, is_unpinned, found.root and found.older. Errors
 * as stp_trust_load(). */
enum stp_errc stp_trust_load_roots(struct stp_trust *trust, const struct stp_trust_options *options,
                                   struct stp_err *err) STP_MUST_CHECK;

#endif
