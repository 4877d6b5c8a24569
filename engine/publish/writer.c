/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot is free, queued or owned by a thread. One lock guards both lists; a file takes
 *milliseconds, so the lock is hardly ever contended.
 *
 *	free ──put: copy──▶ queue ──thread: write──▶ free
 *
 * A direct write needs address, length and offset in whole blocks: the rest at the end of a file
 *goes through the page cache.
 */
#include "publish/writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"

#define STAGE "publish"
/* Every block device's logical block divides this. */
#define BLOCK_BYTES ((size_t)4096)
/* pwritev2(2), Linux 6.14; older headers do not define it. */
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080
#endif

struct slot {
	char name[STP_NAME_BYTES_MAX + 1];
	uint8_t *data; /* aligned to BLOCK_BYTES */
	size_t capacity;
	size_t count;
	struct slot *next;
};

struct stp_writer {
	int folder_fd;
	mode_t mode;
	size_t thread_count;
	atomic_int uncached; /* 0: not wanted, or refused by kernel or file system */
	atomic_int direct;   /* 0 once the file system refused O_DIRECT */
	pthread_mutex_t lock;
	pthread_cond_t has_free, has_work, is_idle;
	struct slot *slots;
	size_t slot_count;
	struct slot *free_slots;
	struct slot *first, **last; /* the queue */
	size_t busy;                /* slots queued or owned by a thread */
	int closing;
	struct stp_err err; /* the first failure */
	pthread_t *threads;
	size_t started;
};

static size_t whole_blocks(size_t count)
{
	return (count + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

/* ------------------------------------------------------------------ one file */

/* Creates name, without O_DIRECT if the file system does not support it. */
static int create_file(struct stp_writer *writer, const char *name, int direct)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd;

	if (direct && atomic_load_explicit(&writer->direct, memory_order_relaxed)) {
		fd = openat(writer->folder_fd, name, flags | O_DIRECT, writer->mode);
		if (fd >= 0 || errno != EINVAL)
			return fd;
		atomic_store_explicit(&writer->direct, 0, memory_order_relaxed);
		unlinkat(writer->folder_fd, name, 0); /* open(2): it may have been created */
	}
	return openat(writer->folder_fd, name, flags, writer->mode);
}

/* Sets the permissions and closes fd. */
static enum stp_errc finish_file(struct stp_writer *writer, const char *name, int fd,
                                 enum stp_errc code, struct stp_err *err)
{
	/* The umask may have cleared bits that the web server needs. */
	if (code == STP_OK && fchmod(fd, writer->mode) != 0)
		code = STP_FAIL_SYS(err, STAGE, name, "cannot set permissions");
	if (close(fd) != 0 && code == STP_OK)
		code = STP_FAIL_SYS(err, STAGE, name, "cannot write");
	return code;
}

/* Clears O_DIRECT of fd. */
static int stop_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

/* Writes data to fd at offset: whole blocks directly while fd is direct, the rest through the page
 * cache, or everything if the file system accepts O_DIRECT but not the write. */
static enum stp_errc write_chunk(struct stp_writer *writer, const char *name, int fd,
                                 const uint8_t *data, size_t count, off_t offset, int *direct,
                                 struct stp_err *err)
{
	struct stp_err first = STP_ERR_INIT;
	size_t whole = *direct ? count / BLOCK_BYTES * BLOCK_BYTES : 0;
	enum stp_errc code =
	    whole ? stp_fd_write_at(fd, data, whole, offset, STAGE, name, &first) : STP_OK;

	if (code != STP_OK && first.sys_errno != EINVAL) {
		stp_err_merge(err, &first);
		return code;
	}
	if (code != STP_OK) {
		atomic_store_explicit(&writer->direct, 0, memory_order_relaxed);
		whole = 0;
	}
	if (whole == count)
		return STP_OK;
	if (*direct && !stop_direct(fd))
		return STP_FAIL_SYS(err, STAGE, name, "cannot write");
	*direct = 0;
	return stp_fd_write_at(fd, data + whole, count - whole, offset + (off_t)whole, STAGE, name,
	                       err);
}

/* Writes as many of bytes as fd accepts uncached; *out_done is their number, 0 if the kernel or the
 * file system has no such writes. */
static enum stp_errc write_uncached(struct stp_writer *writer, const char *name, int fd,
                                    const void *bytes, size_t count, size_t *out_done,
                                    struct stp_err *err)
{
	struct iovec part = {(void *)(uintptr_t)bytes, count};
	ssize_t written;

	*out_done = 0;
	if (count < STP_WRITER_UNCACHED_MIN ||
	    !atomic_load_explicit(&writer->uncached, memory_order_relaxed))
		return STP_OK;
	STP_FAULT_TRY(err, STAGE, "write_at", name);
	written = pwritev2(fd, &part, 1, 0, RWF_DONTCACHE);
	if (written > 0)
		*out_done = (size_t)written;
	else if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == EPERM)
		atomic_store_explicit(&writer->uncached, 0, memory_order_relaxed);
	/* The plain write that follows reports any other error. */
	return STP_OK;
}

