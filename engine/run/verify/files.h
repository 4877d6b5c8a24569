/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of target files: what the bins sign against what a folder holds.
 *
 *	bins ─▶ targets ─▶ NAME, HASH.NAME ─▶ queue ─▶ hash stage ─▶ equal?  differing, missing
 *	           └──▶ set of keys ◀── walk of the folder                   unknown
 *
 * A target may exist under its plain path, under HASH.NAME (consistent snapshot), or both; all that
 * exist are hashed. Names that begin with "." are temporary files and are ignored.
 *
 * Shape      findings, and a struct of totals.
 * Memory     24 bytes a target for the set of keys; a window of 32,768 files (more where one bin
 *            holds more), and what the hash stage needs.
 * Ownership  the caller's tree, folder and findings.
 * Threads    one call; workers inside.
 */
#ifndef STP_RUN_VERIFY_FILES_H
#define STP_RUN_VERIFY_FILES_H

#include "base/cancel.h"
#include "base/progress.h"
#include "roles/config.h"
#include "verify/chain.h"

struct stp_verify_files_options {
	const struct stp_chain *tree;
	int targets_fd;        /* the folder of files */
	unsigned hash_set;     /* of all targets, as the audit of bins found it */
	uint64_t target_count; /* for the progress */
	uint64_t target_bytes;
	uint64_t sample; /* one K-th of the targets, another each day; 0 or 1: all */
	/* Of the repository; what it excludes is ignored, as by sign. May be NULL. */
	const struct stp_config *config;
	int64_t now;
	size_t jobs;
	/* If the folder is public/targets: the targets folder. Only copies are hashed, that is
	 * regular files that are not links to files of that folder. -1: hash everything. */
	int copies_of_fd;
	int64_t touched_after_ns; /* only copies with a later ctime */
	struct stp_finding_list *findings;
	struct stp_progress *progress; /* may be NULL */
	struct stp_cancel *cancel;     /* may be NULL */
};

struct stp_verify_files_totals {
	uint64_t files, bytes; /* hashed */
	uint64_t skipped;      /* targets outside the sample */
};

enum stp_errc stp_verify_files(const struct stp_verify_files_options *options,
                               struct stp_verify_files_totals *out_totals,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
