/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "hash/hash.h"
#include "trust/older.h"
#include "trust/read.h"
#include "verify/published.h"

#define STAGE STP_TRUST_STAGE

struct stp_pin stp_pin_of(uint64_t version, const void *bytes, size_t count)
{
	struct stp_pin pin = {.version = version};

	stp_hash_one(STP_ALG_SHA256, bytes, count, pin.sha256);
	return pin;
}

static int same_digest(const struct stp_pin *a, const struct stp_pin *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* ------------------------------------------------------------------ findings to errors */

/* What an audit reports, but what leaves a document as trustworthy as its good signatures make it:
 * expiry is judged before signing, the rest is spelling, or signatures and keys that do not count.
 */
static bool is_harmless(enum stp_finding_code code)
{
	switch (code) {
	case STP_FINDING_EXPIRED:
	case STP_FINDING_EXPIRES_SOON:
	case STP_FINDING_EXPIRES_ORDER:
	case STP_FINDING_CANONICAL:
	case STP_FINDING_ENVELOPE:
	case STP_FINDING_FIELD_UNKNOWN:
	case STP_FINDING_SIGNATURE:
	case STP_FINDING_SIGNATURE_DUPLICATE:
	case STP_FINDING_SIGNATURE_STRANGER:
	case STP_FINDING_KEY:
	case STP_FINDING_KEYID:
	case STP_FINDING_KEY_DUPLICATE:
	case STP_FINDING_KEY_UNKNOWN:
		return true;
	default:
		return false;
	}
}

enum stp_errc stp_trust_judge(struct stp_finding_list *findings, const char *name, bool is_good,
                              const char *advice, struct stp_err *err)
{
	const struct stp_finding *found = NULL;

	if (findings->out_of_memory)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to read metadata");
	/* Totals count also what a full list had no room for. */
	for (size_t code = 0; code < STP_FINDING_CODE_COUNT; code++)
		is_good &= is_harmless((enum stp_finding_code)code) || !findings->totals[code];
	if (is_good)
		return STP_OK;
	stp_finding_list_sort(findings);
	for (size_t i = 0; i < findings->count; i++) {
		const struct stp_finding *finding = &findings->items[i];

		if (is_harmless(finding->code))
			continue;
		/* That a threshold is missed says more than what it follows from. */
		if (!found || finding->code == STP_FINDING_THRESHOLD)
			found = finding;
	}
	/* What is not a regular file says itself what to do. */
	if (found && found->code == STP_FINDING_FILE_TYPE)
		return STP_FAIL(err, STP_REFUSED, STAGE, found->subject, "%s", found->text);
	if (found)
		return STP_FAIL(err, STP_REFUSED, STAGE, found->subject, "%s; %s", found->text,
		                advice);
	return STP_FAIL(err, STP_REFUSED, STAGE, name, "is not signed metadata; %s", advice);
}

#define RESTORE "restore public/metadata from a backup or a mirror"

static enum stp_errc judge(struct stp_trust *trust, const char *name, bool is_good,
                           struct stp_err *err)
{
	return stp_trust_judge(&trust->findings, name, is_good, RESTORE, err);
}

/* ------------------------------------------------------------------ floors */

static enum stp_errc check_floor(const char *role, const char *file, const struct stp_pin *found,
                                 const struct stp_pin *floor, struct stp_err *err)
{
	if (found->version < floor->version)
		return STP_FAIL(err, STP_REFUSED, STAGE, file,
		                "is the newest %s there, but version %" PRIu64
		                " was published; " RESTORE,
		                role, floor->version);
	if (found->version == floor->version && !same_digest(found, floor))
		return STP_FAIL(err, STP_REFUSED, STAGE, file,
		                "has other bytes than those published as version %" PRIu64
		                "; " RESTORE,
		                floor->version);
	return STP_OK;
}

/* ------------------------------------------------------------------ the root chain */

static void root_name(uint64_t version, char out[64])
{
	snprintf(out, 64, "%" PRIu64 ".root.json", version);
}

/* A root that something outside public/ names. */
struct start {
	struct stp_pin pin;
	const char *origin; /* who names it */
};

static enum stp_errc check_bytes(const struct stp_buf *file, const char *name,
                                 const struct start *start, struct stp_err *err)
{
	struct stp_pin found = stp_pin_of(start->pin.version, file->data, file->count);

	if (same_digest(&found, &start->pin))
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, name,
	                "is not the root that %s names as trusted: somebody replaced it; " RESTORE,
	                start->origin);
}

