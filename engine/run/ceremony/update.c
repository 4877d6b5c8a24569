/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init --update: a ceremony on one machine (engine/decisions/0180-offline-roles.md).
 *
 *	key files, stampede.json, options ─▶ wishes ─▶ bodies ─▶ shown ─▶ payload ─▶ signed ─▶
 *published
 *
 * What is renewed was verified from a root that something outside public/ names (trust/trust.h), so
 * the offline keys sign nothing that somebody put there. A renewed role has the same contents, with
 * another version and expiry, and with what has been changed in stampede.json and in the key files
 * since (run/ceremony/signing_plan.h). Everything is made first, then shown, then signed and
 * published as in any ceremony (run/ceremony/publication.h).
 *
 * Clients see a new root at once, and the other roles when the next sign lists them. A crash leaves
 * versions that the next sign lists, or a number of bins that the configuration does not have yet:
 * sign refuses that and asks for the update to be run again.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "run/ceremony/bodies.h"
#include "run/ceremony/ceremony_view.h"
#include "run/ceremony/opened.h"
#include "run/ceremony/publication.h"
#include "run/ceremony/seen.h"
#include "run/ceremony/signing_plan.h"
#include "run/freeze.h"
#include "run/online_keys.h"
#include "run/rotation.h"
#include "stampede/init.h"

#define STAGE "update"

/* Wishes of one role: each of its keys may leave, each at hand may be new. */
#define WISHES_MAX (3 * (2 * STP_ROLE_KEYS_MAX + 2) + 4)

struct update {
	const struct stp_init_update_options *options;
	struct stp_init_update_report *report;
	int64_t now;
	struct stp_opened opened;
	int offline_fds[STP_INIT_FOLDERS_MAX];
	size_t offline_count;
	struct stp_online_keys online;
	/* those that are at hand, by enum stp_online_role */
	const struct stp_key_object *online_keys[STP_ONLINE_ROLES];
	struct stp_signing_plan root, targets, bins;
	int online_is_new;     /* root names another key for timestamp or snapshot */
	int bin_key_is_new;    /* the bins' delegation does */
	int delegation_is_new; /* another number of bins, prefix or form */
	struct stp_wish wishes[WISHES_MAX];
	size_t wish_count;
	struct stp_bodies bodies;
	struct stp_payload payload;
	struct stp_signatures *signatures; /* one for each key of each plan that signs */
	size_t signature_count;
	struct stp_tally tally;
};

/* ------------------------------------------------------------------ what is published */

static enum stp_errc open_folders(struct update *update, struct stp_err *err)
{
	const struct stp_init_update_options *options = update->options;
	size_t i;

	if (!options->offline_folder_count) {
		update->offline_count = 1;
		return stp_folder_open(update->opened.repo.root_fd, STP_OFFLINE_KEYS_FOLDER, STAGE,
		                       &update->offline_fds[0], err);
	}
	if (options->offline_folder_count > STP_INIT_FOLDERS_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_OFFLINE_KEYS),
		                "is given more than %d times", STP_INIT_FOLDERS_MAX);
	for (i = 0; i < options->offline_folder_count; i++) {
		update->offline_fds[i] =
		    open(options->offline_folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (update->offline_fds[i] < 0)
			return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_CONFIG, STAGE,
			                options->offline_folders[i],
			                "cannot open the folder of %s (%s); mount it, or name "
			                "another",
			                stp_hint_text(STP_HINT_OFFLINE_KEYS), strerror(errno));
		update->offline_count++;
	}
	return STP_OK;
}

/* The keys that sign the online roles from now on. */
static enum stp_errc open_online(struct update *update, struct stp_err *err)
{
	const struct stp_repo *repo = &update->opened.repo;
	struct stp_rotation rotation;
	struct stp_freeze freeze;
	enum stp_online_role role;

	STP_TRY(stp_rotation_load(repo->state_fd, stp_seal_key_bytes(update->opened.seal),
	                          &rotation, err));
	STP_TRY(
	    stp_freeze_load(repo->state_fd, stp_seal_key_bytes(update->opened.seal), &freeze, err));
	STP_TRY(stp_freeze_check(&freeze, err));
	STP_TRY(stp_rotation_check_free(&rotation, 0, "an update", err));
	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const char *uri = stp_rotation_signer(&rotation, &update->opened.config, role);
		const struct stp_online_key *key;

