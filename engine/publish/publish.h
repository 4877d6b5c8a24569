/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish/: sealed documents → a repository, switched atomically.
 *
 *	begin ─▶ reserve V (durable) ─▶ put bins (any worker) ─▶ barrier (one syncfs)
 *	      ─▶ commit: V.snapshot.json durable ─▶ commit record ─▶ timestamp.json by rename
 *
 * What readers may see: bins and snapshot have names that no client asks for before the
 * timestamp lists them, so only the rename of timestamp.json changes anything (engine/TUF.md,
 * "Order of writing"). After a crash before it the files of version V lie there unlisted; the next
 *begin removes them, and V is never used again. A name is created once (O_EXCL) and its bytes never
 * change.
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

/* A file to be: name within public/metadata and all its bytes. */
struct stp_publish_file {
	const char *name; /* NUL-terminated, such as "7.bin-n-0000.json" */
	const void *bytes;
	size_t count;
};

struct stp_publisher;

/* What begin swept away. */
struct stp_publish_leftovers {
	size_t file_count;
	uint64_t file_bytes;
};

/* The number that the text of state/reserved says; STP_FORMAT says how to fix it. */
enum stp_errc stp_reserved_parse(const void *text, size_t text_bytes, uint64_t *out_version,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Files in public/metadata that stampede did not make: they are left alone and reported. */
#define STP_PUBLISH_UNKNOWN_KEPT 8
struct stp_publish_unknown {
	size_t count;
	char names[STP_PUBLISH_UNKNOWN_KEPT]
	          [STP_NAME_BYTES_MAX + 1]; /* raw, cut; the first found */
};

struct stp_publish_options {
	size_t worker_count; /* workers 0 … worker_count-1; 0: files are written one by one */
	int64_t now;         /* time of the run */
	uint64_t above;      /* no version up to this one is reserved; 0: none is asked for */
	const char *spared;  /* a temporary file of this very run, not to be swept; NULL: none */
};

/* Starts publishing on top of current (verified, locked repo, outliving the publisher): removes
 * what crashed runs left under versions that no timestamp ever listed, and finds the next free
 * version. STP_REFUSED when state/ names a version far above those published. */
enum stp_errc stp_publish_begin(const struct stp_repo *repo, const struct stp_current *current,
                                const struct stp_publish_options *options,
                                struct stp_publisher **out_publisher,
                                struct stp_err *err) STP_MUST_CHECK;

/* What lies in public/metadata and is not of stampede's making. */
const struct stp_publish_unknown *stp_publish_unknown(const struct stp_publisher *publisher);

/* Versions above all that are in use which files in public/metadata have, rising. They are passed
 * over: the caller looks whether one was published and then raises. */
const uint64_t *stp_publish_occupied(const struct stp_publisher *publisher, size_t *out_count);

/* No version up to this one will be reserved. Before stp_publish_reserve(). */
void stp_publish_raise(struct stp_publisher *publisher, uint64_t version);

/* What stp_publish_begin() removed. */
struct stp_publish_leftovers stp_publish_leftovers(const struct stp_publisher *publisher);

/* Reserves durably the version of this run: above everything published or reserved, and not that of
 * any file that lies there.
 * All bins, snapshot and timestamp of the run carry it. */
enum stp_errc stp_publish_reserve(struct stp_publisher *publisher, uint64_t *out_version,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Writes count new files (mode 0644). STP_IO with EEXIST when a name is taken; that and other
 * failures may come with a later call, at the latest with the barrier. Not durable before it. */
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

/* Ends a run that was not committed: removes the files of the reserved version, best effort (what
 * stays is swept by the next begin). */
void stp_publish_abort(struct stp_publisher *publisher);

/* Bytes and files put so far. */
uint64_t stp_publish_bytes(const struct stp_publisher *publisher);
uint64_t stp_publish_files(const struct stp_publisher *publisher);

/* Frees; an uncommitted run is left as it is. */
void stp_publish_end(struct stp_publisher *publisher);

/* One offline role document (N.root.json, N.targets.json, N.bins.json), durable at once. */
enum stp_errc stp_publish_role(const struct stp_repo *repo, const struct stp_publish_file *file,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
