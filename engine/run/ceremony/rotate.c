/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotate: stages a new key for online roles (run/rotation.h).
 *
 *	NAME.key.json, NAME.pem ─▶ new root, new bins (targets) ─▶ shown ─▶ signed by the offline
 *	keys ─▶ state/staged
 *
 * Nothing that clients see changes here.
 */
#include "stampede/rotate.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "cjson/encoding.h"
#include "keys/key_description.h"
#include "run/ceremony/bodies.h"
#include "run/ceremony/ceremony_view.h"
#include "run/ceremony/secret_path.h"
#include "run/freeze.h"
#include "run/offline_keys.h"
#include "run/online_keys.h"
#include "run/rotation.h"
#include "run/trusted.h"
#include "sign/sealed.h"
#include "stampede/ceremony.h"
#include "stampede/init.h"

#define STAGE "rotate"

struct rotate {
	const struct stp_rotate_options *options;
	struct stp_rotate_report *report;
	int64_t now;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_seal_key *seal;
	struct stp_trust trust;
	struct stp_current current;
	int has_trust;
	int offline_fds[STP_INIT_FOLDERS_MAX];
	size_t offline_count;
	struct stp_key_description next;
	char next_uri[STP_SIGNER_URI_BYTES_MAX + 1];
	struct stp_online_keys online;
	struct stp_freeze freeze;   /* the keys that are replaced were stolen */
	struct stp_rotation before; /* the last one, which is given up after a theft */
	struct stp_rotation rotation;
	struct stp_bodies bodies;
	struct stp_offline_keys offline[STP_PAYLOAD_ROLES]; /* those that sign each new body */
	struct stp_sealed sealed[STP_PAYLOAD_ROLES];
};

static const unsigned role_bits[STP_ONLINE_ROLES] = {
    [STP_ONLINE_BIN_N] = STP_ROTATE_BINS,
    [STP_ONLINE_SNAPSHOT] = STP_ROTATE_SNAPSHOT,
    [STP_ONLINE_TIMESTAMP] = STP_ROTATE_TIMESTAMP,
};
static const char *const role_names[STP_ONLINE_ROLES] = {"bin-n", "snapshot", "timestamp"};

static int wants(const struct rotate *rotate, size_t role)
{
	return !rotate->options->roles || (rotate->options->roles & role_bits[role]);
}

/* ------------------------------------------------------------------ what is published */

static enum stp_errc open_folders(struct rotate *rotate, struct stp_err *err)
{
	const struct stp_rotate_options *options = rotate->options;
	size_t i;

	if (!options->offline_folder_count) {
		if (!stp_file_exists(rotate->repo.root_fd, STP_OFFLINE_KEYS_FOLDER))
			return STP_FAIL(err, STP_KEY, STAGE, STP_OFFLINE_KEYS_FOLDER,
			                "there are no offline keys here: make a payload for their "
			                "holders with %s, or name the folder of the keys with %s",
			                stp_hint_text(STP_HINT_PAYLOAD),
			                stp_hint_text(STP_HINT_OFFLINE_KEYS));
		STP_TRY(stp_folder_open(rotate->repo.root_fd, STP_OFFLINE_KEYS_FOLDER, STAGE,
		                        &rotate->offline_fds[0], err));
		rotate->offline_count = 1;
		return STP_OK;
	}
	if (options->offline_folder_count > STP_INIT_FOLDERS_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_OFFLINE_KEYS),
		                "is given more than %d times", STP_INIT_FOLDERS_MAX);
	for (i = 0; i < options->offline_folder_count; i++) {
		int fd = open(options->offline_folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_CONFIG, STAGE,
			                options->offline_folders[i],
			                "cannot open the folder of %s (%s); mount it, or name "
			                "another",
			                stp_hint_text(STP_HINT_OFFLINE_KEYS), strerror(errno));
		rotate->offline_fds[rotate->offline_count++] = fd;
	}
	return STP_OK;
}

/* After a theft all online keys are replaced, by one that was not stolen. Clients that saw a
 * version of the thief's come back only if timestamp, snapshot and bins change together, and the
 * stolen key is gone (specification section 5.3.11). */
