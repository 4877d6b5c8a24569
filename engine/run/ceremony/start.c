/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ceremony start: makes a payload of what was wished for. Nothing in the repository changes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/text.h"
#include "run/ceremony/opened.h"
#include "run/freeze.h"
#include "run/new_payload.h"
#include "run/rotation.h"
#include "run/takeover.h"

#define STAGE "ceremony"
/* The shortest beginning of a keyid that names a key. */
#define KEYID_CHARS_MIN 8

struct start {
	const struct stp_ceremony_start_options *options;
	struct stp_opened opened;
	struct stp_wish *wishes;
	size_t count;
	struct stp_bodies bodies;
	/* With a repository that was taken over and has no root of its own yet: */
	struct stp_takeover takeover;
	int takes_over;
};

static enum stp_errc push(struct start *start, const struct stp_wish *wish, struct stp_err *err)
{
	struct stp_wish *more = realloc(start->wishes, (start->count + 1) * sizeof(*more));

	if (!more)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	start->wishes = more;
	start->wishes[start->count++] = *wish;
	return STP_OK;
}

/* ------------------------------------------------------------------ roles and keys */

static enum stp_errc offline_role(const char *name, enum stp_wish_role *out, struct stp_err *err)
{
	unsigned role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (name && strcmp(name, stp_payload_role_name((enum stp_payload_role)role)) == 0) {
			*out = (enum stp_wish_role)role;
			return STP_OK;
		}
	return STP_FAIL(err, STP_CONFIG, STAGE, name ? name : "role",
	                "is not an offline role: these are root, targets and bins");
}

static enum stp_errc online_role(const char *name, enum stp_wish_role *out, struct stp_err *err)
{
	static const char *const names[] = {"timestamp", "snapshot", "bins"};
	unsigned i;

	for (i = 0; i < 3; i++)
		if (name && strcmp(name, names[i]) == 0) {
			*out = (enum stp_wish_role)(STP_WISH_TIMESTAMP + i);
			return STP_OK;
		}
	return STP_FAIL(err, STP_CONFIG, STAGE, name ? name : "role",
	                "is not an online role: these are timestamp, snapshot and bins");
}

/* Reads a key's description into wish, and notes its name. */
static enum stp_errc describe(struct start *start, const char *path, struct stp_wish *wish,
                              struct stp_err *err)
{
	struct stp_key_description key;

	if (!path)
		return STP_FAIL(err, STP_CONFIG, STAGE, "key", "has no file");
	STP_TRY(stp_key_description_read(path, &key, err));
	if (!key.is_proven && !start->options->allows_unproven)
		return STP_FAIL(stp_hinted(err, STP_HINT_ALLOW_UNPROVEN), STP_KEY, STAGE, path,
		                "is not signed by the key itself, so nothing proves that its "
		                "holder has the secret key; let the holder make it, or %s",
		                stp_hint_text(STP_HINT_ALLOW_UNPROVEN));
	wish->key = key.object;
	wish->name = path;
	return stp_opened_name(&start->opened, &key, err);
}

/* The published keys of an offline role. */
static const struct stp_role *keys_of(const struct stp_opened *opened, enum stp_wish_role role)
{
	switch (role) {
	case STP_WISH_ROOT:
		return &opened->trust.root.root;
	case STP_WISH_TARGETS:
		return &opened->trust.root.targets;
	default:
		return &opened->trust.bins_role;
	}
}

/* Whether text names the key: by its name in the keyring, its keyid, or the beginning of that. */
static int is_named(const struct start *start, const char *keyid, const char *text)
{
	const struct stp_keyring_entry *entry = stp_keyring_find(&start->opened.keyring, keyid);
	size_t count = strlen(text);

	return (entry && strcmp(entry->name, text) == 0) ||
	       (count >= KEYID_CHARS_MIN && count <= STP_KEYID_CHARS &&
	        strncmp(keyid, text, count) == 0);
}

/* The names of role's keys, or the beginnings of their keyids. */
static const char *list_keys(const struct start *start, const struct stp_role *role, char *out,
                             size_t size)
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; i < role->key_count && used < size; i++) {
		const char *keyid = role->keys[i]->keyid;
		const struct stp_keyring_entry *entry =
		    stp_keyring_find(&start->opened.keyring, keyid);

		used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? ", " : "",
		                         entry && entry->name[0] ? STP_KEY_NAME_BYTES_MAX : 16,
		                         entry && entry->name[0] ? entry->name : keyid);
	}
	return out;
}

