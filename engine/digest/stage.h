/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash stage: entries → records with digests. Workers that read and hash together.
 *
 *	next() ─▶ worker{ reader ─▶ chunks ─▶ hasher lanes } ─▶ done()
 *	            ▲ release ◀──────────────────┘
 *
 * A file that changes while it is read is read again, at most three times, then it is a fault. The
 * record passed to done() has the length and fingerprint from the descriptor whose bytes were
 * hashed, not those from the scan.
 *
 * Shape      one call of done(), or one fault and one call of failed(), per record that next()
 *            returned, in any order. A stage that ends early, cancelled or failed, calls failed()
 *            for each record in flight, without a fault; before that it releases all that it holds
 *            for the record: descriptors, buffers, operations in flight. It asks for no more.
 * Memory     per worker about 33 MiB of buffers and 0.5 MiB of state, made before the first file.
 * Ownership  a record's path must stay valid until done() or failed() was called for it.
 * Threads    next() and done() are called from all workers at once, worker_index in
 *            [0, max(jobs, 1)). jobs 0 is the serial reference: one file after another with pread
 *            and the portable kernel, in the calling thread.
 */
#ifndef STP_DIGEST_STAGE_H
#define STP_DIGEST_STAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/filesystem.h"
#include "base/progress.h"
#include "read/reader.h"
#include "record/record.h"

enum stp_hash_next {
	STP_HASH_NEXT_END = 0,    /* there will be no more files */
	STP_HASH_NEXT_FILE = 1,   /* *out is set */
	STP_HASH_NEXT_LATER = -1, /* none just now: ask again */
};

/* Returns the next file to hash in *out; returns an enum stp_hash_next and never blocks, since the
 * worker has other files in flight. path must be NUL-terminated. */
typedef int stp_hash_next_fn(void *ctx, size_t worker_index, struct stp_record *out);

/* Receives a record without digests: of a fault, which is in the list already, or one that was in
 * flight when the stage ended early. */
typedef void stp_hash_failed_fn(void *ctx, size_t worker_index, const struct stp_record *record);

/* Receives a finished record; path and digests are valid during the call. A failure ends the
 * stage. */
typedef enum stp_errc stp_hash_done_fn(void *ctx, size_t worker_index,
                                       const struct stp_record *record, struct stp_err *err);

/* Counters that others may read while the stage runs. */
struct stp_hash_progress {
	atomic_uint_fast64_t files; /* passed to done() */
	atomic_uint_fast64_t bytes; /* hashed */
};

struct stp_hash_stage_options {
	int root_fd;       /* paths are beneath it; AT_FDCWD: paths as given, last link followed */
	unsigned hash_set; /* STP_ALG_BIT()s */
	size_t jobs;       /* workers; 0: serial reference */
	unsigned features; /* stp_cpu_features(); ignored by the serial reference */
	struct stp_read_choice io; /* from stp_read_choose(); ignored by the serial reference */
	/* Whether a file must have the length in its record: another length is a fault, and the
	 * file is not read. Otherwise its length when it is opened counts. */
	int exact_length;
	int64_t verified_at;                /* written into each record */
	int64_t racy_after_ns;              /* see record/trust.h */
	struct stp_fs_table *fs;            /* numbers the file systems; NULL: by st_dev */
	struct stp_cancel *cancel;          /* may be NULL */
	struct stp_fault_list *faults;      /* required */
	struct stp_hash_progress *progress; /* may be NULL */
	/* May be NULL. Counts files when they are done or at fault, bytes when they are hashed
	 * (those of a file that is read again count once), and lanes. */
	struct stp_progress *shown;
	stp_hash_failed_fn *failed; /* may be NULL; has the ctx of next() and done() */
};

/* Hashes all files that next() returns. Raises the soft limit of descriptors (RLIMIT_NOFILE) if 256
 * per worker need it, or uses fewer. Bad files are faults; errors stop the stage. */
enum stp_errc stp_hash_stage_run(const struct stp_hash_stage_options *options,
                                 stp_hash_next_fn *next, stp_hash_done_fn *done, void *ctx,
                                 struct stp_err *err) STP_MUST_CHECK;

#endif
