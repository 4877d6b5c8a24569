/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/file.h"
#include "ledger/codec.h"
#include "ledger/run_source.h"
#include "stampede/alg.h"

/* Written at once while spilling. */
#define SPILL_BYTES ((size_t)1 << 20)
/* Records are gathered in key order from all over the arena: fetch this many ahead. */
#define PREFETCH_COUNT 8

struct stp_run_builder {
	struct stp_run_options options;
	size_t digest_bytes;
	uint8_t *records;
	size_t records_mapped;
	size_t records_used;
	struct stp_run_item *items;
	size_t items_mapped;
	size_t item_count;
	struct stp_sources spilled;
	uint64_t record_count;
	uint64_t spill_count;
};

/* Address space that takes memory only where it is touched. */
static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Fresh mappings for records and items. */
static enum stp_errc map_builder(struct stp_run_builder *builder, struct stp_err *err)
{
	size_t budget = builder->options.budget_bytes;
	size_t item_count_max = budget / (STP_RECORD_HEAD_BYTES + 1) + 1;

	builder->records_mapped = budget;
	builder->items_mapped = item_count_max * sizeof(struct stp_run_item);
	builder->records = map(builder->records_mapped);
	builder->items = map(builder->items_mapped);
	if (!builder->records || !builder->items)
		return STP_FAIL_SYS(err, "ledger", NULL, "cannot get %zu bytes for a run", budget);
	/* Sorted records are gathered from all over; large pages save most of the page walks. */
	madvise(builder->records, builder->records_mapped, MADV_HUGEPAGE);
	return STP_OK;
}

static void unmap(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes);
}

enum stp_errc stp_run_create(const struct stp_run_options *options,
                             struct stp_run_builder **out_builder, struct stp_err *err)
{
	struct stp_run_builder *builder = calloc(1, sizeof(*builder));
	enum stp_errc code;

	STP_ASSERT(options->budget_bytes >= STP_RUN_BUDGET_MIN);
	if (!builder)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "cannot start a run");
	builder->options = *options;
	builder->digest_bytes = stp_alg_set_digest_bytes(options->hash_set);
	code = map_builder(builder, err);
	if (code != STP_OK) {
		stp_run_destroy(builder);
		return code;
	}
	*out_builder = builder;
	return STP_OK;
}

/* Writes the blocks gathered so far behind those before, and moves their entries to run. */
static enum stp_errc write_blocks(struct stp_run *run, struct stp_blocks *blocks, uint64_t *offset,
                                  struct stp_err *err)
{
	size_t count = run->file.block_count + blocks->count;
	size_t i;

