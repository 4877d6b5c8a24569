/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which globs match something: one that matches nothing is a slip of the pen more often than not,
 * and leaves out or lets in other files than was meant. The run's notes name it.
 *
 *	path of the tree ──▶ is a glob of the list still unused? ──▶ does it match? then it is used
 *
 * A glob is tried until it has matched once, so that a list whose globs have all matched costs one
 * load per path. What keeps files out and begins with a wildcard (all files that end with .tmp) is
 * there for the day on which there are such files, and is not watched.
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
	STP_GLOB_INCLUDES, /* paths, and folders with all that is in them */
	STP_GLOB_EXCLUDES, /* the same; those that begin with a wildcard are not watched */
	STP_GLOB_PATHS,    /* whole paths only */
};

struct stp_glob_use {
	struct stp_globs globs;
	enum stp_glob_kind kind;
	atomic_uchar *is_used;
	atomic_size_t unused_count; /* 0: nothing to do */
};

/* Watches globs, which must stay; use is zeroed memory. */
enum stp_errc stp_glob_use_begin(struct stp_glob_use *use, const struct stp_globs *globs,
                                 enum stp_glob_kind kind, struct stp_err *err) STP_MUST_CHECK;

/* A path that was met. */
void stp_glob_use_see(struct stp_glob_use *use, const char *path, size_t path_bytes);

/* The glob with this index has matched. */
void stp_glob_use_mark(struct stp_glob_use *use, size_t index);

/* A folder that was met and not entered: what could match in it counts as used. */
void stp_glob_use_pass(struct stp_glob_use *use, const char *folder, size_t folder_bytes);

/* Notes each glob that was not used: "GLOB: WHY; correct it, or take it out". */
void stp_glob_use_note(const struct stp_glob_use *use, const char *why,
                       struct stp_fault_list *notes);

void stp_glob_use_release(struct stp_glob_use *use);

#endif
