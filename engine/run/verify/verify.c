/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of `verify`: folder → small documents → bins → unknown files → clients → target files.
 */
#include "stampede/verify.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "base/progress.h"
#include "record/stamp.h"
#include "roles/config.h"
#include "run/pending.h"
#include "run/rotation.h"
#include "run/trusted.h"
#include "run/verify/files.h"
#include "run/verify/served.h"
#include "run/verify/served_metadata.h"
#include "verify/bins.h"
#include "verify/clients.h"
#include "verify/folder.h"
#include "verify/setup.h"

/* The report, and the memory that it points into. */
struct audit {
	struct stp_verify_report report;
	struct stp_finding_list findings;
	struct stp_metadata_folder folder;
	const struct stp_verify_options *options; /* during the run */
	struct stp_verify_options mine;           /* what it points to */
	struct stp_chain tree;
	struct stp_config config; /* of a repository */
	int has_config;
	struct stp_verify_served *served; /* NULL: what is served is not checked */
};

static void tick(void *ctx, uint64_t bytes)
{
	stp_progress_add(ctx, 1, bytes);
}

static double seconds_since(uint64_t start_ns)
{
	return (double)(stp_clock_monotonic_ns() - start_ns) / 1e9;
}

static void note_tree(struct stp_verify_report *report, const struct stp_chain *tree)
{
	struct stp_verify_role *const roles[STP_CHAIN_ROLES] = {
	    [STP_CHAIN_ROOT] = &report->root,         [STP_CHAIN_TIMESTAMP] = &report->timestamp,
	    [STP_CHAIN_SNAPSHOT] = &report->snapshot, [STP_CHAIN_TARGETS] = &report->targets,
	    [STP_CHAIN_BINS] = &report->bins,
	};
	size_t i;

	for (i = 0; i < STP_CHAIN_ROLES; i++) {
		const struct stp_document *doc = stp_chain_document(tree, (enum stp_chain_role)i);

		if (doc)
			*roles[i] = (struct stp_verify_role){.found = 1,
			                                     .version = doc->version,
			                                     .expires = doc->expires,
			                                     .file_bytes = doc->file.count};
	}
	report->delegation = tree->delegation;
	report->bin_bits = tree->bits;
	report->root_steps = tree->root_steps;
	report->bin_count = tree->bin_count;
	report->tombstones = tree->retired_names;
	report->timestamp_has_length = tree->timestamp_has_length;
	for (i = 0; i < tree->listed_count && !report->snapshot_has_length; i++)
		report->snapshot_has_length = tree->listed[i].length >= 0;
}

static void note_bins(struct stp_verify_report *report, const struct stp_chain *tree,
                      const struct stp_bins_totals *totals)
{
	report->bins_read = totals->bins_read;
	report->target_count = totals->target_count;
	report->target_bytes = totals->target_bytes;
	report->target_path_bytes = totals->path_bytes;
	report->target_path_bytes_max = totals->path_bytes_max;
	report->targets_empty = totals->targets_empty;
	report->bin_file_bytes = totals->file_bytes;
	report->bin_file_bytes_max = totals->file_bytes_max;
	report->bin_expires_min = totals->expires_min;
	report->bin_expires_max = totals->expires_max;
	report->bin_version_max = totals->version_max;
	report->target_hash_set = totals->hash_set;
	report->signatures_checked = tree->tally.checked + totals->tally.checked;
	report->signatures_checked_twice = tree->tally.checked_twice + totals->tally.checked_twice;
}

