/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks: empty files in public/targets/.signed whose names say which target is signed with which
 * digest (publish/mark_name.h). With "mutable" target files the web server finds a distribution
 * file by its name without the digest; it hands out only what has a mark, so nothing that is not
 * signed, and nothing under a digest that is made up.
 *
 * A mark is one more hard link to an empty file, so it costs an entry in a folder and no inode, and
 * one system call with two names of one component. Whoever removes one, or puts one there, moves
 * the times of its folder: state/marks notes those of all 256 folders, and a run that finds them
 * moved looks at every mark again. (Folders below .signed/long are not watched; verify looks at all
 * marks.)
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

/* Opens (or makes) .signed in targets_fd, and sees whether anything moved in it since the last
 * commit. */
enum stp_errc stp_marks_begin(int targets_fd, int state_fd, size_t worker_count,
                              struct stp_marks **out_marks, struct stp_err *err) STP_MUST_CHECK;

/* True when the mark of every target must be looked at: there were none, or something moved. */
int stp_marks_want_all(const struct stp_marks *marks);

/* True when no run has noted marks yet: then none can have been removed. */
int stp_marks_are_new(const struct stp_marks *marks);

enum stp_marks_result {
	STP_MARKS_THERE, /* it was there */
	STP_MARKS_MADE,
	STP_MARKS_TOO_LONG, /* the path's name is too long for one */
};

/* Makes the marks of path for each digest of digests (packed in the set's order). */
enum stp_errc stp_marks_put(struct stp_marks *marks, size_t worker_index, const char *path,
                            size_t path_bytes, const uint8_t *digests, unsigned hash_set,
                            enum stp_marks_result *out_result, struct stp_err *err) STP_MUST_CHECK;

/* Notes in state/ how the folders stand, after the commit of the metadata. */
enum stp_errc stp_marks_commit(struct stp_marks *marks, struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_marks_end(struct stp_marks *marks);

/* What state/marks should hold for the folders as they stand now; 0: there are none. */
uint64_t stp_marks_print(int targets_fd);

/* Whether state/marks agrees with the folders as they stand, and a way to make it so: for gc, which
 * removes marks itself. */
int stp_marks_is_noted(int targets_fd, int state_fd);
enum stp_errc stp_marks_note(int targets_fd, int state_fd, struct stp_err *err) STP_MUST_CHECK;

#endif
