/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/rotating.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/text.h"
#include "roles/config_note.h"
#include "sign/lanes.h"
#include "trust/older.h"

#define STAGE "rotation"

static const uint8_t *seal_of(const struct stp_sign_run *run)
{
	return stp_seal_key_bytes(run->seal_key);
}

static void note(struct stp_sign_run *run, const char *subject, const char *text)
{
	stp_fault_add(&run->notes, STP_OK, 0, STAGE, subject, strlen(subject), "%s", text);
}

/* ------------------------------------------------------------------ before reading */

/* Makes stampede.json name the new keys and, as the one that is trusted, the root with them. The
 * loaded configuration borrows the URIs from rotation. */
static enum stp_errc note_config(struct stp_sign_run *run, const struct stp_rotation *rotation,
                                 struct stp_err *err)
{
	const struct stp_rotation_file *root = stp_rotation_root(rotation);
	struct stp_pin pin = {.version = 0};
	const char *signers[STP_ONLINE_ROLES];
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		signers[role] = rotation->roles[role].is_rotated
		                    ? rotation->roles[role].next.uri
		                    : stp_config_signer(&run->config, (enum stp_online_role)role);
	if (root && stp_u64_parse(root->name, strcspn(root->name, "."), &pin.version))
		memcpy(pin.sha256, root->sha256, sizeof(pin.sha256));
	if (pin.version < run->config.trusted_root.version)
		pin = run->config.trusted_root;
	STP_TRY(stp_config_note_online(run->repo.root_fd, signers, &pin, err));
	run->config.trusted_root = pin;
	memcpy(run->config.signers, signers, sizeof(signers));
	return STP_OK;
}

/* Whether something signs with key from now on. The files of stampede.json's "signers" are looked
 * at each time: in a run after the one that ended the rotation they may be others than its new
 * keys, and before a staged rotation is published they are the old ones. */
static int is_used_otherwise(const struct stp_sign_run *run, const struct stp_rotation *rotation,
                             const struct stp_rotation_key *key)
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const struct stp_rotation_role *item = &rotation->roles[role];
		const char *uri = stp_config_signer(&run->config, (enum stp_online_role)role);

		if (item->is_rotated &&
		    (strcmp(item->next.keyid, key->keyid) == 0 ||
		     stp_online_key_is(&run->repo, item->next.uri, key->uri, key->keyid)))
			return 1;
		if ((!item->is_rotated || rotation->phase != STP_ROTATION_STAGED) &&
		    stp_online_key_is(&run->repo, uri, key->uri, key->keyid))
			return 1;
	}
	return 0;
}

/* Wipes the file of uri if it holds the key keyid, and says so. */
static enum stp_errc wipe_file(struct stp_sign_run *run, const char *uri, const char *keyid,
                               struct stp_err *err)
{
	char text[256];
	int wiped;

	STP_TRY(stp_online_key_wipe(&run->repo, uri, keyid, &wiped, err));
	if (!wiped)
		return STP_OK;
	snprintf(text, sizeof(text),
	         "was replaced, and its key %.16s… overwritten and removed; flash memory, "
	         "snapshots and backups may still hold it",
	         keyid);
	note(run, stp_online_key_path(uri), text);
	return STP_OK;
}

/* Wipes the files of keys that nothing needs any more; again, when the last run died here. */
static enum stp_errc wipe(struct stp_sign_run *run, const struct stp_rotation *rotation,
                          struct stp_err *err)
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const struct stp_rotation_role *item = &rotation->roles[role];

		if (item->is_rotated && !is_used_otherwise(run, rotation, &item->former))
			STP_TRY(wipe_file(run, item->former.uri, item->former.keyid, err));
	}
	return STP_OK;
}

struct wiping {
	struct stp_sign_run *run;
	const struct stp_freeze *freeze;
};

/* Wipes the file of uri if it holds any key that the freeze names. */
static enum stp_errc wipe_if_stolen(const struct wiping *wiping, const char *uri,
                                    struct stp_err *err)
{
	size_t i;

	for (i = 0; i < wiping->freeze->stolen_count; i++)
		STP_TRY(wipe_file(wiping->run, uri, wiping->freeze->stolen[i], err));
	return STP_OK;
}