static enum stp_errc check_there(int metadata_fd, const struct start *start, struct stp_err *err)
{
	char name[64];

	root_name(start->pin.version, name);
	if (stp_file_exists(metadata_fd, name))
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, name,
	                "is not there, but %s names it as trusted; " RESTORE, start->origin);
}

/* A trusted root that the chain does not start from must lie there with its bytes all the same. */
static enum stp_errc check_older(int metadata_fd, const struct start *start, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	char name[64];

	STP_TRY(check_there(metadata_fd, start, err));
	root_name(start->pin.version, name);
	STP_TRY(stp_file_read(metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE, &file, err));
	code = check_bytes(&file, name, start, err);
	stp_buf_release(&file);
	return code;
}

/* The pin of a root file of the operator's. */
static enum stp_errc pin_file(const char *path, struct stp_pin *out_pin, struct stp_err *err)
{
	struct stp_finding_list findings;
	struct stp_root root;
	enum stp_errc code;
	bool usable;

	stp_finding_list_init(&findings);
	code = stp_root_read(&root, AT_FDCWD, path, &findings, &usable, err);
	if (code == STP_OK)
		code = stp_trust_judge(&findings, path, usable && root.doc.version,
		                       "name a copy of a root that was published", err);
	if (code == STP_OK)
		*out_pin = stp_pin_of(root.doc.version, root.doc.file.data, root.doc.file.count);
	stp_root_release(&root);
	stp_finding_list_release(&findings);
	return code;
}

/* Where the chain starts: the newest of all that is trusted; version 0 when nothing is. And the one
 * that a person chose, at the last ceremony or now: state/floors moves on with each sign. */
static enum stp_errc find_start(const struct stp_trust *trust,
                                const struct stp_trust_options *options, struct start *out_start,
                                struct start *out_confirmed, struct stp_err *err)
{
	struct start all[] = {
	    {*options->pinned, STP_CONFIG_FILE},
	    {trust->floors.root, "state/" STP_FLOORS_FILE},
	    {{.version = 0}, "--trust"},
	};
	size_t newest = 0;

	if (options->root_file)
		STP_TRY(pin_file(options->root_file, &all[2].pin, err));
	for (size_t i = 1; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].pin.version > all[newest].pin.version)
			newest = i;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (i != newest && all[i].pin.version)
			STP_TRY(check_older(options->repo->metadata_fd, &all[i], err));
	*out_start = all[newest];
	*out_confirmed = all[0].pin.version ? all[0] : all[2];
	return STP_OK;
}

/* Reads V.root.json into root; *out_good when it can be used and says that version. */
static enum stp_errc read_root(struct stp_trust *trust, int metadata_fd, uint64_t version,
                               struct stp_root *root, bool *out_good, struct stp_err *err)
{
	char name[64];

	root_name(version, name);
	STP_TRY(stp_root_read(root, metadata_fd, name, &trust->findings, out_good, err));
	stp_trust_version(&root->doc, version, &trust->findings);
	*out_good = *out_good && root->doc.version == version;
	return STP_OK;
}

/* The first root of the chain. Its digest is taken of the very bytes that are used. */
static enum stp_errc load_start(struct stp_trust *trust, int metadata_fd, const struct start *start,
                                struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	uint64_t version = start->pin.version ? start->pin.version : 1;
	char name[64];
	bool good;

	root_name(version, name);
	if (start->pin.version)
		STP_TRY(check_there(metadata_fd, start, err));
	STP_TRY(read_root(trust, metadata_fd, version, &trust->root, &good, err));
	if (start->pin.version && trust->root.doc.file.count)
		STP_TRY(check_bytes(&trust->root.doc.file, name, start, err));
	else
		good = good && stp_document_signed_by(&trust->root.doc, &trust->root.root, NULL,
		                                      "root", &tally);
	return judge(trust, name, good, err);
}

