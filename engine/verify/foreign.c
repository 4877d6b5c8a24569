/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/foreign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "verify/delegated.h"
#include "verify/published.h"
#include "verify/role_name.h"

/* Clients follow 32 delegations and no more. */
#define DEPTH_MAX 32

struct walk {
	struct stp_chain *tree;
	int64_t now, expires_within_s;
	struct stp_finding_list *findings;
	struct stp_err *err;
};

/* A document that delegates, and its keys. */
struct delegator {
	struct stp_document *doc;
	const struct stp_key_ring *ring;
	unsigned depth;
};

static enum stp_errc walk_roles(struct walk *walk, const struct delegator *from);

/* Whether targets delegates to that role as to one of this repository. */
static int is_own(const struct walk *walk, const struct delegator *from, const json_t *roles,
                  size_t index)
{
	if (from->doc != &walk->tree->targets)
		return 0;
	return (long)index == stp_delegated_bins_role(roles) ||
	       stp_delegated_is_bin(json_array_get(roles, index));
}

/* Reads what the role delegates to, if it does. */
static enum stp_errc walk_below(struct walk *walk, struct stp_document *doc, unsigned depth)
{
	json_t *delegations = json_object_get(doc->body_json, "delegations");
	json_t *keys = json_object_get(delegations, "keys");
	struct stp_key_ring ring = {NULL, 0};
	struct delegator from = {doc, &ring, depth + 1};
	enum stp_errc code = STP_OK;

	if (!json_is_object(delegations))
		return STP_OK;
	if (depth == DEPTH_MAX) {
		stp_finding_add(
		    walk->findings, STP_FINDING_DELEGATION, doc->name,
		    "is the %dth role that delegates to another: clients follow no more",
		    DEPTH_MAX);
		return STP_OK;
	}
	if (json_is_object(keys))
		code = stp_key_ring_load(&ring, doc, keys, "delegations.keys", walk->err);
	if (code == STP_OK)
		code = walk_roles(walk, &from);
	stp_key_ring_release(&ring);
	return code;
}

/* Checks V.ROLE.json as the snapshot lists it. */
static enum stp_errc check_document(struct walk *walk, const struct stp_listed *listed,
                                    const struct stp_role *keys, unsigned depth)
{
	struct stp_document doc;
	enum stp_errc code;
	char name[STP_NAME_BYTES_MAX + 32];
	int usable;

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", listed->version, listed->role);
	code = stp_document_read(&doc, walk->tree->folder_fd, name, &stp_rule_foreign,
	                         walk->findings, &usable, walk->err);
	if (code == STP_OK && doc.file.count)
		stp_listed_check(walk->findings, name, listed, &doc.file);
	if (code == STP_OK && usable) {
		if (doc.version && doc.version != listed->version)
			stp_finding_add(walk->findings, STP_FINDING_VERSION, name,
			                "has version %" PRIu64 ", but is listed as %" PRIu64,
			                doc.version, listed->version);
		stp_chain_check_expiry(walk->findings, name, doc.expires, walk->now,
		                       walk->expires_within_s);
		stp_document_signed_by(&doc, keys, NULL, listed->role, &walk->tree->tally);
		code = walk_below(walk, &doc, depth);
	}
	stp_document_release(&doc);
	return code;
}

/* Checks the role called name, which keys may sign, unless that was done already. */
static enum stp_errc check_role(struct walk *walk, const struct delegator *from, const char *name,
                                const struct stp_role *keys)
{
	struct stp_listed *listed = (struct stp_listed *)stp_chain_listed(walk->tree, name);

	if (!listed) {
		stp_finding_add(walk->findings, STP_FINDING_ROLE_UNLISTED,
		                walk->tree->snapshot.name,
		                "does not list %s.json, to which %s delegates", name,
		                from->doc->name);
		return STP_OK;
	}
	if (listed->delegated)
		return STP_OK;
	listed->delegated = 1;
	return check_document(walk, listed, keys, from->depth);
}

static int name_ok(struct walk *walk, const struct delegator *from, const json_t *name)
{
	struct stp_quote quote;

	if (json_is_string(name) &&
	    stp_role_name_ok(json_string_value(name), json_string_length(name)))
		return 1;
	stp_finding_add(walk->findings, STP_FINDING_ROLE_NAME, from->doc->name,
	                "delegates to \"%s\", which is not a role name",
	                json_is_string(name) ? stp_finding_quote(&quote, json_string_value(name),
	                                                         json_string_length(name))
	                                     : "");
	return 0;
}

/* succinct_roles of a foreign role: 2^bit_length roles with the same keys. */
static enum stp_errc walk_succinct(struct walk *walk, const struct delegator *from, json_t *object)
{
	const json_t *prefix = json_object_get(object, "name_prefix");
	json_int_t bits = json_integer_value(json_object_get(object, "bit_length"));
	enum stp_errc code = STP_OK;
	struct stp_role keys;
	json_int_t i;

	if (!name_ok(walk, from, prefix) || bits < 1 || bits > STP_BIN_BITS_MAX)
		return STP_OK;
	code = stp_role_load(&keys, from->ring, from->doc, object, "succinct_roles", walk->err);
	for (i = 0; i < (json_int_t)1 << bits && code == STP_OK; i++) {
		char name[STP_NAME_BYTES_MAX + 1];

		snprintf(name, sizeof(name), "%.*s-%0*llx", STP_NAME_BYTES_MAX - 20,
		         json_string_value(prefix), (int)((bits + 3) / 4), (unsigned long long)i);
		code = check_role(walk, from, name, &keys);
	}
	stp_role_release(&keys);
	return code;
}