static enum stp_errc wipe_in_keys(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	char uri[STP_SIGNER_URI_BYTES_MAX + 1];
	size_t count = strlen(name);

	(void)folder_fd;
	if (count <= 4 || strcmp(name + count - 4, ".pem") != 0 ||
	    snprintf(uri, sizeof(uri), "pem:" STP_KEYS_FOLDER "/%s", name) >= (int)sizeof(uri))
		return STP_OK;
	return wipe_if_stolen(ctx, uri, err);
}

/* After a theft: nothing needs the stolen key any more, nor the older one that an overlap which was
 * given up still had. */
static enum stp_errc wipe_stolen(struct stp_sign_run *run, const struct stp_rotation *rotation,
                                 const struct stp_freeze *freeze, struct stp_err *err)
{
	struct wiping wiping = {run, freeze};
	size_t role;

	STP_TRY(wipe(run, rotation, err));
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		STP_TRY(wipe_if_stolen(
		    &wiping, stp_config_signer(&run->config, (enum stp_online_role)role), err));
	return stp_folder_each(run->repo.keys_fd, STAGE, STP_KEYS_FOLDER, wipe_in_keys, &wiping,
	                       err);
}

/* After the overlap: only the new key. */
static enum stp_errc finish(struct stp_sign_run *run, struct stp_rotation *rotation,
                            struct stp_err *err)
{
	if (rotation->phase == STP_ROTATION_OVERLAP) {
		STP_FAULT_TRY(err, STAGE, "end", STP_ROTATION_FILE);
		rotation->phase = STP_ROTATION_DONE;
		STP_TRY(stp_rotation_save(run->repo.state_fd, seal_of(run), rotation, err));
		STP_FAULT_TRY(err, STAGE, "wipe", STP_ROTATION_FILE);
	}
	return wipe(run, rotation, err);
}

/* A run that died after the root was published: the overlap begins now. */
static enum stp_errc catch_up(struct stp_sign_run *run, struct stp_rotation *rotation,
                              struct stp_err *err)
{
	int is_public;

	STP_TRY(stp_rotation_is_public(&run->repo, rotation, &is_public, err));
	/* After a theft the root comes first: the timestamp is still to come. */
	is_public = is_public && !rotation->is_stolen;
	if (is_public && run->options->dry_run) {
		rotation->phase = STP_ROTATION_OVERLAP;
		rotation->until = run->now + rotation->overlap_seconds;
		return STP_OK;
	}
	if (is_public)
		return stp_rotation_begin_overlap(&run->repo, seal_of(run), rotation, run->now,
		                                  err);
	return run->options->dry_run ? STP_OK
	                             : stp_rotation_publish_delegation(&run->repo, rotation, err);
}

enum stp_errc stp_rotating_begin(struct stp_sign_run *run, struct stp_rotating *rotating,
                                 struct stp_err *err)
{
	struct stp_rotation *rotation = &rotating->rotation;
	int dry_run = run->options->dry_run;

	STP_TRY(stp_freeze_load(run->repo.state_fd, seal_of(run), &rotating->freeze, err));
	STP_TRY(stp_freeze_check(&rotating->freeze, err));
	STP_TRY(stp_rotation_load(run->repo.state_fd, seal_of(run), rotation, err));
	if (rotation->phase == STP_ROTATION_STAGED)
		STP_TRY(catch_up(run, rotation, err));
	if (dry_run)
		return STP_OK;
	if (rotation->phase == STP_ROTATION_STAGED && rotation->is_stolen)
		return wipe_stolen(run, rotation, &rotating->freeze, err);
	if (rotation->phase == STP_ROTATION_OVERLAP)
		STP_TRY(note_config(run, rotation, err));
	if (rotation->phase == STP_ROTATION_DONE ||
	    (rotation->phase == STP_ROTATION_OVERLAP && run->now >= rotation->until))
		return finish(run, rotation, err);
	return STP_OK;
}

/* ------------------------------------------------------------------ keys */

/* Whether the folder of the key is there, but not the key. */
static int is_missing(const struct stp_sign_run *run, const char *uri)
{
	struct stp_err ignored = STP_ERR_INIT;
	const char *name;
	int missing;
	int fd;

	if (stp_online_key_folder(&run->repo, uri, &fd, &name, &ignored) != STP_OK)
		return 0;
	missing = !stp_file_exists(fd, name);
	close(fd);
	return missing;
}

