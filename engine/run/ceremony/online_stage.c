/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/online_stage.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ceremony/tally.h"
#include "hash/hash.h"
#include "run/freeze.h"
#include "run/online_keys.h"
#include "run/rotation.h"

#define STAGE "ceremony"

static const char *const role_names[STP_ONLINE_ROLES] = {"bin-n", "snapshot", "timestamp"};

static const struct stp_payload_document *document(const struct stp_online_stage *stage,
                                                   enum stp_payload_role role)
{
	return stp_payload_document(stage->payload, role);
}

/* ------------------------------------------------------------------ staged before */

static int is_staged(const struct stp_online_stage *stage, const struct stp_rotation *rotation)
{
	size_t found = 0;
	size_t role;
	size_t i;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		for (i = 0; i < rotation->file_count; i++) {
			const struct stp_payload_document *item =
			    document(stage, (enum stp_payload_role)role);
			uint8_t sha256[32];

			if (!item || strcmp(item->name, rotation->files[i].name) != 0)
				continue;
			stp_hash_one(STP_ALG_SHA256, stage->files[role].data,
			             stage->files[role].count, sha256);
			found += memcmp(sha256, rotation->files[i].sha256, sizeof(sha256)) == 0;
		}
	return found == stage->payload->document_count && found == rotation->file_count;
}

/* Notes after a theft that the new keys are staged: sign goes on. */
static enum stp_errc release_freeze(const struct stp_online_stage *stage, struct stp_freeze *freeze,
                                    const struct stp_rotation *rotation, struct stp_err *err)
{
	const struct stp_rotation_key *next = &rotation->roles[STP_ONLINE_TIMESTAMP].next;

	freeze->step = STP_FREEZE_STAGED;
	memcpy(freeze->next, next->keyid, sizeof(freeze->next));
	memcpy(freeze->uri, next->uri, sizeof(freeze->uri));
	return stp_freeze_save(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), freeze, err);
}

enum stp_errc stp_online_stage_check(const struct stp_online_stage *stage, int *out_staged,
                                     struct stp_err *err)
{
	struct stp_rotation rotation;
	struct stp_freeze freeze;

	STP_TRY(stp_rotation_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &rotation,
	                          err));
	STP_TRY(
	    stp_freeze_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &freeze, err));
	*out_staged = rotation.phase == STP_ROTATION_STAGED && is_staged(stage, &rotation);
	/* After a theft, the rotation that was under way is given up. */
	if (freeze.step == STP_FREEZE_BEGUN)
		return *out_staged && rotation.is_stolen
		           ? release_freeze(stage, &freeze, &rotation, err)
		           : STP_OK;
	return *out_staged ? STP_OK : stp_rotation_check_free(&rotation, 0, "this ceremony", err);
}

/* ------------------------------------------------------------------ what changes */

static int same_role(const struct stp_role *a, const struct stp_role *b)
{
	size_t i;

	if (a->key_count != b->key_count || a->threshold != b->threshold)
		return 0;
	for (i = 0; i < a->key_count; i++)
		if (!stp_tally_role_has(b, a->keys[i]))
			return 0;
	return 1;
}

static const char *keyid_of(const struct stp_current *current, enum stp_online_role role)
{
	const char *const keyids[STP_ONLINE_ROLES] = {
	    [STP_ONLINE_BIN_N] = current->bin_keyid,
	    [STP_ONLINE_SNAPSHOT] = current->snapshot_keyid,
	    [STP_ONLINE_TIMESTAMP] = current->timestamp_keyid,
	};

	return keyids[role];
}

static int changes(const struct stp_online_stage *stage, enum stp_online_role role)
{
	return strcmp(keyid_of(stage->before, role), keyid_of(stage->after, role)) != 0;
}

/* Nothing may replace online keys, whatever else it changes, while the last ones take over: clients
 * that know only the root before would find no signature that they trust. */
static enum stp_errc check_overlap(const struct stp_online_stage *stage, struct stp_err *err)
{
	struct stp_rotation rotation;
	enum stp_online_role role;

