/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the walk shares its work.
 *
 * There is one stack of folders under one lock. A worker pops a folder, opens it, and fills its
 * buffer with getdents64. When the buffer is full and the folder is not finished, the rest of the
 * folder goes back on the stack as a work item of its own, below the folders found so far:
 *
 *	     pop ──▶ read a buffer of names ──▶ push: rest of this folder, then its subfolders
 *	      ▲                                 stat the files of this buffer, emit
 *	      └───────────────────────────────────────┘
 *
 * So one folder with a million files is read by one thread at a time, but all threads stat its
 * files; and since the stack is last in, first out, it holds at most one buffer of folders per
 * level and worker. A walk ends when the stack is empty and all workers wait.
 *
 * Folders are opened by their path from the root, with one call that refuses links and other file
 * systems, so no chain of open parents has to be kept.
 */
#include "scan/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/sum.h"
#include "base/thread.h"
#include "record/key.h"
#include "scan/entry.h"
#include "scan/names.h"
#include "scan/path.h"
#include "scan/tree_folder.h"
#include "scan/tree_stack.h"

#define STAGE       "scan"
#define BATCH_COUNT 512
/* Entries worth passing on: several rounds of 16 lanes for their keys. */
#define BATCH_COUNT_MIN  64
#define BATCH_PATH_BYTES (96 * 1024)

struct walk {
	const struct stp_tree_options *options;
	int root_fd;
	size_t prefix_bytes;
	stp_tree_emit_fn *emit;
	void *emit_ctx;
	struct worker *workers;
	size_t worker_count;

	struct stp_tree_stack stack;
};

struct worker {
	struct walk *walk;
	size_t index;
	struct stp_tree_opener opener;
	size_t folder_count; /* not yet added to progress */
	size_t record_count;
	size_t path_bytes_used;
	struct stp_record *records;
	char *paths;
	struct stp_names names;
	struct stp_buf found; /* work to push, laid out as on the stack */
	size_t found_count;
	char name[STP_PATH_BYTES_MAX + 1]; /* path of the folder popped last */
	/* Path of the current entry: large enough for any folder and any name behind it. */
	char path[STP_PATH_BYTES_MAX + 2 + STP_NAMES_BYTES];
};

/* --- names ----------------------------------------------------------------------------------- */

/* Fills the buffer; *out_finished is set when the folder has no more names. */
static void read_names(struct worker *worker, const struct stp_tree_folder *folder,
                       int *out_finished)
{
	enum stp_names_rest rest = stp_names_read(&worker->names, folder->fd);

	if (rest == STP_NAMES_FAILED)
		stp_tree_folder_fault(worker->walk->options, STP_IO, errno, folder->path,
		                      folder->path_bytes, "cannot read the folder's names");
	*out_finished = rest != STP_NAMES_MORE;
}

/* Sets worker->path to that of a name in folder and returns its length. It may be longer than the
 * limit for paths: callers check that first. */
static size_t join_path(struct worker *worker, const struct stp_tree_folder *folder,
                        const struct stp_name *name)
{
	STP_ASSERT(folder->path_bytes + name->bytes < sizeof(worker->path));
	memcpy(worker->path, folder->path, folder->path_bytes);
	memcpy(worker->path + folder->path_bytes, name->text, name->bytes + 1);
	return folder->path_bytes + name->bytes;
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
		stp_record_keys(worker->records, count);
	for (i = 0; i < count; i++)
		bytes = stp_sum_add(bytes, worker->records[i].length);
	if (options->progress) {
		atomic_fetch_add_explicit(&options->progress->files, count, memory_order_relaxed);
		(void)stp_sum_add_shared(&options->progress->bytes, bytes);
	}
	return worker->walk->emit(worker->walk->emit_ctx, worker->index, worker->records, count,
	                          err);
}

/* Reports a name that cannot be an entry; 1 when it can be one. */
static int is_entry(struct worker *worker, const struct stp_tree_folder *folder,
                    const struct stp_name *name, const struct stp_entry *entry, size_t path_bytes)
{
	const struct stp_tree_options *options = worker->walk->options;
	int any_name = (options->flags & STP_TREE_ANY_NAME) != 0;
	const char *path_problem = any_name ? NULL : folder->problem;
	struct stp_entry_problem problem;

	if (stp_entry_is_special(entry) && options->flags & STP_TREE_SKIP_LINKS) {
		if (options->progress)
			atomic_fetch_add_explicit(&options->progress->left_out, 1,
			                          memory_order_relaxed);
		return 0;
	}
	if (entry->sys_errno == ENOENT && options->flags & STP_TREE_LIVE)
		return 0;
	if (!any_name && !path_problem)
		path_problem = stp_path_name_problem(name->text, name->bytes);
	problem = stp_entry_problem(entry, path_problem, any_name);
	if (!problem.text && !(options->flags & STP_TREE_CROSS) && stp_entry_is_mount(entry))
		problem.text =
		    "is another file, mounted over the one in the folder; exclude it, or set "
		    "\"mounts\": \"cross\" in stampede.json";
	if (problem.text)
		stp_fault_add(options->faults, problem.code, problem.sys_errno, STAGE, worker->path,
		              path_bytes, "%s", problem.text);
	return problem.text == NULL;
}

