/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_COUNT 64

int stp_array_grow(void *pointer_to_items, size_t *capacity, size_t needed, size_t item_bytes)
{
	size_t wanted = FIRST_COUNT;
	size_t bytes;
	void *items;

	if (*capacity)
		wanted = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : SIZE_MAX;
	if (wanted < needed)
		wanted = needed;
	/* malloc() refuses sizes above PTRDIFF_MAX as well. */
	if (__builtin_mul_overflow(wanted, item_bytes, &bytes) || bytes > PTRDIFF_MAX)
		return 0;
	/* Copied, not read as a void *: it is a pointer of another type. */
	memcpy(&items, pointer_to_items, sizeof(items));
	items = realloc(items, bytes);
	if (!items)
		return 0;
	memcpy(pointer_to_items, &items, sizeof(items));
	*capacity = wanted;
	return 1;
}
