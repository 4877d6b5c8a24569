/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface between the state machine of a file (reader_file.c) and the two ways to ask the
 * kernel (ring.c, pool.c): operations that are queued, started together, and come back in any
 * order.
 *
 *	reader ── queue(op) … start() ──▶ back end ── reap() ──▶ op->result ──▶ reader_file.c
 *
 * Shape      an operation opens one file or reads one range into one buffer.
 * Memory     all operations live in the reader, made before the first file.
 * Ownership  the back end holds an operation from queue() until reap() gives it back.
 * Threads    one thread calls; the pool's threads touch only the operations handed to them.
 */
#ifndef STP_READ_OP_H
#define STP_READ_OP_H

#include <stddef.h>
#include <stdint.h>

#include <linux/openat2.h>

#include "base/err.h"
#include "read/reader.h"

enum stp_read_op_kind {
	STP_READ_OP_OPEN, /* result: a descriptor */
	STP_READ_OP_READ, /* result: bytes read */
};

struct stp_read_op {
	enum stp_read_op_kind kind;
	uint32_t index;      /* its place among the reader's operations */
	uint32_t generation; /* counts uses; goes through the kernel with index and is compared */
	uint32_t slot;       /* the file it belongs to */
	int in_flight;
	unsigned retry_count; /* EINTR and EAGAIN so far */
	const char *path;     /* OPEN */
	struct open_how how;  /* OPEN */
	int fd;               /* READ */
	void *buffer;         /* READ */
	size_t bytes;         /* READ: wanted now */
	uint64_t offset;      /* READ */
	int is_direct;        /* READ: past the page cache, so it always waits for the disk */
	long result;          /* or -errno */
	struct stp_read_op *next;
};

struct stp_read_backend;

struct stp_read_backend_ops {
	/* Accepts op; it starts with start() at the latest. */
	void (*queue)(struct stp_read_backend *backend, struct stp_read_op *op);
	/* Starts all queued operations. */
	enum stp_errc (*start)(struct stp_read_backend *backend, struct stp_err *err);
	/* A finished operation, or NULL. With wait, blocks until there is one or about 100 ms have
	 * passed. */
	struct stp_read_op *(*reap)(struct stp_read_backend *backend, int wait);
	/* Operations in flight, or ready for reap(). */
	size_t (*held)(const struct stp_read_backend *backend);
	/* No operation may be in flight. What was queued but not started is dropped. */
	void (*destroy)(struct stp_read_backend *backend);
};

struct stp_read_backend {
	const struct stp_read_backend_ops *ops;
};

/* op_count is the largest number of operations in flight; operations are ops[0, op_count). */
enum stp_errc stp_ring_create(const struct stp_reader_options *options, struct stp_read_op *ops,
                              size_t op_count, struct stp_read_backend **out_backend,
                              struct stp_err *err) STP_MUST_CHECK;

enum stp_errc stp_pool_create(const struct stp_reader_options *options,
                              struct stp_read_backend **out_backend,
                              struct stp_err *err) STP_MUST_CHECK;

#ifdef STP_TEST_HOOKS
/* Called between the first fstat and the first read of every file, so that tests can change it. */
extern void (*stp_read_opened_hook)(const char *path);
#endif

#endif
