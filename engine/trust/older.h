/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots older than the one that trust starts from. Nothing is signed on their word, but clients
 * that were installed long ago go through them, so one that is damaged or exchanged must not stay
 * unseen:
 *
 *	1.root.json ─▶ … ─▶ N-1.root.json ─▶ N.root.json (trusted)
 *
 * Seen for the first time, each must carry its own signatures and lead to the next. From then on
 * state/floors holds the lowest version that lies there and one digest of all from it on: zeros for
 * none, SHA-256(digest so far || SHA-256 of the next root) for one more.
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

/* With trust->root just read as the start: checks the roots older than it that state/floors does
 * not know, as far as they lie there without a gap. *out_lowest is the lowest version, that of the
 * start when there is none before it. STP_REFUSED names one that is not signed or does not lead on.
 */
enum stp_errc stp_older_verify(struct stp_trust *trust, int metadata_fd, uint64_t *out_lowest,
                               struct stp_err *err) STP_MUST_CHECK;

/* With the newest root in trust->root: checks that those that state/floors knows are what they
 * were, and sets trust->found.older. STP_REFUSED when one is missing or another. */
enum stp_errc stp_older_compare(struct stp_trust *trust, int metadata_fd, uint64_t lowest,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
