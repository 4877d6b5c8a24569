/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the walk shares its work.
 *
 * There is one stack of folders under one lock. A worker pops a folder, opens it, and fills its
 * buffer with getdents64. When the buffer is full and the folder is not finished, the rest of the
 * folder goes back on the stack as a piece of work of its own, below the folders found so far:
 *
 *	     pop ──▶ read a buffer of names ──▶ push: rest of this folder, then its subfolders
 *	      ▲                                 stat the files of this buffer, emit
 *	      └───────────────────────────────────────┘
 *
 * So one folder with a million files is read by one thread at a time, but its files are looked at
 * by all; and since the stack is last in, first out, what lies on it is at most one buffer of
 * folders per level and worker. A walk ends when the stack is empty and all workers wait.
 *
 * Folders are opened by their path from the root, one call that refuses links and other file
 * systems, so no chain of open parents has to be kept.
 */
#include "scan/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/thread.h"
#include "scan/key.h"
#include "scan/path.h"

#define STAGE "scan"
/* Names read at once; 64 KiB is about 1,500 of an index. */
#define DENTS_BYTES (64 * 1024)
/* A buffer with less room than one longest name is full. */
#define DENT_BYTES_MAX 280
#define BATCH_COUNT    512
/* Entries worth passing on: several rounds of 16 lanes for their keys. */
#define BATCH_COUNT_MIN  64
#define BATCH_PATH_BYTES (96 * 1024)
/* EAGAIN is said when a rename raced with a lookup beneath the root. */
#define OPEN_TRIES_MAX 64
#define RACY_GRACE_NS  2000000000LL

/* A folder being read: shared while one worker stats a buffer and another reads on. */
struct folder {
	atomic_int refs;
	int fd;
	unsigned depth;
	const char *problem; /* what is wrong with its path, for each file in it */
	size_t path_bytes;   /* with prefix and a trailing "/", or 0 */
	char path[STP_PATH_BYTES_MAX + 2];
};

/* What lies on the stack, behind the bytes of its path. */
struct work {
	struct folder *rest; /* the rest of a folder that is open, or NULL */
	uint32_t path_bytes;
	uint32_t depth;
};

struct walk {
	const struct stp_tree_options *options;
	int root_fd;
	size_t prefix_bytes;
	stp_tree_emit_fn *emit;
	void *emit_ctx;
	struct worker *workers;
	size_t worker_count;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t more;
	struct stp_buf stack;
	size_t waiting;
	int stopped; /* finished, failed or cancelled */
};

struct worker {
	struct walk *walk;
	size_t index;
	int root_fd; /* stp_folder_again() */
	struct folder *spare;
	size_t folder_count; /* not yet added to progress */
	size_t record_count;
	size_t path_bytes_used;
	struct stp_record *records;
	char *paths;
	char *dents;
	size_t dents_bytes;
	struct stp_buf found; /* work to push, laid out as on the stack */
	size_t found_count;
	char name[STP_PATH_BYTES_MAX + 1]; /* path of the folder popped last */
};

/* --- the shared stack ------------------------------------------------------------------------ */

/* Lays one piece of work out in buf. */
static enum stp_errc put_work(struct stp_buf *buf, const char *path, const struct work *work,
                              struct stp_err *err)
{
	STP_TRY(stp_buf_append(buf, path, work->path_bytes, err));
	return stp_buf_append(buf, work, sizeof(*work), err);
}

/* Pushes all that the worker found and wakes as many as can use it. */
static enum stp_errc push(struct walk *walk, struct worker *worker, struct stp_err *err)
{
	enum stp_errc code;

	pthread_mutex_lock(&walk->lock);
	code = stp_buf_append(&walk->stack, worker->found.data, worker->found.count, err);
	if (walk->waiting && worker->found_count == 1)
		pthread_cond_signal(&walk->more);
	else if (walk->waiting)
		pthread_cond_broadcast(&walk->more);
	pthread_mutex_unlock(&walk->lock);
	return code;
}

static void stop(struct walk *walk)
{
	pthread_mutex_lock(&walk->lock);
	walk->stopped = 1;
	pthread_cond_broadcast(&walk->more);
	pthread_mutex_unlock(&walk->lock);
}

/* Takes the newest piece of work, its path to worker->name; 0 when the walk is over, or, without
 * wait, when the stack is empty. */
