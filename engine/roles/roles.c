/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "cjson/writer.h"

#define STAGE "roles"

/* ------------------------------------------------------------------ common members */

/* Hex digits of the largest bin index. */
static int bin_name_width(const struct stp_config *config)
{
	return (int)(config->bin_bits + 3) / 4;
}

size_t stp_bin_name(const struct stp_config *config, uint32_t index, char out[STP_BIN_NAME_BYTES])
{
	size_t prefix_bytes = strlen(config->bin_prefix);
	int width = bin_name_width(config);
	char *at = out + prefix_bytes;

	STP_ASSERT(index < stp_bin_count(config) && prefix_bytes <= STP_BIN_PREFIX_BYTES_MAX);
	memcpy(out, config->bin_prefix, prefix_bytes);
	*at++ = '-';
	while (width > 0)
		*at++ = "0123456789abcdef"[(index >> (4 * --width)) & 15];
	*at = '\0';
	return (size_t)(at - out);
}

/* Moves the finished document to out. */
static enum stp_errc finish(struct stp_cjson_writer *w, const char *what, struct stp_buf *out,
                            struct stp_err *err)
{
	enum stp_errc code = stp_cjson_writer_finish(w, STAGE, what, err);

	if (code == STP_OK)
		stp_cjson_writer_take(w, out);
	stp_cjson_writer_release(w);
	return code;
}

static void put_expires(struct stp_cjson_writer *w, int64_t expires)
{
	char text[STP_TIME_BYTES + 1];

	stp_time_format(expires, text);
	stp_cjson_key(w, "expires");
	stp_cjson_string(w, text);
}

/* Writes the expiry; one that cannot be written exactly is an error. */
static enum stp_errc check_head(struct stp_role_head head, const char *what, struct stp_err *err)
{
	if (head.expires <= 0 || head.expires > STP_TIME_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, what,
		                "would expire after the year 9999; shorten \"expiry_seconds\" in "
		                "stampede.json, or set the clock right");
	return STP_OK;
}

static void put_spec_version(struct stp_cjson_writer *w)
{
	stp_cjson_key(w, "spec_version");
	stp_cjson_string(w, STP_SPEC_VERSION);
}

static void put_version(struct stp_cjson_writer *w, uint64_t version)
{
	STP_ASSERT(version >= 1 && version <= STP_VERSION_MAX);
	stp_cjson_key(w, "version");
	stp_cjson_u64(w, version);
}

/* Keys of several roles, sorted by keyid, each once. */
struct key_set {
	const struct stp_key_object *items[4 * STP_ROLE_KEYS_MAX];
	size_t count;
};

static int by_keyid(const void *a, const void *b)
{
	const struct stp_key_object *const *left = a;
	const struct stp_key_object *const *right = b;

	return strcmp((*left)->keyid, (*right)->keyid);
}

static void key_set_add(struct key_set *set, const struct stp_role_keys *keys)
{
	size_t i;

	STP_ASSERT(keys->count >= 1 && keys->count <= STP_ROLE_KEYS_MAX);
	STP_ASSERT(keys->threshold >= 1 && keys->threshold <= keys->count);
	for (i = 0; i < keys->count; i++)
		set->items[set->count++] = &keys->items[i];
}

/* Sorts and drops repeated keyids. */
static void key_set_finish(struct key_set *set)
{
	size_t kept = 0;
	size_t i;

	qsort(set->items, set->count, sizeof(const struct stp_key_object *), by_keyid);
	for (i = 0; i < set->count; i++)
		if (kept == 0 || strcmp(set->items[kept - 1]->keyid, set->items[i]->keyid) != 0)
			set->items[kept++] = set->items[i];
	set->count = kept;
}

/* The value of "keys". */
static void put_keys(struct stp_cjson_writer *w, const struct key_set *set)
{
	size_t i;

	stp_cjson_key(w, "keys");
	stp_cjson_object_begin(w);
	for (i = 0; i < set->count; i++) {
		const struct stp_key_object *key = set->items[i];

		stp_cjson_key(w, key->keyid);
		stp_cjson_object_begin(w);
		stp_cjson_key(w, "keytype");
		stp_cjson_string(w, key->scheme->keytype);
		stp_cjson_key(w, "keyval");
		stp_cjson_object_begin(w);
		stp_cjson_key(w, "public");
		stp_cjson_string_raw(w, key->public_text, key->public_chars);
		stp_cjson_object_end(w);
		stp_cjson_key(w, "scheme");
		stp_cjson_string(w, key->scheme->scheme);
		stp_cjson_object_end(w);
	}
	stp_cjson_object_end(w);
}

