/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust/ with a repository's own pins: the root that stampede.json names, and state/floors, sealed
 * with the key in keys/.
 *
 * Shape      see trust/trust.h.
 * Memory     see trust/trust.h.
 * Ownership  release trust and current.
 * Threads    one thread.
 */
#ifndef STP_RUN_TRUSTED_H
#define STP_RUN_TRUSTED_H

#include "keys/keys.h"
#include "trust/trust.h"
#include "verify/chain.h"

enum stp_trusted_need {
	STP_TRUSTED_PINNED,   /* offline keys will sign */
	STP_TRUSTED_UNPINNED, /* a repository without pins is accepted, see trust/trust.h */
};

/* Loads what is published; STP_CONFIG while the first ceremony is not finished (run/pending.h).
 * root_file: a root that the operator trusts, or NULL. seal_key NULL: the
 * seal of state/floors is not checked, for users who may not read keys/. */
enum stp_errc stp_trusted_load(struct stp_trust *trust, const struct stp_repo *repo,
                               const struct stp_config *config, enum stp_trusted_need need,
                               const char *root_file, const struct stp_seal_key *seal_key,
                               struct stp_current *out_current, struct stp_err *err) STP_MUST_CHECK;

/* Notes in floors that the thresholds of config, and its periods of the offline roles, are in
 * force. */
void stp_trusted_note_offline(struct stp_floors *floors, const struct stp_config *config);

/* For audits, also of a damaged repository: the roots that stampede.json and state/floors name as
 * trusted, version 0 for one that cannot be read. The seal of state/floors is not checked, so
 * neither replaces the other. */
void stp_trusted_pins(int repo_fd, struct stp_chain_pin out_pins[STP_CHAIN_PINS]);

#endif
