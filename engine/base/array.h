/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that grow: items in one malloc'ed block, with the number that fit as their capacity.
 *
 *	if (!STP_ARRAY_RESERVE(list->items, list->capacity, list->count + 1))
 *		return STP_FAIL_ERRNO(err, ENOMEM, …);
 *	list->items[list->count++] = item;
 *
 * Shape      capacity items, of which the caller counts how many it uses.
 * Memory     doubled when it is full, so that adding is amortized constant time.
 * Ownership  the caller's: NULL and 0 are an empty array without memory; free() releases it.
 * Threads    none of its own.
 */
#ifndef STP_BASE_ARRAY_H
#define STP_BASE_ARRAY_H

#include <stddef.h>

static inline int stp_array_fits(size_t capacity, size_t needed)
{
	return needed <= capacity;
}

/* Ensures that the array has space for needed items, and may move it. Returns 1, or 0 with the
 * array unchanged when memory is short or its size in bytes would overflow. items is an lvalue of
 * type T *, capacity one of type size_t. */
#define STP_ARRAY_RESERVE(items, capacity, needed) \
	(stp_array_fits(capacity, needed) ||       \
	 stp_array_grow(&(items), &(capacity), needed, sizeof(*(items))))

/* The slow path: pointer_to_items is the address of a pointer of any type. */
int stp_array_grow(void *pointer_to_items, size_t *capacity, size_t needed, size_t item_bytes);

#endif
