/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One target before it is added to its bin: its names in public/targets are made, and a file that
 * has changed since it was hashed is handled.
 *
 *	names made ─────────────────────────────────────────────────────────▶ SIGN
 *	file has changed ─▶ read it again ─┬─ whole ─▶ [alarm?] ─▶ names ────▶ SIGN, as it is now
 *	  (a few times)                    ├─ changes, or not a file ──────┐
 *	                                   └─ gone ───────────┐            │
 *	                                                      │            ▼
 *	     mutable, and its old bytes are still served: SIGN, as it was last time (a note)
 *	     gone, and a distribution file or never signed: ABSENT; otherwise: FAULTED
 *
 * A mutable file is copied, and hashed while it is copied; so what is signed and what is served are
 * always the same bytes. A distribution file that was signed before must have the same bytes;
 * otherwise the alarm is raised, as always.
 *
 * Shape      one call per target.
 * Memory     the caller's struct.
 * Ownership  record points into the decision, or into the struct itself: do not copy it.
 * Threads    any worker of the emit step, with its own index and its own counts.
 */
#ifndef STP_RUN_SIGN_TARGET_H
#define STP_RUN_SIGN_TARGET_H

#include <stdatomic.h>

#include "publish/links.h"
#include "publish/missing.h"
#include "run/sign/comparison.h"
#include "run/sign/sign_run.h"

enum stp_target_fate {
	STP_TARGET_SIGN,
	STP_TARGET_FAULTED, /* a fault gives the reason */
	STP_TARGET_ABSENT,  /* its file was removed during the run */
};

struct stp_target {
	struct stp_record record;
	int is_committed; /* the ledger's generation has this very record */
	enum stp_target_fate fate;
	uint8_t digests[STP_CLAIMS_BYTES_MAX]; /* restated */
	uint8_t now[STP_CLAIMS_BYTES_MAX];     /* of a file that was read again */
};

/* What a worker counted. */
struct stp_target_counts {
	uint64_t reread_files, reread_bytes;
	struct stp_missing kept;   /* signed as they were last time */
	struct stp_missing absent; /* removed meanwhile */
};

/* What the targets of a run have in common. */
struct stp_target_step {
	struct stp_sign_run *run;
	struct stp_links *links;
	int has_published;  /* see struct stp_decide_rules */
	atomic_uint pauses; /* made for files that kept changing */
};

/* Sets the record of a KEEP decision as it is written to the ledger and the bins. */
void stp_target_init(struct stp_target *target, unsigned hash_set,
                     const struct stp_decision *decision);

/* Makes the names of a target (KEEP), or those of a file that could not be hashed before (HASH, in
 * unstable_keys), and sets its fate. */
enum stp_errc stp_target_link(struct stp_target *target, struct stp_target_step *step,
                              size_t worker, const struct stp_decision *decision,
                              struct stp_target_counts *counts, struct stp_err *err) STP_MUST_CHECK;

/* Makes the names of files that have several hard links, before all others: each new link changes
 * the ctime, which is in the records of all these paths. */
enum stp_errc stp_sign_link_first(struct stp_target_step *step,
                                  const struct stp_comparison *comparison,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Adds the counts of a worker, and takes over its lists. */
void stp_target_counts_merge(struct stp_target_counts *into, const struct stp_target_counts *from);
void stp_target_counts_release(struct stp_target_counts *counts);

/* Adds notes about the targets that were kept and those that are absent. */
void stp_target_note(struct stp_sign_run *run, const struct stp_target_counts *counts);

#endif