		STP_TRY(stp_online_keys_open(&update->online, repo, role, uri, &key, err));
		update->online_keys[role] = &key->object;
	}
	return STP_OK;
}

static enum stp_errc open_all(struct update *update, struct stp_err *err)
{
	const struct stp_init_update_options *options = update->options;
	struct stp_opened_options opening = {options->repo, STP_REPO_LOCK, "init",
	                                     options->trusted_root};
	struct stp_opened *opened = &update->opened;

	STP_TRY(stp_opened_open(opened, &opening, err));
	STP_TRY(open_online(update, err));
	STP_TRY(stp_current_check_clock(&opened->current, update->now, options->after_clock_error,
	                                err));
	return open_folders(update, err);
}

/* ------------------------------------------------------------------ what was changed */

static enum stp_errc plan_role(struct update *update, struct stp_signing_plan *plan,
                               const char *role, const struct stp_role *before,
                               struct stp_threshold said, const struct stp_threshold *in_force,
                               const struct stp_buf *former, struct stp_err *err)
{
	struct stp_signing_wish wish = {
	    .threshold = said.threshold,
	    .key_count = said.key_count,
	    .is_edited = in_force->key_count && (said.threshold != in_force->threshold ||
	                                         said.key_count != in_force->key_count),
	    .former = former,
	};

	return stp_signing_plan_make(plan, role, before, update->offline_fds, update->offline_count,
	                             &wish, err);
}

static enum stp_errc plan_all(struct update *update, struct stp_err *err)
{
	const struct stp_trust *trust = &update->opened.trust;
	const struct stp_former_keys *former = &update->opened.former;
	struct stp_floors said = {.committed_at = 0};

	stp_trusted_note_offline(&said, &update->opened.config);
	STP_TRY(plan_role(update, &update->root, "root", &trust->root.root, said.root_keys,
	                  &trust->floors.root_keys, &former->root, err));
	STP_TRY(plan_role(update, &update->targets, "targets", &trust->root.targets,
	                  said.targets_keys, &trust->floors.targets_keys, &former->targets, err));
	if (!trust->has_bins)
		return STP_OK;
	return plan_role(update, &update->bins, "bins", &trust->bins_role, said.bins_keys,
	                 &trust->floors.bins_keys, NULL, err);
}

static int is_new(const struct update *update, enum stp_online_role role, const char *published)
{
	return strcmp(update->online_keys[role]->keyid, published) != 0;
}

/* Applies changes of the number of bins, and of anything else in the delegation to them. */
static enum stp_errc change_bins(struct update *update, struct stp_err *err)
{
	const struct stp_current *current = &update->opened.current;
	struct stp_config *config = &update->opened.config;
	uint64_t bins = update->options->bin_count;

	if (bins) {
		if (bins < 2 || (bins & (bins - 1)) || bins > (UINT64_C(1) << STP_BIN_BITS_MAX))
			return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_BINS),
			                "%llu is not a power of two from 2 to %d",
			                (unsigned long long)bins, 1 << STP_BIN_BITS_MAX);
		config->bin_bits = (unsigned)__builtin_ctzll(bins);
	}
	if (config->has_bins_role != (update->opened.trust.has_bins != 0))
		return STP_FAIL(
		    err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		    "\"bins_role\" cannot be changed in a repository that is published; "
		    "set it back to %s, or make a new repository",
		    update->opened.trust.has_bins ? "true" : "false");
	update->report->bins_changed = stp_bin_count(config) != current->bin_count;
	update->online_is_new = is_new(update, STP_ONLINE_TIMESTAMP, current->timestamp_keyid) ||
	                        is_new(update, STP_ONLINE_SNAPSHOT, current->snapshot_keyid);
	update->bin_key_is_new = is_new(update, STP_ONLINE_BIN_N, current->bin_keyid);
	update->delegation_is_new = update->report->bins_changed ||
	                            config->delegation != current->delegation ||
	                            strcmp(config->bin_prefix, current->bin_prefix) != 0;
	return STP_OK;
}

/* ------------------------------------------------------------------ what to renew */

/* Sets *out when role is to be renewed: why gives a reason, or the user asked for it, or all keys
 * that it needs are at hand. */