static int pop(struct walk *walk, struct worker *worker, int wait, struct work *out)
{
	pthread_mutex_lock(&walk->lock);
	while (wait && walk->stack.count == 0 && !walk->stopped) {
		if (walk->waiting + 1 == walk->worker_count) {
			walk->stopped = 1;
			pthread_cond_broadcast(&walk->more);
			break;
		}
		walk->waiting++;
		pthread_cond_wait(&walk->more, &walk->lock);
		walk->waiting--;
	}
	if (walk->stopped || walk->stack.count == 0) {
		pthread_mutex_unlock(&walk->lock);
		return 0;
	}
	walk->stack.count -= sizeof(*out);
	memcpy(out, walk->stack.data + walk->stack.count, sizeof(*out));
	walk->stack.count -= out->path_bytes;
	memcpy(worker->name, walk->stack.data + walk->stack.count, out->path_bytes);
	pthread_mutex_unlock(&walk->lock);
	worker->name[out->path_bytes] = '\0';
	return 1;
}

/* --- folders --------------------------------------------------------------------------------- */

static struct folder *folder_create(struct worker *worker)
{
	struct folder *folder = worker->spare ? worker->spare : malloc(sizeof(*folder));

	worker->spare = NULL;
	if (folder) {
		atomic_init(&folder->refs, 1);
		folder->fd = -1;
	}
	return folder;
}

static void folder_release(struct worker *worker, struct folder *folder)
{
	/* acquire-release: the last one must see the others' reads of fd done */
	if (atomic_fetch_sub_explicit(&folder->refs, 1, memory_order_acq_rel) != 1)
		return;
	stp_fd_close(&folder->fd);
	if (worker->spare)
		free(folder);
	else
		worker->spare = folder;
}

/* Adds a fault about path unless the filter leaves it out anyway. */
static void fault(const struct worker *worker, enum stp_errc code, int sys, const char *path,
                  size_t path_bytes, const char *text)
{
	const struct stp_tree_options *options = worker->walk->options;

	if (options->keep && !options->keep(options->keep_ctx, path, path_bytes))
		return;
	stp_fault_add(options->faults, code, sys, STAGE, path, path_bytes, "%s", text);
}

static int open_beneath(const struct walk *walk, int root_fd, const char *path)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
	               (walk->options->flags & STP_TREE_CROSS ? 0 : RESOLVE_NO_XDEV),
	};
	int tries;

	for (tries = 0;; tries++) {
		long fd = stp_open_beneath(root_fd, path, &how);

		if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == OPEN_TRIES_MAX)
			return (int)fd;
	}
}

/* Sorts out why a folder did not open: short resources stop the walk, the rest is a fault of this
 * folder. */
static enum stp_errc open_failed(struct worker *worker, const char *path, size_t path_bytes,
                                 int is_root, struct stp_err *err)
{
	int sys = errno;

	switch (sys) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return STP_FAIL_ERRNO(err, sys, STAGE, path,
		                      "cannot open the folder; raise the limit (ulimit -n) or use "
		                      "fewer --jobs");
	default:
		break;
	}
	if (is_root)
		return STP_FAIL_ERRNO(err, sys, STAGE, path, "cannot read the folder");
	switch (sys) {
	case EXDEV: /* RESOLVE_NO_XDEV met a mount point */
		fault(worker, STP_FORMAT, 0, path, path_bytes,
		      "is another file system mounted below the targets; unmount or exclude it");
		break;
	case ELOOP: /* O_NOFOLLOW, RESOLVE_NO_SYMLINKS */
	case ENOTDIR:
		fault(worker, STP_CHANGED, 0, path, path_bytes,
		      "was a folder and became something else during the scan; run again");
		break;
	case ENOENT:
		fault(worker, STP_CHANGED, 0, path, path_bytes,
		      "vanished during the scan; run again");
		break;
	default:
		fault(worker, STP_IO, sys, path, path_bytes, "cannot read the folder");
		break;
	}
	return STP_OK;
}

/* Opens the folder whose path is in worker->name. *out_folder stays NULL when it is a fault. */
static enum stp_errc open_folder(struct worker *worker, const struct work *work,
                                 struct folder **out_folder, struct stp_err *err)
{
	const struct walk *walk = worker->walk;
	size_t prefix_bytes = walk->prefix_bytes;
	struct folder *folder = folder_create(worker);
	enum stp_errc code;

