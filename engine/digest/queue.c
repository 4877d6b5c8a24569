/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sum.h"
#include "read/reader.h"

#define STAGE      "hash"
#define CHUNKS_MAX ((UINT64_C(1) << 48) - 1)

/* What one worker has put, in cache lines of its own. */
struct part {
	_Alignas(STP_CACHE_LINE) struct stp_arena arena;
	struct stp_digest_item *last;
	size_t count;
};

/* The sort key of an item, next to a pointer to it: sorting touches no item. */
struct slot {
	uint64_t order; /* group and, descending, chunks */
	uint64_t ino;
	struct stp_digest_item *item;
};

struct stp_digest_queue {
	struct part *parts;
	size_t part_count;
	struct slot *slots;
	size_t count;
	size_t end;              /* of the group that is handed out */
	atomic_size_t next_slot; /* may grow beyond end when none is left */
};

enum stp_errc stp_digest_queue_create(size_t worker_count, struct stp_digest_queue **out_queue,
                                      struct stp_err *err)
{
	struct stp_digest_queue *queue = calloc(1, sizeof(*queue));
	size_t i;

	STP_ASSERT(worker_count > 0);
	if (queue)
		queue->parts = stp_lines_alloc(worker_count, sizeof(*queue->parts));
	if (!queue || !queue->parts) {
		free(queue);
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	}
	queue->part_count = worker_count;
	for (i = 0; i < worker_count; i++)
		stp_arena_init(&queue->parts[i].arena, 0);
	*out_queue = queue;
	return STP_OK;
}

void stp_digest_queue_reset(struct stp_digest_queue *queue)
{
	size_t i;

	for (i = 0; i < queue->part_count; i++) {
		queue->parts[i].last = NULL;
		queue->parts[i].count = 0;
		stp_arena_reset(&queue->parts[i].arena);
	}
	free(queue->slots);
	queue->slots = NULL;
	queue->count = 0;
	queue->end = 0;
	atomic_store_explicit(&queue->next_slot, 0, memory_order_relaxed);
}

void stp_digest_queue_destroy(struct stp_digest_queue *queue)
{
	size_t i;

	if (!queue)
		return;
	for (i = 0; i < queue->part_count; i++)
		stp_arena_release(&queue->parts[i].arena);
	free(queue->parts);
	free(queue->slots);
	free(queue);
}

void *stp_digest_queue_alloc(struct stp_digest_queue *queue, size_t worker, size_t bytes)
{
	return stp_arena_alloc(&queue->parts[worker].arena, bytes);
}

enum stp_errc stp_digest_queue_put(struct stp_digest_queue *queue, size_t worker,
                                   const struct stp_record *record, unsigned group,
                                   size_t extra_bytes, struct stp_digest_item **out_item,
                                   struct stp_err *err)
{
	struct part *part = &queue->parts[worker];
	struct stp_digest_item *item =
	    stp_arena_alloc(&part->arena, sizeof(*item) + (size_t)record->path_bytes + 1);
	void *extra = NULL;

	STP_ASSERT(group <= UINT16_MAX);
	if (item && extra_bytes)
		extra = stp_arena_alloc(&part->arena, extra_bytes);
	if (!item || (extra_bytes && !extra))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the files to hash");
	if (extra)
		memset(extra, 0, extra_bytes);
	item->put_before = part->last;
	item->length = record->length;
	item->ino = record->fingerprint.ino;
	item->extra = extra;
	item->group = (uint16_t)group;
	item->path_bytes = record->path_bytes;
	memcpy(item->path, record->path, record->path_bytes);
	item->path[record->path_bytes] = '\0';
	part->last = item;
	part->count++;
	*out_item = item;
	return STP_OK;
}

/* --- gathering ------------------------------------------------------------------------------- */

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a;
	const struct slot *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static struct slot slot_of(struct stp_digest_item *item)
{
	uint64_t chunks = item->length / STP_READ_CHUNK_BYTES;

	if (chunks > CHUNKS_MAX)
		chunks = CHUNKS_MAX;
	return (struct slot){(uint64_t)item->group << 48 | (CHUNKS_MAX - chunks), item->ino, item};
}

enum stp_errc stp_digest_queue_gather(struct stp_digest_queue *queue, size_t *out_count,
                                      uint64_t *out_bytes, struct stp_err *err)
{
	struct stp_digest_item *item;
	size_t total = 0;
	size_t i;

	for (i = 0; i < queue->part_count; i++)
		total += queue->parts[i].count;
	free(queue->slots);
	queue->slots = malloc((total ? total : 1) * sizeof(*queue->slots));
	if (!queue->slots)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for %zu files", total);
	queue->count = 0;
	queue->end = 0;
	*out_bytes = 0;
	for (i = 0; i < queue->part_count; i++)
		for (item = queue->parts[i].last; item; item = item->put_before) {
			queue->slots[queue->count++] = slot_of(item);
			*out_bytes = stp_sum_add(*out_bytes, item->length);
		}
	qsort(queue->slots, queue->count, sizeof(*queue->slots), compare_slots);
	*out_count = queue->count;
	return STP_OK;
}

const struct stp_digest_item *stp_digest_queue_at(const struct stp_digest_queue *queue,
                                                  size_t index)
{
	return queue->slots[index].item;
}

/* --- handing out ----------------------------------------------------------------------------- */

int stp_digest_queue_next_group(struct stp_digest_queue *queue, unsigned *out_group)
{
	size_t first = queue->end;

	if (first == queue->count)
		return 0;
	*out_group = queue->slots[first].item->group;
	while (queue->end < queue->count && queue->slots[queue->end].order >> 48 == *out_group)
		queue->end++;
	atomic_store_explicit(&queue->next_slot, first, memory_order_relaxed);
	return 1;
}

struct stp_digest_item *stp_digest_queue_next(struct stp_digest_queue *queue)
{
	/* relaxed: the order was complete before workers could ask */
	size_t at = atomic_fetch_add_explicit(&queue->next_slot, 1, memory_order_relaxed);

	return at < queue->end ? queue->slots[at].item : NULL;
}

int stp_digest_queue_is_used_up(const struct stp_digest_queue *queue)
{
	return atomic_load_explicit(&queue->next_slot, memory_order_relaxed) >= queue->end;
}

void stp_digest_item_record(const struct stp_digest_item *item, struct stp_record *out)
{
	memset(out, 0, sizeof(*out));
	out->path = item->path;
	out->path_bytes = item->path_bytes;
	out->length = item->length;
}

struct stp_digest_item *stp_digest_item_of(const struct stp_record *record)
{
	return (struct stp_digest_item *)(uintptr_t)(record->path -
	                                             offsetof(struct stp_digest_item, path));
}
