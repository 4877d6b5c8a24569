/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "read/reader_state.h"

#define STAGE          STP_READ_STAGE
#define BUDGET_BYTES   (32 * 1024 * 1024)
#define FILE_COUNT_MAX 256
#define START_COUNT    16

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
	reader->lists[STP_READ_LIST_READS].first = STP_READ_LIST_END;
	reader->lists[STP_READ_LIST_EVENTS].first = STP_READ_LIST_END;
}

static enum stp_errc create_tables(struct stp_reader *reader, struct stp_err *err)
{
	size_t op_count = reader->file_count_max + reader->buffer_count;

	reader->files = calloc(reader->file_count_max, sizeof(*reader->files));
	reader->free_files = calloc(reader->file_count_max, sizeof(*reader->free_files));
	reader->free_buffers = calloc(reader->buffer_count, sizeof(*reader->free_buffers));
	reader->ops = calloc(op_count, sizeof(*reader->ops));
	reader->buffers = mmap(NULL, reader->buffer_count * STP_READ_STRIDE_BYTES,
	                       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (reader->buffers == MAP_FAILED)
		reader->buffers = NULL;
	if (!reader->files || !reader->free_files || !reader->free_buffers || !reader->ops ||
	    !reader->buffers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the buffers");
	init_tables(reader);
	return STP_OK;
}

/* A ring where io_uring was chosen; pread when the ring is refused and auto was asked for. */
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
	reader->buffer_count =
	    or_default(options->buffer_bytes, BUDGET_BYTES) / STP_READ_CHUNK_BYTES;
	if (reader->buffer_count < STP_READ_AHEAD)
		reader->buffer_count = STP_READ_AHEAD;
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
	/* The kernel may still write into the buffers: wait until it is done. */
	while (reader->backend && reader->backend->ops->held(reader->backend)) {
		struct stp_read_op *op = reader->backend->ops->reap(reader->backend, 1);

		if (op && op->kind == STP_READ_OP_OPEN && op->result >= 0)
			close((int)op->result);
	}
	if (reader->backend)
		reader->backend->ops->destroy(reader->backend);
	for (i = 0; reader->files && i < reader->file_count_max; i++) {
		if (reader->files[i].state != STP_READ_FILE_FREE && reader->files[i].fd >= 0)
			close(reader->files[i].fd);
	}
	if (reader->buffers)
		munmap(reader->buffers, reader->buffer_count * STP_READ_STRIDE_BYTES);
	free(reader->ops);
	free(reader->free_buffers);
	free(reader->free_files);
	free(reader->files);
	free(reader);
}