	for (role = 0; role < STP_ONLINE_ROLES && !changes(stage, role); role++)
		;
	if (role == STP_ONLINE_ROLES &&
	    same_role(&stage->trust_before->root.snapshot, &stage->trust_after->root.snapshot) &&
	    same_role(&stage->trust_before->root.timestamp, &stage->trust_after->root.timestamp))
		return STP_OK;
	STP_TRY(stp_rotation_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &rotation,
	                          err));
	return stp_rotation_check_free(&rotation, 1, "a ceremony that changes online keys", err);
}

/* Whether online keys are all that changes, one key in place of one. */
static int is_rotation(const struct stp_online_stage *stage)
{
	const struct stp_trust *before = stage->trust_before;
	const struct stp_trust *after = stage->trust_after;
	enum stp_payload_role delegator = before->has_bins ? STP_PAYLOAD_BINS : STP_PAYLOAD_TARGETS;
	int root = changes(stage, STP_ONLINE_SNAPSHOT) || changes(stage, STP_ONLINE_TIMESTAMP);
	int bins = changes(stage, STP_ONLINE_BIN_N);
	enum stp_online_role role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (!keyid_of(stage->before, role)[0] || !keyid_of(stage->after, role)[0])
			return 0;
	return (root || bins) && (document(stage, STP_PAYLOAD_ROOT) != NULL) == root &&
	       (document(stage, delegator) != NULL) == bins &&
	       stage->payload->document_count == (size_t)root + (size_t)bins &&
	       stage->before->bin_count == stage->after->bin_count &&
	       same_role(&before->root.root, &after->root.root) &&
	       same_role(&before->root.targets, &after->root.targets) &&
	       (!before->has_bins || same_role(&before->bins_role, &after->bins_role));
}

/* ------------------------------------------------------------------ both keys */

/* Opens the new key of role: keys/NAME.pem. */
static enum stp_errc open_next(const struct stp_online_stage *stage, struct stp_online_keys *keys,
                               enum stp_online_role role, struct stp_rotation_key *out,
                               struct stp_err *err)
{
	const char *keyid = keyid_of(stage->after, role);
	const char *name = stp_payload_key_name(stage->payload, keyid, NULL);
	const struct stp_online_key *key;
	char file[STP_KEY_NAME_BYTES_MAX + 8];

	snprintf(file, sizeof(file), "%s.pem", name ? name : "online-next");
	snprintf(out->uri, sizeof(out->uri), "pem:" STP_KEYS_FOLDER "/%s", file);
	memcpy(out->keyid, keyid, sizeof(out->keyid));
	if (!stp_file_exists(stage->repo->keys_fd, file))
		return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(out->uri),
		                "is not there: put the secret key of %.16s…, the new key of %s, "
		                "there, so that it takes over without a moment in which clients "
		                "fail",
		                keyid, role_names[role]);
	STP_TRY(stp_online_keys_open(keys, stage->repo, role, out->uri, &key, err));
	if (strcmp(key->object.keyid, keyid) != 0)
		return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(out->uri),
		                "is key %.16s…, but the ceremony made %.16s… the key of %s; put "
		                "that key there",
		                key->object.keyid, keyid, role_names[role]);
	return STP_OK;
}

/* *out_gone: the old key is lost, or was replaced by hand. */
static enum stp_errc set_role(const struct stp_online_stage *stage, struct stp_online_keys *keys,
                              enum stp_online_role role, struct stp_rotation_role *item,
                              int *out_gone, struct stp_err *err)
{
	const char *uri = stp_config_signer(stage->config, role);
	const char *published = keyid_of(stage->before, role);
	const struct stp_online_key *former;

	*out_gone = !stp_online_key_exists(stage->repo, uri);
	if (*out_gone)
		return STP_OK;
	STP_TRY(stp_online_keys_open(keys, stage->repo, role, uri, &former, err));
	*out_gone = strcmp(former->object.keyid, published) != 0;
	if (*out_gone)
		return STP_OK;
	item->is_rotated = 1;
	memcpy(item->former.uri, former->uri, sizeof(item->former.uri));
	memcpy(item->former.keyid, published, sizeof(item->former.keyid));
	return open_next(stage, keys, role, &item->next, err);
}