/* Goes on to V.root.json, which must follow from the root before it. */
static enum stp_errc step_root(struct stp_trust *trust, int metadata_fd, uint64_t version,
                               struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_root next;
	enum stp_errc code;
	char name[64];
	bool good;

	root_name(version, name);
	code = read_root(trust, metadata_fd, version, &next, &good, err);
	good = code == STP_OK && good && stp_root_follows(&next, &trust->root, &tally);
	if (code == STP_OK)
		code = stp_trust_judge(
		    &trust->findings, name, good,
		    "clients stop before it; remove it, or put the right file there", err);
	if (code != STP_OK) {
		stp_root_release(&next);
		return code;
	}
	stp_root_release(&trust->root);
	trust->root = next;
	return STP_OK;
}

/* The root that was confirmed last, for who shows what changed since. */
static enum stp_errc load_confirmed(struct stp_trust *trust, int metadata_fd,
                                    const struct start *start, struct stp_err *err)
{
	char name[64];
	bool usable;

	if (!start->pin.version || start->pin.version >= trust->root.doc.version)
		return STP_OK;
	root_name(start->pin.version, name);
	STP_TRY(stp_document_read(&trust->confirmed, metadata_fd, name, &stp_rule_root,
	                          &trust->findings, &usable, err));
	STP_TRY(check_bytes(&trust->confirmed.file, name, start, err));
	return judge(trust, name, usable, err);
}

static enum stp_errc load_roots(struct stp_trust *trust, const struct stp_trust_options *options,
                                struct stp_err *err)
{
	int metadata_fd = options->repo->metadata_fd;
	struct start start;
	struct start confirmed;
	uint64_t lowest;
	unsigned steps;

	STP_TRY(find_start(trust, options, &start, &confirmed, err));
	trust->is_unpinned = !start.pin.version;
	if (trust->is_unpinned && options->needs_pin)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"trusted_root\": is missing, so nothing says which root may be "
		                "trusted; name a copy of one from outside public/: stampede init "
		                "REPO --update --trust 1.root.json");
	STP_TRY(load_start(trust, metadata_fd, &start, err));
	STP_TRY(stp_older_verify(trust, metadata_fd, &lowest, err));
	for (steps = 0;; steps++) {
		uint64_t version = trust->root.doc.version + 1;
		char name[64];

		root_name(version, name);
		if (!stp_file_exists(metadata_fd, name))
			break;
		if (steps == STP_ROOT_STEPS_MAX)
			return STP_FAIL(err, STP_LIMIT, STAGE, name,
			                "more than %d roots follow the trusted one; trust a newer: "
			                "stampede init REPO --update --trust",
			                STP_ROOT_STEPS_MAX);
		STP_TRY(step_root(trust, metadata_fd, version, err));
	}
	STP_TRY(stp_older_compare(trust, metadata_fd, lowest, err));
	trust->found.root = stp_pin_of(trust->root.doc.version, trust->root.doc.file.data,
	                               trust->root.doc.file.count);
	return options->needs_pin ? load_confirmed(trust, metadata_fd, &confirmed, err) : STP_OK;
}

/* ------------------------------------------------------------------ timestamp, snapshot */

/* Reads timestamp or snapshot; *out_good when it can be used and is signed by a threshold of role,
 * or is the very bytes that were published last. */
static enum stp_errc read_online(struct stp_trust *trust, int metadata_fd, const char *name,
                                 const struct stp_document_rule *rule, const struct stp_role *role,
                                 const struct stp_pin *floor, struct stp_document *doc,
                                 struct stp_pin *out_pin, bool *out_good, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_buf file = STP_BUF_INIT;
	bool is_known;
	bool there;

	memset(doc, 0, sizeof(*doc));
	*out_good = false;
	STP_TRY(stp_published_read(metadata_fd, name, rule->bytes_max, &file, &trust->findings,
	                           &there, err));
	if (!there) {
		stp_buf_release(&file);
		return STP_OK;
	}
	*out_pin = stp_pin_of(0, file.data, file.count);
	is_known = trust->has_floors && floor->version && same_digest(out_pin, floor);
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
	bool good;

	code = read_online(trust, metadata_fd, "timestamp.json", &stp_rule_timestamp,
	                   &trust->root.timestamp, &trust->floors.timestamp, &doc,
	                   &trust->found.timestamp, &good, err);
	if (code == STP_OK && good) {
		stp_trust_listed_snapshot(&doc, out_snapshot);
		good = out_snapshot->version != 0;
		current->timestamp_version = doc.version;
		current->timestamp_expires = doc.expires;
	}
	stp_document_release(&doc);
	STP_TRY(code);
	STP_TRY(judge(trust, "timestamp.json", good, err));
	return check_floor("timestamp", "timestamp.json", &trust->found.timestamp,
	                   &trust->floors.timestamp, err);
}

