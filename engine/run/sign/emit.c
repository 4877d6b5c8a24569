/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/thread.h"
#include "run/sign/alarm.h"
#include "run/sign/bin_group.h"
#include "run/sign/remember.h"
#include "run/sign/target.h"

/* Documents signed together, see run/sign/bin_group.h. */
#define GROUP_BINS_MIN 16
#define GROUP_BINS_MAX 256
#define GROUP_BYTES    ((size_t)4 << 20)

/* What workers count, added up after the join. */
struct tally {
	uint64_t targets, target_bytes;
	uint64_t ledger_records, list_repeats;
	int64_t oldest_verified_at;
	double ledger_seconds;
	struct stp_sign_seconds group_seconds;
	struct stp_removals removals;
	struct stp_target_counts changes;
};

struct emit_worker {
	struct emit *emit;
	size_t index;
	struct stp_merge *merge;
	struct stp_segment_part *part;
	struct stp_bin_group group;
	struct tally tally;
};

struct emit {
	struct stp_sign_run *run;
	const struct stp_emit_in *in;
	struct stp_emitted *out;
	struct stp_target_step target_step;
	struct stp_bin_frame frame;
	struct stp_compared compared;
	struct emit_worker *workers;
	int counts_only;                   /* nothing is written: a dry run, a survey */
	struct stp_segment_writer *writer; /* NULL: counts only */
	int whole;                         /* a base of all records; else a delta */
	unsigned group_bits;               /* groups: 2^group_bits */
	uint32_t group_bins;               /* bins in a group */
	atomic_uint_fast64_t next_group;
};

/* --- one record ------------------------------------------------------------------------------ */

/* Names the input a record came from: "LIST:12" or "the tree". */
static const char *input_name(const struct stp_sign_run *run, const struct stp_record *record,
                              char *out, size_t size)
{
	if (record->flags & STP_RECORD_LISTED)
		snprintf(out, size, "%s:%llu", run->list_source.name,
		         (unsigned long long)record->origin);
	else
		snprintf(out, size, "the tree");
	return out;
}

static void fault_duplicate(struct stp_sign_run *run, const struct stp_decision *decision)
{
	char first[160];
	char second[160];

	stp_fault_add(&run->faults, STP_FORMAT, 0, STP_LIST_STAGE, decision->entry->path,
	              decision->entry->path_bytes, "is named twice: by %s and by %s; keep one",
	              input_name(run, decision->entry, first, sizeof(first)),
	              input_name(run, decision->second, second, sizeof(second)));
}

/* Adds the alarm: the ledger's record of an unchanged file is not what its row claims. */
static void contradict(struct stp_sign_run *run, const struct stp_decision *decision)
{
	struct stp_said says = stp_said_by(decision->entry, 0);
	struct stp_said has = stp_said_by(decision->record, decision->record_set);

	stp_sign_contradict(run, decision->entry, &says, &has);
}

static void count_target(struct tally *tally, const struct stp_decision *decision,
                         const struct stp_record *record)
{
	tally->targets++;
	tally->target_bytes = stp_sum_add(tally->target_bytes, record->length);
	tally->removals.added += !decision->committed;
	if (record->verified_at &&
	    (!tally->oldest_verified_at || record->verified_at < tally->oldest_verified_at))
		tally->oldest_verified_at = record->verified_at;
}

/* Adds a record to the ledger's new segment. */
static enum stp_errc write_record(struct emit_worker *worker, const struct stp_record *record,
                                  struct stp_err *err)
{
	worker->tally.ledger_records++;
	return stp_segment_part_add(worker->part, record, err);
}

/* A target is removed, or was removed before. */
static enum stp_errc drop_target(struct emit_worker *worker, const struct stp_decision *decision,
                                 struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_record record;
	uint8_t digests[STP_CLAIMS_BYTES_MAX];

	STP_TRY(stp_removals_add(&worker->tally.removals, emit->run, decision, err));
	if (emit->writer && stp_sign_remember(emit->run, decision, emit->whole, &record, digests))
		return write_record(worker, &record, err);
	return STP_OK;
}

/* A target stays or is new: makes its names, adds it to its bin and, if its record changed, to the
 * ledger. */