static enum stp_errc find_key(const struct start *start, const char *text, struct stp_wish *wish,
                              struct stp_err *err)
{
	const struct stp_role *role = keys_of(&start->opened, wish->role);
	const char *name = stp_payload_role_name((enum stp_payload_role)wish->role);
	char names[512];
	size_t found = 0;
	size_t i;

	for (i = 0; text && i < role->key_count; i++)
		if (is_named(start, role->keys[i]->keyid, text)) {
			memcpy(wish->keyid, role->keys[i]->keyid, sizeof(wish->keyid));
			found++;
		}
	wish->name = text;
	if (found == 1)
		return STP_OK;
	if (found)
		return STP_FAIL(err, STP_CONFIG, STAGE, text,
		                "names several keys of %s; give the whole keyid", name);
	return STP_FAIL(err, STP_CONFIG, STAGE, text ? text : "key",
	                "names no key of %s; these are: %s", name,
	                list_keys(start, role, names, sizeof(names)));
}

/* ------------------------------------------------------------------ wishes */

static enum stp_errc wish_bins(struct start *start, uint64_t bins, struct stp_err *err)
{
	struct stp_wish wish = {.kind = STP_WISH_DELEGATION, .role = STP_WISH_BIN_N};

	if (bins < 2 || (bins & (bins - 1)) || bins > (UINT64_C(1) << STP_BIN_BITS_MAX))
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_BINS),
		                "%" PRIu64 " is not a power of two from 2 to %d", bins,
		                1 << STP_BIN_BITS_MAX);
	start->opened.config.bin_bits = (unsigned)__builtin_ctzll(bins);
	return push(start, &wish, err);
}

static enum stp_errc take(struct start *start, const struct stp_ceremony_wish *said,
                          struct stp_err *err)
{
	static const enum stp_wish_kind kinds[] = {
	    [STP_CEREMONY_RENEW] = STP_WISH_RENEW,
	    [STP_CEREMONY_EXPIRES] = STP_WISH_EXPIRES,
	    [STP_CEREMONY_REMOVE_KEY] = STP_WISH_REMOVE,
	    [STP_CEREMONY_ADD_KEY] = STP_WISH_ADD,
	    [STP_CEREMONY_THRESHOLD] = STP_WISH_THRESHOLD,
	    [STP_CEREMONY_BINS] = STP_WISH_DELEGATION,
	    [STP_CEREMONY_ONLINE_KEY] = STP_WISH_ONLINE,
	};
	struct stp_wish wish = {.number = said->number};

	if ((unsigned)said->change >= sizeof(kinds) / sizeof(kinds[0]))
		return STP_FAIL(err, STP_CONFIG, STAGE, "wish", "is of an unknown kind");
	wish.kind = kinds[said->change];
	switch (said->change) {
	case STP_CEREMONY_BINS:
		return wish_bins(start, said->number, err);
	case STP_CEREMONY_ONLINE_KEY:
		STP_TRY(online_role(said->role, &wish.role, err));
		STP_TRY(describe(start, said->value, &wish, err));
		break;
	case STP_CEREMONY_EXPIRES:
		if (said->number > STP_EXPIRY_SECONDS_MAX / 86400)
			wish.number = UINT64_MAX / 86400;
		wish.number *= 86400;
		/* fall through */
	default:
		STP_TRY(offline_role(said->role, &wish.role, err));
	}
	if (said->change == STP_CEREMONY_ADD_KEY)
		STP_TRY(describe(start, said->value, &wish, err));
	if (said->change == STP_CEREMONY_REMOVE_KEY)
		STP_TRY(find_key(start, said->value, &wish, err));
	return push(start, &wish, err);
}

/* A wish that changes nothing is a mistake: everybody would sign for nothing. */
static enum stp_errc check_changes(const struct start *start, struct stp_err *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < start->count; i++) {
		const struct stp_wish *wish = &start->wishes[i];

		if (wish->kind == STP_WISH_THRESHOLD &&
		    wish->number == keys_of(&start->opened, wish->role)->threshold)
			return STP_FAIL(err, STP_CONFIG, STAGE,
			                stp_payload_role_name((enum stp_payload_role)wish->role),
			                "its threshold is %" PRIu64 " already; leave it out",
			                wish->number);
		for (k = 0; k < start->count && wish->kind == STP_WISH_REMOVE; k++)
			if (start->wishes[k].kind == STP_WISH_ADD &&
			    start->wishes[k].role == wish->role &&
			    strcmp(start->wishes[k].key.keyid, wish->keyid) == 0)
				return STP_FAIL(
				    err, STP_CONFIG, STAGE, start->wishes[k].name,
				    "is the key of %s that is to be removed, so nothing would "
				    "change; make a new key",
				    stp_payload_role_name((enum stp_payload_role)wish->role));
	}
	return STP_OK;
}

