/* SPDX-License-Identifier: Apache-2.0 */
#include "sort/sorter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/file.h"
#include "sort/losers.h"
#include "sort/memory.h"

#define STAGE "sort"
/* In front of each record, in memory and on disk: its bytes. */
#define HEAD_BYTES     4
#define CURSOR_BYTES   ((size_t)64 * 1024)
#define SPILL_BYTES    (4 * CURSOR_BYTES)
#define PREFETCH_COUNT 8

struct extent {
	uint64_t offset;
	uint64_t bytes;
};

/* Cache lines of its own: each worker writes to its sorter for every record. */
struct stp_sorter {
	_Alignas(STP_CACHE_LINE) struct stp_sort_memory memory;
	stp_sort_compare_fn *compare;
	int fd; /* of what was spilled, or -1 */
	uint64_t file_bytes;
	struct stp_buf extents;
};

/* One sorted source of a merge: an extent of a file, or what is in memory. */
struct cursor {
	const struct stp_sorter *sorter;
	uint8_t *buffer; /* CURSOR_BYTES; NULL for memory */
	size_t buffer_at;
	size_t buffer_bytes;
	uint64_t file_at;
	uint64_t file_end;
	size_t index;          /* memory: next record */
	const uint8_t *record; /* NULL when it is done */
};

struct merge {
	struct cursor *cursors;
	size_t count;
	struct stp_losers losers;
};

static enum stp_errc sort(struct stp_sorter *sorter, struct stp_err *err)
{
	return stp_sort_memory_sort(&sorter->memory, sorter->compare, STAGE, err);
}

/* --- spilling -------------------------------------------------------------------------------- */

/* A file without a name: in TMPDIR if that is set, otherwise preferably where it is not in
 * memory. */
static enum stp_errc open_unnamed(int *out_fd, struct stp_err *err)
{
	const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp", "."};
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct stp_err ignored = STP_ERR_INIT;
		int folder_fd =
		    folders[i] ? open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		enum stp_errc code = STP_IO;

		if (folder_fd >= 0)
			code = stp_unnamed_create(folder_fd, STAGE, folders[i], out_fd, &ignored);
		if (folder_fd >= 0)
			close(folder_fd);
		if (code == STP_OK)
			return STP_OK;
	}
	return STP_FAIL(err, STP_IO, STAGE, NULL,
	                "cannot make a temporary file; set TMPDIR to a folder with free space");
}

/* Appends the sorted records to the file. */
static enum stp_errc write_records(struct stp_sorter *sorter, struct stp_err *err)
{
	const struct stp_sort_memory *memory = &sorter->memory;
	struct extent extent = {sorter->file_bytes, memory->records_used};
	struct stp_buf out = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	size_t i;

	for (i = 0; i < memory->count && code == STP_OK; i++) {
		const uint8_t *at = stp_sort_memory_at(memory, i) - HEAD_BYTES;

		stp_sort_memory_prefetch(memory, i + PREFETCH_COUNT);
		code = stp_buf_append(&out, at, HEAD_BYTES + stp_load32_le(at), err);
		if (code == STP_OK && (out.count >= SPILL_BYTES || i + 1 == memory->count)) {
			code = stp_fd_write_at(sorter->fd, out.data, out.count,
			                       (off_t)sorter->file_bytes, STAGE, "temporary file",
			                       err);
			sorter->file_bytes += out.count;
			out.count = 0;
		}
	}
	stp_buf_release(&out);
	return code == STP_OK ? stp_buf_append(&sorter->extents, &extent, sizeof(extent), err)
	                      : code;
}

static enum stp_errc spill(struct stp_sorter *sorter, struct stp_err *err)
{
	if (sorter->fd < 0)
		STP_TRY(open_unnamed(&sorter->fd, err));
	STP_TRY(sort(sorter, err));
	STP_TRY(write_records(sorter, err));
	stp_sort_memory_clear(&sorter->memory);
	return STP_OK;
}

enum stp_errc stp_sorter_add(struct stp_sorter *sorter, uint64_t prefix, size_t bytes,
                             uint8_t **out_record, struct stp_err *err)
{
	struct stp_sort_memory *memory = &sorter->memory;
	uint8_t *at;

	STP_ASSERT(bytes <= STP_SORTER_RECORD_BYTES_MAX);
	if (!stp_sort_memory_fits(memory, HEAD_BYTES + bytes))
		STP_TRY(spill(sorter, err));
	at = stp_sort_memory_add(memory, prefix, HEAD_BYTES + bytes);
	memory->items[memory->count - 1].at += HEAD_BYTES;
	stp_store32_le(at, (uint32_t)bytes);
	*out_record = at + HEAD_BYTES;
	return STP_OK;
}

/* --- merging --------------------------------------------------------------------------------- */

/* Keeps the unread part of the buffer and refills the rest. */
static enum stp_errc refill(struct cursor *cursor, struct stp_err *err)
{
	size_t left = cursor->buffer_bytes - cursor->buffer_at;
	uint64_t more = cursor->file_end - cursor->file_at;

	memmove(cursor->buffer, cursor->buffer + cursor->buffer_at, left);
	if (more > CURSOR_BYTES - left)
		more = CURSOR_BYTES - left;
	STP_TRY(stp_fd_read_at(cursor->sorter->fd, cursor->buffer + left, (size_t)more,
	                       (off_t)cursor->file_at, STAGE, "temporary file", err));
	cursor->file_at += more;
	cursor->buffer_at = 0;
	cursor->buffer_bytes = left + (size_t)more;
	return STP_OK;
}

