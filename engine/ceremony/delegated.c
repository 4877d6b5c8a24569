/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/delegated.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void stp_delegated_release(struct stp_delegated *delegated)
{
	size_t i;

	for (i = 0; i < delegated->role_count; i++)
		stp_role_release(&delegated->roles[i]);
	free(delegated->roles);
	stp_key_ring_release(&delegated->ring);
	memset(delegated, 0, sizeof(*delegated));
}

static int same_keys(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "keyids"), json_object_get(b, "keyids")) &&
	       json_equal(json_object_get(a, "threshold"), json_object_get(b, "threshold"));
}

/* Reads the keys of one role. */
static enum stp_errc load_role(struct stp_delegated *delegated, struct stp_document *doc,
                               json_t *role, const char *where, struct stp_err *err)
{
	return stp_role_load(&delegated->roles[delegated->role_count++], &delegated->ring, doc,
	                     role, where, err);
}

static enum stp_errc load_list(struct stp_delegated *delegated, struct stp_document *doc,
                               json_t *roles, struct stp_err *err)
{
	json_t *previous = NULL;
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));
		int is_bins = name && strcmp(name, STP_DELEGATED_BINS) == 0;

		if (!name) {
			stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
			                "delegations.roles holds something without a name");
			continue;
		}
		if (is_bins || !previous || !same_keys(role, previous))
			STP_TRY(load_role(delegated, doc, role, name, err));
		if (is_bins)
			delegated->bins = &delegated->roles[delegated->role_count - 1];
		previous = role;
	}
	return STP_OK;
}

enum stp_errc stp_delegated_load(struct stp_delegated *delegated, struct stp_document *doc,
                                 struct stp_err *err)
{
	json_t *object = json_object_get(doc->body_json, "delegations");
	json_t *roles = json_object_get(object, "roles");
	json_t *succinct = json_object_get(object, "succinct_roles");
	json_t *keys;

	memset(delegated, 0, sizeof(*delegated));
	if (!object)
		return STP_OK;
	keys = stp_document_member(doc, object, "delegations", "keys", JSON_OBJECT);
	if (!keys)
		return STP_OK;
	STP_TRY(stp_key_ring_load(&delegated->ring, doc, keys, "delegations.keys", err));
	delegated->roles = calloc(json_array_size(roles) + 1, sizeof(*delegated->roles));
	if (!delegated->roles)
		return STP_FAIL_ERRNO(err, ENOMEM, "ceremony", doc->name,
		                      "cannot read delegations");
	if (json_is_object(succinct))
		STP_TRY(load_role(delegated, doc, succinct, "succinct_roles", err));
	return load_list(delegated, doc, roles, err);
}