static enum stp_errc add_key(struct stp_sign_run *run, struct stp_rotating *rotating,
                             enum stp_online_role role, const char *uri,
                             const struct stp_online_key **out_key, struct stp_err *err)
{
	struct stp_current_keys *at_hand = &rotating->at_hand[role];

	if (is_missing(run, uri))
		return STP_FAIL(err, STP_KEY, "keys", stp_online_key_path(uri),
		                "is not there: restore this online key from a backup, or, if it is "
		                "lost, see how to replace it: %s",
		                stp_hint_text(STP_HINT_LOST));
	STP_TRY(stp_online_keys_open(&rotating->keys, &run->repo, role, uri, out_key, err));
	if (!at_hand->count)
		at_hand->file = stp_online_key_path((*out_key)->uri);
	at_hand->keyids[at_hand->count++] = (*out_key)->object.keyid;
	return STP_OK;
}

/* Opens a key that the rotation names, and checks that it is still that key. */
static enum stp_errc add_rotated(struct stp_sign_run *run, struct stp_rotating *rotating,
                                 enum stp_online_role role, const struct stp_rotation_key *key,
                                 const struct stp_online_key **out_key, struct stp_err *err)
{
	STP_TRY(add_key(run, rotating, role, key->uri, out_key, err));
	if (strcmp((*out_key)->object.keyid, key->keyid) == 0)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, STAGE, stp_online_key_path(key->uri),
	                "is not key %.16s…, with which the rotation that is under way began; "
	                "restore that file",
	                key->keyid);
}

/* After a theft: the new key alone, in place of the former one, which is published. */
static enum stp_errc open_replacing(struct stp_sign_run *run, struct stp_rotating *rotating,
                                    enum stp_online_role role, const struct stp_rotation_role *item,
                                    const struct stp_online_key **out_key, struct stp_err *err)
{
	struct stp_current_keys *at_hand = &rotating->at_hand[role];

	STP_TRY(add_rotated(run, rotating, role, &item->next, out_key, err));
	at_hand->keyids[at_hand->count++] = item->former.keyid;
	return STP_OK;
}

/* The keys that sign role, the one of root N first. */
static enum stp_errc open_role(struct stp_sign_run *run, struct stp_rotating *rotating,
                               enum stp_online_role role,
                               const struct stp_online_key *out_keys[STP_ROLE_SIGNERS_MAX],
                               size_t *out_count, struct stp_err *err)
{
	const struct stp_rotation *rotation = &rotating->rotation;
	const struct stp_rotation_role *item = &rotation->roles[role];
	int is_staged = rotation->phase == STP_ROTATION_STAGED;
	int is_overlap = rotation->phase == STP_ROTATION_OVERLAP && run->now < rotation->until;
	size_t count = 0;

	*out_count = 1;
	if (item->is_rotated && is_staged && rotation->is_stolen)
		return open_replacing(run, rotating, role, item, &out_keys[0], err);
	if (!item->is_rotated || !(is_staged || is_overlap))
		return add_key(run, rotating, role,
		               stp_rotation_signer(rotation, &run->config, role), &out_keys[0],
		               err);
	/* A dry run has not published the delegation to the new key. */
	if (role == STP_ONLINE_BIN_N && is_staged && run->options->dry_run)
		return add_rotated(run, rotating, role, &item->former, &out_keys[0], err);
	if (role != STP_ONLINE_BIN_N &&
	    (is_staged || stp_online_key_exists(&run->repo, item->former.uri)))
		STP_TRY(add_rotated(run, rotating, role, &item->former, &out_keys[count++], err));
	STP_TRY(add_rotated(run, rotating, role, &item->next, &out_keys[count++], err));
	*out_count = count;
	return STP_OK;
}

static enum stp_errc make_signers(const struct stp_online_key *const *keys, size_t count,
                                  struct stp_signer_set *out_set, struct stp_err *err)
{
	while (out_set->count < count) {
		STP_TRY(stp_online_key_signer(keys[out_set->count], &out_set->items[out_set->count],
		                              err));
		out_set->count++;
	}
	return STP_OK;
}

/* In a staged rotation the bins of the last run are signed by the old key. */
static enum stp_errc open_former(struct stp_sign_run *run, struct stp_rotating *rotating,
                                 struct stp_err *err)
{
	const struct stp_rotation_role *item = &rotating->rotation.roles[STP_ONLINE_BIN_N];
	const struct stp_online_key *key;

