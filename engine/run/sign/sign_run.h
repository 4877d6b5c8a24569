/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `sign`, as its steps share it. run/sign/sign.c is the spine, the steps are:
 *
 *	source    tree, list or ledger → what the index is made from      run/sign/source.c
 *	collect   tree and list        → sorted sources of the scan       run/sign/collect.c
 *	recover   published bins      → what was signed, if needed    run/sign/recover.c
 *	again     fingerprints         → what must be hashed again, why    run/sign/again.c
 *	pending   scan ⋈ ledger        → files to hash → checkpoints       run/sign/pending.c
 *	look      checkpoints          → what changed meanwhile, again      run/sign/look_again.c
 *	emit      scan ⋈ ledger        → new ledger, signed bins           run/sign/emit.c
 *	removals  what was signed last and would not be now → go on?      run/sign/removals.c
 *	versions  what is published    → this run's version; new floors    run/sign/versions.c
 *	expiries  what is published    → notes on roles that are due       run/sign/expiries.c
 *	seconds   the clock            → where the time went               run/sign/seconds.c
 *	report    what was done        → struct and JSON                   run/sign/report.c
 *
 * Shape      one struct, filled from top to bottom as the run goes on.
 * Memory     see each step.
 * Ownership  run/sign/sign.c opens and closes everything in it.
 * Threads    steps run one after another; inside them workers read it and use what says so.
 */
#ifndef STP_RUN_SIGN_SIGN_RUN_H
#define STP_RUN_SIGN_SIGN_RUN_H

#include <stdatomic.h>
#include <string.h>

#include "base/cancel.h"
#include "base/fault.h"
#include "base/filesystem.h"
#include "base/limits.h"
#include "keys/keys.h"
#include "ledger/ledger.h"
#include "list/reuse.h"
#include "publish/current.h"
#include "publish/links.h"
#include "publish/publish.h"
#include "publish/repo.h"
#include "read/reader.h"
#include "roles/config.h"
#include "roles/config_note.h"
#include "run/sign/compare.h"
#include "run/sign/comparison.h"
#include "run/sign/glob_notes.h"
#include "run/sign/hashed.h"
#include "run/sign/recover.h"
#include "run/sign/removals.h"
#include "run/trusted.h"
#include "sign/audit.h"
#include "sign/sealed.h"
#include "stampede/sign.h"

struct stp_collected;

struct stp_sign_run {
	const struct stp_sign_options *options;
	struct stp_sign_report *report;
	size_t jobs;         /* resolved; 0: serial twin */
	size_t worker_count; /* max(jobs, 1) */
	unsigned features;   /* CPU features in use; 0 for the serial twin */
	int64_t now;         /* time of the run: --now or the clock */
	int64_t verified_at; /* the real clock, written into records that are hashed */
	int64_t clock_ns;    /* of the file system of state/, when the run began */
	int64_t ahead_ns;    /* stamps from here on lie in the future; set anew after the scan */
	struct stp_cancel own_cancel;
	struct stp_cancel *cancel;
	struct stp_fault_list faults;
	struct stp_fault_list damage; /* what was broken in state/ and not used */
	struct stp_fault_list notes;  /* what the operator should know */
	struct stp_fault_list ahead;  /* by collect: files with a time in the future */
	struct stp_fault_list told;   /* the same, and was told while the run went on */

	struct stp_repo repo;
	struct stp_config config;
	struct stp_config_note note; /* open until the source is noted in stampede.json */
	size_t digest_bytes;         /* of config.hash_set */
	unsigned
	    ledger_set; /* of the ledger's generation; another one after a change of "hashes" */
	struct stp_list_source list_source; /* the digest list, if there is one */
	int targets_fd;                     /* -1: no tree is needed and none is there */
	struct stp_fs_table fs;             /* the file systems of the targets */
	struct stp_glob_notes globs;
	struct stp_key *key;
	struct stp_seal_key *seal_key;
	struct stp_trust trust;
	struct stp_current current; /* what trust has verified */
	uint64_t above;             /* the version that --above names; 0 without */
	struct stp_ledger *ledger;
	struct stp_audit *audit;
	struct stp_publisher *publisher;
	struct stp_links *links;
	struct stp_read_choice io;

	enum stp_index_source source; /* by source: what the index is made from, to be noted */
	int is_refresh;               /* by source: the ledger's targets are signed again */

