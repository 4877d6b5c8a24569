/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker of the hash stage: a reader and a hasher in one thread.
 *
 *	fill    while the reader has room: next() ─▶ submit
 *	hash    while every lane has a chunk: run the lanes, release buffers, feed the next chunks
 *	read    take what has arrived without waiting
 *	wait    when nothing arrived: for the disk, or, when every file in flight has its chunk in
 *	        the hasher already, by hashing with empty lanes
 *
 * From the page cache, a handful of reads complete at once and are hashed while they are in L2.
 * From the disk, nothing completes at once, so the queue grows to its full depth before the worker
 * waits.
 *
 * Large files are shared evenly while there are any (may_take_more()): a worker that accepted as
 * many as its reader can hold could get all of them, and the others none.
 *
 * A file is done when the reader has reported that it did not change and the hasher has returned
 * the digests, whichever comes later. Nothing of a file that changed is used: its stream starts
 * again.
 */
#include "digest/stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/thread.h"
#include "digest/fill.h"
#include "digest/serial.h"
#include "hash/hash.h"

#define STAGE      "hash"
#define TRIES_MAX  4 /* the first try and three more */
#define FILE_COUNT 256
/* Descriptors reserved for the rest of the process: rings, the ledger, the scan. */
#define OTHER_DESCRIPTORS 128
#define THREAD_TOTAL      64 /* pread: of all workers, as many as a disk's queue holds */
#define NO_BUFFER         UINT32_MAX
/* From this size on a file keeps a lane busy for a millisecond and has as many reads in flight as a
 * file may have. */
#define LARGE_BYTES (STP_READ_AHEAD * STP_READ_CHUNK_BYTES)

struct item {
	struct stp_record record;
	struct stp_hash_stream stream;
	struct stp_hash_job job;
	uint32_t job_buffer;  /* the buffer that job hashes, or NO_BUFFER when none */
	uint32_t first_chunk; /* delivered chunks that wait for the job, by buffer */
	uint32_t last_chunk;
	unsigned tries;
	int has_ended; /* DONE or FAULT has come */
	int is_fault;
	int is_finished; /* digests are complete */
	int is_large;
	int is_active;        /* taken from next(), neither done nor failed */
	uint64_t shown_bytes; /* of this try, in options->shown */
	struct stp_read_event end;
	struct item *next; /* in the free or retry list */
	uint8_t digests[32 + 64 + 32];
};

struct chunk {
	const uint8_t *data;
	size_t bytes;
	int last;
	uint32_t next;
};

struct stage;

struct worker {
	const struct stp_hash_stage_options *options;
	stp_hash_next_fn *next;
	stp_hash_done_fn *done;
	void *ctx;
	size_t index;
	size_t file_count; /* in flight at most */
	int root_fd;       /* stp_folder_again(), or -1 */
	struct stp_reader *reader;
	struct stp_hasher *hasher;
	struct item *items;
	struct item *free_items;
	struct item *retries;
	struct chunk *chunks; /* by buffer */
	size_t active_count;  /* items in use */
	size_t lane_count;
	int is_exhausted;   /* next() returned no more files */
	int last_was_large; /* the last file from next() */
	size_t large_count; /* large items in use */
	const struct stage *stage;
};

struct stage {
	const struct stp_hash_stage_options *options;
	size_t file_count;
	stp_hash_next_fn *next;
	stp_hash_done_fn *done;
	void *ctx;
	/* By worker: large files in flight. Relaxed: a hint for sharing that orders nothing. */
	atomic_size_t *large_counts;
};

/* --- one file -------------------------------------------------------------------------------- */

static void start_item(struct worker *worker, struct item *item)
{
	stp_hash_stream_init(&item->stream, worker->options->hash_set);
	item->job_buffer = NO_BUFFER;
	item->first_chunk = NO_BUFFER;
	item->has_ended = 0;
	item->is_fault = 0;
	item->is_finished = 0;
	item->shown_bytes = 0;
	item->tries++;
	stp_reader_submit(worker->reader, item->record.path, item->record.length, item);
}

/* Submits the next delivered chunk to the hasher when it has none of this file. */
static void feed(struct worker *worker, struct item *item)
{
	const struct chunk *chunk;

	if (item->job_buffer != NO_BUFFER || item->first_chunk == NO_BUFFER)
		return;
	item->job_buffer = item->first_chunk;
	chunk = &worker->chunks[item->job_buffer];
	item->first_chunk = chunk->next;
	item->job.stream = &item->stream;
	item->job.data = chunk->data;
	item->job.bytes = chunk->bytes;
	item->job.final = chunk->last;
	item->job.digests = item->digests;
	item->job.user = item;
	stp_hasher_submit(worker->hasher, &item->job);
}

