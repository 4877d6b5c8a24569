/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/progress.h"
#include "ledger/run.h"
#include "record/stamp.h"
#include "run/sign/again.h"
#include "run/sign/list_notes.h"
#include "run/sign/row_file.h"
#include "run/sign/urls.h"
#include "scan/tree.h"

struct collect {
	struct stp_sign_run *run;
	const struct stp_collect_in *in;
	struct stp_collected *out;
	struct stp_run_builder **builders;
	size_t builder_count;
	struct stp_globs scan_globs; /* --scan */
	atomic_uint_fast64_t entry_count;
	atomic_uint_fast64_t absent_count; /* rows whose file is needed and missing */
};

static enum stp_errc create_builders(struct collect *collect, size_t count, struct stp_err *err)
{
	struct stp_run_options options = {
	    .spill_fd = collect->run->repo.state_fd,
	    .hash_set = collect->run->config.hash_set,
	    .budget_bytes = STP_SIGN_COLLECT_BYTES / count,
	    .cancel = collect->run->cancel,
	};

	if (options.budget_bytes < STP_RUN_BUDGET_MIN)
		options.budget_bytes = STP_RUN_BUDGET_MIN;
	collect->builders = calloc(count, sizeof(struct stp_run_builder *));
	if (!collect->builders)
		return STP_FAIL_ERRNO(err, ENOMEM, "scan", NULL, "no memory for %zu workers",
		                      count);
	for (collect->builder_count = 0; collect->builder_count < count; collect->builder_count++)
		STP_TRY(stp_run_create(&options, &collect->builders[collect->builder_count], err));
	return STP_OK;
}

/* Passes what the builders hold to out->scan and frees them. */
static enum stp_errc finish_builders(struct collect *collect, enum stp_errc code,
                                     struct stp_err *err)
{
	size_t i;

	for (i = 0; i < collect->builder_count; i++) {
		if (code == STP_OK) {
			collect->out->count += stp_run_record_count(collect->builders[i]);
			code = stp_run_finish(collect->builders[i], &collect->out->scan, err);
		}
		stp_run_destroy(collect->builders[i]);
	}
	free(collect->builders);
	collect->builders = NULL;
	collect->builder_count = 0;
	return code;
}

/* --- the tree -------------------------------------------------------------------------------- */

static enum stp_errc add_entries(void *ctx, size_t worker, const struct stp_record *records,
                                 size_t count, struct stp_err *err)
{
	struct collect *collect = ctx;
	size_t taken = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!stp_sign_check_url(collect->run, &records[i], &collect->out->unfetchable))
			continue;
		stp_sign_look_ahead(collect->run, &records[i]);
		STP_TRY(stp_run_add(collect->builders[worker], &records[i], err));
		taken++;
	}
	atomic_fetch_add_explicit(&collect->entry_count, taken, memory_order_relaxed);
	stp_progress_add(collect->run->options->progress, count, 0);
	return STP_OK;
}

/* Whether the configuration and --scan include a file of the tree. */
static int keeps(void *ctx, const char *path, size_t path_bytes)
{
	const struct collect *collect = ctx;

	stp_glob_notes_see(&collect->run->globs, path, path_bytes);
	if (!stp_config_keeps(&collect->run->config, path, path_bytes))
		return 0;
	return !collect->run->options->digests ||
	       stp_globs_name(&collect->scan_globs, path, path_bytes);
}

/* Whether a folder can hold files that the configuration and --scan include; else it is not
 * opened. */
static int enters(void *ctx, const char *path, size_t path_bytes)
{
	const struct collect *collect = ctx;
	int enters = stp_config_enters(&collect->run->config, path, path_bytes) &&
	             (!collect->run->options->digests ||
	              stp_globs_reach(&collect->scan_globs, path, path_bytes));

	if (!enters)
		stp_glob_notes_pass(&collect->run->globs, path, path_bytes);
	return enters;
}

static enum stp_errc collect_tree(struct collect *collect, struct stp_err *err)
{
	struct stp_sign_run *run = collect->run;
	const int apart[] = {run->repo.root_fd, run->repo.keys_fd, run->repo.state_fd,
	                     run->repo.targets_fd, run->repo.metadata_fd};
	struct stp_tree_options options = {
	    .threads = stp_tree_thread_count(run->jobs),
	    .flags = STP_TREE_LIVE |
	             (run->config.mounts == STP_MOUNTS_CROSS ? (unsigned)STP_TREE_CROSS : 0),
	    .apart = apart,
	    .apart_count = sizeof(apart) / sizeof(apart[0]),
	    .racy_after_ns = stp_sign_racy_after(run),
	    .fs = &run->fs,
	    .keep = keeps,
	    .enter = enters,
	    .keep_ctx = collect,
	    .cancel = run->cancel,
	    .faults = &run->faults,
	};
	enum stp_errc code = create_builders(collect, stp_tree_worker_count(options.threads), err);

