/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which globs match something: one that matches nothing is usually a mistake, and includes or
 * excludes other files than was meant. A note of the run names it.
 *
 *	path of the tree ──▶ is a glob of the list still unused? ──▶ if it matches, it is used
 *
 * A glob is tried until it has matched once, so that a list whose globs have all matched costs one
 * load per path. Globs that exclude files and begin with a wildcard (all files that end with .tmp)
 * are written for files that may appear some day, and are not watched.
 *
 * Shape      one byte per glob, per list of globs.
 * Memory     a few bytes.
 * Ownership  the caller's; stp_glob_use_release() frees.
 * Threads    stp_glob_use_see() and stp_glob_use_pass() from any thread; the rest from one.
 */
#ifndef STP_RUN_SIGN_GLOB_USE_H
#define STP_RUN_SIGN_GLOB_USE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/err.h"
#include "base/fault.h"
#include "roles/config.h"

/* How the globs of a list match, and which are watched. */
enum stp_glob_kind {
	STP_GLOB_INCLUDES, /* paths, and folders with everything in them */
	STP_GLOB_EXCLUDES, /* the same; not watched if they begin with a wildcard */
	STP_GLOB_PATHS,    /* whole paths only */
};

struct stp_glob_use {
	struct stp_globs globs;
	enum stp_glob_kind kind;
	atomic_uchar *is_used;
	atomic_size_t unused_count; /* 0: nothing to do */
};

/* Watches globs, which must outlive use; use is zeroed memory. */
enum stp_errc stp_glob_use_begin(struct stp_glob_use *use, const struct stp_globs *globs,
                                 enum stp_glob_kind kind, struct stp_err *err) STP_MUST_CHECK;

/* A path of the tree. */
void stp_glob_use_see(struct stp_glob_use *use, const char *path, size_t path_bytes);

/* The glob with this index has matched. */
void stp_glob_use_mark(struct stp_glob_use *use, size_t index);

/* A folder that is not entered: globs that could match in it count as used. */
void stp_glob_use_pass(struct stp_glob_use *use, const char *folder, size_t folder_bytes);

/* Notes each glob that was not used: "GLOB: WHY; correct or remove it". */
void stp_glob_use_note(const struct stp_glob_use *use, const char *why,
                       struct stp_fault_list *notes);

void stp_glob_use_release(struct stp_glob_use *use);

#endif