/* Reports roles above the bins that expire before the bins do: clients then reject the bins too. */
static void check_expiry_order(struct audit *audit)
{
	const struct stp_verify_report *report = &audit->report;
	const struct stp_document *above[] = {&audit->tree.root.doc, &audit->tree.targets,
	                                      &audit->tree.bins};
	size_t i;

	for (i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		if (above[i]->expires > report->now && above[i]->expires < report->bin_expires_max)
			stp_finding_add(&audit->findings, STP_FINDING_EXPIRES_ORDER, above[i]->name,
			                "expires before the bins that depend on it");
}

/* In a repository (not in a copy of its metadata) it is known which root is trusted. */
static void pin_root(const struct audit *audit, struct stp_chain_options *options)
{
	struct stp_err ignored = STP_ERR_INIT;
	int repo_fd = -1;

	if (!audit->folder.repository[0] || audit->options->as_client ||
	    stp_folder_open(AT_FDCWD, audit->folder.repository, "verify", &repo_fd, &ignored) !=
	        STP_OK)
		return;
	stp_trusted_pins(repo_fd, options->pinned);
	stp_fd_close(&repo_fd);
}

/* While online keys are replaced, the old and the new one sign timestamp and snapshot. */
static void note_rotation(const struct audit *audit, struct stp_rotation_keys *keys)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_rotation rotation = {.phase = STP_ROTATION_NONE};
	int repo_fd = -1;
	int state_fd = -1;

	if (audit->folder.repository[0] &&
	    stp_folder_open(AT_FDCWD, audit->folder.repository, "verify", &repo_fd, &ignored) ==
	        STP_OK &&
	    stp_folder_open(repo_fd, STP_STATE_FOLDER, "verify", &state_fd, &ignored) == STP_OK &&
	    stp_rotation_load(state_fd, NULL, &rotation, &ignored) != STP_OK)
		memset(&rotation, 0, sizeof(rotation));
	stp_fd_close(&state_fd);
	stp_fd_close(&repo_fd);
	stp_rotation_keys(&rotation, keys);
}

static enum stp_errc audit_tree(struct audit *audit, struct stp_err *err)
{
	const struct stp_verify_options *options = audit->options;
	struct stp_chain_options tree_options = {
	    .folder_fd = audit->folder.fd,
	    .root_fd = AT_FDCWD,
	    .root_name = options->root_file,
	    .timestamp_name = "timestamp.json",
	    .timestamp_fd = audit->folder.fd,
	    .root_version_max = options->as_client ? 0 : audit->folder.root_version_max,
	    .snapshot_versions = audit->folder.snapshot_versions,
	    .snapshot_version_count = options->as_client ? 0 : audit->folder.snapshot_version_count,
	    .now = audit->report.now,
	    .expires_within_s = options->expires_within_s,
	};
	struct stp_rotation_keys rotated;
	enum stp_errc code;

	note_rotation(audit, &rotated);
	tree_options.rotated = &rotated.role;
	pin_root(audit, &tree_options);
	stp_progress_stage(options->progress, "roles", 0, 0);
	code = stp_chain_load(&audit->tree, &tree_options, &audit->findings, err);
	note_tree(&audit->report, &audit->tree);
	return code;
}

static enum stp_errc audit_bins(struct audit *audit, struct stp_err *err)
{
	const struct stp_verify_options *options = audit->options;
	struct stp_bins_options bins_options = {
	    .tree = &audit->tree,
	    .findings = &audit->findings,
	    .now = audit->report.now,
	    .expires_within_s = options->expires_within_s,
	    .jobs = options->jobs,
	    .cancel = options->cancel,
	    .tick = tick,
	    .tick_ctx = options->progress,
	    .take = audit->served ? stp_verify_served_bin : NULL,
	    .take_ctx = audit->served,
	};
	struct stp_bins_totals totals;

	stp_progress_stage(options->progress, "bins", audit->tree.bin_count, 0);
	STP_TRY(stp_bins_audit(&bins_options, &totals, err));
	note_bins(&audit->report, &audit->tree, &totals);
	check_expiry_order(audit);
	return STP_OK;
}

/* The configuration of the repository, loaded once; STP_CONFIG when only metadata is audited. */
static enum stp_errc load_config(struct audit *audit, struct stp_err *err)
{
	enum stp_errc code;
	int repo_fd;

