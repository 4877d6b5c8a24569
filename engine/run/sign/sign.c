/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spine of `sign`.
 *
 *	open ─▶ check ─▶ source ─▶ collect ─▶ (recover) ─▶ pending ─▶ look again ─▶ [faults?] ─▶
 *	reserve V ─▶ (names of files that have several) ─▶ emit ─▶ [faults? removals?] ─▶ commit
 *
 * Order of what becomes durable (tuf.md, "Order of writing"):
 *	1. the reservation of version V             4. the ledger segment, part of no generation yet
 *	2. checkpoints, while hashing               5. audit lines, then V.snapshot.json
 *	3. bins and links: one barrier              6. timestamp.json by rename: the commit
 *	                                            7. the ledger's generation, then the sweep
 * A crash before 6 leaves readers where they were; one between 6 and 7 leaves the ledger one
 * generation behind, whose fingerprints still tell what changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/inside.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/thread.h"
#include "publish/reflink.h"
#include "roles/roles.h"
#include "run/sign/again.h"
#include "run/sign/look_again.h"
#include "run/sign/report.h"
#include "run/sign/rows.h"
#include "run/sign/sign_run.h"
#include "run/sign/target.h"
#include "run/sign/urls.h"
#include "scan/tree.h"

/* --- opening --------------------------------------------------------------------------------- */

static void init_run(struct stp_sign_run *run, const struct stp_sign_options *options,
                     struct stp_sign_report *report)
{
	memset(run, 0, sizeof(*run));
	run->options = options;
	run->report = report;
	run->jobs = options->jobs;
	run->worker_count = run->jobs ? run->jobs : 1;
	run->features = run->jobs ? stp_cpu_features() : 0;
	run->verified_at = stp_clock_now();
	run->now = options->now || options->has_now ? options->now : run->verified_at;
	run->cancel = options->cancel ? options->cancel : &run->own_cancel;
	run->targets_fd = -1;
	run->list_fd = -1;
	stp_fault_list_init(&run->faults);
	stp_fault_list_init(&run->damage);
	stp_fault_list_init(&run->notes);
	stp_fault_list_init(&run->told);
	stp_fault_list_init(&run->ahead);
	stp_fault_list_init(&run->unfetchable);
	stp_fault_list_init(&run->unsettled);
	stp_config_note_init(&run->note);
	stp_keyset_init(&run->refused);
	stp_keyset_init(&run->moved);
	stp_keyset_init(&run->gone);
	stp_keyset_init(&run->unsettled_keys);
	stp_keyset_init(&run->several_names);
	stp_repo_init(&run->repo);
	report->now = run->now;
	report->cpu_features = run->features;
}

/* The configuration may have been edited since init looked: signing our own output, or
 * publishing keys, must not happen. */
