/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init --update: new versions of the offline roles (engine/decisions/0180-offline-roles.md).
 *
 *	published N.bins.json    ─▶ new version and expiry (and number of bins)  ─▶ N+1.bins.json
 *	published N.targets.json ─▶ new version and expiry                       ─▶ N+1.targets.json
 *	published N.root.json    ─▶ new version and expiry                       ─▶ N+1.root.json
 *	                                                                            state/floors
 *	                                                                            stampede.json
 *
 * What is renewed was verified from a root that something outside public/ names (trust/trust.h), so
 * the offline keys sign nothing that somebody put there. A renewed role has the same contents, with
 * another version and expiry, and with what has been changed in stampede.json and in the key files
 * since (run/ceremony/signing_plan.h). Everything is made first, then shown, then signed and
 *published.
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
#include "cjson/encoding.h"
#include "publish/publish.h"
#include "run/ceremony/ceremony_view.h"
#include "run/ceremony/signing_plan.h"
#include "run/trusted.h"
#include "sign/sealed.h"
#include "stampede/init.h"
#include "trust/older.h"
#include "verify/delegated.h"

#define STAGE "update"

/* A role whose new version was made and is to be signed. */
struct renewal {
	const struct stp_signing_plan *plan;
	const struct stp_document *published;
	struct stp_role_head head;
	struct stp_buf body; /* what will be signed */
	struct stp_buf form; /* what will be written: the same, except for line feeds of PEM keys */
	struct stp_pin pin;  /* of the file, once it is published */
};

struct update {
	const struct stp_init_update_options *options;
	struct stp_init_update_report *report;
	int64_t now;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_trust trust;
	struct stp_current current;
	int offline_fds[STP_INIT_FOLDERS_MAX];
	size_t offline_count;
	struct stp_key *online;
	struct stp_key_object online_key; /* its public key */
	struct stp_seal_key *seal;
	struct stp_former_keys former;
	struct stp_signing_plan root, targets, bins;
	int online_is_new;          /* root or the bins' delegation names another */
	int delegation_is_new;      /* another number of bins, prefix, form or online key */
	struct renewal renewals[3]; /* in the order of publishing: bins, targets, root */
	size_t renewal_count;
};

/* ------------------------------------------------------------------ what is published */

static enum stp_errc open_folders(struct update *update, struct stp_err *err)
{
	const struct stp_init_update_options *options = update->options;
	size_t i;