/* After a theft the old key is not needed. */
static enum stp_errc set_stolen(const struct stp_online_stage *stage, struct stp_online_keys *keys,
                                const struct stp_rotation *now, enum stp_online_role role,
                                struct stp_rotation_role *item, struct stp_err *err)
{
	item->is_rotated = 1;
	snprintf(item->former.uri, sizeof(item->former.uri), "%s",
	         stp_rotation_signer(now, stage->config, role));
	memcpy(item->former.keyid, keyid_of(stage->before, role), sizeof(item->former.keyid));
	return open_next(stage, keys, role, &item->next, err);
}

/* After a theft no stolen key may stay, or clients that saw what the thief signed stay stuck
 * (specification section 5.3.11). A role of several keys has keyid "". */
static enum stp_errc check_replaced(const struct stp_online_stage *stage,
                                    const struct stp_freeze *freeze, struct stp_err *err)
{
	enum stp_online_role role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const char *keyid = keyid_of(stage->after, role);

		if (!keyid[0] || stp_freeze_is_stolen(freeze, keyid))
			return STP_FAIL(
			    stp_hinted(err, STP_HINT_ROTATE_STOLEN), STP_REFUSED, STAGE,
			    role_names[role],
			    "keeps the key that was stolen: clients that saw what the thief signed "
			    "stay stuck, unless one new key replaces those of timestamp, snapshot "
			    "and bin-n together: %s",
			    stp_hint_text(STP_HINT_ROTATE_STOLEN));
	}
	if (is_rotation(stage))
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_ROTATE_STOLEN), STP_REFUSED, STAGE, "root",
	                "changes more than the online keys, which were stolen; replace them first, "
	                "by a ceremony of their own: %s",
	                stp_hint_text(STP_HINT_ROTATE_STOLEN));
}

static enum stp_errc stage_all(const struct stp_online_stage *stage, struct stp_online_keys *keys,
                               struct stp_freeze *freeze, int *out_staged, struct stp_err *err)
{
	struct stp_rotation rotation = {.started = stage->now,
	                                .overlap_seconds = STP_ROTATION_OVERLAP_S};
	struct stp_rotation_document documents[STP_PAYLOAD_ROLES];
	enum stp_online_role role;
	struct stp_rotation now;
	int is_gone = 0;
	size_t count = 0;
	size_t i;

	STP_TRY(
	    stp_rotation_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &now, err));
	rotation.is_stolen = freeze->step == STP_FREEZE_BEGUN;
	if (rotation.is_stolen)
		rotation.overlap_seconds = 0;
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (rotation.is_stolen)
			STP_TRY(set_stolen(stage, keys, &now, role, &rotation.roles[role], err));
		else if (changes(stage, role) && !is_gone)
			STP_TRY(set_role(stage, keys, role, &rotation.roles[role], &is_gone, err));
	if (is_gone)
		return STP_OK;
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		const struct stp_payload_document *item = document(stage, (enum stp_payload_role)i);

		if (item)
			documents[count++] =
			    (struct stp_rotation_document){item->name, stage->files[i].data,
			                                   stage->files[i].count};
	}
	STP_TRY(stp_rotation_stage(stage->repo, stp_seal_key_bytes(stage->seal), &rotation,
	                           documents, count, err));
	*out_staged = 1;
	return rotation.is_stolen ? release_freeze(stage, freeze, &rotation, err) : STP_OK;
}

enum stp_errc stp_online_stage_make(const struct stp_online_stage *stage, int *out_staged,
                                    struct stp_err *err)
{
	struct stp_online_keys keys = {.count = 0};
	struct stp_freeze freeze;
	enum stp_errc code;

	*out_staged = 0;
	STP_TRY(
	    stp_freeze_load(stage->repo->state_fd, stp_seal_key_bytes(stage->seal), &freeze, err));
	if (freeze.step == STP_FREEZE_BEGUN)
		STP_TRY(check_replaced(stage, &freeze, err));
	else
		STP_TRY(check_overlap(stage, err));
	if (!is_rotation(stage))
		return STP_OK;
	code = stage_all(stage, &keys, &freeze, out_staged, err);
	stp_online_keys_release(&keys);
	return code;
}
