/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that wait for the hash stage: put by any worker, sorted, handed out to any worker.
 *
 *	put() ─▶ [arena per worker] ─▶ gather() ─▶ [ large, largest first | small, by inode ]
 *	                               next() ─▶ worker, one item at a time
 *
 * Large files go first, so that one worker with one huge file does not finish long after the
 * others. Files that fit in one chunk count as equally large and are sorted by inode number: file
 * systems place small files in about that order, so that neighbours on the disk are requested
 * together and become one request (engine/decisions/0121-reading.md). Items are handed out one by
 * one; how many large ones a worker may have at a time is up to the stage.
 *
 * Where files are hashed with different algorithms, each set is a group: the stage runs once per
 * group.
 *
 * Shape      reusable: reset, put, gather, then next_group and next until both return no more. Each
 *            item is handed out once.
 * Memory     arenas for what is put, and during gather 48 more bytes per item (24 of them until the
 *            next reset).
 * Ownership  what is put is copied, its extra bytes are the caller's to fill; items are valid until
 *            reset or destroy.
 * Threads    put and alloc from any worker with its own index, next from any worker; all else from
 *            one thread while no worker does either.
 */
#ifndef STP_DIGEST_QUEUE_H
#define STP_DIGEST_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "record/record.h"

struct stp_digest_queue;

struct stp_digest_item {
	struct stp_digest_item *put_before; /* by the same worker */
	uint64_t length;                    /* as it was when the item was put */
	uint64_t ino;
	void *extra;
	uint16_t group;
	uint16_t path_bytes;
	char path[]; /* NUL-terminated */
};

/* worker_count: of those who put; at least 1. */
enum stp_errc stp_digest_queue_create(size_t worker_count, struct stp_digest_queue **out_queue,
                                      struct stp_err *err) STP_MUST_CHECK;
void stp_digest_queue_destroy(struct stp_digest_queue *queue);

/* Forgets all items. */
void stp_digest_queue_reset(struct stp_digest_queue *queue);

/* Adds the file that record names, with its path, length and inode number. The item's extra points
 * to extra_bytes zeros, aligned to 16, or is NULL when extra_bytes is 0. */
enum stp_errc stp_digest_queue_put(struct stp_digest_queue *queue, size_t worker,
                                   const struct stp_record *record, unsigned group,
                                   size_t extra_bytes, struct stp_digest_item **out_item,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Memory that is valid as long as the worker's items; NULL when memory is short. */
void *stp_digest_queue_alloc(struct stp_digest_queue *queue, size_t worker, size_t bytes);

/* Sorts all items; returns their number and bytes. */
enum stp_errc stp_digest_queue_gather(struct stp_digest_queue *queue, size_t *out_count,
                                      uint64_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

/* Item index of the gathered items, in their order. */
const struct stp_digest_item *stp_digest_queue_at(const struct stp_digest_queue *queue,
                                                  size_t index);

/* Advances to the next group, in ascending order; 0 when there is none. */
int stp_digest_queue_next_group(struct stp_digest_queue *queue, unsigned *out_group);

/* The next item of the group, or NULL when there is none. */
struct stp_digest_item *stp_digest_queue_next(struct stp_digest_queue *queue);

/* Whether all items of the group are handed out. */
int stp_digest_queue_is_used_up(const struct stp_digest_queue *queue);

/* The record that the stage needs for an item; and the item of a record that the stage returns. */
void stp_digest_item_record(const struct stp_digest_item *item, struct stp_record *out);
struct stp_digest_item *stp_digest_item_of(const struct stp_record *record);

#endif