static enum stp_errc load_snapshot(struct stp_trust *trust, int metadata_fd,
                                   const struct stp_pin *listed, struct stp_current *current,
                                   struct stp_err *err)
{
	struct stp_document doc;
	enum stp_errc code;
	char name[64];
	bool good;

	snprintf(name, sizeof(name), "%" PRIu64 ".snapshot.json", listed->version);
	code = read_online(trust, metadata_fd, name, &stp_rule_snapshot, &trust->root.snapshot,
	                   &trust->floors.snapshot, &doc, &trust->found.snapshot, &good, err);
	if (code == STP_OK && good) {
		stp_trust_version(&doc, listed->version, &trust->findings);
		if (!same_digest(&trust->found.snapshot, listed))
			stp_finding_add(&trust->findings, STP_FINDING_HASH, name,
			                "is not the file that timestamp.json lists");
		current->snapshot_version = doc.version;
	}
	if (code == STP_OK)
		code = judge(trust, name, good, err);
	if (code == STP_OK)
		code = stp_trust_read_meta(&doc, current, err);
	stp_document_release(&doc);
	STP_TRY(code);
	return check_floor("snapshot", name, &trust->found.snapshot, &trust->floors.snapshot, err);
}

/* ------------------------------------------------------------------ targets, bins */

/* The highest N from first on for which N.role.json and all between are there; first when none
 * is. */
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

/* Reads the newest file of targets or bins, which must carry a threshold of keys. */
static enum stp_errc load_role(struct stp_trust *trust, int metadata_fd, const char *role,
                               const struct stp_role *keys, const struct stp_current *current,
                               const struct stp_pin *floor, struct stp_document *doc,
                               struct stp_pin *found, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	uint64_t listed = listed_version(current, role);
	uint64_t version = newest_version(metadata_fd, role, listed);
	char name[64];
	bool good;

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", version, role);
	STP_TRY(stp_document_read(doc, metadata_fd, name, &stp_rule_targets, &trust->findings,
	                          &good, err));
	stp_trust_version(doc, version, &trust->findings);
	good = good && doc->version == version &&
	       stp_document_signed_by(doc, keys, NULL, role, &tally);
	STP_TRY(stp_trust_judge(
	    &trust->findings, name, good,
	    version > listed ? "remove it (an init --update that was interrupted leaves such a "
	                       "file), or put the right file there"
	                     : "restore public/metadata from a backup or a mirror",
	    err));
	*found = stp_pin_of(doc->version, doc->file.data, doc->file.count);
	return check_floor(role, name, found, floor, err);
}

static enum stp_errc load_roles(struct stp_trust *trust, int metadata_fd,
                                struct stp_current *current, struct stp_err *err)
{
	STP_TRY(load_role(trust, metadata_fd, "targets", &trust->root.targets, current,
	                  &trust->floors.targets, &trust->targets, &trust->found.targets, err));
	STP_TRY(stp_trust_read_bins_role(trust, err));
	STP_TRY(judge(trust, trust->targets.name, true, err));
	if (trust->has_bins)
		STP_TRY(load_role(trust, metadata_fd, "bins", &trust->bins_role, current,
		                  &trust->floors.bins, &trust->bins, &trust->found.bins, err));
	return stp_trust_read_delegation(trust->has_bins ? &trust->bins : &trust->targets, current,
	                                 err);
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
	STP_TRY(load_roots(trust, options, err));
	if (stp_file_exists(repo->metadata_fd, "timestamp.json")) {
		STP_TRY(load_timestamp(trust, repo->metadata_fd, current, &snapshot, err));
		STP_TRY(load_snapshot(trust, repo->metadata_fd, &snapshot, current, err));
	} else if (trust->floors.timestamp.version) {
		return STP_FAIL(err, STP_REFUSED, STAGE, "timestamp.json",
		                "is not there, but version %" PRIu64 " was published; " RESTORE,
		                trust->floors.timestamp.version);
	}
	STP_TRY(load_roles(trust, repo->metadata_fd, current, err));
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

bool stp_trust_signed_snapshot(const struct stp_trust *trust, int metadata_fd, uint64_t version)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_finding_list findings;
	struct stp_document doc;
	enum stp_errc code;
	char name[64];
	bool usable;
	bool is_signed;

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
