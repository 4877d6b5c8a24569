/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: all or nothing, like init (run/init_stage.h). The old repository is verified before
 * anything is made. What is made is verified again as sign will do it, before it is put in place:
 *
 *	stampede.json   trusted_root: the newest root
 *	public/metadata roots byte for byte; timestamp.json, snapshot, targets and every listed role
 *	                as they are, under names with versions
 *	state/floors    the old versions: nothing below them will ever be published
 *	state/reserved  where a name that the bins take over has a higher version than the timestamp
 *
 * So what is published stays what it was until the first documents are signed: by keys at hand now
 * (first.c), or by a ceremony (run/takeover.h makes the same documents for it).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/text.h"
#include "hash/hash.h"
#include "publish/names.h"
#include "publish/repo.h"
#include "run/import/run.h"
#include "run/trusted.h"
#include "verify/delegated.h"

#define STAGE "import"

/* ------------------------------------------------------------------ what the old one allows */

/* A version that no higher one can follow ends a repository. */
static enum stp_errc check_version(const char *file, uint64_t version, uint64_t room,
                                   struct stp_err *err)
{
	if (version + room <= STP_VERSION_MAX)
		return STP_OK;
	return STP_FAIL(
	    err, STP_LIMIT, STAGE, file,
	    "has version %" PRIu64 ", next to the highest that clients can read, "
	    "9007199254740991: this repository cannot be continued; find out who signed "
	    "that version, and make a new repository with a new first root",
	    version);
}

static enum stp_errc check_versions(const struct stp_import_old *old, struct stp_err *err)
{
	const struct stp_chain *tree = &old->tree;

	STP_TRY(check_version(tree->root.doc.name, tree->root.doc.version, 1, err));
	STP_TRY(check_version(tree->targets.name, tree->targets.version, 1, err));
	STP_TRY(
	    check_version(tree->snapshot.name, tree->snapshot.version, STP_VERSION_JUMP_MAX, err));
	return check_version("timestamp.json", tree->timestamp.version, STP_VERSION_JUMP_MAX, err);
}

/* The configuration: who signs what is as in the old root. */
static enum stp_errc make_config(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_import_options *options = run->options;
	const struct stp_root *root = &run->old.tree.root;
	struct stp_config *config = &run->config;
	struct stp_init_options init = STP_INIT_OPTIONS_INIT;

	init.profile = options->profile;
	init.bin_count = options->bin_count;
	init.hashes = options->hashes;
	init.target_files = options->target_files;
	init.link = options->link;
	STP_TRY(stp_new_repo_config(config, &init, err));
	config->targets_dir = run->place.targets;
	config->root_threshold = (unsigned)root->root.threshold;
	config->root_key_count = (unsigned)root->root.key_count;
	config->targets_threshold = (unsigned)root->targets.threshold;
	config->targets_key_count = (unsigned)root->targets.key_count;
	if (stp_takeover_foreign(run->old.tree.targets.body_json) && !config->has_bins_role) {
		config->has_bins_role = 1;
		config->expiry.bins = config->expiry.targets;
	}
	if (stp_takeover_has_later(run->old.tree.targets.body_json))
		config->delegation = STP_DELEGATION_PREFIXES;
	if (!config->has_bins_role) {
		config->bins_threshold = config->bins_key_count = 0;
	} else if (!options->offline_keys || !config->bins_key_count) {
		config->bins_threshold = config->targets_threshold;
		config->bins_key_count = config->targets_key_count;
	}
	return stp_config_check(config, STAGE, err);
}

/* A foreign role must not have a name that a bin has or may get. */
static enum stp_errc check_names(const struct stp_import_run *run, struct stp_err *err)
{
	const json_t *delegations = json_object_get(run->old.tree.targets.body_json, "delegations");
	size_t prefix_bytes = strlen(run->config.bin_prefix);
	json_t *role;
	size_t i;

	json_array_foreach(json_object_get(delegations, "roles"), i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));

		if (name && !stp_takeover_replaces(role) && stp_bin_role_is(name) &&
		    strncmp(name, run->config.bin_prefix, prefix_bytes) == 0 &&
		    name[prefix_bytes] == '-')
			return STP_FAIL(err, STP_CONFIG, STAGE, run->old.tree.targets.name,
			                "delegates to %s, which stays, but has the name of a bin; "
			                "have its holders move to another name first",
			                name);
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ keys and folders */

