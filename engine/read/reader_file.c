/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a file, on either back end.
 *
 *	submit ─▶ OPENING ─▶ READING ─▶ CLOSED ─▶ (slot free)
 *	             │           │         ▲
 *	             └───────────┴─ fault ─┘      always: all of its operations are back first
 *
 * While READING, a file has up to STP_READ_AHEAD chunks: requested, arrived, or waiting for their
 * turn, since operations complete in any order and DATA events are delivered in file order:
 *
 *	chunks   [ 0 arrived ][ 1 in flight ][ 2 arrived ][ free ]
 *	           ▲ next event                              ▲ next read
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read/direct.h"
#include "read/reader_state.h"

#define RETRY_COUNT_MAX 10000

/* --- operations ------------------------------------------------------------------------------ */

static void queue_op(struct stp_reader *reader, struct stp_read_op *op)
{
	STP_ASSERT(!op->in_flight);
	op->generation++;
	op->in_flight = 1;
	reader->ops_in_flight++;
	reader->files[op->slot].ops_in_flight++;
	reader->backend->ops->queue(reader->backend, op);
}

void stp_read_file_open(struct stp_reader *reader, uint32_t slot)
{
	struct stp_read_op *op = &reader->ops[slot];

	op->path = reader->files[slot].path;
	op->how.flags = reader->open_flags;
	op->how.resolve = reader->open_resolve;
	queue_op(reader, op);
}

/* Requests what is missing of a chunk. */
static void queue_read(struct stp_reader *reader, uint32_t slot, const struct stp_read_chunk *chunk,
                       uint64_t chunk_offset)
{
	struct stp_read_op *op = &reader->ops[reader->file_count_max + chunk->buffer];

	op->slot = slot;
	op->fd = reader->files[slot].fd;
	op->buffer = stp_read_buffer_at(reader, chunk->buffer) + chunk->got_bytes;
	op->bytes = chunk->wanted_bytes - chunk->got_bytes;
	op->offset = chunk_offset + chunk->got_bytes;
	op->is_direct = reader->files[slot].is_direct;
	if (op->is_direct) /* the buffer is longer than a chunk */
		op->bytes = (op->bytes + STP_READ_DIRECT_ALIGN - 1) / STP_READ_DIRECT_ALIGN *
		            STP_READ_DIRECT_ALIGN;
	if (reader->short_read_bytes && op->bytes > reader->short_read_bytes)
		op->bytes = reader->short_read_bytes;
	queue_op(reader, op);
}

void stp_read_file_ask(struct stp_reader *reader, uint32_t slot)
{
	struct stp_read_file *file = &reader->files[slot];
	struct stp_read_chunk *chunk =
	    &file->chunks[(file->first_chunk + file->chunk_count) % STP_READ_AHEAD];
	uint64_t left = file->before.length - file->asked_bytes;
	uint64_t offset = file->asked_bytes;

	chunk->buffer = reader->free_buffers[--reader->free_buffer_count];
	chunk->got_bytes = 0;
	chunk->arrived = 0;
	/* One byte is requested of an empty file too: its end must be where its size says. */
	chunk->wanted_bytes = left < STP_READ_CHUNK_BYTES ? (size_t)left : STP_READ_CHUNK_BYTES;
	if (file->before.length == 0)
		chunk->wanted_bytes = 1;
	else
		file->asked_bytes += chunk->wanted_bytes;
	file->asked_all = file->asked_bytes == file->before.length;
	file->chunk_count++;
	reader->ops[reader->file_count_max + chunk->buffer].retry_count = 0;
	queue_read(reader, slot, chunk, offset);
	if (!file->asked_all && file->chunk_count < STP_READ_AHEAD)
		stp_read_list_add(reader, STP_READ_LIST_READS, slot);
}

/* --- how a file ends ------------------------------------------------------------------------- */

static void set_fault(struct stp_read_file *file, enum stp_errc code, int sys, const char *text)
{
	if (file->is_fault)
		return;
	file->is_fault = 1;
	file->code = code;
	file->sys_errno = sys;
	snprintf(file->text, sizeof(file->text), "%.127s", text);
}

static void set_changed(struct stp_read_file *file, uint64_t length)
{
	if (file->is_fault)
		return;
	set_fault(file, STP_CHANGED, 0,
	          "changed while it was read; run again when nothing writes to it");
	if (length != file->before.length)
		snprintf(file->text, sizeof(file->text),
		         "changed while it was read (%llu → %llu bytes)",
		         (unsigned long long)file->before.length, (unsigned long long)length);
}

