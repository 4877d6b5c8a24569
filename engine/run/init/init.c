/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: all or nothing. Everything is made in REPO/.init and moved into place at the end
 * (run/init_stage.h). An init that fails removes what it made. Offline keys that the operator
 * wants elsewhere are created there directly, and removed again if the run fails.
 */
#include "stampede/init.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "keys/keys.h"
#include "publish/repo.h"
#include "roles/config.h"
#include "roles/roles.h"
#include "run/init/first.h"
#include "run/new_repo.h"
#include "run/offline_keys.h"
#include "run/trusted.h"
#include "sign/sealed.h"
#include "trust/trust.h"

#define STAGE "init"

/* init warns above this number. */
#define MANY_BINS 65536

struct init {
	const struct stp_init_options *options;
	struct stp_config config;
	int64_t now;
	struct stp_new_repo place;
	int metadata_fd;
	int offline_fd;
	char offline_path[PATH_MAX];
	int offline_made;
	struct stp_offline_keys root, targets_keys, bins;
	struct stp_key *online;
	struct stp_seal_key *seal;
	struct stp_floors floors;     /* of the documents written */
	struct stp_init_first *first; /* NULL: the offline keys are made here */
};

/* Makes the configuration from the profile and the options, and checks it. */
static enum stp_errc make_config(struct init *init, struct stp_err *err)
{
	STP_TRY(stp_new_repo_config(&init->config, init->options, err));
	if (init->first)
		STP_TRY(stp_init_first_keys(init->first, &init->config, err));
	init->config.targets_dir = init->place.targets;
	return stp_config_check(&init->config, STAGE, err);
}

static enum stp_errc check_places(struct init *init, struct stp_err *err)
{
	STP_TRY(stp_new_repo_places(&init->place, init->options->repo, init->options->targets_dir,
	                            err));
	return init->first
	           ? stp_new_repo_absolute(init->first->options->out, init->first->path, err)
	           : STP_OK;
}

/* ------------------------------------------------------------------ keys */

/* Opens the folder for offline keys: in REPO, or where the operator wants it. */
static enum stp_errc open_offline(struct init *init, struct stp_err *err)
{
	const char *path = init->options->offline_keys;

	if (!path) {
		if (snprintf(init->offline_path, sizeof(init->offline_path), "%s/%s",
		             init->place.repo, STP_OFFLINE_KEYS_FOLDER) >= PATH_MAX)
			return STP_FAIL(err, STP_CONFIG, STAGE, init->place.repo,
			                "the path is too long");
		return stp_new_repo_folder(init->place.stage.fd, STP_OFFLINE_KEYS_FOLDER,
		                           STP_MODE_PRIVATE_FOLDER, &init->offline_fd, err);
	}
	STP_TRY(stp_new_repo_absolute(path, init->offline_path, err));
	init->offline_made = mkdir(init->offline_path, STP_MODE_PRIVATE_FOLDER) == 0;
	if (!init->offline_made && errno != EEXIST)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "cannot make the folder: %s",
		                strerror(errno));
	return stp_folder_open(AT_FDCWD, init->offline_path, STAGE, &init->offline_fd, err);
}

/* Opens or creates the keys of one offline role, and notes those that are created in .init. */
static enum stp_errc open_role_keys(struct init *init, struct stp_offline_keys *offline,
                                    const char *role, unsigned count, unsigned threshold,
                                    struct stp_err *err)
{
	enum stp_offline_keys_files files = STP_OFFLINE_KEYS_ALL_OR_NONE;
	size_t i;

	if (init->options->offline_keys)
		STP_TRY(stp_init_stage_keys(&init->place.stage, init->offline_fd,
		                            init->offline_path, role, count, &files, err));
	STP_TRY(
	    stp_offline_keys_open(offline, init->offline_fd, role, count, threshold, files, err));
	for (i = 0; i < offline->count && !init->options->offline_keys; i++) {
		char path[sizeof(STP_OFFLINE_KEYS_FOLDER) + 1 + STP_OFFLINE_KEYS_FILE_BYTES];

		memcpy(path, STP_OFFLINE_KEYS_FOLDER "/", sizeof(STP_OFFLINE_KEYS_FOLDER));
		stp_offline_keys_file(role, i, path + sizeof(STP_OFFLINE_KEYS_FOLDER));
		STP_TRY(stp_init_stage_note(&init->place.stage, path, offline->public_keys[i].keyid,
		                            err));
	}
	return STP_OK;
}

