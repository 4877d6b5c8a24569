/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The io_uring back end: one ring per worker, made by that worker.
 *
 * user_data carries index and generation of the operation, and a completion is accepted only when
 * both are those of an operation in flight: a stale one would put one file's bytes into another's
 * digest. No provided buffers (kernels have given one buffer to two reads), no kernel polling
 * thread, no linked chains (a short read cancels the close that is linked to it).
 *
 * What the kernel means by its errors:
 *
 *	ring creation  ENOSYS   no io_uring in this kernel
 *	               EPERM    kernel.io_uring_disabled, or a seccomp filter of the container
 *	               ENOMEM   RLIMIT_MEMLOCK (rings count against it), or no memory
 *	               EINVAL   a flag this kernel does not know: probed from the newest down
 *	submit         EAGAIN   no memory for a request: some completions must be reaped first
 *	               EBUSY    the completion queue overflowed: reap first
 *	               EINTR    a signal: try again
 */
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "read/op.h"

#define STAGE   "read"
#define ENTRIES 256
#define WAIT_NS 2000000LL
/* Completions worth one wake-up while a deep queue is in flight. */
#define WAIT_COUNT_MAX 8
#define ASYNC_THREADS  64 /* of the kernel, for opens that wait for the disk */

struct ring {
	struct stp_read_backend base;
	struct io_uring uring;
	int root_fd;
	struct stp_read_op *ops;
	size_t op_count;
	struct stp_read_op *queued; /* oldest first */
	struct stp_read_op **queued_end;
	unsigned prepared;  /* in the submission queue, not yet submitted */
	unsigned in_kernel; /* submitted, not yet reaped */
};

static void ring_queue(struct stp_read_backend *backend, struct stp_read_op *op)
{
	struct ring *ring = (struct ring *)backend;

	op->next = NULL;
	*ring->queued_end = op;
	ring->queued_end = &op->next;
}

/* Moves queued operations into the submission queue while it has space. */
static void prepare(struct ring *ring)
{
	while (ring->queued) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
		struct stp_read_op *op = ring->queued;

		if (!sqe)
			return;
		ring->queued = op->next;
		if (!ring->queued)
			ring->queued_end = &ring->queued;
		if (op->kind == STP_READ_OP_OPEN)
			io_uring_prep_openat2(sqe, ring->root_fd, op->path, &op->how);
		else
			io_uring_prep_read(sqe, op->fd, op->buffer, (unsigned)op->bytes,
			                   op->offset);
		sqe->user_data = (uint64_t)op->generation << 32 | op->index;
		ring->prepared++;
	}
}

static enum stp_errc ring_start(struct stp_read_backend *backend, struct stp_err *err)
{
	struct ring *ring = (struct ring *)backend;

	for (;;) {
		int got;

		prepare(ring);
		if (ring->prepared == 0)
			return STP_OK;
		got = io_uring_submit_and_get_events(&ring->uring);
		if (got == -EINTR)
			continue;
		/* What was prepared stays in the queue; reap() frees entries. */
		if (got == -EAGAIN || got == -EBUSY)
			return STP_OK;
		if (got < 0)
			return STP_FAIL_ERRNO(stp_hinted(err, STP_HINT_IO_PREAD), -got, STAGE,
			                      "io_uring", "the kernel refused the requests; try %s",
			                      stp_hint_text(STP_HINT_IO_PREAD));
		ring->prepared -= (unsigned)got;
		ring->in_kernel += (unsigned)got;
		if (!ring->queued)
			return STP_OK;
		/* The kernel accepted nothing although it reported no error. */
		if (got == 0)
			return STP_OK;
	}
}

static struct stp_read_op *take_completion(struct ring *ring, const struct io_uring_cqe *cqe)
{
	uint32_t index = (uint32_t)cqe->user_data;
	struct stp_read_op *op;

	STP_ASSERT(index < ring->op_count);
	op = &ring->ops[index];
	STP_ASSERT(op->in_flight && op->generation == (uint32_t)(cqe->user_data >> 32));
	op->result = cqe->res;
	ring->in_kernel--;
	return op;
}

static struct stp_read_op *ring_reap(struct stp_read_backend *backend, int wait)
{
	struct ring *ring = (struct ring *)backend;
	struct io_uring_cqe *cqe = NULL;
	struct stp_read_op *op;

	if (io_uring_peek_cqe(&ring->uring, &cqe) != 0 || !cqe) {
		struct __kernel_timespec timeout = {.tv_nsec = WAIT_NS};
		unsigned count =
		    ring->in_kernel / 8 < WAIT_COUNT_MAX ? ring->in_kernel / 8 : WAIT_COUNT_MAX;

		if (!wait || ring->in_kernel == 0)
			return NULL;
		/* ETIME, EINTR and EAGAIN: fewer than asked for, or none, and then the caller looks
		 * at its cancel flag. */
		cqe = NULL;
		if (io_uring_wait_cqes(&ring->uring, &cqe, count ? count : 1, &timeout, NULL) !=
		        0 &&
		    io_uring_peek_cqe(&ring->uring, &cqe) != 0)
			return NULL;
		if (!cqe)
			return NULL;
	}
	op = take_completion(ring, cqe);
	io_uring_cqe_seen(&ring->uring, cqe);
	return op;
}

static size_t ring_held(const struct stp_read_backend *backend)
{
	return ((const struct ring *)backend)->in_kernel;
}

static void ring_destroy(struct stp_read_backend *backend)
{
	struct ring *ring = (struct ring *)backend;

	io_uring_queue_exit(&ring->uring);
	free(ring);
}

static const struct stp_read_backend_ops ring_ops = {
    .queue = ring_queue,
    .start = ring_start,
    .reap = ring_reap,
    .held = ring_held,
    .destroy = ring_destroy,
};

/* A completion queue that can hold every operation never overflows. */
static unsigned completion_entries(size_t op_count)
{
	unsigned entries = 2 * ENTRIES;

	while (entries < op_count)
		entries *= 2;
	return entries;
}

enum stp_errc stp_ring_create(const struct stp_reader_options *options, struct stp_read_op *ops,
                              size_t op_count, struct stp_read_backend **out_backend,
                              struct stp_err *err)
{
	struct io_uring_params params = {
	    .flags = options->choice.ring_flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
	    .cq_entries = completion_entries(op_count),
	};
	unsigned threads[2] = {ASYNC_THREADS, ASYNC_THREADS};
	struct ring *ring = calloc(1, sizeof(*ring));
	int sys;

	if (!ring)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a ring");
	sys = -io_uring_queue_init_params(ENTRIES, &ring->uring, &params);
	if (sys != 0) {
		free(ring);
		return STP_FAIL_ERRNO(stp_hinted(err, STP_HINT_IO_PREAD), sys, STAGE, "io_uring",
		                      "cannot make a ring; try %s",
		                      stp_hint_text(STP_HINT_IO_PREAD));
	}
	/* Both only make it faster, so their failure does not matter. */
	io_uring_register_ring_fd(&ring->uring);
	io_uring_register_iowq_max_workers(&ring->uring, threads);
	ring->base.ops = &ring_ops;
	ring->root_fd = options->root_fd;
	ring->ops = ops;
	ring->op_count = op_count;
	ring->queued_end = &ring->queued;
	*out_backend = &ring->base;
	return STP_OK;
}
