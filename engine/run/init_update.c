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
 * the offline keys sign nothing that somebody put there. A renewed role says what it said, with
 * another version and expiry: keys and thresholds are taken from the published file, so keys that
 * are not at hand stay authorised. Everything is made first, then shown, then signed and published.
 *
 * Clients see a new root at once; the others when the next sign lists them. Dying half-way leaves
 * versions that the next sign lists, or a number of bins that the configuration does not know yet:
 * sign refuses that and says to run the update again.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/publish.h"
#include "run/ceremony.h"
#include "run/ceremony_view.h"
#include "run/trusted.h"
#include "sign/sealed.h"
#include "stampede/init.h"

#define STAGE "update"

/* A role whose new version was made and is to be signed. */
struct renewal {
	const struct stp_ring *ring;
	const struct stp_document *published;
	struct stp_role_head head;
	struct stp_buf body; /* what will be signed */
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
	int offline_fd;
	struct stp_key *online;
	struct stp_seal_key *seal;
	struct stp_ring root_ring, targets_ring, bins_ring;
	struct renewal renewals[3]; /* in the order of publishing: bins, targets, root */
	size_t renewal_count;
};

/* ------------------------------------------------------------------ what is published */

/* Loads those of role's keys that lie in the folder and may sign it. */
static enum stp_errc open_ring(struct update *update, struct stp_ring *ring, const char *name,
                               const struct stp_role *role, struct stp_err *err)
{
	const char *keyids[STP_ROLE_KEYS_MAX];
	size_t i;

	for (i = 0; i < role->key_count; i++)
		keyids[i] = role->keys[i]->keyid;
	return stp_ring_open_allowed(ring, update->offline_fd, name, keyids, role->key_count,
	                             (unsigned)role->threshold, err);
}

static enum stp_errc open_all(struct update *update, struct stp_err *err)
{
	const struct stp_init_update_options *options = update->options;
	const char *folder = options->offline_keys;
	struct stp_trust *trust = &update->trust;

	STP_TRY(stp_repo_open(options->repo, STP_REPO_LOCK, "init", &update->repo, err));
	STP_TRY(stp_config_load(&update->config, update->repo.root_fd, err));
	STP_TRY(stp_key_load(update->repo.keys_fd, STP_ONLINE_KEY_FILE, &update->online, err));
	STP_TRY(stp_seal_key_load(update->repo.keys_fd, STP_LEDGER_KEY_FILE, &update->seal, err));
	STP_TRY(stp_trusted_load(trust, &update->repo, &update->config, STP_TRUSTED_PINNED,
	                         options->trusted_root, update->seal, &update->current, err));
	STP_TRY(stp_current_check_clock(&update->current, update->now, options->after_clock_error,
	                                err));
	STP_TRY(stp_folder_open(folder ? AT_FDCWD : update->repo.root_fd,
	                        folder ? folder : STP_OFFLINE_KEYS_FOLDER, STAGE,
	                        &update->offline_fd, err));
	STP_TRY(open_ring(update, &update->root_ring, "root", &trust->root.root, err));
	STP_TRY(open_ring(update, &update->targets_ring, "targets", &trust->root.targets, err));
	if (!trust->has_bins)
		return STP_OK;
	return open_ring(update, &update->bins_ring, "bins", &trust->bins_role, err);
}

/* ------------------------------------------------------------------ what to renew */

/* Sets *out when role is to be renewed: asked for, or all keys it takes are there. */
static enum stp_errc wants(const struct update *update, const struct stp_ring *ring, unsigned bit,
                           int needed, int *out, struct stp_err *err)
{
	int has_keys = ring->count >= ring->threshold && ring->count > 0;

	if ((needed || (update->options->roles & bit)) && !has_keys)
		return STP_FAIL(err, STP_KEY, STAGE, ring->role,
		                "%zu of its keys are in the offline folder, %u must sign; put them "
		                "there, or name the folder with --offline-keys",
		                ring->count, ring->threshold);
	*out = needed || (update->options->roles ? (update->options->roles & bit) != 0 : has_keys);
	return STP_OK;
}

