/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "trust/judge.h"
#include "verify/chain.h"
#include "verify/delegated.h"
#include "verify/role_name.h"

#define STAGE STP_TRUST_STAGE

/* The signatures are good, so someone with the keys wrote what stampede cannot use. */
#define UNUSABLE(name, ...) STP_FAIL(err, STP_FORMAT, STAGE, (name), __VA_ARGS__)

void stp_trust_version(const struct stp_document *doc, uint64_t expected,
                       struct stp_finding_list *findings)
{
	if (doc->version && doc->version != expected)
		stp_finding_add(findings, STP_FINDING_VERSION, doc->name,
		                "holds version %" PRIu64 ", not that of its name", doc->version);
}

void stp_trust_listed_snapshot(struct stp_document *timestamp, const struct stp_pin *floor,
                               struct stp_pin *out_snapshot)
{
	const json_t *meta = json_object_get(timestamp->body_json, "meta");
	const json_t *line = json_object_get(meta, "snapshot.json");
	const json_t *hash = json_object_get(json_object_get(line, "hashes"), "sha256");
	json_int_t version = json_integer_value(json_object_get(line, "version"));

	if (!hash && version > 0 && (uint64_t)version == floor->version) {
		*out_snapshot = *floor;
		return;
	}
	if (version < 1 || (uint64_t)version > STP_VERSION_MAX || !json_is_string(hash) ||
	    json_string_length(hash) != 2 * sizeof(out_snapshot->sha256) ||
	    !stp_hex_decode(json_string_value(hash), sizeof(out_snapshot->sha256),
	                    out_snapshot->sha256, 0)) {
		stp_finding_add(timestamp->findings, STP_FINDING_FIELD, timestamp->name,
		                "does not list a snapshot by version and sha256");
		return;
	}
	out_snapshot->version = (uint64_t)version;
}

/* ------------------------------------------------------------------ snapshot */

static int meta_compare(const void *a, const void *b)
{
	return stp_meta_name_compare(((const struct stp_meta *)a)->name,
	                             ((const struct stp_meta *)b)->name);
}

/* Adds one member of snapshot.meta to the list. */
static enum stp_errc add_meta(struct stp_current *current, const char *file, const char *key,
                              const json_t *value, struct stp_err *err)
{
	size_t count = strlen(key);
	const json_t *version = json_object_get(value, "version");
	const json_t *length = json_object_get(value, "length");
	struct stp_meta meta;

	if (count <= 5 || count > STP_NAME_BYTES_MAX || strcmp(key + count - 5, ".json") != 0 ||
	    !stp_role_name_ok(key, count) || !json_is_integer(version) ||
	    json_integer_value(version) < 1 ||
	    (uint64_t)json_integer_value(version) > STP_VERSION_MAX ||
	    (length && (!json_is_integer(length) || json_integer_value(length) < 1)))
		return UNUSABLE(file, "has a malformed entry; restore it from a backup");
	meta.name = stp_arena_copy(&current->arena, key, count - 5);
	meta.version = (uint64_t)json_integer_value(version);
	meta.length = (uint64_t)json_integer_value(length);
	if (!meta.name)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, file, "no memory");
	current->meta.items[current->meta.count++] = meta;
	return STP_OK;
}

enum stp_errc stp_trust_read_meta(const struct stp_document *snapshot, struct stp_current *current,
                                  struct stp_err *err)
{
	json_t *meta = json_object_get(snapshot->body_json, "meta");
	const char *key;
	json_t *value;

	if (!json_is_object(meta))
		return UNUSABLE(snapshot->name, "lists nothing; restore it from a backup");
	current->meta.items =
	    stp_arena_alloc(&current->arena, json_object_size(meta) * sizeof(*current->meta.items));
	if (!current->meta.items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, snapshot->name, "no memory");
	json_object_foreach(meta, key, value)
	    STP_TRY(add_meta(current, snapshot->name, key, value, err));
	qsort(current->meta.items, current->meta.count, sizeof(*current->meta.items), meta_compare);
	return STP_OK;
}

/* ------------------------------------------------------------------ delegations */

static const json_t *delegations_of(const struct stp_document *doc)
{
	return json_object_get(doc->body_json, "delegations");
}

enum stp_errc stp_trust_read_bins_role(struct stp_trust *trust, struct stp_err *err)
{
	struct stp_document *doc = &trust->targets;
	const json_t *delegations = delegations_of(doc);
	json_t *keys = json_object_get(delegations, "keys");
	const json_t *roles = json_object_get(delegations, "roles");
	long index = stp_delegated_bins_role(roles);
	json_t *role = index < 0 ? NULL : json_array_get(roles, (size_t)index);
	const char *name = json_string_value(json_object_get(role, "name"));

	trust->has_bins =
	    name && strcmp(name, STP_BINS_ROLE) == 0 && !json_object_get(role, "paths");
	if (!trust->has_bins)
		return STP_OK;
	STP_TRY(stp_key_ring_load(&trust->targets_ring, doc, keys, "delegations.keys", err));
	return stp_role_load(&trust->bins_role, &trust->targets_ring, doc, role, "bins", err);
}

enum stp_errc stp_trust_read_delegation(const struct stp_document *doc, int is_bins_role,
                                        struct stp_current *current, struct stp_err *err)
{
	const json_t *delegations = delegations_of(doc);
	const json_t *succinct = json_object_get(delegations, "succinct_roles");
	const json_t *roles = json_object_get(delegations, "roles");
	const json_t *first = succinct ? succinct : stp_delegated_first_bin(roles);
	const json_t *keyids = json_object_get(first, "keyids");
	const char *keyid = json_string_value(json_array_get(keyids, 0));
	const char *name =
	    json_string_value(json_object_get(first, succinct ? "name_prefix" : "name"));
	json_int_t bits = json_integer_value(json_object_get(succinct, "bit_length"));
	size_t count;

	if (!first && !is_bins_role)
		return STP_OK; /* another tool's */
	if (!name || strlen(name) >= sizeof(current->bin_prefix) ||
	    (succinct && (bits < STP_BIN_BITS_MIN || bits > STP_BIN_BITS_MAX)) ||
	    json_array_size(roles) > (1u << STP_BIN_BITS_MAX))
		return UNUSABLE(doc->name, "does not delegate to bins the way stampede does; "
		                           "restore it from a backup, or make a new repository");
	if (json_array_size(keyids) == 1 && keyid && strlen(keyid) == 64)
		memcpy(current->bin_keyid, keyid, 65);
	current->delegation = succinct ? STP_DELEGATION_SUCCINCT : STP_DELEGATION_PREFIXES;
	current->bin_count =
	    succinct ? UINT32_C(1) << bits : (uint32_t)stp_delegated_count_bins(roles);
	count = strlen(name);
	if (!succinct) { /* "bin-n-000" consists of the prefix, "-" and the index */
		const char *dash = strrchr(name, '-');

		count = dash ? (size_t)(dash - name) : 0;
	}
	memcpy(current->bin_prefix, name, count);
	current->bin_prefix[count] = '\0';
	return STP_OK;
}

void stp_trust_only_keyid(const struct stp_role *role, char out[65])
{
	out[0] = '\0';
	if (role->key_count == 1)
		memcpy(out, role->keys[0]->keyid, STP_KEYID_CHARS + 1);
}
