/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that implement publish/links.h share.
 *
 *	links_run.c    begins and commits: which names, how they are made, what the next run must
 *know links_again.c  checks the names of earlier runs, and has wrong ones made again links.c makes
 *names links_now.c    reads a file that is not what was hashed
 *
 * Shape      one struct per run, one per worker.
 * Memory     see publish/links.h.
 * Ownership  stp_links_end() frees it all.
 * Threads    read-only after begin, except each worker's own struct, the atomic count and the
 *            linked files.
 */
#ifndef STP_PUBLISH_LINKS_STATE_H
#define STP_PUBLISH_LINKS_STATE_H

#include <stdatomic.h>

#include "publish/copy.h"
#include "publish/links.h"
#include "publish/marks.h"
#include "publish/twins.h"

#define STP_LINKS_STATE_FILE "links"
#define STP_LINKS_MARK_BYTES 8192

struct stp_links_worker {
	struct stp_copier *copier; /* made at the first copy */
	uint64_t made;             /* names */
	uint64_t marked;           /* marks */
	struct stp_missing missing;
};

struct stp_links {
	const struct stp_repo *repo;
	const struct stp_config *config;
	const struct stp_cancel *cancel;
	int targets_dir_fd;
	enum stp_target_files mode;
	enum stp_links_need need;
	int is_elsewhere; /* "auto", and the targets folder is empty: another server has the files
	                   */
	char base[PATH_MAX]; /* from public/targets to the targets folder, relative */
	char mark[STP_LINKS_MARK_BYTES];
	struct stp_marks *marks;    /* with "mutable" target files */
	uint64_t run_number, parts; /* a name is checked again in one run of that many */
	int64_t touched_before_ns;  /* see publish/served.h */
	struct stp_links_worker *workers;
	size_t worker_count;
	atomic_uint_fast64_t repaired;
	struct stp_linked linked; /* files that hard links were made of */
};

/* Opens a target's file; -1 with errno. */
int stp_links_open(const struct stp_links *links, const char *path);

/* True when errno after stp_links_open() means that the file was removed, or is no longer a regular
 * file; every other error means that the system cannot open it. */
int stp_links_is_moved(int sys_errno);

/* The worker's copier, made at its first use. */
enum stp_errc stp_links_copier(struct stp_links *links, struct stp_links_worker *worker,
                               struct stp_copier **out_copier, struct stp_err *err) STP_MUST_CHECK;

/* True when the record may change under its name. */
int stp_links_is_mutable(const struct stp_links *links, const struct stp_record *record);

/* How a name is made: a file that may change always gets a copy. */
enum stp_link stp_links_kind(const struct stp_links *links, int is_mutable);

/* Writes HASH.PATH, with the record's digest of one algorithm and path, a part of the record's
 * path, into out of size bytes; returns its length, or 0 when it is too long. */
size_t stp_links_name(const struct stp_links *links, const struct stp_record *record,
                      const char *path, size_t path_bytes, enum stp_alg alg, char *out,
                      size_t size);

#endif
