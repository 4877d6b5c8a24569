/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emitting: scan ⋈ ledger → the new ledger, and every bin encoded, signed, checked and written.
 *
 *	worker, for each group of bins it claims (a contiguous key range):
 *
 *	  merge ─▶ decide ─┬─▶ link ─▶ bin ─ full ─▶ sort ─▶ encode ─▶ [documents of the group]
 *	                   └─▶ ledger part (all records, or only what changed)      │
 *	                                                     sign, check, put ◀─────┘
 *	  append the ledger part: in the order of groups, whoever is first
 *
 * Everything about a target happens while its bytes are in cache, and writing runs beside encoding
 * and signing on the other workers. The order of bytes, in bins and ledger, follows from keys and
 * paths alone: the same for every number of workers.
 *
 * Memory: per worker the documents of one group, see GROUP_BYTES, and the merge's blocks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/thread.h"
#include "bins/bin.h"
#include "roles/roles.h"
#include "run/sign/alarm.h"
#include "run/sign/collect.h"
#include "run/sign/remember.h"
#include "run/sign/sign_run.h"
#include "run/sign/target.h"
#include "sign/batch.h"

/* Documents signed together: enough for the SHA-512 lanes (8, twice over), little enough to stay
 * near the cache. */
#define GROUP_BINS_MIN 16
#define GROUP_BINS_MAX 256
#define GROUP_BYTES    ((size_t)4 << 20)

/* One bin's file in the making. */
struct document {
	uint8_t *bytes;
	size_t capacity;
	size_t body_bytes;
	char name[STP_BIN_NAME_BYTES + 32];
};

/* What workers count, added up after the join. */
struct tally {
	uint64_t targets, target_bytes;
	uint64_t ledger_records, list_repeats;
	int64_t oldest_verified_at;
	struct stp_sign_seconds seconds;
	struct stp_removals removals;
	struct stp_target_counts changes;
};

struct emit_worker {
	struct emit *emit;
	size_t index;
	struct stp_merge *merge;
	struct stp_signer *signer;
	struct stp_segment_part *part;
	struct stp_bin bin;
	struct document *documents;
	struct stp_sign_doc *sign_docs;
	struct stp_publish_file *files;
	struct tally tally;
};

struct emit {
	struct stp_sign_run *run;
	struct stp_compared compared;
	struct emit_worker *workers;
	int counts_only;                   /* nothing is written: a dry run, a survey */
	struct stp_segment_writer *writer; /* NULL: counts only */
	int whole;                         /* a base of all records; else a delta */
	unsigned group_bits;               /* groups: 2^group_bits */
	uint32_t group_bins;               /* bins in a group */
	atomic_uint_fast64_t next_group;
	char head[STP_BIN_HEAD_BYTES];
	size_t head_bytes;
	char tail[STP_BIN_TAIL_BYTES_MAX];
	size_t tail_bytes;
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

/* The ledger's record of an unchanged file is not what its row claims. */
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

/* A target goes, or what is removed already stays so. */
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

/* A target stays or comes: link it, put it in its bin and, when that is new, in the ledger. */
static enum stp_errc keep_target(struct emit_worker *worker, const struct stp_decision *decision,
                                 struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_sign_run *run = emit->run;
	struct stp_target target;

	stp_target_init(&target, run, decision);
	if (decision->verdict == STP_VERDICT_KEEP && stp_sign_alarms(run, decision))
		target.fate = STP_TARGET_FAULTED;
	else if (!emit->counts_only)
		STP_TRY(stp_target_link(&target, run, worker->index, decision,
		                        &worker->tally.changes, err));
	if (target.fate != STP_TARGET_SIGN)
		return drop_target(worker, decision, err);
	count_target(&worker->tally, decision, &target.record);
	if (emit->writer && (emit->whole || !target.is_committed))
		STP_TRY(write_record(worker, &target.record, err));
	return emit->counts_only
	           ? STP_OK
	           : stp_bin_add(&worker->bin, &target.record, run->digest_bytes, err);
}

static enum stp_errc take_group(struct emit_worker *worker, const struct stp_merge_group *group,
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
		/* Before hashing, the file would be a target; after it, it was at fault. */
		if (emit->counts_only) {
			count_target(&worker->tally, &decision, decision.entry);
			return STP_OK;
		}
		if (stp_keyset_has(&emit->run->hashed.unsettled_keys, group->key))
			return keep_target(worker, &decision, err);
		return drop_target(worker, &decision, err);
	case STP_VERDICT_NONE:
	case STP_VERDICT_REMOVED:
	default:
		return drop_target(worker, &decision, err);
	}
}

