/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internals of a reader, shared by these files. Internal to read/.
 *
 *	reader.c         files in, events out, and the pump between
 *	reader_file.c    what each completed operation does to its file
 *	reader_create.c  memory, tables and the back end
 *
 * Shape      slots of files, and operations: one OPEN per slot, one READ per buffer.
 * Memory     see read/reader.h.
 * Ownership  stp_reader_destroy() frees all.
 * Threads    the reader's own.
 */
#ifndef STP_READ_READER_STATE_H
#define STP_READ_READER_STATE_H

#include "read/op.h"
#include "read/reader.h"

#define STP_READ_STAGE "read"
/* Not a power of two, or all buffers would fall into the same sets of the caches. */
#define STP_READ_STRIDE_BYTES (STP_READ_CHUNK_BYTES + 4096)
#define STP_READ_LIST_END     UINT32_MAX

enum stp_read_file_state {
	STP_READ_FILE_FREE,
	STP_READ_FILE_OPENING,
	STP_READ_FILE_READING,
	STP_READ_FILE_CLOSED, /* all operations are back; events remain */
};

struct stp_read_chunk {
	uint32_t buffer;
	size_t wanted_bytes;
	size_t got_bytes;
	int arrived;
};

struct stp_read_file {
	enum stp_read_file_state state;
	int fd;
	int is_direct;
	int is_fault;
	int sys_errno;
	enum stp_errc code;
	unsigned ops_in_flight;
	const char *path;
	void *user;
	size_t cost; /* buffers that are reserved for it */
	uint64_t expected_length;
	struct stp_file_status before;
	uint64_t asked_bytes; /* reads were started up to here */
	uint64_t given_bytes; /* DATA events were delivered up to here */
	int asked_all;
	int given_all;
	size_t first_chunk; /* ring of STP_READ_AHEAD chunks */
	size_t chunk_count;
	struct stp_read_chunk chunks[STP_READ_AHEAD];
	uint32_t next_in[2]; /* lists: reads, events */
	int is_in[2];
	char text[128];
};

struct stp_read_list {
	uint32_t first;
	uint32_t last;
};

enum { STP_READ_LIST_READS, STP_READ_LIST_EVENTS };

struct stp_reader {
	struct stp_read_backend *backend;
	struct stp_cancel *cancel;
	uint64_t open_flags;
	uint64_t open_resolve;
	size_t start_count;
	int exact_length;
	size_t short_read_bytes; /* test hook: no read requests more */
	size_t file_count_max;
	struct stp_read_file *files;
	uint32_t *free_files;
	size_t free_file_count;
	size_t cost; /* buffers that are reserved for all files in flight */
	size_t buffer_count;
	uint8_t *buffers;
	uint32_t *free_buffers;
	size_t free_buffer_count;
	/* [0, file_count_max) OPEN of a slot, behind them READ into a buffer */
	struct stp_read_op *ops;
	size_t ops_in_flight;
	size_t open_count;                 /* descriptors held */
	struct stp_read_op *waiting_opens; /* no descriptor was free */
	struct stp_read_list lists[2];
	struct stp_err err; /* of the back end: no more events will come */
};

static inline void stp_read_list_add(struct stp_reader *reader, int which, uint32_t slot)
{
	struct stp_read_list *list = &reader->lists[which];
	struct stp_read_file *file = &reader->files[slot];

	if (file->is_in[which])
		return;
	file->is_in[which] = 1;
	file->next_in[which] = STP_READ_LIST_END;
	if (list->first == STP_READ_LIST_END)
		list->first = slot;
	else
		reader->files[list->last].next_in[which] = slot;
	list->last = slot;
}

static inline int stp_read_list_take(struct stp_reader *reader, int which, uint32_t *out_slot)
{
	struct stp_read_list *list = &reader->lists[which];

	if (list->first == STP_READ_LIST_END)
		return 0;
	*out_slot = list->first;
	list->first = reader->files[*out_slot].next_in[which];
	reader->files[*out_slot].is_in[which] = 0;
	return 1;
}

static inline uint8_t *stp_read_buffer_at(const struct stp_reader *reader, uint32_t buffer)
{
	return reader->buffers + (size_t)buffer * STP_READ_STRIDE_BYTES;
}

/* Starts opening the file of a slot. */
void stp_read_file_open(struct stp_reader *reader, uint32_t slot);

/* Starts reading the next chunk of a file; the caller has checked that a buffer is free. */
void stp_read_file_ask(struct stp_reader *reader, uint32_t slot);

/* Handles a completed operation: its file continues or ends. */
void stp_read_file_complete(struct stp_reader *reader, struct stp_read_op *op);

#endif