static enum stp_errc walk_roles(struct walk *walk, const struct delegator *from)
{
	json_t *delegations = json_object_get(from->doc->body_json, "delegations");
	json_t *roles = json_object_get(delegations, "roles");
	json_t *succinct = json_object_get(delegations, "succinct_roles");
	enum stp_errc code = STP_OK;
	json_t *role;
	size_t i;

	if (json_is_object(succinct) && from->doc != &walk->tree->targets)
		return walk_succinct(walk, from, succinct);
	json_array_foreach(roles, i, role)
	{
		const json_t *name = json_object_get(role, "name");
		struct stp_role keys;

		if (code != STP_OK || is_own(walk, from, roles, i) || !name_ok(walk, from, name))
			continue;
		code = stp_role_load(&keys, from->ring, from->doc, role, json_string_value(name),
		                     walk->err);
		if (code == STP_OK)
			code = check_role(walk, from, json_string_value(name), &keys);
		stp_role_release(&keys);
	}
	return code;
}

enum stp_errc stp_foreign_audit(struct stp_chain *tree, int64_t now, int64_t expires_within_s,
                                struct stp_finding_list *findings, struct stp_err *err)
{
	struct walk walk = {tree, now, expires_within_s, findings, err};
	struct delegator from = {&tree->targets, &tree->targets_ring, 0};

	return tree->has_targets && tree->has_snapshot ? walk_roles(&walk, &from) : STP_OK;
}

/* ------------------------------------------------------------------ their targets */

struct visit {
	const struct stp_foreign_source *source;
	stp_foreign_target_fn *fn;
	void *ctx;
	json_t *seen; /* names of roles that were read */
	struct stp_err *err;
};

static enum stp_errc visit_delegations(struct visit *visit, const json_t *body, unsigned depth);

static enum stp_errc visit_targets(struct visit *visit, json_t *targets)
{
	const char *path, *alg;
	json_t *entry, *digest;

	json_object_foreach(targets, path, entry)
	{
		json_object_foreach(json_object_get(entry, "hashes"), alg, digest)
		{
			if (json_is_string(digest))
				STP_TRY(visit->fn(visit->ctx, path, strlen(path),
				                  json_string_value(digest),
				                  json_string_length(digest), visit->err));
		}
	}
	return STP_OK;
}

static enum stp_errc visit_role(struct visit *visit, const char *role, unsigned depth)
{
	const struct stp_foreign_source *source = visit->source;
	uint64_t version = source->version_of(source->version_ctx, role);
	char name[STP_NAME_BYTES_MAX + 32];
	struct stp_buf file = STP_BUF_INIT;
	json_t *document = NULL;
	enum stp_errc code;
	int there = 0;

	if (!version || depth > DEPTH_MAX || !stp_role_name_ok(role, strlen(role)) ||
	    json_object_get(visit->seen, role))
		return STP_OK;
	if (json_object_set_new(visit->seen, role, json_true()) != 0)
		return STP_FAIL_ERRNO(visit->err, ENOMEM, "verify", role, "no memory");
	snprintf(name, sizeof(name), "%" PRIu64 ".%.*s.json", version, STP_NAME_BYTES_MAX, role);
	code = stp_published_read(source->folder_fd, name, STP_TARGETS_BYTES_MAX, &file, NULL,
	                          &there, visit->err);
	if (code == STP_OK && there)
		document =
		    json_loadb((const char *)file.data, file.count, JSON_REJECT_DUPLICATES, NULL);
	stp_buf_release(&file);
	if (code == STP_OK)
		code = visit_targets(visit, json_object_get(json_object_get(document, "signed"),
		                                            "targets"));
	if (code == STP_OK)
		code = visit_delegations(visit, json_object_get(document, "signed"), depth + 1);
	json_decref(document);
	return code;
}

static enum stp_errc visit_delegations(struct visit *visit, const json_t *body, unsigned depth)
{
	const json_t *delegations = json_object_get(body, "delegations");
	const json_t *roles = json_object_get(delegations, "roles");
	const json_t *succinct = json_object_get(delegations, "succinct_roles");
	const char *prefix = json_string_value(json_object_get(succinct, "name_prefix"));
	json_int_t bits = json_integer_value(json_object_get(succinct, "bit_length"));
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));

		if (name && (depth || ((long)i != stp_delegated_bins_role(roles) &&
		                       !stp_delegated_is_bin(role))))
			STP_TRY(visit_role(visit, name, depth));
	}
	for (i = 0; depth && prefix && bits >= 1 && bits <= STP_BIN_BITS_MAX && i >> bits == 0;
	     i++) {
		char name[STP_NAME_BYTES_MAX + 1];

		snprintf(name, sizeof(name), "%.*s-%0*zx", STP_NAME_BYTES_MAX - 20, prefix,
		         (int)((bits + 3) / 4), i);
		STP_TRY(visit_role(visit, name, depth));
	}
	return STP_OK;
}

enum stp_errc stp_foreign_each_target(const struct stp_foreign_source *source,
                                      stp_foreign_target_fn *fn, void *ctx, struct stp_err *err)
{
	struct visit visit = {source, fn, ctx, json_object(), err};
	enum stp_errc code;

	if (!visit.seen)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "targets", "no memory");
	code = visit_delegations(&visit, source->targets, 0);
	json_decref(visit.seen);
	return code;
}
