/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: the layout of sorted records in a file, for segments and spilled runs alike.
 *
 *	records ─▶ [block ≤ 64 KiB | zeros to 4 KiB] [block | zeros] …      + one index entry each
 *
 * Block sizes and offsets are multiples of 4 KiB, so files can be written and read past the page
 * cache. A record never crosses a block.
 *
 * Shape      struct stp_block: first key, offset, bytes, record count, XXH3-64, keyed tag.
 * Memory     stp_blocks holds the encoded bytes, page aligned, and the entries; both grow.
 * Ownership  release with stp_blocks_release().
 * Threads    one thread per struct stp_blocks; struct stp_block_file is read-only.
 */
#ifndef STP_LEDGER_BLOCKS_H
#define STP_LEDGER_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "record/record.h"

#define STP_BLOCK_BYTES_MAX (64 * 1024)
/* Of spilled runs: small, because a merge reads one block too many per run and range. */
#define STP_BLOCK_BYTES_RUN   (16 * 1024)
#define STP_BLOCK_ALIGN       4096
#define STP_BLOCK_TAG_BYTES   32
#define STP_BLOCK_ENTRY_BYTES 88

struct stp_block {
	uint8_t first_key[STP_KEY_BYTES];
	uint64_t offset;       /* in the file, or in stp_blocks.data until the block is placed */
	uint32_t bytes;        /* with padding */
	uint32_t record_count; /* at least 1 */
	uint64_t xxh3;         /* XXH3-64, seed 0, of all bytes */
	uint8_t tag[STP_BLOCK_TAG_BYTES]; /* BLAKE2b-256 keyed with the block key; zeros in runs */
};

/* A block's index entry as bytes of a segment. */
void stp_block_store(const struct stp_block *block, uint8_t out[STP_BLOCK_ENTRY_BYTES]);
void stp_block_load(const uint8_t bytes[STP_BLOCK_ENTRY_BYTES], struct stp_block *out_block);

struct stp_blocks {
	size_t digest_bytes;
	size_t block_bytes_max; /* STP_BLOCK_BYTES_MAX unless changed before the first record */
	uint8_t *data;          /* aligned to STP_BLOCK_ALIGN */
	size_t bytes;
	size_t capacity;
	struct stp_block *items;
	size_t count;
	size_t item_capacity;
	size_t open_at;        /* where the block being filled starts */
	uint32_t open_count;   /* its records */
	size_t summed;         /* blocks that have their sums */
	uint64_t record_count; /* in all blocks since the last clear */
	uint8_t last_key[STP_KEY_BYTES];
};

/* capacity_hint 0 means 1 MiB. */
enum stp_errc stp_blocks_init(struct stp_blocks *blocks, size_t digest_bytes, size_t capacity_hint,
                              struct stp_err *err) STP_MUST_CHECK;

/* Adds a record; keys must not descend (asserted). */
enum stp_errc stp_blocks_add(struct stp_blocks *blocks, const struct stp_record *record,
                             struct stp_err *err) STP_MUST_CHECK;

/* The same for a record that is already encoded. */
enum stp_errc stp_blocks_add_encoded(struct stp_blocks *blocks, const uint8_t *bytes, size_t count,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Pads the open block and computes the sums of all blocks that have none; tags only with a key. */
void stp_blocks_seal(struct stp_blocks *blocks, const uint8_t *tag_key);

/* Empties data and entries, keeping the memory. */
void stp_blocks_clear(struct stp_blocks *blocks);

void stp_blocks_release(struct stp_blocks *blocks);

/* A file of blocks that is read. */
struct stp_block_file {
	int fd;
	size_t digest_bytes;
	const struct stp_block *blocks;
	size_t block_count;
	const uint8_t *tag_key; /* NULL: blocks have no tags */
	const char *name;       /* for messages */
};

/* Reads blocks [first, first + count) into data (large enough, aligned) in one call and checks
 * their sums: bit i of *out_bad is set when block first + i does not match the index. count is at
 * most STP_BLOCK_BATCH_MAX. Errors are I/O errors; a file that ends too early is not one. */
#define STP_BLOCK_BATCH_MAX 8
enum stp_errc stp_blocks_read(const struct stp_block_file *file, size_t first, size_t count,
                              uint8_t *data, unsigned *out_bad, struct stp_err *err) STP_MUST_CHECK;

/* First block whose first key is not below key; block_count when there is none. */
size_t stp_blocks_find(const struct stp_block_file *file, const uint8_t key[STP_KEY_BYTES]);

#endif
