/* SPDX-License-Identifier: Apache-2.0 */
#include "run/takeover.h"

#include <string.h>

#include "cjson/encoding.h"
#include "verify/delegated.h"

#define STAGE "import"

struct making {
	const struct stp_takeover_input *input;
	struct stp_takeover *out;
	struct stp_err *err;
};

static enum stp_errc no_memory(const struct making *making, const char *role)
{
	return STP_FAIL_ERRNO(making->err, ENOMEM, STAGE, role, "no memory");
}

/* ------------------------------------------------------------------ keys */

static json_t *key_json(const struct stp_key_object *key)
{
	return json_pack("{s:s,s:{s:s%},s:s}", "keytype", key->scheme->keytype, "keyval", "public",
	                 key->public_text, key->public_chars, "scheme", key->scheme->scheme);
}

static int names(const json_t *role, const char *keyid)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(role, "keyids"), i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), keyid) == 0)
			return 1;
	}
	return 0;
}

/* Whether a role of roles (an object or a list) names the key. */
static int is_used(json_t *roles, const char *keyid)
{
	const char *name;
	json_t *role;
	size_t i;

	json_object_foreach(roles, name, role)
	{
		if (names(role, keyid))
			return 1;
	}
	json_array_foreach(roles, i, role)
	{
		if (names(role, keyid))
			return 1;
	}
	return 0;
}

/* Drops the keys that no role names. */
static void drop_unused(json_t *keys, json_t *roles)
{
	const char *keyid;
	json_t *key;
	void *next;

	json_object_foreach_safe(keys, next, keyid, key)
	{
		if (!is_used(roles, keyid))
			json_object_del(keys, keyid);
	}
}

/* ------------------------------------------------------------------ root */

/* Makes key the only one of the role, whatever else its object holds. */
static int set_only_key(json_t *role, const struct stp_key_object *key)
{
	return json_object_set_new(role, "keyids", json_pack("[s]", key->keyid)) == 0 &&
	       json_object_set_new(role, "threshold", json_integer(1)) == 0;
}

static enum stp_errc make_root(const struct making *making)
{
	json_t *root = making->out->root = json_deep_copy(making->input->root);
	json_t *roles = json_object_get(root, "roles");
	json_t *keys = json_object_get(root, "keys");
	const struct stp_key_object *online = making->input->online;

	if (!root || json_object_set_new(root, "consistent_snapshot", json_true()) != 0 ||
	    !set_only_key(json_object_get(roles, "timestamp"), online) ||
	    !set_only_key(json_object_get(roles, "snapshot"), online) ||
	    (!json_object_get(keys, online->keyid) &&
	     json_object_set_new(keys, online->keyid, key_json(online)) != 0))
		return no_memory(making, "root");
	drop_unused(keys, roles);
	return STP_OK;
}

/* ------------------------------------------------------------------ documents of roles/ */

/* The JSON of a body that roles/ made. */
static enum stp_errc parse_body(const struct making *making, const struct stp_buf *body,
                                const char *role, json_t **out)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code =
	    stp_cjson_to_file(body->data, body->count, STAGE, role, &file, making->err);

	if (code == STP_OK) {
		*out = json_loadb((const char *)file.data, file.count, 0, NULL);
		if (!*out)
			code = no_memory(making, role);
	}
	stp_buf_release(&file);
	return code;
}

/* ------------------------------------------------------------------ foreign roles */

static const char *name_of(const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));

	return name ? name : "";
}

int stp_takeover_replaces(const json_t *role)
{
	return stp_delegated_is_bin(role) ||
	       (strcmp(name_of(role), STP_BINS_ROLE) == 0 && !json_object_get(role, "paths"));
}

size_t stp_takeover_foreign(const json_t *targets)
{
	const json_t *roles = json_object_get(json_object_get(targets, "delegations"), "roles");
	size_t count = 0;
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role) count += !stp_takeover_replaces(role);
	return count;
}

/* Whether the first digits of prefixes are all sixteen, alone. */
static int is_every_prefix(const json_t *prefixes)
{
	unsigned seen = 0;
	json_t *item;
	size_t i;

	json_array_foreach(prefixes, i, item)
	{
		const char *text = json_string_value(item);
		const char *digits = "0123456789abcdef";
		const char *at = text && text[0] && !text[1] ? strchr(digits, text[0]) : NULL;

		if (at)
			seen |= 1u << (at - digits);
		else if (text && !text[0])
			return 1;
	}
	return seen == 0xffff;
}

