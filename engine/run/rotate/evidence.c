/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "verify/folder.h"

#define STAGE "rotate"

/* ---------------------------------------------------------------- the last known good */

/* The newest root of the last known good must be one that this repository published. */
static enum stp_errc check_ours(const struct stp_evidence *evidence, struct stp_err *err)
{
	const struct stp_document *root = &evidence->good.tree.root.doc;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err ignored = STP_ERR_INIT;
	char name[64];
	int same;

	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", root->version);
	same = stp_file_read(evidence->in.repo->metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE, &file,
	                     &ignored) == STP_OK &&
	       file.count == root->file.count &&
	       memcmp(file.data, root->file.data, file.count) == 0;
	stp_buf_release(&file);
	if (same)
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, evidence->in.options->against,
	                "has a %s that public/metadata does not have: it is a copy of another "
	                "repository, or one of the two was altered; name a copy of this one, from "
	                "before the theft",
	                name);
}

/* The last known good must not be the repository itself, nor a folder in it. */
static enum stp_errc check_apart(const struct stp_evidence *evidence, struct stp_err *err)
{
	char repo[PATH_MAX];
	char good[PATH_MAX];
	size_t count;

	if (!realpath(evidence->in.options->repo, repo) ||
	    !realpath(evidence->in.options->against, good))
		return STP_OK; /* reported by those who open them */
	count = strlen(repo);
	if (strncmp(good, repo, count) != 0 || (good[count] != '\0' && good[count] != '/'))
		return STP_OK;
	return STP_FAIL(err, STP_CONFIG, STAGE, evidence->in.options->against,
	                "is this repository itself; name a copy of it, from before the theft");
}

static enum stp_errc open_good(struct stp_evidence *evidence, struct stp_err *err)
{
	char path[4096 + 16];

	STP_TRY(check_apart(evidence, err));
	STP_TRY(stp_side_open(&evidence->good, evidence->in.options->against, err));
	STP_TRY(check_ours(evidence, err));
	if (!evidence->good.folder.repository[0])
		return STP_OK;
	snprintf(path, sizeof(path), "%s/" STP_STATE_FOLDER, evidence->good.folder.repository);
	/* Without it there is no log to compare with, which is reported. */
	evidence->good_state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return STP_OK;
}

/* ---------------------------------------------------------------- the keys */

static void add_key(struct stp_evidence *evidence, const struct stp_public_key *key)
{
	const struct stp_freeze *freeze = evidence->in.freeze;
	size_t i;

	if (freeze->step != STP_FREEZE_NONE && !stp_freeze_is_stolen(freeze, key->keyid))
		return;
	for (i = 0; i < evidence->key_count; i++)
		if (strcmp(evidence->keys[i]->keyid, key->keyid) == 0)
			return;
	if (evidence->key_count < STP_FREEZE_STOLEN_MAX)
		evidence->keys[evidence->key_count++] = key;
}

static void add_role(struct stp_evidence *evidence, const struct stp_role *role)
{
	size_t i;

	for (i = 0; i < role->key_count; i++)
		add_key(evidence, role->keys[i]);
}

/* The key of the bins, as the published delegation names it. */
static enum stp_errc add_bins_key(struct stp_evidence *evidence, struct stp_err *err)
{
	const struct stp_trust *trust = evidence->in.trust;
	struct stp_document doc = trust->has_bins ? trust->bins : trust->targets;
	json_t *keys = json_object_get(json_object_get(doc.body_json, "delegations"), "keys");
	size_t i;

	doc.findings = &evidence->findings;
	STP_TRY(stp_key_ring_load(&evidence->ring, &doc, keys, "delegations", err));
	for (i = 0; i < evidence->ring.count; i++)
		if (strcmp(evidence->ring.keys[i].keyid, evidence->in.current->bin_keyid) == 0)
			add_key(evidence, &evidence->ring.keys[i]);
	return STP_OK;
}

