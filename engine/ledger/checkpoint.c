/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: finished work becomes durable every few seconds, in segments that the next run
 * reads like any other.
 *
 *	put ─▶ [run, in memory] ─ every 3 s ─▶ 17.0.checkpoint ─┐
 *	                                       18.0.checkpoint ─┼─ 16 of them ─▶ 32.1.checkpoint
 *	                                       …               ─┘
 *
 * A long bootstrap would leave thousands of them, and a merge needs a buffer for each; so 16 of
 * one level are merged into one of the next, which writes each record once per level: four times in
 * a run of eleven hours. Numbers grow, and a merged checkpoint keeps the newest number of its
 * parts, so order by number stays order in time. A crash between the commit of the merged one and
 * the removal of its parts leaves records twice, which is harmless: they are the same.
 *
 * One thread flushes at a time, the one whose put found it due; the others continue to put into the
 * next run, and wait only when that is full as well.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "ledger/codec.h"
#include "ledger/ledger_state.h"

#define COLLECT_BYTES ((size_t)16 << 20)
#define FANOUT        16

void stp_collect_init(struct stp_ledger *ledger)
{
	pthread_mutex_init(&ledger->collect.lock, NULL);
	pthread_cond_init(&ledger->collect.idle, NULL);
	ledger->collect.flushed_ns = stp_clock_monotonic_ns();
}

void stp_collect_release(struct stp_ledger *ledger)
{
	stp_run_destroy(ledger->collect.builder);
	pthread_cond_destroy(&ledger->collect.idle);
	pthread_mutex_destroy(&ledger->collect.lock);
}

/* Writes the groups of sources to a new segment name: the first item of each group, or the last
 * when newest_last is set. It is durable afterwards. */
static enum stp_errc write_segment(struct stp_ledger *ledger, const char *name,
                                   enum stp_segment_kind kind, const struct stp_sources *sources,
                                   int newest_last, struct stp_err *err)
{
	struct stp_segment_options options = stp_ledger_segment_options(ledger, kind);
	struct stp_key_range all = stp_key_range_all();
	struct stp_segment_writer *writer = NULL;
	struct stp_merge *merge = NULL;
	struct stp_merge_group group = {0};
	enum stp_errc code;

	code = stp_segment_create(ledger->folder_fd, name, &options, &writer, err);
	if (code == STP_OK)
		code = stp_merge_create(sources, &merge, err);
	if (code == STP_OK)
		code = stp_merge_seek(merge, &all, err);
	while (code == STP_OK) {
		code = stp_merge_next(merge, &group, err);
		if (code != STP_OK || !group.key)
			break;
		code = stp_segment_add(writer,
		                       &group.items[newest_last ? group.count - 1 : 0].record, err);
	}
	stp_merge_destroy(merge);
	if (code == STP_OK)
		return stp_segment_commit(writer, NULL, err);
	stp_segment_abort(writer);
	return code;
}

/* Drops checkpoint index and removes its file; a segment that a merge may be reading stays open. */
static enum stp_errc retire(struct stp_ledger *ledger, size_t index, struct stp_err *err)
{
	struct stp_checkpoint *checkpoint = &ledger->checkpoints[index];

	if (checkpoint->segment && checkpoint->is_lent) {
		if (!STP_ARRAY_RESERVE(ledger->retired, ledger->retired_capacity,
		                       ledger->retired_count + 1))
			return STP_FAIL_ERRNO(err, ENOMEM, "ledger", checkpoint->name,
			                      "no memory to merge it");
		ledger->retired[ledger->retired_count++] = checkpoint->segment;
	} else {
		stp_segment_close(checkpoint->segment);
	}
	unlinkat(ledger->folder_fd, checkpoint->name, 0);
	ledger->checkpoint_count--;
	memmove(checkpoint, checkpoint + 1,
	        (ledger->checkpoint_count - index) * sizeof(*checkpoint));
	return STP_OK;
}

static struct stp_checkpoint name_checkpoint(uint64_t number, uint64_t level)
{
	struct stp_checkpoint checkpoint = {.number = number, .level = level};

	snprintf(checkpoint.name, sizeof(checkpoint.name), "%llu.%llu.checkpoint.segment",
	         (unsigned long long)number, (unsigned long long)level);
	return checkpoint;
}

static size_t count_level(const struct stp_ledger *ledger, uint64_t level, size_t *out_first)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < ledger->checkpoint_count; i++) {
		if (ledger->checkpoints[i].level != level)
			continue;
		if (!count++)
			*out_first = i;
	}
	return count;
}

/* Merges all checkpoints of level into one of the next. */
static enum stp_errc merge_level(struct stp_ledger *ledger, uint64_t level, size_t first,
                                 struct stp_err *err)
{
	struct stp_checkpoint merged =
	    name_checkpoint(ledger->checkpoints[first].number, level + 1);
	struct stp_sources sources = STP_SOURCES_INIT;
	enum stp_errc code = STP_OK;
	size_t i;

