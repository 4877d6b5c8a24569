/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/role_json.h"

#include <string.h>

#include "scheme/public_key.h"

/* ------------------------------------------------------------------ where it is */

static struct stp_role_json role_json(json_t *object, json_t *keys)
{
	return (struct stp_role_json){object, json_object_get(object, "keyids"), keys};
}

struct stp_role_json stp_role_json_of_root(const json_t *root, const char *name)
{
	return role_json(json_object_get(json_object_get(root, "roles"), name),
	                 json_object_get(root, "keys"));
}

struct stp_role_json stp_role_json_delegated(const json_t *document, const char *name)
{
	const json_t *delegations = json_object_get(document, "delegations");
	json_t *role;
	size_t i;

	json_array_foreach(json_object_get(delegations, "roles"), i, role)
	{
		const char *other = json_string_value(json_object_get(role, "name"));

		if (other && strcmp(other, name) == 0)
			return role_json(role, json_object_get(delegations, "keys"));
	}
	return (struct stp_role_json){NULL, NULL, NULL};
}

int stp_role_json_is_bin(const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));
	const char *dash = name ? strrchr(name, '-') : NULL;
	size_t digits = dash ? strlen(dash + 1) : 0;

	return digits >= 1 && digits <= 5 && strspn(dash + 1, "0123456789abcdef") == digits &&
	       json_object_get(role, "path_hash_prefixes") && !json_object_get(role, "paths");
}

struct stp_role_json stp_role_json_bins(const json_t *document)
{
	const json_t *delegations = json_object_get(document, "delegations");
	json_t *succinct = json_object_get(delegations, "succinct_roles");
	json_t *keys = json_object_get(delegations, "keys");
	json_t *role;
	size_t i;

	if (succinct)
		return role_json(succinct, keys);
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
	{
		if (stp_role_json_is_bin(role))
			return role_json(role, keys);
	}
	return (struct stp_role_json){NULL, NULL, NULL};
}

/* ------------------------------------------------------------------ keys */

json_t *stp_key_json(const struct stp_key_object *key)
{
	return json_pack("{s:s,s:{s:s%},s:s}", "keytype", key->scheme->keytype, "keyval", "public",
	                 key->public_text, key->public_chars, "scheme", key->scheme->scheme);
}

/* The identity (scheme/public_key.h) of a key; 0 when it cannot be read. */
static int identity_of(const char *keytype, const char *scheme, const char *text, size_t chars,
                       uint8_t out[32])
{
	struct stp_public_key key;

	if (!keytype || !scheme || !text || stp_public_key_load(&key, keytype, scheme, text, chars))
		return 0;
	memcpy(out, key.identity, sizeof(key.identity));
	stp_public_key_release(&key);
	return 1;
}

/* Whether the object in JSON is key, whatever their keyids. */
static int is_same_key(const json_t *object, const struct stp_key_object *key)
{
	const json_t *public = json_object_get(json_object_get(object, "keyval"), "public");
	uint8_t one[32];
	uint8_t other[32];

	return identity_of(json_string_value(json_object_get(object, "keytype")),
	                   json_string_value(json_object_get(object, "scheme")),
	                   json_string_value(public), json_string_length(public), one) &&
	       identity_of(key->scheme->keytype, key->scheme->scheme, key->public_text,
	                   key->public_chars, other) &&
	       memcmp(one, other, sizeof(one)) == 0;
}

int stp_role_json_has(const struct stp_role_json *role, const struct stp_key_object *key)
{
	const json_t *item;
	size_t i;

	json_array_foreach(role->keyids, i, item)
	{
		const char *keyid = json_string_value(item);

		if (keyid && (strcmp(keyid, key->keyid) == 0 ||
		              is_same_key(json_object_get(role->keys, keyid), key)))
			return 1;
	}
	return 0;
}

const char *stp_role_json_add(const struct stp_role_json *role, const struct stp_key_object *key)
{
	const json_t *there = json_object_get(role->keys, key->keyid);
	size_t at;

	if (!role->object)
		return "the published metadata has no such role";
	if (there && !is_same_key(there, key))
		return "another key has its keyid in the published metadata, which must be put "
		       "right first";
	for (at = 0; at < json_array_size(role->keyids); at++) {
		const char *other = json_string_value(json_array_get(role->keyids, at));

		if (other && strcmp(other, key->keyid) > 0)
			break;
	}
	if (json_array_insert_new(role->keyids, at, json_string(key->keyid)) != 0 ||
	    (!there && json_object_set_new(role->keys, key->keyid, stp_key_json(key)) != 0))
		return "no memory";
	return NULL;
}

int stp_role_json_remove(const struct stp_role_json *role, const char *keyid)
{
	const json_t *item;
	size_t i;

	json_array_foreach(role->keyids, i, item)
	{
		const char *other = json_string_value(item);

		if (other && strcmp(other, keyid) == 0)
			return json_array_remove(role->keyids, i) == 0;
	}
	return 0;
}

int stp_role_json_only(const struct stp_role_json *role, const struct stp_key_object *key)
{
	return role->object &&
	       json_object_set_new(role->object, "keyids", json_pack("[s]", key->keyid)) == 0 &&
	       json_object_set_new(role->object, "threshold", json_integer(1)) == 0 &&
	       (json_object_get(role->keys, key->keyid) ||
	        json_object_set_new(role->keys, key->keyid, stp_key_json(key)) == 0);
}

/* ------------------------------------------------------------------ keys that left */

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

static int is_used(const json_t *roles, const json_t *other, const char *keyid)
{
	const char *name;
	json_t *role;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)roles, name, role)
	{
		if (names(role, keyid))
			return 1;
	}
	json_array_foreach(roles, i, role)
	{
		if (names(role, keyid))
			return 1;
	}
	return names(other, keyid);
}

void stp_role_json_drop_unused(json_t *keys, const json_t *roles, const json_t *other)
{
	const char *keyid;
	json_t *key;
	void *next;

	json_object_foreach_safe(keys, next, keyid, key)
	{
		if (!is_used(roles, other, keyid))
			json_object_del(keys, keyid);
	}
}