/* The number of bins that the update shall leave. */
static enum stp_errc change_bins(struct update *update, int *out_changed, struct stp_err *err)
{
	uint64_t bins = update->options->bin_count;

	if (bins) {
		if (bins < 2 || (bins & (bins - 1)) || bins > (UINT64_C(1) << STP_BIN_BITS_MAX))
			return STP_FAIL(err, STP_CONFIG, STAGE, "--bins",
			                "%llu is no power of two from 2 to %d",
			                (unsigned long long)bins, 1 << STP_BIN_BITS_MAX);
		update->config.bin_bits = (unsigned)__builtin_ctzll(bins);
	}
	*out_changed = stp_bin_count(&update->config) != update->current.bin_count;
	return STP_OK;
}

/* ------------------------------------------------------------------ new versions */

/* The same document with another version and expiry, in canonical form. */
static enum stp_errc renew(struct renewal *renewal, struct stp_err *err)
{
	const char *role = renewal->ring->role;
	json_t *body = json_copy(renewal->published->body_json);
	char expires[STP_TIME_BYTES + 1];
	enum stp_errc code;

	stp_time_format(renewal->head.expires, expires);
	if (!body ||
	    json_object_set_new(body, "version", json_integer((json_int_t)renewal->head.version)) !=
	        0 ||
	    json_object_set_new(body, "expires", json_string(expires)) != 0)
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, role, "no memory");
	else
		code = stp_canonical_append(body, &renewal->body, err);
	json_decref(body);
	return code;
}

/* The document that delegates to the bins, with the configuration's number of them. */
static enum stp_errc delegate_anew(struct update *update, struct renewal *renewal,
                                   struct stp_err *err)
{
	struct stp_role_key online;
	struct stp_role_keys online_keys = {&online, 1, 1};

	stp_role_key_init(&online, stp_key_public(update->online));
	if (strcmp(online.keyid, update->current.bin_keyid) != 0)
		return STP_FAIL(err, STP_KEY, STAGE, "keys/online.pem",
		                "is not the key that the bins are signed with");
	return update->config.has_bins_role ? stp_bins_body(&update->config, renewal->head,
	                                                    &online_keys, &renewal->body, err)
	                                    : stp_targets_body(&update->config, renewal->head, NULL,
	                                                       &online_keys, &renewal->body, err);
}

/* Makes the new version of a role, which waits to be shown and signed. */
static enum stp_errc prepare(struct update *update, const struct stp_ring *ring,
                             const struct stp_document *published, int64_t expiry_seconds,
                             int delegates_anew, struct stp_err *err)
{
	struct renewal *renewal = &update->renewals[update->renewal_count++];

	renewal->ring = ring;
	renewal->published = published;
	renewal->head =
	    (struct stp_role_head){published->version + 1, update->now + expiry_seconds};
	return delegates_anew ? delegate_anew(update, renewal, err) : renew(renewal, err);
}

static enum stp_errc prepare_all(struct update *update, struct stp_err *err)
{
	struct stp_init_update_report *report = update->report;
	const struct stp_expiry *expiry = &update->config.expiry;
	const struct stp_trust *trust = &update->trust;
	int has_bins = trust->has_bins;
	int with_root = 0;
	int with_targets = 0;
	int with_bins = 0;

	STP_TRY(change_bins(update, &report->bins_changed, err));
	STP_TRY(wants(update, &update->root_ring, STP_INIT_ROLE_ROOT, 0, &with_root, err));
	STP_TRY(wants(update, &update->targets_ring, STP_INIT_ROLE_TARGETS,
	              report->bins_changed && !has_bins, &with_targets, err));
	if (has_bins)
		STP_TRY(wants(update, &update->bins_ring, STP_INIT_ROLE_BINS, report->bins_changed,
		              &with_bins, err));
	if (!with_root && !with_targets && !with_bins)
		return STP_FAIL(err, STP_KEY, STAGE, "offline keys",
		                "no role has enough keys in the folder; name another with "
		                "--offline-keys");
	if (with_bins)
		STP_TRY(prepare(update, &update->bins_ring, &trust->bins, expiry->bins,
		                report->bins_changed, err));
	if (with_targets)
		STP_TRY(prepare(update, &update->targets_ring, &trust->targets, expiry->targets,
		                report->bins_changed && !has_bins, err));
	if (with_root)
		STP_TRY(
		    prepare(update, &update->root_ring, &trust->root.doc, expiry->root, 0, err));
	return STP_OK;
}

