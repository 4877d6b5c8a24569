/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/bodies.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "run/ceremony/delegate.h"
#include "run/ceremony/former_keys.h"
#include "run/ceremony/role_json.h"
#include "verify/document.h"

#define STAGE "ceremony"

struct making {
	struct stp_bodies *bodies;
	const struct stp_bodies_base *base;
	const struct stp_wish *wishes;
	size_t count;
};

static const char *const role_names[STP_WISH_ROLES] = {"root",      "targets",  "bins",
                                                       "timestamp", "snapshot", "bin-n"};

static enum stp_errc no_memory(const char *role, struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, role, "no memory");
}

/* What messages call the key of a wish. */
static const char *name_of(const struct stp_wish *wish)
{
	if (wish->name)
		return wish->name;
	return wish->kind == STP_WISH_REMOVE ? wish->keyid : wish->key.keyid;
}

/* ------------------------------------------------------------------ which documents */

/* The document that delegates to bin-n. */
static enum stp_payload_role delegator(const struct stp_bodies_base *base)
{
	return base->published[STP_PAYLOAD_BINS] ? STP_PAYLOAD_BINS : STP_PAYLOAD_TARGETS;
}

/* The document that names the keys of role. */
static enum stp_payload_role namer(const struct stp_bodies_base *base, enum stp_wish_role role)
{
	switch (role) {
	case STP_WISH_BINS:
		return STP_PAYLOAD_TARGETS;
	case STP_WISH_BIN_N:
		return delegator(base);
	default:
		return STP_PAYLOAD_ROOT;
	}
}

/* The documents that a wish renews, as bits. */
static unsigned renewed_by(const struct stp_bodies_base *base, const struct stp_wish *wish)
{
	switch (wish->kind) {
	case STP_WISH_RENEW:
	case STP_WISH_EXPIRES:
		return 1u << wish->role;
	case STP_WISH_DELEGATION:
		return 1u << delegator(base);
	case STP_WISH_ONLINE:
		return 1u << namer(base, wish->role);
	default:
		return 1u << wish->role | 1u << namer(base, wish->role);
	}
}

/* ------------------------------------------------------------------ version and expiry */

static uint64_t period_of(const struct making *making, enum stp_payload_role role)
{
	const struct stp_expiry *expiry = &making->base->config->expiry;
	int64_t periods[STP_PAYLOAD_ROLES] = {expiry->root, expiry->targets, expiry->bins};
	size_t i;

	for (i = 0; i < making->count; i++)
		if (making->wishes[i].kind == STP_WISH_EXPIRES &&
		    (unsigned)making->wishes[i].role == (unsigned)role)
			return making->wishes[i].number;
	return (uint64_t)periods[role];
}

/* The published document of role with the next version and a new expiry. */
static enum stp_errc begin_role(const struct making *making, enum stp_payload_role role,
                                struct stp_err *err)
{
	struct stp_bodies *bodies = making->bodies;
	const json_t *published = making->base->published[role];
	json_int_t version = json_integer_value(json_object_get(published, "version"));
	uint64_t period = period_of(making, role);
	char expires[STP_TIME_BYTES + 1];

	if (!published)
		return STP_FAIL(err, STP_CONFIG, STAGE, role_names[role],
		                "is not a role of this repository");
	/* 0: the first bins role of a repository that was taken over (run/takeover.h). */
	if (version < (role == STP_PAYLOAD_BINS ? 0 : 1) || (uint64_t)version >= STP_VERSION_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, role_names[role],
		                "has version %lld, and no higher one can be published; make a new "
		                "repository",
		                (long long)version);
	if (period < STP_EXPIRY_SECONDS_MIN || period > STP_EXPIRY_SECONDS_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, role_names[role],
		                "may be valid for 1 to %lld days",
		                (long long)(STP_EXPIRY_SECONDS_MAX / 86400));
	bodies->version[role] = (uint64_t)version + 1;
	bodies->expires[role] = making->base->now + (int64_t)period;
	stp_time_format(bodies->expires[role], expires);
	bodies->json[role] = json_deep_copy(published);
	if (!bodies->json[role] ||
	    json_object_set_new(bodies->json[role], "version",
	                        json_integer((json_int_t)bodies->version[role])) != 0 ||
	    json_object_set_new(bodies->json[role], "expires", json_string(expires)) != 0)
		return no_memory(role_names[role], err);
	/* Another tool's root may say false, or nothing. */
	if (role == STP_PAYLOAD_ROOT &&
	    json_object_set_new(bodies->json[role], "consistent_snapshot", json_true()) != 0)
		return no_memory(role_names[role], err);
	return STP_OK;
}

/* ------------------------------------------------------------------ keys of offline roles */

/* The document of role as it will be. */
static const json_t *document_of(const struct making *making, enum stp_payload_role role)
{
	return making->bodies->json[role] ? making->bodies->json[role]
	                                  : making->base->published[role];
}

/* Who signs role, in the document that names its keys; borrowed. */
static struct stp_role_json keys_of(const struct making *making, enum stp_wish_role role)
{
	const json_t *document = document_of(making, namer(making->base, role));

