/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of files to read: made in the scratch folder, or sampled from a folder of the operator's.
 *
 * Two sets are read, small files and large ones, because reading costs so much per file and so
 * much per byte, and a prediction needs both numbers.
 *
 * Shape      count files beneath root_fd.
 * Memory     one arena of paths and one array.
 * Ownership  the set owns its paths; root_fd is the set's and closed with it.
 * Threads    read-only once made.
 */
#ifndef STP_BENCH_FILES_H
#define STP_BENCH_FILES_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "bench/scratch.h"

struct stp_bench_file {
	const char *path; /* NUL-terminated, beneath the set's root */
	uint64_t bytes;
};

struct stp_bench_files {
	int root_fd;
	struct stp_bench_file *items;
	size_t count;
	size_t capacity;
	uint64_t total_bytes;
	struct stp_arena arena;
};

void stp_bench_files_init(struct stp_bench_files *files);
void stp_bench_files_release(struct stp_bench_files *files);

/* Copies path into the set. */
enum stp_errc stp_bench_files_add(struct stp_bench_files *files, const char *path,
                                  size_t path_bytes, uint64_t bytes,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Makes count files of file_bytes in the new folder name of scratch, and makes them durable, so
 * that their pages can be dropped. */
enum stp_errc stp_bench_files_make(struct stp_bench_files *files, const struct stp_scratch *scratch,
                                   const char *name, uint64_t count, uint64_t file_bytes,
                                   const struct stp_cancel *cancel,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Asks the kernel to forget the files' pages (POSIX_FADV_DONTNEED, which works for clean pages of
 * any file that can be opened), and their inodes where that is allowed. */
void stp_bench_files_drop(const struct stp_bench_files *files);

/* Brings the files' pages into the page cache, unless they are there. The stages themselves do not:
 * they read large files that are not cached past it. A file that cannot be read is left out. */
enum stp_errc stp_bench_files_warm(const struct stp_bench_files *files,
                                   const struct stp_cancel *cancel,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Share of the files' pages in the page cache, 0 … 1, over a sample of the set; negative when it
 * cannot be told. */
double stp_bench_files_resident(const struct stp_bench_files *files);

/* Forgets unused folders and inodes of the whole machine (/proc/sys/vm/drop_caches, for root).
 * Returns 1 when the kernel did so. */
int stp_bench_drop_inodes(void);

#endif
