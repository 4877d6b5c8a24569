/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window has one holder while it is filling or current, one for each of its files until that is
 * over, and one for each worker that takes from it. So workers take without the lock, and a window
 * without holders is free.
 */
#include "digest/stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/sum.h"
#include "digest/queue.h"

#define STAGE        "hash"
#define WINDOW_COUNT 3
#define POLL_NS      50000000L
/* An item in its arena, and its place in the order. */
#define ITEM_BYTES (sizeof(struct stp_digest_item) + 16 + 24)

struct window {
	struct stp_digest_queue *queue;
	size_t count;
	size_t bytes;
	atomic_size_t holders;
};

struct stp_digest_stream {
	struct stp_digest_stream_options options;
	struct window **taking; /* by worker: the window it takes from, or NULL */

	pthread_mutex_t lock; /* guards all below but holders */
	pthread_cond_t space;
	struct window windows[WINDOW_COUNT];
	struct window *filling; /* NULL: none is free */
	struct window *current; /* NULL before the first */
	uint64_t put_count, put_bytes;
	int has_ended;
	int is_stopped;
	struct stp_err err; /* of sorting a window */
};

/* --- windows --------------------------------------------------------------------------------- */

static int is_full(const struct stp_digest_stream *stream, const struct window *window)
{
	return window->count == stream->options.items_max ||
	       window->bytes >= stream->options.bytes_max;
}

/* Makes a free window the filling one when there is none. */
static void find_filling_locked(struct stp_digest_stream *stream)
{
	size_t i;

	for (i = 0; i < WINDOW_COUNT && !stream->filling; i++) {
		struct window *window = &stream->windows[i];

		/* acquire: the last holder is done with its items */
		if (atomic_load_explicit(&window->holders, memory_order_acquire) != 0)
			continue;
		stp_digest_queue_reset(window->queue);
		window->count = 0;
		window->bytes = 0;
		atomic_store_explicit(&window->holders, 1, memory_order_relaxed);
		stream->filling = window;
		pthread_cond_broadcast(&stream->space);
	}
}

static void let_go_locked(struct stp_digest_stream *stream, struct window *window)
{
	if (window && atomic_fetch_sub_explicit(&window->holders, 1, memory_order_acq_rel) == 1)
		find_filling_locked(stream);
}

static int is_used_up(const struct window *window)
{
	return !window || stp_digest_queue_is_used_up(window->queue);
}

/* Replaces a used-up current window by the filling one, if that is worth it. */
static void turn_locked(struct stp_digest_stream *stream)
{
	struct window *window = stream->filling;
	struct window *old = stream->current;
	uint64_t bytes;
	unsigned group;
	size_t count;

	if (!window || window->count == 0 || stream->err.code != STP_OK)
		return;
	if (!stream->has_ended && !is_full(stream, window) &&
	    window->count < stream->options.items_min)
		return;
	if (stp_digest_queue_gather(window->queue, &count, &bytes, &stream->err) != STP_OK)
		return;
	STP_ASSERT(stp_digest_queue_next_group(window->queue, &group));
	atomic_fetch_add_explicit(&window->holders, count, memory_order_relaxed);
	stream->current = window;
	stream->filling = NULL;
	let_go_locked(stream, old);
	find_filling_locked(stream);
}

/* --- those who put --------------------------------------------------------------------------- */

static enum stp_errc wait_for_space_locked(struct stp_digest_stream *stream, struct stp_err *err)
{
	while (!stream->filling || is_full(stream, stream->filling)) {
		struct timespec until;

		if (stp_cancelled(stream->options.cancel) || stream->is_stopped)
			return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += POLL_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&stream->space, &stream->lock, &until);
	}
	return STP_OK;
}

static enum stp_errc put_locked(struct stp_digest_stream *stream, const struct stp_record *record,
                                struct stp_err *err)
{
	struct window *window = stream->filling;
	struct stp_digest_item *item;

	STP_TRY(stp_digest_queue_put(window->queue, 0, record, 0, 0, &item, err));
	item->extra = window;
	window->count++;
	window->bytes += ITEM_BYTES + record->path_bytes;
	stream->put_count++;
	stream->put_bytes = stp_sum_add(stream->put_bytes, record->length);
	return STP_OK;
}

