/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of `sign`: calls the steps in order, and passes the results of each to the next.
 *
 *	open ─▶ source ─▶ collect ─▶ (recover) ─▶ pending ─▶ look again ─▶ [faults?] ─▶ reserve V ─▶
 *	(names of files with several hard links) ─▶ emit ─▶ [faults? removals?] ─▶ commit
 *
 * Order of what becomes durable:
 *
 *	while hashing   checkpoints in state/ledger/, every few seconds
 *	before writing  state/reserved: the version V, before any file has it in its name
 *	emit            the ledger's new segment, part of no generation yet
 *	commit          1. all bins and all names in public/targets: one barrier
 *	                2. the audit lines of this run
 *	                3. V.snapshot.json
 *	                4. the commit record in state/commits/
 *	                5. timestamp.json by rename: the commit, the only thing that clients see
 *	after it        the marks of public/targets in state/, the ledger's generation (then its
 *	                sweep), the floors, and once the "source" in stampede.json
 *
 * A crash before 5 changes nothing for clients. The next run removes what was written, except for
 * the checkpoints, which it continues from, and the number V, which is never used again. From step
 * 4 on the record says that V may be public, so none of its files are removed. A crash between 5
 * and the ledger leaves the ledger one generation behind: the published bins then say what was
 * signed (run/sign/recover.h), and the ledger's fingerprints still show which files have changed.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/options.h"
#include "publish/reflink.h"
#include "run/sign/again.h"
#include "run/sign/collect.h"
#include "run/sign/emit.h"
#include "run/sign/list_notes.h"
#include "run/sign/look_again.h"
#include "run/sign/open.h"
#include "run/sign/pending.h"
#include "run/sign/publishing.h"
#include "run/sign/report.h"
#include "run/sign/rows.h"
#include "run/sign/source.h"
#include "run/sign/target.h"
#include "run/sign/urls.h"

/* The results of the steps so far. */
struct sign {
	struct stp_sign_run run;
	struct stp_sign_opened opened;
	struct stp_source_choice choice;
	struct stp_collected collected;
	struct stp_recovered recovered;
	struct stp_comparison comparison; /* of these results and the ledger */
	struct stp_hashed hashed;         /* filled by pending and look again */
	struct stp_pended pended;
	struct stp_publishing publishing;
	struct stp_emitted emitted;
};

/* --- the fault policy ------------------------------------------------------------------------ */

/* Applied after scanning and hashing, and again after emitting. */
static enum stp_errc apply_fault_policy(const struct stp_sign_run *run, struct stp_err *err)
{
	if (run->faults.out_of_memory)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL,
		                      "no memory for the list of faults");
	if (run->faults.total == 0 || run->options->on_fault == STP_ON_FAULT_SKIP)
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_ON_FAULT_SKIP), STP_CHANGED, "sign", NULL,
	                "%zu path%s cannot be signed, so nothing was published; fix %s, or publish "
	                "without %s: %s",
	                run->faults.total, run->faults.total == 1 ? "" : "s",
	                run->faults.total == 1 ? "it" : "them",
	                run->faults.total == 1 ? "it" : "them",
	                stp_hint_text(STP_HINT_ON_FAULT_SKIP));
}

/* --- the steps ------------------------------------------------------------------------------- */

/* True when the ledger cannot say what was signed, and the published bins were not read yet. */
static int needs_recovery(const struct sign *sign)
{
	return !sign->recovered.has_published &&
	       stp_recover_is_needed(sign->run.ledger, &sign->run.damage,
	                             stp_current_published(&sign->opened.current));
}

/* How many targets were signed last time, before they are counted: as the ledger or the published
 * bins say. */
static uint64_t targets_before(const struct sign *sign)
{
	return sign->recovered.has_published ? stp_sources_record_count(&sign->recovered.published)
	                                     : stp_ledger_summary(sign->run.ledger)->target_count;
}

