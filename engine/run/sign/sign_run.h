/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all steps of one run of `sign` share. The other inputs and results of a step are in its own
 * header; run/sign/sign.c passes them from one step to the next:
 *
 *	open      options, repository  → this struct, and what is published   run/sign/open.h
 *	source    tree, list or ledger → what the index is made from          run/sign/source.h
 *	collect   tree and list        → sorted sources of the scan           run/sign/collect.h
 *	recover   published bins       → what was signed, if needed           run/sign/recover.h
 *	pending   scan ⋈ ledger        → files to hash → checkpoints          run/sign/pending.h
 *	look      checkpoints          → files changed since, hashed again    run/sign/look_again.h
 *	emit      scan ⋈ ledger        → new ledger, signed bins              run/sign/emit.h
 *	removals  what was signed last and would not be now → continue?       run/sign/removals.h
 *	versions  what is published    → this run's version; new floors       run/sign/versions.h
 *	publish   bins, version        → snapshot, timestamp, state           run/sign/publishing.h
 *	report    what was done        → struct and JSON                      run/sign/report.h
 *
 * run/sign/decide.h decides about each path, from rules and records alone.
 *
 * Shape      set up when the run is opened; after that the steps add faults, notes and numbers of
 *            the report; of the rest only ahead_ns and verified_at change.
 * Memory     see each step.
 * Ownership  run/sign/open.c opens what is in it; stp_sign_run_release() closes and frees it.
 * Threads    steps run one after another; their workers read it, and use the members whose headers
 *            allow that.
 */
#ifndef STP_RUN_SIGN_SIGN_RUN_H
#define STP_RUN_SIGN_SIGN_RUN_H

#include "base/cancel.h"
#include "base/fault.h"
#include "base/filesystem.h"
#include "base/limits.h"
#include "keys/keys.h"
#include "ledger/ledger.h"
#include "list/source.h"
#include "publish/repo.h"
#include "read/reader.h"
#include "roles/config.h"
#include "run/sign/compare.h"
#include "run/sign/glob_notes.h"
#include "run/sign/seconds.h"
#include "stampede/sign.h"

struct stp_sign_run {
	const struct stp_sign_options *options;
	struct stp_sign_report *report;
	size_t jobs;         /* resolved; 0: the serial reference */
	size_t worker_count; /* max(jobs, 1) */
	unsigned features;   /* CPU features in use; 0 for the serial reference */
	int64_t now;         /* time of the run: --now or the clock */
	int64_t verified_at; /* the real clock, written into records that are hashed */
	int64_t clock_ns;    /* time on the file system of state/ at the start */
	int64_t ahead_ns;    /* stamps from here on are in the future; set again after the scan */
	struct stp_cancel own_cancel;
	struct stp_cancel *cancel;
	struct stp_stopwatch watch;

	struct stp_fault_list faults;
	struct stp_fault_list damage;   /* what was damaged in state/ and not used */
	struct stp_fault_list notes;    /* what the operator should know */
	struct stp_fault_list ahead;    /* by collect: files with a time in the future */
	struct stp_fault_list reported; /* notes that were printed during the run */

	struct stp_repo repo;
	struct stp_config config;
	size_t digest_bytes;                /* of config.hash_set */
	struct stp_list_source list_source; /* the digest list, if there is one */
	int targets_fd;                     /* -1: no tree is needed, and there is none */
	struct stp_fs_table fs;             /* the file systems of the targets */
	struct stp_glob_notes globs;
	struct stp_seal_key *seal_key;
	struct stp_ledger *ledger;
	/* of the ledger's generation; another one after a change of "hashes" */
	unsigned ledger_set;
	struct stp_read_choice io;
};

/* Sets what follows from the options alone. */
void stp_sign_run_init(struct stp_sign_run *run, const struct stp_sign_options *options,
                       struct stp_sign_report *report);

/* Closes and frees what was opened. */
void stp_sign_run_release(struct stp_sign_run *run);

/* A file stamped at or after this time has not settled: see record/trust.h. */
int64_t stp_sign_racy_after(const struct stp_sign_run *run);

/* Adds a note to run->reported, and prints it at once. */
void stp_sign_report_note(struct stp_sign_run *run, const char *stage, const char *subject,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* From now on time goes to *stage, see stp_stopwatch_stage(). */
static inline double *stp_sign_stage(struct stp_sign_run *run, double *stage)
{
	return stp_stopwatch_stage(&run->watch, run->report, stage);
}

#endif
