/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/current.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"

#define STAGE "published"

/* What happened is always the same: somebody else wrote there. */
#define BROKEN(name, ...) STP_FAIL(err, STP_FORMAT, STAGE, (name), __VA_ARGS__)

/* ------------------------------------------------------------------ one document */

/* Reads and parses a metadata file; out_text (may be NULL) keeps its bytes. */
static enum stp_errc read_document(int metadata_fd, const char *name, size_t bytes_max,
                                   json_t **out_document, struct stp_buf *out_text,
                                   struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	json_t *document;

	STP_TRY(stp_file_read(metadata_fd, name, bytes_max, STAGE, &text, err));
	document = json_loadb((const char *)text.data, text.count, JSON_REJECT_DUPLICATES, NULL);
	if (document && out_text)
		*out_text = text;
	else
		stp_buf_release(&text);
	if (!json_is_object(json_object_get(document, "signed"))) {
		json_decref(document);
		if (document && out_text)
			stp_buf_release(out_text);
		return BROKEN(name, "is no TUF metadata; restore it from a backup");
	}
	*out_document = document;
	return STP_OK;
}

/* _type, version (which must be that of the file name when expected) and expires of document. */
static enum stp_errc read_head(const json_t *document, const char *name, const char *type,
                               uint64_t expected, uint64_t *out_version, int64_t *out_expires,
                               struct stp_err *err)
{
	const json_t *body = json_object_get(document, "signed");
	const char *is_type = json_string_value(json_object_get(body, "_type"));
	const json_t *version = json_object_get(body, "version");
	const json_t *expires = json_object_get(body, "expires");

	if (!is_type || strcmp(is_type, type) != 0)
		return BROKEN(name, "is not of type %s; restore it from a backup", type);
	if (!json_is_integer(version) || json_integer_value(version) < 1 ||
	    (uint64_t)json_integer_value(version) > STP_VERSION_MAX ||
	    (expected && (uint64_t)json_integer_value(version) != expected))
		return BROKEN(name, "has not the version its name says; restore it from a backup");
	if (!json_is_string(expires))
		return BROKEN(name, "has no expiry; restore it from a backup");
	*out_version = (uint64_t)json_integer_value(version);
	return stp_time_parse(json_string_value(expires), json_string_length(expires), out_expires,
	                      err);
}

/* ------------------------------------------------------------------ offline roles */

static int exists(int folder_fd, const char *name)
{
	return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The highest N from first on for which N.role.json and all between are there; 0: none. */
static uint64_t newest_version(int metadata_fd, const char *role, uint64_t first)
{
	uint64_t version = first;
	char name[64];

	for (;; version++) {
		snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)version, role);
		if (!exists(metadata_fd, name))
			return version - first ? version - 1 : 0;
	}
}

/* Reads the newest file of an offline role. The document stays with the caller. */
static enum stp_errc read_role(int metadata_fd, const char *role, const char *type, uint64_t first,
                               size_t bytes_max, struct stp_current_role *out_role,
                               json_t **out_document, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stp_current_role found = {0, 0, 0};
	json_t *document = NULL;
	char name[64];
	enum stp_errc code;

	found.version = newest_version(metadata_fd, role, first);
	snprintf(name, sizeof(name), "%llu.%s.json",
	         (unsigned long long)(found.version ? found.version : first), role);
	if (!found.version)
		return BROKEN(name, "is missing; restore it from a backup");
	STP_TRY(read_document(metadata_fd, name, bytes_max, &document, &text, err));
	found.length = text.count;
	stp_buf_release(&text);
	code = read_head(document, name, type, found.version, &found.version, &found.expires, err);
	if (code != STP_OK) {
		json_decref(document);
		return code;
	}
	*out_role = found;
	*out_document = document;
	return STP_OK;
}

/* Copies the one keyid of list, or leaves "" when there is not exactly one. */
static void only_keyid(const json_t *role, char out[65])
{
	const json_t *keyids = json_object_get(role, "keyids");
	const char *keyid = json_string_value(json_array_get(keyids, 0));

	out[0] = '\0';
	if (json_array_size(keyids) == 1 && keyid && strlen(keyid) == 64)
		memcpy(out, keyid, 65);
}