/* What was edited in stampede.json since: the delegation takes effect here; thresholds are wishes.
 */
static enum stp_errc take_config(struct start *start, struct stp_err *err)
{
	const struct stp_config *config = &start->opened.config;
	const struct stp_current *current = &start->opened.current;
	struct stp_wish wish = {.kind = STP_WISH_DELEGATION, .role = STP_WISH_BIN_N};
	const struct stp_floors *floors = &start->opened.trust.floors;
	struct stp_floors said = {.committed_at = 0};

	stp_trusted_note_offline(&said, config);
	if (floors->root_keys.key_count &&
	    (memcmp(&said.root_keys, &floors->root_keys, sizeof(said.root_keys)) != 0 ||
	     memcmp(&said.targets_keys, &floors->targets_keys, sizeof(said.targets_keys)) != 0 ||
	     memcmp(&said.bins_keys, &floors->bins_keys, sizeof(said.bins_keys)) != 0))
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"thresholds\" was edited, and is what the published metadata "
		                "says: set it back, and ask for the change here");
	if (start->takes_over)
		return STP_OK;
	if (config->has_bins_role != start->opened.trust.has_bins)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"bins_role\" cannot be changed in a repository that is "
		                "published; set it back to %s, or make a new repository",
		                start->opened.trust.has_bins ? "true" : "false");
	if (stp_bin_count(config) == current->bin_count &&
	    config->delegation == current->delegation &&
	    strcmp(config->bin_prefix, current->bin_prefix) == 0)
		return STP_OK;
	return push(start, &wish, err);
}

/* ------------------------------------------------------------------ taking over */

/* Keys that are wished for the bins role are its only ones: it is new. */
static enum stp_errc take_bins_keys(struct start *start, struct stp_key_object *keys,
                                    size_t *out_count, struct stp_err *err)
{
	size_t kept = 0;
	size_t i;

	*out_count = 0;
	for (i = 0; i < start->count; i++) {
		const struct stp_wish *wish = &start->wishes[i];

		if (wish->kind != STP_WISH_ADD || wish->role != STP_WISH_BINS)
			start->wishes[kept++] = *wish;
		else if (*out_count == STP_ROLE_KEYS_MAX)
			return STP_FAIL(err, STP_LIMIT, STAGE, "bins", "has more than %d keys",
			                STP_ROLE_KEYS_MAX);
		else
			keys[(*out_count)++] = wish->key;
	}
	start->count = kept;
	return STP_OK;
}

/* The documents of the first ceremony after an import: all three are new. */
static enum stp_errc take_over(struct start *start, const struct stp_key_object *online,
                               struct stp_err *err)
{
	const struct stp_trust *trust = &start->opened.trust;
	struct stp_key_object *keys = calloc(STP_ROLE_KEYS_MAX, sizeof(*keys));
	struct stp_role_keys bins = {.items = keys};
	struct stp_takeover_input input = {
	    .root = trust->root.doc.body_json,
	    .targets = trust->targets.body_json,
	    .bins_version = trust->bins.version,
	    .config = &start->opened.config,
	    .online = online,
	};
	enum stp_errc code;
	unsigned role;

	if (!keys)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	code = take_bins_keys(start, keys, &bins.count, err);
	bins.threshold = input.config->bins_threshold < bins.count ? input.config->bins_threshold
	                                                           : (unsigned)bins.count;
	if (bins.count)
		input.bins = &bins;
	if (code == STP_OK)
		code = stp_takeover_make(&start->takeover, &input, err);
	free(keys);
	for (role = 0; role < STP_PAYLOAD_ROLES && code == STP_OK; role++) {
		struct stp_wish wish = {.kind = STP_WISH_RENEW, .role = (enum stp_wish_role)role};

		if (role != STP_PAYLOAD_BINS || start->takeover.bins)
			code = push(start, &wish, err);
	}
	return code;
}

/* Sets takes_over, and online, when root is still another tool's. */
static enum stp_errc look_at_root(struct start *start, struct stp_key_object *out_online,
                                  struct stp_err *err)
{
	struct stp_key *key;

	if (!start->opened.current.is_taken_over)
		return STP_OK;
	STP_TRY(stp_key_load(start->opened.repo.keys_fd, STP_ONLINE_KEY_FILE, &key, err));
	stp_key_object_ed25519(out_online, stp_key_public(key));
	stp_key_destroy(key);
	start->takes_over = stp_takeover_is_needed(&start->opened.current, out_online->keyid);
	return STP_OK;
}

static enum stp_errc take_all(struct start *start, struct stp_err *err)
{
	struct stp_key_object online;
	unsigned role;
	size_t i;