/* Whether clients that come to the role look no further, whatever they look for. "*" matches every
 * path without a folder, and in some clients all others as well. */
static int ends_every_search(const json_t *role)
{
	json_t *item;
	size_t i;

	if (!json_is_true(json_object_get(role, "terminating")))
		return 0;
	if (is_every_prefix(json_object_get(role, "path_hash_prefixes")))
		return 1;
	json_array_foreach(json_object_get(role, "paths"), i, item)
	{
		const char *text = json_string_value(item);

		if (text && (strcmp(text, "*") == 0 || strcmp(text, "**") == 0))
			return 1;
	}
	return 0;
}

/* Removes what the bins replace; where they belong. */
static size_t clear_place(json_t *roles)
{
	size_t place = SIZE_MAX;
	size_t i = 0;

	while (i < json_array_size(roles)) {
		if (!stp_takeover_replaces(json_array_get(roles, i))) {
			i++;
			continue;
		}
		if (place == SIZE_MAX)
			place = i;
		json_array_remove(roles, i);
	}
	if (place == SIZE_MAX)
		place = json_array_size(roles);
	for (i = 0; i < place; i++)
		if (ends_every_search(json_array_get(roles, i)))
			return i;
	return place;
}

int stp_takeover_has_later(const json_t *targets)
{
	json_t *roles =
	    json_deep_copy(json_object_get(json_object_get(targets, "delegations"), "roles"));
	int has = roles && clear_place(roles) < json_array_size(roles);

	json_decref(roles);
	return has;
}

/* ------------------------------------------------------------------ bins */

/* Lets clients search on when a bin does not list a path. */
static void search_on(json_t *bins)
{
	json_t *role;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(bins, "delegations"), "roles"), i, role)
	    json_object_set_new(role, "terminating", json_false());
}

static enum stp_errc make_bins(const struct making *making)
{
	const struct stp_takeover_input *input = making->input;
	struct stp_role_keys online = {input->online, 1, 1};
	struct stp_buf body = STP_BUF_INIT;
	enum stp_errc code;

	code =
	    stp_bins_body(input->config, (struct stp_role_head){1, 1}, &online, &body, making->err);
	if (code == STP_OK)
		code = parse_body(making, &body, STP_BINS_ROLE, &making->out->bins);
	stp_buf_release(&body);
	if (code == STP_OK && stp_takeover_has_later(input->targets))
		search_on(making->out->bins);
	if (code == STP_OK &&
	    json_object_set_new(making->out->bins, "version",
	                        json_integer((json_int_t)input->bins_version)) != 0)
		code = no_memory(making, STP_BINS_ROLE);
	return code;
}

/* ------------------------------------------------------------------ targets */

/* The key objects of the role, from keys, into into. */
static int copy_keys(const json_t *keyids, const json_t *keys, json_t *into)
{
	json_t *item;
	size_t i;

	json_array_foreach(keyids, i, item)
	{
		const char *keyid = json_string_value(item);
		json_t *key = keyid ? json_object_get(keys, keyid) : NULL;

		if (key && !json_object_get(into, keyid) &&
		    json_object_set_new(into, keyid, json_deep_copy(key)) != 0)
			return 0;
	}
	return 1;
}

/* Who signs the bins role: keyids and threshold in role, key objects in keys. */
static int set_bins_keys(const struct making *making, json_t *role, json_t *keys)
{
	const struct stp_role_keys *bins = making->input->bins;
	const json_t *root = making->input->root;
	const json_t *above = json_object_get(json_object_get(root, "roles"), "targets");
	json_t *keyids = bins ? json_array() : json_deep_copy(json_object_get(above, "keyids"));
	json_t *threshold = bins ? json_integer(bins->threshold)
	                         : json_deep_copy(json_object_get(above, "threshold"));
	size_t i;
	int good = 1;

	for (i = 0; bins && i < bins->count; i++)
		good &=
		    json_array_append_new(keyids, json_string(bins->items[i].keyid)) == 0 &&
		    json_object_set_new(keys, bins->items[i].keyid, key_json(&bins->items[i])) == 0;
	if (!bins)
		good = copy_keys(keyids, json_object_get(root, "keys"), keys);
	good &= json_object_set_new(role, "keyids", keyids) == 0;
	return good && json_object_set_new(role, "threshold", threshold) == 0;
}

static json_t *every_prefix(void)
{
	return json_pack("[s,s,s,s,s,s,s,s,s,s,s,s,s,s,s,s]", "0", "1", "2", "3", "4", "5", "6",
	                 "7", "8", "9", "a", "b", "c", "d", "e", "f");
}

