/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a file, over either back end.
 *
 *	submit ─▶ OPENING ─▶ READING ─▶ CLOSED ─▶ (slot free)
 *	             │           │         ▲
 *	             └───────────┴─ fault ─┘      always: all of its operations are back first
 *
 * While READING a file has up to AHEAD pieces: asked for, arrived, or waiting for their turn, since
 * operations come back in any order and DATA events go out in file order:
 *
 *	pieces   [ 0 arrived ][ 1 in flight ][ 2 arrived ][ free ]
 *	           ▲ next event                              ▲ next read
 *
 * Two lists of files drive everything. "reads" holds files that want another read and get one each
 * in turn while buffers are free; "events" holds files whose next event may be ready. Free buffers
 * are a stack, so that a hot page cache is copied into memory that is still in the L2 cache, and
 * only start_count reads are started at a time: what comes back at once is hashed before more is
 * read; what has to wait for the disk lets the queue grow.
 */
#include "read/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "read/op.h"

#define STAGE       "read"
#define PIECE_BYTES STP_READ_PIECE_BYTES
/* Not a power of two, or all buffers would fall into the same sets of the caches. */
#define STRIDE_BYTES    (PIECE_BYTES + 4096)
#define BUDGET_BYTES    (32 * 1024 * 1024)
#define FILE_COUNT_MAX  256
#define START_COUNT     16
#define AHEAD           STP_READ_AHEAD
#define RETRY_COUNT_MAX 10000
/* Files from here on are read past the page cache unless they are in it: less copying, and a
 * nightly run does not evict what others use (engine/decisions/0121-reading.md). */
#define DIRECT_BYTES_MIN (1024 * 1024)
/* What direct reads are aligned to; every file system's block fits or is refused with EINVAL. */
#define DIRECT_ALIGN 4096
/* Of a large file this much is looked up in the page cache. */
#define CACHED_LOOK_BYTES (64 * 1024 * 1024)
#define LIST_END          UINT32_MAX

enum file_state {
	FILE_FREE,
	FILE_OPENING,
	FILE_READING,
	FILE_CLOSED, /* all operations are back; events remain */
};

struct piece {
	uint32_t buffer;
	size_t wanted_bytes;
	size_t got_bytes;
	int arrived;
};

struct file {
	enum file_state state;
	int fd;
	int is_direct;
	int is_fault;
	int sys_errno;
	enum stp_errc code;
	unsigned ops_in_flight;
	const char *path;
	void *user;
	size_t cost; /* buffers it is counted for */
	uint64_t expected_length;
	struct stp_file_status before;
	uint64_t asked_bytes; /* up to here reads were started */
	uint64_t given_bytes; /* up to here DATA events went out */
	int asked_all;
	int given_all;
	size_t first_piece; /* ring of AHEAD pieces */
	size_t piece_count;
	struct piece pieces[AHEAD];
	uint32_t next_in[2]; /* lists: reads, events */
	int is_in[2];
	char text[128];
};

struct list {
	uint32_t first;
	uint32_t last;
};

enum { LIST_READS, LIST_EVENTS };

struct stp_reader {
	struct stp_read_backend *backend;
	struct stp_cancel *cancel;
	uint64_t open_flags;
	uint64_t open_resolve;
	size_t start_count;
	int exact_length;
	size_t short_read_bytes; /* test hook: no read asks for more */
	size_t file_count_max;
	struct file *files;
	uint32_t *free_files;
	size_t free_file_count;
	size_t cost; /* buffers all files in flight are counted for */
	size_t buffer_count;
	uint8_t *buffers;
	uint32_t *free_buffers;
	size_t free_buffer_count;
	struct stp_read_op
	    *ops; /* [0, file_count_max) OPEN of a slot, behind them READ into a buffer */
	size_t ops_in_flight;
	size_t open_count;                 /* descriptors held */
	struct stp_read_op *waiting_opens; /* no descriptor was free */
	struct list lists[2];
	struct stp_err err; /* of the back end: nothing more will come */
};

/* --- lists of files -------------------------------------------------------------------------- */

