/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/publication.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "hash/hash.h"
#include "publish/publish.h"
#include "run/ceremony/clients.h"
#include "run/ceremony/online_stage.h"
#include "run/ceremony/shadow.h"
#include "run/trusted.h"
#include "verify/delegated.h"
#include "verify/finding.h"

#define STAGE "ceremony"
#define AGAIN "make a new payload from what is published now, and have that signed"

/* The repository as trust/ sees it. */
struct view {
	struct stp_trust trust;
	struct stp_current current;
	int is_loaded;
};

static void view_release(struct view *view)
{
	if (view->is_loaded) {
		stp_current_release(&view->current);
		stp_trust_release(&view->trust);
	}
	view->is_loaded = 0;
}

/* pin: the root to start from; NULL: that of the configuration. */
static enum stp_errc view_load(struct view *view, const struct stp_publication *publication,
                               const struct stp_repo *repo, const struct stp_pin *pin,
                               struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	struct stp_trust_options trust = {
	    .repo = repo,
	    .pinned = pin ? pin : &options->config->trusted_root,
	    .root_file = options->root_file,
	    .seal_key = stp_seal_key_bytes(options->seal),
	    .needs_pin = 1,
	};

	view_release(view);
	STP_TRY(stp_trust_load(&view->trust, &trust, &view->current, err));
	view->is_loaded = 1;
	return STP_OK;
}

/* ------------------------------------------------------------------ what is there already */

static const struct stp_payload_document *document(const struct stp_publication *publication,
                                                   size_t role)
{
	return stp_payload_document(publication->options->payload, (enum stp_payload_role)role);
}

/* Whether the file has the signed bytes of doc, by whichever keys they are signed. */
static int is_same_body(const struct stp_buf *file, const struct stp_document *doc)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;
	json_t *json =
	    json_loadb((const char *)file->data, file->count, JSON_REJECT_DUPLICATES, NULL);
	const json_t *signed_part = json_object_get(json, "signed");
	int same = signed_part && stp_canonical_append(signed_part, &body, &ignored) == STP_OK &&
	           body.count == doc->body.count &&
	           memcmp(body.data, doc->body.data, body.count) == 0;

	json_decref(json);
	stp_buf_release(&body);
	return same;
}

/* Looks for the document of role in public/metadata, and makes its file if it is not there. */
static enum stp_errc look(struct stp_publication *publication, size_t role, struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	const struct stp_payload_document *wanted = document(publication, role);
	struct stp_buf *file = &publication->files[role];
	size_t i;

	if (!wanted)
		return STP_OK;
	if (!stp_file_exists(options->repo->metadata_fd, wanted->name)) {
		for (i = 0; i < options->tally->document_count; i++)
			if (options->tally->documents[i].document == wanted)
				return stp_tally_envelope(&options->tally->documents[i], file, err);
		return STP_FAIL(err, STP_CONFIG, STAGE, wanted->name, "was not signed");
	}
	STP_TRY(stp_file_read(options->repo->metadata_fd, wanted->name, STP_TARGETS_BYTES_MAX,
	                      STAGE, file, err));
	if (!is_same_body(file, wanted->doc))
		return STP_FAIL(err, STP_REFUSED, STAGE, wanted->name,
		                "is published already, and is not what this payload has: another "
		                "ceremony was finished in between; " AGAIN);
	publication->is_there[role] = 1;
	publication->there_count++;
	return STP_OK;
}

static enum stp_errc check_expiry(const struct stp_publication *publication, struct stp_err *err)
{
	const struct stp_payload *payload = publication->options->payload;
	size_t i;