static enum stp_errc open_freeze(struct rotate *rotate, struct stp_err *err)
{
	STP_TRY(stp_freeze_load(rotate->repo.state_fd, stp_seal_key_bytes(rotate->seal),
	                        &rotate->freeze, err));
	rotate->rotation.is_stolen = rotate->freeze.step == STP_FREEZE_BEGUN;
	if (!rotate->rotation.is_stolen || !rotate->options->roles ||
	    rotate->options->roles ==
	        (STP_ROTATE_TIMESTAMP | STP_ROTATE_SNAPSHOT | STP_ROTATE_BINS))
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, "roles",
	                "some only: the online key was stolen, and clients that saw what the thief "
	                "signed stay stuck unless the keys of timestamp, snapshot and bins are "
	                "replaced together; name no roles");
}

static enum stp_errc open_all(struct rotate *rotate, struct stp_err *err)
{
	STP_TRY(stp_repo_open(rotate->options->repo, STP_REPO_LOCK, "rotate", &rotate->repo, err));
	STP_TRY(stp_config_load(&rotate->config, rotate->repo.root_fd, err));
	STP_TRY(stp_seal_key_load(rotate->repo.keys_fd, STP_LEDGER_KEY_FILE, &rotate->seal, err));
	STP_TRY(stp_rotation_load(rotate->repo.state_fd, stp_seal_key_bytes(rotate->seal),
	                          &rotate->before, err));
	STP_TRY(open_freeze(rotate, err));
	if (!rotate->rotation.is_stolen)
		STP_TRY(stp_rotation_check_free(&rotate->before, 1, "another rotation", err));
	STP_TRY(stp_trusted_load(&rotate->trust, &rotate->repo, &rotate->config, STP_TRUSTED_PINNED,
	                         NULL, rotate->seal, &rotate->current, err));
	rotate->has_trust = 1;
	STP_TRY(stp_current_check_clock(&rotate->current, rotate->now, 0, err));
	return STP_OK;
}

/* ------------------------------------------------------------------ the new key */

/* Finds NAME.pem beside the description, or else in REPO/keys. */
static enum stp_errc find_secret(struct rotate *rotate, const char *pem, struct stp_err *err)
{
	const char *slash;
	const char *name;

	if (stp_file_exists(AT_FDCWD, pem))
		return stp_secret_path_uri(rotate->options->repo, pem, rotate->next_uri, err);
	slash = strrchr(pem, '/');
	name = slash ? slash + 1 : pem;
	if (!stp_file_exists(rotate->repo.keys_fd, name))
		return STP_FAIL(err, STP_KEY, STAGE, pem,
		                "is not there, nor is a file of that name in REPO/keys: sign needs "
		                "the secret key on this machine; put it into REPO/keys");
	if (snprintf(rotate->next_uri, sizeof(rotate->next_uri), "pem:" STP_KEYS_FOLDER "/%s",
	             name) >= (int)sizeof(rotate->next_uri))
		return STP_FAIL(err, STP_CONFIG, STAGE, pem, "the name is too long");
	return STP_OK;
}

/* The key of a holder stays off this machine: said before its secret is asked for. */
static enum stp_errc check_not_offline(const struct rotate *rotate, struct stp_err *err)
{
	const struct stp_trust *trust = &rotate->trust;
	const struct stp_role *const roles[STP_PAYLOAD_ROLES] = {
	    &trust->root.root, &trust->root.targets, trust->has_bins ? &trust->bins_role : NULL};
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (roles[role] &&
		    stp_role_key(roles[role], rotate->next.object.keyid, STP_KEYID_CHARS))
			return STP_FAIL(err, STP_KEY, STAGE, rotate->options->online_key,
			                "signs %s, and an offline key is never an online key; make "
			                "one with: %s",
			                stp_payload_role_name((enum stp_payload_role)role),
			                stp_hint_text(STP_HINT_KEY_NEW));
	return STP_OK;
}