static void drop_chunks(struct worker *worker, struct item *item)
{
	while (item->first_chunk != NO_BUFFER) {
		uint32_t buffer = item->first_chunk;

		item->first_chunk = worker->chunks[buffer].next;
		stp_reader_release(worker->reader, buffer);
	}
}

/* Nobody else writes the count; small files do not change it, since all workers read it. */
static void set_large_count(struct worker *worker, size_t count)
{
	worker->large_count = count;
	atomic_store_explicit(&worker->stage->large_counts[worker->index], count,
	                      memory_order_relaxed);
}

static void free_item(struct worker *worker, struct item *item)
{
	if (item->is_large)
		set_large_count(worker, worker->large_count - 1);
	item->is_active = 0;
	item->next = worker->free_items;
	worker->free_items = item;
	worker->active_count--;
}

static enum stp_errc finish(struct worker *worker, struct item *item, struct stp_err *err)
{
	const struct stp_hash_stage_options *options = worker->options;
	struct stp_record record = item->record;
	enum stp_errc code;

	stp_digest_fill(&record, &item->end.status, options);
	record.digests = item->digests;
	code = worker->done(worker->ctx, worker->index, &record, err);
	if (options->progress)
		atomic_fetch_add_explicit(&options->progress->files, 1, memory_order_relaxed);
	stp_progress_add(options->shown, 1, 0);
	free_item(worker, item);
	return code;
}

/* Handles a file that the reader gave up on: try again, or add a fault. A lack of resources stops
 * the run, since omitting files because of it would be wrong. */
static enum stp_errc give_up(struct worker *worker, struct item *item, struct stp_err *err)
{
	const struct stp_read_event *end = &item->end;

	if (end->code == STP_BUSY)
		return STP_FAIL_ERRNO(err, end->sys_errno, STAGE, item->record.path, "%s",
		                      end->text);
	if (end->code == STP_CHANGED && item->tries < TRIES_MAX) {
		stp_progress_add(worker->options->shown, 0, 0 - item->shown_bytes);
		item->next = worker->retries;
		worker->retries = item;
		return STP_OK;
	}
	stp_progress_add(worker->options->shown, 1, 0);
	stp_fault_add(worker->options->faults, end->code, end->sys_errno, STAGE, item->record.path,
	              item->record.path_bytes, "%s", end->text);
	if (worker->options->failed)
		worker->options->failed(worker->ctx, worker->index, &item->record);
	free_item(worker, item);
	return STP_OK;
}

/* Finishes a file when both the reader and the hasher are done with it. */
static enum stp_errc finish_if_complete(struct worker *worker, struct item *item,
                                        struct stp_err *err)
{
	if (!item->has_ended || item->job_buffer != NO_BUFFER)
		return STP_OK;
	if (item->is_fault) {
		drop_chunks(worker, item);
		return give_up(worker, item, err);
	}
	return item->is_finished ? finish(worker, item, err) : STP_OK;
}

/* --- the four steps -------------------------------------------------------------------------- */

/* Whether this worker may ask for another file while the next ones are large: always until half of
 * its lanes are busy; then only while no other worker has fewer; and never more than its lanes and
 * the chunks that wait for them. */
static int may_take_more(const struct worker *worker)
{
	const struct stage *stage = worker->stage;
	size_t mine = worker->large_count;
	size_t i;

	if (!worker->last_was_large || mine < worker->lane_count / 4)
		return 1;
	for (i = 0; i < stage->options->jobs; i++)
		if (atomic_load_explicit(&stage->large_counts[i], memory_order_relaxed) < mine)
			return 0;
	return mine < worker->lane_count;
}

static void fill(struct worker *worker)
{
	while (stp_reader_has_room(worker->reader)) {
		struct item *item = worker->retries;
		int given;

		if (item) {
			worker->retries = item->next;
			start_item(worker, item);
			continue;
		}
		item = worker->free_items;
		if (!item || worker->is_exhausted || !may_take_more(worker))
			return;
		given = worker->next(worker->ctx, worker->index, &item->record);
		worker->is_exhausted = given == STP_HASH_NEXT_END;
		if (given != STP_HASH_NEXT_FILE)
			return;
		worker->free_items = item->next;
		worker->active_count++;
		item->is_active = 1;
		item->is_large = item->record.length > LARGE_BYTES;
		worker->last_was_large = item->is_large;
		if (item->is_large)
			set_large_count(worker, worker->large_count + 1);
		item->tries = 0;
		start_item(worker, item);
	}
}