	STP_TRY(look_at_root(start, &online, err));
	STP_TRY(take_config(start, err));
	for (i = 0; i < start->options->wish_count; i++)
		STP_TRY(take(start, &start->options->wishes[i], err));
	if (start->takes_over)
		return take_over(start, &online, err);
	STP_TRY(check_changes(start, err));
	for (role = 0; role < STP_PAYLOAD_ROLES && !start->options->wish_count; role++) {
		struct stp_wish wish = {.kind = STP_WISH_RENEW, .role = (enum stp_wish_role)role};

		if (role != STP_PAYLOAD_BINS || start->opened.trust.has_bins)
			STP_TRY(push(start, &wish, err));
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ the payload */

static enum stp_errc make_bodies(struct start *start, int64_t now, struct stp_err *err)
{
	const struct stp_trust *trust = &start->opened.trust;
	struct stp_bodies_base base = {
	    .published = {trust->root.doc.body_json, trust->targets.body_json,
	                  trust->has_bins ? trust->bins.body_json : NULL},
	    .former = {&start->opened.former.root, &start->opened.former.targets, NULL},
	    .config = &start->opened.config,
	    .now = now,
	    .allows_former = start->options->allows_replaced,
	};

	if (start->takes_over) {
		base.published[STP_PAYLOAD_ROOT] = start->takeover.root;
		base.published[STP_PAYLOAD_TARGETS] = start->takeover.targets;
		base.published[STP_PAYLOAD_BINS] = start->takeover.bins;
	}
	return stp_bodies_make(&start->bodies, &base, start->wishes, start->count, err);
}

/* What is staged would be overtaken; online keys wait for the end of an overlap too, unless they
 * were stolen: then the rotation is given up. */
static enum stp_errc check_rotation(const struct start *start, struct stp_err *err)
{
	const struct stp_opened *opened = &start->opened;
	const uint8_t *seal = stp_seal_key_bytes(opened->seal);
	struct stp_rotation rotation;
	struct stp_freeze freeze;
	int with_overlap = 0;
	size_t i;

	STP_TRY(stp_rotation_load(opened->repo.state_fd, seal, &rotation, err));
	STP_TRY(stp_freeze_load(opened->repo.state_fd, seal, &freeze, err));
	for (i = 0; i < start->options->wish_count && freeze.step != STP_FREEZE_BEGUN; i++)
		with_overlap |= start->options->wishes[i].change == STP_CEREMONY_ONLINE_KEY;
	return stp_rotation_check_free(
	    &rotation, with_overlap,
	    with_overlap ? "a ceremony that changes online keys" : "a ceremony", err);
}

static enum stp_errc run(struct start *start, struct stp_ceremony_start_report *report,
                         struct stp_err *err)
{
	int64_t now = stp_options_now(start->options->now, start->options->has_now);
	struct stp_payload_input input = {.purpose = start->options->purpose, .made = now};
	struct stp_opened_options opening = {start->options->repo, STP_REPO_READ, "ceremony", NULL};
	const struct stp_buf *bodies[STP_PAYLOAD_ROLES];
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	size_t role;

	STP_TRY(stp_now_check(now, start->options->now ? stp_hint_text(STP_HINT_NOW) : "the clock",
	                      err));
	STP_TRY(stp_new_payload_check(start->options->out, err));
	STP_TRY(stp_opened_open(&start->opened, &opening, err));
	STP_TRY(check_rotation(start, err));
	STP_TRY(take_all(start, err));
	STP_TRY(make_bodies(start, now, err));
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		bodies[role] = start->bodies.json[role] ? &start->bodies.body[role] : NULL;
	stp_opened_input(&start->opened, bodies, &input);
	code = stp_new_payload_make(&input, &file, report, err);
	if (code == STP_OK)
		code = stp_new_payload_write(&file, start->options->out, err);
	stp_buf_release(&file);
	return code;
}

enum stp_errc stp_ceremony_start(const struct stp_ceremony_start_options *options,
                                 struct stp_ceremony_start_report *out_report, struct stp_err *err)
{
	struct stp_ceremony_start_options mine;
	struct start start;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, reserved, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.out, "out", STAGE, err));
	STP_TRY(stp_options_need(mine.purpose, "purpose", STAGE, err));
	memset(&start, 0, sizeof(start));
	stp_repo_init(&start.opened.repo);
	start.options = &mine;
	code = run(&start, out_report, err);
	if (code != STP_OK)
		stp_ceremony_start_report_release(out_report);
	stp_bodies_release(&start.bodies);
	stp_takeover_release(&start.takeover);
	stp_opened_close(&start.opened);
	free(start.wishes);
	return code;
}