/* Makes and checks a signature, as every sign will. */
static enum stp_errc check_signs(const struct stp_online_key *key, struct stp_err *err)
{
	static const char message[] = "{\"_type\":\"stampede-preflight\"}";
	uint8_t signature[STP_SIGNATURE_BYTES_MAX];
	struct stp_sign_message one = {.name = "a preflight message",
	                               .bytes = (const uint8_t *)message,
	                               .count = sizeof(message) - 1,
	                               .signature = signature};
	struct stp_signer *signer;
	enum stp_errc code;

	STP_TRY(stp_online_key_signer(key, &signer, err));
	code = stp_signer_sign(signer, &one, 1, err);
	if (code == STP_OK)
		code = stp_signer_check(signer, &one, 1, err);
	stp_signer_destroy(signer);
	return code;
}

/* Opens the new key as each role will need it. */
static enum stp_errc open_next(struct rotate *rotate, struct stp_err *err)
{
	const char *path = rotate->options->online_key;
	char pem[PATH_MAX];
	size_t role;

	STP_TRY(stp_secret_path_beside(path, pem, err));
	STP_TRY(stp_key_description_read(path, &rotate->next, err));
	if (!rotate->next.is_proven)
		return STP_FAIL(err, STP_KEY, STAGE, path,
		                "is not signed by the key itself, so nothing proves that its "
		                "secret key is at hand; make the key with its description");
	if (stp_freeze_is_stolen(&rotate->freeze, rotate->next.object.keyid))
		return STP_FAIL(err, STP_REFUSED, STAGE, path,
		                "is the key that was stolen; make a new one");
	STP_TRY(check_not_offline(rotate, err));
	STP_TRY(find_secret(rotate, pem, err));
	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const struct stp_online_key *key;

		if (!wants(rotate, role))
			continue;
		STP_TRY(stp_online_keys_open(&rotate->online, &rotate->repo,
		                             (enum stp_online_role)role, rotate->next_uri, &key,
		                             err));
		if (strcmp(key->object.keyid, rotate->next.object.keyid) != 0)
			return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(rotate->next_uri),
			                "is key %.16s…, but %s describes %.16s…; put the two "
			                "files of one key together",
			                key->object.keyid, path, rotate->next.object.keyid);
		STP_TRY(check_signs(key, err));
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ what changes */

static const char *published_key(const struct rotate *rotate, size_t role)
{
	const struct stp_current *current = &rotate->current;
	const char *const keyids[STP_ONLINE_ROLES] = {
	    [STP_ONLINE_BIN_N] = current->bin_keyid,
	    [STP_ONLINE_SNAPSHOT] = current->snapshot_keyid,
	    [STP_ONLINE_TIMESTAMP] = current->timestamp_keyid,
	};

	return keyids[role];
}

/* The old key must be at hand: it signs until the overlap ends. */
static enum stp_errc set_role(struct rotate *rotate, size_t role, struct stp_err *err)
{
	struct stp_rotation_role *item = &rotate->rotation.roles[role];
	const char *uri =
	    stp_rotation_signer(&rotate->before, &rotate->config, (enum stp_online_role)role);
	const char *published = published_key(rotate, role);
	const struct stp_online_key *former = NULL;

	if (strcmp(published, rotate->next.object.keyid) == 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, rotate->options->online_key,
		                "signs %s already; name a new key, or other roles",
		                role_names[role]);
	if (!rotate->rotation.is_stolen)
		STP_TRY(stp_online_keys_open(&rotate->online, &rotate->repo,
		                             (enum stp_online_role)role, uri, &former, err));
	if (!rotate->rotation.is_stolen && strcmp(former->object.keyid, published) != 0)
		return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(uri),
		                "is key %.16s…, but %.16s… is published for %s; restore the key "
		                "that signs now: it has to sign until clients know the new one",
		                former->object.keyid, published, role_names[role]);
	item->is_rotated = 1;
	snprintf(item->former.uri, sizeof(item->former.uri), "%s", uri);
	memcpy(item->former.keyid, published, sizeof(item->former.keyid));
	memcpy(item->next.uri, rotate->next_uri, sizeof(item->next.uri));
	memcpy(item->next.keyid, rotate->next.object.keyid, sizeof(item->next.keyid));
	return STP_OK;
}