/* Writes the file in the caller's thread. */
static enum stp_errc write_in_place(struct stp_writer *writer, const char *name, const void *bytes,
                                    size_t count, struct stp_err *err)
{
	enum stp_errc code;
	size_t done;
	int fd = create_file(writer, name, 0);

	if (fd < 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot create");
	code = write_uncached(writer, name, fd, bytes, count, &done, err);
	if (code == STP_OK && done < count)
		code = stp_fd_write_at(fd, (const uint8_t *)bytes + done, count - done, (off_t)done,
		                       STAGE, name, err);
	return finish_file(writer, name, fd, code, err);
}

static enum stp_errc write_slot(struct stp_writer *writer, struct slot *slot, struct stp_err *err)
{
	int direct;
	enum stp_errc code;
	int fd = create_file(writer, slot->name, 1);

	if (fd < 0)
		return STP_FAIL_SYS(err, STAGE, slot->name, "cannot create");
	direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
	code = write_chunk(writer, slot->name, fd, slot->data, slot->count, 0, &direct, err);
	return finish_file(writer, slot->name, fd, code, err);
}

/* ------------------------------------------------------------------ slots */

/* Makes the slot large enough for count bytes. */
static enum stp_errc grow_slot(struct slot *slot, size_t count, struct stp_err *err)
{
	size_t capacity = whole_blocks(count);
	void *data;

	if (capacity <= slot->capacity)
		return STP_OK;
	capacity += capacity / 8; /* the next bin is of about the same size */
	capacity = whole_blocks(capacity);
	if (posix_memalign(&data, BLOCK_BYTES, capacity) != 0)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, slot->name, "no memory to write it");
	free(slot->data);
	slot->data = data;
	slot->capacity = capacity;
	return STP_OK;
}

/* A free slot, once there is one; NULL after a failure. */
static struct slot *take_slot(struct stp_writer *writer, struct stp_err *err)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&writer->lock);
	while (!writer->free_slots && writer->err.code == STP_OK)
		pthread_cond_wait(&writer->has_free, &writer->lock);
	if (writer->err.code == STP_OK) {
		slot = writer->free_slots;
		writer->free_slots = slot->next;
		writer->busy++;
	} else {
		stp_err_merge(err, &writer->err);
	}
	pthread_mutex_unlock(&writer->lock);
	return slot;
}

/* Returns the slot, with the error if there was one. */
static void return_slot(struct stp_writer *writer, struct slot *slot, const struct stp_err *err)
{
	pthread_mutex_lock(&writer->lock);
	if (err->code != STP_OK)
		stp_err_merge(&writer->err, err);
	slot->next = writer->free_slots;
	writer->free_slots = slot;
	writer->busy--;
	if (err->code != STP_OK) /* wake all that wait for a slot */
		pthread_cond_broadcast(&writer->has_free);
	else
		pthread_cond_signal(&writer->has_free);
	if (writer->busy == 0)
		pthread_cond_broadcast(&writer->is_idle);
	pthread_mutex_unlock(&writer->lock);
}

