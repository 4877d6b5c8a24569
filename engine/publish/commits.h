/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commit records: state/commits/V.json, one per published timestamp, written before it is renamed
 * into place and kept until gc sweeps what it lists.
 *
 *	{"committed_at":"2026-11-22T04:00:00Z","snapshot":7,"timestamp":7}
 *
 * A version with a record may have been seen by clients; a version without one never was.
 *
 * Shape      one small file each.
 * Memory     lists live in the caller's arena.
 * Ownership  the caller's.
 * Threads    one thread, under the repository's lock for writing.
 */
#ifndef STP_PUBLISH_COMMITS_H
#define STP_PUBLISH_COMMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "publish/repo.h"

/* One commit: what a timestamp listed and since when. */
struct stp_commit {
	uint64_t timestamp_version;
	uint64_t snapshot_version;
	int64_t committed_at; /* epoch seconds */
};

struct stp_commit_list {
	struct stp_commit *items; /* by rising timestamp_version */
	size_t count;
};

/* Writes the record durably. */
enum stp_errc stp_commit_save(const struct stp_repo *repo, const struct stp_commit *commit,
                              struct stp_err *err) STP_MUST_CHECK;

/* Parses the text of a record; STP_FORMAT names name. */
enum stp_errc stp_commit_parse(const char *name, const void *text, size_t text_bytes,
                               struct stp_commit *out_commit, struct stp_err *err) STP_MUST_CHECK;

/* Reads all records into arena. STP_FORMAT names a malformed one. */
enum stp_errc stp_commit_list_load(const struct stp_repo *repo, struct stp_arena *arena,
                                   struct stp_commit_list *out_list,
                                   struct stp_err *err) STP_MUST_CHECK;

/* The record of timestamp_version, or NULL. */
const struct stp_commit *stp_commit_find(const struct stp_commit_list *list,
                                         uint64_t timestamp_version);

/* Removes the record of timestamp_version. */
enum stp_errc stp_commit_remove(const struct stp_repo *repo, uint64_t timestamp_version,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