	if (code == STP_OK)
		code = stp_tree_walk(run->targets_fd, &options, add_entries, collect, err);
	run->globs.is_complete |= code == STP_OK;
	return finish_builders(collect, code, err);
}

/* --- the list -------------------------------------------------------------------------------- */

/* Adds a row that the ledger does not have. */
static enum stp_errc add_row(struct collect *collect, size_t worker, const struct stp_record *row,
                             struct stp_err *err)
{
	struct stp_sign_run *run = collect->run;
	unsigned set = run->config.hash_set;
	struct stp_record entry;
	enum stp_file_found found;

	if (row->flags & STP_RECORD_DIGESTS)
		return stp_run_add(collect->builders[worker], row, err);
	if (row->flags & STP_RECORD_SIZED && (stp_record_set(row, set) & set) == set) {
		atomic_fetch_add_explicit(&collect->entry_count, 1, memory_order_relaxed);
		return stp_run_add(collect->builders[worker], row, err);
	}
	found = stp_sign_find_file(run, row, &entry);
	if (found == STP_FILE_ABSENT)
		atomic_fetch_add_explicit(&collect->absent_count, 1, memory_order_relaxed);
	if (found != STP_FILE_FOUND)
		return STP_OK;
	atomic_fetch_add_explicit(&collect->entry_count, 1, memory_order_relaxed);
	return stp_run_add(collect->builders[worker], &entry, err);
}

static int accept_row(void *ctx, const struct stp_record *row)
{
	struct collect *collect = ctx;

	return stp_sign_check_url(collect->run, row, &collect->out->unfetchable);
}

static enum stp_errc add_rows(void *ctx, size_t worker, const struct stp_record *rows, size_t count,
                              struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		STP_TRY(add_row(ctx, worker, &rows[i], err));
	return STP_OK;
}

/* True when the ledger cannot say what was signed, and the published bins were not read yet. */
static int needs_recovery(const struct collect *collect)
{
	const struct stp_sign_run *run = collect->run;

	return !collect->in->recovered->has_published &&
	       stp_recover_is_needed(run->ledger, &run->damage, collect->in->published);
}

/* Whether the signed digests may have other algorithms than are configured. */
static int may_be_of_other_algorithms(const struct collect *collect)
{
	return collect->run->ledger_set != collect->run->config.hash_set ||
	       needs_recovery(collect) || collect->in->recovered->has_published;
}

/* Whether the ledger is intact and has the published version, and the list alone is the index: then
 * known rows need not be collected. */
static int may_reuse_list(const struct collect *collect)
{
	const struct stp_sign_run *run = collect->run;

	return stp_ledger_generation(run->ledger) && !may_be_of_other_algorithms(collect) &&
	       !run->options->scan_glob_count && !run->options->dry_run &&
	       !stp_ledger_refused_count(run->ledger) && !stp_ledger_checkpoint_count(run->ledger);
}

static struct stp_list_options list_options(const struct collect *collect)
{
	const struct stp_sign_run *run = collect->run;

	return (struct stp_list_options){
	    .sum_secret = stp_seal_key_bytes(run->seal_key),
	    .source = &run->list_source,
	    .hash_set = run->config.hash_set,
	    .all_claims = may_be_of_other_algorithms(collect),
	    .jobs = run->jobs,
	    .cancel = run->cancel,
	};
}

static enum stp_errc reuse_list(struct collect *collect, struct stp_err *err)
{
	struct stp_sign_run *run = collect->run;
	struct stp_collected *out = collect->out;
	struct stp_list_options options = list_options(collect);
	struct stp_list_basis basis = {
	    .ledger = run->ledger,
	    .damage = &run->damage,
	    .digest_bytes = run->digest_bytes,
	    .jobs = run->jobs,
	    .cancel = run->cancel,
	};

	STP_TRY(stp_list_reuse_choose(&out->list, &options, &basis, err));
	if (!out->list.is_same)
		return STP_OK;
	out->identity = out->list.identity;
	out->count = stp_ledger_summary(run->ledger)->target_count;
	run->report->list_rows = out->count;
	return STP_OK;
}

/* Reads the list from its present position into out->scan, except for known rows. */
static enum stp_errc read_rows(struct collect *collect, struct stp_err *err)
{
	struct stp_sign_run *run = collect->run;
	struct stp_collected *out = collect->out;
	struct stp_list_options options = list_options(collect);
	struct stp_list_sink sink = {accept_row, add_rows, collect, run->options->progress};
	struct stp_list_stats stats = {0};
	enum stp_errc code = create_builders(collect, run->worker_count, err);