/* Reads the delegation to bin-n out of document (bins, or targets without a bins role). */
static enum stp_errc read_delegation(struct stp_current *current, const json_t *document,
                                     const char *role, struct stp_err *err)
{
	const json_t *delegations =
	    json_object_get(json_object_get(document, "signed"), "delegations");
	const json_t *succinct = json_object_get(delegations, "succinct_roles");
	const json_t *roles = json_object_get(delegations, "roles");
	const json_t *first = succinct ? succinct : json_array_get(roles, 0);
	const char *name =
	    json_string_value(json_object_get(first, succinct ? "name_prefix" : "name"));
	json_int_t bits = json_integer_value(json_object_get(succinct, "bit_length"));
	size_t count;

	if (!name || strlen(name) >= sizeof(current->bin_prefix) ||
	    (succinct && (bits < STP_BIN_BITS_MIN || bits > STP_BIN_BITS_MAX)) ||
	    json_array_size(roles) > (1u << STP_BIN_BITS_MAX))
		return BROKEN(role, "delegates to no bins that stampede made");
	only_keyid(first, current->bin_keyid);
	current->delegation = succinct ? STP_DELEGATION_SUCCINCT : STP_DELEGATION_PREFIXES;
	current->bin_count = succinct ? UINT32_C(1) << bits : (uint32_t)json_array_size(roles);
	count = strlen(name);
	if (!succinct) { /* "bin-n-000" is the prefix, "-" and the index */
		const char *dash = strrchr(name, '-');

		count = dash ? (size_t)(dash - name) : 0;
	}
	memcpy(current->bin_prefix, name, count);
	current->bin_prefix[count] = '\0';
	return STP_OK;
}

/* The version from which to look for newer files of role: what the snapshot lists, else 1. */
static uint64_t listed_version(const struct stp_current *current, const char *role)
{
	long at = stp_meta_list_find(&current->meta, role);

	return at < 0 ? 1 : current->meta.items[at].version;
}

static enum stp_errc load_root(struct stp_current *current, int metadata_fd, struct stp_err *err)
{
	json_t *document;
	const json_t *roles;

	STP_TRY(read_role(metadata_fd, "root", "root", 1, STP_ROOT_BYTES_MAX, &current->root,
	                  &document, err));
	roles = json_object_get(json_object_get(document, "signed"), "roles");
	only_keyid(json_object_get(roles, "timestamp"), current->timestamp_keyid);
	only_keyid(json_object_get(roles, "snapshot"), current->snapshot_keyid);
	json_decref(document);
	return STP_OK;
}

/* targets, and bins where targets delegates to it. */
static enum stp_errc load_targets(struct stp_current *current, int metadata_fd, struct stp_err *err)
{
	json_t *targets;
	json_t *bins = NULL;
	const json_t *role;
	const char *name;
	enum stp_errc code;

	STP_TRY(read_role(metadata_fd, "targets", "targets", listed_version(current, "targets"),
	                  STP_TARGETS_BYTES_MAX, &current->targets, &targets, err));
	role = json_object_get(json_object_get(json_object_get(targets, "signed"), "delegations"),
	                       "roles");
	name = json_string_value(json_object_get(json_array_get(role, 0), "name"));
	if (name && strcmp(name, "bins") == 0) {
		code = read_role(metadata_fd, "bins", "targets", listed_version(current, "bins"),
		                 STP_TARGETS_BYTES_MAX, &current->bins, &bins, err);
		if (code == STP_OK)
			code = read_delegation(current, bins, "bins", err);
		json_decref(bins);
	} else {
		code = read_delegation(current, targets, "targets", err);
	}
	json_decref(targets);
	return code;
}

/* ------------------------------------------------------------------ timestamp and snapshot */

/* What the timestamp says of the snapshot. */
struct listed_snapshot {
	uint64_t version;
	uint8_t sha256[32];
};

static enum stp_errc load_timestamp(struct stp_current *current, int metadata_fd,
                                    struct listed_snapshot *out_snapshot, struct stp_err *err)
{
	json_t *document;
	const json_t *listed;
	const json_t *hash;
	json_int_t version;
	enum stp_errc code;

