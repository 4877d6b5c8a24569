/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "trust/judge.h"
#include "trust/read.h"
#include "trust/roots.h"
#include "verify/published.h"

#define STAGE STP_TRUST_STAGE

/* ------------------------------------------------------------------ timestamp, snapshot */

/* Reads timestamp or snapshot; *out_good when it can be used and is signed by a threshold of role,
 * or has exactly the bytes that were published last. */
static enum stp_errc read_online(struct stp_trust *trust, int metadata_fd, const char *name,
                                 const struct stp_document_rule *rule, const struct stp_role *role,
                                 const struct stp_pin *floor, struct stp_document *doc,
                                 struct stp_pin *out_pin, int *out_good, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_buf file = STP_BUF_INIT;
	int is_known;
	int there;

	memset(doc, 0, sizeof(*doc));
	*out_good = 0;
	STP_TRY(stp_published_read(metadata_fd, name, rule->bytes_max, &file, &trust->findings,
	                           &there, err));
	if (!there) {
		stp_buf_release(&file);
		return STP_OK;
	}
	*out_pin = stp_pin_of(0, file.data, file.count);
	is_known = trust->has_floors && floor->version && stp_pin_is(out_pin, floor);
	STP_TRY((is_known ? stp_document_parse_known : stp_document_parse)(
	    doc, &file, name, rule, &trust->findings, out_good, err));
	out_pin->version = doc->version;
	*out_good = *out_good && doc->version &&
	            (is_known || stp_document_signed_by(doc, role, NULL, rule->type, &tally));
	return STP_OK;
}

static enum stp_errc load_timestamp(struct stp_trust *trust, int metadata_fd,
                                    struct stp_current *current, struct stp_pin *out_snapshot,
                                    struct stp_err *err)
{
	struct stp_document doc;
	enum stp_errc code;
	int good;

	code = read_online(trust, metadata_fd, "timestamp.json", &stp_rule_timestamp,
	                   &trust->root.timestamp, &trust->floors.timestamp, &doc,
	                   &trust->found.timestamp, &good, err);
	if (code == STP_OK && good) {
		stp_trust_listed_snapshot(&doc, &trust->floors.snapshot, out_snapshot);
		good = out_snapshot->version != 0;
		current->timestamp_version = doc.version;
		current->timestamp_expires = doc.expires;
	}
	stp_document_release(&doc);
	STP_TRY(code);
	STP_TRY(stp_trust_judge(&trust->findings, "timestamp.json", good, STP_TRUST_RESTORE, err));
	return stp_trust_check_floor("timestamp", "timestamp.json", &trust->found.timestamp,
	                             &trust->floors.timestamp, err);
}

static enum stp_errc load_snapshot(struct stp_trust *trust, int metadata_fd,
                                   const struct stp_pin *listed, struct stp_current *current,
                                   struct stp_err *err)
{
	struct stp_document doc;
	enum stp_errc code;
	char name[64];
	int good;

	snprintf(name, sizeof(name), "%" PRIu64 ".snapshot.json", listed->version);
	code = read_online(trust, metadata_fd, name, &stp_rule_snapshot, &trust->root.snapshot,
	                   &trust->floors.snapshot, &doc, &trust->found.snapshot, &good, err);
	if (code == STP_OK && good) {
		stp_trust_version(&doc, listed->version, &trust->findings);
		if (!stp_pin_is(&trust->found.snapshot, listed))
			stp_finding_add(&trust->findings, STP_FINDING_HASH, name,
			                "is not the file that timestamp.json lists");
		current->snapshot_version = doc.version;
	}
	if (code == STP_OK)
		code = stp_trust_judge(&trust->findings, name, good, STP_TRUST_RESTORE, err);
	if (code == STP_OK)
		code = stp_trust_read_meta(&doc, current, err);
	stp_document_release(&doc);
	STP_TRY(code);
	return stp_trust_check_floor("snapshot", name, &trust->found.snapshot,
	                             &trust->floors.snapshot, err);
}

/* ------------------------------------------------------------------ targets, bins */

/* The highest N such that all files from first.role.json to N.role.json exist; first if none does.
 */
static uint64_t newest_version(int metadata_fd, const char *role, uint64_t first)
{
	uint64_t version = first;
	char name[64];

	for (;; version++) {
		snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", version, role);
		if (!stp_file_exists(metadata_fd, name))
			return version > first ? version - 1 : first;
	}
}

/* The version from which to look for newer files of role: what the snapshot lists, else 1. */
static uint64_t listed_version(const struct stp_current *current, const char *role)
{
	long at = stp_meta_list_find(&current->meta, role);

	return at < 0 ? 1 : current->meta.items[at].version;
}

/* Reads the newest file of targets or bins, which must be signed by a threshold of keys. */
static enum stp_errc load_role(struct stp_trust *trust, int metadata_fd, const char *role,
                               const struct stp_role *keys, const struct stp_current *current,
                               const struct stp_pin *floor, struct stp_document *doc,
                               struct stp_pin *found, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	uint64_t listed = listed_version(current, role);
	uint64_t version = newest_version(metadata_fd, role, listed);
	char name[64];
	char remedy[256];
	int good;

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", version, role);
	STP_TRY(stp_document_read(doc, metadata_fd, name, &stp_rule_targets, &trust->findings,
	                          &good, err));
	stp_trust_version(doc, version, &trust->findings);
	good = good && doc->version == version &&
	       stp_document_signed_by(doc, keys, NULL, role, &tally);
	snprintf(remedy, sizeof(remedy),
	         "remove it (an %s that was interrupted leaves such a file), or restore the right "
	         "file",
	         stp_hint_text(STP_HINT_UPDATE_OF_ROLES));
	STP_TRY(stp_trust_judge(&trust->findings, name, good,
	                        version > listed ? remedy : STP_TRUST_RESTORE, err));
	*found = stp_pin_of(doc->version, doc->file.data, doc->file.count);
	return stp_trust_check_floor(role, name, found, floor, err);
}

