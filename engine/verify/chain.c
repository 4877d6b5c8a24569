/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the small documents as a client does (specification section 5), but for an audit: a
 * document that fails a check is reported and, if its content can still be read, followed, so that
 * one report names everything. Any error among the findings makes the audit fail.
 */
#include "verify/chain.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "hash/hash.h"
#include "verify/delegation.h"
#include "verify/foreign.h"

/* Compares the version in a file with the one in its name or in the document that lists it. */
static void check_version(struct stp_document *doc, uint64_t expected)
{
	if (doc->version != 0 && doc->version != expected)
		stp_finding_add(doc->findings, STP_FINDING_VERSION, doc->name,
		                "has version %" PRIu64 ", but is listed as %" PRIu64, doc->version,
		                expected);
}

/* ------------------------------------------------------------------- root chain */

/* Compares a pinned root with the file of the same version in the folder, if that exists. */
static enum stp_errc check_pinned(struct stp_chain *tree, struct stp_finding_list *findings,
                                  struct stp_err *err)
{
	struct stp_finding_list quiet;
	struct stp_root published;
	char name[64];
	enum stp_errc code;
	int usable;

	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", tree->root.doc.version);
	stp_finding_list_init(&quiet);
	code = stp_root_read(&published, tree->folder_fd, name, &quiet, &usable, err);
	if (code == STP_OK && published.doc.file.count &&
	    (published.doc.body.count != tree->root.doc.body.count ||
	     memcmp(published.doc.body.data, tree->root.doc.body.data, published.doc.body.count) !=
	         0))
		stp_finding_add(findings, STP_FINDING_ROOT_PINNED, name,
		                "is not the pinned root of the same version");
	stp_root_release(&published);
	stp_finding_list_release(&quiet);
	return code;
}

/* Compares tree->root with the roots that the repository trusts. */
static void check_trusted(struct stp_chain *tree, const struct stp_chain_options *options,
                          struct stp_finding_list *findings)
{
	const struct stp_document *doc = &tree->root.doc;
	uint8_t digest[32];
	int differs = 0;
	size_t i;

	stp_hash_one(STP_ALG_SHA256, doc->file.data, doc->file.count, digest);
	for (i = 0; i < STP_CHAIN_PINS; i++)
		differs |= options->pinned[i].version == doc->version &&
		           memcmp(digest, options->pinned[i].sha256, sizeof(digest)) != 0;
	if (differs)
		stp_finding_add(findings, STP_FINDING_ROOT_PINNED, doc->name,
		                "is not the root that stampede.json or state/ names as trusted");
}

/* Checks that the chain reaches each of them. */
static void check_reached(struct stp_chain *tree, const struct stp_chain_options *options,
                          struct stp_finding_list *findings)
{
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < STP_CHAIN_PINS; i++)
		if (options->pinned[i].version > newest)
			newest = options->pinned[i].version;
	if (tree->root.doc.version < newest)
		stp_finding_add(
		    findings, STP_FINDING_ROOT_PINNED, tree->root.doc.name,
		    "is the newest root in the folder, but the repository trusts version %" PRIu64,
		    newest);
}

/* Reads a root; one that another follows is not judged as a document of this repository. */
static enum stp_errc read_root(const struct stp_chain *tree, struct stp_root *root,
                               uint64_t version, struct stp_finding_list *findings, int *out_usable,
                               struct stp_err *err)
{
	char name[64], next[64];

	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
	snprintf(next, sizeof(next), "%" PRIu64 ".root.json", version + 1);
	return (stp_file_exists(tree->folder_fd, next) ? stp_root_read_old : stp_root_read)(
	    root, tree->folder_fd, name, findings, out_usable, err);
}

/* Steps from tree->root to the next version; *out_more is 0 when there is none. */
static enum stp_errc step_root(struct stp_chain *tree, const struct stp_chain_options *options,
                               struct stp_finding_list *findings, int *out_more,
                               struct stp_err *err)
{
	uint64_t version = tree->root.doc.version + 1;
	struct stp_root next;
	enum stp_errc code;
	char name[64];
	int usable;