	if (!folder)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, worker->name, "no memory for a folder");
	folder->depth = work->depth;
	folder->problem = NULL;
	folder->path_bytes = prefix_bytes + work->path_bytes;
	if (prefix_bytes)
		memcpy(folder->path, walk->options->prefix, prefix_bytes);
	memcpy(folder->path + prefix_bytes, worker->name, work->path_bytes + 1);
	folder->fd = open_beneath(walk, worker->root_fd, work->path_bytes ? worker->name : ".");
	if (folder->fd < 0) {
		code = open_failed(worker, folder->path, folder->path_bytes, work->path_bytes == 0,
		                   err);
		folder_release(worker, folder);
		return code;
	}
	if (!(walk->options->flags & STP_TREE_ANY_NAME) && folder->path_bytes)
		folder->problem = stp_path_problem(folder->path, folder->path_bytes);
	if (work->path_bytes)
		folder->path[folder->path_bytes++] = '/';
	*out_folder = folder;
	return STP_OK;
}

/* Fills the buffer; *out_finished is set when the folder has no more names. */
static void read_names(struct worker *worker, struct folder *folder, int *out_finished)
{
	worker->dents_bytes = 0;
	*out_finished = 0;
	while (DENTS_BYTES - worker->dents_bytes >= DENT_BYTES_MAX) {
		long got = syscall(SYS_getdents64, folder->fd, worker->dents + worker->dents_bytes,
		                   DENTS_BYTES - worker->dents_bytes);

		if (got < 0 && errno == EINTR)
			continue;
		/* EINVAL: less room than the next name needs; ENOENT: removed while open */
		if (got < 0 && errno == EINVAL && worker->dents_bytes)
			return;
		if (got < 0 && errno != ENOENT) {
			fault(worker, STP_IO, errno, folder->path, folder->path_bytes,
			      "cannot read the folder's names");
			*out_finished = 1;
			return;
		}
		if (got <= 0) {
			*out_finished = 1;
			return;
		}
		worker->dents_bytes += (size_t)got;
	}
}

/* --- files ----------------------------------------------------------------------------------- */

static enum stp_errc flush(struct worker *worker, struct stp_err *err)
{
	const struct stp_tree_options *options = worker->walk->options;
	size_t count = worker->record_count;
	uint64_t bytes = 0;
	size_t i;

	if (options->progress && worker->folder_count)
		atomic_fetch_add_explicit(&options->progress->folders, worker->folder_count,
		                          memory_order_relaxed);
	worker->folder_count = 0;
	worker->record_count = 0;
	worker->path_bytes_used = 0;
	if (count == 0)
		return STP_OK;
	if (!(options->flags & STP_TREE_NO_KEYS))
		stp_scan_keys(worker->records, count);
	for (i = 0; i < count; i++)
		bytes += worker->records[i].length;
	if (options->progress) {
		atomic_fetch_add_explicit(&options->progress->files, count, memory_order_relaxed);
		atomic_fetch_add_explicit(&options->progress->bytes, bytes, memory_order_relaxed);
	}
	return worker->walk->emit(worker->walk->emit_ctx, worker->index, worker->records, count,
	                          err);
}

static int64_t timestamp_ns(const struct statx_timestamp *time)
{
	/* unsigned: a hostile year 9999 wraps instead of overflowing; equality is all that counts
	 */
	return (int64_t)((uint64_t)time->tv_sec * 1000000000u + time->tv_nsec);
}

static void fill_record(const struct worker *worker, struct stp_record *record,
                        const struct statx *stx)
{
	int64_t racy_after_ns = worker->walk->options->racy_after_ns;

	memset(record, 0, sizeof(*record));
	record->length = stx->stx_size;
	record->fingerprint.fs_id = makedev(stx->stx_dev_major, stx->stx_dev_minor);
	record->fingerprint.ino = stx->stx_ino;
	record->fingerprint.mtime_ns = timestamp_ns(&stx->stx_mtime);
	record->fingerprint.ctime_ns = timestamp_ns(&stx->stx_ctime);
	record->flags = STP_RECORD_FILE;
	if (record->fingerprint.mtime_ns >= racy_after_ns ||
	    record->fingerprint.ctime_ns >= racy_after_ns)
		record->flags |= STP_RECORD_RACY;
}