static enum stp_errc load_roles(struct stp_trust *trust, int metadata_fd,
                                struct stp_current *current, struct stp_err *err)
{
	STP_TRY(load_role(trust, metadata_fd, "targets", &trust->root.targets, current,
	                  &trust->floors.targets, &trust->targets, &trust->found.targets, err));
	STP_TRY(stp_trust_read_bins_role(trust, err));
	STP_TRY(stp_trust_judge(&trust->findings, trust->targets.name, 1, STP_TRUST_RESTORE, err));
	if (trust->has_bins)
		STP_TRY(load_role(trust, metadata_fd, "bins", &trust->bins_role, current,
		                  &trust->floors.bins, &trust->bins, &trust->found.bins, err));
	return stp_trust_read_delegation(trust->has_bins ? &trust->bins : &trust->targets,
	                                 trust->has_bins, current, err);
}

/* ------------------------------------------------------------------ whole */

static struct stp_current_role role_of(const struct stp_document *doc)
{
	return (struct stp_current_role){doc->version, doc->expires, doc->file.count};
}

static enum stp_errc load_commits(struct stp_trust *trust, const struct stp_repo *repo,
                                  struct stp_current *current, struct stp_err *err)
{
	const struct stp_commit *commit;

	STP_TRY(stp_commit_list_load(repo, &current->arena, &current->commits, err));
	commit = stp_commit_find(&current->commits, current->timestamp_version);
	current->committed_at = commit ? commit->committed_at : 0;
	if (current->committed_at < trust->floors.committed_at)
		current->committed_at = trust->floors.committed_at;
	trust->found.committed_at = current->committed_at;
	trust->found.root_keys = trust->floors.root_keys;
	trust->found.targets_keys = trust->floors.targets_keys;
	trust->found.bins_keys = trust->floors.bins_keys;
	trust->found.periods = trust->floors.periods;
	memcpy(trust->found.profile, trust->floors.profile, sizeof(trust->found.profile));
	return STP_OK;
}

static enum stp_errc load_all(struct stp_trust *trust, const struct stp_trust_options *options,
                              struct stp_current *current, struct stp_err *err)
{
	const struct stp_repo *repo = options->repo;
	struct stp_pin snapshot = {.version = 0};

	STP_TRY(stp_floors_load(repo->state_fd, options->seal_key, &trust->floors,
	                        &trust->has_floors, &trust->origin, err));
	STP_TRY(stp_trust_load_roots(trust, options, err));
	if (stp_file_exists(repo->metadata_fd, "timestamp.json")) {
		STP_TRY(load_timestamp(trust, repo->metadata_fd, current, &snapshot, err));
		STP_TRY(load_snapshot(trust, repo->metadata_fd, &snapshot, current, err));
	} else if (trust->floors.timestamp.version) {
		return STP_FAIL(err, STP_REFUSED, STAGE, "timestamp.json",
		                "is not there, but version %" PRIu64
		                " was published; " STP_TRUST_RESTORE,
		                trust->floors.timestamp.version);
	}
	STP_TRY(load_roles(trust, repo->metadata_fd, current, err));
	current->is_consistent = trust->root.is_consistent;
	current->is_taken_over =
	    trust->has_floors && trust->floors.timestamp.version && !trust->floors.committed_at;
	current->is_offline_apart = !stp_file_exists(repo->root_fd, STP_OFFLINE_KEYS_FOLDER);
	current->root = role_of(&trust->root.doc);
	current->targets = role_of(&trust->targets);
	current->bins = role_of(&trust->bins);
	stp_trust_only_keyid(&trust->root.timestamp, current->timestamp_keyid);
	stp_trust_only_keyid(&trust->root.snapshot, current->snapshot_keyid);
	return load_commits(trust, repo, current, err);
}

enum stp_errc stp_trust_load(struct stp_trust *trust, const struct stp_trust_options *options,
                             struct stp_current *out_current, struct stp_err *err)
{
	struct stp_current fresh;
	enum stp_errc code;

	memset(trust, 0, sizeof(*trust));
	memset(&fresh, 0, sizeof(fresh));
	stp_finding_list_init(&trust->findings);
	stp_arena_init(&fresh.arena, 256 * 1024);
	code = load_all(trust, options, &fresh, err);
	if (code != STP_OK) {
		stp_current_release(&fresh);
		stp_trust_release(trust);
		return code;
	}
	*out_current = fresh;
	return STP_OK;
}

void stp_trust_release(struct stp_trust *trust)
{
	stp_role_release(&trust->bins_role);
	stp_key_ring_release(&trust->targets_ring);
	stp_document_release(&trust->bins);
	stp_document_release(&trust->targets);
	stp_document_release(&trust->confirmed);
	stp_root_release(&trust->root);
	stp_finding_list_release(&trust->findings);
	memset(trust, 0, sizeof(*trust));
}

int stp_trust_signed_snapshot(const struct stp_trust *trust, int metadata_fd, uint64_t version)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_finding_list findings;
	struct stp_document doc;
	enum stp_errc code;
	char name[64];
	int usable;
	int is_signed;

	snprintf(name, sizeof(name), "%" PRIu64 ".snapshot.json", version);
	stp_finding_list_init(&findings);
	code = stp_document_read(&doc, metadata_fd, name, &stp_rule_snapshot, &findings, &usable,
	                         &ignored);
	is_signed = code == STP_OK && usable && doc.version == version &&
	            stp_document_signed_by(&doc, &trust->root.snapshot, NULL, "snapshot", &tally);
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	return is_signed;
}
