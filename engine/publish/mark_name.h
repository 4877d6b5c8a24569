/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of marks in public/targets/.signed: one for each target and digest that is signed, so that
 * a web server finds out by a lookup what it may serve. A web server cannot compute a digest, but
 *it can split and rearrange a URL; so a mark's name is the target's path in one component, its
 *folders separated by a byte that no target path contains:
 *
 *	a/b/HASH.name           ─▶  .signed/HH/HHHHHHHHHHHHHH.a"b"""""name   (always 6 separators)
 *	a/b/c/d/e/f/g/HASH.name ─▶  .signed/long/a/b/c/d/e/f/g/HHHHHHHHHHHHHHHH.name
 *
 * Only the first 16 digits of HASH are used. The second form is for paths with more than 6 folders
 * and for those too long for one name.
 *
 * Shape      a path and a digest in, a name out, and back.
 * Memory     the caller's buffers.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_PUBLISH_MARK_NAME_H
#define STP_PUBLISH_MARK_NAME_H

#include <stddef.h>

#include "base/limits.h"

#define STP_MARKS_FOLDER      ".signed"
#define STP_MARKS_LONG_FOLDER "long"
/* Folders .signed/00 to .signed/ff: few enough to keep all of them open. */
#define STP_MARK_SHARD_DIGITS 2
#define STP_MARK_SHARDS       256
#define STP_MARK_DIGITS       16
#define STP_MARK_FOLDERS_MAX  6
#define STP_MARK_NAME_BYTES   (STP_PATH_BYTES_MAX + 64)

/* The mark of path with the digest whose hex digits begin at hex, relative to public/targets,
 * NUL-terminated. Its length, or 0 when the path is too long even for the second form. */
size_t stp_mark_name(const char *path, size_t path_bytes, const char *hex,
                     char out[STP_MARK_NAME_BYTES]);

/* The path and the 16 hex digits that a mark (its name relative to public/targets) encodes, both
 * NUL-terminated; 0 for any other name. */
int stp_mark_parse(const char *name, size_t name_bytes, char out_path[STP_MARK_NAME_BYTES],
                   char out_hex[STP_MARK_DIGITS + 1]);

#endif