static enum stp_errc wants(const struct update *update, const struct stp_signing_plan *plan,
                           unsigned bit, const char *why, int *out, struct stp_err *err)
{
	int can_sign = stp_signing_plan_can_sign(plan);
	int is_root = plan == &update->root;

	*out = why || (update->options->roles ? (update->options->roles & bit) != 0 : can_sign);
	if (!*out || can_sign)
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_KEY, STAGE, plan->role,
	                "%zu of its keys are in the offline folder, but %u must sign%s%s; put them "
	                "there, or name the folder with %s",
	                is_root ? plan->old_count : plan->at_hand.count,
	                is_root ? (unsigned)plan->before->threshold : plan->threshold,
	                why ? ", because " : "", why ? why : "",
	                stp_hint_text(STP_HINT_OFFLINE_KEYS));
}

static const char *why_root(const struct update *update)
{
	if (update->root.is_changed)
		return "its own keys or threshold are to change";
	if (update->targets.is_changed)
		return "the keys of targets are to change";
	return update->online_is_new ? "keys/online.pem is another key" : NULL;
}

static const char *why_delegation(const struct update *update)
{
	return update->delegation_is_new || update->bin_key_is_new ? "the bins are to change"
	                                                           : NULL;
}

static const char *why_targets(const struct update *update)
{
	if (update->targets.is_changed)
		return "its own keys or threshold are to change";
	if (update->bins.is_changed)
		return "the keys of bins are to change";
	return !update->opened.trust.has_bins ? why_delegation(update) : NULL;
}

static const char *why_bins(const struct update *update)
{
	if (update->bins.is_changed)
		return "its own keys or threshold are to change";
	return why_delegation(update);
}

/* ------------------------------------------------------------------ new versions */

static void wish(struct update *update, struct stp_wish wish)
{
	STP_ASSERT(update->wish_count < WISHES_MAX);
	update->wishes[update->wish_count++] = wish;
}

static int will_sign(const struct stp_signing_plan *plan, const char *keyid)
{
	size_t i;

	for (i = 0; i < plan->keyid_count; i++)
		if (strcmp(plan->keyids[i], keyid) == 0)
			return 1;
	return 0;
}

/* The difference between who signs a role now and who will. */
static void wish_plan(struct update *update, const struct stp_signing_plan *plan,
                      enum stp_wish_role role)
{
	size_t i;

	if (!plan->is_changed)
		return;
	for (i = 0; i < plan->before->key_count; i++) {
		struct stp_wish leaves = {.kind = STP_WISH_REMOVE, .role = role};

		memcpy(leaves.keyid, plan->before->keys[i]->keyid, sizeof(leaves.keyid));
		if (!will_sign(plan, leaves.keyid))
			wish(update, leaves);
	}
	for (i = 0; i < plan->at_hand.count; i++)
		if (plan->is_new[i])
			wish(update, (struct stp_wish){.kind = STP_WISH_ADD,
			                               .role = role,
			                               .key = plan->at_hand.public_keys[i]});
	wish(update, (struct stp_wish){
	                 .kind = STP_WISH_THRESHOLD, .role = role, .number = plan->threshold});
}

static void wish_online(struct update *update, enum stp_wish_role role, enum stp_online_role key)
{
	wish(update, (struct stp_wish){
	                 .kind = STP_WISH_ONLINE, .role = role, .key = *update->online_keys[key]});
}

static enum stp_errc wish_all(struct update *update, struct stp_err *err)
{
	const struct {
		const struct stp_signing_plan *plan;
		const char *why;
	} roles[] = {{&update->root, why_root(update)},
	             {&update->targets, why_targets(update)},
	             {&update->bins, why_bins(update)}};
	unsigned role;
	int wanted;

	for (role = 0; role < (update->opened.trust.has_bins ? 3u : 2u); role++) {
		STP_TRY(wants(update, roles[role].plan, STP_INIT_ROLE_ROOT << role, roles[role].why,
		              &wanted, err));
		if (!wanted)
			continue;
		wish(update,
		     (struct stp_wish){.kind = STP_WISH_RENEW, .role = (enum stp_wish_role)role});
		wish_plan(update, roles[role].plan, (enum stp_wish_role)role);
	}
	if (!update->wish_count)
		return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_KEY, STAGE,
		                "offline keys",
		                "no role has enough keys in the folder; name another with %s",
		                stp_hint_text(STP_HINT_OFFLINE_KEYS));
	if (update->online_is_new) {
		wish_online(update, STP_WISH_TIMESTAMP, STP_ONLINE_TIMESTAMP);
		wish_online(update, STP_WISH_SNAPSHOT, STP_ONLINE_SNAPSHOT);
	}
	if (update->bin_key_is_new)
		wish_online(update, STP_WISH_BIN_N, STP_ONLINE_BIN_N);
	if (update->delegation_is_new)
		wish(update,
		     (struct stp_wish){.kind = STP_WISH_DELEGATION, .role = STP_WISH_BIN_N});
	return STP_OK;
}

