/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which paths may be target paths. One rule for trees and lists, so that every client sees the same
 * path: six implementations of canonical JSON disagree outside printable ASCII (engine/TUF.md,
 * "Files and canonical form"), and clients write the path to their own disk.
 *
 * Shape      a byte range, relative, segments divided by "/".
 * Memory     none; what is wrong comes back as a static string.
 * Ownership  the caller's bytes.
 * Threads    any thread; no state.
 */
#ifndef STP_SCAN_PATH_H
#define STP_SCAN_PATH_H

#include <stddef.h>

/* What is wrong with a whole target path, as a sentence for a fault ("has an empty segment"), or
 * NULL when it may be signed: 1 … STP_PATH_BYTES_MAX bytes of printable ASCII without '"' and
 * '\', not absolute, no empty, "." or ".." segment, segments of at most STP_NAME_BYTES_MAX bytes,
 * at most STP_TREE_DEPTH_MAX folders above the file. */
const char *stp_path_problem(const char *path, size_t path_bytes);

/* The same for one segment: the name of a file or folder found in a tree. */
const char *stp_path_name_problem(const char *name, size_t name_bytes);

#endif