static enum stp_errc check_apart(const struct stp_sign_run *run, struct stp_err *err)
{
	if (run->targets_fd < 0)
		return STP_OK;
	if (stp_folder_is_inside(run->repo.root_fd, run->targets_fd))
		return STP_FAIL(err, STP_CONFIG, "scan", run->config.targets_dir,
		                "the repository lies in the targets folder; correct "
		                "\"targets_dir\" in " STP_CONFIG_FILE ", or move one of them");
	if (stp_folder_is_inside(run->targets_fd, run->repo.root_fd))
		return STP_FAIL(err, STP_CONFIG, "scan", run->config.targets_dir,
		                "the targets folder lies in the repository; correct "
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

static enum stp_errc open_list(struct stp_sign_run *run, struct stp_err *err)
{
	const char *name = run->options->digests;

	if (!name)
		return STP_OK;
	if (run->options->next_row)
		return stp_rows_spool(run->options, run->repo.state_fd, run->cancel, &run->list_fd,
		                      err);
	if (strcmp(name, "-") == 0)
		run->list_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		run->list_fd = open(name, O_RDONLY | O_CLOEXEC);
	if (run->list_fd < 0)
		return STP_FAIL(err, STP_CONFIG, "list", stp_sign_list_name(run->options),
		                "cannot open the digest list: %s", strerror(errno));
	return STP_OK;
}

/* The first run that publishes notes in stampede.json what it was made from, and has to open that
 * file's successor now. Where it may not, its end says so. */
static void open_note(struct stp_sign_run *run)
{
	struct stp_err ignored = STP_ERR_INIT;

	if (run->config.source == STP_INDEX_UNKNOWN && !run->options->dry_run &&
	    stp_config_note_begin(&run->note, run->repo.root_fd, &ignored) != STP_OK)
		stp_config_note_end(&run->note);
}

/* From here on: reading targets, writing what is published and the state, and nothing else. Keys
 * and configuration are loaded, and offline keys that still lie in the repository are no business
 * of this process; beside them it only removes temporary files, and once in the life of a
 * repository puts the configuration in place that it has open. */
static enum stp_errc confine(struct stp_sign_run *run, struct stp_err *err)
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
	                  run->note.fd >= 0 ? STP_CONFINE_PLACE : STP_CONFINE_TIDY);
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

static enum stp_errc open_all(struct stp_sign_run *run, struct stp_err *err)
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
	if (run->repo.keys_fd < 0) /* a dry run comes this far without */
		return STP_FAIL(err, STP_KEY, "keys", STP_KEYS_FOLDER,
		                "cannot open the folder; run this as the user that signs");
	STP_TRY(stp_key_load(run->repo.keys_fd, STP_ONLINE_KEY_FILE, &run->key, err));
	STP_TRY(stp_sign_load_seal_key(run, err));
	STP_TRY(stp_trusted_load(&run->trust, &run->repo, &run->config, STP_TRUSTED_UNPINNED, NULL,
	                         run->seal_key, &run->current, err));
	stp_sign_note_expiries(run);
	STP_TRY(stp_current_check_clock(&run->current, run->now, options->after_clock_error, err));
	STP_TRY(
	    stp_current_check(&run->current, &run->config, stp_key_id(run->key), run->now, err));
	STP_TRY(stp_sign_find_above(run, &run->above, err));
	STP_TRY(open_list(run, err));
	open_note(run);
	STP_TRY(confine(run, err));
	STP_TRY(open_ledger(run, err));
	STP_TRY(stp_sign_choose_source(run, err));
	if (run->jobs) {
		STP_TRY(stp_read_choose(options->io, &run->io, err));
	} else {
		run->io.mode = STP_IO_MODE_PREAD;
	}
	strncpy(run->report->io_backend, stp_read_choice_name(&run->io),
	        sizeof(run->report->io_backend) - 1);
	memcpy(run->report->io_why, run->io.why, sizeof(run->report->io_why));
	run->clock_ns = options->dry_run ? 0 : stp_tree_clock(run->repo.state_fd);
	return STP_OK;
}

static void close_publishing(struct stp_sign_run *run)
{
	if (run->links)
		stp_links_end(run->links);
	if (run->publisher)
		stp_publish_end(run->publisher);
	stp_audit_close(run->audit);
	free(run->bin_lengths);
	run->links = NULL;
	run->publisher = NULL;
	run->audit = NULL;
	run->bin_lengths = NULL;
}

static void close_all(struct stp_sign_run *run)
{
	close_publishing(run);
	stp_config_note_end(&run->note);
	stp_removals_release(&run->removals);
	stp_sources_release(&run->scan);
	stp_known_destroy(run->known);
	stp_sources_release(&run->published);
	stp_ledger_close(run->ledger);
	stp_current_release(&run->current);
	stp_trust_release(&run->trust);
	stp_seal_key_destroy(run->seal_key);
	stp_key_destroy(run->key);
	stp_fd_close(&run->list_fd);
	stp_fd_close(&run->targets_fd);
	stp_config_release(&run->config);
	stp_repo_close(&run->repo);
	stp_glob_notes_release(&run->globs);
	stp_keyset_release(&run->refused);
	stp_keyset_release(&run->moved);
	stp_keyset_release(&run->gone);
	stp_keyset_release(&run->unsettled_keys);
	stp_keyset_release(&run->several_names);
	stp_fault_list_release(&run->unsettled);
	stp_fault_list_release(&run->unfetchable);
	stp_fault_list_release(&run->notes);
	stp_fault_list_release(&run->told);
	stp_fault_list_release(&run->ahead);
	stp_fault_list_release(&run->damage);
	stp_fault_list_release(&run->faults);
}

/* --- the fault policy ------------------------------------------------------------------------ */

/* Applied after scanning and hashing, and again after emitting. */
static enum stp_errc apply_fault_policy(struct stp_sign_run *run, struct stp_err *err)
{
	if (run->faults.out_of_memory)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL,
		                      "no memory for the list of faults");
	if (run->faults.total == 0 || run->options->on_fault == STP_ON_FAULT_SKIP)
		return STP_OK;
	return STP_FAIL(err, STP_CHANGED, "sign", NULL,
	                "%zu path%s cannot be signed, so nothing was published; fix %s, or publish "
	                "without %s: --on-fault skip",
	                run->faults.total, run->faults.total == 1 ? "" : "s",
	                run->faults.total == 1 ? "it" : "them",
	                run->faults.total == 1 ? "it" : "them");
}