	for (i = 0; i < payload->document_count; i++) {
		const struct stp_payload_document *item = &payload->documents[i];
		char expires[STP_TIME_BYTES + 1];

		if (publication->is_there[item->role] ||
		    item->doc->expires > publication->options->now)
			continue;
		stp_time_format(item->doc->expires, expires);
		return STP_FAIL(err, STP_REFUSED, STAGE, item->name,
		                "expired at %s, before it was published; " AGAIN, expires);
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ the base */

/* What is published of role according to view; version 0: nothing. */
static struct stp_pin found_of(const struct view *view, size_t role)
{
	const struct stp_floors *found = &view->trust.found;
	const struct stp_pin pins[STP_PAYLOAD_ROLES] = {found->root, found->targets, found->bins};

	return pins[role];
}

/* Whether role is as the payload found it, or as it left it. */
static int is_unmoved(const struct stp_publication *publication, const struct view *view,
                      size_t role)
{
	const struct stp_payload_base *base = &publication->options->payload->base[role];
	struct stp_pin found = found_of(view, role);
	uint8_t sha256[32];

	if (found.version == base->version &&
	    memcmp(found.sha256, base->sha256, sizeof(found.sha256)) == 0)
		return 1;
	if (!publication->is_there[role])
		return 0;
	stp_hash_one(STP_ALG_SHA256, publication->files[role].data, publication->files[role].count,
	             sha256);
	return memcmp(found.sha256, sha256, sizeof(sha256)) == 0;
}

/* What holders were shown as published must be that: they judged the changes by it. */
static enum stp_errc check_shown(const struct stp_publication *publication, const struct view *view,
                                 struct stp_err *err)
{
	const struct stp_payload *payload = publication->options->payload;
	const struct stp_root *root = stp_payload_published_root(payload);
	const struct stp_document *shown[STP_PAYLOAD_ROLES] = {
	    root ? &root->doc : NULL, &payload->published_targets, &payload->published_bins};
	const struct stp_document *found[STP_PAYLOAD_ROLES] = {
	    &view->trust.root.doc, &view->trust.targets, &view->trust.bins};
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (shown[role] && shown[role]->version &&
		    shown[role]->version == found[role]->version &&
		    (shown[role]->body.count != found[role]->body.count ||
		     memcmp(shown[role]->body.data, found[role]->body.data,
		            found[role]->body.count) != 0))
			return STP_FAIL(err, STP_REFUSED, STAGE, found[role]->name,
			                "is not what the payload shows as published: somebody "
			                "altered the payload before it was signed; " AGAIN);
	return STP_OK;
}

static enum stp_errc check_base(const struct stp_publication *publication, const struct view *view,
                                struct stp_err *err)
{
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++) {
		const char *name = stp_payload_role_name((enum stp_payload_role)role);
		uint64_t was = publication->options->payload->base[role].version;
		uint64_t is = found_of(view, role).version;

		if (is_unmoved(publication, view, role))
			continue;
		if (was == is)
			return STP_FAIL(err, STP_REFUSED, STAGE, name,
			                "version %" PRIu64
			                " has other bytes than when this payload was made; it is "
			                "of another repository, or " AGAIN,
			                is);
		return STP_FAIL(err, STP_REFUSED, STAGE, name,
		                "has moved from version %" PRIu64 " to %" PRIu64
		                " since this payload was made; " AGAIN,
		                was, is);
	}
	return STP_OK;
}

/* Loads what was published before this ceremony. If a part of it is there already, the rest may not
 * fit to it yet: then it is set aside. */
static enum stp_errc load_base(const struct stp_publication *publication, struct view *view,
                               struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	const char *without[STP_PAYLOAD_ROLES];
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_shadow shadow;
	size_t count = 0;
	enum stp_errc code;
	size_t role;

	if (!publication->there_count)
		return view_load(view, publication, options->repo, NULL, err);
	if (view_load(view, publication, options->repo, NULL, &ignored) == STP_OK)
		return STP_OK;
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (publication->is_there[role])
			without[count++] = document(publication, role)->name;
	code = stp_shadow_begin(&shadow, options->repo, without, count, err);
	if (code == STP_OK)
		code = view_load(view, publication, &shadow.repo, NULL, err);
	stp_shadow_end(&shadow);
	return code;
}

/* ------------------------------------------------------------------ tried before it is visible */

static int same_keys(const struct stp_role *a, const struct stp_role *b)
{
	size_t i;

	if (a->key_count != b->key_count || a->threshold != b->threshold)
		return 0;
	for (i = 0; i < a->key_count; i++)
		if (!stp_tally_role_has(b, a->keys[i]))
			return 0;
	return 1;
}

/* The signing machine has one key for each of timestamp and snapshot. */
static enum stp_errc check_online(const struct stp_publication *publication, struct stp_err *err)
{
	const struct stp_payload *payload = publication->options->payload;
	const struct stp_role *const roles[] = {&payload->root.timestamp, &payload->root.snapshot};
	static const char *const names[] = {"timestamp", "snapshot"};
	size_t i;

