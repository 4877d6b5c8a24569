/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue without end in bounded memory: files are put while others are hashed.
 *
 *	put() ─▶ [filling] ─▶ [current, in order] ─▶ next() ─▶ workers ─▶ over()
 *	             ▲             │
 *	             └── free ◀── [old: files still being hashed]
 *
 * Three windows go round, each a queue (digest/queue.h). Producers fill one and wait when none is
 * free; the workers take from the current one, and when it is used up the filling one is sorted and
 * takes its place, if it holds enough. A window is free again when all of its files are over.
 *
 * Shape      each file that is put is handed out once.
 * Memory     three windows of items_max files or bytes_max bytes.
 * Ownership  what is put is copied; a record's path is valid until over().
 * Threads    put, end and stop from any thread; next and over from any worker with its own index.
 */
#ifndef STP_DIGEST_STREAM_H
#define STP_DIGEST_STREAM_H

#include "base/cancel.h"
#include "digest/stage.h"

struct stp_digest_stream;

struct stp_digest_stream_options {
	size_t worker_count;             /* of the stage: max(jobs, 1) */
	size_t items_max;                /* of a window */
	size_t items_min;                /* that a window needs to be used before the end */
	size_t bytes_max;                /* of a window: paths and what goes with them */
	const struct stp_cancel *cancel; /* ends waiting; required */
};

enum stp_errc stp_digest_stream_create(const struct stp_digest_stream_options *options,
                                       struct stp_digest_stream **out_stream,
                                       struct stp_err *err) STP_MUST_CHECK;
void stp_digest_stream_destroy(struct stp_digest_stream *stream);

/* Waits while all windows are full. STP_CANCELLED when the stage is over or was cancelled. */
enum stp_errc stp_digest_stream_put(struct stp_digest_stream *stream,
                                    const struct stp_record *records, size_t count,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Nothing more will be put; sets how much was. */
void stp_digest_stream_end(struct stp_digest_stream *stream, uint64_t *out_count,
                           uint64_t *out_bytes);

/* As stp_hash_next_fn of the stage: the next file, none for now, or no more. */
int stp_digest_stream_next(struct stp_digest_stream *stream, size_t worker, struct stp_record *out);

/* Reports that the file of record, which was handed out, is done or has failed. */
void stp_digest_stream_over(struct stp_digest_stream *stream, const struct stp_record *record);

/* The stage has returned, so nothing waits for it any more. Returns the failure because of which it
 * did not get all files. */
enum stp_errc stp_digest_stream_stop(struct stp_digest_stream *stream,
                                     struct stp_err *err) STP_MUST_CHECK;

#endif
