/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The globs of one run: those of stampede.json if the tree is the index, --scan if it adds to a
 * list, and --allow-replace.
 *
 * Shape      one run/sign/glob_use.h per list of globs.
 * Memory     a few bytes.
 * Ownership  the run's.
 * Threads    see run/sign/glob_use.h.
 */
#ifndef STP_RUN_SIGN_GLOB_NOTES_H
#define STP_RUN_SIGN_GLOB_NOTES_H

#include "run/sign/glob_use.h"

struct stp_sign_options;
struct stp_sign_run;

struct stp_glob_notes {
	struct stp_glob_use include, exclude, mutable_globs, scan, replace;
	atomic_int has_met; /* a path or a folder: the tree is not empty */
	int is_complete;    /* the tree was walked to its end */
	int is_compared;    /* all files that may have other bytes were compared */
};

/* With the configuration loaded. */
enum stp_errc stp_glob_notes_begin(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* A file of the tree. */
static inline void stp_glob_notes_see(struct stp_glob_notes *globs, const char *path,
                                      size_t path_bytes)
{
	if (!atomic_load_explicit(&globs->has_met, memory_order_relaxed))
		atomic_store_explicit(&globs->has_met, 1, memory_order_relaxed);
	stp_glob_use_see(&globs->include, path, path_bytes);
	stp_glob_use_see(&globs->exclude, path, path_bytes);
	stp_glob_use_see(&globs->mutable_globs, path, path_bytes);
	stp_glob_use_see(&globs->scan, path, path_bytes);
}

/* A folder of the tree that is not entered. */
void stp_glob_notes_pass(struct stp_glob_notes *globs, const char *folder, size_t folder_bytes);

/* At the end of the run: adds notes that name those that matched nothing. */
void stp_sign_note_globs(struct stp_sign_run *run);

void stp_glob_notes_release(struct stp_glob_notes *globs);

#endif