/* "keyids": […], sorted. The same key twice in one role would count twice in careless clients. */
static void put_keyids(struct stp_cjson_writer *w, const struct stp_role_keys *keys)
{
	struct key_set set = {.count = 0};
	size_t i;

	key_set_add(&set, keys);
	key_set_finish(&set);
	STP_ASSERT(set.count == keys->count);
	stp_cjson_key(w, "keyids");
	stp_cjson_array_begin(w);
	for (i = 0; i < set.count; i++)
		stp_cjson_string(w, set.items[i]->keyid);
	stp_cjson_array_end(w);
}

static void put_threshold(struct stp_cjson_writer *w, const struct stp_role_keys *keys)
{
	stp_cjson_key(w, "threshold");
	stp_cjson_u64(w, keys->threshold);
}

/* ------------------------------------------------------------------ root */

static void put_root_role(struct stp_cjson_writer *w, const char *name,
                          const struct stp_role_keys *keys)
{
	stp_cjson_key(w, name);
	stp_cjson_object_begin(w);
	put_keyids(w, keys);
	put_threshold(w, keys);
	stp_cjson_object_end(w);
}

enum stp_errc stp_root_body(struct stp_role_head head, const struct stp_root_keys *keys,
                            struct stp_buf *out, struct stp_err *err)
{
	struct stp_cjson_writer w;
	struct key_set set = {.count = 0};

	STP_TRY(check_head(head, "root", err));
	key_set_add(&set, &keys->root);
	key_set_add(&set, &keys->targets);
	key_set_add(&set, &keys->snapshot);
	key_set_add(&set, &keys->timestamp);
	key_set_finish(&set);

	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, "root");
	stp_cjson_key(&w, "consistent_snapshot");
	stp_cjson_true(&w);
	put_expires(&w, head.expires);
	put_keys(&w, &set);
	stp_cjson_key(&w, "roles");
	stp_cjson_object_begin(&w);
	put_root_role(&w, "root", &keys->root);
	put_root_role(&w, "snapshot", &keys->snapshot);
	put_root_role(&w, "targets", &keys->targets);
	put_root_role(&w, "timestamp", &keys->timestamp);
	stp_cjson_object_end(&w);
	put_spec_version(&w);
	put_version(&w, head.version);
	stp_cjson_object_end(&w);
	return finish(&w, "root", out, err);
}

/* ------------------------------------------------------------------ targets and bins */

/* One member of "delegations.roles". prefix_first … prefix_first + prefix_count are hash prefixes
 * of prefix_digits hex digits. terminating: what the role does not list, nobody lists. */
static void put_delegated_role(struct stp_cjson_writer *w, const char *name,
                               const struct stp_role_keys *keys, uint32_t prefix_first,
                               uint32_t prefix_count, int prefix_digits)
{
	uint32_t i;

	stp_cjson_object_begin(w);
	put_keyids(w, keys);
	stp_cjson_key(w, "name");
	stp_cjson_string(w, name);
	stp_cjson_key(w, "path_hash_prefixes");
	stp_cjson_array_begin(w);
	for (i = 0; i < prefix_count; i++) {
		char digits[16];

		snprintf(digits, sizeof(digits), "%0*x", prefix_digits, prefix_first + i);
		stp_cjson_string(w, digits);
	}
	stp_cjson_array_end(w);
	stp_cjson_key(w, "terminating");
	stp_cjson_true(w);
	put_threshold(w, keys);
	stp_cjson_object_end(w);
}

/* "roles" or "succinct_roles": the bins. */
static void put_bins(struct stp_cjson_writer *w, const struct stp_config *config,
                     const struct stp_role_keys *keys)
{
	int digits = bin_name_width(config);
	uint32_t prefixes_per_bin = UINT32_C(1) << ((unsigned)digits * 4 - config->bin_bits);
	uint32_t i;

	if (config->delegation == STP_DELEGATION_SUCCINCT) {
		stp_cjson_key(w, "succinct_roles");
		stp_cjson_object_begin(w);
		stp_cjson_key(w, "bit_length");
		stp_cjson_u64(w, config->bin_bits);
		put_keyids(w, keys);
		stp_cjson_key(w, "name_prefix");
		stp_cjson_string(w, config->bin_prefix);
		put_threshold(w, keys);
		stp_cjson_object_end(w);
		return;
	}
	stp_cjson_key(w, "roles");
	stp_cjson_array_begin(w);
	for (i = 0; i < stp_bin_count(config); i++) {
		char name[STP_BIN_NAME_BYTES];

		stp_bin_name(config, i, name);
		put_delegated_role(w, name, keys, i * prefixes_per_bin, prefixes_per_bin, digits);
	}
	stp_cjson_array_end(w);
}

