/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/sorter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

#define STAGE        "sort"
#define CURSOR_BYTES (64 * 1024)
/* length and path_bytes in front of digests and path, in memory and on disk */
#define HEAD_BYTES 10

struct extent {
	uint64_t offset;
	uint64_t bytes;
};

struct stp_digest_run {
	size_t digest_bytes;
	size_t capacity;
	uint8_t *arena;    /* lines from the front */
	uint32_t *offsets; /* of each line in arena */
	size_t bytes_used;
	size_t count;
	size_t count_max;
	int fd; /* of what was spilled, or -1 */
	uint64_t file_bytes;
	struct stp_buf extents;
};

/* One sorted source of a merge: an extent of a file, or what is in memory. */
struct cursor {
	const struct stp_digest_run *run;
	uint8_t *buffer; /* CURSOR_BYTES; NULL for memory */
	size_t buffer_at;
	size_t buffer_bytes;
	uint64_t file_at;
	uint64_t file_end;
	size_t index; /* memory: next line */
	struct stp_digest_line line;
};

/* --- lines ----------------------------------------------------------------------------------- */

static size_t line_bytes(const struct stp_digest_run *run, size_t path_bytes)
{
	return HEAD_BYTES + run->digest_bytes + path_bytes;
}

static void get_line(const struct stp_digest_run *run, const uint8_t *at,
                     struct stp_digest_line *out)
{
	out->length = stp_load64_le(at);
	out->path_bytes = stp_load16_le(at + 8);
	out->digests = at + HEAD_BYTES;
	out->path = (const char *)at + HEAD_BYTES + run->digest_bytes;
}

static int compare_lines(const struct stp_digest_line *a, const struct stp_digest_line *b)
{
	size_t common = a->path_bytes < b->path_bytes ? a->path_bytes : b->path_bytes;
	int order = memcmp(a->path, b->path, common);

	if (order)
		return order;
	return (a->path_bytes > b->path_bytes) - (a->path_bytes < b->path_bytes);
}

static int compare_offsets(const void *a, const void *b, void *ctx)
{
	const struct stp_digest_run *run = ctx;
	struct stp_digest_line x;
	struct stp_digest_line y;

	get_line(run, run->arena + *(const uint32_t *)a, &x);
	get_line(run, run->arena + *(const uint32_t *)b, &y);
	return compare_lines(&x, &y);
}

static void sort_memory(struct stp_digest_run *run)
{
	if (run->count)
		qsort_r(run->offsets, run->count, sizeof(*run->offsets), compare_offsets, run);
}

/* --- spilling -------------------------------------------------------------------------------- */

/* A file without a name: in TMPDIR if that is set, else where disks are larger than memory. */
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
	                "cannot make a temporary file; set TMPDIR to a folder with room");
}

/* Writes the sorted lines behind what the file holds. */
static enum stp_errc write_lines(struct stp_digest_run *run, struct stp_err *err)
{
	struct stp_buf out = STP_BUF_INIT;
	struct extent extent = {run->file_bytes, run->bytes_used};
	enum stp_errc code = STP_OK;
	size_t i;

	for (i = 0; i < run->count && code == STP_OK; i++) {
		const uint8_t *at = run->arena + run->offsets[i];

		code = stp_buf_append(&out, at, line_bytes(run, stp_load16_le(at + 8)), err);
		if (code == STP_OK && (out.count >= 4 * CURSOR_BYTES || i + 1 == run->count)) {
			code = stp_fd_write_at(run->fd, out.data, out.count, (off_t)run->file_bytes,
			                       STAGE, "temporary file", err);
			run->file_bytes += out.count;
			out.count = 0;
		}
	}
	stp_buf_release(&out);
	return code == STP_OK ? stp_buf_append(&run->extents, &extent, sizeof(extent), err) : code;
}

static enum stp_errc spill(struct stp_digest_run *run, struct stp_err *err)
{
	if (run->fd < 0)
		STP_TRY(open_unnamed(&run->fd, err));
	sort_memory(run);
	STP_TRY(write_lines(run, err));
	run->bytes_used = 0;
	run->count = 0;
	return STP_OK;
}

enum stp_errc stp_digest_run_add(struct stp_digest_run *run, const struct stp_digest_line *line,
                                 struct stp_err *err)
{
	size_t bytes = line_bytes(run, line->path_bytes);
	uint8_t *at;

	if (run->count == run->count_max || run->capacity - run->bytes_used < bytes)
		STP_TRY(spill(run, err));
	at = run->arena + run->bytes_used;
	stp_store64_le(at, line->length);
	stp_store16_le(at + 8, (uint16_t)line->path_bytes);
	memcpy(at + HEAD_BYTES, line->digests, run->digest_bytes);
	memcpy(at + HEAD_BYTES + run->digest_bytes, line->path, line->path_bytes);
	run->offsets[run->count++] = (uint32_t)run->bytes_used;
	run->bytes_used += bytes;
	return STP_OK;
}

/* --- merging --------------------------------------------------------------------------------- */

/* Keeps what is unread of the buffer and fills it up. */
static enum stp_errc refill(struct cursor *cursor, struct stp_err *err)
{
	size_t left = cursor->buffer_bytes - cursor->buffer_at;
	uint64_t more = cursor->file_end - cursor->file_at;

	memmove(cursor->buffer, cursor->buffer + cursor->buffer_at, left);
	if (more > CURSOR_BYTES - left)
		more = CURSOR_BYTES - left;
	STP_TRY(stp_fd_read_at(cursor->run->fd, cursor->buffer + left, (size_t)more,
	                       (off_t)cursor->file_at, STAGE, "temporary file", err));
	cursor->file_at += more;
	cursor->buffer_at = 0;
	cursor->buffer_bytes = left + (size_t)more;
	return STP_OK;
}