/* --- one bin --------------------------------------------------------------------------------- */

/* Makes room for body_bytes and the envelope; old bytes are not kept. */
static enum stp_errc document_reserve(struct document *document, size_t body_bytes,
                                      struct stp_err *err)
{
	size_t needed = body_bytes + STP_ENVELOPE_BYTES;

	document->body_bytes = body_bytes;
	if (needed <= document->capacity)
		return STP_OK;
	free(document->bytes);
	document->capacity = 0;
	/* A quarter more: the next bin of this slot is a little larger as often as not. */
	document->bytes = malloc(needed + needed / 4);
	if (!document->bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", document->name,
		                      "no memory for %zu bytes", needed);
	document->capacity = needed + needed / 4;
	return STP_OK;
}

/* Sorts and encodes the collected bin into slot's document, and starts the next bin. */
static enum stp_errc close_bin(struct emit_worker *worker, uint32_t bin_index, size_t slot,
                               struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct document *document = &worker->documents[slot];
	unsigned hash_set = emit->run->config.hash_set;
	char role[STP_BIN_NAME_BYTES];
	uint64_t started = stp_clock_monotonic_ns();
	size_t targets_bytes;
	uint8_t *at;

	if (emit->counts_only)
		return STP_OK;
	stp_bin_sort(&worker->bin);
	targets_bytes = stp_bin_write_bytes(&worker->bin, hash_set);
	STP_TRY(
	    document_reserve(document, emit->head_bytes + targets_bytes + emit->tail_bytes, err));
	at = document->bytes + STP_ENVELOPE_HEAD_BYTES;
	memcpy(at, emit->head, emit->head_bytes);
	at = stp_bin_write(&worker->bin, hash_set, at + emit->head_bytes);
	memcpy(at, emit->tail, emit->tail_bytes);
	STP_ASSERT(at + emit->tail_bytes ==
	           document->bytes + STP_ENVELOPE_HEAD_BYTES + document->body_bytes);
	stp_bin_name(&emit->run->config, bin_index, role);
	snprintf(document->name, sizeof(document->name), "%llu.%s.json",
	         (unsigned long long)emit->run->version, role);
	emit->run->bin_lengths[bin_index] = document->body_bytes + STP_ENVELOPE_BYTES;
	stp_bin_reset(&worker->bin);
	stp_sign_add_seconds(&worker->tally.seconds.bins, started);
	return STP_OK;
}

/* --- one group ------------------------------------------------------------------------------- */

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
		STP_TRY(take_group(worker, &group, err));
	}
}

static enum stp_errc audit_group(struct emit_worker *worker, uint32_t first_bin,
                                 struct stp_err *err)
{
	struct stp_sign_run *run = worker->emit->run;
	uint32_t i;

	for (i = 0; i < worker->emit->group_bins; i++) {
		char role[STP_BIN_NAME_BYTES];

		stp_bin_name(&run->config, first_bin + i, role);
		STP_TRY(stp_audit_add(run->audit, run->now, role, run->version,
		                      worker->sign_docs[i].challenge, err));
	}
	return STP_OK;
}