/* Delegates to the bins role at place of roles. */
static enum stp_errc delegate_to_role(const struct making *making, json_t *delegations,
                                      size_t place)
{
	json_t *roles = json_object_get(delegations, "roles");
	json_t *role = json_pack("{s:s,s:o,s:b}", "name", STP_BINS_ROLE, "path_hash_prefixes",
	                         every_prefix(), "terminating", place == json_array_size(roles));

	if (!role || json_array_insert_new(roles, place, role) != 0 ||
	    !set_bins_keys(making, role, json_object_get(delegations, "keys")))
		return no_memory(making, "targets");
	return STP_OK;
}

/* Delegates to the bins themselves, and to nothing else. */
static enum stp_errc delegate_to_bins(const struct making *making, json_t *delegations)
{
	const struct stp_takeover_input *input = making->input;
	struct stp_role_keys online = {input->online, 1, 1};
	struct stp_buf body = STP_BUF_INIT;
	json_t *made = NULL;
	enum stp_errc code;

	code = stp_targets_body(input->config, (struct stp_role_head){1, 1}, NULL, &online, &body,
	                        making->err);
	if (code == STP_OK)
		code = parse_body(making, &body, "targets", &made);
	stp_buf_release(&body);
	json_object_del(delegations, "roles");
	if (code == STP_OK &&
	    json_object_update(delegations, json_object_get(made, "delegations")) != 0)
		code = no_memory(making, "targets");
	json_decref(made);
	return code;
}

/* A role that stays must not have the name of a bin or of the bins role. */
static enum stp_errc check_names(const struct making *making, const json_t *roles)
{
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		if (strcmp(name_of(role), STP_BINS_ROLE) == 0)
			return STP_FAIL(
			    making->err, STP_CONFIG, STAGE, "targets",
			    "delegates path patterns to a role called bins, a name that "
			    "stampede needs; have its holders move to another name "
			    "first");
	}
	if (json_array_size(roles) && !making->input->config->has_bins_role)
		return STP_FAIL(
		    making->err, STP_CONFIG, STAGE, "targets",
		    "delegates to %zu roles that stay, so the bins need a role of their "
		    "own between them; set \"bins_role\" to true",
		    json_array_size(roles));
	return STP_OK;
}

static enum stp_errc make_targets(const struct making *making)
{
	json_t *targets = making->out->targets = json_deep_copy(making->input->targets);
	json_t *delegations = json_object_get(targets, "delegations");
	json_t *roles;
	size_t place;

	if (!json_is_object(delegations)) {
		delegations = json_pack("{s:{}}", "keys");
		if (json_object_set_new(targets, "delegations", delegations) != 0)
			return no_memory(making, "targets");
	}
	json_object_del(delegations, "succinct_roles");
	roles = json_object_get(delegations, "roles");
	if (!json_is_array(roles)) {
		roles = json_array();
		if (json_object_set_new(delegations, "roles", roles) != 0)
			return no_memory(making, "targets");
	}
	if (!json_is_object(json_object_get(delegations, "keys")) &&
	    json_object_set_new(delegations, "keys", json_object()) != 0)
		return no_memory(making, "targets");
	if (json_object_set_new(targets, "targets", json_object()) != 0)
		return no_memory(making, "targets");
	place = clear_place(roles);
	drop_unused(json_object_get(delegations, "keys"), roles);
	STP_TRY(check_names(making, roles));
	return making->input->config->has_bins_role ? delegate_to_role(making, delegations, place)
	                                            : delegate_to_bins(making, delegations);
}

/* ------------------------------------------------------------------ all */

int stp_takeover_is_needed(const struct stp_current *current, const char *online_keyid)
{
	return current->is_taken_over && (!current->is_consistent || !current->bin_count ||
	                                  strcmp(current->timestamp_keyid, online_keyid) != 0);
}

enum stp_errc stp_takeover_make(struct stp_takeover *takeover,
                                const struct stp_takeover_input *input, struct stp_err *err)
{
	struct making making = {input, takeover, err};

	memset(takeover, 0, sizeof(*takeover));
	STP_TRY(make_root(&making));
	STP_TRY(make_targets(&making));
	return input->config->has_bins_role ? make_bins(&making) : STP_OK;
}

void stp_takeover_release(struct stp_takeover *takeover)
{
	json_decref(takeover->root);
	json_decref(takeover->targets);
	json_decref(takeover->bins);
	memset(takeover, 0, sizeof(*takeover));
}
