/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/staging.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "run/online_keys.h"
#include "trust/floors.h"

#define STAGE "ceremony"

struct search {
	const struct stp_staging *staging;
	const char *keyid;
	enum stp_online_role role;
	struct stp_rotation_key *out;
	int found;
};

/* Whether the key file of uri can be opened for role and has the key keyid. */
static int holds(const struct stp_repo *repo, enum stp_online_role role, const char *uri,
                 const char *keyid)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_online_keys keys = {.count = 0};
	const struct stp_online_key *key;
	int same = stp_online_keys_open(&keys, repo, role, uri, &key, &ignored) == STP_OK &&
	           strcmp(key->object.keyid, keyid) == 0;

	stp_online_keys_release(&keys);
	return same;
}

static void set_key(struct stp_rotation_key *out, const char *uri, const char *keyid)
{
	snprintf(out->uri, sizeof(out->uri), "%s", uri);
	snprintf(out->keyid, sizeof(out->keyid), "%s", keyid);
}

static enum stp_errc look_at(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct search *search = ctx;
	size_t count = strlen(name);
	char uri[STP_SIGNER_URI_BYTES_MAX + 1];

	(void)folder_fd;
	(void)err;
	if (search->found || count <= 4 || strcmp(name + count - 4, ".pem") != 0 ||
	    snprintf(uri, sizeof(uri), "pem:" STP_KEYS_FOLDER "/%s", name) >= (int)sizeof(uri))
		return STP_OK;
	if (holds(search->staging->repo, search->role, uri, search->keyid)) {
		set_key(search->out, uri, search->keyid);
		search->found = 1;
	}
	return STP_OK;
}

/* Fills the role if its key changes; 0: a key that is needed is not on this machine. */
static enum stp_errc plan_role(const struct stp_staging *staging, enum stp_online_role role,
                               const char *before, const char *after, struct stp_rotation_role *out,
                               int *out_can, struct stp_err *err)
{
	const char *uri = stp_config_signer(staging->config, role);
	struct search search = {staging, after, role, &out->next, 0};

	if (strcmp(before, after) == 0)
		return STP_OK;
	out->is_rotated = 1;
	set_key(&out->former, uri, before);
	STP_TRY(
	    stp_folder_each(staging->repo->keys_fd, STAGE, STP_KEYS_FOLDER, look_at, &search, err));
	*out_can &= before[0] && search.found && holds(staging->repo, role, uri, before);
	return STP_OK;
}

/* Whether this very ceremony is staged already. */
static int is_same(const struct stp_staging *staging, const struct stp_rotation *rotation)
{
	size_t i;

	if (rotation->phase != STP_ROTATION_STAGED ||
	    rotation->file_count != staging->document_count)
		return 0;
	for (i = 0; i < rotation->file_count; i++) {
		const struct stp_rotation_document *document = &staging->documents[i];
		struct stp_pin pin = stp_pin_of(1, document->bytes, document->count);

		if (strcmp(rotation->files[i].name, document->name) != 0 ||
		    memcmp(rotation->files[i].sha256, pin.sha256, sizeof(pin.sha256)) != 0)
			return 0;
	}
	return 1;
}

enum stp_errc stp_staging_try(const struct stp_staging *staging, int *out_is_staged,
                              struct stp_err *err)
{
	const struct stp_current *before = staging->before;
	const struct stp_current *after = staging->after;
	struct stp_rotation rotation = {.started = staging->now,
	                                .overlap_seconds = STP_ROTATION_OVERLAP_S};
	struct stp_rotation_role *roles = rotation.roles;
	int can =
	    before->timestamp_version != 0 && staging->document_count <= STP_ROTATION_FILES_MAX;
	struct stp_rotation now;

	*out_is_staged = 0;
	STP_TRY(stp_rotation_load(staging->repo->state_fd, staging->seal_key, &now, err));
	*out_is_staged = is_same(staging, &now);
	if (*out_is_staged)
		return STP_OK;
	STP_TRY(stp_rotation_check_free(&now, 0, "this ceremony", err));
	STP_TRY(plan_role(staging, STP_ONLINE_BIN_N, before->bin_keyid, after->bin_keyid,
	                  &roles[STP_ONLINE_BIN_N], &can, err));
	STP_TRY(plan_role(staging, STP_ONLINE_SNAPSHOT, before->snapshot_keyid,
	                  after->snapshot_keyid, &roles[STP_ONLINE_SNAPSHOT], &can, err));
	STP_TRY(plan_role(staging, STP_ONLINE_TIMESTAMP, before->timestamp_keyid,
	                  after->timestamp_keyid, &roles[STP_ONLINE_TIMESTAMP], &can, err));
	if (!can ||
	    (!roles[STP_ONLINE_BIN_N].is_rotated && !roles[STP_ONLINE_SNAPSHOT].is_rotated &&
	     !roles[STP_ONLINE_TIMESTAMP].is_rotated))
		return STP_OK;
	STP_TRY(stp_rotation_stage(staging->repo, staging->seal_key, &rotation, staging->documents,
	                           staging->document_count, err));
	*out_is_staged = 1;
	return STP_OK;
}
