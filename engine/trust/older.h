/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots older than the one from which trust starts. No signature depends on them, but clients that
 * were installed long ago go through them, so one that is damaged or replaced must be detected:
 *
 *	1.root.json ─▶ … ─▶ N-1.root.json ─▶ N.root.json (trusted)
 *
 * When it is first seen, each must have its own signatures and lead to the next. From then on
 * state/floors holds the lowest version in public/ and one digest of all roots from there on: zeros
 * for none, SHA-256(digest so far || SHA-256 of the next root) for each further one.
 *
 * Shape      versions and digests.
 * Memory     two roots at a time.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_TRUST_OLDER_H
#define STP_TRUST_OLDER_H

#include "trust/trust.h"

/* Adds one more root, of that SHA-256, to the digest of those before it. */
void stp_older_add(uint8_t digest[32], const uint8_t sha256[32]);

/* With trust->root just read as the start: checks the older roots that state/floors does not cover,
 * down to the first gap. *out_lowest is the lowest version, that of the start when there is none
 * before it. STP_REFUSED names one that is not signed or does not lead to the next.
 */
enum stp_errc stp_older_verify(struct stp_trust *trust, int metadata_fd, uint64_t *out_lowest,
                               struct stp_err *err) STP_MUST_CHECK;

/* With the newest root in trust->root: checks that those that state/floors covers are
 * unchanged, and sets trust->found.older. STP_REFUSED when one is missing or has changed. */
enum stp_errc stp_older_compare(struct stp_trust *trust, int metadata_fd, uint64_t lowest,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