	if (!options->offline_folder_count) {
		update->offline_count = 1;
		return stp_folder_open(update->repo.root_fd, STP_OFFLINE_KEYS_FOLDER, STAGE,
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

static enum stp_errc open_all(struct update *update, struct stp_err *err)
{
	const struct stp_init_update_options *options = update->options;

	STP_TRY(stp_repo_open(options->repo, STP_REPO_LOCK, "init", &update->repo, err));
	STP_TRY(stp_config_load(&update->config, update->repo.root_fd, err));
	STP_TRY(stp_key_load(update->repo.keys_fd, STP_ONLINE_KEY_FILE, &update->online, err));
	stp_key_object_ed25519(&update->online_key, stp_key_public(update->online));
	STP_TRY(stp_seal_key_load(update->repo.keys_fd, STP_LEDGER_KEY_FILE, &update->seal, err));
	STP_TRY(stp_trusted_load(&update->trust, &update->repo, &update->config, STP_TRUSTED_PINNED,
	                         options->trusted_root, update->seal, &update->current, err));
	STP_TRY(stp_current_check_clock(&update->current, update->now, options->after_clock_error,
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
	const struct stp_trust *trust = &update->trust;
	struct stp_floors said = {.committed_at = 0};

	stp_trusted_note_offline(&said, &update->config);
	STP_TRY(stp_former_keys_read(&update->former, update->repo.metadata_fd, &trust->root, err));
	STP_TRY(plan_role(update, &update->root, "root", &trust->root.root, said.root_keys,
	                  &trust->floors.root_keys, &update->former.root, err));
	STP_TRY(plan_role(update, &update->targets, "targets", &trust->root.targets,
	                  said.targets_keys, &trust->floors.targets_keys, &update->former.targets,
	                  err));
	if (!trust->has_bins)
		return STP_OK;
	return plan_role(update, &update->bins, "bins", &trust->bins_role, said.bins_keys,
	                 &trust->floors.bins_keys, NULL, err);
}

/* Applies changes of the number of bins, and of anything else in the delegation to them. */
static enum stp_errc change_bins(struct update *update, struct stp_err *err)
{
	const struct stp_current *current = &update->current;
	struct stp_config *config = &update->config;
	uint64_t bins = update->options->bin_count;

	if (bins) {
		if (bins < 2 || (bins & (bins - 1)) || bins > (UINT64_C(1) << STP_BIN_BITS_MAX))
			return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_BINS),
			                "%llu is not a power of two from 2 to %d",
			                (unsigned long long)bins, 1 << STP_BIN_BITS_MAX);
		config->bin_bits = (unsigned)__builtin_ctzll(bins);
	}
	if (config->has_bins_role != (update->trust.has_bins != 0))
		return STP_FAIL(
		    err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		    "\"bins_role\" cannot be changed in a repository that is published; "
		    "set it back to %s, or make a new repository",
		    update->trust.has_bins ? "true" : "false");
	update->report->bins_changed = stp_bin_count(config) != current->bin_count;
	update->online_is_new = strcmp(update->online_key.keyid, current->timestamp_keyid) != 0 ||
	                        strcmp(update->online_key.keyid, current->snapshot_keyid) != 0;
	update->delegation_is_new = update->report->bins_changed ||
	                            config->delegation != current->delegation ||
	                            strcmp(config->bin_prefix, current->bin_prefix) != 0 ||
	                            strcmp(update->online_key.keyid, current->bin_keyid) != 0;
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

static const char *why_targets(const struct update *update)
{
	if (update->targets.is_changed)
		return "its own keys or threshold are to change";
	if (update->bins.is_changed)
		return "the keys of bins are to change";
	return !update->trust.has_bins && update->delegation_is_new ? "the bins are to change"
	                                                            : NULL;
}

static const char *why_bins(const struct update *update)
{
	if (update->bins.is_changed)
		return "its own keys or threshold are to change";
	return update->delegation_is_new ? "the bins are to change" : NULL;
}

/* ------------------------------------------------------------------ new versions */

/* Drops keys that no role of roles (an object or an array of roles) names. */
static void drop_unused(json_t *keys, const json_t *roles)
{
	const char *keyid;
	json_t *key;
	void *next;

	json_object_foreach_safe(keys, next, keyid, key)
	{
		const json_t *role;
		const char *name;
		size_t i;
		int used = 0;

		json_object_foreach((json_t *)(uintptr_t)roles, name, role)
		{
			const json_t *item;

			json_array_foreach(json_object_get(role, "keyids"), i, item) used |=
			    json_is_string(item) && strcmp(json_string_value(item), keyid) == 0;
		}
		if (!used)
			json_object_del(keys, keyid);
	}
}

/* Makes the online key the only one of a role. */
static int name_online(const struct update *update, json_t *role, json_t *keys)
{
	return json_object_set_new(role, "keyids", json_pack("[s]", update->online_key.keyid)) ==
	           0 &&
	       json_object_set_new(role, "threshold", json_integer(1)) == 0 &&
	       json_object_set_new(keys, update->online_key.keyid,
	                           stp_signing_key_json(&update->online_key)) == 0;
}

/* Changes root: who signs root, targets and, with a new online key, timestamp and snapshot. 0: no
 * memory. */
static int change_root(const struct update *update, json_t *body)
{
	json_t *roles = json_object_get(body, "roles");
	json_t *keys = json_object_get(body, "keys");
	int good = 1;

	if (update->root.is_changed)
		good &= stp_signing_plan_apply(&update->root, json_object_get(roles, "root"), keys);
	if (update->targets.is_changed)
		good &= stp_signing_plan_apply(&update->targets, json_object_get(roles, "targets"),
		                               keys);
	if (update->online_is_new)
		good &= name_online(update, json_object_get(roles, "timestamp"), keys) &&
		        name_online(update, json_object_get(roles, "snapshot"), keys);
	drop_unused(keys, roles);
	return good;
}

/* Changes targets with a bins role: who signs bins. */
static int change_targets(const struct update *update, json_t *body)
{
	json_t *delegations = json_object_get(body, "delegations");
	json_t *roles = json_object_get(delegations, "roles");
	long index = stp_delegated_bins_role(roles);

	return !update->bins.is_changed ||
	       (index >= 0 &&
	        stp_signing_plan_apply(&update->bins, json_array_get(roles, (size_t)index),
	                               json_object_get(delegations, "keys")));
}

/* The same document with another version and expiry, and what was changed, in canonical form. */
static enum stp_errc renew(const struct update *update, struct renewal *renewal,
                           struct stp_err *err)
{
	json_t *body = json_deep_copy(renewal->published->body_json);
	char expires[STP_TIME_BYTES + 1];
	enum stp_errc code;
	int good;

	stp_time_format(renewal->head.expires, expires);
	good = body &&
	       json_object_set_new(body, "version",
	                           json_integer((json_int_t)renewal->head.version)) == 0 &&
	       json_object_set_new(body, "expires", json_string(expires)) == 0;
	if (good && renewal->plan == &update->root)
		good = json_object_set_new(body, "consistent_snapshot", json_true()) == 0 &&
		       change_root(update, body);
	if (good && renewal->plan == &update->targets && update->trust.has_bins)
		good = change_targets(update, body);
	code = good ? stp_canonical_append(body, &renewal->body, err)
	            : STP_FAIL_ERRNO(err, ENOMEM, STAGE, renewal->plan->role, "no memory");
	json_decref(body);
	return code;
}

/* Changes the document that delegates to the bins, as the configuration says. */
static enum stp_errc delegate_anew(struct update *update, struct renewal *renewal,
                                   struct stp_err *err)
{
	struct stp_role_keys online_keys = {&update->online_key, 1, 1};

	return update->config.has_bins_role ? stp_bins_body(&update->config, renewal->head,
	                                                    &online_keys, &renewal->body, err)
	                                    : stp_targets_body(&update->config, renewal->head, NULL,
	                                                       &online_keys, &renewal->body, err);
}

/* Makes the new version of a role, which is shown and signed later. */
static enum stp_errc prepare(struct update *update, const struct stp_signing_plan *plan,
                             const struct stp_document *published, int64_t expiry_seconds,
                             int delegates_anew, struct stp_err *err)
{
	struct renewal *renewal = &update->renewals[update->renewal_count++];

	renewal->plan = plan;
	renewal->published = published;
	renewal->head =
	    (struct stp_role_head){published->version + 1, update->now + expiry_seconds};
	STP_TRY(delegates_anew ? delegate_anew(update, renewal, err) : renew(update, renewal, err));
	return stp_cjson_to_file(renewal->body.data, renewal->body.count, STAGE, plan->role,
	                         &renewal->form, err);
}

static enum stp_errc prepare_all(struct update *update, struct stp_err *err)
{
	const struct stp_expiry *expiry = &update->config.expiry;
	const struct stp_trust *trust = &update->trust;
	int delegates = update->delegation_is_new;
	int with_root = 0;
	int with_targets = 0;
	int with_bins = 0;

	STP_TRY(
	    wants(update, &update->root, STP_INIT_ROLE_ROOT, why_root(update), &with_root, err));
	STP_TRY(wants(update, &update->targets, STP_INIT_ROLE_TARGETS, why_targets(update),
	              &with_targets, err));
	if (trust->has_bins)
		STP_TRY(wants(update, &update->bins, STP_INIT_ROLE_BINS, why_bins(update),
		              &with_bins, err));
	if (!with_root && !with_targets && !with_bins)
		return STP_FAIL(stp_hinted(err, STP_HINT_OFFLINE_KEYS), STP_KEY, STAGE,
		                "offline keys",
		                "no role has enough keys in the folder; name another with %s",
		                stp_hint_text(STP_HINT_OFFLINE_KEYS));
	if (with_bins)
		STP_TRY(prepare(update, &update->bins, &trust->bins, expiry->bins, delegates, err));
	if (with_targets)
		STP_TRY(prepare(update, &update->targets, &trust->targets, expiry->targets,
		                delegates && !trust->has_bins, err));
	if (with_root)
		STP_TRY(prepare(update, &update->root, &trust->root.doc, expiry->root, 0, err));
	return STP_OK;
}

/* ------------------------------------------------------------------ shown and confirmed */

/* What the new version of a role is compared with: the published one or, for root, the one that was
 * confirmed last, so that a root made by another tool is shown once. */
static const json_t *shown_before(const struct update *update, const struct renewal *renewal)
{
	if (renewal->plan == &update->root && update->trust.confirmed.body_json)
		return update->trust.confirmed.body_json;
	return renewal->published->body_json;
}

static enum stp_errc show(const struct update *update, const struct renewal *renewal,
                          struct stp_buf *view, struct stp_err *err)
{
	json_t *after = json_loadb((const char *)renewal->form.data, renewal->form.count,
	                           JSON_REJECT_DUPLICATES, NULL);
	enum stp_errc code;

	if (!after)
		return STP_FAIL(err, STP_FORMAT, STAGE, renewal->plan->role,
		                "cannot be renewed: what would be signed is not JSON; run stampede "
		                "verify");
	code =
	    stp_ceremony_view(renewal->plan->role, shown_before(update, renewal), after, view, err);
	json_decref(after);
	return code;
}

/* Shows all that will be signed, root first, and asks. */
static enum stp_errc confirm(const struct update *update, struct stp_err *err)
{
	struct stp_buf view = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	size_t i;

	if (!update->options->confirm)
		return STP_OK;
	for (i = update->renewal_count; i-- > 0 && code == STP_OK;)
		code = show(update, &update->renewals[i], &view, err);
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

/* Signs a prepared role and publishes it as VERSION.ROLE.json. */
static enum stp_errc publish(struct update *update, struct renewal *renewal, struct stp_err *err)
{
	const struct stp_offline_keys *offline = &renewal->plan->at_hand;
	struct stp_sealed sealed;
	struct stp_publish_file file;
	char name[64];
	enum stp_errc code;

	snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)renewal->head.version,
	         offline->role);
	STP_TRY(stp_sealed_make_escaped(name, renewal->head.version, renewal->body.data,
	                                renewal->body.count, offline->signers, offline->count,
	                                &sealed, err));
	file = (struct stp_publish_file){sealed.name, sealed.bytes, sealed.length};
	code = stp_publish_role(&update->repo, &file, err);
	if (code == STP_OK)
		renewal->pin = stp_pin_of(renewal->head.version, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	return code;
}

/* Notes the new version in the floors and in the report. */
static void note_published(struct update *update, const struct renewal *renewal,
                           struct stp_floors *floors)
{
	struct stp_init_update_report *report = update->report;

	if (renewal->plan == &update->root) {
		stp_older_add(floors->older.sha256, floors->root.sha256);
		floors->root = renewal->pin;
		report->root_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->root_expires);
	} else if (renewal->plan == &update->targets) {
		floors->targets = renewal->pin;
		report->targets_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->targets_expires);
	} else {
		floors->bins = renewal->pin;
		report->bins_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->bins_expires);
	}
}

/* Notes what is in force now. */
static void note_in_force(struct update *update, struct stp_floors *floors)
{
	struct stp_config *config = &update->config;

	config->root_threshold = update->root.threshold;
	config->root_key_count = (unsigned)update->root.keyid_count;
	config->targets_threshold = update->targets.threshold;
	config->targets_key_count = (unsigned)update->targets.keyid_count;
	if (update->trust.has_bins) {
		config->bins_threshold = update->bins.threshold;
		config->bins_key_count = (unsigned)update->bins.keyid_count;
	}
	config->trusted_root = floors->root;
	stp_trusted_note_offline(floors, config);
}

static enum stp_errc run(struct update *update, struct stp_err *err)
{
	struct stp_floors floors;
	size_t i;