static enum stp_errc make_bodies(struct rotate *rotate, struct stp_err *err)
{
	static const enum stp_wish_role wish_roles[STP_ONLINE_ROLES] = {
	    [STP_ONLINE_BIN_N] = STP_WISH_BIN_N,
	    [STP_ONLINE_SNAPSHOT] = STP_WISH_SNAPSHOT,
	    [STP_ONLINE_TIMESTAMP] = STP_WISH_TIMESTAMP,
	};
	const struct stp_trust *trust = &rotate->trust;
	struct stp_bodies_base base = {
	    .published = {trust->root.doc.body_json, trust->targets.body_json,
	                  trust->has_bins ? trust->bins.body_json : NULL},
	    .config = &rotate->config,
	    .now = rotate->now,
	};
	struct stp_wish wishes[STP_ONLINE_ROLES];
	size_t count = 0;
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		if (!wants(rotate, role))
			continue;
		STP_TRY(set_role(rotate, role, err));
		wishes[count++] = (struct stp_wish){.kind = STP_WISH_ONLINE,
		                                    .role = wish_roles[role],
		                                    .key = rotate->next.object,
		                                    .name = rotate->options->online_key};
	}
	return stp_bodies_make(&rotate->bodies, &base, wishes, count, err);
}

/* ------------------------------------------------------------------ who signs */

/* Drops the keys at hand that role does not name. */
static void keep_named(struct stp_offline_keys *offline, const struct stp_role *role)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < offline->count; i++) {
		struct stp_key *key = offline->keys[i];
		struct stp_signer *signer = offline->signers[i];

		if (!stp_role_key(role, offline->public_keys[i].keyid, STP_KEYID_CHARS)) {
			stp_signer_destroy(signer);
			stp_key_destroy(key);
			continue;
		}
		offline->keys[kept] = key;
		offline->signers[kept] = signer;
		offline->public_keys[kept] = offline->public_keys[i];
		kept++;
	}
	offline->count = kept;
}

static enum stp_errc load_offline(struct rotate *rotate, enum stp_payload_role role,
                                  struct stp_err *err)
{
	const struct stp_trust *trust = &rotate->trust;
	const struct stp_role *const named[STP_PAYLOAD_ROLES] = {
	    &trust->root.root, &trust->root.targets, &trust->bins_role};
	struct stp_offline_keys *offline = &rotate->offline[role];
	size_t i;

	offline->role = stp_payload_role_name(role);
	for (i = 0; i < rotate->offline_count; i++)
		STP_TRY(stp_offline_keys_add_folder(offline, rotate->offline_fds[i], err));
	keep_named(offline, named[role]);
	if (offline->count >= named[role]->threshold)
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_KEY, STAGE, offline->role,
	                "%zu of its keys are in the offline folder, but %llu must sign; put them "
	                "there, or name the folder with %s",
	                offline->count, (unsigned long long)named[role]->threshold,
	                stp_hint_text(STP_HINT_OFFLINE_KEYS));
}

/* ------------------------------------------------------------------ shown, signed, staged */

static enum stp_errc show(const struct rotate *rotate, enum stp_payload_role role,
                          struct stp_buf *view, struct stp_err *err)
{
	const struct stp_trust *trust = &rotate->trust;
	const json_t *const before[STP_PAYLOAD_ROLES] = {
	    trust->confirmed.body_json ? trust->confirmed.body_json : trust->root.doc.body_json,
	    trust->targets.body_json, trust->bins.body_json};

	return stp_ceremony_view(stp_payload_role_name(role), before[role],
	                         rotate->bodies.json[role], view, err);
}

/* Shows all that will be signed, root first, and asks. */
static enum stp_errc confirm(const struct rotate *rotate, struct stp_err *err)
{
	struct stp_buf view = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	unsigned role;

	if (!rotate->options->confirm)
		return STP_OK;
	for (role = 0; role < STP_PAYLOAD_ROLES && code == STP_OK; role++)
		if (rotate->bodies.json[role])
			code = show(rotate, (enum stp_payload_role)role, &view, err);
	if (code == STP_OK)
		code = stp_buf_append(&view, "", 1, err);
	if (code == STP_OK &&
	    !rotate->options->confirm(rotate->options->confirm_ctx, (const char *)view.data) &&
	    !rotate->options->dry_run)
		code = STP_FAIL(err, STP_CONFIG, STAGE, rotate->options->repo,
		                "was not confirmed, so nothing was signed");
	stp_buf_release(&view);
	return code;
}

