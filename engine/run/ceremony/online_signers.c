/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/online_signers.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "run/online_keys.h"
#include "run/rotation.h"

#define STAGE     "ceremony"
#define UNTOUCHED "Nothing was published"

static const char *const role_names[STP_ONLINE_ROLES] = {"bin-n", "snapshot", "timestamp"};

static const char *keyid_of(const struct stp_current *current, size_t role)
{
	const char *const keyids[STP_ONLINE_ROLES] = {
	    [STP_ONLINE_BIN_N] = current->bin_keyid,
	    [STP_ONLINE_SNAPSHOT] = current->snapshot_keyid,
	    [STP_ONLINE_TIMESTAMP] = current->timestamp_keyid,
	};

	return keyids[role];
}

static int changes(const struct stp_online_stage *stage, size_t role)
{
	return stage->before && keyid_of(stage->after, role)[0] &&
	       strcmp(keyid_of(stage->before, role), keyid_of(stage->after, role)) != 0;
}

/* *out_keyid is that of the key in the file of uri. */
static enum stp_errc read_keyid(const struct stp_online_stage *stage, size_t role, const char *uri,
                                char out_keyid[STP_KEYID_CHARS + 1], struct stp_err *err)
{
	struct stp_online_keys keys = {.count = 0};
	const struct stp_online_key *key;
	enum stp_errc code =
	    stp_online_keys_open(&keys, stage->repo, (enum stp_online_role)role, uri, &key, err);

	if (code == STP_OK)
		memcpy(out_keyid, key->object.keyid, STP_KEYID_CHARS + 1);
	stp_online_keys_release(&keys);
	return code;
}

static int is_in(const struct stp_online_stage *stage, size_t role, const char *uri)
{
	struct stp_err ignored = STP_ERR_INIT;
	char keyid[STP_KEYID_CHARS + 1];

	return stp_online_key_exists(stage->repo, uri) &&
	       read_keyid(stage, role, uri, keyid, &ignored) == STP_OK &&
	       strcmp(keyid, keyid_of(stage->after, role)) == 0;
}

/* The file that has the key of role; NULL: none of them. */
static const char *find(const struct stp_online_stage *stage, size_t role, const char *named)
{
	const char *const uris[] = {
	    stp_config_signer(stage->config, (enum stp_online_role)role),
	    named,
	    stp_config_signer(stage->config, STP_ONLINE_BIN_N),
	    stp_config_signer(stage->config, STP_ONLINE_SNAPSHOT),
	    stp_config_signer(stage->config, STP_ONLINE_TIMESTAMP),
	    STP_SIGNER_DEFAULT,
	};
	size_t i;

	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		if (is_in(stage, role, uris[i]))
			return uris[i];
	return NULL;
}

/* Says what is wrong with the file where the new key of role should be. */
static enum stp_errc refuse(const struct stp_online_stage *stage, size_t role, const char *named,
                            struct stp_err *err)
{
	const char *keyid = keyid_of(stage->after, role);
	char found[STP_KEYID_CHARS + 1];

	if (!stp_online_key_exists(stage->repo, named))
		return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(named),
		                "is not there, so nothing could be signed after this; put it "
		                "there: the secret key of %.16s…, the new key of %s. " UNTOUCHED,
		                keyid, role_names[role]);
	STP_TRY(read_keyid(stage, role, named, found, err));
	return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(named),
	                "is key %.16s…, but the ceremony made %.16s… the key of %s; put that key "
	                "there. " UNTOUCHED,
	                found, keyid, role_names[role]);
}

/* The key of role is looked for where this ceremony's names say. */
static enum stp_errc find_role(const struct stp_online_stage *stage, size_t role, char *out_uri,
                               struct stp_err *err)
{
	const char *name = stp_payload_key_name(stage->payload, keyid_of(stage->after, role), NULL);
	char named[STP_SIGNER_URI_BYTES_MAX + 1];
	const char *uri;

	if (snprintf(named, sizeof(named), "pem:" STP_KEYS_FOLDER "/%s.pem",
	             name ? name : "online-next") >= (int)sizeof(named))
		return STP_FAIL(err, STP_CONFIG, STAGE, name, "the name is too long");
	uri = find(stage, role, named);
	if (!uri)
		return changes(stage, role) ? refuse(stage, role, named, err) : STP_OK;
	if (strcmp(uri, stp_config_signer(stage->config, (enum stp_online_role)role)) != 0)
		snprintf(out_uri, STP_SIGNER_URI_BYTES_MAX + 1, "%s", uri);
	return STP_OK;
}

/* Until a rotation ends, its keys sign, whatever "signers" says. */
static enum stp_errc check_overlap(const struct stp_online_stage *stage, struct stp_err *err)
{
	struct stp_rotation rotation;
	size_t role;

	STP_TRY(stp_rotation_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &rotation,
	                          err));
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (changes(stage, role) && rotation.roles[role].is_rotated)
			return stp_rotation_check_free(&rotation, 1, "this ceremony", err);
	return STP_OK;
}

enum stp_errc stp_online_signers_find(const struct stp_online_stage *stage,
                                      struct stp_online_signers *out_signers, struct stp_err *err)
{
	size_t role;

	memset(out_signers, 0, sizeof(*out_signers));
	STP_TRY(check_overlap(stage, err));
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (keyid_of(stage->after, role)[0])
			STP_TRY(find_role(stage, role, out_signers->uris[role], err));
	return STP_OK;
}

void stp_online_signers_note(const struct stp_online_signers *signers, struct stp_config *config)
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (signers->uris[role][0])
			config->signers[role] = signers->uris[role];
}