static enum stp_errc collect(struct sign *sign, struct stp_err *err)
{
	struct stp_collected *collected = &sign->collected;
	struct stp_collect_in in = {
	    .recovered = &sign->recovered,
	    .published = stp_current_published(&sign->opened.current),
	};

	if (!sign->choice.is_refresh)
		return stp_sign_collect(&sign->run, &in, collected, err);
	collected->count = targets_before(sign);
	/* The identity in an older generation is that of an older list. */
	collected->identity = needs_recovery(sign) ? 0 : stp_ledger_summary(sign->run.ledger)->tag;
	return STP_OK;
}

/* Uses what was published in place of the ledger. */
static enum stp_errc recover(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_run *run = &sign->run;
	const struct stp_current *current = &sign->opened.current;
	const struct stp_signer *former = sign->opened.rotating.former_bins;
	struct stp_recover_in in = {
	    .meta = &current->meta,
	    .version = current->snapshot_version,
	    .metadata_fd = run->repo.metadata_fd,
	    .spill_fd = run->repo.state_fd,
	    .key = &sign->opened.signers.bin_n->public_key,
	    .former_key = former ? &former->public_key : NULL,
	    .hash_set = run->config.hash_set,
	    .jobs = run->jobs,
	    .cancel = run->cancel,
	    .progress = run->options->progress,
	};

	stp_sign_stage(run, &run->report->seconds.ledger);
	STP_TRY(stp_recover(&in, &sign->recovered, err));
	stp_recover_note(run->ledger, &run->damage, current->timestamp_version, &run->notes);
	return STP_OK;
}

static struct stp_rehash_rule rehash_rule(const struct stp_sign_run *run)
{
	const struct stp_sign_options *options = run->options;
	uint64_t parts = options->rehash_parts ? options->rehash_parts : 1;

	return (struct stp_rehash_rule){
	    .what = options->rehash,
	    .parts = parts,
	    .part = stp_ledger_generation(run->ledger) % parts,
	    .hash_key = stp_seal_key_bytes(run->seal_key),
	};
}

/* Sets what decisions are made from, once all of it is known. */
static void set_comparison(struct sign *sign)
{
	const struct stp_sign_run *run = &sign->run;

	sign->comparison = (struct stp_comparison){
	    .scan = &sign->collected.scan,
	    .published = &sign->recovered.published,
	    .ledger = run->ledger,
	    .rules = {.hash_set = run->config.hash_set,
	              .generation_set = run->ledger_set,
	              .digest_bytes = run->digest_bytes,
	              .has_published = sign->recovered.has_published,
	              .is_refresh = sign->choice.is_refresh,
	              .list = &sign->collected.list,
	              .now = run->now,
	              .retention_days = run->config.removed_retention_days,
	              .again = {.fs = &run->fs,
	                        .ahead_ns = run->ahead_ns,
	                        .mtime_counts = run->config.trust == STP_TRUST_MTIME},
	              .rehash = rehash_rule(run),
	              .hashed = &sign->hashed},
	};
}

/* Detects an index that has vanished before anything is hashed: fewer paths were found than must
 * remain. */
static enum stp_errc survey(void *ctx, uint64_t removed, struct stp_err *err)
{
	struct sign *sign = ctx;

	return stp_sign_survey(&sign->run, &sign->comparison, targets_before(sign), removed,
	                       &sign->emitted, err);
}

static enum stp_errc check_scan(struct sign *sign, struct stp_err *err)
{
	uint64_t before = targets_before(sign);

	if (sign->choice.is_refresh || before <= sign->collected.count)
		return STP_OK;
	return survey(sign, before - sign->collected.count, err);
}

static enum stp_errc hash_pending(struct sign *sign, struct stp_err *err)
{
	struct stp_pending_in in = {
	    .comparison = &sign->comparison,
	    .entry_count = sign->collected.entry_count,
	    .why_read = &sign->collected.why_read,
	    .survey = survey,
	    .survey_ctx = sign,
	};

	return stp_sign_pending(&sign->run, &in, &sign->hashed, &sign->pended, err);
}