static enum stp_errc make_offline(struct init *init, struct stp_err *err)
{
	const struct stp_config *config = &init->config;

	STP_TRY(open_offline(init, err));
	STP_TRY(open_role_keys(init, &init->root, "root", config->root_key_count,
	                       config->root_threshold, err));
	STP_TRY(open_role_keys(init, &init->targets_keys, "targets", config->targets_key_count,
	                       config->targets_threshold, err));
	if (!config->has_bins_role)
		return STP_OK;
	return open_role_keys(init, &init->bins, "bins", config->bins_key_count,
	                      config->bins_threshold, err);
}

static enum stp_errc make_keys(struct init *init, struct stp_err *err)
{
	int keys_fd = -1;
	enum stp_errc code;

	if (!init->first)
		STP_TRY(make_offline(init, err));
	STP_TRY(stp_new_repo_folder(init->place.stage.fd, STP_KEYS_FOLDER, STP_MODE_PRIVATE_FOLDER,
	                            &keys_fd, err));
	code = stp_key_generate(keys_fd, STP_ONLINE_KEY_FILE, &init->online, err);
	if (code == STP_OK)
		code =
		    stp_init_stage_note(&init->place.stage, STP_KEYS_FOLDER "/" STP_ONLINE_KEY_FILE,
		                        stp_key_id(init->online), err);
	if (code == STP_OK)
		code = stp_seal_key_generate(keys_fd, STP_LEDGER_KEY_FILE, &init->seal, err);
	close(keys_fd);
	return code;
}

/* ------------------------------------------------------------------ documents */

/* Signs the body of role with all its keys and writes it as 1.ROLE.json. In a first ceremony others
 * will sign it. */