/* --- publishing ------------------------------------------------------------------------------ */

static enum stp_errc begin_publishing(struct stp_sign_run *run, struct stp_err *err)
{
	struct stp_publish_options options = {.worker_count = run->jobs,
	                                      .now = run->now,
	                                      .above = run->above,
	                                      .spared =
	                                          run->note.fd < 0 ? NULL : run->note.temporary};

	stp_sign_stage(run, &run->report->seconds.publish);
	STP_TRY(stp_publish_begin(&run->repo, &run->current, &options, &run->publisher, err));
	STP_TRY(stp_sign_choose_version(run, err));
	STP_TRY(stp_audit_open(run->repo.state_fd, &run->audit, err));
	STP_TRY(stp_links_begin(&run->repo, &run->config, run->targets_fd, run->scan_count,
	                        run->worker_count, run->cancel, &run->links, err));
	stp_links_set_run(run->links, run->version);
	return STP_OK;
}

/* Makes a document signed with the online key, and its audit line. */
static enum stp_errc seal(struct stp_sign_run *run, const char *role, const char *file_name,
                          const struct stp_buf *body, struct stp_sealed *out_sealed,
                          struct stp_err *err)
{
	const struct stp_key *key = run->key;

	STP_TRY(stp_sealed_make(file_name, run->version, body->data, body->count, &key, 1,
	                        out_sealed, err));
	return stp_audit_add_sealed(run->audit, run->now, role, out_sealed, run->key, err);
}

static enum stp_errc make_snapshot(struct stp_sign_run *run, struct stp_arena *arena,
                                   struct stp_sealed *out_sealed, struct stp_err *err)
{
	struct stp_meta_input input = {
	    .targets = {.version = run->current.targets.version,
	                .length = run->current.targets.length},
	    .bins = {.version = run->current.bins.version, .length = run->current.bins.length},
	    .bin_version = run->version,
	    .bin_lengths = run->bin_lengths,
	};
	struct stp_role_head head = {run->version, run->now + run->config.expiry.snapshot};
	struct stp_meta_list list;
	struct stp_buf body = STP_BUF_INIT;
	char name[64];
	enum stp_errc code;

	STP_TRY(stp_meta_list_make(&run->config, &input, &run->current.meta, arena, &list, err));
	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)run->version);
	code = stp_snapshot_body(head, &list, &body, err);
	if (code == STP_OK)
		code = seal(run, "snapshot", name, &body, out_sealed, err);
	stp_buf_release(&body);
	return code;
}

static enum stp_errc make_timestamp(struct stp_sign_run *run, const struct stp_sealed *snapshot,
                                    struct stp_sealed *out_sealed, struct stp_err *err)
{
	struct stp_role_head head = {run->version, run->now + run->config.expiry.timestamp};
	struct stp_buf body = STP_BUF_INIT;
	enum stp_errc code =
	    stp_timestamp_body(head, run->version, snapshot->length, snapshot->sha256, &body, err);

	if (code == STP_OK)
		code = seal(run, "timestamp", "timestamp.json", &body, out_sealed, err);
	stp_buf_release(&body);
	return code;
}

static void fill_published(struct stp_sign_run *run)
{
	struct stp_sign_report *report = run->report;
	const struct stp_expiry *expiry = &run->config.expiry;
	int64_t soonest = expiry->bin_n;

	if (expiry->snapshot < soonest)
		soonest = expiry->snapshot;
	if (expiry->timestamp < soonest)
		soonest = expiry->timestamp;
	report->expires_at = run->now + soonest;
	report->expiries.bin_n = run->now + expiry->bin_n;
	report->expiries.snapshot = run->now + expiry->snapshot;
	report->expiries.timestamp = run->now + expiry->timestamp;
	report->versions.root = run->current.root.version;
	report->versions.targets = run->current.targets.version;
	report->versions.bins = run->current.bins.version;
	report->versions.snapshot = run->version;
	report->versions.timestamp = run->version;
	report->published_files = stp_publish_files(run->publisher);
	report->published_bytes = stp_publish_bytes(run->publisher);
	report->links_made = stp_links_made(run->links);
	report->links_repaired = stp_links_repaired(run->links);
	if (report->links_repaired)
		stp_fault_add(&run->notes, STP_CHANGED, 0, "links", "public/targets", 14,
		              "names of %" PRIu64 " target%s were missing or wrong there, and were "
		              "made again; find out who changed them",
		              report->links_repaired, report->links_repaired == 1 ? "" : "s");
	if (run->current.committed_at && run->now > run->current.committed_at)
		report->interval_seconds = run->now - run->current.committed_at;
}