	*out_more = 0;
	if (options->root_version_last && version > options->root_version_last)
		return STP_OK;
	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
	if (!stp_file_exists(tree->folder_fd, name) && errno == ENOENT) {
		if (version <= options->root_version_max)
			stp_finding_add(findings, STP_FINDING_ROOT_GAP, name,
			                "is not there, but %" PRIu64
			                ".root.json is: clients cannot update past the gap",
			                options->root_version_max);
		return STP_OK;
	}
	code = read_root(tree, &next, version, findings, &usable, err);
	if (code != STP_OK || !usable) {
		stp_root_release(&next);
		return code;
	}
	check_version(&next.doc, version);
	next.doc.version = version;
	stp_root_follows(&next, &tree->root, &tree->tally);
	stp_root_release(&tree->root);
	tree->root = next;
	check_trusted(tree, options, findings);
	tree->root_steps++;
	*out_more = tree->root_steps < STP_ROOT_STEPS_MAX;
	return STP_OK;
}

static enum stp_errc load_root(struct stp_chain *tree, const struct stp_chain_options *options,
                               struct stp_finding_list *findings, struct stp_err *err)
{
	int more = 1;

	STP_TRY(options->root_name
	            ? stp_root_read_old(&tree->root, options->root_fd, options->root_name, findings,
	                                &tree->has_root, err)
	            : read_root(tree, &tree->root, 1, findings, &tree->has_root, err));
	if (!tree->has_root)
		return STP_OK;
	tree->root_steps = 1;
	stp_document_signed_by(&tree->root.doc, &tree->root.root, NULL, "root", &tree->tally);
	if (options->root_name)
		STP_TRY(check_pinned(tree, findings, err));
	else
		check_version(&tree->root.doc, 1);
	if (tree->root.doc.version == 0)
		return STP_OK;
	check_trusted(tree, options, findings);
	while (more)
		STP_TRY(step_root(tree, options, findings, &more, err));
	if (options->root_name && tree->root_steps == 1 && !tree->root.is_consistent)
		stp_finding_add(
		    findings, STP_FINDING_CONSISTENT_SNAPSHOT, tree->root.doc.name,
		    "consistent_snapshot is not true: clients would ask for unversioned "
		    "names");
	check_reached(tree, options, findings);
	stp_chain_check_expiry(findings, tree->root.doc.name, tree->root.doc.expires, options->now,
	                       options->expires_within_s);
	return STP_OK;
}

/* ------------------------------------------------------------- timestamp, snapshot */

/* Reads V.ROLE.json as listed, checks version, length, hashes and expiry. */
static enum stp_errc read_listed_document(struct stp_chain *tree, struct stp_document *doc,
                                          const struct stp_listed *listed,
                                          const struct stp_document_rule *rule,
                                          const struct stp_chain_options *options,
                                          struct stp_finding_list *findings, int *out_usable,
                                          struct stp_err *err)
{
	char name[256];

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", listed->version, listed->role);
	STP_TRY(stp_document_read(doc, tree->folder_fd, name, rule, findings, out_usable, err));
	if (doc->file.count)
		stp_listed_check(findings, name, listed, &doc->file);
	if (!*out_usable)
		return STP_OK;
	check_version(doc, listed->version);
	stp_chain_check_expiry(findings, name, doc->expires, options->now,
	                       options->expires_within_s);
	return STP_OK;
}

static enum stp_errc load_timestamp(struct stp_chain *tree, const struct stp_chain_options *options,
                                    struct stp_finding_list *findings,
                                    struct stp_listed *out_snapshot, struct stp_err *err)
{
	struct stp_document *doc = &tree->timestamp;
	json_t *meta, *line;

	STP_TRY(stp_document_read(doc, options->timestamp_fd, options->timestamp_name,
	                          &stp_rule_timestamp, findings, &tree->has_timestamp, err));
	if (!tree->has_timestamp)
		return STP_OK;
	if (tree->has_root)
		stp_document_signed_by(doc, &tree->root.timestamp, options->rotated, "timestamp",
		                       &tree->tally);
	stp_chain_check_expiry(findings, doc->name, doc->expires, options->now,
	                       options->expires_within_s);
	meta = stp_document_member(doc, doc->body_json, "signed", "meta", JSON_OBJECT);
	if (!meta)
		return STP_OK;
	stp_document_known(doc, meta, "signed.meta", "snapshot.json");
	line = stp_document_member(doc, meta, "signed.meta", "snapshot.json", JSON_OBJECT);
	if (line && stp_listed_read(&tree->arena, doc, "snapshot.json", line, out_snapshot)) {
		tree->timestamp_has_length = out_snapshot->length >= 0;
		tree->timestamp_has_hash = out_snapshot->sha256 || out_snapshot->sha512;
	}
	return STP_OK;
}