	STP_TRY(read_document(metadata_fd, "timestamp.json", STP_TIMESTAMP_BYTES_MAX, &document,
	                      NULL, err));
	code = read_head(document, "timestamp.json", "timestamp", 0, &current->timestamp_version,
	                 &current->timestamp_expires, err);
	listed = json_object_get(json_object_get(json_object_get(document, "signed"), "meta"),
	                         "snapshot.json");
	hash = json_object_get(json_object_get(listed, "hashes"), "sha256");
	version = json_integer_value(json_object_get(listed, "version"));
	if (code == STP_OK &&
	    (version < 1 || (uint64_t)version > STP_VERSION_MAX || !json_is_string(hash) ||
	     json_string_length(hash) != 64 ||
	     !stp_hex_decode(json_string_value(hash), 32, out_snapshot->sha256, 0)))
		code = BROKEN("timestamp.json", "lists no snapshot; restore it from a backup");
	out_snapshot->version = (uint64_t)version;
	json_decref(document);
	return code;
}

static int meta_compare(const void *a, const void *b)
{
	return stp_meta_name_compare(((const struct stp_meta *)a)->name,
	                             ((const struct stp_meta *)b)->name);
}

/* One member of snapshot.meta into the list. */
static enum stp_errc add_meta(struct stp_current *current, const char *file, const char *key,
                              const json_t *value, struct stp_err *err)
{
	size_t count = strlen(key);
	const json_t *version = json_object_get(value, "version");
	const json_t *length = json_object_get(value, "length");
	struct stp_meta meta;

	if (count <= 5 || count > STP_NAME_BYTES_MAX || strcmp(key + count - 5, ".json") != 0 ||
	    !json_is_integer(version) || json_integer_value(version) < 1 ||
	    (uint64_t)json_integer_value(version) > STP_VERSION_MAX ||
	    (length && (!json_is_integer(length) || json_integer_value(length) < 1)))
		return BROKEN(file, "has a broken entry; restore it from a backup");
	meta.name = stp_arena_copy(&current->arena, key, count - 5);
	meta.version = (uint64_t)json_integer_value(version);
	meta.length = (uint64_t)json_integer_value(length);
	if (!meta.name)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, file, "no memory");
	current->meta.items[current->meta.count++] = meta;
	return STP_OK;
}

static enum stp_errc read_meta(struct stp_current *current, const char *file, json_t *meta,
                               struct stp_err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(meta))
		return BROKEN(file, "lists nothing; restore it from a backup");
	current->meta.items =
	    stp_arena_alloc(&current->arena, json_object_size(meta) * sizeof(*current->meta.items));
	if (!current->meta.items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, file, "no memory");
	json_object_foreach(meta, key, value) STP_TRY(add_meta(current, file, key, value, err));
	qsort(current->meta.items, current->meta.count, sizeof(*current->meta.items), meta_compare);
	return STP_OK;
}

static enum stp_errc load_snapshot(struct stp_current *current, int metadata_fd,
                                   const struct listed_snapshot *listed, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	json_t *document;
	uint8_t digest[32];
	int64_t expires;
	char name[64];
	enum stp_errc code;

	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)listed->version);
	STP_TRY(read_document(metadata_fd, name, STP_SNAPSHOT_BYTES_MAX, &document, &text, err));
	stp_hash_one(STP_ALG_SHA256, text.data, text.count, digest);
	stp_buf_release(&text);
	if (memcmp(digest, listed->sha256, sizeof(digest)) != 0)
		code = BROKEN(name, "is not the file that timestamp.json lists; restore it");
	else
		code = read_head(document, name, "snapshot", listed->version,
		                 &current->snapshot_version, &expires, err);
	if (code == STP_OK)
		code = read_meta(current, name,
		                 json_object_get(json_object_get(document, "signed"), "meta"), err);
	json_decref(document);
	return code;
}

/* ------------------------------------------------------------------ whole */

static enum stp_errc load_all(struct stp_current *current, const struct stp_repo *repo,
                              struct stp_err *err)
{
	const struct stp_commit *commit;
	struct listed_snapshot listed;