/* The keys of an offline role: which of them was stolen does not matter for the hunt. */
static void find_offline_keys(struct stp_evidence *evidence)
{
	const struct stp_trust *trust = evidence->in.trust;
	const struct stp_chain *good = &evidence->good.tree;
	int is_bins = evidence->in.options->role == STP_STOLEN_BINS;

	if (trust)
		add_role(evidence, is_bins ? &trust->bins_role : &trust->root.targets);
	add_role(evidence, is_bins ? &good->bins_role : &good->root.targets);
}

static enum stp_errc find_keys(struct stp_evidence *evidence, struct stp_err *err)
{
	const struct stp_trust *trust = evidence->in.trust;
	const struct stp_chain *good = &evidence->good.tree;
	int is_begun = evidence->in.freeze->step != STP_FREEZE_NONE;
	size_t i;

	if (evidence->in.options->role != STP_STOLEN_ONLINE)
		find_offline_keys(evidence);
	else if (trust) {
		add_role(evidence, &trust->root.timestamp);
		add_role(evidence, &trust->root.snapshot);
		STP_TRY(add_bins_key(evidence, err));
	}
	/* After the root was replaced, only the last known good names the stolen keys. */
	if (evidence->in.options->role == STP_STOLEN_ONLINE && (!trust || is_begun)) {
		add_role(evidence, &good->root.timestamp);
		add_role(evidence, &good->root.snapshot);
		for (i = 0; i < good->bin_role_count; i++)
			add_role(evidence, &good->bin_roles[i]);
	}
	if (evidence->key_count)
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, evidence->in.options->against,
	                "does not have the stolen key; name a copy of this repository, from before "
	                "the theft");
}

enum stp_errc stp_evidence_open(struct stp_evidence *evidence, const struct stp_evidence_in *in,
                                struct stp_err *err)
{
	memset(evidence, 0, sizeof(*evidence));
	evidence->in = *in;
	evidence->good.folder.fd = -1;
	evidence->good_state_fd = -1;
	stp_finding_list_init(&evidence->findings);
	STP_TRY(open_good(evidence, err));
	STP_TRY(find_keys(evidence, err));
	return stp_rotate_log_load(&evidence->log, in->repo->state_fd, evidence->good_state_fd,
	                           err);
}

void stp_evidence_close(struct stp_evidence *evidence)
{
	stp_rotate_log_release(&evidence->log);
	stp_key_ring_release(&evidence->ring);
	stp_finding_list_release(&evidence->findings);
	stp_fd_close(&evidence->good_state_fd);
	stp_side_close(&evidence->good);
}

/* ---------------------------------------------------------------- the hunt */

/* Whether file has the bytes of the document that was published under its name. */
static int is_published(const struct stp_evidence *evidence, const char *name,
                        const struct stp_buf *file)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf known = STP_BUF_INIT;
	const char *slash = strrchr(name, '/');
	int same;

	same = stp_file_read(evidence->good.folder.fd, slash ? slash + 1 : name,
	                     STP_TARGETS_BYTES_MAX, STAGE, &known, &ignored) == STP_OK &&
	       known.count == file->count && memcmp(known.data, file->data, file->count) == 0;
	stp_buf_release(&known);
	return same;
}

/* A key may serve several roles: a root up to the trusted one is ours, and so are its copies. */
static int is_our_root(const struct stp_evidence *evidence, const struct stp_audit_line *line,
                       const struct stp_buf *file, int is_public)
{
	const struct stp_trust *trust = evidence->in.trust;
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf known = STP_BUF_INIT;
	char name[64];
	int same;

	if (!trust || line->role_bytes != 4 || memcmp(line->role, "root", 4) != 0 ||
	    line->version > trust->root.doc.version)
		return 0;
	if (is_public)
		return 1;
	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", line->version);
	same = stp_file_read(evidence->in.repo->metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE,
	                     &known, &ignored) == STP_OK &&
	       known.count == file->count && memcmp(known.data, file->data, file->count) == 0;
	stp_buf_release(&known);
	return same;
}

/* A stp_hunt_known_fn for keys of offline roles, which the audit log does not have: ours is what
 * the last known good has, what is published now, and in public/metadata what came before that. */