/* Moves to the next line; *out_more is 0 at the end. */
static enum stp_errc advance(struct cursor *cursor, int *out_more, struct stp_err *err)
{
	const struct stp_digest_run *run = cursor->run;

	*out_more = 1;
	if (!cursor->buffer) {
		*out_more = cursor->index < run->count;
		if (*out_more)
			get_line(run, run->arena + run->offsets[cursor->index++], &cursor->line);
		return STP_OK;
	}
	if (cursor->buffer_bytes - cursor->buffer_at < line_bytes(run, STP_PATH_BYTES_MAX) &&
	    cursor->file_at < cursor->file_end)
		STP_TRY(refill(cursor, err));
	*out_more = cursor->buffer_at < cursor->buffer_bytes;
	if (*out_more) {
		get_line(run, cursor->buffer + cursor->buffer_at, &cursor->line);
		cursor->buffer_at += line_bytes(run, cursor->line.path_bytes);
	}
	return STP_OK;
}

struct merge {
	struct cursor *cursors;
	size_t cursor_count;
	struct cursor **heap; /* smallest line first */
	size_t heap_count;
};

static void sift_down(struct merge *merge, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct cursor *cursor = merge->heap[at];

		if (child >= merge->heap_count)
			return;
		if (child + 1 < merge->heap_count &&
		    compare_lines(&merge->heap[child + 1]->line, &merge->heap[child]->line) < 0)
			child++;
		if (compare_lines(&cursor->line, &merge->heap[child]->line) <= 0)
			return;
		merge->heap[at] = merge->heap[child];
		merge->heap[child] = cursor;
		at = child;
	}
}

static size_t extent_count(const struct stp_digest_run *run)
{
	return run->extents.count / sizeof(struct extent);
}

static enum stp_errc add_cursors(struct merge *merge, struct stp_digest_run *run,
                                 struct stp_err *err)
{
	size_t i;

	sort_memory(run);
	for (i = 0; i <= extent_count(run); i++) {
		struct cursor *cursor = &merge->cursors[merge->cursor_count++];
		struct extent extent;
		int more;

		cursor->run = run;
		if (i < extent_count(run)) {
			memcpy(&extent, run->extents.data + i * sizeof(extent), sizeof(extent));
			cursor->file_at = extent.offset;
			cursor->file_end = extent.offset + extent.bytes;
			cursor->buffer = malloc(CURSOR_BYTES);
			if (!cursor->buffer)
				return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL,
				                      "no memory to merge");
		}
		STP_TRY(advance(cursor, &more, err));
		if (more)
			merge->heap[merge->heap_count++] = cursor;
	}
	return STP_OK;
}

static enum stp_errc run_merge(struct merge *merge, stp_digest_emit_fn *emit, void *ctx,
                               struct stp_err *err)
{
	size_t i;

	for (i = merge->heap_count / 2; i-- > 0;)
		sift_down(merge, i);
	while (merge->heap_count) {
		int more;

		STP_TRY(emit(ctx, &merge->heap[0]->line, err));
		STP_TRY(advance(merge->heap[0], &more, err));
		if (!more)
			merge->heap[0] = merge->heap[--merge->heap_count];
		sift_down(merge, 0);
	}
	return STP_OK;
}

enum stp_errc stp_digest_run_merge(struct stp_digest_run *const *runs, size_t count,
                                   stp_digest_emit_fn *emit, void *ctx, struct stp_err *err)
{
	struct merge merge = {0};
	enum stp_errc code = STP_OK;
	size_t total = 0;
	size_t i;

	for (i = 0; i < count; i++)
		total += extent_count(runs[i]) + 1;
	merge.cursors = calloc(total + 1, sizeof(*merge.cursors));
	merge.heap = calloc(total + 1, sizeof(struct cursor *));
	if (!merge.cursors || !merge.heap)
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to merge");
	for (i = 0; i < count && code == STP_OK; i++)
		code = add_cursors(&merge, runs[i], err);
	if (code == STP_OK)
		code = run_merge(&merge, emit, ctx, err);
	for (i = 0; merge.cursors && i < merge.cursor_count; i++)
		free(merge.cursors[i].buffer);
	free(merge.cursors);
	free(merge.heap);
	return code;
}

/* --- create and destroy ---------------------------------------------------------------------- */

enum stp_errc stp_digest_run_create(size_t digest_bytes, size_t budget_bytes,
                                    struct stp_digest_run **out_run, struct stp_err *err)
{
	struct stp_digest_run *run = calloc(1, sizeof(*run));

	if (!run)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for digests");
	run->fd = -1;
	run->digest_bytes = digest_bytes;
	/* A sixteenth for the offsets: lines of 64 bytes and more fill both. */
	run->capacity = budget_bytes / 16 * 15;
	run->count_max = budget_bytes / 16 / sizeof(*run->offsets);
	if (run->capacity < line_bytes(run, STP_PATH_BYTES_MAX))
		run->capacity = line_bytes(run, STP_PATH_BYTES_MAX);
	STP_ASSERT(run->capacity <= UINT32_MAX && run->count_max > 0);
	run->arena = malloc(run->capacity);
	run->offsets = malloc(run->count_max * sizeof(*run->offsets));
	if (!run->arena || !run->offsets) {
		stp_digest_run_destroy(run);
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for digests");
	}
	*out_run = run;
	return STP_OK;
}

void stp_digest_run_destroy(struct stp_digest_run *run)
{
	if (!run)
		return;
	stp_fd_close(&run->fd);
	stp_buf_release(&run->extents);
	free(run->offsets);
	free(run->arena);
	free(run);
}