static enum stp_errc advance_in_file(struct cursor *cursor, struct stp_err *err)
{
	size_t left = cursor->buffer_bytes - cursor->buffer_at;
	size_t bytes;

	if (left < HEAD_BYTES + STP_SORTER_RECORD_BYTES_MAX && cursor->file_at < cursor->file_end) {
		STP_TRY(refill(cursor, err));
		left = cursor->buffer_bytes;
	}
	cursor->record = NULL;
	if (!left)
		return STP_OK;
	bytes = stp_load32_le(cursor->buffer + cursor->buffer_at);
	/* This program wrote the file, but memory and disks can fail. */
	if (bytes > left - HEAD_BYTES)
		return STP_FAIL(err, STP_CHANGED, STAGE, "temporary file",
		                "does not read back as it was written; check memory and disk");
	cursor->record = cursor->buffer + cursor->buffer_at + HEAD_BYTES;
	cursor->buffer_at += HEAD_BYTES + bytes;
	return STP_OK;
}

/* Advances to the next record. */
static enum stp_errc advance(struct cursor *cursor, struct stp_err *err)
{
	const struct stp_sort_memory *memory = &cursor->sorter->memory;

	if (cursor->buffer)
		return advance_in_file(cursor, err);
	stp_sort_memory_prefetch(memory, cursor->index + PREFETCH_COUNT);
	cursor->record =
	    cursor->index < memory->count ? stp_sort_memory_at(memory, cursor->index) : NULL;
	cursor->index++;
	return STP_OK;
}

static int is_before(const void *ctx, size_t a, size_t b)
{
	const struct merge *merge = ctx;
	const struct cursor *x = &merge->cursors[a];
	const struct cursor *y = &merge->cursors[b];
	int order;

	if (!x->record || !y->record)
		return x->record || (!y->record && a < b);
	order = x->sorter->compare(x->record, y->record);
	return order ? order < 0 : a < b;
}

static size_t extent_count(const struct stp_sorter *sorter)
{
	return sorter->extents.count / sizeof(struct extent);
}

static enum stp_errc add_cursors(struct merge *merge, struct stp_sorter *sorter,
                                 struct stp_err *err)
{
	size_t i;

	STP_TRY(sort(sorter, err));
	for (i = 0; i <= extent_count(sorter); i++) {
		struct cursor *cursor = &merge->cursors[merge->count++];
		struct extent extent;

		cursor->sorter = sorter;
		if (i < extent_count(sorter)) {
			memcpy(&extent, sorter->extents.data + i * sizeof(extent), sizeof(extent));
			cursor->file_at = extent.offset;
			cursor->file_end = extent.offset + extent.bytes;
			cursor->buffer = malloc(CURSOR_BYTES);
			if (!cursor->buffer)
				return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL,
				                      "no memory to merge");
		}
		STP_TRY(advance(cursor, err));
	}
	return STP_OK;
}

static enum stp_errc run_merge(struct merge *merge, stp_sorter_emit_fn *emit, void *ctx,
                               struct stp_err *err)
{
	stp_losers_start(&merge->losers, is_before, merge);
	for (;;) {
		size_t winner = merge->losers.winner;
		struct cursor *cursor = &merge->cursors[winner];

		if (winner == STP_LOSERS_NONE || !cursor->record)
			return STP_OK;
		STP_TRY(emit(ctx, cursor->record, err));
		STP_TRY(advance(cursor, err));
		stp_losers_play(&merge->losers, winner, is_before, merge);
	}
}

enum stp_errc stp_sorter_merge(struct stp_sorter *const *sorters, size_t count,
                               stp_sorter_emit_fn *emit, void *ctx, struct stp_err *err)
{
	struct merge merge = {0};
	enum stp_errc code = STP_OK;
	size_t total = 0;
	size_t i;

	for (i = 0; i < count; i++)
		total += extent_count(sorters[i]) + 1;
	merge.cursors = calloc(total + 1, sizeof(*merge.cursors));
	if (!merge.cursors || !stp_losers_init(&merge.losers, total))
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to merge");
	for (i = 0; i < count && code == STP_OK; i++)
		code = add_cursors(&merge, sorters[i], err);
	if (code == STP_OK)
		code = run_merge(&merge, emit, ctx, err);
	for (i = 0; i < merge.count; i++)
		free(merge.cursors[i].buffer);
	free(merge.cursors);
	stp_losers_release(&merge.losers);
	return code;
}

/* --- create and destroy ---------------------------------------------------------------------- */

enum stp_errc stp_sorter_create(size_t budget_bytes, stp_sort_compare_fn *compare,
                                struct stp_sorter **out_sorter, struct stp_err *err)
{
	struct stp_sorter *sorter = stp_lines_alloc(1, sizeof(*sorter));
	enum stp_errc code;

	STP_ASSERT(budget_bytes >= STP_SORTER_BUDGET_MIN);
	if (!sorter)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to sort");
	sorter->fd = -1;
	sorter->compare = compare;
	code = stp_sort_memory_map(&sorter->memory, budget_bytes, HEAD_BYTES + 1, STAGE, err);
	if (code != STP_OK) {
		free(sorter);
		return code;
	}
	*out_sorter = sorter;
	return STP_OK;
}

void stp_sorter_destroy(struct stp_sorter *sorter)
{
	if (!sorter)
		return;
	stp_fd_close(&sorter->fd);
	stp_buf_release(&sorter->extents);
	stp_sort_memory_unmap(&sorter->memory);
	free(sorter);
}
