/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan/tree: a directory tree → entries, on many threads.
 *
 *	folder ─▶ getdents64 ─┬─▶ folders: pushed on one shared stack
 *	                      └─▶ files: statx ─▶ batch ─▶ keys ─▶ emit(ctx, worker, records, count)
 *
 * Nothing is followed: symbolic links, FIFOs, sockets, devices, other file systems, folders that
 * cannot be read or are too deep, and paths that scan/path.h refuses are faults that name the path.
 * The order of entries depends on timing; the ledger sorts.
 *
 * Shape      struct stp_record with key, length, fingerprint, path and STP_RECORD_FILE; no digests.
 * Memory     per worker one folder buffer and one batch (about 0.4 MiB); the shared stack holds at
 *            most one buffer's folders per level and worker, whatever the size of the tree.
 * Ownership  records and paths given to emit are valid during the call.
 * Threads    emit, keep and enter are called from all workers at once, worker_index in
 *            [0, stp_tree_worker_count(threads)). stp_tree_walk() itself from one thread.
 */
#ifndef STP_SCAN_TREE_H
#define STP_SCAN_TREE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/filesystem.h"
#include "record/record.h"

/* Receives a batch of entries. A failure ends the walk and is returned. */
typedef enum stp_errc stp_tree_emit_fn(void *ctx, size_t worker_index,
                                       const struct stp_record *records, size_t count,
                                       struct stp_err *err);

/* Whether the entry at path (relative, not NUL-terminated) belongs to the index: nonzero keeps. */
typedef int stp_tree_keep_fn(void *ctx, const char *path, size_t path_bytes);

/* Counters that others may read while the walk runs. */
struct stp_tree_progress {
	atomic_uint_fast64_t files;    /* entries emitted */
	atomic_uint_fast64_t folders;  /* folders read */
	atomic_uint_fast64_t bytes;    /* sum of lengths */
	atomic_uint_fast64_t left_out; /* what STP_TREE_SKIP_LINKS omitted */
};

#define STP_TREE_ANY_NAME   1u  /* names that scan/path.h refuses are entries too (`hash`) */
#define STP_TREE_SKIP_LINKS 2u  /* what is not a regular file is skipped, not a fault (`hash`) */
#define STP_TREE_CROSS      4u  /* enter other file systems mounted below */
#define STP_TREE_NO_KEYS    8u  /* leave key zero (`hash`) */
#define STP_TREE_LIVE       16u /* what is removed during the scan is skipped, not a fault */

struct stp_tree_options {
	size_t threads; /* see stp_tree_thread_count(); 0: serial, in the calling thread */
	unsigned flags; /* STP_TREE_* */
	/* An mtime or ctime at or after this is racy (STP_RECORD_RACY), see record/trust.h.
	 * INT64_MAX: nothing is racy. */
	int64_t racy_after_ns;
	struct stp_fs_table *fs; /* numbers the file systems; NULL: by st_dev */
	const char *prefix;      /* put before each path, "" or "folder/"; NULL is "" */
	/* Called for all but folders, also before a fault; NULL keeps all. */
	stp_tree_keep_fn *keep;
	/* Called for folders, which are not opened when it returns 0; NULL enters all. A problem
	 * with a folder that should be entered is a fault, whatever keep returns for its path. */
	stp_tree_keep_fn *enter;
	void *keep_ctx;
	/* With STP_TREE_CROSS: folders that must not be in the tree, however they got there. */
	const int *apart;
	size_t apart_count;
	struct stp_cancel *cancel;          /* may be NULL */
	struct stp_fault_list *faults;      /* required */
	struct stp_tree_progress *progress; /* may be NULL */
};

/* The number of threads to start for jobs workers: 0 for 0, otherwise more than processors, since a
 * walk over an uncached tree waits for the disk (engine/decisions/0120-scan-threads.md). */
size_t stp_tree_thread_count(size_t jobs);

/* Workers that call emit: 1 for 0 threads, else threads. */
size_t stp_tree_worker_count(size_t threads);

/* Walks the folder root_fd and emits every regular file beneath it. Bad entries are faults; errors
 * stop the walk: the root cannot be read, memory or descriptors ran out, emit failed, cancelled. */
enum stp_errc stp_tree_walk(int root_fd, const struct stp_tree_options *options,
                            stp_tree_emit_fn *emit, void *emit_ctx,
                            struct stp_err *err) STP_MUST_CHECK;

#endif
