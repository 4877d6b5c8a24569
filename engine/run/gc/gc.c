/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc: everything is marked before anything is removed. Order of removing:
 *
 *	1. snapshots out of use     no client can start from them any more
 *	2. their bins and roles     only they listed these
 *	3. links of target files    only those bins listed these
 *	4. commit records           last: a gc that dies half-way finds its work again
 *	5. old lines of the audit log, and a report of the last run that is as old
 */
#include "stampede/gc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/options.h"
#include "run/freeze.h"
#include "run/gc/run.h"
#include "run/last_run.h"
#include "sign/audit.h"

#define STAGE "gc"

/* Whether the record's snapshot is one of those that stay. */
static int is_live(const struct stp_gc_run *run, const struct stp_commit *commit)
{
	size_t i;

	for (i = 0; i < run->live.count; i++)
		if (run->live.items[i].snapshot_version == commit->snapshot_version)
			return 1;
	return 0;
}

static enum stp_errc remove_records(struct stp_gc_run *run, struct stp_err *err)
{
	const struct stp_commit_list *commits = &run->current.commits;
	size_t i;

	if (run->options->dry_run)
		return STP_OK;
	STP_FAULT_TRY(err, STAGE, "records", "state/commits");
	for (i = 0; i < commits->count; i++)
		if (!is_live(run, &commits->items[i]))
			STP_TRY(stp_commit_remove(&run->repo, commits->items[i].timestamp_version,
			                          err));
	return STP_OK;
}

/* Lines and reports from before this time are removed; the sum is saturated, so a very long keep
 * removes nothing. */
static int64_t audit_keep_from(const struct stp_gc_run *run)
{
	return stp_time_add(run->now, -run->options->audit_keep_seconds);
}

static enum stp_errc prune_audit(struct stp_gc_run *run, struct stp_err *err)
{
	size_t dropped = 0;

	if (run->options->dry_run)
		return STP_OK;
	STP_TRY(stp_audit_prune(run->repo.state_fd, audit_keep_from(run), &dropped, err));
	run->report->audit_lines_removed = dropped;
	return STP_OK;
}

/* The report of the last run names paths at fault: it is removed with the audit lines of its time,
 * in case no run ever replaces it. One without a time counts as old. */
static enum stp_errc drop_last_run(struct stp_gc_run *run, struct stp_err *err)
{
	struct stp_status_run last = {0};
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;

	if (run->options->dry_run)
		return STP_OK;
	code = stp_file_read(run->repo.state_fd, STP_LAST_RUN_FILE, STP_LAST_RUN_BYTES_MAX, STAGE,
	                     &file, &why);
	if (code == STP_OK)
		stp_last_run_parse(file.data, file.count, &last);
	stp_buf_release(&file);
	if (code == STP_FORMAT) { /* no run wrote that */
		stp_err_merge(err, &why);
		return code;
	}
	if (last.at >= audit_keep_from(run))
		return STP_OK;
	if (unlinkat(run->repo.state_fd, STP_LAST_RUN_FILE, 0) != 0 && errno != ENOENT)
		return STP_FAIL_SYS(err, STAGE, "state/" STP_LAST_RUN_FILE, "cannot remove");
	return STP_OK;
}

/* What a thief left in public/ is evidence until the key is replaced. */
static enum stp_errc check_frozen(const struct stp_gc_run *run, struct stp_err *err)
{
	struct stp_freeze freeze;

	STP_TRY(
	    stp_freeze_load(run->repo.state_fd, stp_seal_key_bytes(run->seal_key), &freeze, err));
	return stp_freeze_check(&freeze, err);
}

static enum stp_errc run_all(struct stp_gc_run *run, struct stp_err *err)
{
	enum stp_repo_use use = run->options->dry_run ? STP_REPO_READ : STP_REPO_LOCK;
	int has_links = 0;

	STP_TRY(stp_repo_open(run->options->repo, use, "gc", &run->repo, err));
	STP_TRY(stp_config_load(&run->config, run->repo.root_fd, err));
	if (!run->options->dry_run) {
		STP_TRY(
		    stp_seal_key_load(run->repo.keys_fd, STP_LEDGER_KEY_FILE, &run->seal_key, err));
		STP_TRY(check_frozen(run, err));
	}
	STP_TRY(stp_trusted_load(&run->trust, &run->repo, &run->config, STP_TRUSTED_UNPINNED, NULL,
	                         run->seal_key, &run->current, err));
	STP_TRY(
	    stp_current_check_clock(&run->current, run->now, run->options->after_clock_error, err));
	if (run->current.timestamp_version) {
		STP_TRY(stp_gc_find_live(run, err));
		STP_TRY(stp_gc_has_links(run, &has_links, err));
		STP_TRY(stp_gc_mark(run, has_links, err));
		if (!run->files_in_doubt)
			STP_TRY(stp_gc_sweep_files(run, err));
		if (has_links && !run->links_in_doubt)
			STP_TRY(stp_gc_sweep_links(run, err));
		if (!run->files_in_doubt)
			STP_TRY(remove_records(run, err));
	}
	STP_TRY(prune_audit(run, err));
	return drop_last_run(run, err);
}

/* Resolves *seconds: 0 means otherwise, STP_GC_NO_TIME means 0. */
static enum stp_errc check_time(int64_t *seconds, int64_t otherwise, const char *name,
                                struct stp_err *err)
{
	if (*seconds < STP_GC_NO_TIME)
		return STP_FAIL(err, STP_CONFIG, STAGE, name, "is negative");
	*seconds = *seconds == STP_GC_NO_TIME ? 0 : *seconds ? *seconds : otherwise;
	return STP_OK;
}

static enum stp_errc check_options(const struct stp_gc_options *options, struct stp_gc_options *out,
                                   struct stp_err *err)
{
	STP_TRY(STP_OPTIONS_TAKE(out, options, cancel, STAGE, err));
	STP_TRY(stp_options_need(out->repo, "repo", STAGE, err));
	STP_TRY(check_time(&out->grace_seconds, STP_GC_GRACE_SECONDS, "grace_seconds", err));
	STP_TRY(check_time(&out->audit_keep_seconds, STP_GC_AUDIT_KEEP_SECONDS,
	                   "audit_keep_seconds", err));
	if (!out->keep)
		out->keep = STP_GC_KEEP;
	return STP_OK;
}

enum stp_errc stp_gc(const struct stp_gc_options *options, struct stp_gc_report *out_report,
                     struct stp_err *err)
{
	struct stp_gc_report report = {0};
	struct stp_gc_options mine;
	struct stp_gc_run run;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(check_options(options, &mine, err));
	memset(&run, 0, sizeof(run));
	run.options = &mine;
	run.report = &report;
	run.now = stp_time_add(stp_options_now(mine.now, mine.has_now), 0);
	stp_repo_init(&run.repo);
	stp_arena_init(&run.arena, 0);
	stp_name_set_init(&run.files);
	stp_name_set_init(&run.links);
	code = run_all(&run, err);
	stp_name_set_release(&run.files);
	stp_name_set_release(&run.links);
	stp_arena_release(&run.arena);
	stp_current_release(&run.current);
	stp_trust_release(&run.trust);
	stp_seal_key_destroy(run.seal_key);
	stp_config_release(&run.config);
	stp_repo_close(&run.repo);
	if (code == STP_OK)
		*out_report = report;
	return code;
}

void stp_gc_report_release(struct stp_gc_report *report)
{
	memset(report, 0, sizeof(*report));
}