	if (audit->has_config)
		return STP_OK;
	if (!audit->folder.repository[0])
		return STP_FAIL(err, STP_CONFIG, "verify", audit->folder.path,
		                "is not a repository; give the folder with " STP_CONFIG_FILE);
	STP_TRY(stp_folder_open(AT_FDCWD, audit->folder.repository, "verify", &repo_fd, err));
	code = stp_config_load(&audit->config, repo_fd, err);
	stp_fd_close(&repo_fd);
	audit->has_config = code == STP_OK;
	return code;
}

/* Checks for a weak set-up, and compares with the repository's own configuration, if there is
 * one. */
static void audit_setup(struct audit *audit)
{
	const struct stp_expiry *expiry = &audit->config.expiry;
	struct stp_setup_options options = {
	    .tree = &audit->tree,
	    .now = audit->report.now,
	    .bin_expires_max = audit->report.bin_expires_max,
	    .findings = &audit->findings,
	};
	struct stp_err ignored = STP_ERR_INIT;

	if (load_config(audit, &ignored) == STP_OK)
		options.policy =
		    (struct stp_setup_policy){expiry->root,  expiry->targets,  expiry->bins,
		                              expiry->bin_n, expiry->snapshot, expiry->timestamp};
	stp_setup_audit(&options);
}

/* When the metadata was published, by the file system's clock. */
static int64_t published_at(const struct audit *audit)
{
	struct stat st;

	return fstatat(audit->folder.fd, "timestamp.json", &st, AT_SYMLINK_NOFOLLOW) == 0
	           ? stp_stamp_of(st.st_ctim)
	           : STP_STAMP_MIN;
}

/* Opens what a web server would serve, before the bins are read. */
static enum stp_errc begin_served(struct audit *audit, struct stp_err *err)
{
	const struct stp_verify_options *options = audit->options;
	struct stp_verify_served_options served = {
	    .repository = audit->folder.repository,
	    .tree = &audit->tree,
	    .worker_count = options->jobs ? options->jobs : 1,
	    .published_at_ns = published_at(audit),
	    .findings = &audit->findings,
	    .cancel = options->cancel,
	};
	int asked = options->served == STP_SERVED_YES;
	enum stp_errc code;

	if (options->served == STP_SERVED_NO ||
	    (!asked && (options->as_client || !audit->folder.repository[0])))
		return STP_OK;
	code = load_config(audit, err);
	if (code != STP_OK && !asked) { /* metadata can be audited anyway */
		audit->report.served_why = "stampede.json cannot be read";
		err->code = STP_OK;
		return STP_OK;
	}
	STP_TRY(code);
	stp_served_metadata(audit->folder.repository, audit->folder.fd, &audit->findings);
	served.config = &audit->config;
	return stp_verify_served_begin(&served, &audit->served, &audit->report.served_why, err);
}

/* The options that all hashing of files has in common. */
static struct stp_verify_files_options files_options(struct audit *audit)
{
	return (struct stp_verify_files_options){
	    .tree = &audit->tree,
	    .targets_fd = -1,
	    .copies_of_fd = -1,
	    .hash_set = audit->report.target_hash_set,
	    .sample = audit->options->sample,
	    .now = audit->report.now,
	    .jobs = audit->options->jobs,
	    .findings = &audit->findings,
	    .progress = audit->options->progress,
	    .cancel = audit->options->cancel,
	};
}

/* Hashes the copies in public/targets: all, or those that were touched since they were made.
 * audit_files() hashes the index itself. */
static enum stp_errc hash_copies(struct audit *audit, const struct stp_verify_served_totals *served,
                                 struct stp_err *err)
{
	struct stp_verify_files_options files = files_options(audit);
	struct stp_verify_files_totals totals;

	files.targets_fd = served->public_fd;
	files.copies_of_fd = served->index_fd < 0 ? served->public_fd : served->index_fd;
	files.touched_after_ns = audit->options->targets_dir ? STP_STAMP_MIN : published_at(audit);
	STP_TRY(stp_verify_files(&files, &totals, err));
	audit->report.files_checked += totals.files;
	audit->report.files_checked_bytes += totals.bytes;
	return STP_OK;
}