static enum stp_errc write_role(struct init *init, enum stp_payload_role role,
                                const struct stp_buf *body, struct stp_err *err)
{
	const struct stp_offline_keys *keys[] = {&init->root, &init->targets_keys, &init->bins};
	struct stp_pin *pins[] = {&init->floors.root, &init->floors.targets, &init->floors.bins};
	const struct stp_offline_keys *offline = keys[role];
	struct stp_sealed sealed;
	char name[64];
	enum stp_errc code;

	if (init->first)
		return stp_buf_append(&init->first->bodies[role], body->data, body->count, err);
	snprintf(name, sizeof(name), "1.%s.json", stp_payload_role_name(role));
	STP_TRY(stp_sealed_make(name, 1, body->data, body->count, offline->signers, offline->count,
	                        &sealed, err));
	code = stp_file_write(init->metadata_fd, name, sealed.bytes, sealed.length,
	                      STP_MODE_PUBLIC_FILE, STP_FILE_NEW, STAGE, err);
	*pins[role] = stp_pin_of(1, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	return code;
}

static struct stp_role_keys keys_of(const struct init *init, enum stp_payload_role role)
{
	const struct stp_offline_keys *keys[] = {&init->root, &init->targets_keys, &init->bins};

	return init->first ? stp_init_first_role(init->first, role)
	                   : stp_offline_keys_public(keys[role]);
}

static enum stp_errc write_documents(struct init *init, struct stp_buf *body, struct stp_err *err)
{
	const struct stp_config *config = &init->config;
	struct stp_key_object online;
	struct stp_role_keys online_keys = {&online, 1, 1};
	struct stp_role_keys bins_keys = keys_of(init, STP_PAYLOAD_BINS);
	struct stp_root_keys root_keys = {keys_of(init, STP_PAYLOAD_ROOT),
	                                  keys_of(init, STP_PAYLOAD_TARGETS), online_keys,
	                                  online_keys};

	stp_key_object_ed25519(&online, stp_key_public(init->online));
	STP_TRY(stp_root_body((struct stp_role_head){1, init->now + config->expiry.root},
	                      &root_keys, body, err));
	STP_TRY(write_role(init, STP_PAYLOAD_ROOT, body, err));
	STP_TRY(stp_targets_body(config,
	                         (struct stp_role_head){1, init->now + config->expiry.targets},
	                         &bins_keys, &online_keys, body, err));
	STP_TRY(write_role(init, STP_PAYLOAD_TARGETS, body, err));
	if (!config->has_bins_role)
		return STP_OK;
	STP_TRY(stp_bins_body(config, (struct stp_role_head){1, init->now + config->expiry.bins},
	                      &online_keys, body, err));
	return write_role(init, STP_PAYLOAD_BINS, body, err);
}

/* What state/ has of the documents: their floors, or that they are to be signed. */
static enum stp_errc write_state(struct init *init, struct stp_err *err)
{
	int state_fd = -1;
	enum stp_errc code;

	STP_TRY(stp_folder_open(init->place.stage.fd, STP_STATE_FOLDER, STAGE, &state_fd, err));
	if (init->first) {
		code = stp_init_first_payload(init->first, init->now, state_fd, err);
	} else {
		init->config.trusted_root = init->floors.root;
		stp_trusted_note_offline(&init->floors, &init->config);
		code = stp_floors_save(state_fd, stp_seal_key_bytes(init->seal), &init->floors,
		                       STP_FLOORS_OWN, err);
	}
	stp_fd_close(&state_fd);
	return code;
}

/* Folders, keys and documents in .init. */
static enum stp_errc fill_stage(struct init *init, struct stp_err *err)
{
	struct stp_buf body = STP_BUF_INIT;
	int public_fd = -1;
	int fd = -1;
	enum stp_errc code;

	STP_TRY(stp_new_repo_folder(init->place.stage.fd, STP_STATE_FOLDER, STP_MODE_PRIVATE_FOLDER,
	                            &fd, err));
	stp_fd_close(&fd);
	STP_TRY(stp_new_repo_folder(init->place.stage.fd, STP_PUBLIC_FOLDER, STP_MODE_PUBLIC_FOLDER,
	                            &public_fd, err));
	code = stp_new_repo_folder(public_fd, STP_TARGETS_FOLDER, STP_MODE_PUBLIC_FOLDER, &fd, err);
	stp_fd_close(&fd);
	if (code == STP_OK)
		code = stp_new_repo_folder(public_fd, STP_METADATA_FOLDER, STP_MODE_PUBLIC_FOLDER,
		                           &init->metadata_fd, err);
	stp_fd_close(&public_fd);
	STP_TRY(code);
	STP_TRY(make_keys(init, err));
	code = write_documents(init, &body, err);
	stp_buf_release(&body);
	STP_TRY(code);
	STP_TRY(write_state(init, err));
	/* The mark becomes the configuration, which names the root. */
	return stp_config_replace(&init->config, init->place.stage.fd, err);
}

/* Removes everything that this run made. */
static void undo(struct init *init)
{
	stp_init_stage_undo(&init->place.stage);
	/* Never remove keys that a repository needs. */
	if (init->place.stage.committed)
		return;
	if (init->first)
		stp_init_first_undo(init->first);
	if (init->options->offline_keys && init->offline_fd != -1) {
		stp_offline_keys_unmake(&init->root, init->offline_fd);
		stp_offline_keys_unmake(&init->targets_keys, init->offline_fd);
		stp_offline_keys_unmake(&init->bins, init->offline_fd);
	}
	if (init->offline_made)
		rmdir(init->offline_path);
	if (init->place.repo_made)
		rmdir(init->place.repo);
}

/* ------------------------------------------------------------------ report */

/* Adds the keys of one role to the report. */
static enum stp_errc report_keys(const struct init *init, const struct stp_offline_keys *offline,
                                 struct stp_init_report *report, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < offline->count; i++) {
		struct stp_init_key *key = &report->offline_keys[report->offline_key_count];
		char file[STP_OFFLINE_KEYS_FILE_BYTES];

		stp_offline_keys_file(offline->role, i, file);
		if (asprintf(&key->path, "%s/%s", init->offline_path, file) < 0) {
			key->path = NULL;
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
		}
		key->role = offline->role;
		key->made = offline->made[i];
		memcpy(key->keyid, offline->public_keys[i].keyid, sizeof(key->keyid));
		report->offline_key_count++;
	}
	return STP_OK;
}