static enum stp_errc keep_target(struct emit_worker *worker, const struct stp_decision *decision,
                                 struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_sign_run *run = emit->run;
	struct stp_target target;

	stp_target_init(&target, run->config.hash_set, decision);
	if (decision->verdict == STP_VERDICT_KEEP && stp_sign_alarms(run, decision))
		target.fate = STP_TARGET_FAULTED;
	else if (!emit->counts_only)
		STP_TRY(stp_target_link(&target, &emit->target_step, worker->index, decision,
		                        &worker->tally.changes, err));
	if (target.fate != STP_TARGET_SIGN)
		return drop_target(worker, decision, err);
	count_target(&worker->tally, decision, &target.record);
	if (emit->writer && (emit->whole || !target.is_committed))
		STP_TRY(write_record(worker, &target.record, err));
	return emit->counts_only ? STP_OK : stp_bin_group_add(&worker->group, &target.record, err);
}

static enum stp_errc emit_path(struct emit_worker *worker, const struct stp_merge_group *group,
                               struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_decision decision = stp_decide(&emit->compared.rules, group, STP_DECIDE_EMIT);

	worker->tally.list_repeats += decision.repeats;
	worker->tally.removals.before += decision.committed != NULL;
	switch (decision.verdict) {
	case STP_VERDICT_KEEP:
		return keep_target(worker, &decision, err);
	case STP_VERDICT_CONTRADICTED:
		contradict(emit->run, &decision);
		return drop_target(worker, &decision, err);
	case STP_VERDICT_DUPLICATE:
		fault_duplicate(emit->run, &decision);
		return drop_target(worker, &decision, err);
	case STP_VERDICT_HASH:
		/* Before hashing, the file would become a target; after hashing, it was at
		 * fault. */
		if (emit->counts_only) {
			count_target(&worker->tally, &decision, decision.entry);
			return STP_OK;
		}
		if (stp_keyset_has(&emit->compared.rules.hashed->unstable_keys, group->key))
			return keep_target(worker, &decision, err);
		return drop_target(worker, &decision, err);
	case STP_VERDICT_NONE:
	case STP_VERDICT_REMOVED:
	default:
		return drop_target(worker, &decision, err);
	}
}

/* --- one group ------------------------------------------------------------------------------- */

/* Closes the open bin, and starts the next. */
static enum stp_errc close_bin(struct emit_worker *worker, uint32_t bin_index, size_t slot,
                               struct stp_err *err)
{
	struct emit *emit = worker->emit;

	return emit->counts_only ? STP_OK
	                         : stp_bin_group_close_bin(&worker->group, bin_index, slot,
	                                                   &emit->out->bin_lengths[bin_index], err);
}

static enum stp_errc collect_group(struct emit_worker *worker, uint64_t group_index,
                                   struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_key_range range = stp_key_range_at(group_index, emit->group_bits);
	uint32_t first_bin = (uint32_t)group_index * emit->group_bins;
	uint32_t open_bin = first_bin;
	struct stp_merge_group group;

	STP_TRY(stp_merge_seek(worker->merge, &range, err));
	for (;;) {
		uint32_t bin = first_bin + emit->group_bins;

		STP_TRY(stp_merge_next(worker->merge, &group, err));
		if (group.key)
			bin = stp_bin_index(group.key, emit->run->config.bin_bits);
		for (; open_bin < bin; open_bin++)
			STP_TRY(close_bin(worker, open_bin, open_bin - first_bin, err));
		if (!group.key)
			return STP_OK;
		STP_TRY(emit_path(worker, &group, err));
	}
}

static enum stp_errc do_group(struct emit_worker *worker, uint64_t group_index, struct stp_err *err)
{
	struct emit *emit = worker->emit;
	const struct stp_sign_seconds *seconds = &worker->group.seconds;
	double bins_before = seconds->bins;
	uint64_t started = stp_clock_monotonic_ns();
	uint64_t bytes;

	STP_TRY(collect_group(worker, group_index, err));
	stp_sign_add_seconds(&worker->tally.ledger_seconds, started);
	worker->tally.ledger_seconds -= seconds->bins - bins_before;
	if (emit->counts_only)
		return STP_OK;
	STP_TRY(stp_bin_group_seal(&worker->group, (uint32_t)group_index * emit->group_bins,
	                           worker->index, &bytes, err));
	stp_progress_add(emit->run->options->progress, emit->group_bins, bytes);
	started = stp_clock_monotonic_ns();
	STP_TRY(stp_segment_append(emit->writer, worker->part, group_index, err));
	stp_sign_add_seconds(&worker->tally.ledger_seconds, started);
	return STP_OK;
}