static void queue_slot(struct stp_writer *writer, struct slot *slot)
{
	pthread_mutex_lock(&writer->lock);
	slot->next = NULL;
	*writer->last = slot;
	writer->last = &slot->next;
	pthread_cond_signal(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
}

static struct slot *next_work(struct stp_writer *writer)
{
	struct slot *slot;

	pthread_mutex_lock(&writer->lock);
	while (!writer->first && !writer->closing)
		pthread_cond_wait(&writer->has_work, &writer->lock);
	slot = writer->first;
	if (slot) {
		writer->first = slot->next;
		if (!writer->first)
			writer->last = &writer->first;
	}
	pthread_mutex_unlock(&writer->lock);
	return slot;
}

static void *write_queue(void *ctx)
{
	struct stp_writer *writer = ctx;
	struct slot *slot;

	while ((slot = next_work(writer))) {
		struct stp_err err = STP_ERR_INIT;
		enum stp_errc code = write_slot(writer, slot, &err);

		STP_ASSERT(code == err.code);
		return_slot(writer, slot, &err);
	}
	return NULL;
}

/* ------------------------------------------------------------------ put */

/* Writes a file that is larger than a slot, in chunks. */
static enum stp_errc write_large(struct stp_writer *writer, struct slot *slot, const uint8_t *bytes,
                                 size_t count, struct stp_err *err)
{
	enum stp_errc code = STP_OK;
	size_t done = 0;
	int direct;
	int fd = create_file(writer, slot->name, 1);

	if (fd < 0)
		return STP_FAIL_SYS(err, STAGE, slot->name, "cannot create");
	direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
	while (code == STP_OK && done < count) {
		size_t chunk_bytes =
		    count - done < STP_WRITER_SLOT_BYTES ? count - done : STP_WRITER_SLOT_BYTES;

		memcpy(slot->data, bytes + done, chunk_bytes);
		code = write_chunk(writer, slot->name, fd, slot->data, chunk_bytes, (off_t)done,
		                   &direct, err);
		done += chunk_bytes;
	}
	return finish_file(writer, slot->name, fd, code, err);
}

enum stp_errc stp_writer_put(struct stp_writer *writer, const char *name, const void *bytes,
                             size_t count, struct stp_err *err)
{
	struct stp_err problem = STP_ERR_INIT;
	struct slot *slot;
	enum stp_errc code;

	if (count < STP_WRITER_DIRECT_MIN || !writer->started ||
	    atomic_load_explicit(&writer->uncached, memory_order_relaxed))
		return write_in_place(writer, name, bytes, count, err);
	slot = take_slot(writer, err);
	if (!slot)
		return err ? err->code : STP_IO;
	STP_ASSERT(strlen(name) < sizeof(slot->name));
	memcpy(slot->name, name, strlen(name) + 1);
	slot->count = count;
	code = grow_slot(slot, count < STP_WRITER_SLOT_BYTES ? count : STP_WRITER_SLOT_BYTES,
	                 &problem);
	if (code == STP_OK && count <= STP_WRITER_SLOT_BYTES) {
		memcpy(slot->data, bytes, count);
		queue_slot(writer, slot);
		return STP_OK;
	}
	if (code == STP_OK)
		code = write_large(writer, slot, bytes, count, &problem);
	stp_err_merge(err, &problem);
	return_slot(writer, slot, &problem);
	return code;
}

enum stp_errc stp_writer_drain(struct stp_writer *writer, struct stp_err *err)
{
	enum stp_errc code;

	pthread_mutex_lock(&writer->lock);
	while (writer->busy)
		pthread_cond_wait(&writer->is_idle, &writer->lock);
	code = writer->err.code;
	if (code != STP_OK)
		stp_err_merge(err, &writer->err);
	pthread_mutex_unlock(&writer->lock);
	return code;
}

/* ------------------------------------------------------------------ create and destroy */

/* Starts the threads with all signals blocked: the main thread handles those. Fewer threads than
 * wanted are acceptable, even none. */
static void start_threads(struct stp_writer *writer)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (writer->started < writer->thread_count) {
		char name[16];

		if (pthread_create(&writer->threads[writer->started], NULL, write_queue, writer) !=
		    0)
			break;
		snprintf(name, sizeof(name), "write-%u", (unsigned)writer->started % 1000);
		pthread_setname_np(writer->threads[writer->started], name);
		writer->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum stp_errc stp_writer_create(int folder_fd, mode_t mode, enum stp_writer_way way,
                                struct stp_writer **out_writer, struct stp_err *err)
{
	struct stp_writer *writer = calloc(1, sizeof(*writer));
	size_t thread_count = way == STP_WRITER_PLAIN ? 0 : STP_WRITER_THREADS;
	size_t i;

	if (!writer)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	writer->folder_fd = folder_fd;
	writer->mode = mode;
	writer->thread_count = thread_count;
	writer->slot_count = 2 * thread_count;
	atomic_init(&writer->uncached, way == STP_WRITER_UNCACHED);
	atomic_init(&writer->direct, 1);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->has_free, NULL);
	pthread_cond_init(&writer->has_work, NULL);
	pthread_cond_init(&writer->is_idle, NULL);
	writer->last = &writer->first;
	writer->slots = calloc(writer->slot_count + 1, sizeof(*writer->slots));
	writer->threads = calloc(thread_count + 1, sizeof(*writer->threads));
	if (!writer->slots || !writer->threads) {
		stp_writer_destroy(writer);
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	}
	for (i = 0; i < writer->slot_count; i++) {
		writer->slots[i].next = writer->free_slots;
		writer->free_slots = &writer->slots[i];
	}
	start_threads(writer);
	*out_writer = writer;
	return STP_OK;
}

void stp_writer_destroy(struct stp_writer *writer)
{
	size_t i;

	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->closing = 1;
	pthread_cond_broadcast(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
	for (i = 0; i < writer->started; i++)
		pthread_join(writer->threads[i], NULL);
	for (i = 0; writer->slots && i < writer->slot_count; i++)
		free(writer->slots[i].data);
	free(writer->slots);
	free(writer->threads);
	pthread_cond_destroy(&writer->is_idle);
	pthread_cond_destroy(&writer->has_work);
	pthread_cond_destroy(&writer->has_free);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}