	switch (role) {
	case STP_WISH_BINS:
		return stp_role_json_delegated(document, "bins");
	case STP_WISH_BIN_N:
		return stp_role_json_bins(document);
	default:
		return stp_role_json_of_root(document, role_names[role]);
	}
}

/* A key that was replaced is not a new key: it may be stolen, or its file may be an old copy. */
static enum stp_errc check_former(const struct making *making, const struct stp_wish *wish,
                                  struct stp_err *err)
{
	const struct stp_buf *former = making->base->former[wish->role];
	uint64_t version = former ? stp_former_keys_find(former, wish->key.keyid) : 0;

	if (!version || making->base->allows_former)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, STAGE, name_of(wish),
	                "version %" PRIu64 " of root replaced this key of %s (%.16s…), so it may "
	                "be lost or stolen; make a new one, or allow it with %s",
	                version + 1, role_names[wish->role], wish->key.keyid,
	                stp_hint_text(STP_HINT_ALLOW_REPLACED));
}

static enum stp_errc add(const struct making *making, const struct stp_wish *wish,
                         struct stp_err *err)
{
	struct stp_role_json role = keys_of(making, wish->role);
	const char *problem;

	STP_TRY(check_former(making, wish, err));
	if (stp_role_json_has(&role, &wish->key))
		return STP_FAIL(err, STP_CONFIG, STAGE, name_of(wish),
		                "key %.16s… signs %s already; do not add it", wish->key.keyid,
		                role_names[wish->role]);
	if (json_array_size(role.keyids) >= STP_ROLE_KEYS_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, role_names[wish->role],
		                "has %d keys, and may not have more", STP_ROLE_KEYS_MAX);
	problem = stp_role_json_add(&role, &wish->key);
	return problem ? STP_FAIL(err, STP_CONFIG, STAGE, name_of(wish), "%s", problem) : STP_OK;
}

static enum stp_errc take_away(const struct making *making, const struct stp_wish *wish,
                               struct stp_err *err)
{
	struct stp_role_json role = keys_of(making, wish->role);

	if (!stp_role_json_remove(&role, wish->keyid))
		return STP_FAIL(err, STP_CONFIG, STAGE, name_of(wish),
		                "does not sign %s, so it cannot be removed from it",
		                role_names[wish->role]);
	return STP_OK;
}

static enum stp_errc set_threshold(const struct making *making, const struct stp_wish *wish,
                                   struct stp_err *err)
{
	struct stp_role_json role = keys_of(making, wish->role);

	if (wish->number < 1 || wish->number > STP_ROLE_KEYS_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, role_names[wish->role],
		                "a threshold of %" PRIu64 " is not from 1 to %d", wish->number,
		                STP_ROLE_KEYS_MAX);
	return json_object_set_new(role.object, "threshold",
	                           json_integer((json_int_t)wish->number)) == 0
	           ? STP_OK
	           : no_memory(role_names[wish->role], err);
}

/* A threshold that nobody can reach would end the role. */
static enum stp_errc check_reachable(const struct making *making, enum stp_wish_role role,
                                     struct stp_err *err)
{
	struct stp_role_json now = keys_of(making, role);
	json_int_t threshold = json_integer_value(json_object_get(now.object, "threshold"));
	size_t keys = json_array_size(now.keyids);
	size_t i;

	if (threshold >= 1 && (uint64_t)threshold <= keys)
		return STP_OK;
	for (i = 0; i < making->count; i++)
		if (making->wishes[i].kind == STP_WISH_REMOVE && making->wishes[i].role == role)
			return STP_FAIL(err, STP_CONFIG, STAGE, role_names[role],
			                "without %s it has %zu key%s, but %lld must sign; add "
			                "another key, or lower its threshold",
			                name_of(&making->wishes[i]), keys, keys == 1 ? "" : "s",
			                (long long)threshold);
	return STP_FAIL(err, STP_CONFIG, STAGE, role_names[role],
	                "%lld of %zu keys must sign, which nobody can reach", (long long)threshold,
	                keys);
}

/* ------------------------------------------------------------------ online keys */

static enum stp_errc set_online(const struct making *making, const struct stp_wish *wish,
                                struct stp_err *err)
{
	struct stp_role_json role = keys_of(making, wish->role);
	int good = wish->role == STP_WISH_BIN_N
	               ? stp_delegate_key(making->bodies->json[delegator(making->base)], &wish->key)
	               : stp_role_json_only(&role, &wish->key);

	return good ? STP_OK : no_memory(role_names[wish->role], err);
}

static int is_online(enum stp_wish_role role)
{
	return role >= STP_WISH_TIMESTAMP;
}

/* A key on the signing machine must not be able to sign root, targets or bins. */
static enum stp_errc check_apart(const struct making *making, const struct stp_wish *wish,
                                 struct stp_err *err)
{
	unsigned role;