/* Makes names and bins; a dry run only counts them. */
static enum stp_errc emit(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_run *run = &sign->run;
	struct stp_emit_in in = {
	    .comparison = &sign->comparison,
	    .publishing = run->options->dry_run ? NULL : &sign->publishing,
	    .changed = run->report->files_hashed + sign->pended.renumbered,
	};
	struct stp_target_step step = {
	    .run = run,
	    .links = sign->publishing.links,
	    .has_published = sign->recovered.has_published,
	};

	if (!run->options->dry_run)
		STP_TRY(stp_sign_link_first(&step, &sign->comparison, err));
	return stp_sign_emit(run, &in, &sign->emitted, err);
}

/* Compares, hashes and writes every bin. */
static enum stp_errc compare_and_emit(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_run *run = &sign->run;

	STP_TRY(stp_sign_check_refresh(run, &sign->choice, &sign->recovered, err));
	if (needs_recovery(sign))
		STP_TRY(recover(sign, err));
	set_comparison(sign);
	STP_TRY(check_scan(sign, err));
	if (!run->options->dry_run)
		STP_TRY(stp_reflink_check(&run->repo, &run->config, sign->collected.count, err));
	STP_TRY(hash_pending(sign, err));
	if (run->options->dry_run)
		return emit(sign, err);
	if (sign->collected.entry_count)
		STP_TRY(stp_sign_look_again(run, &sign->comparison, &sign->hashed, err));
	run->globs.is_compared = !run->options->digests; /* emit compares rows */
	STP_TRY(apply_fault_policy(run, err));
	if (!sign->publishing.publisher)
		STP_TRY(stp_publishing_begin(run, &sign->opened, sign->collected.count,
		                             &sign->publishing, err));
	STP_TRY(emit(sign, err));
	run->globs.is_compared = 1;
	return STP_OK;
}

/* Damage that was only found while the ledger was read: alarms may be missing from what was just
 * written, so that is discarded and made again from what is published. */
static enum stp_errc start_again(struct sign *sign, struct stp_err *err)
{
	stp_publishing_abort(&sign->publishing);
	stp_publishing_end(&sign->publishing);
	/* Nor can a damaged ledger replace the list, or rows of it. */
	if (stp_list_reuse_is_used(&sign->collected.list))
		STP_TRY(collect(sign, err));
	return compare_and_emit(sign, err);
}

static enum stp_errc finish_dry_run(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_versions *versions = &sign->run.report->versions;
	const struct stp_current *current = &sign->opened.current;

	versions->root = current->root.version;
	versions->targets = current->targets.version;
	versions->bins = current->bins.version;
	versions->snapshot = current->snapshot_version;
	versions->timestamp = current->timestamp_version;
	STP_TRY(apply_fault_policy(&sign->run, err));
	return stp_removals_check(&sign->run, &sign->emitted.removals, err);
}

static enum stp_errc commit(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_run *run = &sign->run;
	const struct stp_collected *collected = &sign->collected;
	int is_list =
	    !run->faults.total && !collected->unfetchable.total && !collected->entry_count;
	struct stp_commit_in in = {
	    .choice = &sign->choice,
	    .bin_lengths = sign->emitted.bin_lengths,
	    .identity = is_list ? collected->identity : 0,
	};

	STP_TRY(apply_fault_policy(run, err));
	STP_TRY(stp_removals_check(run, &sign->emitted.removals, err));
	if (stp_cancelled(run->cancel))
		return STP_FAIL(err, STP_CANCELLED, "sign", NULL, "stopped before publishing");
	return stp_publishing_commit(run, &sign->opened, &sign->publishing, &in, err);
}

static enum stp_errc do_run(struct sign *sign, struct stp_err *err)
{
	struct stp_sign_run *run = &sign->run;
	enum stp_errc code;

