/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a segment. The header page is written last, when the counts are known; until the rename
 * the file has a temporary name, so a reader never sees an incomplete segment.
 *
 *	worker 0: part 0 ─seal─▶ ticket 0 ─▶ [place: offset, index entries] ─▶ pwrite
 *	worker 1: part 1 ─seal─▶ ticket 1 ── waits for 0 to have its place ─▶ pwrite
 *
 * Only the placing happens in order and under the lock; sealing and writing run in parallel.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "ledger/segment_format.h"
#include "stampede/alg.h"

/* stp_segment_add() appends its part when it holds this much. */
#define SERIAL_PART_BYTES ((size_t)1 << 20)

struct stp_segment_writer {
	int folder_fd;
	int fd;
	char temporary[STP_TEMPORARY_BYTES];
	char name[STP_SEGMENT_NAME_MAX + 1];
	struct stp_segment_keys keys;
	struct stp_segment_info info;
	size_t digest_bytes;
	int is_finished;
	struct stp_segment_part *part; /* of stp_segment_add() */
	uint64_t part_count;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t turn;
	uint64_t next_ticket;
	int is_cancelled;
	uint64_t end; /* of the blocks so far */
	struct stp_block *blocks;
	size_t block_capacity;
	uint8_t last_key[STP_KEY_BYTES];
};

struct stp_segment_part {
	struct stp_segment_writer *writer;
	struct stp_blocks blocks;
};

enum stp_errc stp_segment_create(int folder_fd, const char *name,
                                 const struct stp_segment_options *options,
                                 struct stp_segment_writer **out_writer, struct stp_err *err)
{
	struct stp_segment_writer *writer = calloc(1, sizeof(*writer));
	enum stp_errc code;

	STP_ASSERT(strlen(name) <= STP_SEGMENT_NAME_MAX);
	STP_ASSERT(options->hash_set && options->hash_set < 1u << STP_ALG_COUNT);
	if (!writer)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", name, "cannot create");
	writer->folder_fd = folder_fd;
	writer->fd = -1;
	snprintf(writer->name, sizeof(writer->name), "%s", name);
	writer->info.kind = options->kind;
	writer->info.hash_set = options->hash_set;
	writer->info.generation = options->generation;
	writer->digest_bytes = stp_alg_set_digest_bytes(options->hash_set);
	writer->end = STP_SEGMENT_HEADER_BYTES;
	stp_segment_keys_derive(options->seal_key, &writer->keys);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->turn, NULL);
	code = stp_temporary_create(folder_fd, O_WRONLY, 0600, "ledger", name, writer->temporary,
	                            &writer->fd, err);
	if (code != STP_OK) {
		stp_segment_abort(writer);
		return code;
	}
	*out_writer = writer;
	return STP_OK;
}

enum stp_errc stp_segment_part_create(struct stp_segment_writer *writer, size_t bytes_hint,
                                      struct stp_segment_part **out_part, struct stp_err *err)
{
	struct stp_segment_part *part = calloc(1, sizeof(*part));
	enum stp_errc code;

	if (!part)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", writer->name, "no memory for a part");
	part->writer = writer;
	code = stp_blocks_init(&part->blocks, writer->digest_bytes, bytes_hint, err);
	if (code != STP_OK) {
		free(part);
		return code;
	}
	*out_part = part;
	return STP_OK;
}

void stp_segment_part_destroy(struct stp_segment_part *part)
{
	if (!part)
		return;
	stp_blocks_release(&part->blocks);
	free(part);
}

enum stp_errc stp_segment_part_add(struct stp_segment_part *part, const struct stp_record *record,
                                   struct stp_err *err)
{
	if (part->blocks.count)
		STP_ASSERT(stp_key_compare(part->blocks.last_key, record->key) < 0);
	if (!(record->flags & STP_RECORD_REMOVED))
		STP_ASSERT((record->flags & (STP_RECORD_DIGESTS | STP_RECORD_NO_PATH)) ==
		           STP_RECORD_DIGESTS);
	return stp_blocks_add(&part->blocks, record, err);
}

/* Makes space for count more index entries; under the lock. */
static enum stp_errc reserve_index(struct stp_segment_writer *writer, size_t count,
                                   struct stp_err *err)
{
	size_t needed = (size_t)writer->info.block_count + count;

	if (!STP_ARRAY_RESERVE(writer->blocks, writer->block_capacity, needed))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", writer->name,
		                      "no memory for an index of %zu blocks", needed);
	return STP_OK;
}

/* Assigns the part its place in the file; under the lock. */
static enum stp_errc take_place(struct stp_segment_writer *writer, const struct stp_blocks *blocks,
                                uint64_t *out_offset, struct stp_err *err)
{
	size_t i;

	*out_offset = writer->end;
	if (!blocks->count)
		return STP_OK;
	if (writer->info.block_count)
		STP_ASSERT(stp_key_compare(writer->last_key, blocks->items[0].first_key) < 0);
	STP_TRY(reserve_index(writer, blocks->count, err));
	for (i = 0; i < blocks->count; i++) {
		struct stp_block *block = &writer->blocks[writer->info.block_count++];

		*block = blocks->items[i];
		block->offset += writer->end;
	}
	writer->end += blocks->bytes;
	writer->info.record_count += blocks->record_count;
	memcpy(writer->last_key, blocks->last_key, STP_KEY_BYTES);
	return STP_OK;
}