/* Whether clients find this run's timestamp: after its rename the folder's sync may still fail. */
static int is_out(const struct stp_sign_run *run, const struct stp_sealed *timestamp)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	int is_ours = stp_file_read(run->repo.metadata_fd, timestamp->name, timestamp->length,
	                            "publish", &file, &ignored) == STP_OK &&
	              file.count == timestamp->length &&
	              memcmp(file.data, timestamp->bytes, file.count) == 0;

	stp_buf_release(&file);
	return is_ours;
}

static enum stp_errc commit_metadata(struct stp_sign_run *run, const struct stp_sealed *snapshot,
                                     const struct stp_sealed *timestamp, struct stp_err *err)
{
	struct stp_publish_file file = {snapshot->name, snapshot->bytes, snapshot->length};
	enum stp_errc code;

	STP_TRY(stp_publish_barrier(run->publisher, err));
	STP_TRY(stp_audit_commit(run->audit, err));
	code = stp_publish_commit(run->publisher, &file, timestamp->bytes, timestamp->length,
	                          run->now, err);
	run->report->published = code == STP_OK || is_out(run, timestamp);
	if (run->report->published)
		fill_published(run);
	return code;
}

/* What the generation's targets were found by: those of a refresh as they were. */
static uint32_t made_from(const struct stp_sign_run *run)
{
	uint32_t before = stp_ledger_facts(run->ledger)->source;

	if (run->is_refresh)
		return before ? before : (uint32_t)run->source;
	return run->options->digests ? STP_INDEX_LIST : STP_INDEX_TREE;
}

/* What follows the commit: readers have the new snapshot, now the state catches up. */
static enum stp_errc commit_state(struct stp_sign_run *run, const struct stp_sealed *snapshot,
                                  const struct stp_sealed *timestamp, struct stp_err *err)
{
	struct stp_ledger_facts facts = {
	    .run_version = run->version,
	    .published_at = run->now,
	    .target_count = run->report->targets,
	    .oldest_verified_at = run->report->oldest_verified_at,
	    .tag =
	        run->faults.total || run->unfetchable.total || run->entry_count ? 0 : run->list_sum,
	    .source = made_from(run),
	};

	STP_TRY(stp_links_commit(run->links, err));
	STP_TRY(stp_ledger_commit(run->ledger, &facts, err));
	STP_TRY(stp_sign_raise_floors(run, snapshot, timestamp, err));
	stp_sign_note_source(run);
	return STP_OK;
}

static enum stp_errc publish(struct stp_sign_run *run, struct stp_err *err)
{
	struct stp_sealed snapshot = {0};
	struct stp_sealed timestamp = {0};
	struct stp_arena arena;
	enum stp_errc code;

	stp_sign_stage(run, &run->report->seconds.publish);
	stp_progress_stage(run->options->progress, "publish", 0, 0);
	stp_arena_init(&arena, 0);
	code = make_snapshot(run, &arena, &snapshot, err);
	if (code == STP_OK)
		code = make_timestamp(run, &snapshot, &timestamp, err);
	if (code == STP_OK)
		code = commit_metadata(run, &snapshot, &timestamp, err);
	if (code == STP_OK)
		code = commit_state(run, &snapshot, &timestamp, err);
	stp_sealed_release(&snapshot);
	stp_sealed_release(&timestamp);
	stp_arena_release(&arena);
	return code;
}

/* --- the run --------------------------------------------------------------------------------- */

static enum stp_errc finish_dry_run(struct stp_sign_run *run, struct stp_err *err)
{
	run->report->versions.root = run->current.root.version;
	run->report->versions.targets = run->current.targets.version;
	run->report->versions.bins = run->current.bins.version;
	run->report->versions.snapshot = run->current.snapshot_version;
	run->report->versions.timestamp = run->current.timestamp_version;
	STP_TRY(apply_fault_policy(run, err));
	return stp_removals_check(run, err);
}

/* An index that has vanished is found out before anything is hashed: fewer paths than must stay. */
static enum stp_errc check_scan(struct stp_sign_run *run, struct stp_err *err)
{
	uint64_t before = stp_removals_before(run);

	if (run->is_refresh || before <= run->scan_count)
		return STP_OK;
	return stp_sign_survey(run, before - run->scan_count, err);
}