	for (i = 0; payload->has_root && i < 2; i++)
		if (roles[i]->threshold != 1)
			return STP_FAIL(err, STP_REFUSED, STAGE, names[i],
			                "was not published: %" PRIu64
			                " keys would have to sign it, but the signing machine "
			                "signs with one; make a payload with threshold 1",
			                roles[i]->threshold);
	return STP_OK;
}

static int has_role(const json_t *roles, const char *name)
{
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		const char *other = json_string_value(json_object_get(role, "name"));

		if (other && strcmp(other, name) == 0)
			return 1;
	}
	return 0;
}

static const json_t *roles_of(const struct stp_document *doc)
{
	return json_object_get(json_object_get(doc->body_json, "delegations"), "roles");
}

/* What sign and verify refuse of targets: targets of its own, which belong to bins, and a role that
 * no snapshot will list. */
static enum stp_errc check_targets(const struct stp_publication *publication,
                                   const struct view *before, struct stp_err *err)
{
	const struct stp_payload_document *item = document(publication, STP_PAYLOAD_TARGETS);
	const json_t *roles, *known;
	json_t *role;
	size_t i;

	if (!item || publication->is_there[STP_PAYLOAD_TARGETS])
		return STP_OK;
	if (json_object_size(json_object_get(item->doc->body_json, "targets")))
		return STP_FAIL(err, STP_REFUSED, STAGE, item->name,
		                "was not published: it lists targets itself, which belong to the "
		                "bins; make a payload without them");
	roles = roles_of(item->doc);
	known = before->is_loaded ? roles_of(&before->trust.targets) : NULL;
	json_array_foreach(roles, i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));
		struct stp_quote quote;

		if (!name || (long)i == stp_delegated_bins_role(roles) ||
		    stp_delegated_is_bin(role) || has_role(known, name))
			continue;
		return STP_FAIL(err, STP_REFUSED, STAGE, item->name,
		                "was not published: it delegates to %s, a new role that no "
		                "snapshot lists, so clients would fail; make a payload without it",
		                stp_finding_quote(&quote, name, strlen(name)));
	}
	return STP_OK;
}

/* sign would look for other bins than those that the new documents delegate to. */
static enum stp_errc check_prefix(const struct stp_publication *publication,
                                  const struct view *after, struct stp_err *err)
{
	const char *want = publication->options->config->bin_prefix;
	struct stp_quote quote;

	if (strcmp(after->current.bin_prefix, want) == 0)
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, "bins",
	                "was not published: its bins are called %s, but \"bin_prefix\" of "
	                "stampede.json is \"%s\"; make a payload with that name",
	                stp_finding_quote(&quote, after->current.bin_prefix,
	                                  strlen(after->current.bin_prefix)),
	                want);
}

