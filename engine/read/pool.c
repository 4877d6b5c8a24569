/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pread back end: threads that wait for the disk instead of the worker.
 *
 *	worker: start() ─▶ try without waiting ─┬─ done ───────────────────────────▶ reap()
 *	                                        └─ would wait ─▶ [todo] ─▶ thread ─▶ [done]
 *	                                                                              ─▶ reap()
 *
 * The worker itself reads what is in the page cache (RESOLVE_CACHED, RWF_NOWAIT): handing it over
 * would cost more than the copy. Only what has to wait for the disk goes to a thread.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "read/op.h"

#define STAGE        "read"
#define WAIT_NS      100000000LL
#define THREAD_COUNT 32

struct op_list {
	struct stp_read_op *first;
	struct stp_read_op **end;
};

struct pool {
	struct stp_read_backend base;
	int root_fd;
	struct op_list queued;   /* the worker's */
	struct op_list finished; /* the worker's: done without waiting, or moved from done */
	size_t handed_count;     /* operations with the threads, or in done */
	int can_open_cached;     /* 0 once the kernel refused */
	int can_read_nowait;
	size_t thread_count;
	pthread_t *threads;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t todo_more;
	pthread_cond_t done_more;
	struct op_list todo;
	struct op_list done;
	size_t idle_count;
	int worker_waits;
	int stopped;
};

static void list_init(struct op_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_add(struct op_list *list, struct stp_read_op *op)
{
	op->next = NULL;
	*list->end = op;
	list->end = &op->next;
}

static struct stp_read_op *list_take(struct op_list *list)
{
	struct stp_read_op *op = list->first;

	if (op) {
		list->first = op->next;
		if (!list->first)
			list->end = &list->first;
	}
	return op;
}

/* Appends all of from to to. */
static void list_move(struct op_list *to, struct op_list *from)
{
	if (!from->first)
		return;
	*to->end = from->first;
	to->end = from->end;
	list_init(from);
}

/* Runs op, waiting as long as necessary. */
static void run(const struct pool *pool, struct stp_read_op *op)
{
	long got;

	if (op->kind == STP_READ_OP_OPEN)
		got = stp_open_beneath(pool->root_fd, op->path, &op->how);
	else
		got = pread(op->fd, op->buffer, op->bytes, (off_t)op->offset);
	op->result = got < 0 ? -errno : got;
}

/* Tries op without waiting for the disk; 0 when a thread has to do it. */
static int try_now(struct pool *pool, struct stp_read_op *op)
{
	long got;

	if (op->kind == STP_READ_OP_OPEN) {
		struct open_how how = op->how;

		if (!pool->can_open_cached)
			return 0;
		how.resolve |= RESOLVE_CACHED;
		got = stp_open_beneath(pool->root_fd, op->path, &how);
		/* EAGAIN: not all in the cache. EINVAL: Linux before 5.12, or no openat2. */
		if (got < 0 && errno == EINVAL)
			pool->can_open_cached = 0;
		if (got < 0 && (errno == EAGAIN || errno == EINVAL))
			return 0;
	} else {
		struct iovec vector = {op->buffer, op->bytes};

		if (!pool->can_read_nowait || op->is_direct)
			return 0;
		got = preadv2(op->fd, &vector, 1, (off_t)op->offset, RWF_NOWAIT);
		/* EOPNOTSUPP: the file system does not support this. 0 does not mean end of file
		 * here: some file systems return it instead of EAGAIN. */
		if (got < 0 && errno == EOPNOTSUPP)
			pool->can_read_nowait = 0;
		if (got == 0 || (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP)))
			return 0;
	}
	op->result = got < 0 ? -errno : got;
	return 1;
}