/* Compares, hashes and writes every bin. */
static enum stp_errc compare_and_emit(struct stp_sign_run *run, struct stp_err *err)
{
	STP_TRY(stp_sign_check_refresh(run, err));
	if (stp_sign_needs_recovery(run)) {
		/* What was published stands for the ledger. */
		stp_sign_stage(run, &run->report->seconds.ledger);
		STP_TRY(stp_sign_recover(run, err));
	}
	STP_TRY(check_scan(run, err));
	if (!run->options->dry_run)
		STP_TRY(stp_reflink_check(&run->repo, &run->config, run->scan_count, err));
	STP_TRY(stp_sign_pending(run, err));
	if (run->options->dry_run)
		return stp_sign_emit(run, err);
	STP_TRY(stp_sign_look_again(run, err));
	run->globs.is_compared = !run->options->digests; /* rows are compared by emit */
	STP_TRY(apply_fault_policy(run, err));
	if (!run->publisher)
		STP_TRY(begin_publishing(run, err));
	STP_TRY(stp_sign_link_first(run, err));
	STP_TRY(stp_sign_emit(run, err));
	run->globs.is_compared = 1;
	return STP_OK;
}

static enum stp_errc do_run(struct stp_sign_run *run, struct stp_err *err)
{
	enum stp_errc code;

	STP_TRY(open_all(run, err));
	STP_TRY(stp_sign_collect(run, err));
	code = compare_and_emit(run, err);
	/* Damage that only came to light while the ledger was read: its alarms are missing from
	 * what was just written, so that is thrown away and made again from what is published. */
	if (code == STP_OK && !run->options->dry_run && stp_sign_needs_recovery(run)) {
		stp_publish_abort(run->publisher);
		close_publishing(run);
		/* Nor can a damaged ledger stand for the list, or for rows of it. */
		if (run->list_is_same || run->known)
			code = stp_sign_collect(run, err);
		if (code == STP_OK)
			code = compare_and_emit(run, err);
	}
	if (run->options->dry_run)
		return code == STP_OK ? finish_dry_run(run, err) : code;
	if (code == STP_OK)
		code = apply_fault_policy(run, err);
	if (code == STP_OK)
		code = stp_removals_check(run, err);
	if (code == STP_OK && stp_cancelled(run->cancel))
		code = STP_FAIL(err, STP_CANCELLED, "sign", NULL, "stopped before publishing");
	if (code == STP_OK)
		code = publish(run, err);
	if (code != STP_OK && run->publisher && !run->report->published)
		stp_publish_abort(run->publisher);
	return code;
}

/* Options that make no sense, before anything is opened. */
static enum stp_errc take_options(const struct stp_sign_options *options,
                                  struct stp_sign_options *out, struct stp_err *err)
{
	STP_TRY(STP_OPTIONS_TAKE(out, options, cancel, "sign", err));
	STP_TRY(stp_options_need(out->repo, "repo", "sign", err));
	if (out->rehash == STP_REHASH_PART && out->rehash_parts == 0)
		return STP_FAIL(err, STP_CONFIG, "sign", "rehash_parts",
		                "is 0; say of how many parts one is read again");
	if (out->next_row && out->digests)
		return STP_FAIL(err, STP_CONFIG, "sign", "next_row",
		                "is given beside a digest list; give one of them");
	if (out->next_row)
		out->digests = STP_ROWS_NAME;
	out->jobs = stp_options_jobs(out->jobs);
	return STP_OK;
}

enum stp_errc stp_sign(const struct stp_sign_options *options, struct stp_sign_report *report,
                       struct stp_err *err)
{
	struct stp_sign_options mine;
	struct stp_sign_run run;
	struct rusage usage;
	uint64_t started = stp_clock_monotonic_ns();
	enum stp_errc code;

	memset(report, 0, sizeof(*report));
	STP_TRY(take_options(options, &mine, err));
	init_run(&run, &mine, report);
	run.stage = &report->seconds.rest;
	run.stage_since = run.started_ns = started;
	code = do_run(&run, err);
	stp_sign_stage(&run, &report->seconds.rest);
	report->seconds.total = (double)(run.stage_since - started) / 1e9;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		report->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	stp_fault_list_sort(&run.faults);
	stp_sign_note_lists(&run);
	stp_sign_note_urls(&run);
	stp_sign_note_tolerated(&run);
	stp_sign_note_ahead(&run);
	stp_sign_note_globs(&run);
	stp_sign_note_nothing(&run);
	if (!stp_sign_report_take_faults(report, &run.faults, &run.damage, &run.told, &run.notes) &&
	    code == STP_OK)
		code = STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "no memory for the report");
	if (!mine.dry_run && run.repo.state_fd >= 0 && run.repo.lock_fd >= 0)
		stp_sign_report_save(report, run.repo.state_fd, code, err);
	close_all(&run);
	return code;
}
