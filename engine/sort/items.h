/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting records by the first 8 bytes of their key, which are stored beside them, and by the
 * records themselves where those are equal.
 *
 * A radix sort, most significant byte first, with insertion sort for short ranges. Keys that are
 * digests spread evenly: 800,000 records need two rounds of 256 ways, and then about twelve are
 * left in each. A byte that all keys have in common costs a round that only counts. Records with
 * all 8 bytes in common are sorted by comparison.
 *
 * Shape      stable: equal records stay in the order of at.
 * Memory     scratch for as many items.
 * Ownership  the caller's.
 * Threads    any.
 */
#ifndef STP_SORT_ITEMS_H
#define STP_SORT_ITEMS_H

#include <stddef.h>
#include <stdint.h>

struct stp_sort_item {
	uint64_t prefix; /* first 8 bytes of the key, big endian */
	uint64_t at;     /* of the record in records */
};

/* The order of two records whose prefixes are equal, as memcmp() gives it. */
typedef int stp_sort_compare_fn(const uint8_t *a, const uint8_t *b);

void stp_sort_items(struct stp_sort_item *items, struct stp_sort_item *scratch, size_t count,
                    const uint8_t *records, stp_sort_compare_fn *compare);

#endif