/* "delegations" to the bins, or to the role bins when to_bins_role. */
static void put_delegations(struct stp_cjson_writer *w, const struct stp_config *config,
                            const struct stp_role_keys *keys, int to_bins_role)
{
	struct key_set set = {.count = 0};

	key_set_add(&set, keys);
	key_set_finish(&set);
	stp_cjson_key(w, "delegations");
	stp_cjson_object_begin(w);
	put_keys(w, &set);
	if (to_bins_role) {
		stp_cjson_key(w, "roles");
		stp_cjson_array_begin(w);
		put_delegated_role(w, "bins", keys, 0, 16, 1);
		stp_cjson_array_end(w);
	} else {
		put_bins(w, config, keys);
	}
	stp_cjson_object_end(w);
}

/* A targets document without targets. */
static enum stp_errc targets_body(const char *what, const struct stp_config *config,
                                  struct stp_role_head head, const struct stp_role_keys *keys,
                                  int to_bins_role, struct stp_buf *out, struct stp_err *err)
{
	struct stp_cjson_writer w;

	STP_TRY(check_head(head, what, err));
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, "targets");
	put_delegations(&w, config, keys, to_bins_role);
	put_expires(&w, head.expires);
	put_spec_version(&w);
	stp_cjson_key(&w, "targets");
	stp_cjson_object_begin(&w);
	stp_cjson_object_end(&w);
	put_version(&w, head.version);
	stp_cjson_object_end(&w);
	return finish(&w, what, out, err);
}

enum stp_errc stp_targets_body(const struct stp_config *config, struct stp_role_head head,
                               const struct stp_role_keys *bins_keys,
                               const struct stp_role_keys *bin_keys, struct stp_buf *out,
                               struct stp_err *err)
{
	return targets_body("targets", config, head, config->has_bins_role ? bins_keys : bin_keys,
	                    config->has_bins_role, out, err);
}

enum stp_errc stp_bins_body(const struct stp_config *config, struct stp_role_head head,
                            const struct stp_role_keys *bin_keys, struct stp_buf *out,
                            struct stp_err *err)
{
	STP_ASSERT(config->has_bins_role);
	return targets_body("bins", config, head, bin_keys, 0, out, err);
}

size_t stp_bin_body_head(int64_t expires, char out[STP_BIN_HEAD_BYTES])
{
	char expires_text[STP_TIME_BYTES + 1];
	char text[STP_BIN_HEAD_BYTES + 1];
	int count;

	stp_time_format(expires, expires_text);
	count = snprintf(text, sizeof(text),
	                 "{\"_type\":\"targets\",\"expires\":\"%s\",\"spec_version\":\"%s\","
	                 "\"targets\":{",
	                 expires_text, STP_SPEC_VERSION);
	STP_ASSERT(count == STP_BIN_HEAD_BYTES);
	memcpy(out, text, STP_BIN_HEAD_BYTES);
	return STP_BIN_HEAD_BYTES;
}

size_t stp_bin_body_tail(uint64_t version, char out[STP_BIN_TAIL_BYTES_MAX])
{
	static const char before[] = "},\"version\":";
	size_t count = sizeof(before) - 1;

	STP_ASSERT(version >= 1 && version <= STP_VERSION_MAX);
	memcpy(out, before, count);
	count += stp_u64_format(version, out + count);
	out[count++] = '}';
	return count;
}

/* ------------------------------------------------------------------ snapshot and timestamp */

/* The order of the keys "NAME.json", which differs from that of the names: "a-b.json" < "a.json".
 */
int stp_meta_name_compare(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	if (a[i] && b[i])
		return (unsigned char)a[i] - (unsigned char)b[i];
	if (!a[i] && !b[i])
		return 0;
	return a[i] ? strcmp(a + i, ".json") : -strcmp(b + i, ".json");
}

static int by_name(const void *a, const void *b)
{
	return stp_meta_name_compare(((const struct stp_meta *)a)->name,
	                             ((const struct stp_meta *)b)->name);
}

long stp_meta_list_find(const struct stp_meta_list *list, const char *name)
{
	struct stp_meta wanted = {name, 0, 0};
	const struct stp_meta *found;

	if (list->count == 0)
		return -1;
	found = bsearch(&wanted, list->items, list->count, sizeof(*list->items), by_name);
	return found ? found - list->items : -1;
}

/* The roles that input lists, sorted. */
static enum stp_errc list_input(const struct stp_config *config, const struct stp_meta_input *input,
                                struct stp_arena *arena, struct stp_meta_list *out_list,
                                struct stp_err *err)
{
	uint32_t bin_count = stp_bin_count(config);
	struct stp_meta_list list = {NULL, 0};
	uint32_t i;

