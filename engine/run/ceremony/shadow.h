/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of public/metadata as it will be, or as it was, in a private folder: what a ceremony is
 * about to publish is tried there before a client can see it.
 *
 *	public/metadata ─▶ state/shadow: roots, timestamp, its snapshot, targets, bins …
 *	                        ├─ less the documents that a finish that died has published
 *	new documents ──────────┘
 *	                   a client from 1.root.json, from 2.root.json, … ─▶ newest root ─▶ bins
 *
 * Files are copied: a link would change the ctime of what is published. Bins are not read.
 *
 * Shape      one folder.
 * Memory     one file at a time.
 * Ownership  stp_shadow_end() removes the folder; one that a dead run left is removed by the next.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_SHADOW_H
#define STP_RUN_CEREMONY_SHADOW_H

#include "base/err.h"
#include "publish/repo.h"

#define STP_SHADOW_FOLDER "shadow"

/* Descriptors are the repository's, except that of the metadata folder. */
struct stp_shadow {
	int state_fd;
	struct stp_repo repo;
};

/* Makes the folder, with copies of what is in public/metadata except without[0, count). */
enum stp_errc stp_shadow_begin(struct stp_shadow *shadow, const struct stp_repo *repo,
                               const char *const *without, size_t count,
                               struct stp_err *err) STP_MUST_CHECK;

/* Adds a new file. */
enum stp_errc stp_shadow_put(const struct stp_shadow *shadow, const char *name, const void *bytes,
                             size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Also after a failed begin. */
void stp_shadow_end(struct stp_shadow *shadow);

#endif