/* --- workers --------------------------------------------------------------------------------- */

static enum stp_errc prepare_worker(struct emit_worker *worker, struct stp_err *err)
{
	struct emit *emit = worker->emit;

	STP_TRY(stp_merge_create(&emit->compared.sources, &worker->merge, err));
	if (emit->counts_only)
		return STP_OK;
	STP_TRY(stp_segment_part_create(emit->writer, 0, &worker->part, err));
	return stp_bin_group_init(&worker->group, &emit->frame, emit->group_bins, err);
}

static void release_worker(struct emit_worker *worker)
{
	worker->tally.group_seconds = worker->group.seconds;
	stp_bin_group_release(&worker->group);
	if (worker->part)
		stp_segment_part_destroy(worker->part);
	if (worker->merge)
		stp_merge_destroy(worker->merge);
}

static enum stp_errc work(struct emit_worker *worker, struct stp_err *err)
{
	struct emit *emit = worker->emit;

	STP_TRY(prepare_worker(worker, err));
	for (;;) {
		uint64_t group =
		    atomic_fetch_add_explicit(&emit->next_group, 1, memory_order_relaxed);

		if (group >> emit->group_bits)
			return STP_OK;
		if (stp_cancelled(emit->run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "sign", NULL, "stopped");
		STP_TRY(do_group(worker, group, err));
	}
}

static enum stp_errc emit_worker_main(void *ctx, size_t index, struct stp_err *err)
{
	struct emit *emit = ctx;
	struct emit_worker *worker = &emit->workers[index];
	enum stp_errc code;

	worker->emit = emit;
	worker->index = index;
	code = work(worker, err);
	/* Workers that wait for this one's turn must not wait forever. */
	if (code != STP_OK && emit->writer)
		stp_segment_cancel(emit->writer);
	release_worker(worker);
	return code;
}

/* Chooses the size of groups so that a group's documents take about GROUP_BYTES. It depends on the
 * input only, never on the number of workers, because it determines the parts of the ledger. */
static void choose_groups(struct emit *emit)
{
	uint64_t bin_count = stp_bin_count(&emit->run->config);
	uint64_t bytes_per_bin = stp_sources_bytes(&emit->compared.sources) / bin_count + 512;
	uint32_t bins = GROUP_BINS_MIN;

	while (bins < GROUP_BINS_MAX && 2 * bins * bytes_per_bin < GROUP_BYTES)
		bins *= 2;
	if (bins > bin_count)
		bins = (uint32_t)bin_count;
	emit->group_bins = bins;
	emit->group_bits = emit->run->config.bin_bits - (unsigned)__builtin_ctz(bins);
}

/* Adds up what the workers counted in wall_s seconds. */
static void add_tally(struct emit *emit, double wall_s)
{
	struct stp_sign_report *report = emit->run->report;
	struct stp_target_counts changes = {0};
	struct stp_sign_seconds worked = {0};
	size_t i;

	report->targets = 0;
	report->target_bytes = 0;
	report->list_repeats =
	    emit->compared.rules.list ? stp_list_reuse_repeats(emit->compared.rules.list) : 0;
	stp_removals_release(&emit->out->removals);
	for (i = 0; i < emit->run->worker_count; i++) {
		struct tally *tally = &emit->workers[i].tally;

		report->targets += tally->targets;
		report->target_bytes = stp_sum_add(report->target_bytes, tally->target_bytes);
		report->list_repeats += tally->list_repeats;
		stp_removals_merge(&emit->out->removals, &tally->removals);
		stp_target_counts_merge(&changes, &tally->changes);
		stp_target_counts_release(&tally->changes);
		worked.ledger += tally->ledger_seconds;
		worked.bins += tally->group_seconds.bins;
		worked.sign += tally->group_seconds.sign;
		worked.publish += tally->group_seconds.publish;
		if (tally->oldest_verified_at &&
		    (!report->oldest_verified_at ||
		     tally->oldest_verified_at < report->oldest_verified_at))
			report->oldest_verified_at = tally->oldest_verified_at;
	}
	stp_sign_share_seconds(&report->seconds, &worked, wall_s);
	report->files_rehashed += changes.reread_files;
	report->bytes_hashed = stp_sum_add(report->bytes_hashed, changes.reread_bytes);
	report->files_kept = changes.kept.count;
	stp_target_note(emit->run, &changes);
	stp_target_counts_release(&changes);
	report->files_removed = emit->out->removals.count;
	report->targets_before = emit->out->removals.before;
}

/* Passes the new segment to the ledger, or drops it if nothing changed. */
static enum stp_errc close_ledger(struct emit *emit, enum stp_errc code, struct stp_err *err)
{
	uint64_t records = 0;
	size_t i;

