/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/delegate.h"

#include <stdio.h>

#include "roles/roles.h"
#include "run/ceremony/role_json.h"

#define STAGE "ceremony"

/* The hash prefixes of bin index: all with as many digits as its name. */
static json_t *prefixes_of(const struct stp_config *config, uint32_t index)
{
	unsigned digits = (config->bin_bits + 3) / 4;
	uint32_t each = UINT32_C(1) << (digits * 4 - config->bin_bits);
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < each; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%0*x", (int)digits, index * each + i);
		if (json_array_append_new(list, json_string(text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* One bin with the keys of keys. */
static json_t *bin_json(const struct stp_config *config, uint32_t index,
                        const struct stp_role_json *keys)
{
	char name[STP_BIN_NAME_BYTES];
	/* Roles of another tool after the bins must still be found. */
	int leads_on = json_is_false(json_object_get(keys->object, "terminating"));

	stp_bin_name(config, index, name);
	return json_pack("{s:o,s:s,s:o,s:b,s:O}", "keyids", json_deep_copy(keys->keyids), "name",
	                 name, "path_hash_prefixes", prefixes_of(config, index), "terminating",
	                 !leads_on, "threshold", json_object_get(keys->object, "threshold"));
}

/* Takes the bins out of "roles"; returns how many other roles stay. */
static size_t remove_bins(json_t *roles)
{
	size_t i = json_array_size(roles);

	while (i-- > 0)
		if (stp_role_json_is_bin(json_array_get(roles, i)))
			json_array_remove(roles, i);
	return json_array_size(roles);
}

static int set_succinct(json_t *delegations, const struct stp_config *config,
                        const struct stp_role_json *keys)
{
	json_t *succinct = json_object_get(delegations, "succinct_roles");

	if (!succinct) {
		json_object_del(delegations, "roles");
		succinct = json_pack("{s:o,s:O}", "keyids", json_deep_copy(keys->keyids),
		                     "threshold", json_object_get(keys->object, "threshold"));
		if (json_object_set_new(delegations, "succinct_roles", succinct) != 0)
			return 0;
	}
	return json_object_set_new(succinct, "bit_length", json_integer(config->bin_bits)) == 0 &&
	       json_object_set_new(succinct, "name_prefix", json_string(config->bin_prefix)) == 0;
}

static int set_prefixes(json_t *delegations, const struct stp_config *config,
                        const struct stp_role_json *keys)
{
	json_t *roles = json_object_get(delegations, "roles");
	uint32_t i;

	if (!roles) {
		roles = json_array();
		if (json_object_set_new(delegations, "roles", roles) != 0)
			return 0;
	}
	for (i = 0; i < stp_bin_count(config); i++)
		if (json_array_append_new(roles, bin_json(config, i, keys)) != 0)
			return 0;
	json_object_del(delegations, "succinct_roles");
	return 1;
}

enum stp_errc stp_delegate_bins(json_t *document, const struct stp_config *config,
                                struct stp_err *err)
{
	json_t *delegations = json_object_get(document, "delegations");
	struct stp_role_json now = stp_role_json_bins(document);
	struct stp_role_json keys = {json_deep_copy(now.object), NULL, NULL};
	int is_succinct = config->delegation == STP_DELEGATION_SUCCINCT;
	size_t others;
	int good;

	if (!now.object || !keys.object) {
		json_decref(keys.object);
		return STP_FAIL(err, STP_CONFIG, STAGE, "bins",
		                "the published metadata does not delegate to bins");
	}
	keys.keyids = json_object_get(keys.object, "keyids");
	others = remove_bins(json_object_get(delegations, "roles"));
	good = is_succinct ? !others && set_succinct(delegations, config, &keys)
	                   : set_prefixes(delegations, config, &keys);
	json_decref(keys.object);
	if (is_succinct && others)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"delegation\": cannot be succinct next to %zu other delegated "
		                "roles; set it to prefixes",
		                others);
	return good ? STP_OK : STP_FAIL_ERRNO(err, ENOMEM, STAGE, "bins", "no memory");
}

int stp_delegate_key(json_t *document, const struct stp_key_object *key)
{
	json_t *delegations = json_object_get(document, "delegations");
	json_t *keys = json_object_get(delegations, "keys");
	json_t *succinct = json_object_get(delegations, "succinct_roles");
	json_t *role;
	size_t i;

	if (succinct) {
		struct stp_role_json bins = {succinct, NULL, keys};

		return stp_role_json_only(&bins, key);
	}
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
	{
		struct stp_role_json bin = {role, NULL, keys};

		if (stp_role_json_is_bin(role) && !stp_role_json_only(&bin, key))
			return 0;
	}
	return 1;
}
