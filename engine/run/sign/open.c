/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/inside.h"
#include "record/stamp.h"
#include "run/sign/rows.h"
#include "run/sign/versions.h"

/* The configuration may have been edited since init checked it: a run must never sign its own
 * output or publish keys. */
static enum stp_errc check_apart(const struct stp_sign_run *run, struct stp_err *err)
{
	if (run->targets_fd < 0)
		return STP_OK;
	if (stp_folder_is_inside(run->repo.root_fd, run->targets_fd))
		return STP_FAIL(err, STP_CONFIG, "scan", run->config.targets_dir,
		                "the repository is in the targets folder; correct "
		                "\"targets_dir\" in " STP_CONFIG_FILE ", or move one of them");
	if (stp_folder_is_inside(run->targets_fd, run->repo.root_fd))
		return STP_FAIL(err, STP_CONFIG, "scan", run->config.targets_dir,
		                "the targets folder is in the repository; correct "
		                "\"targets_dir\" in " STP_CONFIG_FILE ", or move one of them");
	return STP_OK;
}

static enum stp_errc open_targets(struct stp_sign_run *run, struct stp_err *err)
{
	const char *folder = run->config.targets_dir;
	int is_listed = run->options->digests || run->config.source >= STP_INDEX_LIST;
	int needs_tree = !is_listed || run->options->scan_glob_count;

	run->targets_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->targets_fd < 0 && (needs_tree || errno != ENOENT))
		return STP_FAIL(err, STP_CONFIG, "scan", folder,
		                "cannot open the targets folder (%s); mount it, or correct "
		                "\"targets_dir\" in " STP_CONFIG_FILE,
		                strerror(errno));
	stp_fs_table_init(&run->fs, run->targets_fd);
	return check_apart(run, err);
}

/* The first run that publishes notes the source in stampede.json, and must open that file's
 * replacement now, before it is confined. If it cannot, the end of the run reports that. */
static void open_note(const struct stp_sign_run *run, struct stp_config_note *note)
{
	struct stp_err ignored = STP_ERR_INIT;

	if (run->config.source == STP_INDEX_UNKNOWN && !run->options->dry_run &&
	    stp_config_note_begin(note, run->repo.root_fd, &ignored) != STP_OK)
		stp_config_note_end(note);
}

/* From here on the process can read targets, write what is published and the state, and nothing
 * else. Keys and configuration are loaded, and this process needs no offline keys that are still in
 * the repository; in that folder it only removes temporary files, and once in the life of a
 * repository replaces the configuration by the file that it has open. */
static enum stp_errc confine(struct stp_sign_run *run, int places_note, struct stp_err *err)
{
	struct stp_confine rules;
	/* A hard link needs the same rights on both sides, or Landlock answers EXDEV. */
	int links_out = run->config.link == STP_LINK_HARDLINK &&
	                run->config.target_files != STP_TARGET_FILES_NONE;
	int fds[STP_CONFINE_RULES_MAX];
	size_t count = 0;
	enum stp_errc code;
	size_t i;

	if (!run->options->confine)
		return STP_OK;
	stp_confine_init(&rules);
	stp_confine_allow(&rules, run->targets_fd,
	                  links_out ? STP_CONFINE_WRITE : STP_CONFINE_READ);
	stp_confine_allow(&rules, run->repo.root_fd,
	                  places_note ? STP_CONFINE_PLACE : STP_CONFINE_TIDY);
	stp_confine_allow(&rules, run->repo.metadata_fd, STP_CONFINE_WRITE);
	stp_confine_allow(&rules, run->repo.targets_fd, STP_CONFINE_WRITE);
	stp_confine_allow(&rules, run->repo.state_fd, STP_CONFINE_WRITE);
	for (i = 0; i < run->options->writable_folder_count && count < 4; i++) {
		fds[count] = open(run->options->writable_folders[i], O_PATH | O_CLOEXEC);
		stp_confine_allow(&rules, fds[count++], STP_CONFINE_WRITE);
	}
	code = stp_confine_enter(&rules, err);
	while (count)
		stp_fd_close(&fds[--count]);
	run->report->landlock_version = rules.level;
	return code;
}

static enum stp_errc open_ledger(struct stp_sign_run *run, struct stp_err *err)
{
	struct stp_ledger_options options = {
	    .state_fd = run->repo.state_fd,
	    .seal_key = stp_seal_key_bytes(run->seal_key),
	    .hash_set = run->config.hash_set,
	    .read_only = run->options->dry_run,
	    .damage = &run->damage,
	};

	STP_TRY(stp_ledger_open(&options, &run->ledger, err));
	run->ledger_set = stp_ledger_hash_set(run->ledger);
	return STP_OK;
}

/* The keys of the online roles, then the seal key, which is made again if it is lost: not before it
 * is certain that this is the right folder of keys. Then a rotation may need others. */