static enum stp_errc sign_body(struct rotate *rotate, enum stp_payload_role role,
                               struct stp_err *err)
{
	const struct stp_offline_keys *offline = &rotate->offline[role];
	const struct stp_buf *body = &rotate->bodies.body[role];
	char name[64];

	snprintf(name, sizeof(name), "%llu.%s.json",
	         (unsigned long long)rotate->bodies.version[role], stp_payload_role_name(role));
	return stp_sealed_make_escaped(name, rotate->bodies.version[role], body->data, body->count,
	                               offline->signers, offline->count, &rotate->sealed[role],
	                               err);
}

/* From here on sign may sign: with the new key only. */
static enum stp_errc release_freeze(struct rotate *rotate, struct stp_err *err)
{
	rotate->freeze.step = STP_FREEZE_STAGED;
	memcpy(rotate->freeze.next, rotate->next.object.keyid, sizeof(rotate->freeze.next));
	memcpy(rotate->freeze.uri, rotate->next_uri, sizeof(rotate->freeze.uri));
	return stp_freeze_save(rotate->repo.state_fd, stp_seal_key_bytes(rotate->seal),
	                       &rotate->freeze, err);
}

static enum stp_errc stage(struct rotate *rotate, struct stp_err *err)
{
	const struct stp_rotate_options *options = rotate->options;
	struct stp_rotation_document documents[STP_PAYLOAD_ROLES];
	size_t count = 0;
	unsigned role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++) {
		const struct stp_sealed *sealed = &rotate->sealed[role];

		if (!rotate->bodies.json[role])
			continue;
		STP_TRY(sign_body(rotate, (enum stp_payload_role)role, err));
		documents[count++] =
		    (struct stp_rotation_document){sealed->name, sealed->bytes, sealed->length};
	}
	rotate->rotation.started = rotate->now;
	rotate->rotation.overlap_seconds = options->has_overlap || options->overlap_seconds
	                                       ? options->overlap_seconds
	                                       : STP_ROTATION_OVERLAP_S;
	if (rotate->rotation.is_stolen)
		rotate->rotation.overlap_seconds = 0;
	STP_TRY(stp_rotation_stage(&rotate->repo, stp_seal_key_bytes(rotate->seal),
	                           &rotate->rotation, documents, count, err));
	return rotate->rotation.is_stolen ? release_freeze(rotate, err) : STP_OK;
}

static void fill_report(const struct rotate *rotate)
{
	const struct stp_rotation *rotation = &rotate->rotation;
	struct stp_rotate_report *report = rotate->report;
	size_t role;

	report->is_stolen = rotation->is_stolen;
	report->phase = stp_rotation_phase_name(rotation->phase);
	if (rotation->is_stolen && rotation->phase == STP_ROTATION_OVERLAP) /* nothing overlaps */
		report->phase = stp_rotation_phase_name(STP_ROTATION_DONE);
	if (rotation->until)
		stp_time_format(rotation->until, report->until);
	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const struct stp_rotation_role *item = &rotation->roles[role];

		report->roles[role].is_rotated = item->is_rotated;
		memcpy(report->roles[role].former_keyid, item->former.keyid,
		       sizeof(item->former.keyid));
		memcpy(report->roles[role].next_keyid, item->next.keyid, sizeof(item->next.keyid));
	}
	report->root_version = rotate->bodies.version[STP_PAYLOAD_ROOT];
	report->targets_version = rotate->bodies.version[STP_PAYLOAD_TARGETS];
	report->bins_version = rotate->bodies.version[STP_PAYLOAD_BINS];
}

/* ------------------------------------------------------------------ a ceremony instead */

