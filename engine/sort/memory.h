/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in any order → sorted records, in memory and within a budget: spilled runs and sorters
 * fill it until it is full.
 *
 *	records  [ record ][ record ][ record ] …     in the order of adding
 *	items    { prefix, at } { prefix, at } …       in any order, then sorted
 *
 * Shape      at most budget_bytes of records, items, and as many items that sorting needs.
 * Memory     two mappings, touched as they fill; sorting maps one more.
 * Ownership  plain data that may be moved: its last owner unmaps it.
 * Threads    one thread; read-only once it is sorted.
 */
#ifndef STP_SORT_MEMORY_H
#define STP_SORT_MEMORY_H

#include "base/err.h"
#include "sort/items.h"

struct stp_sort_memory {
	size_t budget_bytes;
	uint8_t *records;
	size_t records_mapped;
	size_t records_used;
	struct stp_sort_item *items;
	size_t items_mapped;
	size_t count;
};

/* Empty memory for records of at least record_bytes_min each. stage is for the error's text. */
enum stp_errc stp_sort_memory_map(struct stp_sort_memory *memory, size_t budget_bytes,
                                  size_t record_bytes_min, const char *stage,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Leaves memory as zeros. */
void stp_sort_memory_unmap(struct stp_sort_memory *memory);

/* Forgets all records. */
void stp_sort_memory_clear(struct stp_sort_memory *memory);

/* Whether one more record of that many bytes fits in the budget. */
static inline int stp_sort_memory_fits(const struct stp_sort_memory *memory, size_t record_bytes)
{
	/* Two items per record: sorting needs as much again. */
	return memory->records_used + record_bytes +
	           2 * (memory->count + 1) * sizeof(struct stp_sort_item) <=
	       memory->budget_bytes;
}

/* Where to write a record that fits. */
static inline uint8_t *stp_sort_memory_add(struct stp_sort_memory *memory, uint64_t prefix,
                                           size_t record_bytes)
{
	uint8_t *at = memory->records + memory->records_used;

	memory->items[memory->count++] = (struct stp_sort_item){prefix, memory->records_used};
	memory->records_used += record_bytes;
	return at;
}

/* Record index, in the order of items. */
static inline uint8_t *stp_sort_memory_at(const struct stp_sort_memory *memory, size_t index)
{
	return memory->records + memory->items[index].at;
}

/* Prefetches record index, if it exists: sorted records are scattered in memory. */
static inline void stp_sort_memory_prefetch(const struct stp_sort_memory *memory, size_t index)
{
	const uint8_t *at;

	if (index >= memory->count)
		return;
	at = stp_sort_memory_at(memory, index);
	__builtin_prefetch(at);
	__builtin_prefetch(at + 64);
	__builtin_prefetch(at + 128);
	__builtin_prefetch(at + 192);
}

enum stp_errc stp_sort_memory_sort(struct stp_sort_memory *memory, stp_sort_compare_fn *compare,
                                   const char *stage, struct stp_err *err) STP_MUST_CHECK;

#endif