static enum stp_errc try_clients(struct stp_publication *publication,
                                 const struct stp_shadow *shadow, const struct view *after,
                                 struct stp_err *err)
{
	const struct stp_payload *payload = publication->options->payload;
	const struct stp_root *before = stp_payload_published_root(payload);
	const struct stp_root *now = &after->trust.root;
	struct stp_clients_run run = {
	    .before_fd = publication->options->repo->metadata_fd,
	    .after_fd = shadow->repo.metadata_fd,
	    .newest = now->doc.version,
	    .now = publication->options->now,
	    .online_changes = before && (!same_keys(&before->timestamp, &now->timestamp) ||
	                                 !same_keys(&before->snapshot, &now->snapshot)),
	    .targets_change = before && !same_keys(&before->targets, &now->targets),
	};

	return stp_clients_try(&run, &publication->must_sign, err);
}

/* Builds the view that clients will have, and tries it: as the next sign would read it, and as
 * clients do. */
static enum stp_errc try_all(struct stp_publication *publication, struct view *after,
                             struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	int is_first = options->payload->chain_count == 0;
	const struct stp_buf *root = &publication->files[STP_PAYLOAD_ROOT];
	struct stp_pin pin = stp_pin_of(1, root->data, root->count);
	struct stp_shadow shadow;
	enum stp_errc code;
	size_t role;

	code = stp_shadow_begin(&shadow, options->repo, NULL, 0, err);
	for (role = 0; role < STP_PAYLOAD_ROLES && code == STP_OK; role++)
		if (document(publication, role) && !publication->is_there[role])
			code = stp_shadow_put(&shadow, document(publication, role)->name,
			                      publication->files[role].data,
			                      publication->files[role].count, err);
	if (code == STP_OK)
		code = view_load(after, publication, &shadow.repo,
		                 is_first && !options->config->trusted_root.version ? &pin : NULL,
		                 err);
	if (code == STP_OK)
		code = try_clients(publication, &shadow, after, err);
	stp_shadow_end(&shadow);
	return code;
}

/* ------------------------------------------------------------------ visible */

/* Bins first, root last: what a document refers to is there before it. */
static enum stp_errc publish(const struct stp_publication *publication, struct stp_err *err)
{
	size_t role = STP_PAYLOAD_ROLES;

	while (role-- > 0) {
		const struct stp_payload_document *item = document(publication, role);
		struct stp_publish_file file;

		if (!item || publication->is_there[role])
			continue;
		file = (struct stp_publish_file){item->name, publication->files[role].data,
		                                 publication->files[role].count};
		STP_TRY(stp_publish_role(publication->options->repo, &file, err));
		STP_FAULT_TRY(err, STAGE, "published", item->name);
	}
	return STP_OK;
}

/* Notes what is in force now. An edited number of bins that this ceremony did not change stays
 * edited. */
static void note_in_force(struct stp_publication *publication, const struct view *after,
                          struct stp_floors *floors)
{
	struct stp_config *config = publication->options->config;
	const struct stp_trust *trust = &after->trust;

	config->root_threshold = (unsigned)trust->root.root.threshold;
	config->root_key_count = (unsigned)trust->root.root.key_count;
	config->targets_threshold = (unsigned)trust->root.targets.threshold;
	config->targets_key_count = (unsigned)trust->root.targets.key_count;
	if (trust->has_bins) {
		config->bins_threshold = (unsigned)trust->bins_role.threshold;
		config->bins_key_count = (unsigned)trust->bins_role.key_count;
	}
	if (publication->bins_changed || publication->was_published)
		config->bin_bits = (unsigned)__builtin_ctz(after->current.bin_count);
	config->trusted_root = floors->root;
	stp_online_signers_note(&publication->signers, config);
	stp_trusted_note_offline(floors, config);
}

static enum stp_errc note(struct stp_publication *publication, const struct view *after,
                          struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	struct stp_floors floors = after->trust.found;

	note_in_force(publication, after, &floors);
	/* Only sign uses up version numbers: it must still learn that a backup was restored. */
	STP_TRY(stp_floors_save(options->repo->state_fd, stp_seal_key_bytes(options->seal), &floors,
	                        after->trust.origin, err));
	STP_FAULT_TRY(err, STAGE, "floors", "state/floors");
	return stp_config_replace(options->config, options->repo->root_fd, err);
}

