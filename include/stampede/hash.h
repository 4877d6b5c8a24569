/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of files and folders, nothing else: no repository, no keys, nothing written.
 *
 *	stp_hash_files(&options, &report, &err)
 *	    options.on_file(ctx, file)     once per file, sorted by path, byte by byte
 *
 * Shape      one call; folders are walked, links and special files in them left out.
 * Memory     about 100 MiB with two jobs, whatever the size of the tree; sorting spills to a file
 *            without a name in $TMPDIR, /var/tmp or /tmp.
 * Ownership  release the report with stp_hash_report_release().
 * Threads    call from one thread; it starts its own workers. on_file is called from that thread.
 */
#ifndef STAMPEDE_HASH_H
#define STAMPEDE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/alg.h"
#include "stampede/err.h"
#include "stampede/io.h"
#include "stampede/options.h"
#include "stampede/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_hash_file {
	const char *path; /* raw bytes, not NUL-terminated */
	size_t path_bytes;
	uint64_t length;
	const uint8_t *digests; /* packed in the order of enum stp_alg */
};

/* Takes one file. Not STP_OK (with err set) ends the run. */
typedef enum stp_errc stp_hash_file_fn(void *ctx, const struct stp_hash_file *file,
                                       struct stp_err *err);

struct stp_hash_options {
	size_t size;              /* see stampede/options.h */
	const char *const *paths; /* files and folders as the operator gave them; links followed */
	size_t path_count;
	unsigned hash_set; /* STP_ALG_BIT()s; 0: sha512 */
	size_t jobs; /* threads; 0: one per processor, STP_JOBS_SERIAL, at most STP_JOBS_MAX */
	enum stp_io_mode io;
	struct stp_progress *progress; /* may be NULL */
	struct stp_cancel *cancel;     /* may be NULL */
	stp_hash_file_fn *on_file;     /* may be NULL: then only the report is filled */
	void *on_file_ctx;
};

#define STP_HASH_OPTIONS_INIT STP_SIZED(struct stp_hash_options)

struct stp_hash_fault {
	const char *path; /* raw bytes, NUL-terminated */
	const char *text; /* what is wrong */
};

struct stp_hash_report {
	uint64_t files;
	uint64_t bytes;
	uint64_t left_out;             /* links and special files met in folders */
	struct stp_hash_fault *faults; /* sorted by path */
	size_t fault_count;            /* in faults */
	uint64_t fault_total;          /* also those beyond what is kept */
	double seconds_scan_and_hash;
	double seconds_sort;
	const char *io_backend; /* "io_uring" or "pread"; "serial" for STP_JOBS_SERIAL */
	char io_why[160];       /* why not io_uring with STP_IO_MODE_AUTO; "" otherwise */
	const char *kernels[STP_ALG_COUNT]; /* name per algorithm in use, NULL otherwise */
	void *owned;                        /* behind faults */
};

/* Hashes all files beneath options->paths. Files that cannot be read are faults in the report;
 * an error is what stops the run: STP_CONFIG for a path that is not there, STP_CANCELLED, STP_IO.
 */
STP_API enum stp_errc stp_hash_files(const struct stp_hash_options *options,
                                     struct stp_hash_report *out_report,
                                     struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_hash_report_release(struct stp_hash_report *report);

#ifdef __cplusplus
}
#endif
#endif