static enum stp_errc make_online(struct stp_import_run *run, struct stp_err *err)
{
	int keys_fd = -1;
	enum stp_errc code;

	STP_TRY(stp_new_repo_folder(run->place.stage.fd, STP_KEYS_FOLDER, STP_MODE_PRIVATE_FOLDER,
	                            &keys_fd, err));
	code = stp_key_generate(keys_fd, STP_ONLINE_KEY_FILE, &run->online, err);
	if (code == STP_OK)
		code =
		    stp_init_stage_note(&run->place.stage, STP_KEYS_FOLDER "/" STP_ONLINE_KEY_FILE,
		                        stp_key_id(run->online), err);
	if (code == STP_OK)
		code = stp_seal_key_generate(keys_fd, STP_LEDGER_KEY_FILE, &run->seal, err);
	close(keys_fd);
	if (code == STP_OK)
		stp_key_object_ed25519(&run->online_key, stp_key_public(run->online));
	return code;
}

static enum stp_errc make_folders(struct stp_import_run *run, struct stp_err *err)
{
	int public_fd = -1;
	int fd = -1;
	enum stp_errc code;

	STP_TRY(stp_new_repo_folder(run->place.stage.fd, STP_STATE_FOLDER, STP_MODE_PRIVATE_FOLDER,
	                            &run->state_fd, err));
	STP_TRY(stp_new_repo_folder(run->place.stage.fd, STP_PUBLIC_FOLDER, STP_MODE_PUBLIC_FOLDER,
	                            &public_fd, err));
	code = stp_new_repo_folder(public_fd, STP_TARGETS_FOLDER, STP_MODE_PUBLIC_FOLDER, &fd, err);
	stp_fd_close(&fd);
	if (code == STP_OK)
		code = stp_new_repo_folder(public_fd, STP_METADATA_FOLDER, STP_MODE_PUBLIC_FOLDER,
		                           &run->metadata_fd, err);
	stp_fd_close(&public_fd);
	return code;
}

/* The keys of the old root in the operator's folder, and those of the bins role, which are made
 * there when none of them exists. */
static enum stp_errc open_offline(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_config *config = &run->config;
	enum stp_offline_keys_files files = STP_OFFLINE_KEYS_ALL_OR_NONE;

	if (!run->options->offline_keys)
		return STP_OK;
	STP_TRY(stp_new_repo_absolute(run->options->offline_keys, run->offline_path, err));
	STP_TRY(stp_folder_open(AT_FDCWD, run->offline_path, STAGE, &run->offline_fd, err));
	run->root.role = "root";
	run->targets.role = "targets";
	STP_TRY(stp_offline_keys_add_folder(&run->root, run->offline_fd, err));
	STP_TRY(stp_offline_keys_add_folder(&run->targets, run->offline_fd, err));
	if (!config->has_bins_role)
		return STP_OK;
	STP_TRY(stp_init_stage_keys(&run->place.stage, run->offline_fd, run->offline_path,
	                            STP_BINS_ROLE, config->bins_key_count, &files, err));
	return stp_offline_keys_open(&run->bins, run->offline_fd, STP_BINS_ROLE,
	                             config->bins_key_count, config->bins_threshold, files, err);
}

/* ------------------------------------------------------------------ documents */

static enum stp_errc make_documents(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_chain *tree = &run->old.tree;
	const struct stp_listed *bins = stp_chain_listed(tree, STP_BINS_ROLE);
	struct stp_role_keys keys = stp_offline_keys_public(&run->bins);
	struct stp_takeover_input input = {
	    .root = tree->root.doc.body_json,
	    .targets = tree->targets.body_json,
	    .bins_version = bins ? bins->version : 0,
	    .config = &run->config,
	    .online = &run->online_key,
	    .bins = run->bins.count ? &keys : NULL,
	};

	return stp_takeover_make(&run->takeover, &input, err);
}

static struct stp_pin pin_of(const struct stp_document *doc)
{
	return stp_pin_of(doc->version, doc->file.data, doc->file.count);
}

