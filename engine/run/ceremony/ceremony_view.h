/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs for what, old against new, for the person whose offline keys are about to sign.
 *
 *	root 4 → 5
 *	  = 9f3c1a20… ed25519  signs root
 *	  + 771a02be… ed25519  may sign root from now on
 *	  - c0ffee01… ed25519  may no longer sign root
 *	  2 of 3 keys sign root (before: 2 of 3)
 *	  expires 2027-11-25T00:00:00Z → 2028-11-20T00:00:00Z
 *	  unchanged: consistent_snapshot, spec_version
 *
 * It is computed from the published document and the very bytes that will be signed. Every member
 * of both is shown: as a line above, as changed, or as unchanged.
 *
 * Shape      two documents in, lines of text out.
 * Memory     a stp_buf.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_CEREMONY_CEREMONY_VIEW_H
#define STP_RUN_CEREMONY_CEREMONY_VIEW_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"

/* Appends the lines of role to out. before: "signed" of the published file, or of the older one
 * that was confirmed last; after: the body that will be signed. */
enum stp_errc stp_ceremony_view(const char *role, const json_t *before, const json_t *after,
                                struct stp_buf *out, struct stp_err *err) STP_MUST_CHECK;

#endif