static enum stp_errc make_report(const struct init *init, struct stp_init_report *report,
                                 struct stp_err *err)
{
	const struct stp_expiry *e = &init->config.expiry;
	int64_t first = e->root < e->targets ? e->root : e->targets;

	if (init->config.has_bins_role && e->bins < first)
		first = e->bins;
	report->offline_keys =
	    calloc(init->root.count + init->targets_keys.count + init->bins.count + 1,
	           sizeof(*report->offline_keys));
	report->repo = strdup(init->place.repo);
	report->targets_dir = strdup(init->place.targets);
	if (!report->offline_keys || !report->repo || !report->targets_dir)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	STP_TRY(report_keys(init, &init->root, report, err));
	STP_TRY(report_keys(init, &init->targets_keys, report, err));
	STP_TRY(report_keys(init, &init->bins, report, err));
	memcpy(report->online_keyid, stp_key_id(init->online), sizeof(report->online_keyid));
	stp_time_format(init->now + first, report->expires);
	report->profile = init->config.profile;
	report->bin_count = stp_bin_count(&init->config);
	report->root_threshold = init->config.root_threshold;
	report->target_files = stp_target_files_name(init->config.target_files);
	report->has_bins_role = init->config.has_bins_role;
	report->many_bins = report->bin_count > MANY_BINS;
	return STP_OK;
}

void stp_init_report_release(struct stp_init_report *report)
{
	size_t i;

	for (i = 0; i < report->offline_key_count; i++)
		free(report->offline_keys[i].path);
	free(report->offline_keys);
	free(report->repo);
	free(report->targets_dir);
	memset(report, 0, sizeof(*report));
}

/* ------------------------------------------------------------------ the command */

static enum stp_errc run(struct init *init, struct stp_init_report *report, struct stp_err *err)
{
	STP_TRY(stp_now_check(init->now,
	                      init->options->now ? stp_hint_text(STP_HINT_NOW) : "the clock", err));
	STP_TRY(check_places(init, err));
	STP_TRY(make_config(init, err));
	STP_TRY(stp_new_repo_begin(&init->place, &init->config, err));
	STP_TRY(fill_stage(init, err));
	STP_TRY(make_report(init, report, err));
	if (init->first)
		STP_TRY(stp_init_first_write(init->first, &init->place.stage, err));
	return stp_init_stage_commit(&init->place.stage, err);
}

enum stp_errc stp_init_run(const struct stp_init_options *options, struct stp_init_first *first,
                           struct stp_init_report *out_report, struct stp_err *err)
{
	struct stp_init_report report = {0};
	struct stp_init_options mine;
	struct init *init;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, has_now, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.targets_dir, "targets_dir", STAGE, err));
	init = calloc(1, sizeof(*init));
	if (!init)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	init->options = &mine;
	init->first = first;
	init->now = stp_options_now(mine.now, mine.has_now);
	init->place.root_fd = init->metadata_fd = init->offline_fd = -1;
	stp_init_stage_init(&init->place.stage, -1);
	code = run(init, &report, err);
	if (code == STP_OK) {
		*out_report = report;
	} else {
		undo(init);
		stp_init_report_release(&report);
	}
	stp_init_stage_end(&init->place.stage);
	stp_offline_keys_release(&init->root);
	stp_offline_keys_release(&init->targets_keys);
	stp_offline_keys_release(&init->bins);
	stp_key_destroy(init->online);
	stp_seal_key_destroy(init->seal);
	stp_fd_close(&init->offline_fd);
	stp_fd_close(&init->metadata_fd);
	stp_fd_close(&init->place.root_fd);
	stp_config_release(&init->config);
	free(init);
	return code;
}

enum stp_errc stp_init(const struct stp_init_options *options, struct stp_init_report *out_report,
                       struct stp_err *err)
{
	return stp_init_run(options, NULL, out_report, err);
}