static enum stp_errc open_keys(struct stp_sign_run *run, struct stp_sign_opened *opened,
                               struct stp_err *err)
{
	struct stp_rotating *rotating = &opened->rotating;

	STP_TRY(stp_freeze_load(run->repo.state_fd, NULL, &rotating->freeze, err));
	STP_TRY(stp_freeze_check(&rotating->freeze, err));
	STP_TRY(stp_rotation_load(run->repo.state_fd, NULL, &rotating->rotation, err));
	STP_TRY(stp_rotating_signers(run, rotating, &opened->signers, err));
	STP_TRY(stp_sign_load_seal_key(run, err));
	if (rotating->rotation.phase == STP_ROTATION_NONE &&
	    rotating->freeze.step == STP_FREEZE_NONE)
		return STP_OK;
	stp_role_signers_release(&opened->signers);
	stp_rotating_release(rotating);
	STP_TRY(stp_rotating_begin(run, rotating, err));
	return stp_rotating_signers(run, rotating, &opened->signers, err);
}

/* The keys, and what is published, verified with them. */
static enum stp_errc open_trust(struct stp_sign_run *run, struct stp_sign_opened *opened,
                                struct stp_err *err)
{
	struct stp_current *current = &opened->current;

	if (run->repo.keys_fd < 0) /* a dry run gets this far without keys */
		return STP_FAIL(err, STP_KEY, "keys", STP_KEYS_FOLDER,
		                "cannot open the folder; run this as the user that signs");
	STP_TRY(open_keys(run, opened, err));
	STP_TRY(stp_trusted_load(&opened->trust, &run->repo, &run->config, STP_TRUSTED_UNPINNED,
	                         NULL, run->seal_key, current, err));
	stp_sign_note_expiries(run, current);
	stp_sign_note_margins(run, &opened->trust);
	STP_TRY(stp_current_check_clock(current, run->now, run->options->after_clock_error, err));
	STP_TRY(stp_current_check(current, &run->config, opened->rotating.at_hand, run->now, err));
	STP_TRY(stp_sign_find_above(run, &opened->trust, current, &opened->above, err));
	/* The jump after a theft. */
	if (!opened->above && opened->rotating.freeze.above > current->timestamp_version)
		opened->above = opened->rotating.freeze.above;
	return STP_OK;
}

static enum stp_errc choose_io(struct stp_sign_run *run, struct stp_err *err)
{
	struct stp_sign_report *report = run->report;

	if (run->jobs)
		STP_TRY(stp_read_choose(run->options->io, &run->io, err));
	else
		run->io.mode = STP_IO_MODE_PREAD;
	strncpy(report->io_backend, stp_read_choice_name(&run->io), sizeof(report->io_backend) - 1);
	memcpy(report->io_why, run->io.why, sizeof(report->io_why));
	return STP_OK;
}

static enum stp_errc open_list(struct stp_sign_run *run, struct stp_err *err)
{
	const struct stp_sign_options *options = run->options;

	if (options->next_row) {
		run->list_source.name = STP_ROWS_NAME;
		return stp_rows_spool(options, run->repo.state_fd, run->cancel,
		                      &run->list_source.fd, err);
	}
	return options->digests ? stp_list_source_open(options->digests, &run->list_source, err)
	                        : STP_OK;
}

enum stp_errc stp_sign_open(struct stp_sign_run *run, struct stp_sign_opened *opened,
                            struct stp_err *err)
{
	const struct stp_sign_options *options = run->options;
	enum stp_repo_use use = options->dry_run ? STP_REPO_READ : STP_REPO_SIGN;

	STP_TRY(stp_now_check(run->now, "now", err));
	STP_TRY(stp_repo_open(options->repo, use, "sign", &run->repo, err));
	STP_TRY(stp_config_load(&run->config, run->repo.root_fd, err));
	run->digest_bytes = stp_alg_set_digest_bytes(run->config.hash_set);
	run->report->hash_set = run->config.hash_set;
	run->report->bins = stp_bin_count(&run->config);
	STP_TRY(stp_glob_notes_begin(run, err));
	STP_TRY(open_targets(run, err));
	STP_TRY(open_trust(run, opened, err));
	STP_TRY(open_list(run, err));
	open_note(run, &opened->note);
	STP_TRY(confine(run, opened->note.fd >= 0, err));
	STP_TRY(open_ledger(run, err));
	STP_TRY(choose_io(run, err));
	run->clock_ns = options->dry_run ? 0 : stp_stamp_now(run->repo.state_fd);
	return STP_OK;
}

void stp_sign_opened_init(struct stp_sign_opened *opened)
{
	memset(opened, 0, sizeof(*opened));
	stp_config_note_init(&opened->note);
}

void stp_sign_opened_release(struct stp_sign_opened *opened)
{
	stp_config_note_end(&opened->note);
	stp_current_release(&opened->current);
	stp_trust_release(&opened->trust);
	stp_role_signers_release(&opened->signers);
	stp_rotating_release(&opened->rotating);
}
