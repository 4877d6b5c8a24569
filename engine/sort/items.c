/* SPDX-License-Identifier: Apache-2.0 */
#include "sort/items.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_COUNT 32

/* The context of a sort, besides the items. */
struct sorted {
	const uint8_t *records;
	stp_sort_compare_fn *compare;
};

/* Order of two items with the same prefix. */
static int compare_full(const struct stp_sort_item *a, const struct stp_sort_item *b,
                        const struct sorted *sorted)
{
	int order = sorted->compare(sorted->records + a->at, sorted->records + b->at);

	if (order)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int compare_items(const void *a, const void *b, void *sorted)
{
	return compare_full(a, b, sorted);
}

static void sort_short(struct stp_sort_item *items, size_t count, const struct sorted *sorted)
{
	size_t i;

	for (i = 1; i < count; i++) {
		struct stp_sort_item item = items[i];
		size_t to = i;

		while (to && (items[to - 1].prefix > item.prefix ||
		              (items[to - 1].prefix == item.prefix &&
		               compare_full(&items[to - 1], &item, sorted) > 0))) {
			items[to] = items[to - 1];
			to--;
		}
		items[to] = item;
	}
}

/* Sorts by the prefix byte at shift and those below it. */
static void sort_from(struct stp_sort_item *items, struct stp_sort_item *scratch, size_t count,
                      int shift, const struct sorted *sorted)
{
	size_t ends[256] = {0};
	size_t sum = 0;
	size_t i;

	if (count <= SHORT_COUNT) {
		sort_short(items, count, sorted);
		return;
	}
	if (shift < 0) {
		qsort_r(items, count, sizeof(*items), compare_items, (void *)(uintptr_t)sorted);
		return;
	}
	for (i = 0; i < count; i++)
		ends[items[i].prefix >> shift & 255]++;
	if (ends[items[0].prefix >> shift & 255] == count) {
		sort_from(items, scratch, count, shift - 8, sorted);
		return;
	}
	for (i = 0; i < 256; i++) {
		size_t here = ends[i];

		ends[i] = sum;
		sum += here;
	}
	for (i = 0; i < count; i++)
		scratch[ends[items[i].prefix >> shift & 255]++] = items[i];
	memcpy(items, scratch, count * sizeof(*items));
	for (i = 0; i < 256; i++) {
		size_t start = i ? ends[i - 1] : 0;

		if (ends[i] - start > 1)
			sort_from(items + start, scratch + start, ends[i] - start, shift - 8,
			          sorted);
	}
}

void stp_sort_items(struct stp_sort_item *items, struct stp_sort_item *scratch, size_t count,
                    const uint8_t *records, stp_sort_compare_fn *compare)
{
	struct sorted sorted = {records, compare};

	sort_from(items, scratch, count, 56, &sorted);
}