static void list_add(struct stp_reader *reader, int which, uint32_t slot)
{
	struct list *list = &reader->lists[which];
	struct file *file = &reader->files[slot];

	if (file->is_in[which])
		return;
	file->is_in[which] = 1;
	file->next_in[which] = LIST_END;
	if (list->first == LIST_END)
		list->first = slot;
	else
		reader->files[list->last].next_in[which] = slot;
	list->last = slot;
}

static int list_take(struct stp_reader *reader, int which, uint32_t *out_slot)
{
	struct list *list = &reader->lists[which];

	if (list->first == LIST_END)
		return 0;
	*out_slot = list->first;
	list->first = reader->files[*out_slot].next_in[which];
	reader->files[*out_slot].is_in[which] = 0;
	return 1;
}

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

static void queue_open(struct stp_reader *reader, uint32_t slot)
{
	struct stp_read_op *op = &reader->ops[slot];

	op->path = reader->files[slot].path;
	op->how.flags = reader->open_flags;
	op->how.resolve = reader->open_resolve;
	queue_op(reader, op);
}

static uint8_t *buffer_at(const struct stp_reader *reader, uint32_t buffer)
{
	return reader->buffers + (size_t)buffer * STRIDE_BYTES;
}

/* Asks for what is missing of a piece. */
static void queue_read(struct stp_reader *reader, uint32_t slot, const struct piece *piece,
                       uint64_t piece_offset)
{
	struct stp_read_op *op = &reader->ops[reader->file_count_max + piece->buffer];

	op->slot = slot;
	op->fd = reader->files[slot].fd;
	op->buffer = buffer_at(reader, piece->buffer) + piece->got_bytes;
	op->bytes = piece->wanted_bytes - piece->got_bytes;
	op->offset = piece_offset + piece->got_bytes;
	op->is_direct = reader->files[slot].is_direct;
	if (op->is_direct) /* the buffer has room behind the piece */
		op->bytes = (op->bytes + DIRECT_ALIGN - 1) / DIRECT_ALIGN * DIRECT_ALIGN;
	if (reader->short_read_bytes && op->bytes > reader->short_read_bytes)
		op->bytes = reader->short_read_bytes;
	queue_op(reader, op);
}

/* Starts the next piece of a file; the caller has seen a free buffer. */
static void ask_piece(struct stp_reader *reader, uint32_t slot)
{
	struct file *file = &reader->files[slot];
	struct piece *piece = &file->pieces[(file->first_piece + file->piece_count) % AHEAD];
	uint64_t left = file->before.length - file->asked_bytes;
	uint64_t offset = file->asked_bytes;

	piece->buffer = reader->free_buffers[--reader->free_buffer_count];
	piece->got_bytes = 0;
	piece->arrived = 0;
	/* An empty file is asked for a byte all the same: its end must be where its size says. */
	piece->wanted_bytes = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	if (file->before.length == 0)
		piece->wanted_bytes = 1;
	else
		file->asked_bytes += piece->wanted_bytes;
	file->asked_all = file->asked_bytes == file->before.length;
	file->piece_count++;
	reader->ops[reader->file_count_max + piece->buffer].retry_count = 0;
	queue_read(reader, slot, piece, offset);
	if (!file->asked_all && file->piece_count < AHEAD)
		list_add(reader, LIST_READS, slot);
}

/* --- how a file ends ------------------------------------------------------------------------- */

static void set_fault(struct file *file, enum stp_errc code, int sys, const char *text)
{
	if (file->is_fault)
		return;
	file->is_fault = 1;
	file->code = code;
	file->sys_errno = sys;
	snprintf(file->text, sizeof(file->text), "%.127s", text);
}

static void set_changed(struct file *file, uint64_t length)
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

static void set_other_length(struct file *file)
{
	char text[sizeof(file->text)];

	snprintf(text, sizeof(text), STP_READ_LENGTH_TEXT, (unsigned long long)file->before.length,
	         (unsigned long long)file->expected_length);
	set_fault(file, STP_CHANGED, 0, text);
}

/* The second fstat: all bytes are read. */
static void check_unchanged(struct file *file)
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
		queue_open(reader, op->slot);
	}
}

