/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which keys a ceremony or a drill has shown to work, in keyring.json.
 *
 * Shape      a tally in, entries of the keyring out.
 * Memory     the keyring.
 * Ownership  the caller frees the list.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_SEEN_H
#define STP_RUN_CEREMONY_SEEN_H

#include "ceremony/tally.h"
#include "stampede/ceremony.h"

/* Notes the names that payload gives to keys (not those of a drill, which publishes nothing), and
 * that the keys of tally's signatures have signed: when the payload was made, or at now if that is
 * earlier, since a signature has no time of its own; saves keyring.json. *out_signers are
 * these keys; free it, also after a failure. */
enum stp_errc stp_seen_note(int repo_fd, const struct stp_payload *payload,
                            const struct stp_tally *tally, int64_t now,
                            struct stp_ceremony_signer **out_signers, size_t *out_count,
                            struct stp_err *err) STP_MUST_CHECK;

#endif