/* Signs the group's documents, checks them, writes the audit lines and the files. */
static enum stp_errc seal_group(struct emit_worker *worker, uint64_t group_index,
                                struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_sign_run *run = emit->run;
	uint32_t count = emit->group_bins;
	uint64_t started = stp_clock_monotonic_ns();
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct document *document = &worker->documents[i];

		worker->sign_docs[i].name = document->name;
		worker->sign_docs[i].bytes = document->bytes;
		worker->sign_docs[i].body_bytes = document->body_bytes;
		worker->files[i].name = document->name;
		worker->files[i].bytes = document->bytes;
		worker->files[i].count = document->body_bytes + STP_ENVELOPE_BYTES;
		bytes += worker->files[i].count;
	}
	STP_TRY(stp_sign_batch(worker->signer, worker->sign_docs, count, err));
	STP_TRY(stp_sign_check_batch(worker->signer, worker->sign_docs, count, err));
	STP_TRY(audit_group(worker, (uint32_t)group_index * count, err));
	stp_sign_add_seconds(&worker->tally.seconds.sign, started);
	started = stp_clock_monotonic_ns();
	STP_TRY(stp_publish_put(run->publisher, worker->index, worker->files, count, err));
	stp_sign_add_seconds(&worker->tally.seconds.publish, started);
	stp_progress_add(run->options->progress, count, bytes);
	return STP_OK;
}

static enum stp_errc do_group(struct emit_worker *worker, uint64_t group_index, struct stp_err *err)
{
	struct emit *emit = worker->emit;
	double bins_before = worker->tally.seconds.bins;
	uint64_t started = stp_clock_monotonic_ns();

	STP_TRY(collect_group(worker, group_index, err));
	stp_sign_add_seconds(&worker->tally.seconds.ledger, started);
	worker->tally.seconds.ledger -= worker->tally.seconds.bins - bins_before;
	if (emit->counts_only)
		return STP_OK;
	STP_TRY(seal_group(worker, group_index, err));
	started = stp_clock_monotonic_ns();
	STP_TRY(stp_segment_append(emit->writer, worker->part, group_index, err));
	stp_sign_add_seconds(&worker->tally.seconds.ledger, started);
	return STP_OK;
}

/* --- workers --------------------------------------------------------------------------------- */

static enum stp_errc prepare_worker(struct emit_worker *worker, struct stp_err *err)
{
	struct emit *emit = worker->emit;
	struct stp_sign_run *run = emit->run;

	uint64_t started;

	stp_bin_init(&worker->bin);
	STP_TRY(stp_merge_create(&emit->compared.sources, &worker->merge, err));
	if (emit->counts_only)
		return STP_OK;
	started = stp_clock_monotonic_ns();
	STP_TRY(stp_signer_create(run->key, run->features, &worker->signer, err));
	stp_sign_add_seconds(&worker->tally.seconds.sign, started);
	STP_TRY(stp_segment_part_create(emit->writer, 0, &worker->part, err));
	worker->documents = calloc(emit->group_bins, sizeof(*worker->documents));
	worker->sign_docs = calloc(emit->group_bins, sizeof(*worker->sign_docs));
	worker->files = calloc(emit->group_bins, sizeof(*worker->files));
	if (!worker->documents || !worker->sign_docs || !worker->files)
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for %u documents",
		                      emit->group_bins);
	return STP_OK;
}

static void release_worker(struct emit_worker *worker)
{
	uint32_t i;

	for (i = 0; worker->documents && i < worker->emit->group_bins; i++)
		free(worker->documents[i].bytes);
	free(worker->documents);
	free(worker->sign_docs);
	free(worker->files);
	stp_bin_release(&worker->bin);
	if (worker->part)
		stp_segment_part_destroy(worker->part);
	if (worker->signer)
		stp_signer_destroy(worker->signer);
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
	/* Those who wait for this worker's ticket must not wait for ever. */
	if (code != STP_OK && emit->writer)
		stp_segment_cancel(emit->writer);
	release_worker(worker);
	return code;
}