	for (role = 0; role < STP_WISH_ROLES; role++) {
		struct stp_role_json other;

		if (is_online((enum stp_wish_role)role) == is_online(wish->role) ||
		    (role == STP_WISH_BINS && !making->base->published[STP_PAYLOAD_BINS]))
			continue;
		other = keys_of(making, (enum stp_wish_role)role);
		if (stp_role_json_has(&other, &wish->key))
			return STP_FAIL(err, STP_KEY, STAGE, name_of(wish),
			                "key %.16s… cannot sign both %s and %s: one of them is "
			                "signed on this machine every night, the other never; use "
			                "another key",
			                wish->key.keyid, role_names[wish->role], role_names[role]);
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ all wishes */

static enum stp_errc grant(const struct making *making, const struct stp_wish *wish,
                           struct stp_err *err)
{
	switch (wish->kind) {
	case STP_WISH_ADD:
		return add(making, wish, err);
	case STP_WISH_REMOVE:
		return take_away(making, wish, err);
	case STP_WISH_THRESHOLD:
		return set_threshold(making, wish, err);
	case STP_WISH_DELEGATION:
		return stp_delegate_bins(making->bodies->json[delegator(making->base)],
		                         making->base->config, err);
	case STP_WISH_ONLINE:
		return set_online(making, wish, err);
	default:
		return STP_OK; /* see begin_role() */
	}
}

/* Grants wishes by kind, whatever their order. */
static enum stp_errc grant_all(const struct making *making, struct stp_err *err)
{
	unsigned kind;
	size_t i;

	for (kind = 0; kind < STP_WISH_KINDS; kind++)
		for (i = 0; i < making->count; i++)
			if (making->wishes[i].kind == kind)
				STP_TRY(grant(making, &making->wishes[i], err));
	return STP_OK;
}

static enum stp_errc check_all(const struct making *making, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < making->count; i++) {
		const struct stp_wish *wish = &making->wishes[i];

		if (wish->kind == STP_WISH_ADD || wish->kind == STP_WISH_ONLINE)
			STP_TRY(check_apart(making, wish, err));
		if (wish->kind == STP_WISH_ADD || wish->kind == STP_WISH_REMOVE ||
		    wish->kind == STP_WISH_THRESHOLD)
			STP_TRY(check_reachable(making, wish->role, err));
	}
	return STP_OK;
}

/* Drops keys that left: those of the new documents that no role of theirs names. */
static void drop_unused(const struct making *making)
{
	json_t *root = making->bodies->json[STP_PAYLOAD_ROOT];
	unsigned renewed = 0;
	unsigned role;
	size_t i;

	if (root)
		stp_role_json_drop_unused(json_object_get(root, "keys"),
		                          json_object_get(root, "roles"), NULL);
	for (i = 0; i < making->count; i++)
		if (making->wishes[i].kind != STP_WISH_RENEW &&
		    making->wishes[i].kind != STP_WISH_EXPIRES)
			renewed |= renewed_by(making->base, &making->wishes[i]);
	for (role = STP_PAYLOAD_TARGETS; role < STP_PAYLOAD_ROLES; role++) {
		json_t *delegations = json_object_get(making->bodies->json[role], "delegations");

		if (renewed & 1u << role)
			stp_role_json_drop_unused(json_object_get(delegations, "keys"),
			                          json_object_get(delegations, "roles"),
			                          json_object_get(delegations, "succinct_roles"));
	}
}

static enum stp_errc check_wish(const struct making *making, const struct stp_wish *wish,
                                struct stp_err *err)
{
	int needs_online = wish->kind == STP_WISH_ONLINE;

	if (wish->kind != STP_WISH_DELEGATION && is_online(wish->role) != needs_online)
		return STP_FAIL(err, STP_CONFIG, STAGE, role_names[wish->role], "%s",
		                needs_online ? "is not an online role: these are timestamp, "
		                               "snapshot and bin-n"
		                             : "is not an offline role: these are root, targets "
		                               "and bins");
	if (wish->role == STP_WISH_BINS && !making->base->published[STP_PAYLOAD_BINS])
		return STP_FAIL(err, STP_CONFIG, STAGE, role_names[wish->role],
		                "is not a role of this repository, whose targets role delegates to "
		                "the bins itself");
	return STP_OK;
}

enum stp_errc stp_bodies_make(struct stp_bodies *bodies, const struct stp_bodies_base *base,
                              const struct stp_wish *wishes, size_t count, struct stp_err *err)
{
	struct making making = {bodies, base, wishes, count};
	unsigned renewed = 0;
	unsigned role;
	size_t i;

	memset(bodies, 0, sizeof(*bodies));
	for (i = 0; i < count; i++) {
		STP_TRY(check_wish(&making, &wishes[i], err));
		renewed |= renewed_by(base, &wishes[i]);
	}
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (renewed & 1u << role)
			STP_TRY(begin_role(&making, (enum stp_payload_role)role, err));
	STP_TRY(grant_all(&making, err));
	STP_TRY(check_all(&making, err));
	drop_unused(&making);
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (bodies->json[role])
			STP_TRY(stp_canonical_append(bodies->json[role], &bodies->body[role], err));
	return STP_OK;
}

void stp_bodies_release(struct stp_bodies *bodies)
{
	unsigned role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++) {
		json_decref(bodies->json[role]);
		stp_buf_release(&bodies->body[role]);
	}
	memset(bodies, 0, sizeof(*bodies));
}