static void drop_pieces(struct stp_reader *reader, struct file *file)
{
	for (; file->piece_count; file->piece_count--) {
		reader->free_buffers[reader->free_buffer_count++] =
		    file->pieces[file->first_piece].buffer;
		file->first_piece = (file->first_piece + 1) % AHEAD;
	}
}

/* Whether a file needs nothing more from the system. */
static int is_settled(const struct file *file)
{
	size_t i;

	if (file->ops_in_flight)
		return 0;
	if (file->is_fault)
		return 1;
	if (file->state != FILE_READING || !file->asked_all || file->piece_count == 0)
		return 0;
	for (i = 0; i < file->piece_count; i++) {
		if (!file->pieces[(file->first_piece + i) % AHEAD].arrived)
			return 0;
	}
	return 1;
}

/* Closes a file when all of its operations are back and it needs no more. */
static void settle(struct stp_reader *reader, uint32_t slot)
{
	struct file *file = &reader->files[slot];

	if (!is_settled(file))
		return;
	if (!file->is_fault)
		check_unchanged(file);
	if (file->is_fault)
		drop_pieces(reader, file);
	if (file->fd >= 0) {
		close(file->fd);
		file->fd = -1;
		reader->open_count--;
		restart_opens(reader);
	}
	file->state = FILE_CLOSED;
}

/* --- completions ----------------------------------------------------------------------------- */

static int is_shortage(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOMEM || sys == ENOBUFS;
}

/* A sentence for why a file did not open; NULL when errno's own meaning says enough. */
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
		return "is no regular file";
	default:
		return NULL;
	}
}

/* cachestat(2), Linux 6.5; not in the headers of Debian 12. */
struct cachestat_range {
	uint64_t offset;
	uint64_t bytes;
};
struct cachestat {
	uint64_t cached_pages;
	uint64_t unused[4];
};
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* Whether hardly anything of fd is in the page cache; 0 also where the kernel cannot tell. */
static int is_cold(int fd, uint64_t length)
{
	struct cachestat_range range = {0, length < CACHED_LOOK_BYTES ? length : CACHED_LOOK_BYTES};
	struct cachestat stat;

	if (syscall(SYS_cachestat, fd, &range, &stat, 0) != 0)
		return 0;
	return stat.cached_pages * 4096 * 8 < range.bytes;
}

static void set_direct(struct file *file, int direct)
{
	int flags = fcntl(file->fd, F_GETFL);

	/* EINVAL: a file system without direct reads. */
	flags = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
	file->is_direct = fcntl(file->fd, F_SETFL, flags) == 0 && direct;
}

#ifdef STP_TEST_HOOKS
void (*stp_read_opened_hook)(const char *path);
#endif

static void opened(struct stp_reader *reader, uint32_t slot, int fd)
{
	struct file *file = &reader->files[slot];
	unsigned mode = 0;
	int sys;

	file->fd = fd;
	file->state = FILE_READING;
	reader->open_count++;
	take_status(fd, &file->before, &sys, &mode);
	if (sys)
		set_fault(file, STP_IO, sys, "cannot stat the open file");
	else if (!S_ISREG(mode))
		set_fault(file, STP_FORMAT, 0, "is no regular file");
	else if (reader->exact_length && file->before.length != file->expected_length)
		set_other_length(file);
	else
		list_add(reader, LIST_READS, slot);
	if (file->before.length >= DIRECT_BYTES_MIN && !file->is_fault &&
	    is_cold(fd, file->before.length))
		set_direct(file, 1);
#ifdef STP_TEST_HOOKS
	if (stp_read_opened_hook)
		stp_read_opened_hook(file->path);
#endif
}

