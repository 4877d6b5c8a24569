/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with several names, which this run has made hard links of.
 *
 *	pool/a/x.whl ┐                link(2) ─▶ HASH.x.whl
 *	             ├─ one inode ──┤
 *	pool/b/x.whl ┘                its ctime moves, for both names
 *
 * Our own link moves the ctime of every other name of the file, and that must not count as a
 * change. So each inode is noted, with the ctime that it had before the first link, before that is
 * made: who then finds a newer ctime, and has hashed the file while it had the noted one, knows
 * where that comes from. Whatever else changes a file moves its mtime, or is made to look as if it
 * had not by somebody who may write to it while this run links it; --rehash finds that.
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

struct stp_twin;

struct stp_twins {
	pthread_mutex_t lock;
	struct stp_twin *items;
	size_t capacity;
	atomic_size_t count;
};

void stp_twins_init(struct stp_twins *twins);
void stp_twins_release(struct stp_twins *twins);

/* Notes the file with that fingerprint, before a link is made. One that is noted already stays as
 * it is. */
enum stp_errc stp_twins_add(struct stp_twins *twins, const struct stp_fingerprint *print,
                            struct stp_err *err) STP_MUST_CHECK;

/* True when a link was made, or is being made, of the file, whatever its times. */
int stp_twins_has(struct stp_twins *twins, const struct stp_fingerprint *print);

/* True when, besides, print is what the file had before the first one. */
int stp_twins_was(struct stp_twins *twins, const struct stp_fingerprint *print);

#endif
