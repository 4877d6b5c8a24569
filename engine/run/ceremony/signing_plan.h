/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs one offline role, before and after init --update.
 *
 *	published role ─┬▶ its keys at hand   sign the new version
 *	key files      ─┼▶ new ones           join, or replace those that are not at hand
 *	stampede.json  ─┘   threshold, number of keys: they decide which, if they were edited
 *
 * A key file ROLE-i.pem whose key the published role does not name is a new key. With as many keys
 * as before (or as "thresholds" says) it replaces one that is not at hand; with more it is added.
 * Nothing else is guessed: an ambiguous case is refused, with how to make it clear.
 *
 * Shape      one plan per role.
 * Memory     secret keys in locked memory (keys/keys.h).
 * Ownership  release with stp_signing_plan_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_SIGNING_PLAN_H
#define STP_RUN_CEREMONY_SIGNING_PLAN_H

#include "run/ceremony/former_keys.h"
#include "run/offline_keys.h"
#include "verify/signature.h"

struct stp_signing_plan {
	const char *role;                /* "root", "targets", "bins" */
	const struct stp_role *before;   /* as published */
	struct stp_offline_keys at_hand; /* keys at hand */
	int is_new[STP_ROLE_KEYS_MAX];   /* key i at hand is not one of before */
	size_t old_count;                /* the other keys at hand */
	char keyids[STP_ROLE_KEYS_MAX][STP_KEYID_CHARS + 1]; /* after, sorted */
	size_t keyid_count;
	unsigned threshold; /* after */
	int is_changed;     /* other keys or another threshold than before */
};

/* What stampede.json says about the role. */
struct stp_signing_wish {
	unsigned threshold, key_count;
	int is_edited; /* since init or the last update; else the published role decides */
	/* keys that must not come back (run/ceremony/former_keys.h), or NULL */
	const struct stp_buf *former;
};

/* Loads the keys of role from the folders, and plans. STP_CONFIG and STP_KEY say what is
 * inconsistent. A plan that changes nothing can be made without any key at hand. */
enum stp_errc stp_signing_plan_make(struct stp_signing_plan *plan, const char *role,
                                    const struct stp_role *before, const int *folder_fds,
                                    size_t folder_count, const struct stp_signing_wish *wish,
                                    struct stp_err *err) STP_MUST_CHECK;
void stp_signing_plan_release(struct stp_signing_plan *plan);

/* True when the keys at hand reach the threshold of after and, for root, that of before. */
int stp_signing_plan_can_sign(const struct stp_signing_plan *plan);

#endif