/* Notes a file of state/ for an import that is interrupted. */
static enum stp_errc note_state(struct stp_import_run *run, const char *name, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	char path[64];
	uint8_t digest[32];
	char hex[65];
	enum stp_errc code = stp_file_read(run->state_fd, name, 65536, STAGE, &file, err);

	if (code == STP_OK) {
		stp_hash_one(STP_ALG_SHA256, file.data, file.count, digest);
		stp_hex_encode(digest, sizeof(digest), hex);
		hex[64] = '\0';
		snprintf(path, sizeof(path), STP_STATE_FOLDER "/%s", name);
		code = stp_init_stage_note(&run->place.stage, path, hex, err);
	}
	stp_buf_release(&file);
	return code;
}

/* Bins whose names the old snapshot lists must go on above their versions, and no version of a run
 * may be that of a listed name that looks like a bin. */
static enum stp_errc reserve(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_chain *tree = &run->old.tree;
	uint64_t used = tree->timestamp.version > tree->snapshot.version ? tree->timestamp.version
	                                                                 : tree->snapshot.version;
	uint64_t highest = used;
	const char *role = NULL;
	char text[32];
	size_t i;

	for (i = 0; i < tree->listed_count; i++) {
		const struct stp_listed *line = &tree->listed[i];

		if (!stp_bin_role_is(line->role) || line->version <= highest)
			continue;
		highest = line->version;
		role = line->role;
	}
	if (!role)
		return STP_OK;
	if (highest - used > STP_VERSION_JUMP_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, tree->snapshot.name,
		                "lists %s.json with version %" PRIu64 ", far above the timestamp's "
		                "%" PRIu64 ": so large a jump is refused; find out who signed it",
		                role, highest, tree->timestamp.version);
	snprintf(text, sizeof(text), "%" PRIu64 "\n", highest);
	STP_TRY(stp_file_write(run->state_fd, "reserved", text, strlen(text), STP_MODE_PRIVATE_FILE,
	                       STP_FILE_NEW, STAGE, err));
	return note_state(run, "reserved", err);
}

/* Reads what was made as sign will. */
static enum stp_errc check_made(struct stp_import_run *run, struct stp_err *err)
{
	struct stp_current current;
	struct stp_trust trust;
	struct stp_current_keys keys[STP_ONLINE_ROLES];
	struct stp_repo repo;
	enum stp_errc code;
	size_t role;

	stp_repo_init(&repo);
	repo.metadata_fd = run->metadata_fd;
	repo.state_fd = run->state_fd;
	code = stp_trusted_load(&trust, &repo, &run->config, STP_TRUSTED_PINNED, NULL, run->seal,
	                        &current, err);
	if (code != STP_OK)
		return code;
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		keys[role] = (struct stp_current_keys){
		    STP_KEYS_FOLDER "/" STP_ONLINE_KEY_FILE, {run->online_key.keyid, NULL}, 1};
	if (run->report->made.root)
		code = stp_current_check(&current, &run->config, keys, run->now, err);
	stp_current_release(&current);
	stp_trust_release(&trust);
	return code;
}

static enum stp_errc fill_stage(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_chain *tree = &run->old.tree;

	STP_TRY(make_folders(run, err));
	STP_TRY(make_online(run, err));
	STP_TRY(open_offline(run, err));
	STP_TRY(stp_import_copy(run, err));
	STP_TRY(make_documents(run, err));
	STP_TRY(stp_import_view(run, err));
	STP_TRY(stp_import_compare(run, err));
	run->floors.root = pin_of(&tree->root.doc);
	run->floors.targets = pin_of(&tree->targets);
	run->floors.snapshot = pin_of(&tree->snapshot);
	run->floors.timestamp = pin_of(&tree->timestamp);
	if (run->options->offline_keys)
		STP_TRY(stp_import_sign(run, err));
	run->config.trusted_root = run->floors.root;
	stp_trusted_note_offline(&run->floors, &run->config);
	STP_TRY(reserve(run, err));
	STP_TRY(stp_floors_save(run->state_fd, stp_seal_key_bytes(run->seal), &run->floors,
	                        STP_FLOORS_OWN, err));
	STP_TRY(note_state(run, STP_FLOORS_FILE, err));
	STP_TRY(check_made(run, err));
	return stp_config_replace(&run->config, run->place.stage.fd, err);
}

/* ------------------------------------------------------------------ report */

static enum stp_errc fill_report(struct stp_import_run *run, struct stp_err *err)
{
	struct stp_import_report *report = run->report;
	const struct stp_chain *tree = &run->old.tree;
	const struct stp_listed *bins = stp_chain_listed(tree, STP_BINS_ROLE);

