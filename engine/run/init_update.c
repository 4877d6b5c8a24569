/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init --update: new versions of the offline roles (engine/decisions/0180-offline-roles.md).
 *
 *	published N.bins.json    ─▶ new version and expiry (and number of bins)  ─▶ N+1.bins.json
 *	published N.targets.json ─▶ new version and expiry                       ─▶ N+1.targets.json
 *	published N.root.json    ─▶ new version and expiry                       ─▶ N+1.root.json
 *	                                                                            stampede.json
 *
 * A renewed role says what it said, with another version and expiry: keys and thresholds are taken
 * from the published file, so keys that are not at hand stay authorised. Clients see a new root at
 * once; the others when the next sign lists them. Dying half-way leaves versions that the next
 * sign lists, or a number of bins that the configuration does not know yet: sign refuses that and
 * says to run the update again.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/current.h"
#include "publish/publish.h"
#include "run/ceremony.h"
#include "sign/sealed.h"
#include "stampede/init.h"

#define STAGE "update"

/* Who may sign a role, as a published document says it. */
struct signers {
	const char *keyids[STP_ROLE_KEYS_MAX];
	size_t count;
	unsigned threshold;
};

struct update {
	const struct stp_init_update_options *options;
	struct stp_init_update_report *report;
	int64_t now;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_current current;
	json_t *root, *targets, *bins; /* published documents */
	int offline_fd;
	struct stp_key *online;
	struct stp_ring root_ring, targets_ring, bins_ring;
};

/* ------------------------------------------------------------------ what is published */

static enum stp_errc load_document(struct update *update, const char *role, uint64_t version,
                                   json_t **out_document, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	char name[64];

	snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)version, role);
	STP_TRY(stp_file_read(update->repo.metadata_fd, name, STP_TARGETS_BYTES_MAX, STAGE, &text,
	                      err));
	*out_document =
	    json_loadb((const char *)text.data, text.count, JSON_REJECT_DUPLICATES, NULL);
	stp_buf_release(&text);
	if (!*out_document)
		return STP_FAIL(err, STP_FORMAT, STAGE, name,
		                "is no JSON; restore it from a backup");
	return STP_OK;
}

/* Reads "keyids" and "threshold" of role (an object of a document). */
static enum stp_errc read_signers(const json_t *role, const char *name, struct signers *out,
                                  struct stp_err *err)
{
	const json_t *keyids = json_object_get(role, "keyids");
	json_int_t threshold = json_integer_value(json_object_get(role, "threshold"));
	size_t i;

	out->count = json_array_size(keyids);
	if (out->count < 1 || out->count > STP_ROLE_KEYS_MAX || threshold < 1 ||
	    (size_t)threshold > out->count)
		return STP_FAIL(err, STP_FORMAT, STAGE, name,
		                "the published metadata names no keys "
		                "for this role that can sign it");
	out->threshold = (unsigned)threshold;
	for (i = 0; i < out->count; i++) {
		out->keyids[i] = json_string_value(json_array_get(keyids, i));
		if (!out->keyids[i])
			return STP_FAIL(err, STP_FORMAT, STAGE, name, "a keyid is no text");
	}
	return STP_OK;
}

static const json_t *root_role(const struct update *update, const char *role)
{
	return json_object_get(json_object_get(json_object_get(update->root, "signed"), "roles"),
	                       role);
}

static enum stp_errc open_ring(struct update *update, struct stp_ring *ring, const char *role,
                               const json_t *said, struct stp_err *err)
{
	struct signers signers;

	STP_TRY(read_signers(said, role, &signers, err));
	return stp_ring_open_allowed(ring, update->offline_fd, role, signers.keyids, signers.count,
	                             signers.threshold, err);
}

static enum stp_errc open_all(struct update *update, struct stp_err *err)
{
	const char *folder = update->options->offline_keys;
	struct stp_current *current = &update->current;
	const json_t *delegated;

	STP_TRY(stp_repo_open(update->options->repo, STP_REPO_LOCK, "init", &update->repo, err));
	STP_TRY(stp_config_load(&update->config, update->repo.root_fd, err));
	STP_TRY(stp_current_load(current, &update->repo, err));
	STP_TRY(stp_folder_open(folder ? AT_FDCWD : update->repo.root_fd,
	                        folder ? folder : STP_OFFLINE_KEYS_FOLDER, STAGE,
	                        &update->offline_fd, err));
	STP_TRY(stp_key_load(update->repo.keys_fd, STP_ONLINE_KEY_FILE, &update->online, err));
	STP_TRY(load_document(update, "root", current->root.version, &update->root, err));
	STP_TRY(load_document(update, "targets", current->targets.version, &update->targets, err));
	STP_TRY(open_ring(update, &update->root_ring, "root", root_role(update, "root"), err));
	STP_TRY(
	    open_ring(update, &update->targets_ring, "targets", root_role(update, "targets"), err));
	if (!current->bins.version)
		return STP_OK;
	STP_TRY(load_document(update, "bins", current->bins.version, &update->bins, err));
	delegated = json_array_get(
	    json_object_get(json_object_get(json_object_get(update->targets, "signed"),
	                                    "delegations"),
	                    "roles"),
	    0);
	return open_ring(update, &update->bins_ring, "bins", delegated, err);
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

/* Signs body with ring and publishes it as VERSION.ROLE.json. */
static enum stp_errc publish_body(struct update *update, const struct stp_ring *ring,
                                  uint64_t version, const void *body, size_t body_bytes,
                                  struct stp_err *err)
{
	struct stp_sealed sealed;
	struct stp_publish_file file;
	char name[64];
	enum stp_errc code;

	snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)version, ring->role);
	STP_TRY(stp_sealed_make(name, version, body, body_bytes,
	                        (const struct stp_key *const *)ring->keys, ring->count, &sealed,
	                        err));
	file = (struct stp_publish_file){sealed.name, sealed.bytes, sealed.length};
	code = stp_publish_role(&update->repo, &file, err);
	stp_sealed_release(&sealed);
	return code;
}

/* The same document with another version and expiry. It was canonical and holds plain ASCII only,
 * so sorted and compact is canonical again; stp_sealed_make() checks that. */
static enum stp_errc renew(struct update *update, const struct stp_ring *ring, json_t *document,
                           struct stp_role_head head, struct stp_err *err)
{
	json_t *body = json_object_get(document, "signed");
	char expires[STP_TIME_BYTES + 1];
	char *text;
	enum stp_errc code;

	stp_time_format(head.expires, expires);
	if (json_object_set_new(body, "version", json_integer((json_int_t)head.version)) != 0 ||
	    json_object_set_new(body, "expires", json_string(expires)) != 0)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, ring->role, "no memory");
	text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, ring->role, "no memory");
	code = publish_body(update, ring, head.version, text, strlen(text), err);
	free(text);
	return code;
}

/* The document that delegates to the bins, with the configuration's number of them. */
static enum stp_errc delegate_anew(struct update *update, const struct stp_ring *ring,
                                   struct stp_role_head head, struct stp_err *err)
{
	struct stp_role_key online;
	struct stp_role_keys online_keys = {&online, 1, 1};
	struct stp_buf body = STP_BUF_INIT;
	enum stp_errc code;

	stp_role_key_init(&online, stp_key_public(update->online));
	if (strcmp(online.keyid, update->current.bin_keyid) != 0)
		return STP_FAIL(err, STP_KEY, STAGE, "keys/online.pem",
		                "is not the key that the bins are signed with");
	code = update->config.has_bins_role
	           ? stp_bins_body(&update->config, head, &online_keys, &body, err)
	           : stp_targets_body(&update->config, head, NULL, &online_keys, &body, err);
	if (code == STP_OK)
		code = publish_body(update, ring, head.version, body.data, body.count, err);
	stp_buf_release(&body);
	return code;
}

static enum stp_errc update_role(struct update *update, const struct stp_ring *ring,
                                 json_t *document, const struct stp_current_role *published,
                                 int64_t expiry_seconds, int delegates_anew, uint64_t *out_version,
                                 char out_expires[STP_TIME_BYTES + 1], struct stp_err *err)
{
	struct stp_role_head head = {published->version + 1, update->now + expiry_seconds};

	if (delegates_anew)
		STP_TRY(delegate_anew(update, ring, head, err));
	else
		STP_TRY(renew(update, ring, document, head, err));
	*out_version = head.version;
	stp_time_format(head.expires, out_expires);
	return STP_OK;
}

static enum stp_errc run(struct update *update, struct stp_err *err)
{
	struct stp_init_update_report *report = update->report;
	const struct stp_expiry *expiry = &update->config.expiry;
	int has_bins;
	int with_root = 0;
	int with_targets = 0;
	int with_bins = 0;

	STP_TRY(open_all(update, err));
	if (update->now < update->current.committed_at)
		return STP_FAIL(err, STP_REFUSED, STAGE, "timestamp.json",
		                "was published after this run's time; set the clock right");
	has_bins = update->current.bins.version != 0;
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
		STP_TRY(update_role(update, &update->bins_ring, update->bins, &update->current.bins,
		                    expiry->bins, report->bins_changed, &report->bins_version,
		                    report->bins_expires, err));
	if (with_targets)
		STP_TRY(update_role(update, &update->targets_ring, update->targets,
		                    &update->current.targets, expiry->targets,
		                    report->bins_changed && !has_bins, &report->targets_version,
		                    report->targets_expires, err));
	if (with_root)
		STP_TRY(update_role(update, &update->root_ring, update->root, &update->current.root,
		                    expiry->root, 0, &report->root_version, report->root_expires,
		                    err));
	report->bin_count = stp_bin_count(&update->config);
	return stp_config_replace(&update->config, update->repo.root_fd, err);
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
	stp_ring_release(&update->root_ring);
	stp_ring_release(&update->targets_ring);
	stp_ring_release(&update->bins_ring);
	stp_key_destroy(update->online);
	json_decref(update->root);
	json_decref(update->targets);
	json_decref(update->bins);
	stp_fd_close(&update->offline_fd);
	stp_current_release(&update->current);
	stp_config_release(&update->config);
	stp_repo_close(&update->repo);
	free(update);
	if (code == STP_OK)
		*out_report = report;
	return code;
}