	for (i = first; i < ledger->checkpoint_count && code == STP_OK; i++) {
		struct stp_source source = {.borrowed = 1, .is_ledger = 1};

		if (ledger->checkpoints[i].level != level)
			continue;
		stp_ledger_open_checkpoint(ledger, i, &source.segment);
		if (source.segment)
			code = stp_sources_add(&sources, source, err);
	}
	if (code == STP_OK)
		code = write_segment(ledger, merged.name, STP_SEGMENT_CHECKPOINT, &sources, 0, err);
	stp_sources_release(&sources);
	for (i = first; i < ledger->checkpoint_count && code == STP_OK;) {
		if (ledger->checkpoints[i].level == level)
			code = retire(ledger, i, err);
		else
			i++;
	}
	STP_TRY(code);
	return stp_ledger_add_checkpoint(ledger, &merged, err);
}

/* Writes builder's records as the next checkpoint, then merges levels that are full. Called only by
 * the thread that is flushing. */
static enum stp_errc write_checkpoint(struct stp_ledger *ledger, struct stp_run_builder *builder,
                                      struct stp_err *err)
{
	struct stp_checkpoint checkpoint = name_checkpoint(ledger->next_number, 0);
	struct stp_sources sources = STP_SOURCES_INIT;
	enum stp_errc code = stp_run_finish(builder, &sources, err);
	uint64_t level;
	size_t first = 0;

	if (code == STP_OK)
		code = write_segment(ledger, checkpoint.name, STP_SEGMENT_CHECKPOINT, &sources, 1,
		                     err);
	stp_sources_release(&sources);
	STP_TRY(code);
	STP_TRY(stp_ledger_add_checkpoint(ledger, &checkpoint, err));
	for (level = 0; count_level(ledger, level, &first) >= FANOUT; level++)
		STP_TRY(merge_level(ledger, level, first, err));
	return STP_OK;
}

/* Adds record to the run being gathered; under the lock. */
static enum stp_errc collect(struct stp_ledger *ledger, const struct stp_record *record,
                             struct stp_err *err)
{
	if (!ledger->collect.builder) {
		struct stp_run_options options = {
		    .spill_fd = ledger->folder_fd,
		    .hash_set = ledger->options.hash_set,
		    .budget_bytes = 2 * COLLECT_BYTES,
		};

		STP_TRY(stp_run_create(&options, &ledger->collect.builder, err));
	}
	STP_TRY(stp_run_add(ledger->collect.builder, record, err));
	/* An upper bound of the bytes that the run counts for a record. */
	ledger->collect.bytes += STP_RECORD_HEAD_BYTES + 256 + record->path_bytes;
	return STP_OK;
}

/* Called under the lock: detaches what was gathered, and writes it with the lock released. */
static enum stp_errc flush_locked(struct stp_ledger *ledger, struct stp_err *err)
{
	struct stp_run_builder *builder = ledger->collect.builder;
	enum stp_errc code;

	ledger->collect.builder = NULL;
	ledger->collect.bytes = 0;
	if (!builder)
		return STP_OK;
	ledger->collect.is_flushing = 1;
	pthread_mutex_unlock(&ledger->collect.lock);
	code = write_checkpoint(ledger, builder, err);
	stp_run_destroy(builder);
	pthread_mutex_lock(&ledger->collect.lock);
	ledger->collect.is_flushing = 0;
	ledger->collect.flushed_ns = stp_clock_monotonic_ns();
	pthread_cond_broadcast(&ledger->collect.idle);
	return code;
}

enum stp_errc stp_ledger_put(struct stp_ledger *ledger, const struct stp_record *record,
                             struct stp_err *err)
{
	struct stp_collect *collected = &ledger->collect;
	enum stp_errc code;
	int is_full;

	STP_ASSERT(!ledger->options.read_only);
	pthread_mutex_lock(&collected->lock);
	while (collected->is_flushing && collected->bytes >= COLLECT_BYTES)
		pthread_cond_wait(&collected->idle, &collected->lock);
	code = collect(ledger, record, err);
	is_full =
	    collected->bytes >= COLLECT_BYTES || stp_clock_monotonic_ns() - collected->flushed_ns >=
	                                             STP_CHECKPOINT_SECONDS * 1000000000ULL;
	if (code == STP_OK && is_full && !collected->is_flushing)
		code = flush_locked(ledger, err);
	pthread_mutex_unlock(&collected->lock);
	return code;
}

enum stp_errc stp_ledger_flush(struct stp_ledger *ledger, struct stp_err *err)
{
	enum stp_errc code;

	STP_ASSERT(!ledger->options.read_only);
	pthread_mutex_lock(&ledger->collect.lock);
	while (ledger->collect.is_flushing)
		pthread_cond_wait(&ledger->collect.idle, &ledger->collect.lock);
	code = flush_locked(ledger, err);
	pthread_mutex_unlock(&ledger->collect.lock);
	return code;
}