static void *thread_main(void *arg)
{
	struct pool *pool = arg;
	struct stp_read_op *op;

	pthread_setname_np(pthread_self(), "pread");
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->todo.first && !pool->stopped) {
			pool->idle_count++;
			pthread_cond_wait(&pool->todo_more, &pool->lock);
			pool->idle_count--;
		}
		op = list_take(&pool->todo);
		if (!op)
			break;
		pthread_mutex_unlock(&pool->lock);
		run(pool, op);
		pthread_mutex_lock(&pool->lock);
		list_add(&pool->done, op);
		if (pool->worker_waits) {
			pool->worker_waits = 0;
			pthread_cond_signal(&pool->done_more);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void pool_queue(struct stp_read_backend *backend, struct stp_read_op *op)
{
	list_add(&((struct pool *)backend)->queued, op);
}

static enum stp_errc pool_start(struct stp_read_backend *backend, struct stp_err *err)
{
	struct pool *pool = (struct pool *)backend;
	struct op_list waiting;
	struct stp_read_op *op;
	size_t count = 0;

	(void)err;
	list_init(&waiting);
	while ((op = list_take(&pool->queued)) != NULL) {
		if (try_now(pool, op)) {
			list_add(&pool->finished, op);
		} else {
			list_add(&waiting, op);
			count++;
		}
	}
	if (count == 0)
		return STP_OK;
	pool->handed_count += count;
	pthread_mutex_lock(&pool->lock);
	list_move(&pool->todo, &waiting);
	if (count >= pool->idle_count) {
		pthread_cond_broadcast(&pool->todo_more);
	} else {
		while (count--)
			pthread_cond_signal(&pool->todo_more);
	}
	pthread_mutex_unlock(&pool->lock);
	return STP_OK;
}

/* Collects the operations that the threads have finished; with wait, sleeps once until there is
 * one. */
static void collect(struct pool *pool, int wait)
{
	struct timespec until;

	pthread_mutex_lock(&pool->lock);
	if (!pool->done.first && wait) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pool->worker_waits = 1;
		pthread_cond_timedwait(&pool->done_more, &pool->lock, &until);
		pool->worker_waits = 0;
	}
	list_move(&pool->finished, &pool->done);
	pthread_mutex_unlock(&pool->lock);
}

static struct stp_read_op *pool_reap(struct stp_read_backend *backend, int wait)
{
	struct pool *pool = (struct pool *)backend;
	struct stp_read_op *op = list_take(&pool->finished);

	if (!op && pool->handed_count) {
		const struct stp_read_op *taken;

		collect(pool, wait);
		for (taken = pool->finished.first; taken; taken = taken->next)
			pool->handed_count--;
		op = list_take(&pool->finished);
	}
	return op;
}

static size_t pool_held(const struct stp_read_backend *backend)
{
	const struct pool *pool = (const struct pool *)backend;

	return pool->handed_count + (pool->finished.first != NULL);
}

static void pool_destroy(struct stp_read_backend *backend)
{
	struct pool *pool = (struct pool *)backend;
	size_t i;

	pthread_mutex_lock(&pool->lock);
	pool->stopped = 1;
	pthread_cond_broadcast(&pool->todo_more);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->done_more);
	pthread_cond_destroy(&pool->todo_more);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}

static const struct stp_read_backend_ops pool_ops = {
    .queue = pool_queue,
    .start = pool_start,
    .reap = pool_reap,
    .held = pool_held,
    .destroy = pool_destroy,
};

static int start_threads(struct pool *pool, size_t count)
{
	int sys = 0;

	while (pool->thread_count < count && sys == 0) {
		sys = pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool);
		if (sys == 0)
			pool->thread_count++;
	}
	/* Fewer threads are only slower. */
	return pool->thread_count ? 0 : sys;
}

enum stp_errc stp_pool_create(const struct stp_reader_options *options,
                              struct stp_read_backend **out_backend, struct stp_err *err)
{
	size_t count = options->thread_count ? options->thread_count : THREAD_COUNT;
	struct pool *pool = calloc(1, sizeof(*pool));
	pthread_condattr_t attr;
	int sys;

	if (!pool || !(pool->threads = calloc(count, sizeof(*pool->threads)))) {
		free(pool);
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the threads");
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->todo_more, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->done_more, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&pool->queued);
	list_init(&pool->finished);
	list_init(&pool->todo);
	list_init(&pool->done);
	pool->root_fd = options->root_fd;
	pool->can_open_cached = 1;
	pool->can_read_nowait = 1;
	pool->base.ops = &pool_ops;
	sys = start_threads(pool, count);
	if (sys != 0) {
		pool_destroy(&pool->base);
		return STP_FAIL_ERRNO(err, sys, STAGE, NULL, "cannot start threads for pread");
	}
	*out_backend = &pool->base;
	return STP_OK;
}