	STP_ASSERT(!config->snapshot_length || input->bin_lengths);
	list.items = stp_arena_alloc(arena, ((size_t)bin_count + 2) * sizeof(*list.items));
	if (!list.items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "snapshot", "no memory for its names");
	for (i = 0; i < bin_count; i++) {
		char name[STP_BIN_NAME_BYTES];
		size_t count = stp_bin_name(config, i, name);
		const char *copy = stp_arena_copy(arena, name, count);

		if (!copy)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "snapshot", "no memory");
		list.items[list.count++] =
		    (struct stp_meta){copy, input->bin_version,
		                      config->snapshot_length ? input->bin_lengths[i] : 0};
	}
	list.items[list.count] = input->targets;
	list.items[list.count++].name = "targets";
	if (config->has_bins_role) {
		list.items[list.count] = input->bins;
		list.items[list.count++].name = "bins";
	}
	for (i = bin_count; i < list.count && !config->snapshot_length; i++)
		list.items[i].length = 0;
	qsort(list.items, list.count, sizeof(*list.items), by_name);
	*out_list = list;
	return STP_OK;
}

enum stp_errc stp_meta_list_make(const struct stp_config *config,
                                 const struct stp_meta_input *input,
                                 const struct stp_meta_list *previous, struct stp_arena *arena,
                                 struct stp_meta_list *out_list, struct stp_err *err)
{
	struct stp_meta_list now = {NULL, 0};
	struct stp_meta_list merged = {NULL, 0};
	size_t previous_count = previous ? previous->count : 0;
	size_t i = 0;
	size_t k = 0;

	STP_TRY(list_input(config, input, arena, &now, err));
	merged.items = stp_arena_alloc(arena, (now.count + previous_count) * sizeof(*merged.items));
	if (!merged.items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "snapshot", "no memory for its names");
	while (i < now.count || k < previous_count) {
		int order = i == now.count        ? 1
		            : k == previous_count ? -1
		                                  : by_name(&now.items[i], &previous->items[k]);

		if (order == 0 && now.items[i].version < previous->items[k].version)
			return STP_FAIL(err, STP_REFUSED, STAGE, now.items[i].name,
			                "version %llu would follow %llu; clients refuse that",
			                (unsigned long long)now.items[i].version,
			                (unsigned long long)previous->items[k].version);
		merged.items[merged.count++] = order > 0 ? previous->items[k] : now.items[i];
		i += order <= 0;
		k += order >= 0;
	}
	*out_list = merged;
	return STP_OK;
}

enum stp_errc stp_snapshot_body(struct stp_role_head head, const struct stp_meta_list *list,
                                struct stp_buf *out, struct stp_err *err)
{
	struct stp_cjson_writer w;
	size_t i;

	STP_TRY(check_head(head, "snapshot", err));
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, "snapshot");
	put_expires(&w, head.expires);
	stp_cjson_key(&w, "meta");
	stp_cjson_object_begin(&w);
	for (i = 0; i < list->count; i++) {
		char key[STP_NAME_BYTES_MAX + 1];
		int count = snprintf(key, sizeof(key), "%s.json", list->items[i].name);

		STP_ASSERT(count > 0 && (size_t)count < sizeof(key));
		stp_cjson_key_bytes(&w, key, (size_t)count);
		stp_cjson_object_begin(&w);
		if (list->items[i].length) {
			stp_cjson_key(&w, "length");
			stp_cjson_u64(&w, list->items[i].length);
		}
		put_version(&w, list->items[i].version);
		stp_cjson_object_end(&w);
	}
	stp_cjson_object_end(&w);
	put_spec_version(&w);
	put_version(&w, head.version);
	stp_cjson_object_end(&w);
	return finish(&w, "snapshot", out, err);
}

enum stp_errc stp_timestamp_body(struct stp_role_head head, uint64_t snapshot_version,
                                 uint64_t snapshot_bytes, const uint8_t snapshot_sha256[32],
                                 struct stp_buf *out, struct stp_err *err)
{
	struct stp_cjson_writer w;

	STP_TRY(check_head(head, "timestamp", err));
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, "timestamp");
	put_expires(&w, head.expires);
	stp_cjson_key(&w, "meta");
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "snapshot.json");
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "hashes");
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "sha256");
	stp_cjson_hex(&w, snapshot_sha256, 32);
	stp_cjson_object_end(&w);
	stp_cjson_key(&w, "length");
	stp_cjson_u64(&w, snapshot_bytes);
	put_version(&w, snapshot_version);
	stp_cjson_object_end(&w);
	stp_cjson_object_end(&w);
	put_spec_version(&w);
	put_version(&w, head.version);
	stp_cjson_object_end(&w);
	return finish(&w, "timestamp", out, err);
}