	for (i = 0; i < emit->run->worker_count; i++)
		records += emit->workers[i].tally.ledger_records;
	if (!emit->writer)
		return code;
	if (code != STP_OK || (!emit->whole && records == 0)) {
		stp_segment_abort(emit->writer);
		return code;
	}
	return stp_ledger_prepare(emit->run->ledger, emit->writer, err);
}

/* Whether the ledger's new segment must hold all records. */
static int wants_base(const struct emit *emit)
{
	const struct stp_sign_run *run = emit->run;

	return stp_ledger_generation(run->ledger) == 0 ||
	       stp_ledger_refused_count(run->ledger) != 0 || run->damage.total != 0 ||
	       emit->compared.rules.has_published ||
	       stp_ledger_wants_base(run->ledger, emit->in->changed);
}

static enum stp_errc begin_writing(struct emit *emit, struct stp_err *err)
{
	struct stp_sign_run *run = emit->run;

	stp_bin_frame_init(&emit->frame, &run->config, emit->in->publishing, run->now);
	emit->target_step.run = run;
	emit->target_step.links = emit->in->publishing->links;
	emit->target_step.has_published = emit->compared.rules.has_published;
	emit->whole = wants_base(emit);
	return stp_ledger_begin(run->ledger, emit->whole ? STP_SEGMENT_BASE : STP_SEGMENT_DELTA,
	                        &emit->writer, err);
}

static enum stp_errc run_workers(struct emit *emit, struct stp_err *err)
{
	struct stp_sign_run *run = emit->run;
	double wall_s = 0;
	double *stage;
	enum stp_errc code;

	choose_groups(emit);
	stp_progress_stage(run->options->progress, "sign", stp_bin_count(&run->config), 0);
	if (!emit->counts_only)
		STP_TRY(begin_writing(emit, err));
	stage = stp_sign_stage(run, &wall_s);
	code = stp_workers_run(run->jobs, "sign", emit_worker_main, emit, run->cancel, err);
	stp_sign_stage(run, stage);
	add_tally(emit, wall_s);
	run->report->counted = code == STP_OK;
	return close_ledger(emit, code, err);
}

enum stp_errc stp_sign_emit(struct stp_sign_run *run, const struct stp_emit_in *in,
                            struct stp_emitted *out, struct stp_err *err)
{
	struct emit emit = {.run = run,
	                    .in = in,
	                    .out = out,
	                    .compared = STP_COMPARED_INIT,
	                    .counts_only = !in->publishing};
	double *stage = stp_sign_stage(run, &run->report->seconds.ledger);
	enum stp_errc code;

	STP_TRY(stp_now_check(run->now, "the time of signing", err));
	free(out->bin_lengths);
	out->bin_lengths = calloc(stp_bin_count(&run->config), sizeof(*out->bin_lengths));
	emit.workers = calloc(run->worker_count, sizeof(*emit.workers));
	if (!out->bin_lengths || !emit.workers) {
		free(emit.workers);
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for the workers");
	}
	code = stp_comparison_open(in->comparison, &emit.compared, err);
	if (code == STP_OK)
		code = run_workers(&emit, err);
	stp_compared_release(&emit.compared);
	free(emit.workers);
	stp_sign_stage(run, stage);
	return code;
}

void stp_emitted_release(struct stp_emitted *emitted)
{
	stp_removals_release(&emitted->removals);
	free(emitted->bin_lengths);
	emitted->bin_lengths = NULL;
}

enum stp_errc stp_sign_survey(struct stp_sign_run *run, const struct stp_comparison *comparison,
                              uint64_t before, uint64_t removed_min, struct stp_emitted *out,
                              struct stp_err *err)
{
	struct stp_emit_in in = {.comparison = comparison};
	int stops = run->faults.total && run->options->on_fault == STP_ON_FAULT_STOP;

	/* A dry run counts anyway, and if faults stop the run, they are the reason to report. */
	if (run->options->dry_run || stops || removed_min <= stp_removals_allowed(run, before))
		return STP_OK;
	STP_TRY(stp_sign_emit(run, &in, out, err));
	return stp_removals_check(run, &out->removals, err);
}