/* Stats one name that is not listed as a folder, and adds it to the batch. */
static enum stp_errc visit_file(struct worker *worker, const struct stp_tree_folder *folder,
                                const struct stp_name *name, struct stp_err *err)
{
	const struct stp_tree_options *options = worker->walk->options;
	size_t path_bytes = join_path(worker, folder, name);
	struct stp_record *record;
	struct stp_entry entry;
	char *path;

	if (options->keep && !options->keep(options->keep_ctx, worker->path, path_bytes))
		return STP_OK;
	if (name->problem || path_bytes > STP_PATH_BYTES_MAX) {
		stp_fault_add(options->faults, STP_FORMAT, 0, STAGE, worker->path, path_bytes, "%s",
		              name->problem ? name->problem
		                            : "is longer than 4,095 bytes; shorten it");
		return STP_OK;
	}
	stp_entry_look(folder->fd, name, &entry);
	if (!is_entry(worker, folder, name, &entry, path_bytes))
		return STP_OK;
	if (worker->record_count == BATCH_COUNT ||
	    BATCH_PATH_BYTES - worker->path_bytes_used < path_bytes + 1)
		STP_TRY(flush(worker, err));
	path = worker->paths + worker->path_bytes_used;
	memcpy(path, worker->path, path_bytes + 1);
	record = &worker->records[worker->record_count++];
	stp_entry_record(&entry, options->racy_after_ns, record);
	if (options->fs)
		record->fingerprint.fs_id = stp_fs_id(options->fs, (dev_t)record->fingerprint.fs_id,
		                                      folder->fd, name->text);
	record->path = path;
	record->path_bytes = (uint16_t)path_bytes;
	worker->path_bytes_used += path_bytes + 1;
	return STP_OK;
}

/* --- one buffer of names --------------------------------------------------------------------- */

/* Whether to enter a name as a folder. A type that the listing did not give is stored in it, so
 * that visit_file() treats a name as a file exactly when this did not treat it as a folder. */