static enum stp_errc finish_served(struct audit *audit, struct stp_err *err)
{
	struct stp_verify_served_totals totals;

	if (!audit->served)
		return STP_OK;
	stp_progress_stage(audit->options->progress, "served", 0, 0);
	STP_TRY(stp_verify_served_finish(audit->served, audit->folder.fd,
	                                 audit->folder.snapshot_versions,
	                                 audit->folder.snapshot_version_count, &totals, err));
	audit->report.served_names = totals.names;
	audit->report.served_unpublished = totals.unpublished;
	audit->report.served_mode = totals.mode;
	audit->report.served_why = totals.why;
	return audit->options->targets_dir || totals.touched ? hash_copies(audit, &totals, err)
	                                                     : STP_OK;
}

/* Opens the folder of target files: as given, or as the repository's configuration says. */
static enum stp_errc open_targets(struct audit *audit, int *out_fd, struct stp_err *err)
{
	const char *folder = audit->options->targets_dir;

	if (folder[0])
		return stp_folder_open(AT_FDCWD, folder, "verify", out_fd, err);
	if (!audit->folder.repository[0])
		return STP_FAIL(stp_hinted(err, STP_HINT_TARGETS), STP_CONFIG, "verify",
		                audit->folder.path,
		                "is not a repository; name the folder of the files: %s",
		                stp_hint_text(STP_HINT_TARGETS));
	STP_TRY(load_config(audit, err));
	return stp_folder_open(AT_FDCWD, audit->config.targets_dir, "verify", out_fd, err);
}

static enum stp_errc audit_files(struct audit *audit, struct stp_err *err)
{
	struct stp_verify_files_options files = files_options(audit);
	struct stp_verify_files_totals totals;
	struct stp_err ignored = STP_ERR_INIT;
	enum stp_errc code;

	files.target_count = audit->report.target_count;
	files.target_bytes = audit->report.target_bytes;
	STP_TRY(open_targets(audit, &files.targets_fd, err));
	if (load_config(audit, &ignored) == STP_OK)
		files.config = &audit->config;
	code = stp_verify_files(&files, &totals, err);
	stp_fd_close(&files.targets_fd);
	audit->report.files_checked = totals.files;
	audit->report.files_checked_bytes = totals.bytes;
	audit->report.files_skipped = totals.skipped;
	return code;
}

static void judge_clients(struct stp_verify_report *report)
{
	struct stp_client_demands facts = {
	    .root_bytes = report->root.file_bytes,
	    .timestamp_bytes = report->timestamp.file_bytes,
	    .snapshot_bytes = report->snapshot.file_bytes,
	    .targets_bytes = report->targets.file_bytes,
	    .bins_bytes = report->bins.file_bytes,
	    .bin_bytes_max = report->bin_file_bytes_max,
	    .bin_bytes_total = report->bin_file_bytes,
	    .root_steps = report->root_steps,
	    .bin_count = report->bin_count,
	    .targets_empty = report->targets_empty,
	    .hash_set = report->target_hash_set,
	    .is_succinct = strcmp(report->delegation, "succinct") == 0,
	    .timestamp_has_length = report->timestamp_has_length,
	    .snapshot_has_length = report->snapshot_has_length,
	};

	if (report->bin_count)
		report->client_count = stp_clients_judge(&facts, report->clients);
}

static enum stp_errc audit_all(struct audit *audit, struct stp_err *err)
{
	uint64_t start_ns = stp_clock_monotonic_ns();