	struct stp_hashed hashed;         /* by pending and look again */
	struct stp_comparison comparison; /* of what collect and recover gave with the ledger */

	struct stp_collected *collected;
	struct stp_recovered recovered;

	double *stage;                /* member of report->seconds that the time since goes to */
	uint64_t stage_since;         /* monotonic clock */
	uint64_t started_ns;          /* of the run */
	struct stp_removals removals; /* by emit */

	atomic_uint pauses;  /* by emit: made for files that did not keep still */
	uint64_t renumbered; /* by pending: records whose file system gets its lasting number */

	uint64_t version;      /* of this run's bins, snapshot and timestamp */
	uint64_t *bin_lengths; /* by emit: bytes of each bin's file */
};

/* Finds what the run makes the index from; with the ledger open, before collect. */
enum stp_errc stp_sign_choose_source(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED when the targets of a refresh cannot be had from the ledger. */
enum stp_errc stp_sign_check_refresh(const struct stp_sign_run *run,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Notes in stampede.json, after the commit, what the index is made from. What hinders it is for the
 * run's notes. */
void stp_sign_note_source(struct stp_sign_run *run);

/* Loads run->seal_key, or makes it again where it is lost. Tells of all that was lost from the
 * repository and was made again when it was opened. */
enum stp_errc stp_sign_load_seal_key(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* What is stamped at or after this has not settled: see scan/tree.h. */
int64_t stp_sign_racy_after(const struct stp_sign_run *run);

/* Adds the notes that are only known at the end: about repeated rows and files that are not there.
 */
void stp_sign_note_lists(struct stp_sign_run *run);

/* Adds a note, and tells it at once. */
void stp_sign_tell(struct stp_sign_run *run, const char *stage, const char *subject,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The alarm about a list that contradicts the file which its row names. */
void stp_sign_contradict(struct stp_sign_run *run, const struct stp_record *row,
                         const struct stp_said *says, const struct stp_said *has);

/* True when the ledger cannot say what was signed, and the published bins were not read yet. */
static inline int stp_sign_needs_recovery(const struct stp_sign_run *run)
{
	return !run->recovered.has_published &&
	       stp_recover_is_needed(run->ledger, &run->damage, run->current.timestamp_version);
}

/* Hashes every entry that the ledger does not know unchanged; the results are in its checkpoints.
 * With dry_run only counts them. */
enum stp_errc stp_sign_pending(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Writes ledger segment and signed bins, all durable but the bins (the publisher's barrier makes
 * them so). Alarms are faults; removals are counted. With dry_run only counts. */
enum stp_errc stp_sign_emit(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* When it is sure that more than removed_min targets are removed: counts all as emit does, writes
 * nothing, and returns what stp_removals_check() says. */
enum stp_errc stp_sign_survey(struct stp_sign_run *run, uint64_t removed_min,
                              struct stp_err *err) STP_MUST_CHECK;

/* The version that --above names, by number or by a timestamp that this repository's keys signed; 0
 * without. STP_CONFIG when it is not above what is published, or too far. */
enum stp_errc stp_sign_find_above(struct stp_sign_run *run, uint64_t *out_version,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Reserves the version of this run and notes in the report what lies in public/metadata that nobody
 * of ours put there, and which numbers were passed over. */
enum stp_errc stp_sign_choose_version(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Notes which of root, targets and bins should be renewed soon, and puts the expiries of what is
 * published into the report. */
void stp_sign_note_expiries(struct stp_sign_run *run);

/* After the commit: state/floors says what is published now. */
enum stp_errc stp_sign_raise_floors(struct stp_sign_run *run, const struct stp_sealed *snapshot,
                                    const struct stp_sealed *timestamp,
                                    struct stp_err *err) STP_MUST_CHECK;

/* --- where the time goes --------------------------------------------------------------------- */

/* From now on time goes to *stage, usually a member of report->seconds. Returns where it went
 * before, for the way back; no second is counted twice or lost, and each is in a span of the
 * report. Main thread only. */
double *stp_sign_stage(struct stp_sign_run *run, double *stage);

/* Gives back what was added to *wall_s to the stages in the proportion of their members in
 * worker_s, the sums over all workers. */
void stp_sign_share_seconds(struct stp_sign_seconds *seconds,
                            const struct stp_sign_seconds *worker_s, double wall_s);

/* Adds what went by since started_ns to *seconds: for workers. */
void stp_sign_add_seconds(double *seconds, uint64_t started_ns);

#endif
