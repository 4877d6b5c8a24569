/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a name in public/targets still hands out what was signed. Links and copies are made once,
 * but whoever can write there may remove, empty or exchange them later; so each run looks, with one
 * system call a name (two for a link of a list):
 *
 *	symlink         what it leads to is the file that was hashed: inode, size and times
 *	  of a list     it holds the text that it was made with, and leads to something
 *	hardlink        the inode of the file that was hashed
 *	reflink, copy   a file of that length, which others may read; in doubt when it was touched
 *	                after the last commit, or may be a link of the file itself, by its inode:
 *	                its bytes tell
 *
 * Shape      a name and a record in, an answer out.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    any thread.
 */
#ifndef STP_PUBLISH_SERVED_H
#define STP_PUBLISH_SERVED_H

#include "record/record.h"
#include "roles/config.h"

struct stp_served_look {
	int targets_fd;            /* public/targets */
	enum stp_link link;        /* how the name is made */
	const char *text;          /* of a symbolic link */
	int64_t touched_before_ns; /* copies with an older ctime have not been touched since */
};

enum stp_served_answer {
	STP_SERVED_GOOD,
	STP_SERVED_BROKEN,
	STP_SERVED_DOUBTFUL, /* a copy of the right length that somebody touched, or no copy at all
	                      */
};

/* name: DIR/HASH.NAME relative to public/targets. */
enum stp_served_answer stp_served_look(const struct stp_served_look *look,
                                       const struct stp_record *record, const char *name);

/* The largest number of names that are looked at in one run when all targets have one: a K-th of
 * them, another each run, when there are more. */
#define STP_SERVED_LOOKS_MAX 100000

/* Whether this run looks at the names of the target with that key, one run in parts. */
int stp_served_turn(const uint8_t key[STP_KEY_BYTES], uint64_t run_number, uint64_t parts);

#endif