enum stp_errc stp_digest_stream_put(struct stp_digest_stream *stream,
                                    const struct stp_record *records, size_t count,
                                    struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	size_t i;

	pthread_mutex_lock(&stream->lock);
	for (i = 0; i < count && code == STP_OK; i++) {
		code = wait_for_space_locked(stream, err);
		if (code == STP_OK)
			code = put_locked(stream, &records[i], err);
	}
	pthread_mutex_unlock(&stream->lock);
	return code;
}

void stp_digest_stream_end(struct stp_digest_stream *stream, uint64_t *out_count,
                           uint64_t *out_bytes)
{
	pthread_mutex_lock(&stream->lock);
	stream->has_ended = 1;
	*out_count = stream->put_count;
	*out_bytes = stream->put_bytes;
	pthread_mutex_unlock(&stream->lock);
}

/* --- those who take -------------------------------------------------------------------------- */

/* Makes worker take from the current window, or from the next one. After a failure there are no
 * more files; stop() returns the failure. */
static int join_locked(struct stp_digest_stream *stream, size_t worker)
{
	let_go_locked(stream, stream->taking[worker]);
	stream->taking[worker] = NULL;
	if (is_used_up(stream->current))
		turn_locked(stream);
	if (!is_used_up(stream->current)) {
		stream->taking[worker] = stream->current;
		atomic_fetch_add_explicit(&stream->current->holders, 1, memory_order_relaxed);
		return STP_HASH_NEXT_FILE;
	}
	if (stream->has_ended && (!stream->filling || stream->filling->count == 0))
		return STP_HASH_NEXT_END;
	return stream->err.code == STP_OK ? STP_HASH_NEXT_LATER : STP_HASH_NEXT_END;
}

int stp_digest_stream_next(struct stp_digest_stream *stream, size_t worker, struct stp_record *out)
{
	for (;;) {
		struct window *window = stream->taking[worker];
		struct stp_digest_item *item = window ? stp_digest_queue_next(window->queue) : NULL;
		int given;

		if (item) {
			stp_digest_item_record(item, out);
			return STP_HASH_NEXT_FILE;
		}
		pthread_mutex_lock(&stream->lock);
		given = join_locked(stream, worker);
		pthread_mutex_unlock(&stream->lock);
		if (given != STP_HASH_NEXT_FILE)
			return given;
	}
}

void stp_digest_stream_over(struct stp_digest_stream *stream, const struct stp_record *record)
{
	struct window *window = stp_digest_item_of(record)->extra;

	if (atomic_fetch_sub_explicit(&window->holders, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&stream->lock);
	find_filling_locked(stream);
	pthread_mutex_unlock(&stream->lock);
}

enum stp_errc stp_digest_stream_stop(struct stp_digest_stream *stream, struct stp_err *err)
{
	pthread_mutex_lock(&stream->lock);
	stream->is_stopped = 1;
	pthread_cond_broadcast(&stream->space);
	pthread_mutex_unlock(&stream->lock);
	stp_err_merge(err, &stream->err);
	return stream->err.code;
}

/* --- create and destroy ---------------------------------------------------------------------- */

enum stp_errc stp_digest_stream_create(const struct stp_digest_stream_options *options,
                                       struct stp_digest_stream **out_stream, struct stp_err *err)
{
	struct stp_digest_stream *stream = calloc(1, sizeof(*stream));
	enum stp_errc code = STP_OK;
	pthread_condattr_t attr;
	size_t i;

	if (!stream)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the files to hash");
	stream->options = *options;
	pthread_mutex_init(&stream->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->space, &attr);
	pthread_condattr_destroy(&attr);
	stream->taking = calloc(options->worker_count, sizeof(struct window *));
	if (!stream->taking)
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	for (i = 0; i < WINDOW_COUNT && code == STP_OK; i++)
		code = stp_digest_queue_create(1, &stream->windows[i].queue, err);
	if (code != STP_OK) {
		stp_digest_stream_destroy(stream);
		return code;
	}
	find_filling_locked(stream);
	*out_stream = stream;
	return STP_OK;
}

void stp_digest_stream_destroy(struct stp_digest_stream *stream)
{
	size_t i;

	if (!stream)
		return;
	for (i = 0; i < WINDOW_COUNT; i++)
		stp_digest_queue_destroy(stream->windows[i].queue);
	free(stream->taking);
	pthread_cond_destroy(&stream->space);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}
