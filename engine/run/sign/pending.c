/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/thread.h"
#include "run/sign/again.h"
#include "run/sign/collect.h"
#include "run/sign/files_queue.h"
#include "run/sign/row_file.h"

#define WINDOW_ENTRIES  262144
#define RANGE_BITS      5 /* 32 ranges per window for the workers to claim */
#define WINDOW_BITS_MAX 24

/* What one worker found. */
struct finder {
	struct stp_merge *merge;
	uint64_t reused, removed;
	uint64_t renumbered; /* records that get another number for their file system */
	struct stp_sign_again again;
};

struct pending_step {
	struct stp_sign_run *run;
	const struct stp_pending_in *in;
	struct stp_hashed *hashed;
	struct stp_compared compared;
	struct finder *finders; /* one per worker */
	unsigned range_bits;    /* all ranges: 2^range_bits */
	uint64_t window_count;
	atomic_uint_fast64_t next_range;
	uint64_t end_range;

	int is_counting; /* to report how much will be read; nothing is hashed */

	struct stp_files_queue *queue; /* the window's files */
};

/* --- finding --------------------------------------------------------------------------------- */

static void count_again(const struct stp_sign_run *run, struct finder *finder,
                        const struct stp_decision *decision)
{
	if (decision->verdict == STP_VERDICT_HASH && decision->again)
		finder->again.files[decision->again]++;
	if (decision->tolerated & STP_TOLERATED_CTIME)
		finder->again.ctime_ignored++;
	if (!(decision->tolerated & STP_TOLERATED_DEVICE))
		return;
	finder->renumbered++;
	finder->again.renumbered += decision->record->fingerprint.fs_id != (uint64_t)run->fs.root;
}

static enum stp_errc add_decision(struct pending_step *step, size_t worker,
                                  const struct stp_decision *decision, struct stp_err *err)
{
	struct finder *finder = &step->finders[worker];
	struct stp_record entry;

	if (decision->verdict == STP_VERDICT_KEEP && decision->entry &&
	    (decision->entry->flags & STP_RECORD_FILE))
		finder->reused++;
	if (decision->verdict == STP_VERDICT_REMOVED)
		finder->removed++;
	count_again(step->run, finder, decision);
	if (decision->verdict != STP_VERDICT_HASH)
		return STP_OK;
	if (decision->entry->flags & STP_RECORD_FILE || step->is_counting)
		return stp_files_queue_put(step->queue, worker, decision, decision->entry, err);
	if (stp_sign_find_file(step->run, decision->entry, &entry) != STP_FILE_FOUND)
		return STP_OK;
	return stp_files_queue_put(step->queue, worker, decision, &entry, err);
}

static enum stp_errc find_in_range(struct pending_step *step, size_t worker, uint64_t range,
                                   struct stp_err *err)
{
	struct stp_merge *merge = step->finders[worker].merge;
	struct stp_key_range keys = stp_key_range_at(range, step->range_bits);
	struct stp_merge_group group;

	STP_TRY(stp_merge_seek(merge, &keys, err));
	for (;;) {
		struct stp_decision decision;

		STP_TRY(stp_merge_next(merge, &group, err));
		if (!group.key)
			return STP_OK;
		decision = stp_decide(&step->compared.rules, &group, STP_DECIDE_PENDING);
		STP_TRY(add_decision(step, worker, &decision, err));
	}
}

static enum stp_errc find_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct pending_step *step = ctx;
	struct finder *finder = &step->finders[worker];

	if (!finder->merge)
		STP_TRY(stp_merge_create(&step->compared.sources, &finder->merge, err));
	for (;;) {
		uint64_t range =
		    atomic_fetch_add_explicit(&step->next_range, 1, memory_order_relaxed);

		if (range >= step->end_range)
			return STP_OK;
		if (stp_cancelled(step->run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "hash", NULL, "stopped");
		STP_TRY(find_in_range(step, worker, range, err));
	}
}

/* --- windows --------------------------------------------------------------------------------- */

static enum stp_errc hash_window(struct pending_step *step, uint64_t window, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	struct stp_sign_report *report = run->report;
	size_t count;
	uint64_t bytes;

	STP_TRY(stp_files_queue_gather(step->queue, &count, &bytes, err));
	if (run->options->dry_run || step->is_counting) {
		report->files_hashed += count;
		report->bytes_hashed = stp_sum_add(report->bytes_hashed, bytes);
		return STP_OK;
	}
	stp_progress_part(run->options->progress, window, step->window_count, count, bytes);
	return stp_files_queue_hash(step->queue, &report->files_hashed, &report->bytes_hashed, err);
}

/* Estimates from the first window, whose paths are a random part of all. */
static void report_again(const struct pending_step *step)
{
	struct stp_sign_again again = {0};
	size_t i;

	for (i = 0; i < step->run->worker_count; i++)
		stp_again_add(&again, &step->finders[i].again);
	stp_sign_report_again(step->run, &again, step->window_count);
}

