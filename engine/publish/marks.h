/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks: empty files in public/targets/.signed whose names say which target is signed with which
 * digest (publish/mark_name.h). With "mutable" target files the web server finds a distribution
 * file by its name without the digest; it serves only what has a mark: nothing that is not
 * signed, and nothing under an invented digest.
 *
 * A mark is one more hard link to an empty file, so it costs an entry in a folder but no inode, and
 * one system call with two short names. Adding or removing one changes the times of its folder:
 * state/marks records those of all 256 folders, and a run that finds them changed checks every mark
 * again. (Folders below .signed/long are not covered; verify checks all marks.)
 *
 * Shape      one set per run.
 * Memory     a descriptor per folder that marks were made in: 256 at most.
 * Ownership  descriptors given are the caller's.
 * Threads    stp_marks_put() from any thread, each with its own worker index.
 */
#ifndef STP_PUBLISH_MARKS_H
#define STP_PUBLISH_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STP_MARKS_STATE_FILE "marks"

struct stp_marks;

/* Opens (or makes) .signed in targets_fd, and finds out whether anything changed in it since the
 * last commit. */
enum stp_errc stp_marks_begin(int targets_fd, int state_fd, size_t worker_count,
                              struct stp_marks **out_marks, struct stp_err *err) STP_MUST_CHECK;

/* True when the mark of every target must be checked: there were none, or something changed. */
int stp_marks_want_all(const struct stp_marks *marks);

/* True when no run has recorded marks yet: then none can have been removed. */
int stp_marks_are_new(const struct stp_marks *marks);

enum stp_marks_result {
	STP_MARKS_THERE, /* it existed */
	STP_MARKS_MADE,
	STP_MARKS_TOO_LONG, /* the file's name is too long for a mark */
};

/* Makes the marks of path for each digest of digests (packed in the set's order). */
enum stp_errc stp_marks_put(struct stp_marks *marks, size_t worker_index, const char *path,
                            size_t path_bytes, const uint8_t *digests, unsigned hash_set,
                            enum stp_marks_result *out_result, struct stp_err *err) STP_MUST_CHECK;

/* Records the state of the folders in state/, after the commit of the metadata. */
enum stp_errc stp_marks_commit(struct stp_marks *marks, struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_marks_end(struct stp_marks *marks);

/* Whether state/marks agrees with the present state of the folders, and a function that makes it
 * agree: for gc, which removes marks itself. */
int stp_marks_is_noted(int targets_fd, int state_fd);
enum stp_errc stp_marks_note(int targets_fd, int state_fd, struct stp_err *err) STP_MUST_CHECK;

#endif