/* Groups of bins so large that a group's documents take about GROUP_BYTES. Depends on the input
 * only, never on the number of workers: the ledger's parts are cut by it. */
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
	report->list_repeats = stp_list_reuse_repeats(&emit->run->collected->list);
	stp_removals_release(&emit->run->removals);
	for (i = 0; i < emit->run->worker_count; i++) {
		struct tally *tally = &emit->workers[i].tally;

		report->targets += tally->targets;
		report->target_bytes = stp_sum_add(report->target_bytes, tally->target_bytes);
		report->list_repeats += tally->list_repeats;
		stp_removals_merge(&emit->run->removals, &tally->removals);
		stp_target_counts_merge(&changes, &tally->changes);
		stp_target_counts_release(&tally->changes);
		worked.ledger += tally->seconds.ledger;
		worked.bins += tally->seconds.bins;
		worked.sign += tally->seconds.sign;
		worked.publish += tally->seconds.publish;
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
	report->files_removed = emit->run->removals.count;
	report->targets_before = emit->run->removals.before;
}

/* Takes over the new segment, or drops it when nothing changed. */
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

static enum stp_errc run_workers(struct emit *emit, struct stp_err *err)
{
	struct stp_sign_run *run = emit->run;
	double wall_s = 0;
	double *stage;
	enum stp_errc code;

	emit->head_bytes = stp_bin_body_head(run->now + run->config.expiry.bin_n, emit->head);
	if (!emit->counts_only) /* then no version is reserved and no bin is written */
		emit->tail_bytes = stp_bin_body_tail(run->version, emit->tail);
	choose_groups(emit);
	stp_progress_stage(run->options->progress, "sign", stp_bin_count(&run->config), 0);
	if (!emit->counts_only) {
		emit->whole =
		    stp_ledger_generation(run->ledger) == 0 ||
		    stp_ledger_refused_count(run->ledger) != 0 || run->damage.total != 0 ||
		    run->recovered.has_published ||
		    stp_ledger_wants_base(run->ledger, run->report->files_hashed + run->renumbered);
		STP_TRY(stp_ledger_begin(run->ledger,
		                         emit->whole ? STP_SEGMENT_BASE : STP_SEGMENT_DELTA,
		                         &emit->writer, err));
	}
	stage = stp_sign_stage(run, &wall_s);
	code = stp_workers_run(run->jobs, "sign", emit_worker_main, emit, run->cancel, err);
	stp_sign_stage(run, stage);
	add_tally(emit, wall_s);
	run->report->counted = code == STP_OK;
	return close_ledger(emit, code, err);
}

static enum stp_errc emit_all(struct stp_sign_run *run, int counts_only, struct stp_err *err)
{
	struct emit emit = {.run = run, .compared = STP_COMPARED_INIT, .counts_only = counts_only};
	double *stage = stp_sign_stage(run, &run->report->seconds.ledger);
	enum stp_errc code;

	STP_TRY(stp_now_check(run->now, "the time of signing", err));

	free(run->bin_lengths);
	run->bin_lengths = calloc(stp_bin_count(&run->config), sizeof(*run->bin_lengths));
	emit.workers = calloc(run->worker_count, sizeof(*emit.workers));
	if (!run->bin_lengths || !emit.workers) {
		free(emit.workers);
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for the workers");
	}
	code = stp_comparison_open(&run->comparison, &emit.compared, err);
	if (code == STP_OK)
		code = run_workers(&emit, err);
	stp_compared_release(&emit.compared);
	free(emit.workers);
	stp_sign_stage(run, stage);
	return code;
}

enum stp_errc stp_sign_emit(struct stp_sign_run *run, struct stp_err *err)
{
	return emit_all(run, run->options->dry_run, err);
}

enum stp_errc stp_sign_survey(struct stp_sign_run *run, uint64_t removed_min, struct stp_err *err)
{
	int stops = run->faults.total && run->options->on_fault == STP_ON_FAULT_STOP;

	/* A dry run counts anyway, and where faults stop the run they are the reason. */
	if (run->options->dry_run || stops ||
	    removed_min <= stp_removals_allowed(run, stp_removals_before(run)))
		return STP_OK;
	STP_TRY(emit_all(run, 1, err));
	return stp_removals_check(run, err);
}
