/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct stp_arena_block {
	struct stp_arena_block *next;
	size_t used;
	size_t capacity;
	size_t pad; /* keeps data aligned to 16 */
	uint8_t data[];
};

void stp_arena_init(struct stp_arena *arena, size_t block_bytes)
{
	arena->blocks = NULL;
	arena->block_bytes = block_bytes ? block_bytes : (size_t)1 << 20;
}

/* Puts a block with space for count bytes in front of the chain; NULL when memory is short. */
static struct stp_arena_block *grow(struct stp_arena *arena, size_t count)
{
	size_t capacity = count > arena->block_bytes ? count : arena->block_bytes;
	struct stp_arena_block *block;

	if (capacity > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + capacity);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->used = 0;
	block->capacity = capacity;
	arena->blocks = block;
	return block;
}

static void *alloc(struct stp_arena *arena, size_t count, size_t align)
{
	struct stp_arena_block *block = arena->blocks;
	size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;

	if (!block || at > block->capacity || block->capacity - at < count) {
		block = grow(arena, count);
		if (!block)
			return NULL;
		at = 0;
	}
	block->used = at + count;
	return block->data + at;
}

void *stp_arena_alloc(struct stp_arena *arena, size_t count)
{
	return alloc(arena, count, 16);
}

void *stp_arena_alloc_bytes(struct stp_arena *arena, size_t count)
{
	return alloc(arena, count, 1);
}

char *stp_arena_copy(struct stp_arena *arena, const char *bytes, size_t count)
{
	char *copy = alloc(arena, count + 1, 1);

	if (!copy)
		return NULL;
	if (count)
		memcpy(copy, bytes, count);
	copy[count] = '\0';
	return copy;
}

void stp_arena_reset(struct stp_arena *arena)
{
	struct stp_arena_block *block = arena->blocks;

	while (block && block->next) {
		struct stp_arena_block *next = block->next;

		free(block);
		block = next;
	}
	if (block)
		block->used = 0;
	arena->blocks = block;
}

void stp_arena_release(struct stp_arena *arena)
{
	while (arena->blocks) {
		struct stp_arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

void *stp_lines_alloc(size_t count, size_t item_bytes)
{
	void *items;

	STP_ASSERT(item_bytes % STP_CACHE_LINE == 0);
	if (item_bytes && count > SIZE_MAX / item_bytes)
		return NULL;
	items = aligned_alloc(STP_CACHE_LINE, count * item_bytes);
	if (items)
		memset(items, 0, count * item_bytes);
	return items;
}