enum stp_errc stp_segment_append(struct stp_segment_writer *writer, struct stp_segment_part *part,
                                 uint64_t ticket, struct stp_err *err)
{
	enum stp_errc code;
	uint64_t offset = 0;

	stp_blocks_seal(&part->blocks, writer->keys.block);
	pthread_mutex_lock(&writer->lock);
	STP_ASSERT(ticket >= writer->next_ticket);
	while (writer->next_ticket != ticket && !writer->is_cancelled)
		pthread_cond_wait(&writer->turn, &writer->lock);
	if (writer->is_cancelled)
		code = STP_FAIL(err, STP_CANCELLED, "ledger", writer->name, "stopped");
	else
		code = take_place(writer, &part->blocks, &offset, err);
	if (code == STP_OK)
		writer->next_ticket = ticket + 1;
	else
		writer->is_cancelled = 1;
	pthread_cond_broadcast(&writer->turn);
	pthread_mutex_unlock(&writer->lock);
	STP_TRY(code);
	code = stp_fd_write_at(writer->fd, part->blocks.data, part->blocks.bytes, (off_t)offset,
	                       "ledger", writer->name, err);
	if (code != STP_OK)
		stp_segment_cancel(writer);
	stp_blocks_clear(&part->blocks);
	return code;
}

void stp_segment_cancel(struct stp_segment_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->is_cancelled = 1;
	pthread_cond_broadcast(&writer->turn);
	pthread_mutex_unlock(&writer->lock);
}

enum stp_errc stp_segment_add(struct stp_segment_writer *writer, const struct stp_record *record,
                              struct stp_err *err)
{
	if (!writer->part)
		STP_TRY(stp_segment_part_create(writer, 0, &writer->part, err));
	STP_TRY(stp_segment_part_add(writer->part, record, err));
	if (writer->part->blocks.bytes < SERIAL_PART_BYTES)
		return STP_OK;
	return stp_segment_append(writer, writer->part, writer->part_count++, err);
}

/* Writes index and footer behind the blocks and the header before them. */
static enum stp_errc write_frame(struct stp_segment_writer *writer, uint8_t *index,
                                 struct stp_err *err)
{
	struct stp_segment_info *info = &writer->info;
	size_t index_bytes = (size_t)info->block_count * STP_BLOCK_ENTRY_BYTES;
	uint8_t header[STP_SEGMENT_HEADER_BYTES];
	uint8_t *footer = index + index_bytes;
	size_t i;

	for (i = 0; i < info->block_count; i++)
		stp_block_store(&writer->blocks[i], index + i * STP_BLOCK_ENTRY_BYTES);
	info->file_bytes = writer->end + index_bytes + STP_SEGMENT_FOOTER_BYTES;
	stp_segment_header_store(info, writer->end, header);
	stp_store64_le(footer, STP_SEGMENT_END_MAGIC);
	stp_store64_le(footer + 8, info->file_bytes);
	stp_segment_seal(&writer->keys, header, index, index_bytes, footer, footer + 16);
	memcpy(info->seal, footer + 16, STP_SEAL_BYTES);
	STP_TRY(stp_fd_write_at(writer->fd, index, index_bytes + STP_SEGMENT_FOOTER_BYTES,
	                        (off_t)writer->end, "ledger", writer->name, err));
	return stp_fd_write_at(writer->fd, header, sizeof(header), 0, "ledger", writer->name, err);
}

/* Writes index and footer; the file is complete but still has its temporary name and is not yet
 * durable. */
static enum stp_errc finish(struct stp_segment_writer *writer, struct stp_err *err)
{
	enum stp_errc code;
	uint8_t *index;

	STP_ASSERT(!writer->is_finished);
	if (writer->part)
		STP_TRY(stp_segment_append(writer, writer->part, writer->part_count++, err));
	if (writer->is_cancelled)
		return STP_FAIL(err, STP_CANCELLED, "ledger", writer->name, "stopped");
	index = malloc((size_t)writer->info.block_count * STP_BLOCK_ENTRY_BYTES +
	               STP_SEGMENT_FOOTER_BYTES);
	if (!index)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", writer->name,
		                      "no memory for the index");
	code = write_frame(writer, index, err);
	free(index);
	STP_TRY(code);
	writer->is_finished = 1;
	return STP_OK;
}

/* fsync, final name, fsync of the folder. */
static enum stp_errc put_in_place(struct stp_segment_writer *writer, struct stp_err *err)
{
	STP_TRY(stp_fd_sync(writer->fd, "ledger", writer->name, err));
	STP_FAULT_TRY(err, "ledger", "rename", writer->name);
	if (stp_rename_new(writer->folder_fd, writer->temporary, writer->folder_fd, writer->name) !=
	    0)
		return STP_FAIL_SYS(err, "ledger", writer->name, "cannot put in place");
	writer->temporary[0] = '\0';
	return stp_fd_sync(writer->folder_fd, "ledger", writer->name, err);
}

enum stp_errc stp_segment_commit(struct stp_segment_writer *writer, struct stp_segment_info *info,
                                 struct stp_err *err)
{
	enum stp_errc code = STP_OK;

	if (!writer->is_finished)
		code = finish(writer, err);
	if (code == STP_OK)
		code = put_in_place(writer, err);
	if (code == STP_OK && info)
		*info = writer->info;
	stp_segment_abort(writer);
	return code;
}

void stp_segment_abort(struct stp_segment_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0) {
		close(writer->fd);
		if (writer->temporary[0])
			unlinkat(writer->folder_fd, writer->temporary, 0);
	}
	stp_segment_part_destroy(writer->part);
	free(writer->blocks);
	sodium_memzero(&writer->keys, sizeof(writer->keys));
	pthread_cond_destroy(&writer->turn);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}