/* Reads a snapshot's meta, sorted. */
static enum stp_errc read_meta(struct stp_chain *tree, struct stp_document *doc,
                               struct stp_listed **out_listed, size_t *out_count,
                               struct stp_err *err)
{
	json_t *meta = stp_document_member(doc, doc->body_json, "signed", "meta", JSON_OBJECT);
	struct stp_listed *listed = calloc(json_object_size(meta) + 1, sizeof(*listed));
	size_t count = 0;
	const char *name;
	json_t *object;

	if (!listed)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot read meta");
	json_object_foreach(meta, name, object)
	{
		if (!json_is_object(object))
			stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
			                "meta holds something that is not an object");
		else if (stp_listed_read(&tree->arena, doc, name, object, &listed[count]))
			count++;
	}
	qsort(listed, count, sizeof(*listed), stp_listed_compare);
	*out_listed = listed;
	*out_count = count;
	return STP_OK;
}

/* The newest snapshot of the folder below version; 0 when there is none. */
static uint64_t older_snapshot(const struct stp_chain_options *options, uint64_t version)
{
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < options->snapshot_version_count; i++)
		if (options->snapshot_versions[i] < version &&
		    options->snapshot_versions[i] > found)
			found = options->snapshot_versions[i];
	return found;
}

/* Compares with an older snapshot that is still in the folder and correctly signed. */
static enum stp_errc check_rollback(struct stp_chain *tree, uint64_t old_version,
                                    struct stp_finding_list *findings, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_listed *old = NULL;
	struct stp_finding_list quiet;
	struct stp_document doc;
	enum stp_errc code;
	size_t count = 0;
	char name[64];
	int usable;
	size_t i;

	snprintf(name, sizeof(name), "%" PRIu64 ".snapshot.json", old_version);
	stp_finding_list_init(&quiet);
	code = stp_document_read(&doc, tree->folder_fd, name, &stp_rule_snapshot, &quiet, &usable,
	                         err);
	if (code == STP_OK && usable && tree->has_root &&
	    stp_document_signed_by(&doc, &tree->root.snapshot, NULL, "snapshot", &tally))
		code = read_meta(tree, &doc, &old, &count, err);
	for (i = 0; i < count; i++) {
		const struct stp_listed *now = stp_chain_listed(tree, old[i].role);

		if (!now)
			stp_finding_add(
			    findings, STP_FINDING_ROLLBACK, tree->snapshot.name,
			    "no longer lists %s.json, which %s lists: clients refuse it",
			    old[i].role, name);
		else if (now->version < old[i].version)
			stp_finding_add(findings, STP_FINDING_ROLLBACK, tree->snapshot.name,
			                "lists %s.json with version %" PRIu64 ", %s with %" PRIu64
			                ": clients refuse it",
			                old[i].role, now->version, name, old[i].version);
	}
	free(old);
	stp_document_release(&doc);
	stp_finding_list_release(&quiet);
	return code;
}

static enum stp_errc load_snapshot(struct stp_chain *tree, const struct stp_listed *line,
                                   const struct stp_chain_options *options,
                                   struct stp_finding_list *findings, struct stp_err *err)
{
	uint64_t old_version;

	STP_TRY(read_listed_document(tree, &tree->snapshot, line, &stp_rule_snapshot, options,
	                             findings, &tree->has_snapshot, err));
	if (!tree->has_snapshot)
		return STP_OK;
	if (tree->has_root)
		stp_document_signed_by(&tree->snapshot, &tree->root.snapshot, options->rotated,
		                       "snapshot", &tree->tally);
	STP_TRY(read_meta(tree, &tree->snapshot, &tree->listed, &tree->listed_count, err));
	old_version = older_snapshot(options, line->version);
	return old_version ? check_rollback(tree, old_version, findings, err) : STP_OK;
}

/* --------------------------------------------------------------- targets and bins role */

/* Reports targets that a role signs itself instead of leaving them to a bin. */
static void check_own_targets(struct stp_document *doc)
{
	json_t *targets =
	    stp_document_member(doc, doc->body_json, "signed", "targets", JSON_OBJECT);
	struct stp_quote quote;
	const char *path;
	json_t *entry;

	json_object_foreach(targets, path, entry)
	    stp_finding_add(doc->findings, STP_FINDING_TARGET_BIN, doc->name,
	                    "signs target \"%s\" itself, which overrides the bins",
	                    stp_finding_quote(&quote, path, strlen(path)));
}

