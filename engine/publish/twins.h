/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files to which this run has made hard links, and which may have several names.
 *
 *	pool/a/x.whl ┐                link(2) ─▶ HASH.x.whl
 *	             ├─ one inode ──┤
 *	pool/b/x.whl ┘                its ctime changes, for both names
 *
 * Our own link changes the ctime of every other name of the file, and that must not count as a
 * change. So each inode is added, with its ctime, before the first link is made: a worker that
 *finds a newer ctime, and hashed the file while it had the earlier one, knows the reason. Any other
 *change of a file also changes its mtime, unless somebody who can write to it while this run links
 *it hides that; --rehash finds such changes.
 *
 * Shape      a hash table by file system and inode.
 * Memory     32 to 64 bytes per file.
 * Ownership  release frees it.
 * Threads    add and find from any thread.
 */
#ifndef STP_PUBLISH_TWINS_H
#define STP_PUBLISH_TWINS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/err.h"
#include "record/record.h"

struct stp_linked_file;

struct stp_linked {
	pthread_mutex_t lock;
	struct stp_linked_file *items;
	size_t capacity;
	atomic_size_t count;
};

void stp_linked_init(struct stp_linked *linked);
void stp_linked_release(struct stp_linked *linked);

/* Adds the file with that fingerprint, before a link is made. An existing entry is not changed. */
enum stp_errc stp_linked_add(struct stp_linked *linked, const struct stp_fingerprint *print,
                             struct stp_err *err) STP_MUST_CHECK;

/* True when a link to the file was made, or is being made, whatever its times. */
int stp_linked_has(struct stp_linked *linked, const struct stp_fingerprint *print);

/* True when, in addition, print is the fingerprint of the file before its first link. */
int stp_linked_was(struct stp_linked *linked, const struct stp_fingerprint *print);

#endif