static enum stp_errc prepare(struct update *update, struct stp_err *err)
{
	const struct stp_trust *trust = &update->opened.trust;
	struct stp_bodies_base base = {
	    .published = {trust->root.doc.body_json, trust->targets.body_json,
	                  trust->has_bins ? trust->bins.body_json : NULL},
	    .config = &update->opened.config,
	    .now = update->now,
	};

	STP_TRY(wish_all(update, err));
	return stp_bodies_make(&update->bodies, &base, update->wishes, update->wish_count, err);
}

/* ------------------------------------------------------------------ shown and confirmed */

/* What the new version of a role is compared with: the published one or, for root, the one that was
 * confirmed last, so that a root made by another tool is shown once. */
static const json_t *shown_before(const struct update *update, size_t role)
{
	const struct stp_trust *trust = &update->opened.trust;
	const json_t *published[] = {trust->root.doc.body_json, trust->targets.body_json,
	                             trust->bins.body_json};

	if (role == STP_PAYLOAD_ROOT && trust->confirmed.body_json)
		return trust->confirmed.body_json;
	return published[role];
}

/* Shows all that will be signed, root first, and asks. */
static enum stp_errc confirm(const struct update *update, struct stp_err *err)
{
	struct stp_buf view = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	size_t i;

	if (!update->options->confirm)
		return STP_OK;
	for (i = 0; i < STP_PAYLOAD_ROLES && code == STP_OK; i++)
		if (update->bodies.json[i])
			code = stp_ceremony_view(stp_payload_role_name((enum stp_payload_role)i),
			                         shown_before(update, i), update->bodies.json[i],
			                         &view, err);
	if (code == STP_OK)
		code = stp_buf_append(&view, "", 1, err);
	if (code == STP_OK &&
	    !update->options->confirm(update->options->confirm_ctx, (const char *)view.data))
		code = STP_FAIL(err, STP_CONFIG, STAGE, update->options->repo,
		                "was not confirmed, so nothing was signed");
	stp_buf_release(&view);
	return code;
}

/* ------------------------------------------------------------------ signed and published */

/* A payload as ceremonies on several machines have it, but in memory. */
static enum stp_errc make_payload(struct update *update, struct stp_err *err)
{
	struct stp_payload_input input = {.purpose = "update on one machine", .made = update->now};
	const struct stp_buf *bodies[STP_PAYLOAD_ROLES];
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		bodies[role] = update->bodies.json[role] ? &update->bodies.body[role] : NULL;
	stp_opened_input(&update->opened, bodies, &input);
	code = stp_payload_make(&input, &file, err);
	if (code == STP_OK)
		return stp_payload_parse(&update->payload, &file, "update", err);
	stp_buf_release(&file);
	return code;
}

static const struct stp_offline_keys *signers_of(const struct update *update,
                                                 enum stp_payload_role role)
{
	const struct stp_signing_plan *plans[] = {&update->root, &update->targets, &update->bins};

	return &plans[role]->at_hand;
}

/* Signs document with key index of its role. */
static enum stp_errc sign_one(struct update *update, const struct stp_payload_document *document,
                              size_t index, struct stp_err *err)
{
	const struct stp_offline_keys *keys = signers_of(update, document->role);
	struct stp_signatures *out = &update->signatures[update->signature_count++];
	struct stp_sign_message message = {.name = document->name,
	                                   .bytes = document->doc->body.data,
	                                   .count = document->doc->body.count,
	                                   .signature = out->items[0].bytes};

	snprintf(out->subject, sizeof(out->subject), "%s", keys->role);
	memcpy(out->payload_sha256, update->payload.sha256, sizeof(out->payload_sha256));
	memcpy(out->keyid, keys->public_keys[index].keyid, sizeof(out->keyid));
	memcpy(out->items[0].document, document->name, sizeof(out->items[0].document));
	STP_TRY(stp_signer_sign(keys->signers[index], &message, 1, err));
	STP_TRY(stp_signer_check(keys->signers[index], &message, 1, err));
	out->items[0].count = message.signature_bytes;
	out->count = 1;
	return STP_OK;
}