static void take_status(int fd, struct stp_file_status *status, int *out_sys, unsigned *out_mode)
{
	struct stat st;

	*out_sys = fstat(fd, &st) != 0 ? errno : 0;
	if (*out_sys)
		return;
	*out_mode = st.st_mode;
	*status = stp_file_status_of(&st);
}

static void set_other_length(struct stp_read_file *file)
{
	char text[sizeof(file->text)];

	snprintf(text, sizeof(text), STP_READ_LENGTH_TEXT, (unsigned long long)file->before.length,
	         (unsigned long long)file->expected_length);
	set_fault(file, STP_CHANGED, 0, text);
}

/* The second fstat: all bytes are read. */
static void check_unchanged(struct stp_read_file *file)
{
	struct stp_file_status after;
	unsigned mode;
	int sys;

	take_status(file->fd, &after, &sys, &mode);
	if (sys)
		set_fault(file, STP_IO, sys, "cannot stat the open file");
	else if (!stp_file_status_is(&after, &file->before))
		set_changed(file, after.length);
}

static void restart_opens(struct stp_reader *reader)
{
	struct stp_read_op *op = reader->waiting_opens;

	if (op) {
		reader->waiting_opens = op->next;
		stp_read_file_open(reader, op->slot);
	}
}

static void drop_chunks(struct stp_reader *reader, struct stp_read_file *file)
{
	for (; file->chunk_count; file->chunk_count--) {
		reader->free_buffers[reader->free_buffer_count++] =
		    file->chunks[file->first_chunk].buffer;
		file->first_chunk = (file->first_chunk + 1) % STP_READ_AHEAD;
	}
}

/* Whether a file needs nothing more from the kernel. */
static int is_complete(const struct stp_read_file *file)
{
	size_t i;

	if (file->ops_in_flight)
		return 0;
	if (file->is_fault)
		return 1;
	if (file->state != STP_READ_FILE_READING || !file->asked_all || file->chunk_count == 0)
		return 0;
	for (i = 0; i < file->chunk_count; i++) {
		if (!file->chunks[(file->first_chunk + i) % STP_READ_AHEAD].arrived)
			return 0;
	}
	return 1;
}

/* Closes a file when all of its operations have completed and it needs no more. */
static void close_if_complete(struct stp_reader *reader, uint32_t slot)
{
	struct stp_read_file *file = &reader->files[slot];

	if (!is_complete(file))
		return;
	if (!file->is_fault)
		check_unchanged(file);
	if (file->is_fault)
		drop_chunks(reader, file);
	if (file->fd >= 0) {
		close(file->fd);
		file->fd = -1;
		reader->open_count--;
		restart_opens(reader);
	}
	file->state = STP_READ_FILE_CLOSED;
}

/* --- completions ----------------------------------------------------------------------------- */

static int is_shortage(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOMEM || sys == ENOBUFS;
}

/* The text for why a file did not open; NULL when the text of errno is enough. */
static const char *open_problem(int sys)
{
	switch (sys) {
	case ENOENT:
		return "vanished before it was read; run again";
	case ELOOP: /* RESOLVE_NO_SYMLINKS, O_NOFOLLOW */
		return "has become a symbolic link, which is never followed";
	case EXDEV: /* RESOLVE_BENEATH */
		return "leads out of the targets folder";
	case ENOTDIR:
		return "is in a folder that was replaced; run this again";
	case EISDIR:
	case ENXIO: /* a socket, or a device without driver */
		return "is not a regular file";
	default:
		return NULL;
	}
}

#ifdef STP_TEST_HOOKS
void (*stp_read_opened_hook)(const char *path);
#endif

static void opened(struct stp_reader *reader, uint32_t slot, int fd)
{
	struct stp_read_file *file = &reader->files[slot];
	unsigned mode = 0;
	int sys;

	file->fd = fd;
	file->state = STP_READ_FILE_READING;
	reader->open_count++;
	take_status(fd, &file->before, &sys, &mode);
	if (sys)
		set_fault(file, STP_IO, sys, "cannot stat the open file");
	else if (!S_ISREG(mode))
		set_fault(file, STP_FORMAT, 0, "is not a regular file");
	else if (reader->exact_length && file->before.length != file->expected_length)
		set_other_length(file);
	else
		stp_read_list_add(reader, STP_READ_LIST_READS, slot);
	if (!file->is_fault && stp_read_wants_direct(fd, file->before.length))
		file->is_direct = stp_read_set_direct(file->fd, 1);
#ifdef STP_TEST_HOOKS
	if (stp_read_opened_hook)
		stp_read_opened_hook(file->path);
#endif
}