	/* Nothing that a stolen key signed is recovered from. */
	if (rotating->rotation.phase != STP_ROTATION_STAGED || rotating->rotation.is_stolen ||
	    !item->is_rotated || !stp_online_key_exists(&run->repo, item->former.uri))
		return STP_OK;
	STP_TRY(stp_online_keys_open(&rotating->keys, &run->repo, STP_ONLINE_BIN_N,
	                             item->former.uri, &key, err));
	return stp_online_key_signer(key, &rotating->former_bins, err);
}

enum stp_errc stp_rotating_signers(struct stp_sign_run *run, struct stp_rotating *rotating,
                                   struct stp_role_signers *out_signers, struct stp_err *err)
{
	const struct stp_online_key *keys[STP_ROLE_SIGNERS_MAX];
	size_t count;

	memset(out_signers, 0, sizeof(*out_signers));
	STP_TRY(open_role(run, rotating, STP_ONLINE_BIN_N, keys, &count, err));
	STP_TRY(stp_lanes_create(keys[0]->key, run->features, &out_signers->bin_n, err));
	STP_TRY(open_role(run, rotating, STP_ONLINE_SNAPSHOT, keys, &count, err));
	STP_TRY(make_signers(keys, count, &out_signers->snapshot, err));
	STP_TRY(open_role(run, rotating, STP_ONLINE_TIMESTAMP, keys, &count, err));
	STP_TRY(make_signers(keys, count, &out_signers->timestamp, err));
	return open_former(run, rotating, err);
}

/* ------------------------------------------------------------------ the root */

enum stp_errc stp_rotating_publish_first(const struct stp_sign_run *run,
                                         const struct stp_rotating *rotating, struct stp_err *err)
{
	const struct stp_rotation *rotation = &rotating->rotation;
	struct stp_pin pin;

	if (rotation->phase != STP_ROTATION_STAGED || !rotation->is_stolen)
		return STP_OK;
	return stp_rotation_publish_root(&run->repo, rotation, &pin, err);
}

/* The stolen keys are out of use. */
static enum stp_errc end_freeze(struct stp_sign_run *run, const struct stp_rotation *rotation,
                                struct stp_err *err)
{
	STP_FAULT_TRY(err, STAGE, "thaw", STP_FREEZE_FILE);
	STP_TRY(stp_freeze_end(run->repo.state_fd, err));
	note(run, stp_rotation_root(rotation)->name,
	     "is published: it names the new online keys, and no client that has it accepts the "
	     "stolen ones; purge caches now, and run verify");
	return STP_OK;
}

enum stp_errc stp_rotating_publish_root(struct stp_sign_run *run, struct stp_rotating *rotating,
                                        struct stp_trust *trust, struct stp_err *err)
{
	struct stp_rotation *rotation = &rotating->rotation;
	char until[STP_TIME_BYTES + 1];
	char text[256];
	struct stp_pin pin;

	if (rotation->phase != STP_ROTATION_STAGED)
		return STP_OK;
	STP_TRY(stp_rotation_publish_root(&run->repo, rotation, &pin, err));
	if (pin.version && pin.version != trust->found.root.version) {
		stp_older_add(trust->found.older.sha256, trust->found.root.sha256);
		trust->found.root = pin;
		run->report->versions.root = pin.version;
	}
	STP_TRY(stp_rotation_begin_overlap(&run->repo, seal_of(run), rotation, run->now, err));
	if (rotation->is_stolen)
		return end_freeze(run, rotation, err);
	stp_time_format(rotation->until, until);
	if (pin.version) {
		snprintf(text, sizeof(text),
		         "is published and names the new online keys; the old ones sign too until "
		         "%s, and the first sign after that removes them",
		         until);
		note(run, stp_rotation_root(rotation)->name, text);
	} else {
		note(run, "bins",
		     "are signed by the new online key; the next sign removes the "
		     "old one");
	}
	return STP_OK;
}

void stp_rotating_release(struct stp_rotating *rotating)
{
	stp_signer_destroy(rotating->former_bins);
	stp_online_keys_release(&rotating->keys);
	memset(rotating, 0, sizeof(*rotating));
}
