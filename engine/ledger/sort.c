/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting a run: most significant byte first on the first 8 bytes of the key, insertion for what
 * is short.
 *
 * Keys are SHA-256, so they spread evenly: 800,000 records need two rounds of 256 ways, and then
 * about twelve are left in each. Whoever picks paths can at best make equal keys by naming one
 * path often, and those stay in order at linear cost; equal prefixes of different keys cost 2^32
 * hashes a pair, and fall to a comparison sort when there are many.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "ledger/run_source.h"

#define SHORT_COUNT 32

/* Order of two items with the same prefix. */
static int compare_full(const struct stp_run_item *a, const struct stp_run_item *b,
                        const uint8_t *records)
{
	int order = stp_key_compare(records + a->at, records + b->at);

	if (order)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int compare_items(const void *a, const void *b, void *records)
{
	return compare_full(a, b, records);
}

static void sort_short(struct stp_run_item *items, size_t count, const uint8_t *records)
{
	size_t i;

	for (i = 1; i < count; i++) {
		struct stp_run_item item = items[i];
		size_t to = i;

		while (to && (items[to - 1].prefix > item.prefix ||
		              (items[to - 1].prefix == item.prefix &&
		               compare_full(&items[to - 1], &item, records) > 0))) {
			items[to] = items[to - 1];
			to--;
		}
		items[to] = item;
	}
}

/* Sorts by the prefix byte at shift and those below it. */
static void sort_from(struct stp_run_item *items, struct stp_run_item *scratch, size_t count,
                      int shift, const uint8_t *records)
{
	size_t ends[256] = {0};
	size_t sum = 0;
	size_t i;

	if (count <= SHORT_COUNT) {
		sort_short(items, count, records);
		return;
	}
	if (shift < 0) {
		qsort_r(items, count, sizeof(*items), compare_items, (void *)(uintptr_t)records);
		return;
	}
	for (i = 0; i < count; i++)
		ends[items[i].prefix >> shift & 255]++;
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
			          records);
	}
}

void stp_run_sort(struct stp_run_item *items, struct stp_run_item *scratch, size_t count,
                  const uint8_t *records)
{
	sort_from(items, scratch, count, 56, records);
}
