/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish/: sealed documents → a repository, switched atomically.
 *
 *	begin ─▶ reserve V (durable) ─▶ put bins (any worker) ─▶ barrier (one syncfs)
 *	      ─▶ commit: V.snapshot.json durable ─▶ commit record ─▶ timestamp.json by rename
 *
 * What readers may see: bins and snapshot have names that no client requests before the
 * timestamp lists them, so only the rename of timestamp.json changes anything (engine/TUF.md,
 * "Order of writing"). After a crash before the rename, the files of version V remain unlisted; the
 * next begin removes them, and V is never used again. A name is created once (O_EXCL), and its
 *bytes never change.
 *
 * Shape      one publisher per run; versions are reserved one at a time, rising.
 * Memory     the slots of publish/writer.h, at most 16 MiB.
 * Ownership  bytes handed to put stay the caller's and may be reused when put returns.
 * Threads    stp_publish_put() from any thread, each with its own worker index. Everything else:
 *            one thread, before or after all puts.
 */
#ifndef STP_PUBLISH_PUBLISH_H
#define STP_PUBLISH_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/limits.h"
#include "publish/current.h"
#include "publish/repo.h"

/* A file to write: its name within public/metadata and all its bytes. */
struct stp_publish_file {
	const char *name; /* NUL-terminated, such as "7.bin-n-0000.json" */
	const void *bytes;
	size_t count;
};

struct stp_publisher;

/* What begin removed. */
struct stp_publish_leftovers {
	size_t file_count;
	uint64_t file_bytes;
};

/* The number in the text of state/reserved; STP_FORMAT names the remedy. */
enum stp_errc stp_reserved_parse(const void *text, size_t text_bytes, uint64_t *out_version,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Files in public/metadata that stampede did not make: they are not touched, but reported. */
#define STP_PUBLISH_UNKNOWN_KEPT 8
struct stp_publish_unknown {
	size_t count;
	char names[STP_PUBLISH_UNKNOWN_KEPT]
	          [STP_NAME_BYTES_MAX + 1]; /* raw, cut; the first found */
};

struct stp_publish_options {
	size_t worker_count; /* workers 0 … worker_count-1; 0: files are written one by one */
	int64_t now;         /* time of the run */
	uint64_t above;      /* reserve only versions above this one; 0: no such limit */
	const char *spared;  /* a temporary file of this run, not to be removed; NULL: none */
};

/* Starts publishing on top of current (verified, locked repo, outliving the publisher): removes
 * what crashed runs left under versions that no timestamp ever listed, and finds the next free
 * version. STP_REFUSED when state/ names a version far above those published. */
enum stp_errc stp_publish_begin(const struct stp_repo *repo, const struct stp_current *current,
                                const struct stp_publish_options *options,
                                struct stp_publisher **out_publisher,
                                struct stp_err *err) STP_MUST_CHECK;

/* The files in public/metadata that stampede did not make. */
const struct stp_publish_unknown *stp_publish_unknown(const struct stp_publisher *publisher);

/* Versions of files in public/metadata above all versions in use, rising. They are skipped: the
 * caller checks whether one was published, and calls stp_publish_raise() if so. */
const uint64_t *stp_publish_occupied(const struct stp_publisher *publisher, size_t *out_count);

/* No version up to this one will be reserved. Before stp_publish_reserve(). */
void stp_publish_raise(struct stp_publisher *publisher, uint64_t version);

/* What stp_publish_begin() removed. */
struct stp_publish_leftovers stp_publish_leftovers(const struct stp_publisher *publisher);

/* Reserves durably the version of this run: above everything published or reserved, and not the
 * version of any existing file. All bins, snapshot and timestamp of the run carry it. */
enum stp_errc stp_publish_reserve(struct stp_publisher *publisher, uint64_t *out_version,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Writes count new files (mode 0644). STP_IO with EEXIST when a name exists; that and other
 * failures may be returned by a later call, at the latest by the barrier. Durable after that. */
enum stp_errc stp_publish_put(struct stp_publisher *publisher, size_t worker_index,
                              const struct stp_publish_file *files, size_t count,
                              struct stp_err *err) STP_MUST_CHECK;

/* Makes everything put so far, and the links of publish/links.h, durable. */
enum stp_errc stp_publish_barrier(struct stp_publisher *publisher,
                                  struct stp_err *err) STP_MUST_CHECK;

/* The commit: snapshot durable, commit record durable, timestamp renamed into place, folder
 * synced. Only after the barrier (asserted). now is the time of the run. */
enum stp_errc stp_publish_commit(struct stp_publisher *publisher,
                                 const struct stp_publish_file *snapshot, const void *timestamp,
                                 size_t timestamp_bytes, int64_t now,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Ends a run that was not committed: removes the files of the reserved version, best effort (the
 * next begin removes what is left). */
void stp_publish_abort(struct stp_publisher *publisher);

/* Bytes and files written so far. */
uint64_t stp_publish_bytes(const struct stp_publisher *publisher);
uint64_t stp_publish_files(const struct stp_publisher *publisher);

/* Frees; an uncommitted run is left as it is. */
void stp_publish_end(struct stp_publisher *publisher);

/* One offline role document (N.root.json, N.targets.json, N.bins.json), durable at once. */
enum stp_errc stp_publish_role(const struct stp_repo *repo, const struct stp_publish_file *file,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