/* Handles one finished job from the hasher; 0 when there is none in this mode. */
static int hash_one(struct worker *worker, enum stp_hasher_mode mode, enum stp_errc *out_code,
                    struct stp_err *err)
{
	struct stp_hash_job *job = stp_hasher_next(worker->hasher, mode);
	struct item *item;

	if (!job)
		return 0;
	item = job->user;
	if (worker->options->progress)
		atomic_fetch_add_explicit(&worker->options->progress->bytes, job->bytes,
		                          memory_order_relaxed);
	stp_progress_add(worker->options->shown, 0, job->bytes);
	item->shown_bytes += job->bytes;
	stp_reader_release(worker->reader, item->job_buffer);
	item->job_buffer = NO_BUFFER;
	item->is_finished = job->final;
	if (item->is_fault)
		drop_chunks(worker, item);
	feed(worker, item);
	*out_code = finish_if_complete(worker, item, err);
	return 1;
}

static enum stp_errc take_event(struct worker *worker, const struct stp_read_event *event,
                                struct stp_err *err)
{
	struct item *item = event->user;
	struct chunk *chunk;

	if (event->kind != STP_READ_DATA) {
		item->has_ended = 1;
		item->is_fault = event->kind == STP_READ_FAULT;
		item->end = *event;
		return finish_if_complete(worker, item, err);
	}
	chunk = &worker->chunks[event->buffer];
	chunk->data = event->data;
	chunk->bytes = event->bytes;
	chunk->last = event->last;
	chunk->next = NO_BUFFER;
	if (item->first_chunk == NO_BUFFER)
		item->first_chunk = event->buffer;
	else
		worker->chunks[item->last_chunk].next = event->buffer;
	item->last_chunk = event->buffer;
	feed(worker, item);
	return STP_OK;
}

/* When nothing has arrived: waits for the disk unless further reads could not fill the lanes. */
static enum stp_errc wait_or_drain(struct worker *worker, struct stp_err *err)
{
	size_t hashing = stp_hasher_in_flight(worker->hasher);
	struct stp_read_event event;
	enum stp_errc code = STP_OK;

	if (worker->active_count == 0) {
		stp_digest_idle();
		return STP_OK;
	}
	if (hashing < stp_reader_in_flight(worker->reader) || hashing == 0) {
		if (stp_reader_next(worker->reader, STP_READ_WAIT, &event))
			return take_event(worker, &event, err);
	}
	(void)hash_one(worker, STP_HASHER_DRAIN, &code, err);
	return code;
}