static enum stp_audit_answer is_known_document(void *ctx, const struct stp_audit_line *line,
                                               const char *name, const struct stp_buf *file,
                                               int is_public)
{
	const struct stp_evidence *evidence = ctx;
	const struct stp_trust *trust = evidence->in.trust;
	int is_bins = evidence->in.options->role == STP_STOLEN_BINS;
	const struct stp_document *newest = !trust    ? NULL
	                                    : is_bins ? &trust->bins
	                                              : &trust->targets;

	if (is_our_root(evidence, line, file, is_public))
		return STP_AUDIT_RECORDED;
	if (newest && newest->version == line->version && newest->file.count == file->count &&
	    memcmp(newest->file.data, file->data, file->count) == 0)
		return STP_AUDIT_RECORDED;
	if (newest && is_public && line->version < newest->version)
		return STP_AUDIT_RECORDED;
	return is_published(evidence, name, file) ? STP_AUDIT_RECORDED : STP_AUDIT_UNKNOWN;
}

static struct stp_hunt_options options_of(struct stp_evidence *evidence)
{
	int is_online = evidence->in.options->role == STP_STOLEN_ONLINE;

	return (struct stp_hunt_options){
	    .keys = evidence->keys,
	    .key_count = evidence->key_count,
	    .is_known = is_online ? stp_rotate_log_known : is_known_document,
	    .is_known_ctx = is_online ? (void *)&evidence->log : (void *)evidence,
	    .good = &evidence->good,
	    .cancel = evidence->in.options->cancel,
	    .progress = evidence->in.options->progress,
	};
}

/* The last known good is what everything else is held against. */
static enum stp_errc check_good(struct stp_evidence *evidence, struct stp_err *err)
{
	struct stp_hunt_options options = options_of(evidence);
	const char *path = evidence->in.options->against;
	struct stp_hunt hunt;
	enum stp_errc code;

	options.good = NULL;
	stp_hunt_init(&hunt, &options);
	code = stp_hunt_folder(&hunt, evidence->good.folder.fd, path, 0, err);
	stp_hunt_finish(&hunt);
	if (code == STP_OK && hunt.report.forgery_count)
		code = STP_FAIL(err, STP_REFUSED, STAGE, path,
		                "is not good: the thief signed %s in it; name an older copy",
		                hunt.report.forgeries[0].file);
	stp_hunt_release(&hunt);
	return code;
}

static enum stp_errc report_log(struct stp_evidence *evidence, struct stp_hunt *hunt,
                                struct stp_err *err)
{
	const struct stp_evidence_in *in = &evidence->in;
	struct stp_rotate_published published = {.metadata_fd = in->repo->metadata_fd};
	struct stp_metadata_folder folder;
	struct stp_err ignored = STP_ERR_INIT;
	enum stp_errc code;

	if (in->current)
		published.timestamp = in->current->timestamp_version;
	memset(&folder, 0, sizeof(folder));
	folder.fd = -1;
	if (stp_metadata_folder_open(&folder, in->options->repo, &ignored) == STP_OK) {
		published.snapshots = folder.snapshot_versions;
		published.snapshot_count = folder.snapshot_version_count;
	}
	code = stp_rotate_log_report(&evidence->log, in->repo->state_fd, evidence->good_state_fd,
	                             &published, &hunt->arena, &hunt->report, err);
	stp_metadata_folder_close(&folder);
	return code;
}

enum stp_errc stp_evidence_hunt(struct stp_evidence *evidence, struct stp_hunt *hunt,
                                struct stp_err *err)
{
	const struct stp_stolen_options *options = evidence->in.options;
	struct stp_hunt_options hunting = options_of(evidence);
	size_t i;

	stp_hunt_init(hunt, &hunting);
	stp_progress_stage(options->progress, "hunt", 0, 0);
	STP_TRY(stp_hunt_folder(hunt, evidence->in.repo->metadata_fd, "public/metadata", 1, err));
	for (i = 0; i < options->mirror_count; i++)
		STP_TRY(stp_hunt_path(hunt, options->mirrors[i], err));
	stp_hunt_finish(hunt);
	if (options->role == STP_STOLEN_ONLINE)
		STP_TRY(report_log(evidence, hunt, err));
	return check_good(evidence, err);
}