static enum stp_errc sign_all(struct update *update, struct stp_err *err)
{
	size_t i;
	size_t k;

	update->signatures =
	    calloc(STP_PAYLOAD_ROLES * STP_ROLE_KEYS_MAX, sizeof(*update->signatures));
	if (!update->signatures)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	for (i = 0; i < update->payload.document_count; i++) {
		const struct stp_payload_document *document = &update->payload.documents[i];

		for (k = 0; k < signers_of(update, document->role)->count; k++)
			STP_TRY(sign_one(update, document, k, err));
	}
	return stp_tally_make(&update->tally, &update->payload, update->signatures,
	                      update->signature_count, err);
}

static enum stp_errc publish(struct update *update, struct stp_err *err)
{
	struct stp_publication_options options = {
	    .repo = &update->opened.repo,
	    .config = &update->opened.config,
	    .seal = update->opened.seal,
	    .payload = &update->payload,
	    .tally = &update->tally,
	    .root_file = update->options->trusted_root,
	    .now = update->now,
	    .at_once = 1,
	};
	struct stp_publication publication;
	enum stp_errc code = stp_publication_make(&publication, &options, err);

	stp_publication_release(&publication);
	return code;
}

static void report_all(const struct update *update)
{
	struct stp_init_update_report *report = update->report;
	const struct stp_bodies *bodies = &update->bodies;

	report->root_version = bodies->version[STP_PAYLOAD_ROOT];
	report->targets_version = bodies->version[STP_PAYLOAD_TARGETS];
	report->bins_version = bodies->version[STP_PAYLOAD_BINS];
	if (report->root_version)
		stp_time_format(bodies->expires[STP_PAYLOAD_ROOT], report->root_expires);
	if (report->targets_version)
		stp_time_format(bodies->expires[STP_PAYLOAD_TARGETS], report->targets_expires);
	if (report->bins_version)
		stp_time_format(bodies->expires[STP_PAYLOAD_BINS], report->bins_expires);
	report->bin_count = stp_bin_count(&update->opened.config);
	report->online_is_new = update->online_is_new;
}

static enum stp_errc run(struct update *update, struct stp_err *err)
{
	struct stp_ceremony_signer *signers = NULL;
	enum stp_errc code;
	size_t count;

	STP_TRY(open_all(update, err));
	STP_TRY(plan_all(update, err));
	STP_TRY(change_bins(update, err));
	STP_TRY(prepare(update, err));
	STP_TRY(confirm(update, err));
	STP_TRY(make_payload(update, err));
	STP_TRY(sign_all(update, err));
	STP_TRY(publish(update, err));
	report_all(update);
	code = stp_seen_note(update->opened.repo.root_fd, &update->payload, &update->tally,
	                     update->now, &signers, &count, err);
	free(signers);
	return code;
}

static void release(struct update *update)
{
	size_t i;

	stp_tally_release(&update->tally);
	free(update->signatures);
	stp_payload_release(&update->payload);
	stp_bodies_release(&update->bodies);
	stp_signing_plan_release(&update->root);
	stp_signing_plan_release(&update->targets);
	stp_signing_plan_release(&update->bins);
	stp_online_keys_release(&update->online);
	for (i = 0; i < update->offline_count; i++)
		stp_fd_close(&update->offline_fds[i]);
	stp_opened_close(&update->opened);
	free(update);
}

enum stp_errc stp_init_update(const struct stp_init_update_options *options,
                              struct stp_init_update_report *out_report, struct stp_err *err)
{
	struct stp_init_update_report report = {0};
	struct stp_init_update_options mine;
	struct update *update;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, confirm_ctx, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	update = calloc(1, sizeof(*update));
	if (!update)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	update->options = &mine;
	update->report = &report;
	update->now = stp_options_now(mine.now, mine.has_now);
	stp_repo_init(&update->opened.repo);
	code = run(update, err);
	release(update);
	if (code == STP_OK)
		*out_report = report;
	return code;
}

void stp_init_update_report_release(struct stp_init_update_report *report)
{
	memset(report, 0, sizeof(*report));
}