static void open_failed(struct stp_reader *reader, struct stp_read_op *op, int sys)
{
	struct file *file = &reader->files[op->slot];

	/* O_NOATIME is for the owner and for CAP_FOWNER alone. */
	if (sys == EPERM && (op->how.flags & O_NOATIME)) {
		reader->open_flags &= ~(uint64_t)O_NOATIME;
		queue_open(reader, op->slot);
		return;
	}
	/* EAGAIN: a rename raced with the lookup beneath the root, or the ring was short. */
	if ((sys == EINTR || sys == EAGAIN) && op->retry_count++ < RETRY_COUNT_MAX) {
		queue_open(reader, op->slot);
		return;
	}
	/* Out of descriptors: wait until a file of ours is closed. */
	if ((sys == EMFILE || sys == ENFILE) && reader->open_count) {
		op->next = reader->waiting_opens;
		reader->waiting_opens = op;
		return;
	}
	if (is_shortage(sys))
		set_fault(file, STP_BUSY, sys, "cannot open; raise the limits or use fewer --jobs");
	else if (open_problem(sys))
		set_fault(file, sys == ENOENT || sys == ENOTDIR ? STP_CHANGED : STP_FORMAT, 0,
		          open_problem(sys));
	else
		set_fault(file, STP_IO, sys, "cannot open");
}

static struct piece *piece_of(struct file *file, uint32_t buffer, uint64_t *out_offset)
{
	uint64_t offset = file->given_bytes;
	size_t i;

	for (i = 0; i < file->piece_count; i++) {
		struct piece *piece = &file->pieces[(file->first_piece + i) % AHEAD];

		if (piece->buffer == buffer) {
			*out_offset = offset;
			return piece;
		}
		offset += piece->wanted_bytes;
	}
	stp_bug("a read came back for no piece of its file", __FILE__, __LINE__);
}

static void have_read(struct stp_reader *reader, struct stp_read_op *op)
{
	struct file *file = &reader->files[op->slot];
	uint64_t offset;
	struct piece *piece =
	    piece_of(file, (uint32_t)(op->index - reader->file_count_max), &offset);
	long got = op->result;

	if ((got == -EINTR || got == -EAGAIN) && !file->is_fault &&
	    op->retry_count++ < RETRY_COUNT_MAX) {
		queue_read(reader, op->slot, piece, offset);
		return;
	}
	if (got == -EINVAL && op->is_direct) {
		set_direct(file, 0);
		queue_read(reader, op->slot, piece, offset);
		return;
	}
	if (got < 0) {
		piece->arrived = 1;
		if (is_shortage((int)-got))
			set_fault(file, STP_BUSY, (int)-got, "cannot read; try again");
		else
			set_fault(file, STP_IO, (int)-got, "cannot read");
		return;
	}
	if (file->before.length == 0) {
		piece->arrived = 1;
		piece->wanted_bytes = 0;
		if (got != 0)
			set_fault(file, STP_CHANGED, 0,
			          "changed while it was read (its size said 0 bytes)");
		return;
	}
	/* A direct read of whole blocks sees what was appended; the second fstat will tell. */
	if ((size_t)got > piece->wanted_bytes - piece->got_bytes)
		got = (long)(piece->wanted_bytes - piece->got_bytes);
	piece->got_bytes += (size_t)got;
	if (got == 0) { /* the end, before the size said so */
		piece->arrived = 1;
		set_changed(file, offset + piece->got_bytes);
	} else if (piece->got_bytes == piece->wanted_bytes || file->is_fault) {
		piece->arrived = 1;
	} else { /* a short read means nothing: ask for the rest */
		if (file->is_direct && piece->got_bytes % DIRECT_ALIGN)
			set_direct(file, 0);
		queue_read(reader, op->slot, piece, offset);
	}
}

static void complete(struct stp_reader *reader, struct stp_read_op *op)
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
	settle(reader, slot);
	list_add(reader, LIST_EVENTS, slot);
}

/* --- events ---------------------------------------------------------------------------------- */

static void free_slot(struct stp_reader *reader, uint32_t slot)
{
	struct file *file = &reader->files[slot];

	reader->cost -= file->cost;
	file->state = FILE_FREE;
	reader->free_files[reader->free_file_count++] = slot;
}

