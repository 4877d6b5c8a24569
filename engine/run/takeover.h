/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first root, targets and bins of stampede in a repository that another tool made: what the
 * first ceremony after an import signs. They are the published documents with as few changes as
 * possible:
 *
 *	root     consistent_snapshot true; timestamp and snapshot signed by the online key; keys
 *that no role names any more leave targets  targets of its own leave (the bins list them); hash
 *bins leave, and in their place the bins role of this repository, or its bins, is delegated to bins
 *new
 *
 * Everything else stays: unknown members, key objects, the delegations to other roles with their
 * order. Clients search delegations in order, so the one to the bins stands where the old hash bins
 * stood, or else last, but before a terminating role that matches every path. It is terminating
 * itself unless others come after it; then the bins are not terminating either, and delegated to by
 * path_hash_prefixes, as succinct delegations end each search.
 *
 * Versions and expiries are those of the published documents: whoever signs raises them.
 *
 * Shape      one JSON document per role.
 * Memory     JSON copies.
 * Ownership  release with stp_takeover_release(), also after a failure.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_TAKEOVER_H
#define STP_RUN_TAKEOVER_H

#include <jansson.h>

#include "base/err.h"
#include "publish/current.h"
#include "roles/roles.h"

struct stp_takeover_input {
	const json_t *root, *targets;        /* "signed", as published */
	uint64_t bins_version;               /* the snapshot's for a role "bins"; 0: none */
	const struct stp_config *config;     /* has_bins_role where foreign roles stay */
	const struct stp_key_object *online; /* signs timestamp, snapshot and bin-n */
	const struct stp_role_keys *bins;    /* sign the bins role; NULL: the keys of targets do */
};

struct stp_takeover {
	json_t *root, *targets;
	json_t *bins; /* NULL without a bins role */
};

/* Whether root is still another tool's, so that the first ceremony must make the documents below.
 * online_keyid: of the key that will sign timestamp and snapshot. */
int stp_takeover_is_needed(const struct stp_current *current, const char *online_keyid);

/* Whether the bins of this repository replace a role to which targets delegate: hash bins, and a
 * role "bins" that leads to them. All others are foreign, and stay. */
int stp_takeover_replaces(const json_t *role);

/* The number of roles in "delegations" of targets that stay besides the bins. */
size_t stp_takeover_foreign(const json_t *targets);

/* Whether roles that stay come after the bins: then config must delegate by path_hash_prefixes. */
int stp_takeover_has_later(const json_t *targets);

/* Makes the documents. STP_CONFIG when a role that stays has a name that the bins need, or stays
 * where config has no bins role. */
enum stp_errc stp_takeover_make(struct stp_takeover *takeover,
                                const struct stp_takeover_input *input,
                                struct stp_err *err) STP_MUST_CHECK;
void stp_takeover_release(struct stp_takeover *takeover);

#endif