	out->count = 0;
	atomic_store(&collect->entry_count, 0);
	atomic_store(&collect->absent_count, 0);
	if (code == STP_OK)
		code = stp_list_reuse_read(&out->list, &options, &sink, &run->faults, &stats, err);
	run->report->list_rows = stats.row_count;
	out->identity = run->options->scan_glob_count ? 0 : out->list.identity;
	if (code == STP_OK)
		code = stp_list_refuse(run, &stats, atomic_load(&collect->absent_count), err);
	code = finish_builders(collect, code, err);
	out->count += atomic_load(&out->list.known_count);
	/* If the list is read again, the notes are the same. */
	if (code == STP_OK && !out->list_is_noted)
		stp_list_note(run, &stats, &out->why_read);
	out->list_is_noted |= code == STP_OK;
	return code;
}

static void forget_unfetchable(struct stp_collected *out)
{
	stp_fault_list_release(&out->unfetchable);
	stp_fault_list_init(&out->unfetchable);
}

/* Discards what was read of the list, and reads all of it, with every row in full. */
static enum stp_errc read_in_full(struct collect *collect, struct stp_err *err)
{
	struct stp_sign_run *run = collect->run;

	stp_sources_release(&collect->out->scan);
	stp_fault_list_release(&run->faults);
	stp_fault_list_init(&run->faults);
	forget_unfetchable(collect->out);
	STP_TRY(stp_list_reuse_drop(&collect->out->list, &run->list_source, err));
	return read_rows(collect, err);
}

static enum stp_errc collect_list(struct collect *collect, struct stp_err *err)
{
	struct stp_list_reuse *list = &collect->out->list;

	/* A second time only after damage was found. */
	if (stp_list_reuse_is_used(list))
		return read_in_full(collect, err);
	if (may_reuse_list(collect))
		STP_TRY(reuse_list(collect, err));
	if (list->is_same)
		return STP_OK;
	STP_TRY(read_rows(collect, err));
	return stp_list_reuse_is_unsure(list) ? read_in_full(collect, err) : STP_OK;
}

/* --- the step -------------------------------------------------------------------------------- */

/* After a change of "hashes" every file is read once, unless the old set has all of the new one. */
static void explain_change(const struct stp_sign_run *run, struct stp_read_reason *why)
{
	unsigned set = run->config.hash_set;

	if ((run->ledger_set & set) == set)
		return;
	snprintf(why->text, sizeof(why->text), "\"hashes\" was changed since the last run");
	snprintf(why->subject, sizeof(why->subject), "%s", STP_CONFIG_FILE);
	why->hint = " and compared with what was signed";
}

static void reset_ahead(struct stp_sign_run *run)
{
	stp_fault_list_release(&run->ahead);
	stp_fault_list_init(&run->ahead);
	run->ahead_ns = stp_stamp_ahead();
}

void stp_collected_init(struct stp_collected *collected)
{
	memset(collected, 0, sizeof(*collected));
	stp_fault_list_init(&collected->unfetchable);
}

void stp_collected_release(struct stp_collected *collected)
{
	stp_sources_release(&collected->scan);
	stp_list_reuse_release(&collected->list);
	stp_fault_list_release(&collected->unfetchable);
}

/* Records with every digest are rows, which need no hashing; all others are entries, which may. */
enum stp_errc stp_sign_collect(struct stp_sign_run *run, const struct stp_collect_in *in,
                               struct stp_collected *out, struct stp_err *err)
{
	const struct stp_sign_options *options = run->options;
	struct collect collect = {
	    .run = run,
	    .in = in,
	    .out = out,
	    .scan_globs = {(const char **)(uintptr_t)options->scan_globs, options->scan_glob_count},
	};
	double *stage = stp_sign_stage(run, &run->report->seconds.scan);
	enum stp_errc code = STP_OK;

	stp_progress_stage(options->progress, "scan", 0, 0);
	explain_change(run, &out->why_read);
	forget_unfetchable(out);
	reset_ahead(run);
	if (options->digests)
		code = collect_list(&collect, err);
	if (code == STP_OK && (!options->digests || options->scan_glob_count))
		code = collect_tree(&collect, err);
	out->entry_count = atomic_load(&collect.entry_count);
	/* The scan ends now: stamps in the future are those after this time. */
	run->ahead_ns = stp_stamp_ahead();
	stp_sign_stage(run, stage);
	return code;
}