/* ------------------------------------------------------------------ shown and confirmed */

static enum stp_errc show(const struct renewal *renewal, struct stp_buf *view, struct stp_err *err)
{
	json_t *after = json_loadb((const char *)renewal->body.data, renewal->body.count,
	                           JSON_REJECT_DUPLICATES, NULL);
	enum stp_errc code;

	if (!after)
		return STP_FAIL(err, STP_FORMAT, STAGE, renewal->ring->role,
		                "what would be signed is not JSON: keys with line feeds cannot be "
		                "renewed here");
	code =
	    stp_ceremony_view(renewal->ring->role, renewal->published->body_json, after, view, err);
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
		code = show(&update->renewals[i], &view, err);
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
	const struct stp_ring *ring = renewal->ring;
	struct stp_sealed sealed;
	struct stp_publish_file file;
	char name[64];
	enum stp_errc code;

	snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)renewal->head.version,
	         ring->role);
	STP_TRY(stp_sealed_make(name, renewal->head.version, renewal->body.data,
	                        renewal->body.count, (const struct stp_key *const *)ring->keys,
	                        ring->count, &sealed, err));
	file = (struct stp_publish_file){sealed.name, sealed.bytes, sealed.length};
	code = stp_publish_role(&update->repo, &file, err);
	if (code == STP_OK)
		renewal->pin = stp_pin_of(renewal->head.version, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	return code;
}

/* The role's place in the floors and in the report. */
static void note_published(struct update *update, const struct renewal *renewal,
                           struct stp_floors *floors)
{
	struct stp_init_update_report *report = update->report;
	const struct stp_ring *ring = renewal->ring;

	if (ring == &update->root_ring) {
		floors->root = renewal->pin;
		report->root_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->root_expires);
	} else if (ring == &update->targets_ring) {
		floors->targets = renewal->pin;
		report->targets_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->targets_expires);
	} else {
		floors->bins = renewal->pin;
		report->bins_version = renewal->head.version;
		stp_time_format(renewal->head.expires, report->bins_expires);
	}
}

static enum stp_errc run(struct update *update, struct stp_err *err)
{
	struct stp_floors floors;
	size_t i;

	STP_TRY(open_all(update, err));
	STP_TRY(prepare_all(update, err));
	STP_TRY(confirm(update, err));
	floors = update->trust.found;
	for (i = 0; i < update->renewal_count; i++) {
		STP_TRY(publish(update, &update->renewals[i], err));
		note_published(update, &update->renewals[i], &floors);
	}
	STP_TRY(
	    stp_floors_save(update->repo.state_fd, stp_seal_key_bytes(update->seal), &floors, err));
	update->report->bin_count = stp_bin_count(&update->config);
	update->config.trusted_root = floors.root;
	return stp_config_replace(&update->config, update->repo.root_fd, err);
}

static void release(struct update *update)
{
	size_t i;

	for (i = 0; i < update->renewal_count; i++)
		stp_buf_release(&update->renewals[i].body);
	stp_ring_release(&update->root_ring);
	stp_ring_release(&update->targets_ring);
	stp_ring_release(&update->bins_ring);
	stp_key_destroy(update->online);
	stp_seal_key_destroy(update->seal);
	stp_fd_close(&update->offline_fd);
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
	struct update *update = calloc(1, sizeof(*update));
	enum stp_errc code;

	if (!update)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	update->options = options;
	update->report = &report;
	update->now = options->now >= 0 ? options->now : stp_clock_now();
	update->offline_fd = -1;
	stp_repo_init(&update->repo);
	code = run(update, err);
	release(update);
	if (code == STP_OK)
		*out_report = report;
	return code;
}