static enum stp_errc worker_step(struct worker *worker, struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	struct stp_read_event event;
	int progressed = 0;

	if (stp_cancelled(worker->options->cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	STP_TRY(stp_reader_check(worker->reader, err));
	fill(worker);
	while (hash_one(worker, STP_HASHER_FED, &code, err)) {
		progressed = 1;
		STP_TRY(code);
	}
	while (stp_hasher_in_flight(worker->hasher) < 2 * worker->lane_count &&
	       stp_reader_next(worker->reader, STP_READ_POLL, &event)) {
		progressed = 1;
		STP_TRY(take_event(worker, &event, err));
	}
	return progressed ? STP_OK : wait_or_drain(worker, err);
}

/* --- workers --------------------------------------------------------------------------------- */

static enum stp_errc create_tables(struct worker *worker, struct stp_err *err)
{
	size_t i;

	worker->items = calloc(FILE_COUNT, sizeof(*worker->items));
	worker->chunks = calloc(stp_reader_buffer_count(worker->reader), sizeof(*worker->chunks));
	if (!worker->items || !worker->chunks)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a worker");
	for (i = 0; i < FILE_COUNT; i++) {
		worker->items[i].next = worker->free_items;
		worker->free_items = &worker->items[i];
	}
	return STP_OK;
}

/* The number of descriptors that a worker may use for files. Raises the soft limit (traditionally
 * 1,024, for the sake of select(), which is not used here) as far as the hard limit allows. */
static size_t files_per_worker(size_t jobs)
{
	struct rlimit limit;
	size_t wanted = jobs * FILE_COUNT + OTHER_DESCRIPTORS;
	size_t each;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return FILE_COUNT;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return FILE_COUNT;
	each = limit.rlim_cur > OTHER_DESCRIPTORS ? (limit.rlim_cur - OTHER_DESCRIPTORS) / jobs : 1;
	return each ? each : 1;
}

/* Starts or stops showing the lanes of this worker to progress. */
static void show_lanes(const struct worker *worker, int are_shown)
{
	struct stp_progress *shown = worker->options->shown;
	int64_t count = (int64_t)stp_hasher_slot_count(worker->hasher);

	if (!shown || worker->index >= STP_JOBS_MAX)
		return;
	if (are_shown)
		stp_hasher_watch(worker->hasher, &shown->lanes[worker->index].busy);
	stp_progress_add_lanes(shown, are_shown ? count : -count);
}

static enum stp_errc create_worker(struct worker *worker, struct stp_err *err)
{
	const struct stp_hash_stage_options *options = worker->options;
	struct stp_reader_options reader = {
	    .root_fd = options->root_fd,
	    .choice = options->io,
	    .file_count_max = worker->file_count,
	    .thread_count = options->jobs < THREAD_TOTAL / 4 ? THREAD_TOTAL / options->jobs : 4,
	    .exact_length = options->exact_length,
	    .cancel = options->cancel,
	};

	if (options->root_fd != AT_FDCWD)
		worker->root_fd = stp_folder_again(options->root_fd);
	if (worker->root_fd >= 0)
		reader.root_fd = worker->root_fd;
	STP_TRY(stp_hasher_create(options->hash_set, options->features, FILE_COUNT, &worker->hasher,
	                          err));
	worker->lane_count = stp_hasher_lane_count(worker->hasher);
	show_lanes(worker, 1);
	reader.start_count = worker->lane_count < 8 ? 8 : worker->lane_count;
	STP_TRY(stp_reader_create(&reader, &worker->reader, err));
	return create_tables(worker, err);
}

/* Returns the records that are in flight when the stage ends early. */
static void fail_active(struct worker *worker)
{
	size_t i;

	for (i = 0; worker->items && worker->options->failed && i < FILE_COUNT; i++)
		if (worker->items[i].is_active)
			worker->options->failed(worker->ctx, worker->index,
			                        &worker->items[i].record);
}

static void release_worker(struct worker *worker)
{
	/* The hasher first: it points into the reader's buffers. */
	if (worker->hasher) {
		show_lanes(worker, 0);
		stp_hasher_destroy(worker->hasher);
	}
	stp_reader_destroy(worker->reader);
	/* The kernel may read their paths up to this point. */
	fail_active(worker);
	stp_fd_close(&worker->root_fd);
	free(worker->chunks);
	free(worker->items);
}

static enum stp_errc worker_main(void *ctx, size_t index, struct stp_err *err)
{
	const struct stage *stage = ctx;
	struct worker worker = {
	    .options = stage->options,
	    .next = stage->next,
	    .done = stage->done,
	    .ctx = stage->ctx,
	    .stage = stage,
	    .index = index,
	    .file_count = stage->file_count,
	    .root_fd = -1,
	};
	enum stp_errc code = create_worker(&worker, err);

	while (code == STP_OK && !(worker.is_exhausted && worker.active_count == 0))
		code = worker_step(&worker, err);
	/* The others need not wait for this worker to accept more. */
	atomic_store_explicit(&stage->large_counts[index], SIZE_MAX, memory_order_relaxed);
	release_worker(&worker);
	return code;
}

enum stp_errc stp_hash_stage_run(const struct stp_hash_stage_options *options,
                                 stp_hash_next_fn *next, stp_hash_done_fn *done, void *ctx,
                                 struct stp_err *err)
{
	struct stage stage = {options, 0, next, done, ctx, NULL};
	enum stp_errc code;

	if (options->jobs == 0)
		return stp_hash_serial_run(options, next, done, ctx, err);
	stage.file_count = files_per_worker(options->jobs);
	stage.large_counts = calloc(options->jobs, sizeof(*stage.large_counts));
	if (!stage.large_counts)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	code = stp_workers_run(options->jobs, "hash", worker_main, &stage, options->cancel, err);
	free(stage.large_counts);
	return code;
}