static enum stp_errc do_window(struct pending_step *step, uint64_t window, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	size_t first_fault = run->faults.count;
	size_t total = run->faults.total;
	uint64_t removed = 0;
	size_t i;

	stp_files_queue_reset(step->queue);
	atomic_store(&step->next_range, window << RANGE_BITS);
	step->end_range = (window + 1) << RANGE_BITS;
	STP_TRY(stp_workers_run(run->jobs, "compare", find_worker, step, run->cancel, err));
	/* Find out that the folder is not the index before it is hashed for hours. */
	for (i = 0; i < run->worker_count; i++)
		removed += step->finders[i].removed;
	if (step->in->survey)
		STP_TRY(step->in->survey(step->in->survey_ctx, removed, err));
	if (!step->is_counting && window == 0)
		report_again(step);
	STP_TRY(hash_window(step, window, err));
	return run->faults.total == total ? STP_OK
	                                  : stp_sign_refuse(run, step->hashed, first_fault, err);
}

/* Reports once how much will be read, and why, if another list or configuration would save it. */
static enum stp_errc report_count(struct pending_step *step, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	struct stp_sign_report *report = run->report;
	struct stp_read_reason *why = step->in->why_read;
	uint64_t files = report->files_hashed;
	uint64_t bytes = report->bytes_hashed;
	char count[32];
	char size[32];
	uint64_t window;
	size_t i;

	step->is_counting = 1;
	for (window = 0; window < step->window_count; window++)
		STP_TRY(do_window(step, window, err));
	step->is_counting = 0;
	for (i = 0; i < run->worker_count; i++) {
		step->finders[i].reused = 0;
		step->finders[i].removed = 0;
		step->finders[i].renumbered = 0;
		memset(&step->finders[i].again, 0, sizeof(step->finders[i].again));
	}
	if (report->files_hashed > files)
		stp_sign_report_note(run, "hash", why->subject,
		                     "%s, so %s file%s will be read (%s)%s", why->text,
		                     stp_count_format(report->files_hashed - files, count),
		                     report->files_hashed - files == 1 ? "" : "s",
		                     stp_bytes_format(report->bytes_hashed - bytes, size),
		                     why->hint);
	report->files_hashed = files;
	report->bytes_hashed = bytes;
	why->text[0] = '\0';
	return STP_OK;
}

static enum stp_errc do_windows(struct pending_step *step, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	unsigned window_bits = 0;
	uint64_t window;
	enum stp_errc code = STP_OK;

	while (window_bits < WINDOW_BITS_MAX &&
	       step->in->entry_count >> window_bits > WINDOW_ENTRIES)
		window_bits++;
	step->range_bits = window_bits + RANGE_BITS;
	step->window_count = (uint64_t)1 << window_bits;
	stp_progress_stage(run->options->progress, "hash", 0, 0);
	if (step->in->why_read->text[0])
		code = report_count(step, err);
	for (window = 0; window < step->window_count && code == STP_OK; window++)
		code = do_window(step, window, err);
	/* What was hashed is kept, even if the run stops here. */
	if (!run->options->dry_run) {
		struct stp_err flush_err = STP_ERR_INIT;
		enum stp_errc flushed = stp_ledger_flush(run->ledger, &flush_err);

		if (code == STP_OK && flushed != STP_OK) {
			stp_err_merge(err, &flush_err);
			code = flushed;
		}
	}
	return code;
}

/* Empties the results, for the second pass after damage was found. */
static void forget(struct stp_hashed *hashed)
{
	stp_fault_list_release(&hashed->unstable);
	stp_fault_list_init(&hashed->unstable);
	stp_keyset_clear(&hashed->gone);
	stp_keyset_clear(&hashed->unstable_keys);
	stp_keyset_clear(&hashed->several_names);
}

enum stp_errc stp_sign_pending(struct stp_sign_run *run, const struct stp_pending_in *in,
                               struct stp_hashed *hashed, struct stp_pended *out,
                               struct stp_err *err)
{
	struct pending_step step = {
	    .run = run, .in = in, .hashed = hashed, .compared = STP_COMPARED_INIT};
	double *stage;
	enum stp_errc code;
	size_t i;

	forget(hashed);
	if (in->entry_count == 0)
		return STP_OK;
	step.finders = calloc(run->worker_count, sizeof(*step.finders));
	if (!step.finders)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the workers");
	stage = stp_sign_stage(run, &run->report->seconds.hash);
	code = stp_files_queue_create(run, hashed, 0, &step.queue, err);
	if (code == STP_OK)
		code = stp_comparison_open(in->comparison, &step.compared, err);
	if (code == STP_OK)
		code = do_windows(&step, err);
	stp_keyset_seal(&hashed->refused);
	stp_keyset_seal(&hashed->moved);
	for (i = 0; i < run->worker_count; i++) {
		run->report->files_reused += step.finders[i].reused;
		out->renumbered += step.finders[i].renumbered;
		stp_again_add(&run->report->again, &step.finders[i].again);
		stp_merge_destroy(step.finders[i].merge);
	}
	free(step.finders);
	stp_files_queue_destroy(step.queue);
	stp_compared_release(&step.compared);
	stp_sign_stage(run, stage);
	return code;
}