/* Writes the payload; its end finds the key in REPO/keys (run/ceremony/online_stage.h). */
static enum stp_errc start_ceremony(struct rotate *rotate, struct stp_err *err)
{
	static const char *const names[STP_ONLINE_ROLES] = {"bins", "snapshot", "timestamp"};
	const struct stp_rotate_options *options = rotate->options;
	struct stp_ceremony_wish wishes[STP_ONLINE_ROLES];
	struct stp_ceremony_start_options start = {.repo = options->repo,
	                                           .out = options->payload,
	                                           .purpose = "replace an online key",
	                                           .wishes = wishes,
	                                           .now = rotate->now,
	                                           .has_now = 1,
	                                           .size = sizeof(start)};
	struct stp_ceremony_start_report own;
	struct stp_ceremony_start_report *report =
	    options->out_payload ? options->out_payload : &own;
	size_t role;

	if (strncmp(rotate->next_uri, "pem:" STP_KEYS_FOLDER "/", 9) != 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_online_key_path(rotate->next_uri),
		                "is not in REPO/keys, where the end of a ceremony looks for it; "
		                "put both files of the key there");
	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		if (!wants(rotate, role))
			continue;
		STP_TRY(set_role(rotate, role, err));
		wishes[start.wish_count++] =
		    (struct stp_ceremony_wish){.change = STP_CEREMONY_ONLINE_KEY,
		                               .role = names[role],
		                               .value = options->online_key};
	}
	STP_TRY(stp_ceremony_start(&start, report, err));
	snprintf(rotate->report->payload, sizeof(rotate->report->payload), "%s", report->payload);
	if (report == &own)
		stp_ceremony_start_report_release(report);
	fill_report(rotate);
	return STP_OK;
}

/* ------------------------------------------------------------------ the whole */

/* Only reads how far a rotation is. */
static enum stp_errc look(struct rotate *rotate, struct stp_err *err)
{
	STP_TRY(stp_repo_open(rotate->options->repo, STP_REPO_READ, "rotate", &rotate->repo, err));
	STP_TRY(stp_rotation_load(rotate->repo.state_fd, NULL, &rotate->rotation, err));
	fill_report(rotate);
	return STP_OK;
}

static enum stp_errc run(struct rotate *rotate, struct stp_err *err)
{
	unsigned role;

	STP_TRY(open_all(rotate, err));
	STP_TRY(open_next(rotate, err));
	if (rotate->options->payload)
		return start_ceremony(rotate, err);
	STP_TRY(open_folders(rotate, err));
	STP_TRY(make_bodies(rotate, err));
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (rotate->bodies.json[role])
			STP_TRY(load_offline(rotate, (enum stp_payload_role)role, err));
	STP_TRY(confirm(rotate, err));
	if (!rotate->options->dry_run)
		STP_TRY(stage(rotate, err));
	fill_report(rotate);
	return STP_OK;
}

static void release(struct rotate *rotate)
{
	size_t i;

	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		stp_sealed_release(&rotate->sealed[i]);
		stp_offline_keys_release(&rotate->offline[i]);
	}
	stp_bodies_release(&rotate->bodies);
	stp_online_keys_release(&rotate->online);
	for (i = 0; i < rotate->offline_count; i++)
		stp_fd_close(&rotate->offline_fds[i]);
	if (rotate->has_trust) {
		stp_current_release(&rotate->current);
		stp_trust_release(&rotate->trust);
	}
	stp_seal_key_destroy(rotate->seal);
	stp_config_release(&rotate->config);
	stp_repo_close(&rotate->repo);
	free(rotate);
}

enum stp_errc stp_rotate(const struct stp_rotate_options *options,
                         struct stp_rotate_report *out_report, struct stp_err *err)
{
	struct stp_rotate_options mine;
	struct rotate *rotate;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	out_report->phase = stp_rotation_phase_name(STP_ROTATION_NONE);
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, confirm_ctx, STAGE, err));
	if (mine.out_payload)
		memset(mine.out_payload, 0, sizeof(*mine.out_payload));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	rotate = calloc(1, sizeof(*rotate));
	if (!rotate)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	rotate->options = &mine;
	rotate->report = out_report;
	rotate->now = stp_options_now(mine.now, mine.has_now);
	stp_repo_init(&rotate->repo);
	code = mine.online_key ? run(rotate, err) : look(rotate, err);
	release(rotate);
	return code;
}