	STP_TRY(open_all(update, err));
	STP_TRY(plan_all(update, err));
	STP_TRY(change_bins(update, err));
	STP_TRY(prepare_all(update, err));
	STP_TRY(confirm(update, err));
	floors = update->trust.found;
	for (i = 0; i < update->renewal_count; i++) {
		STP_TRY(publish(update, &update->renewals[i], err));
		note_published(update, &update->renewals[i], &floors);
	}
	note_in_force(update, &floors);
	/* Only sign uses up version numbers: it must still learn that a backup was restored. */
	STP_TRY(stp_floors_save(update->repo.state_fd, stp_seal_key_bytes(update->seal), &floors,
	                        update->trust.origin, err));
	update->report->bin_count = stp_bin_count(&update->config);
	update->report->online_is_new = update->online_is_new;
	return stp_config_replace(&update->config, update->repo.root_fd, err);
}

static void release_renewal(struct renewal *renewal)
{
	stp_buf_release(&renewal->body);
	stp_buf_release(&renewal->form);
}

static void release(struct update *update)
{
	size_t i;

	for (i = 0; i < update->renewal_count; i++)
		release_renewal(&update->renewals[i]);
	stp_former_keys_release(&update->former);
	stp_signing_plan_release(&update->root);
	stp_signing_plan_release(&update->targets);
	stp_signing_plan_release(&update->bins);
	stp_key_destroy(update->online);
	stp_seal_key_destroy(update->seal);
	for (i = 0; i < update->offline_count; i++)
		stp_fd_close(&update->offline_fds[i]);
	stp_current_release(&update->current);
	stp_trust_release(&update->trust);
	stp_config_release(&update->config);
	stp_repo_close(&update->repo);
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
	stp_repo_init(&update->repo);
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