	STP_TRY(stp_buf_append(&run->view, "", 1, err));
	report->repo = strdup(run->place.repo);
	report->targets_dir = strdup(run->place.targets);
	report->view = strdup((const char *)run->view.data);
	if (!report->repo || !report->targets_dir || !report->view)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	report->profile = run->config.profile;
	report->bin_count = stp_bin_count(&run->config);
	report->has_bins_role = run->config.has_bins_role;
	memcpy(report->online_keyid, run->online_key.keyid, sizeof(report->online_keyid));
	report->root_first = run->old.roots[0].version;
	report->root_count = run->old.root_count;
	report->old = (struct stp_import_versions){tree->root.doc.version, tree->targets.version,
	                                           bins ? bins->version : 0, tree->snapshot.version,
	                                           tree->timestamp.version};
	report->names_kept = tree->listed_count;
	return STP_OK;
}

void stp_import_report_release(struct stp_import_report *report)
{
	size_t i;

	for (i = 0; i < report->foreign_count; i++)
		free(report->foreign[i]);
	free(report->foreign);
	free(report->view);
	free(report->repo);
	free(report->targets_dir);
	memset(report, 0, sizeof(*report));
}

/* ------------------------------------------------------------------ the command */

static enum stp_errc run_all(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_import_options *options = run->options;

	STP_TRY(
	    stp_now_check(run->now, options->now ? stp_hint_text(STP_HINT_NOW) : "the clock", err));
	STP_TRY(stp_new_repo_places(&run->place, options->repo, options->targets_dir, err));
	STP_TRY(stp_import_old_read(&run->old, options->from, options->trusted_root, err));
	STP_TRY(check_versions(&run->old, err));
	STP_TRY(make_config(run, err));
	STP_TRY(check_names(run, err));
	STP_TRY(stp_new_repo_begin(&run->place, &run->config, err));
	STP_TRY(fill_stage(run, err));
	STP_TRY(fill_report(run, err));
	return stp_init_stage_commit(&run->place.stage, err);
}

/* Removes everything that this run made. */
static void undo(struct stp_import_run *run)
{
	stp_init_stage_undo(&run->place.stage);
	if (run->place.stage.committed)
		return;
	if (run->offline_fd != -1)
		stp_offline_keys_unmake(&run->bins, run->offline_fd);
	if (run->place.repo_made)
		rmdir(run->place.repo);
}

static void release(struct stp_import_run *run)
{
	stp_init_stage_end(&run->place.stage);
	stp_takeover_release(&run->takeover);
	stp_import_old_release(&run->old);
	stp_offline_keys_release(&run->root);
	stp_offline_keys_release(&run->targets);
	stp_offline_keys_release(&run->bins);
	stp_key_destroy(run->online);
	stp_seal_key_destroy(run->seal);
	stp_fd_close(&run->offline_fd);
	stp_fd_close(&run->metadata_fd);
	stp_fd_close(&run->state_fd);
	stp_fd_close(&run->place.root_fd);
	stp_config_release(&run->config);
	stp_buf_release(&run->view);
	free(run);
}

static enum stp_errc check_options(const struct stp_import_options *options,
                                   struct stp_import_options *out, struct stp_err *err)
{
	STP_TRY(STP_OPTIONS_TAKE(out, options, has_now, STAGE, err));
	STP_TRY(stp_options_need(out->repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(out->from, "from", STAGE, err));
	STP_TRY(stp_options_need(out->trusted_root, "trusted_root", STAGE, err));
	return stp_options_need(out->targets_dir, "targets_dir", STAGE, err);
}

enum stp_errc stp_import(const struct stp_import_options *options,
                         struct stp_import_report *out_report, struct stp_err *err)
{
	struct stp_import_report report = {0};
	struct stp_import_options mine;
	struct stp_import_run *run;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(check_options(options, &mine, err));
	run = calloc(1, sizeof(*run));
	if (!run)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	run->options = &mine;
	run->report = &report;
	run->now = stp_options_now(mine.now, mine.has_now);
	run->metadata_fd = run->state_fd = run->offline_fd = run->place.root_fd = -1;
	run->old.folder_fd = -1;
	stp_finding_list_init(&run->old.findings);
	stp_init_stage_init(&run->place.stage, -1);
	code = run_all(run, err);
	if (code == STP_OK) {
		*out_report = report;
	} else {
		undo(run);
		stp_import_report_release(&report);
	}
	release(run);
	return code;
}
