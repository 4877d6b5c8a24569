/* SPDX-License-Identifier: Apache-2.0 */
#include "sort/memory.h"

#include <string.h>
#include <sys/mman.h>

/* Address space that uses memory only where it is touched. */
static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

enum stp_errc stp_sort_memory_map(struct stp_sort_memory *memory, size_t budget_bytes,
                                  size_t record_bytes_min, const char *stage, struct stp_err *err)
{
	memset(memory, 0, sizeof(*memory));
	memory->budget_bytes = budget_bytes;
	memory->records_mapped = budget_bytes;
	memory->items_mapped = (budget_bytes / record_bytes_min + 1) * sizeof(struct stp_sort_item);
	memory->records = map(memory->records_mapped);
	memory->items = map(memory->items_mapped);
	if (!memory->records || !memory->items) {
		enum stp_errc code = STP_FAIL_SYS(err, stage, NULL,
		                                  "cannot get %zu bytes for records", budget_bytes);

		stp_sort_memory_unmap(memory);
		return code;
	}
	/* Sorted records are gathered from all over; large pages save most of the page walks. */
	madvise(memory->records, memory->records_mapped, MADV_HUGEPAGE);
	return STP_OK;
}

void stp_sort_memory_unmap(struct stp_sort_memory *memory)
{
	if (memory->records)
		munmap(memory->records, memory->records_mapped);
	if (memory->items)
		munmap(memory->items, memory->items_mapped);
	memset(memory, 0, sizeof(*memory));
}

void stp_sort_memory_clear(struct stp_sort_memory *memory)
{
	memory->records_used = 0;
	memory->count = 0;
}

enum stp_errc stp_sort_memory_sort(struct stp_sort_memory *memory, stp_sort_compare_fn *compare,
                                   const char *stage, struct stp_err *err)
{
	size_t bytes = memory->count * sizeof(struct stp_sort_item);
	struct stp_sort_item *scratch;

	if (memory->count < 2)
		return STP_OK;
	scratch = map(bytes);
	if (!scratch)
		return STP_FAIL_SYS(err, stage, NULL, "cannot get %zu bytes to sort", bytes);
	stp_sort_items(memory->items, scratch, memory->count, memory->records, compare);
	munmap(scratch, bytes);
	return STP_OK;
}