static const char *kind_problem(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return "is a symbolic link, which is never followed; exclude it or put the file in "
		       "its place";
	case S_IFIFO:
		return "is a FIFO; exclude or remove it";
	case S_IFSOCK:
		return "is a socket; exclude or remove it";
	case S_IFBLK:
	case S_IFCHR:
		return "is a device; exclude or remove it";
	default:
		return "is no regular file; exclude or remove it";
	}
}

/* What is wrong with a name as part of a target path, or NULL. */
static const char *path_problem(const struct worker *worker, const struct folder *folder,
                                const char *name, size_t name_bytes)
{
	if (folder->path_bytes + name_bytes > STP_PATH_BYTES_MAX)
		return "is longer than 4,095 bytes; shorten it";
	if (worker->walk->options->flags & STP_TREE_ANY_NAME)
		return NULL;
	return folder->problem ? folder->problem : stp_path_name_problem(name, name_bytes);
}

/* Stats one name that is not known to be a folder, and adds it to the batch. */
static enum stp_errc visit_file(struct worker *worker, const struct folder *folder,
                                const struct dirent64 *dent, struct stp_err *err)
{
	const struct stp_tree_options *options = worker->walk->options;
	size_t name_bytes = strlen(dent->d_name);
	size_t path_bytes = folder->path_bytes + name_bytes;
	struct statx stx;
	const char *problem;
	char *path;
	int sys = 0;

	if (worker->record_count == BATCH_COUNT ||
	    BATCH_PATH_BYTES - worker->path_bytes_used < path_bytes + 1)
		STP_TRY(flush(worker, err));
	path = worker->paths + worker->path_bytes_used;
	memcpy(path, folder->path, folder->path_bytes);
	memcpy(path + folder->path_bytes, dent->d_name, name_bytes + 1);
	if (options->keep && !options->keep(options->keep_ctx, path, path_bytes))
		return STP_OK;
	stx.stx_mode = (uint16_t)DTTOIF(dent->d_type);
	if ((dent->d_type == DT_REG || dent->d_type == DT_UNKNOWN) &&
	    statx(folder->fd, dent->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	          STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME, &stx) != 0)
		sys = errno;
	if (!sys && S_ISDIR(stx.stx_mode))
		return STP_OK; /* visit_folders() had it */
	if (!sys && !S_ISREG(stx.stx_mode)) {
		if (!(options->flags & STP_TREE_SKIP_LINKS))
			stp_fault_add(options->faults, STP_FORMAT, 0, STAGE, path, path_bytes, "%s",
			              kind_problem(stx.stx_mode));
		else if (options->progress)
			atomic_fetch_add_explicit(&options->progress->left_out, 1,
			                          memory_order_relaxed);
		return STP_OK;
	}
	problem = path_problem(worker, folder, dent->d_name, name_bytes);
	if (problem) {
		stp_fault_add(options->faults, STP_FORMAT, 0, STAGE, path, path_bytes, "%s",
		              problem);
		return STP_OK;
	}
	if (sys) {
		stp_fault_add(options->faults, sys == ENOENT ? STP_CHANGED : STP_IO,
		              sys == ENOENT ? 0 : sys, STAGE, path, path_bytes, "%s",
		              sys == ENOENT ? "vanished during the scan; run again"
		                            : "cannot stat the file");
		return STP_OK;
	}
	fill_record(worker, &worker->records[worker->record_count], &stx);
	worker->records[worker->record_count].path = path;
	worker->records[worker->record_count].path_bytes = (uint16_t)path_bytes;
	worker->record_count++;
	worker->path_bytes_used += path_bytes + 1;
	return STP_OK;
}

/* --- one buffer of names --------------------------------------------------------------------- */

