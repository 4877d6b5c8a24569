/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether enough keys of the offline roles are alive. Lost keys are not noticed until a ceremony
 * fails, so every key must be seen to sign now and then:
 *
 *	published root, targets, bins: a good signature of the key ─┐
 *	keyring.json: its last signature in a ceremony or drill ────┴▶ the later one, within 400
 *days?
 *
 *	margin = keys that are alive - threshold
 *
 * A document does not say when it was signed: its expiry minus the role's period does.
 *
 * Shape      keys and numbers of a struct stp_status_role.
 * Memory     the caller's arena.
 * Ownership  the arena's; documents, roles and keyring are borrowed during the call.
 * Threads    one thread.
 */
#ifndef STP_RUN_QUORUM_H
#define STP_RUN_QUORUM_H

#include "base/arena.h"
#include "keys/keyring.h"
#include "roles/config.h"
#include "stampede/status.h"
#include "trust/floors.h"
#include "verify/signature.h"

#define STP_QUORUM_ROLES 3 /* root, targets, bins: the first of enum stp_status_role_name */

/* What is published of an offline role. */
struct stp_quorum_role {
	const struct stp_document *doc; /* NULL: not read */
	const struct stp_role *role;    /* its keys; NULL: not known */
	int64_t made;                   /* when doc was signed; -1: unknown */
};

struct stp_quorum {
	struct stp_quorum_role roles[STP_QUORUM_ROLES];
	const struct stp_keyring *keyring;
	int64_t now;
};

/* Sets made of each role from its expiry and period: the longer of what state/floors has of the
 * last update and what config says (either may be NULL), as an old signature must not look new. */
void stp_quorum_date(struct stp_quorum *quorum, const struct stp_config *config,
                     const struct stp_floors *floors);

/* Lists the keys of quorum's role index in out, by keyid, with what keyring and published documents
 * show of them, and counts them. */
enum stp_errc stp_quorum_judge(const struct stp_quorum *quorum, size_t index,
                               struct stp_arena *arena, struct stp_status_role *out,
                               struct stp_err *err) STP_MUST_CHECK;

/* Lists the keys of any role, without judging them. */
enum stp_errc stp_quorum_keys(const struct stp_role *role, const struct stp_keyring *keyring,
                              struct stp_arena *arena, struct stp_status_role *out,
                              struct stp_err *err) STP_MUST_CHECK;

/* Notes that key signed document at that time (negative: nothing is known). The latest one that is
 * not in the future counts, whatever the order of calls. document must live as long as key. */
void stp_quorum_note(struct stp_status_key *key, int64_t at, const char *document, int64_t now);

/* Counts keys, whose life is set, against threshold; is_last: no role above can replace them
 * (root), so margin 0 is an alarm already. */
void stp_quorum_count(struct stp_status_role *role, int is_last);

#endif
