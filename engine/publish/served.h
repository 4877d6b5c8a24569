/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a name in public/targets still serves what was signed. Links and copies are made once,
 *but anyone with write access may remove, empty or replace them later; so each run checks them,
 *with one system call per name (two for a link of a list):
 *
 *	symlink         it leads to the file that was hashed: inode, size and times
 *	  of a list     it has the text that it was made with, and leads to something
 *	hardlink        the inode of the file that was hashed
 *	reflink, copy   a file of that length, which others may read; if it was touched after the
 *	                last commit, or may by its inode be a link to the file itself, its bytes
 *	                are compared
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
	int64_t touched_before_ns; /* copies with an older ctime were not touched since */
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

/* The largest number of names that one run checks when all targets have one; if there are more,
 * each run checks another K-th of them. */
#define STP_SERVED_LOOKS_MAX 100000

/* Whether this run checks the names of the target with that key, which one run in parts does. */
int stp_served_turn(const uint8_t key[STP_KEY_BYTES], uint64_t run_number, uint64_t parts);

#endif