static int is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int is_folder(const struct folder *folder, const struct dirent64 *dent)
{
	struct stat st;

	if (dent->d_type != DT_UNKNOWN)
		return dent->d_type == DT_DIR;
	return fstatat(folder->fd, dent->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Notes one subfolder for the stack unless it is filtered, too deep or too long. */
static enum stp_errc find_folder(struct worker *worker, const struct folder *folder,
                                 const char *name, struct stp_err *err)
{
	const struct walk *walk = worker->walk;
	const struct stp_tree_options *options = walk->options;
	size_t name_bytes = strlen(name);
	size_t path_bytes = folder->path_bytes + name_bytes;
	struct work work = {NULL, (uint32_t)(path_bytes - walk->prefix_bytes), folder->depth + 1};
	char path[STP_PATH_BYTES_MAX + STP_NAME_BYTES_MAX + 2];

	memcpy(path, folder->path, folder->path_bytes);
	memcpy(path + folder->path_bytes, name, name_bytes + 1);
	if (options->enter && !options->enter(options->keep_ctx, path, path_bytes))
		return STP_OK;
	/* 2: "/" and one byte of a name must still fit */
	if (path_bytes + 2 > STP_PATH_BYTES_MAX) {
		fault(worker, STP_LIMIT, 0, path, path_bytes,
		      "is a folder whose path is too long; shorten it");
		return STP_OK;
	}
	if (work.depth > STP_TREE_DEPTH_MAX) {
		fault(worker, STP_LIMIT, 0, path, path_bytes,
		      "lies in more than 128 folders; flatten it");
		return STP_OK;
	}
	worker->found_count++;
	return put_work(&worker->found, path + walk->prefix_bytes, &work, err);
}

/* Pushes the rest of the folder when it is not finished, then the subfolders in the buffer. */
static enum stp_errc push_found(struct worker *worker, struct folder *folder, int finished,
                                struct stp_err *err)
{
	struct work rest = {folder, 0, folder->depth};
	enum stp_errc code = STP_OK;
	size_t at;

	worker->found.count = 0;
	worker->found_count = 0;
	if (!finished) {
		STP_TRY(put_work(&worker->found, "", &rest, err));
		worker->found_count++;
	}
	for (at = 0; at < worker->dents_bytes;) {
		const struct dirent64 *dent = (const struct dirent64 *)(worker->dents + at);

		at += dent->d_reclen;
		if (dent->d_type != DT_DIR && dent->d_type != DT_UNKNOWN)
			continue;
		if (!is_dot(dent->d_name) && is_folder(folder, dent))
			STP_TRY(find_folder(worker, folder, dent->d_name, err));
	}
	if (worker->found_count == 0)
		return STP_OK;
	/* The stack's reference; relaxed: the lock orders it for whoever pops. */
	if (!finished)
		atomic_fetch_add_explicit(&folder->refs, 1, memory_order_relaxed);
	code = push(worker->walk, worker, err);
	if (code != STP_OK && !finished)
		atomic_fetch_sub_explicit(&folder->refs, 1, memory_order_relaxed);
	return code;
}

/* Reads one buffer of folder's names and deals with all of them. */
static enum stp_errc visit_buffer(struct worker *worker, struct folder *folder, struct stp_err *err)
{
	int finished;
	size_t at;

	read_names(worker, folder, &finished);
	STP_TRY(push_found(worker, folder, finished, err));
	for (at = 0; at < worker->dents_bytes;) {
		const struct dirent64 *dent = (const struct dirent64 *)(worker->dents + at);

		at += dent->d_reclen;
		if (dent->d_type == DT_DIR || is_dot(dent->d_name))
			continue;
		STP_TRY(visit_file(worker, folder, dent, err));
	}
	return STP_OK;
}

/* --- workers --------------------------------------------------------------------------------- */

static enum stp_errc do_work(struct worker *worker, const struct work *work, struct stp_err *err)
{
	struct folder *folder = work->rest;
	enum stp_errc code = STP_OK;

	if (stp_cancelled(worker->walk->options->cancel))
		code = STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	if (code == STP_OK && !folder) {
		code = open_folder(worker, work, &folder, err);
		worker->folder_count += folder != NULL;
	}
	if (code == STP_OK && folder)
		code = visit_buffer(worker, folder, err);
	if (folder)
		folder_release(worker, folder);
	return code;
}

static enum stp_errc worker_loop(struct worker *worker, struct stp_err *err)
{
	struct work work;

	for (;;) {
		int got = pop(worker->walk, worker, 0, &work);

		/* Others may be waiting for these entries: never sleep on them. */
		if (!got || worker->record_count >= BATCH_COUNT_MIN)
			STP_TRY(flush(worker, err));
		if (!got && !pop(worker->walk, worker, 1, &work))
			return STP_OK;
		STP_TRY(do_work(worker, &work, err));
	}
}

static enum stp_errc worker_main(void *ctx, size_t index, struct stp_err *err)
{
	struct walk *walk = ctx;
	struct worker *worker = &walk->workers[index];
	enum stp_errc code;
	int own_fd;

	/* Without one of its own it is only slower. */
	own_fd = stp_folder_again(walk->root_fd);
	worker->root_fd = own_fd < 0 ? walk->root_fd : own_fd;
	code = worker_loop(worker, err);
	stp_fd_close(&own_fd);
	if (code != STP_OK)
		stop(walk);
	return code;
}

static enum stp_errc create_workers(struct walk *walk, struct stp_err *err)
{
	size_t i;

	walk->workers = calloc(walk->worker_count, sizeof(*walk->workers));
	if (!walk->workers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	for (i = 0; i < walk->worker_count; i++) {
		struct worker *worker = &walk->workers[i];

		worker->walk = walk;
		worker->index = i;
		worker->records = malloc(BATCH_COUNT * sizeof(*worker->records));
		worker->paths = malloc(BATCH_PATH_BYTES);
		worker->dents = malloc(DENTS_BYTES);
		if (!worker->records || !worker->paths || !worker->dents)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL,
			                      "no memory for the workers");
	}
	return STP_OK;
}

static void destroy_workers(struct walk *walk)
{
	size_t i;

	for (i = 0; walk->workers && i < walk->worker_count; i++) {
		free(walk->workers[i].spare);
		free(walk->workers[i].records);
		free(walk->workers[i].paths);
		free(walk->workers[i].dents);
		stp_buf_release(&walk->workers[i].found);
	}
	free(walk->workers);
}

/* Releases folders that a stopped walk left on the stack. */
static void drain_stack(struct walk *walk)
{
	struct work work;

	while (walk->stack.count) {
		walk->stack.count -= sizeof(work);
		memcpy(&work, walk->stack.data + walk->stack.count, sizeof(work));
		walk->stack.count -= work.path_bytes;
		if (work.rest)
			folder_release(&walk->workers[0], work.rest);
	}
	stp_buf_release(&walk->stack);
}

size_t stp_tree_worker_count(size_t threads)
{
	return threads ? threads : 1;
}

enum stp_errc stp_tree_walk(int root_fd, const struct stp_tree_options *options,
                            stp_tree_emit_fn *emit, void *emit_ctx, struct stp_err *err)
{
	struct work root = {NULL, 0, 0};
	struct walk walk = {
	    .options = options,
	    .root_fd = root_fd,
	    .prefix_bytes = options->prefix ? strlen(options->prefix) : 0,
	    .emit = emit,
	    .emit_ctx = emit_ctx,
	    .worker_count = stp_tree_worker_count(options->threads),
	    .stack = STP_BUF_INIT,
	};
	enum stp_errc code;

	if (walk.prefix_bytes > STP_PATH_BYTES_MAX - 2)
		return STP_FAIL(err, STP_LIMIT, STAGE, options->prefix, "is too long a path");
	pthread_mutex_init(&walk.lock, NULL);
	pthread_cond_init(&walk.more, NULL);
	code = put_work(&walk.stack, "", &root, err);
	if (code == STP_OK)
		code = create_workers(&walk, err);
	if (code == STP_OK)
		code = stp_workers_run(options->threads, "scan", worker_main, &walk,
		                       options->cancel, err);
	drain_stack(&walk);
	destroy_workers(&walk);
	pthread_cond_destroy(&walk.more);
	pthread_mutex_destroy(&walk.lock);
	return code;
}

/* --- small things ---------------------------------------------------------------------------- */

size_t stp_tree_thread_count(size_t jobs)
{
	const size_t cold_depth = 32;

	if (jobs == 0)
		return 0;
	if (jobs > cold_depth)
		return jobs < STP_JOBS_MAX ? jobs : STP_JOBS_MAX;
	return cold_depth;
}

int64_t stp_tree_racy_after(int folder_fd)
{
	static const char name[] = ".tmp-clock";
	struct timespec now;
	struct stat st;
	int fd =
	    openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		/* A file that was there keeps its ctime without a change of its size or mode. */
		int stamped = futimens(fd, NULL) == 0 && fstat(fd, &st) == 0;

		unlinkat(folder_fd, name, 0);
		close(fd);
		if (stamped)
			return (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec -
			       RACY_GRACE_NS;
	}
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - RACY_GRACE_NS;
}
