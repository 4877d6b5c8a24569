/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/file.h"
#include "ledger/codec.h"
#include "ledger/run_source.h"
#include "stampede/alg.h"

/* Written at once while spilling. */
#define SPILL_BYTES ((size_t)1 << 20)
/* Records are gathered in key order from all over the arena: prefetch this many ahead. */
#define PREFETCH_COUNT 8

/* Cache lines of its own: each worker writes to its builder for every record. */
struct stp_run_builder {
	_Alignas(STP_CACHE_LINE) struct stp_run_options options;
	size_t digest_bytes;
	struct stp_sort_memory memory;
	struct stp_sources spilled;
	uint64_t record_count;
	uint64_t spill_count;
};

static int compare_keys(const uint8_t *a, const uint8_t *b)
{
	return stp_key_compare(a, b);
}

static enum stp_errc sort(struct stp_run_builder *builder, struct stp_err *err)
{
	return stp_sort_memory_sort(&builder->memory, compare_keys, "ledger", err);
}

enum stp_errc stp_run_create(const struct stp_run_options *options,
                             struct stp_run_builder **out_builder, struct stp_err *err)
{
	struct stp_run_builder *builder = stp_lines_alloc(1, sizeof(*builder));
	enum stp_errc code;

	STP_ASSERT(options->budget_bytes >= STP_RUN_BUDGET_MIN);
	if (!builder)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for a run");
	builder->options = *options;
	builder->digest_bytes = stp_alg_set_digest_bytes(options->hash_set);
	code = stp_sort_memory_map(&builder->memory, options->budget_bytes,
	                           STP_RECORD_HEAD_BYTES + 1, "ledger", err);
	if (code != STP_OK) {
		stp_run_destroy(builder);
		return code;
	}
	*out_builder = builder;
	return STP_OK;
}

/* Appends the blocks gathered so far to the file, and moves their entries to run. */
static enum stp_errc write_blocks(struct stp_run *run, struct stp_blocks *blocks, uint64_t *offset,
                                  struct stp_err *err)
{
	size_t count = run->file.block_count + blocks->count;
	size_t i;

	stp_blocks_seal(blocks, NULL);
	STP_TRY(stp_fd_write_at(run->fd, blocks->data, blocks->bytes, (off_t)*offset, "ledger",
	                        "sorted run", err));
	/* At least one entry: a run with blocks is one in a file. */
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
	for (i = 0; i < builder->memory.count && code == STP_OK; i++) {
		const uint8_t *record = stp_sort_memory_at(&builder->memory, i);

		stp_sort_memory_prefetch(&builder->memory, i + PREFETCH_COUNT);
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

static struct stp_run *new_run(const struct stp_run_builder *builder)
{
	struct stp_run *run = calloc(1, sizeof(*run));

	if (run) {
		run->fd = -1;
		run->digest_bytes = builder->digest_bytes;
		run->record_count = builder->memory.count;
		run->record_bytes = builder->memory.records_used;
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
	stp_sort_memory_clear(&builder->memory);
	builder->spill_count++;
	return STP_OK;
}

enum stp_errc stp_run_add(struct stp_run_builder *builder, const struct stp_record *record,
                          struct stp_err *err)
{
	size_t count = stp_record_encoded_bytes(record, builder->digest_bytes);

	if (!stp_sort_memory_fits(&builder->memory, count))
		STP_TRY(spill(builder, err));
	stp_record_encode(record, builder->digest_bytes,
	                  stp_sort_memory_add(&builder->memory, stp_load64_be(record->key), count));
	builder->record_count++;
	return STP_OK;
}

/* The memory of the builder becomes a memory run. */
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
	run->memory = builder->memory;
	memset(&builder->memory, 0, sizeof(builder->memory));
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
	return builder->memory.count ? keep_in_memory(builder, sources, err) : STP_OK;
}

uint64_t stp_run_record_count(const struct stp_run_builder *builder)
{
	return builder->record_count;
}

uint64_t stp_run_spill_count(const struct stp_run_builder *builder)
{
	return builder->spill_count;
}

void stp_run_destroy(struct stp_run_builder *builder)
{
	if (!builder)
		return;
	stp_sources_release(&builder->spilled);
	stp_sort_memory_unmap(&builder->memory);
	free(builder);
}
