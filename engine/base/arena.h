/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bump allocator: many small objects that die together.
 *
 * Shape      a chain of blocks, each at least block_bytes.
 * Memory     malloc'ed blocks.
 * Ownership  the arena owns what it allocates; pointers stay valid until reset or release.
 * Threads    one thread per arena.
 */
#ifndef STP_BASE_ARENA_H
#define STP_BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

struct stp_arena_block;

struct stp_arena {
	struct stp_arena_block *blocks; /* newest first */
	size_t block_bytes;             /* size of a normal block */
};

/* Prepares an empty arena; block_bytes 0 means 1 MiB. Allocates nothing yet. */
void stp_arena_init(struct stp_arena *arena, size_t block_bytes);

/* count bytes aligned to 16, or NULL when memory is short. A count of 0 gives a valid pointer. */
void *stp_arena_alloc(struct stp_arena *arena, size_t count);

/* As stp_arena_alloc() but unaligned: for strings. */
void *stp_arena_alloc_bytes(struct stp_arena *arena, size_t count);

/* A NUL-terminated copy of count bytes, or NULL. */
char *stp_arena_copy(struct stp_arena *arena, const char *bytes, size_t count);

/* Frees all but one block and starts again. */
void stp_arena_reset(struct stp_arena *arena);

/* Frees everything. */
void stp_arena_release(struct stp_arena *arena);

/* Data that different threads write must not share a cache line. */
#define STP_CACHE_LINE 64

/* count items of item_bytes, a multiple of STP_CACHE_LINE, aligned to it and all zero; NULL when
 * memory is short. Release it with free(). */
void *stp_lines_alloc(size_t count, size_t item_bytes);

#endif