static int is_folder(struct worker *worker, const struct stp_tree_folder *folder,
                     const struct stp_name *name)
{
	struct stat st;

	if (name->problem)
		return 0;
	if (name->type != DT_UNKNOWN)
		return name->type == DT_DIR;
	if (fstatat(folder->fd, name->text, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	stp_names_set_type(&worker->names, name, DT_DIR);
	return 1;
}

/* Adds one subfolder to the work found unless it is filtered out, too deep or too long. */
static enum stp_errc find_folder(struct worker *worker, const struct stp_tree_folder *folder,
                                 const struct stp_name *name, struct stp_err *err)
{
	const struct walk *walk = worker->walk;
	const struct stp_tree_options *options = walk->options;
	size_t path_bytes = join_path(worker, folder, name);
	struct stp_tree_work work = {NULL, (uint32_t)(path_bytes - walk->prefix_bytes),
	                             folder->depth + 1};

	if (options->enter && !options->enter(options->keep_ctx, worker->path, path_bytes))
		return STP_OK;
	/* 2: "/" and one byte of a name must still fit */
	if (path_bytes + 2 > STP_PATH_BYTES_MAX) {
		stp_tree_folder_fault(worker->walk->options, STP_LIMIT, 0, worker->path, path_bytes,
		                      "is a folder whose path is too long; shorten it");
		return STP_OK;
	}
	if (work.depth > STP_TREE_DEPTH_MAX) {
		stp_tree_folder_fault(worker->walk->options, STP_LIMIT, 0, worker->path, path_bytes,
		                      "is more than 128 folders deep; flatten the path");
		return STP_OK;
	}
	worker->found_count++;
	return stp_tree_work_put(&worker->found, worker->path + walk->prefix_bytes, &work, err);
}

/* Pushes the rest of the folder when it is not finished, then the subfolders in the buffer. */
static enum stp_errc push_found(struct worker *worker, struct stp_tree_folder *folder, int finished,
                                struct stp_err *err)
{
	struct stp_tree_work rest = {folder, 0, folder->depth};
	enum stp_errc code = STP_OK;
	struct stp_name name;
	size_t at = 0;

	worker->found.count = 0;
	worker->found_count = 0;
	if (!finished) {
		STP_TRY(stp_tree_work_put(&worker->found, "", &rest, err));
		worker->found_count++;
	}
	while (stp_names_next(&worker->names, &at, &name))
		if (is_folder(worker, folder, &name))
			STP_TRY(find_folder(worker, folder, &name, err));
	if (worker->found_count == 0)
		return STP_OK;
	/* The stack's reference; relaxed: the lock orders it for whoever pops. */
	if (!finished)
		atomic_fetch_add_explicit(&folder->refs, 1, memory_order_relaxed);
	code = stp_tree_stack_push(&worker->walk->stack, &worker->found, worker->found_count, err);
	if (code != STP_OK && !finished)
		atomic_fetch_sub_explicit(&folder->refs, 1, memory_order_relaxed);
	return code;
}

/* Reads one buffer of folder's names and handles all of them. */
static enum stp_errc visit_buffer(struct worker *worker, struct stp_tree_folder *folder,
                                  struct stp_err *err)
{
	struct stp_name name;
	size_t at = 0;
	int finished;

	read_names(worker, folder, &finished);
	STP_TRY(push_found(worker, folder, finished, err));
	while (stp_names_next(&worker->names, &at, &name))
		if (name.type != DT_DIR || name.problem)
			STP_TRY(visit_file(worker, folder, &name, err));
	return STP_OK;
}

/* --- workers --------------------------------------------------------------------------------- */

static enum stp_errc do_work(struct worker *worker, const struct stp_tree_work *work,
                             struct stp_err *err)
{
	struct stp_tree_folder *folder = work->rest;
	enum stp_errc code = STP_OK;

	if (stp_cancelled(worker->walk->options->cancel))
		code = STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	if (code == STP_OK && !folder) {
		code = stp_tree_folder_open(&worker->opener, worker->name, work->path_bytes,
		                            work->depth, &folder, err);
		worker->folder_count += folder != NULL;
	}
	if (code == STP_OK && folder)
		code = visit_buffer(worker, folder, err);
	if (folder)
		stp_tree_folder_release(&worker->opener, folder);
	return code;
}

static enum stp_errc worker_loop(struct worker *worker, struct stp_err *err)
{
	struct stp_tree_stack *stack = &worker->walk->stack;
	struct stp_tree_work work;

	for (;;) {
		int got = stp_tree_stack_pop(stack, STP_TREE_POLL, worker->name, &work);

		/* Others may be waiting for these entries: emit them before waiting. */
		if (!got || worker->record_count >= BATCH_COUNT_MIN)
			STP_TRY(flush(worker, err));
		if (!got && !stp_tree_stack_pop(stack, STP_TREE_WAIT, worker->name, &work))
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

	/* Without a descriptor of its own it is only slower. */
	own_fd = stp_folder_again(walk->root_fd);
	worker->opener.root_fd = own_fd < 0 ? walk->root_fd : own_fd;
	code = worker_loop(worker, err);
	stp_fd_close(&own_fd);
	if (code != STP_OK)
		stp_tree_stack_stop(&walk->stack);
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
		worker->opener.options = walk->options;
		worker->opener.prefix_bytes = walk->prefix_bytes;
		worker->records = malloc(BATCH_COUNT * sizeof(*worker->records));
		worker->paths = malloc(BATCH_PATH_BYTES);
		if (!worker->records || !worker->paths)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL,
			                      "no memory for the workers");
		STP_TRY(stp_names_init(&worker->names, err));
	}
	return STP_OK;
}

static void destroy_workers(struct walk *walk)
{
	size_t i;

	for (i = 0; walk->workers && i < walk->worker_count; i++) {
		free(walk->workers[i].opener.spare);
		free(walk->workers[i].records);
		free(walk->workers[i].paths);
		stp_names_release(&walk->workers[i].names);
		stp_buf_release(&walk->workers[i].found);
	}
	free(walk->workers);
}

/* Releases folders that a stopped walk left on the stack. */
static void drain_stack(struct walk *walk)
{
	struct stp_tree_work work;

	while (stp_tree_stack_drain(&walk->stack, &work))
		if (work.rest)
			stp_tree_folder_release(&walk->workers[0].opener, work.rest);
}

size_t stp_tree_worker_count(size_t threads)
{
	return threads ? threads : 1;
}

enum stp_errc stp_tree_walk(int root_fd, const struct stp_tree_options *options,
                            stp_tree_emit_fn *emit, void *emit_ctx, struct stp_err *err)
{
	struct stp_tree_work root = {NULL, 0, 0};
	struct walk walk = {
	    .options = options,
	    .root_fd = root_fd,
	    .prefix_bytes = options->prefix ? strlen(options->prefix) : 0,
	    .emit = emit,
	    .emit_ctx = emit_ctx,
	    .worker_count = stp_tree_worker_count(options->threads),
	};
	enum stp_errc code;

	if (walk.prefix_bytes > STP_PATH_BYTES_MAX - 2)
		return STP_FAIL(err, STP_LIMIT, STAGE, options->prefix, "is too long");
	stp_tree_stack_init(&walk.stack, walk.worker_count);
	code = stp_tree_work_put(&walk.stack.works, "", &root, err);
	if (code == STP_OK)
		code = create_workers(&walk, err);
	if (code == STP_OK)
		code = stp_workers_run(options->threads, "scan", worker_main, &walk,
		                       options->cancel, err);
	drain_stack(&walk);
	destroy_workers(&walk);
	stp_tree_stack_release(&walk.stack);
	return code;
}

/* --- number of threads ------------------------------------------------------------------------ */

size_t stp_tree_thread_count(size_t jobs)
{
	const size_t cold_depth = 32;

	if (jobs == 0)
		return 0;
	if (jobs > cold_depth)
		return jobs < STP_JOBS_MAX ? jobs : STP_JOBS_MAX;
	return cold_depth;
}