	stp_blocks_seal(blocks, NULL);
	STP_TRY(stp_fd_write_at(run->fd, blocks->data, blocks->bytes, (off_t)*offset, "ledger",
	                        "sorted run", err));
	/* At least one: a run with blocks is one in a file. */
	if (!STP_ARRAY_RESERVE(run->blocks, run->block_capacity, count ? count : 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for an index");
	for (i = 0; i < blocks->count; i++) {
		run->blocks[run->file.block_count] = blocks->items[i];
		run->blocks[run->file.block_count++].offset += *offset;
	}
	*offset += blocks->bytes;
	stp_blocks_clear(blocks);
	return STP_OK;
}

/* All sorted records of the builder into run's file. */
static enum stp_errc write_records(struct stp_run_builder *builder, struct stp_run *run,
                                   struct stp_err *err)
{
	struct stp_blocks blocks;
	enum stp_errc code;
	uint64_t offset = 0;
	size_t i;

	STP_TRY(stp_blocks_init(&blocks, builder->digest_bytes, SPILL_BYTES + STP_BLOCK_BYTES_MAX,
	                        err));
	blocks.block_bytes_max = STP_BLOCK_BYTES_RUN;
	code = STP_OK;
	for (i = 0; i < builder->item_count && code == STP_OK; i++) {
		const uint8_t *record = builder->records + builder->items[i].at;

		if (i + PREFETCH_COUNT < builder->item_count) {
			const uint8_t *next =
			    builder->records + builder->items[i + PREFETCH_COUNT].at;

			__builtin_prefetch(next);
			__builtin_prefetch(next + 64);
			__builtin_prefetch(next + 128);
			__builtin_prefetch(next + 192);
		}
		code = stp_blocks_add_encoded(&blocks, record,
		                              stp_record_skip(record, builder->digest_bytes), err);
		if (code == STP_OK && blocks.bytes >= SPILL_BYTES) {
			code = write_blocks(run, &blocks, &offset, err);
			if (stp_cancelled(builder->options.cancel))
				code = STP_FAIL(err, STP_CANCELLED, "ledger", NULL, "stopped");
		}
	}
	if (code == STP_OK)
		code = write_blocks(run, &blocks, &offset, err);
	stp_blocks_release(&blocks);
	return code;
}

/* Sorts what is in memory. */
static enum stp_errc sort(struct stp_run_builder *builder, struct stp_err *err)
{
	size_t bytes = builder->item_count * sizeof(struct stp_run_item);
	struct stp_run_item *scratch;

	if (builder->item_count < 2)
		return STP_OK;
	scratch = map(bytes);
	if (!scratch)
		return STP_FAIL_SYS(err, "ledger", NULL, "cannot get %zu bytes to sort", bytes);
	stp_run_sort(builder->items, scratch, builder->item_count, builder->records);
	munmap(scratch, bytes);
	return STP_OK;
}

static struct stp_run *new_run(const struct stp_run_builder *builder)
{
	struct stp_run *run = calloc(1, sizeof(*run));

	if (run) {
		run->fd = -1;
		run->digest_bytes = builder->digest_bytes;
		run->record_count = builder->item_count;
		run->record_bytes = builder->records_used;
	}
	return run;
}

/* Sorts, writes everything to an unnamed file, and starts again with empty memory. */
static enum stp_errc spill(struct stp_run_builder *builder, struct stp_err *err)
{
	struct stp_run *run = new_run(builder);
	enum stp_errc code;

	if (!run)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for a run");
	code =
	    stp_unnamed_create(builder->options.spill_fd, "ledger", "a sorted run", &run->fd, err);
	if (code == STP_OK)
		code = sort(builder, err);
	if (code == STP_OK)
		code = write_records(builder, run, err);
	if (code == STP_OK) {
		run->file.fd = run->fd;
		run->file.digest_bytes = run->digest_bytes;
		run->file.blocks = run->blocks;
		run->file.name = "sorted run";
		code = stp_sources_add(&builder->spilled, (struct stp_source){.run = run}, err);
	}
	if (code != STP_OK) {
		stp_run_release(run);
		return code;
	}
	builder->records_used = 0;
	builder->item_count = 0;
	builder->spill_count++;
	return STP_OK;
}

enum stp_errc stp_run_add(struct stp_run_builder *builder, const struct stp_record *record,
                          struct stp_err *err)
{
	size_t count = stp_record_encoded_bytes(record, builder->digest_bytes);
	/* Two items per record: the sort needs as much again. */
	size_t used = builder->records_used + count +
	              2 * (builder->item_count + 1) * sizeof(struct stp_run_item);

	if (used > builder->options.budget_bytes)
		STP_TRY(spill(builder, err));
	builder->items[builder->item_count++] = (struct stp_run_item){
	    .prefix = stp_load64_be(record->key),
	    .at = builder->records_used,
	};
	stp_record_encode(record, builder->digest_bytes, builder->records + builder->records_used);
	builder->records_used += count;
	builder->record_count++;
	return STP_OK;
}

/* The mappings of the builder become a memory run. */
static enum stp_errc keep_in_memory(struct stp_run_builder *builder, struct stp_sources *sources,
                                    struct stp_err *err)
{
	struct stp_run *run = new_run(builder);
	enum stp_errc code;

	if (!run)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for a run");
	code = stp_sources_add(sources, (struct stp_source){.run = run}, err);
	if (code != STP_OK) {
		free(run);
		return code;
	}
	run->records = builder->records;
	run->records_mapped = builder->records_mapped;
	run->items = builder->items;
	run->items_mapped = builder->items_mapped;
	builder->records = NULL;
	builder->items = NULL;
	return STP_OK;
}

enum stp_errc stp_run_finish(struct stp_run_builder *builder, struct stp_sources *sources,
                             struct stp_err *err)
{
	size_t i;

	STP_TRY(sort(builder, err));
	for (i = 0; i < builder->spilled.count; i++) {
		STP_TRY(stp_sources_add(sources, builder->spilled.items[i], err));
		builder->spilled.items[i].borrowed = 1;
	}
	if (builder->item_count)
		STP_TRY(keep_in_memory(builder, sources, err));
	builder->item_count = 0;
	return STP_OK;
}

uint64_t stp_run_record_count(const struct stp_run_builder *builder)
{
	return builder->record_count;
}

uint64_t stp_run_spill_count(const struct stp_run_builder *builder)
{
	return builder->spill_count;
}

void stp_run_release(struct stp_run *run)
{
	unmap(run->records, run->records_mapped);
	unmap(run->items, run->items_mapped);
	stp_fd_close(&run->fd);
	free(run->blocks);
	free(run);
}

void stp_run_destroy(struct stp_run_builder *builder)
{
	if (!builder)
		return;
	stp_sources_release(&builder->spilled);
	unmap(builder->records, builder->records_mapped);
	unmap(builder->items, builder->items_mapped);
	free(builder);
}
