/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders of a walk (scan/tree.c): opened by their path beneath the root with one call that refuses
 * links and other file systems; failures become faults. Internal to scan/.
 *
 * Shape      one folder at a time; a folder may be shared by several workers.
 * Memory     a folder, which is kept for the next one.
 * Ownership  counted references: a new folder has one, the last stp_tree_folder_release() closes.
 * Threads    one opener per worker; folders from any.
 */
#ifndef STP_SCAN_TREE_FOLDER_H
#define STP_SCAN_TREE_FOLDER_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/limits.h"
#include "scan/tree.h"

/* A folder being read: shared while one worker stats a buffer and another reads the next. */
struct stp_tree_folder {
	atomic_int refs;
	int fd;
	unsigned depth;
	const char *problem; /* what is wrong with its path, for each file in it */
	size_t path_bytes;   /* with prefix and a trailing "/", or 0 */
	char path[STP_PATH_BYTES_MAX + 2];
};

/* The state with which a worker opens folders. */
struct stp_tree_opener {
	const struct stp_tree_options *options;
	size_t prefix_bytes;           /* of options->prefix */
	int root_fd;                   /* stp_folder_again() */
	struct stp_tree_folder *spare; /* malloc'ed, or NULL */
};

/* Opens the folder at path (NUL-terminated, relative to the root, "" for the root). *out_folder
 * stays NULL when that is a fault. Errors stop the walk. */
enum stp_errc stp_tree_folder_open(struct stp_tree_opener *opener, const char *path,
                                   size_t path_bytes, unsigned depth,
                                   struct stp_tree_folder **out_folder,
                                   struct stp_err *err) STP_MUST_CHECK;

void stp_tree_folder_release(struct stp_tree_opener *opener, struct stp_tree_folder *folder);

/* Adds a fault about a folder that the filter wanted to enter. */
void stp_tree_folder_fault(const struct stp_tree_options *options, enum stp_errc code, int sys,
                           const char *path, size_t path_bytes, const char *text);

#endif