/* Whether a later ceremony went on from this one: then nothing of it is to be noted. */
static int is_superseded(const struct stp_publication *publication, const struct view *after)
{
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		if (document(publication, role) &&
		    found_of(after, role).version > document(publication, role)->doc->version)
			return 1;
	return 0;
}

static struct stp_online_stage stage_of(const struct stp_publication *publication,
                                        const struct view *before, const struct view *after)
{
	const struct stp_publication_options *options = publication->options;

	return (struct stp_online_stage){
	    .repo = options->repo,
	    .config = options->config,
	    .seal = options->seal,
	    .payload = options->payload,
	    .files = publication->files,
	    .trust_before = &before->trust,
	    .trust_after = &after->trust,
	    .before = &before->current,
	    .after = &after->current,
	    .now = options->now,
	};
}

/* The next sign must be able to sign, with the new keys. A repeated run does not know what was
 * before. */
static enum stp_errc find_signers(struct stp_publication *publication, const struct view *before,
                                  const struct view *after, struct stp_err *err)
{
	struct stp_online_stage stage = stage_of(publication, before, after);

	if (!before->is_loaded)
		stage.before = NULL;
	return stp_online_signers_find(&stage, &publication->signers, err);
}

static enum stp_errc make(struct stp_publication *publication, struct view *before,
                          struct view *after, struct stp_err *err)
{
	const struct stp_publication_options *options = publication->options;
	int is_first = options->payload->chain_count == 0;
	struct stp_online_stage stage = stage_of(publication, before, after);
	size_t role;

	if (!options->tally->is_reached)
		return STP_FAIL(err, STP_REFUSED, STAGE, "signatures",
		                "do not reach all thresholds, of the old roles and of the new");
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		STP_TRY(look(publication, role, err));
	STP_TRY(check_expiry(publication, err));
	publication->was_published = publication->there_count == options->payload->document_count;
	if (!publication->was_published)
		STP_TRY(stp_online_stage_check(&stage, &publication->is_staged, err));
	if (publication->is_staged)
		return STP_OK;
	if (!publication->was_published && !is_first) {
		STP_TRY(load_base(publication, before, err));
		STP_TRY(check_base(publication, before, err));
		STP_TRY(check_shown(publication, before, err));
	}
	if (!publication->was_published) {
		STP_TRY(check_online(publication, err));
		STP_TRY(check_targets(publication, before, err));
	}
	STP_TRY(try_all(publication, after, err));
	if (!publication->was_published)
		STP_TRY(check_prefix(publication, after, err));
	if (publication->was_published && is_superseded(publication, after))
		return STP_OK;
	/* After a kill, what is published may have the new bins already, so it shows no change. */
	publication->bins_changed = !is_first && before->is_loaded &&
	                            (publication->is_there[STP_PAYLOAD_BINS] ||
	                             before->current.bin_count != after->current.bin_count);
	if (before->is_loaded && !publication->there_count && !options->at_once) {
		STP_TRY(stp_online_stage_make(&stage, &publication->is_staged, err));
		publication->must_sign &= !publication->is_staged;
		if (publication->is_staged)
			return STP_OK;
	}
	if (!options->at_once)
		STP_TRY(find_signers(publication, before, after, err));
	STP_TRY(publish(publication, err));
	return note(publication, after, err);
}

enum stp_errc stp_publication_make(struct stp_publication *publication,
                                   const struct stp_publication_options *options,
                                   struct stp_err *err)
{
	struct view before = {.is_loaded = 0};
	struct view after = {.is_loaded = 0};
	enum stp_errc code;

	memset(publication, 0, sizeof(*publication));
	publication->options = options;
	code = make(publication, &before, &after, err);
	view_release(&before);
	view_release(&after);
	return code;
}

void stp_publication_release(struct stp_publication *publication)
{
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		stp_buf_release(&publication->files[role]);
	memset(publication, 0, sizeof(*publication));
}