	STP_TRY(stp_sign_open(run, &sign->opened, err));
	STP_TRY(stp_sign_choose_source(run, stp_current_published(&sign->opened.current),
	                               &sign->choice, err));
	STP_TRY(collect(sign, err));
	code = compare_and_emit(sign, err);
	if (run->options->dry_run)
		return code == STP_OK ? finish_dry_run(sign, err) : code;
	if (code == STP_OK && needs_recovery(sign))
		code = start_again(sign, err);
	if (code == STP_OK)
		code = commit(sign, err);
	if (code != STP_OK && !run->report->published)
		stp_publishing_abort(&sign->publishing);
	return code;
}

/* --- the run --------------------------------------------------------------------------------- */

static void init(struct sign *sign, const struct stp_sign_options *options,
                 struct stp_sign_report *report)
{
	memset(sign, 0, sizeof(*sign));
	stp_sign_run_init(&sign->run, options, report);
	stp_sign_opened_init(&sign->opened);
	stp_collected_init(&sign->collected);
	stp_hashed_init(&sign->hashed);
}

static void release(struct sign *sign)
{
	stp_publishing_end(&sign->publishing);
	stp_emitted_release(&sign->emitted);
	stp_hashed_release(&sign->hashed);
	stp_collected_release(&sign->collected);
	stp_recovered_release(&sign->recovered);
	stp_sign_opened_release(&sign->opened);
	stp_sign_run_release(&sign->run);
}

/* Adds the notes that are only known at the end. */
static void add_notes(struct sign *sign)
{
	struct stp_sign_run *run = &sign->run;

	stp_sign_note_lists(run, sign->publishing.links);
	stp_sign_note_urls(&sign->collected.unfetchable, &run->notes);
	stp_sign_note_tolerated(run);
	stp_sign_note_ahead(run);
	stp_sign_note_globs(run);
	if (!sign->choice.is_refresh)
		stp_sign_note_nothing(run, &sign->emitted.removals);
}

static void fill_usage(struct stp_sign_run *run)
{
	struct stp_sign_report *report = run->report;
	struct rusage usage;

	stp_sign_stage(run, &report->seconds.rest);
	report->seconds.total = (double)(run->watch.stage_since - run->watch.started_ns) / 1e9;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		report->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

/* Copies the options, and refuses those that make no sense before anything is opened. */
static enum stp_errc check_options(const struct stp_sign_options *options,
                                   struct stp_sign_options *out, struct stp_err *err)
{
	STP_TRY(STP_OPTIONS_TAKE(out, options, cancel, "sign", err));
	STP_TRY(stp_options_need(out->repo, "repo", "sign", err));
	if (out->rehash == STP_REHASH_PART && out->rehash_parts == 0)
		return STP_FAIL(err, STP_CONFIG, "sign", "rehash_parts",
		                "is 0; set the number of parts, of which one is read again");
	if (out->next_row && out->digests)
		return STP_FAIL(err, STP_CONFIG, "sign", "next_row",
		                "is given together with a digest list; give only one of them");
	if (out->next_row)
		out->digests = STP_ROWS_NAME;
	out->jobs = stp_options_jobs(out->jobs);
	return STP_OK;
}

enum stp_errc stp_sign(const struct stp_sign_options *options, struct stp_sign_report *report,
                       struct stp_err *err)
{
	struct stp_sign_options mine;
	struct sign sign;
	struct stp_sign_run *run = &sign.run;
	enum stp_errc code;

	memset(report, 0, sizeof(*report));
	STP_TRY(check_options(options, &mine, err));
	init(&sign, &mine, report);
	code = do_run(&sign, err);
	fill_usage(run);
	stp_fault_list_sort(&run->faults);
	add_notes(&sign);
	if (!stp_sign_report_set_faults(report, &run->faults, &run->damage, &run->reported,
	                                &run->notes) &&
	    code == STP_OK)
		code = STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "no memory for the report");
	if (!mine.dry_run && run->repo.state_fd >= 0 && run->repo.lock_fd >= 0)
		stp_sign_report_save(report, run->repo.state_fd, code, err);
	release(&sign);
	return code;
}
