/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target files under the names that clients request: public/targets/DIR/HASH.NAME (consistent
 * snapshot, specification section 6.2), one name per configured hash.
 *
 *	TARGETS/pool/a/foo-1.whl  ─▶  public/targets/pool/a/<sha512 hex>.foo-1.whl
 *
 * A target that the web server may find without a hash has a mark in public/targets/.signed, see
 *publish/marks.h.
 *
 * A link is made before the timestamp that lists its target is renamed, and removed only by gc
 * when no live snapshot lists it. Files that may change (mutable globs) always get a copy of
 * their own, by reflink where the file system can: an old name must keep its old bytes. With
 * "mutable" target files only those have a name here; for all others the web server removes the
 * hash, since distribution files never change under a name.
 *
 * Shape      one set of links per run.
 * Memory     a copier (publish/copy.h) per worker when files are copied.
 * Ownership  records stay the caller's.
 * Threads    stp_links_put() from any thread, each with its own worker index.
 */
#ifndef STP_PUBLISH_LINKS_H
#define STP_PUBLISH_LINKS_H

#include <limits.h>

#include "base/cancel.h"
#include "base/fault.h"
#include "publish/missing.h"
#include "publish/repo.h"
#include "record/record.h"
#include "roles/config.h"

/* "auto" makes names for all targets up to this many. For more it uses marks, or makes nothing
 * while the targets folder is empty. */
#define STP_LINKS_AUTO_MAX 100000

struct stp_links;

/* For which records stp_links_put() has to be called. */
enum stp_links_need {
	STP_LINKS_NEED_NONE, /* no names at all */
	STP_LINKS_NEED_NEW,  /* only records that are new or changed since the last commit */
	STP_LINKS_NEED_ALL,  /* every record: first run, or the configuration has changed */
};

/* Prepares links for target_count targets. targets_dir_fd is the open targets folder (-1: it
 * does not exist). STP_CONFIG when names for all files are wanted and there is no such folder.
 * cancel (may be NULL) ends stp_links_put() with STP_CANCELLED, also in the middle of a large copy.
 */
enum stp_errc stp_links_begin(const struct stp_repo *repo, const struct stp_config *config,
                              int targets_dir_fd, uint64_t target_count, size_t worker_count,
                              const struct stp_cancel *cancel, struct stp_links **out_links,
                              struct stp_err *err) STP_MUST_CHECK;

enum stp_links_need stp_links_need(const struct stp_links *links);

/* The result for a target's names. */
enum stp_links_result {
	STP_LINKS_DONE,
	STP_LINKS_FAULT,   /* something is wrong with the path; a fault names it */
	STP_LINKS_CHANGED, /* the file is not what was hashed, or was removed; no fault yet */
};

/* Makes the names of record (with path and digests); a correct name that exists is kept.
 * fingerprint, in and out: when a hard link changed the file's ctime and nothing else, the new
 * ctime is stored, so that the ledger records it and the next run finds the file unchanged. The
 * same applies when another name of the same file was linked in this run. A record without
 * STP_RECORD_FILE, which is known from a list only, gets no name while its file does not exist: see
 * stp_links_missing(). Names that were made before stay; a target whose names all serve its bytes
 * is not missing. STP_IO and other codes for failures of the system (no space). */
enum stp_errc stp_links_put(struct stp_links *links, size_t worker_index,
                            const struct stp_record *record, struct stp_fingerprint *fingerprint,
                            struct stp_fault_list *faults, enum stp_links_result *out_result,
                            struct stp_err *err) STP_MUST_CHECK;

/* What a file is now, after STP_LINKS_CHANGED. */
enum stp_links_now {
	STP_LINKS_NOW_FILE,  /* it was read to its end, and did not change meanwhile */
	STP_LINKS_NOW_MOVES, /* it changed while it was read */
	STP_LINKS_NOW_GONE,
	STP_LINKS_NOW_OTHER, /* it is not a regular file, or it is too long */
};

/* Reads the file of record again. FILE: record has its length, fingerprint and digests (in the
 * caller's buffer); the next run must not trust it, since the fingerprint was not settled
 * (STP_RECORD_RACY). *out_errno is 0, or why the system could not read the file. */
enum stp_errc stp_links_reread(struct stp_links *links, size_t worker_index,
                               struct stp_record *record, uint8_t digests[STP_CLAIMS_BYTES_MAX],
                               enum stp_links_now *out_now, int *out_errno,
                               struct stp_err *err) STP_MUST_CHECK;

/* True when record may change and each of its names serves its bytes, whether its file still exists
 * or not. */
enum stp_errc stp_links_serve(struct stp_links *links, size_t worker_index,
                              const struct stp_record *record, int *out_serve,
                              struct stp_err *err) STP_MUST_CHECK;

/* True when names of distribution files are hard links. */
int stp_links_are_hard(const struct stp_links *links);

/* Adds the targets that got no name because their file does not exist. Not during puts. */
void stp_links_missing(const struct stp_links *links, struct stp_missing *out);

/* True when "auto" made nothing because the targets folder is empty. */
int stp_links_are_elsewhere(const struct stp_links *links);

/* Numbers the run, one more than the last: each run checks a part of the names again. */
void stp_links_set_run(struct stp_links *links, uint64_t run_number);

/* For a record that is signed unchanged: true when stp_links_repair() must check its names or make
 * them again. That is also so when another name of its file was linked in this run, which changes
 * the ctime. From any thread. */
int stp_links_look(struct stp_links *links, const struct stp_record *record);

/* As stp_links_put(), and counts the targets whose names were missing or wrong. */
enum stp_errc stp_links_repair(struct stp_links *links, size_t worker_index,
                               const struct stp_record *record, struct stp_fingerprint *fingerprint,
                               struct stp_fault_list *faults, enum stp_links_result *out_result,
                               struct stp_err *err) STP_MUST_CHECK;
uint64_t stp_links_repaired(const struct stp_links *links);

/* Records in state/ how the names were made, so that the next run has to make only new ones; while
 * files are missing, it has to make all. Call right after stp_publish_commit(); the names
 * themselves are made durable by stp_publish_barrier(). */
enum stp_errc stp_links_commit(struct stp_links *links, struct stp_err *err) STP_MUST_CHECK;

/* How the last run resolved "auto", according to state/links; AUTO when that cannot be read. */
enum stp_target_files stp_links_last_mode(int state_fd);

/* The relative path from public/targets to targets_dir (an absolute path), for symbolic links. */
enum stp_errc stp_links_base(const struct stp_repo *repo, const char *targets_dir,
                             char out[PATH_MAX], struct stp_err *err) STP_MUST_CHECK;

/* The text of the symbolic link for the target at path; 0 when it would be too long. */
int stp_links_text(const char *base, const char *path, size_t path_bytes, char out[PATH_MAX]);

/* The number of names made, without marks. After the workers have ended. */
uint64_t stp_links_made(const struct stp_links *links);

void stp_links_end(struct stp_links *links);

#endif
