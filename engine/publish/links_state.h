/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's links from within: what these share.
 *
 *	links_run.c    begins and commits: which names, made how, and what the next run must know
 *	links_again.c  looks at the names of earlier runs, and has them made again
 *	links.c        makes names
 *	links_now.c    reads a file that is not what was hashed
 *
 * Shape      one struct per run, one per worker.
 * Memory     see publish/links.h.
 * Ownership  stp_links_end() frees it all.
 * Threads    read-only after begin, but for each worker's own struct, the atomic count and the
 * twins.
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
	uint64_t run_number, parts; /* of names that are looked at again: one run in parts */
	int64_t touched_before_ns;  /* see publish/served.h */
	struct stp_links_worker *workers;
	size_t worker_count;
	atomic_uint_fast64_t repaired;
	struct stp_twins twins; /* files that hard links were made of */
};

/* Opens a target's file. -1 and errno: */
int stp_links_open(const struct stp_links *links, const char *path);

/* True when errno after stp_links_open() means that the file is gone, or has become something else
 * that is not opened; whatever else it is, the system refuses the file. */
int stp_links_is_moved(int sys_errno);

/* The worker's copier, made at its first use. */
enum stp_errc stp_links_copier(struct stp_links *links, struct stp_links_worker *worker,
                               struct stp_copier **out_copier, struct stp_err *err) STP_MUST_CHECK;

/* True when the record may change under its name. */
int stp_links_is_mutable(const struct stp_links *links, const struct stp_record *record);

/* How a name is made: a file that may change always gets a copy. */
enum stp_link stp_links_kind(const struct stp_links *links, int is_mutable);

/* HASH.PATH by one algorithm of record's digests, path being a part of the record's, into out of
 * size bytes; its length, or 0 when it is too long. */
size_t stp_links_name(const struct stp_links *links, const struct stp_record *record,
                      const char *path, size_t path_bytes, enum stp_alg alg, char *out,
                      size_t size);

#endif