static void open_failed(struct stp_reader *reader, struct stp_read_op *op, int sys)
{
	struct stp_read_file *file = &reader->files[op->slot];
	char text[sizeof(file->text)];

	/* O_NOATIME is for the owner and for CAP_FOWNER alone. */
	if (sys == EPERM && (op->how.flags & O_NOATIME)) {
		reader->open_flags &= ~(uint64_t)O_NOATIME;
		stp_read_file_open(reader, op->slot);
		return;
	}
	/* EAGAIN: a rename raced with the lookup beneath the root, or the ring ran out of
	 * memory. */
	if ((sys == EINTR || sys == EAGAIN) && op->retry_count++ < RETRY_COUNT_MAX) {
		stp_read_file_open(reader, op->slot);
		return;
	}
	/* Out of descriptors: wait until this reader closes a file. */
	if ((sys == EMFILE || sys == ENFILE) && reader->open_count) {
		op->next = reader->waiting_opens;
		reader->waiting_opens = op;
		return;
	}
	if (is_shortage(sys)) {
		snprintf(text, sizeof(text), "cannot open; raise the limits or use fewer %.64s",
		         stp_hint_text(STP_HINT_JOBS));
		set_fault(file, STP_BUSY, sys, text);
	} else if (open_problem(sys)) {
		set_fault(file, sys == ENOENT || sys == ENOTDIR ? STP_CHANGED : STP_FORMAT, 0,
		          open_problem(sys));
	} else {
		set_fault(file, STP_IO, sys, "cannot open");
	}
}

static struct stp_read_chunk *chunk_of(struct stp_read_file *file, uint32_t buffer,
                                       uint64_t *out_offset)
{
	uint64_t offset = file->given_bytes;
	size_t i;

	for (i = 0; i < file->chunk_count; i++) {
		struct stp_read_chunk *chunk =
		    &file->chunks[(file->first_chunk + i) % STP_READ_AHEAD];

		if (chunk->buffer == buffer) {
			*out_offset = offset;
			return chunk;
		}
		offset += chunk->wanted_bytes;
	}
	stp_bug("a completed read belongs to no chunk of its file", __FILE__, __LINE__);
}

static void have_read(struct stp_reader *reader, struct stp_read_op *op)
{
	struct stp_read_file *file = &reader->files[op->slot];
	uint64_t offset;
	struct stp_read_chunk *chunk =
	    chunk_of(file, (uint32_t)(op->index - reader->file_count_max), &offset);
	long got = op->result;

	if ((got == -EINTR || got == -EAGAIN) && !file->is_fault &&
	    op->retry_count++ < RETRY_COUNT_MAX) {
		queue_read(reader, op->slot, chunk, offset);
		return;
	}
	if (got == -EINVAL && op->is_direct) {
		file->is_direct = stp_read_set_direct(file->fd, 0);
		queue_read(reader, op->slot, chunk, offset);
		return;
	}
	if (got < 0) {
		chunk->arrived = 1;
		if (is_shortage((int)-got))
			set_fault(file, STP_BUSY, (int)-got, "cannot read; try again");
		else
			set_fault(file, STP_IO, (int)-got, "cannot read");
		return;
	}
	if (file->before.length == 0) {
		chunk->arrived = 1;
		chunk->wanted_bytes = 0;
		if (got != 0)
			set_fault(file, STP_CHANGED, 0,
			          "changed while it was read (its size said 0 bytes)");
		return;
	}
	/* A direct read of whole blocks sees appended bytes; the second fstat will detect that. */
	if ((size_t)got > chunk->wanted_bytes - chunk->got_bytes)
		got = (long)(chunk->wanted_bytes - chunk->got_bytes);
	chunk->got_bytes += (size_t)got;
	if (got == 0) { /* the end comes before the size */
		chunk->arrived = 1;
		set_changed(file, offset + chunk->got_bytes);
	} else if (chunk->got_bytes == chunk->wanted_bytes || file->is_fault) {
		chunk->arrived = 1;
	} else { /* a short read is normal: request the rest */
		if (file->is_direct && chunk->got_bytes % STP_READ_DIRECT_ALIGN)
			file->is_direct = stp_read_set_direct(file->fd, 0);
		queue_read(reader, op->slot, chunk, offset);
	}
}

void stp_read_file_complete(struct stp_reader *reader, struct stp_read_op *op)
{
	uint32_t slot = op->slot;

	op->in_flight = 0;
	reader->ops_in_flight--;
	reader->files[slot].ops_in_flight--;
	if (op->kind == STP_READ_OP_READ)
		have_read(reader, op);
	else if (op->result >= 0)
		opened(reader, slot, (int)op->result);
	else
		open_failed(reader, op, (int)-op->result);
	close_if_complete(reader, slot);
	stp_read_list_add(reader, STP_READ_LIST_EVENTS, slot);
}
