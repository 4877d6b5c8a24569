/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in, events out. What happens to one file: read/reader_file.c.
 *
 * Two lists of files drive everything. "reads" holds files that want another read and get one each
 * in turn while buffers are free; "events" holds files whose next event may be ready. Free buffers
 * are a stack, so that a hot page cache is copied into memory that is still in the L2 cache, and
 * only start_count reads are started at a time: reads that complete at once are hashed before more
 * is read; while reads wait for the disk, the queue grows.
 */
#include "read/reader.h"

#include <string.h>

#include "read/reader_state.h"

/* --- events ---------------------------------------------------------------------------------- */

static void free_slot(struct stp_reader *reader, uint32_t slot)
{
	struct stp_read_file *file = &reader->files[slot];

	reader->cost -= file->cost;
	file->state = STP_READ_FILE_FREE;
	reader->free_files[reader->free_file_count++] = slot;
}

/* The event for the first chunk of a file, if it has arrived. */
static int give_data(struct stp_reader *reader, uint32_t slot, struct stp_read_event *out)
{
	struct stp_read_file *file = &reader->files[slot];
	const struct stp_read_chunk *chunk = &file->chunks[file->first_chunk];

	if (file->is_fault || file->chunk_count == 0 || !chunk->arrived)
		return 0;
	out->kind = STP_READ_DATA;
	out->user = file->user;
	out->data = stp_read_buffer_at(reader, chunk->buffer);
	out->bytes = chunk->wanted_bytes;
	out->buffer = chunk->buffer;
	file->given_bytes += chunk->wanted_bytes;
	file->given_all = file->given_bytes == file->before.length;
	out->last = file->given_all;
	file->first_chunk = (file->first_chunk + 1) % STP_READ_AHEAD;
	file->chunk_count--;
	if (!file->asked_all)
		stp_read_list_add(reader, STP_READ_LIST_READS, slot);
	stp_read_list_add(reader, STP_READ_LIST_EVENTS, slot);
	return 1;
}

static int give_end(struct stp_reader *reader, uint32_t slot, struct stp_read_event *out)
{
	struct stp_read_file *file = &reader->files[slot];

	if (file->state != STP_READ_FILE_CLOSED || file->is_in[STP_READ_LIST_READS])
		return 0;
	if (!file->is_fault && !file->given_all)
		return 0;
	out->kind = file->is_fault ? STP_READ_FAULT : STP_READ_DONE;
	out->user = file->user;
	out->status = file->before;
	out->code = file->code;
	out->sys_errno = file->sys_errno;
	memcpy(out->text, file->text, sizeof(out->text));
	free_slot(reader, slot);
	return 1;
}

static int next_event(struct stp_reader *reader, struct stp_read_event *out)
{
	uint32_t slot;

	while (stp_read_list_take(reader, STP_READ_LIST_EVENTS, &slot)) {
		if (reader->files[slot].state == STP_READ_FILE_FREE)
			continue;
		if (give_data(reader, slot, out) || give_end(reader, slot, out))
			return 1;
	}
	return 0;
}

/* --- the pump -------------------------------------------------------------------------------- */

/* Starts up to start_count reads, files in turn. */
static void start_reads(struct stp_reader *reader)
{
	size_t started = 0;
	uint32_t slot;

	while (started < reader->start_count &&
	       reader->lists[STP_READ_LIST_READS].first != STP_READ_LIST_END) {
		int is_fault = reader->files[reader->lists[STP_READ_LIST_READS].first].is_fault;

		if ((!is_fault && !reader->free_buffer_count) ||
		    !stp_read_list_take(reader, STP_READ_LIST_READS, &slot))
			return;
		if (is_fault) {
			stp_read_list_add(reader, STP_READ_LIST_EVENTS, slot);
			continue;
		}
		stp_read_file_ask(reader, slot);
		started++;
	}
}

static void pump(struct stp_reader *reader)
{
	struct stp_read_op *op;

	start_reads(reader);
	if (reader->backend->ops->start(reader->backend, &reader->err) != STP_OK)
		return; /* stp_reader_check() reports it */
	while ((op = reader->backend->ops->reap(reader->backend, 0)) != NULL)
		stp_read_file_complete(reader, op);
}

int stp_reader_next(struct stp_reader *reader, enum stp_read_wait wait, struct stp_read_event *out)
{
	struct stp_read_op *op;

	if (next_event(reader, out))
		return 1;
	for (;;) {
		pump(reader);
		if (next_event(reader, out))
			return 1;
		if (reader->lists[STP_READ_LIST_READS].first != STP_READ_LIST_END &&
		    reader->free_buffer_count && !reader->err.code)
			continue; /* more can be started */
		if (wait == STP_READ_POLL || reader->ops_in_flight == 0 || reader->err.code ||
		    stp_cancelled(reader->cancel))
			return 0;
		op = reader->backend->ops->reap(reader->backend, 1);
		if (op)
			stp_read_file_complete(reader, op);
	}
}

enum stp_errc stp_reader_check(const struct stp_reader *reader, struct stp_err *err)
{
	stp_err_merge(err, &reader->err);
	return reader->err.code;
}

void stp_reader_release(struct stp_reader *reader, uint32_t buffer)
{
	STP_ASSERT(reader->free_buffer_count < reader->buffer_count);
	reader->free_buffers[reader->free_buffer_count++] = buffer;
}

/* --- files in -------------------------------------------------------------------------------- */

int stp_reader_has_room(const struct stp_reader *reader)
{
	return reader->free_file_count && reader->cost < reader->buffer_count;
}

size_t stp_reader_in_flight(const struct stp_reader *reader)
{
	return reader->file_count_max - reader->free_file_count;
}

size_t stp_reader_buffer_count(const struct stp_reader *reader)
{
	return reader->buffer_count;
}

void stp_reader_submit(struct stp_reader *reader, const char *path, uint64_t expected_length,
                       void *user)
{
	uint32_t slot;
	struct stp_read_file *file;

	STP_ASSERT(stp_reader_has_room(reader));
	slot = reader->free_files[--reader->free_file_count];
	file = &reader->files[slot];
	memset(file, 0, sizeof(*file));
	file->state = STP_READ_FILE_OPENING;
	file->fd = -1;
	file->path = path;
	file->user = user;
	file->expected_length = expected_length;
	file->cost = STP_READ_AHEAD;
	if (expected_length < (uint64_t)STP_READ_AHEAD * STP_READ_CHUNK_BYTES)
		file->cost = (size_t)(expected_length / STP_READ_CHUNK_BYTES) + 1;
	reader->cost += file->cost;
	reader->ops[slot].retry_count = 0;
	stp_read_file_open(reader, slot);
}