	if (exists(repo->metadata_fd, "timestamp.json")) {
		STP_TRY(load_timestamp(current, repo->metadata_fd, &listed, err));
		STP_TRY(load_snapshot(current, repo->metadata_fd, &listed, err));
	}
	STP_TRY(load_root(current, repo->metadata_fd, err));
	STP_TRY(load_targets(current, repo->metadata_fd, err));
	STP_TRY(stp_commit_list_load(repo, &current->arena, &current->commits, err));
	commit = stp_commit_find(&current->commits, current->timestamp_version);
	current->committed_at = commit ? commit->committed_at : 0;
	return STP_OK;
}

enum stp_errc stp_current_load(struct stp_current *current, const struct stp_repo *repo,
                               struct stp_err *err)
{
	struct stp_current fresh;
	enum stp_errc code;

	memset(&fresh, 0, sizeof(fresh));
	stp_arena_init(&fresh.arena, 256 * 1024);
	code = load_all(&fresh, repo, err);
	if (code != STP_OK) {
		stp_current_release(&fresh);
		return code;
	}
	*current = fresh;
	return STP_OK;
}

void stp_current_release(struct stp_current *current)
{
	stp_arena_release(&current->arena);
	memset(current, 0, sizeof(*current));
}

/* ------------------------------------------------------------------ checks before a run */

/* expires of role against now and against last, when the last of what is signed now expires. */
static enum stp_errc check_role_expiry(const char *role, int64_t expires, int64_t now, int64_t last,
                                       struct stp_err *err)
{
	char text[STP_TIME_BYTES + 1];

	stp_time_format(expires, text);
	if (expires <= now)
		return STP_FAIL(err, STP_REFUSED, STAGE, role,
		                "expired at %s; renew it: stampede init --update", text);
	if (expires < last)
		return STP_FAIL(err, STP_REFUSED, STAGE, role,
		                "expires at %s, before what this run would sign; renew it: "
		                "stampede init --update",
		                text);
	return STP_OK;
}

/* Does the published delegation say what the configuration says? */
static enum stp_errc check_delegation(const struct stp_current *current,
                                      const struct stp_config *config, struct stp_err *err)
{
	if ((current->bins.version != 0) != (config->has_bins_role != 0))
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"bins_role\" differs from the published targets; change it "
		                "with stampede init --update");
	if (current->delegation != config->delegation ||
	    current->bin_count != stp_bin_count(config) ||
	    strcmp(current->bin_prefix, config->bin_prefix) != 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "the published role delegates to %u bins \"%s-…\", the "
		                "configuration says %u \"%s-…\"; change bins with "
		                "stampede init --update",
		                current->bin_count, current->bin_prefix, stp_bin_count(config),
		                config->bin_prefix);
	return STP_OK;
}

enum stp_errc stp_current_check(const struct stp_current *current, const struct stp_config *config,
                                const char *online_keyid, int64_t now, struct stp_err *err)
{
	const struct stp_expiry *e = &config->expiry;
	int64_t last = now + e->bin_n;

	STP_TRY(check_delegation(current, config, err));
	if (strcmp(online_keyid, current->bin_keyid) != 0 ||
	    strcmp(online_keyid, current->timestamp_keyid) != 0 ||
	    strcmp(online_keyid, current->snapshot_keyid) != 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, "keys/online.pem",
		                "is not the key that root and bins name; put the right one there");
	if (now < current->committed_at) {
		char text[STP_TIME_BYTES + 1];

		stp_time_format(current->committed_at, text);
		return STP_FAIL(err, STP_REFUSED, STAGE, "timestamp.json",
		                "was published at %s, after this run's time; set the clock right",
		                text);
	}
	if (e->snapshot > e->bin_n)
		last = now + e->snapshot;
	if (now + e->timestamp > last)
		last = now + e->timestamp;
	STP_TRY(check_role_expiry("root", current->root.expires, now, last, err));
	STP_TRY(check_role_expiry("targets", current->targets.expires, now, last, err));
	if (current->bins.version)
		STP_TRY(check_role_expiry("bins", current->bins.expires, now, last, err));
	return STP_OK;
}