	STP_TRY(audit_tree(audit, err));
	STP_TRY(begin_served(audit, err));
	STP_TRY(audit_bins(audit, err));
	if (!audit->options->as_client && audit->tree.has_snapshot)
		STP_TRY(stp_metadata_folder_strays(&audit->folder, &audit->tree, &audit->findings,
		                                   err));
	if (!audit->options->as_client)
		audit_setup(audit);
	judge_clients(&audit->report);
	audit->report.seconds_metadata = seconds_since(start_ns);
	if (audit->options->targets_dir) {
		uint64_t files_ns = stp_clock_monotonic_ns();

		STP_TRY(audit_files(audit, err));
		audit->report.seconds_files = seconds_since(files_ns);
	}
	STP_TRY(finish_served(audit, err));
	audit->report.seconds_total = seconds_since(start_ns);
	return STP_OK;
}

/* Sorts the findings into the report. */
static void finish_report(struct audit *audit)
{
	struct stp_verify_report *report = &audit->report;

	stp_finding_list_sort(&audit->findings);
	report->findings = audit->findings.items;
	report->finding_count = audit->findings.count;
	memcpy(report->code_totals, audit->findings.totals, sizeof(report->code_totals));
	report->error_total = stp_finding_total(&audit->findings, STP_SEVERITY_ERROR);
	report->setup_total = stp_finding_total(&audit->findings, STP_SEVERITY_SETUP);
	report->warning_total =
	    stp_finding_total(&audit->findings, STP_SEVERITY_WARNING) + report->setup_total;
	if (audit->options->strict) {
		report->error_total += report->warning_total;
		report->warning_total = report->setup_total = 0;
	}
	report->metadata_dir = audit->folder.path;
}

static void destroy(struct audit *audit)
{
	stp_finding_list_release(&audit->findings);
	free(audit);
}

static enum stp_errc check_options(const struct stp_verify_options *options,
                                   struct stp_verify_options *out, struct stp_err *err)
{
	STP_TRY(STP_OPTIONS_TAKE(out, options, progress, "verify", err));
	STP_TRY(stp_options_need(out->path, "path", "verify", err));
	if (out->root_file && access(out->root_file, R_OK) != 0)
		return STP_FAIL(err, STP_CONFIG, "verify", out->root_file,
		                "cannot be read; give the root file that is trusted");
	out->jobs = stp_options_jobs(out->jobs);
	return STP_OK;
}

static enum stp_errc run(struct audit *audit, struct stp_err *err)
{
	const char *path = audit->mine.path;
	enum stp_errc code;

	audit->options = &audit->mine;
	audit->report.now = stp_options_now(audit->mine.now, audit->mine.has_now);
	audit->report.delegation = "none";
	code = stp_pending_check_at(path, err);
	if (code == STP_OK)
		code = stp_metadata_folder_open(&audit->folder, path, err);
	if (code == STP_OK)
		code = audit_all(audit, err);
	if (code == STP_OK && audit->findings.out_of_memory)
		code = STP_FAIL_ERRNO(err, ENOMEM, "verify", path, "cannot keep findings");
	stp_verify_served_end(audit->served);
	if (audit->has_config)
		stp_config_release(&audit->config);
	stp_chain_release(&audit->tree);
	stp_metadata_folder_close(&audit->folder);
	return code;
}

enum stp_errc stp_verify(const struct stp_verify_options *options,
                         struct stp_verify_report *out_report, struct stp_err *err)
{
	struct stp_verify_options mine;
	struct audit *audit;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	if (sodium_init() < 0)
		return STP_FAIL(err, STP_IO, "verify", "", "libsodium cannot start");
	STP_TRY(check_options(options, &mine, err));
	audit = calloc(1, sizeof(*audit));
	if (!audit)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", mine.path, "cannot start");
	audit->mine = mine;
	stp_finding_list_init(&audit->findings);
	code = run(audit, err);
	if (code != STP_OK) {
		destroy(audit);
		return code;
	}
	finish_report(audit);
	audit->options = NULL;
	*out_report = audit->report;
	out_report->private_ = audit;
	return STP_OK;
}

void stp_verify_report_release(struct stp_verify_report *report)
{
	if (report->private_)
		destroy(report->private_);
	memset(report, 0, sizeof(*report));
}
