/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internals of the ledger, shared by ledger.c (generations) and checkpoint.c
 * (stp_ledger_put()): its state, the reports of damage, and the list of its checkpoints.
 *
 * Shape      segments newest first; checkpoints newest first.
 * Memory     heap; the seal key in locked memory.
 * Ownership  stp_ledger_close() frees all.
 * Threads    collect: any thread under its lock. Everything else: one thread.
 */
#ifndef STP_LEDGER_LEDGER_STATE_H
#define STP_LEDGER_LEDGER_STATE_H

#include <pthread.h>

#include "ledger/manifest.h"
#include "ledger/run.h"

struct stp_checkpoint {
	char name[STP_SEGMENT_NAME_MAX + 1];
	uint64_t number; /* of the newest flush in it */
	uint64_t level;
	struct stp_segment *segment; /* NULL until it is read */
	int is_lent;                 /* a merge may be reading it */
};

/* The records that put() gathers for the next checkpoint. */
struct stp_collect {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct stp_run_builder *builder; /* NULL: nothing since the last flush */
	size_t bytes;
	uint64_t flushed_ns;
	int is_flushing; /* one thread writes a checkpoint or merges some */
};

struct stp_ledger {
	struct stp_ledger_options options;
	uint8_t *seal_key;
	int folder_fd; /* -1: read-only, and there is none */
	struct stp_manifest manifest;
	uint64_t next_generation;
	struct stp_segment *segments[STP_LEDGER_SEGMENTS_MAX]; /* those that could be opened */
	size_t segment_count;
	int is_whole; /* all segments of the manifest are usable */
	size_t refused_count;

	struct stp_checkpoint *checkpoints; /* by number, newest first */
	size_t checkpoint_count;
	size_t checkpoint_capacity;
	uint64_t next_number;
	struct stp_segment **retired; /* merged away while a merge may read them */
	size_t retired_count;
	size_t retired_capacity;
	struct stp_collect collect;

	int has_prepared;
	struct stp_manifest_entry prepared;
};

/* Reports what is broken: moves err's text to the damage list. */
void stp_ledger_refuse(struct stp_ledger *ledger, const struct stp_err *err);

/* The options of the next generation's segments. */
struct stp_segment_options stp_ledger_segment_options(const struct stp_ledger *ledger,
                                                      enum stp_segment_kind kind);

/* Adds a checkpoint file as the newest of its number. */
enum stp_errc stp_ledger_add_checkpoint(struct stp_ledger *ledger,
                                        const struct stp_checkpoint *checkpoint,
                                        struct stp_err *err) STP_MUST_CHECK;

/* Opens checkpoint index if it is not open; a failure is reported as damage, and *out_segment is
 * NULL. */
void stp_ledger_open_checkpoint(struct stp_ledger *ledger, size_t index,
                                struct stp_segment **out_segment);

/* Creates and destroys ledger->collect, where put() gathers records (checkpoint.c). */
void stp_collect_init(struct stp_ledger *ledger);
void stp_collect_release(struct stp_ledger *ledger);

#endif