/* Reads targets or the bins role, and checks it against the snapshot and its keys. */
static enum stp_errc load_delegator(struct stp_chain *tree, struct stp_document *doc,
                                    const char *role, const struct stp_role *keys,
                                    const struct stp_chain_options *options,
                                    struct stp_finding_list *findings, int *out_usable,
                                    struct stp_err *err)
{
	struct stp_listed *listed = (struct stp_listed *)stp_chain_listed(tree, role);

	*out_usable = 0;
	if (!listed) {
		if (tree->has_snapshot)
			stp_finding_add(findings, STP_FINDING_ROLE_UNLISTED, tree->snapshot.name,
			                "does not list %s.json", role);
		return STP_OK;
	}
	listed->delegated = 1;
	STP_TRY(read_listed_document(tree, doc, listed, &stp_rule_targets, options, findings,
	                             out_usable, err));
	if (!*out_usable)
		return STP_OK;
	if (keys)
		stp_document_signed_by(doc, keys, NULL, role, &tree->tally);
	check_own_targets(doc);
	return STP_OK;
}

/* Follows the delegations from targets to the bins. */
static enum stp_errc load_delegations(struct stp_chain *tree,
                                      const struct stp_chain_options *options,
                                      struct stp_finding_list *findings, struct stp_err *err)
{
	const char *intermediate = NULL;

	STP_TRY(load_delegator(tree, &tree->targets, "targets",
	                       tree->has_root ? &tree->root.targets : NULL, options, findings,
	                       &tree->has_targets, err));
	if (!tree->has_targets)
		return STP_OK;
	STP_TRY(stp_delegation_load(tree, &tree->targets, &tree->targets_ring, &intermediate, err));
	if (!intermediate)
		return STP_OK;
	STP_TRY(load_delegator(tree, &tree->bins, intermediate, &tree->bins_role, options, findings,
	                       &tree->has_bins, err));
	if (!tree->has_bins)
		return STP_OK;
	return stp_delegation_load(tree, &tree->bins, &tree->bins_ring, NULL, err);
}

/* Finds the line of each bin in the snapshot; the lines left over are retired names. */
static void match_listed(struct stp_chain *tree, struct stp_finding_list *findings)
{
	size_t i;

	for (i = 0; i < tree->bin_count; i++) {
		struct stp_chain_bin *bin = &tree->bin_items[i];
		struct stp_listed *listed = (struct stp_listed *)stp_chain_listed(tree, bin->role);

		bin->listed = listed;
		if (listed)
			listed->delegated = 1;
		else
			stp_finding_add(findings, STP_FINDING_ROLE_UNLISTED, tree->snapshot.name,
			                "does not list %s.json", bin->role);
	}
	for (i = 0; i < tree->listed_count; i++)
		tree->retired_names += !tree->listed[i].delegated;
}

enum stp_errc stp_chain_load(struct stp_chain *tree, const struct stp_chain_options *options,
                             struct stp_finding_list *findings, struct stp_err *err)
{
	struct stp_listed line = {.version = 0};

	memset(tree, 0, sizeof(*tree));
	stp_arena_init(&tree->arena, 256 * 1024);
	tree->folder_fd = options->folder_fd;
	tree->delegation = "none";
	STP_TRY(load_root(tree, options, findings, err));
	if (options->snapshot_version)
		line = (struct stp_listed){
		    .role = "snapshot", .version = options->snapshot_version, .length = -1};
	else
		STP_TRY(load_timestamp(tree, options, findings, &line, err));
	if (line.version == 0)
		return STP_OK;
	STP_TRY(load_snapshot(tree, &line, options, findings, err));
	if (!tree->has_snapshot)
		return STP_OK;
	STP_TRY(load_delegations(tree, options, findings, err));
	STP_TRY(stp_foreign_audit(tree, options->now, options->expires_within_s, findings, err));
	match_listed(tree, findings);
	return STP_OK;
}

void stp_chain_release(struct stp_chain *tree)
{
	size_t i;

	stp_root_release(&tree->root);
	stp_document_release(&tree->timestamp);
	stp_document_release(&tree->snapshot);
	stp_document_release(&tree->targets);
	stp_document_release(&tree->bins);
	for (i = 0; i < tree->bin_role_count; i++)
		stp_role_release(&tree->bin_roles[i]);
	free(tree->bin_roles);
	stp_role_release(&tree->bins_role);
	stp_key_ring_release(&tree->targets_ring);
	stp_key_ring_release(&tree->bins_ring);
	free(tree->listed);
	free(tree->bin_items);
	free(tree->ranges);
	stp_arena_release(&tree->arena);
	memset(tree, 0, sizeof(*tree));
}