/* The event that the head of a file's pieces brings, if any. */
static int give_data(struct stp_reader *reader, uint32_t slot, struct stp_read_event *out)
{
	struct file *file = &reader->files[slot];
	const struct piece *piece = &file->pieces[file->first_piece];

	if (file->is_fault || file->piece_count == 0 || !piece->arrived)
		return 0;
	out->kind = STP_READ_DATA;
	out->user = file->user;
	out->data = buffer_at(reader, piece->buffer);
	out->bytes = piece->wanted_bytes;
	out->buffer = piece->buffer;
	file->given_bytes += piece->wanted_bytes;
	file->given_all = file->given_bytes == file->before.length;
	out->last = file->given_all;
	file->first_piece = (file->first_piece + 1) % AHEAD;
	file->piece_count--;
	if (!file->asked_all)
		list_add(reader, LIST_READS, slot);
	list_add(reader, LIST_EVENTS, slot);
	return 1;
}

static int give_end(struct stp_reader *reader, uint32_t slot, struct stp_read_event *out)
{
	struct file *file = &reader->files[slot];

	if (file->state != FILE_CLOSED || file->is_in[LIST_READS])
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

	while (list_take(reader, LIST_EVENTS, &slot)) {
		if (reader->files[slot].state == FILE_FREE)
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

	while (started < reader->start_count && reader->lists[LIST_READS].first != LIST_END) {
		int is_fault = reader->files[reader->lists[LIST_READS].first].is_fault;

		if ((!is_fault && !reader->free_buffer_count) ||
		    !list_take(reader, LIST_READS, &slot))
			return;
		if (is_fault) {
			list_add(reader, LIST_EVENTS, slot);
			continue;
		}
		ask_piece(reader, slot);
		started++;
	}
}

static void pump(struct stp_reader *reader)
{
	struct stp_read_op *op;

	start_reads(reader);
	if (reader->backend->ops->start(reader->backend, &reader->err) != STP_OK)
		return; /* stp_reader_check() tells */
	while ((op = reader->backend->ops->reap(reader->backend, 0)) != NULL)
		complete(reader, op);
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
		if (reader->lists[LIST_READS].first != LIST_END && reader->free_buffer_count &&
		    !reader->err.code)
			continue; /* more can be started */
		if (wait == STP_READ_POLL || reader->ops_in_flight == 0 || reader->err.code ||
		    stp_cancelled(reader->cancel))
			return 0;
		op = reader->backend->ops->reap(reader->backend, 1);
		if (op)
			complete(reader, op);
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
	struct file *file;

	STP_ASSERT(stp_reader_has_room(reader));
	slot = reader->free_files[--reader->free_file_count];
	file = &reader->files[slot];
	memset(file, 0, sizeof(*file));
	file->state = FILE_OPENING;
	file->fd = -1;
	file->path = path;
	file->user = user;
	file->expected_length = expected_length;
	file->cost = AHEAD;
	if (expected_length < (uint64_t)AHEAD * PIECE_BYTES)
		file->cost = (size_t)(expected_length / PIECE_BYTES) + 1;
	reader->cost += file->cost;
	reader->ops[slot].retry_count = 0;
	queue_open(reader, slot);
}

/* --- create and destroy ---------------------------------------------------------------------- */

static void init_tables(struct stp_reader *reader)
{
	size_t i;

	for (i = 0; i < reader->file_count_max; i++) {
		reader->free_files[i] = (uint32_t)(reader->file_count_max - 1 - i);
		reader->ops[i].kind = STP_READ_OP_OPEN;
		reader->ops[i].slot = (uint32_t)i;
		reader->files[i].fd = -1;
	}
	for (i = 0; i < reader->buffer_count; i++) {
		reader->free_buffers[i] = (uint32_t)(reader->buffer_count - 1 - i);
		reader->ops[reader->file_count_max + i].kind = STP_READ_OP_READ;
	}
	for (i = 0; i < reader->file_count_max + reader->buffer_count; i++)
		reader->ops[i].index = (uint32_t)i;
	reader->free_file_count = reader->file_count_max;
	reader->free_buffer_count = reader->buffer_count;
	reader->lists[LIST_READS].first = LIST_END;
	reader->lists[LIST_EVENTS].first = LIST_END;
}

static enum stp_errc create_tables(struct stp_reader *reader, struct stp_err *err)
{
	size_t op_count = reader->file_count_max + reader->buffer_count;

	reader->files = calloc(reader->file_count_max, sizeof(*reader->files));
	reader->free_files = calloc(reader->file_count_max, sizeof(*reader->free_files));
	reader->free_buffers = calloc(reader->buffer_count, sizeof(*reader->free_buffers));
	reader->ops = calloc(op_count, sizeof(*reader->ops));
	reader->buffers = mmap(NULL, reader->buffer_count * STRIDE_BYTES, PROT_READ | PROT_WRITE,
	                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (reader->buffers == MAP_FAILED)
		reader->buffers = NULL;
	if (!reader->files || !reader->free_files || !reader->free_buffers || !reader->ops ||
	    !reader->buffers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the buffers");
	init_tables(reader);
	return STP_OK;
}

/* A ring where it was chosen; pread when that is refused and auto was asked for. */
static enum stp_errc create_backend(struct stp_reader *reader,
                                    const struct stp_reader_options *options, struct stp_err *err)
{
	size_t op_count = reader->file_count_max + reader->buffer_count;
	struct stp_err ring_err = STP_ERR_INIT;
	enum stp_errc code;

	if (options->choice.mode == STP_IO_MODE_PREAD)
		return stp_pool_create(options, &reader->backend, err);
	code = stp_ring_create(options, reader->ops, op_count, &reader->backend, &ring_err);
	if (code != STP_OK && options->choice.may_fall_back)
		return stp_pool_create(options, &reader->backend, err);
	stp_err_merge(err, &ring_err);
	return code;
}

static size_t or_default(size_t value, size_t otherwise)
{
	return value ? value : otherwise;
}

enum stp_errc stp_reader_create(const struct stp_reader_options *options,
                                struct stp_reader **out_reader, struct stp_err *err)
{
	struct stp_reader *reader = calloc(1, sizeof(*reader));
#ifdef STP_TEST_HOOKS
	const char *short_reads = stp_hook_variable("STAMPEDE_SHORT_READS");
#endif
	enum stp_errc code;

	if (!reader)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a reader");
	reader->cancel = options->cancel;
	reader->open_flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOATIME;
	if (options->root_fd != AT_FDCWD) {
		reader->open_flags |= O_NOFOLLOW;
		reader->open_resolve =
		    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	}
	reader->exact_length = options->exact_length;
	reader->start_count = or_default(options->start_count, START_COUNT);
	reader->file_count_max = or_default(options->file_count_max, FILE_COUNT_MAX);
	reader->buffer_count = or_default(options->buffer_bytes, BUDGET_BYTES) / PIECE_BYTES;
	if (reader->buffer_count < AHEAD)
		reader->buffer_count = AHEAD;
#ifdef STP_TEST_HOOKS
	if (short_reads)
		reader->short_read_bytes = strtoul(short_reads, NULL, 10);
#endif
	code = create_tables(reader, err);
	if (code == STP_OK)
		code = create_backend(reader, options, err);
	if (code != STP_OK) {
		stp_reader_destroy(reader);
		return code;
	}
	*out_reader = reader;
	return STP_OK;
}

void stp_reader_destroy(struct stp_reader *reader)
{
	size_t i;

	if (!reader)
		return;
	/* The kernel may still write into our buffers: wait for all of it. */
	while (reader->backend && reader->backend->ops->held(reader->backend)) {
		struct stp_read_op *op = reader->backend->ops->reap(reader->backend, 1);

		if (op && op->kind == STP_READ_OP_OPEN && op->result >= 0)
			close((int)op->result);
	}
	if (reader->backend)
		reader->backend->ops->destroy(reader->backend);
	for (i = 0; reader->files && i < reader->file_count_max; i++) {
		if (reader->files[i].state != FILE_FREE && reader->files[i].fd >= 0)
			close(reader->files[i].fd);
	}
	if (reader->buffers)
		munmap(reader->buffers, reader->buffer_count * STRIDE_BYTES);
	free(reader->ops);
	free(reader->free_buffers);
	free(reader->free_files);
	free(reader->files);
	free(reader);
}
