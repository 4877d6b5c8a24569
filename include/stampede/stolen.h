/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a theft: what the thief signed, and how the repository comes back.
 *
 *	freeze ─▶ hunt ─▶ new seal key, ledger rebuilt ─▶ root N+1 ─▶ everything signed again
 *
 * A key that was stolen signs whatever its thief wants. Files that it signed and that
 * state/audit.log does not record are forgeries, wherever they are found: in public/metadata, in
 * copies that mirrors or a CDN keep. They are listed, with the targets that they change.
 *
 * Shape      options in, a report out.
 * Memory     16 bytes a line of the audit log, one metadata file at a time, and the report.
 * Ownership  release the report; strings inside live as long as it does.
 * Threads    one thread; takes the repository's lock.
 */
#ifndef STAMPEDE_STOLEN_H
#define STAMPEDE_STOLEN_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"
#include "stampede/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_cancel;
struct stp_progress;

/* Targets of forged bins, and files that could not be judged, that are kept one by one. */
#define STP_STOLEN_SHOWN 100

/* A target that a forged bin changes, held against the last known good. */
struct stp_forged_target {
	enum stp_change_kind kind;
	const char *path;      /* raw, NUL-terminated: escape before printing */
	const char *algorithm; /* static string; NULL: the two have no algorithm in common */
	const char *old_digest, *new_digest; /* lower-case hex, NULL where there is none */
	uint64_t old_length, new_length;
};

enum stp_forgery_kind {
	STP_FORGERY_UNRECORDED, /* the key signed it, and no run of this repository did */
	STP_FORGERY_RENAMED,    /* a run signed these bytes, but for another role or version */
};

/* A file that the stolen key signed and that the repository did not make. */
struct stp_forgery {
	enum stp_forgery_kind kind;
	const char *folder; /* as the caller named it */
	const char *file;   /* within folder, raw */
	const char *role;   /* raw */
	uint64_t version;
	int64_t expires; /* epoch seconds; 0: unreadable */
	int is_public;   /* in the repository's public/metadata */
	/* Of bins in canonical form: the targets that differ from the last known good. */
	int is_compared;
	uint64_t changed, added, removed;
	const struct stp_forged_target *targets;
	size_t target_count; /* kept; of all forgeries together at most STP_STOLEN_SHOWN */
};

/* A file that may be one, but cannot be judged. */
struct stp_unjudged {
	const char *folder, *file; /* raw */
	const char *text;          /* why: safe for a terminal */
};

/* What the hunt found. */
struct stp_hunt_report {
	uint64_t files;     /* read */
	uint64_t ours;      /* signed by the stolen key, as the audit log records */
	uint64_t bad;       /* with a wrong signature of the stolen key: no client accepts it */
	uint64_t unsigned_; /* metadata without a signature of the stolen key */
	uint64_t other;     /* JSON, but not signed metadata */
	const struct stp_forgery *forgeries; /* sorted by folder and file */
	size_t forgery_count;
	uint64_t forgery_total;              /* with those that were not kept */
	uint64_t version_max;                /* the highest that the thief signed */
	int64_t expires_max;                 /* the latest expiry that the thief signed */
	const struct stp_unjudged *unjudged; /* the first STP_STOLEN_SHOWN */
	size_t unjudged_count;
	uint64_t unjudged_total;

	/* The audit log itself. */
	uint64_t log_lines, log_malformed;
	uint64_t log_backwards; /* lines with an earlier time than the line before */
	int64_t log_first_at, log_last_at;
	int has_known_log;     /* the last known good has a copy to compare with */
	uint64_t log_vanished; /* lines of that copy that today's log lacks, but should have */
	uint64_t log_inserted; /* lines of today's from before the copy, which the copy lacks */

	/* What the log records and public/metadata does not have. */
	uint64_t absent_replaced;    /* timestamps before the last one */
	uint64_t absent_collected;   /* older than the oldest snapshot that is kept: gc */
	uint64_t absent_unpublished; /* of versions without a snapshot: runs that failed */
	uint64_t absent;             /* of a published snapshot: removed by somebody else */
	const char *absent_first;    /* its name, raw; NULL: none */
};

/* Until when clients that the thief keeps from the repository stay at risk: the latest expiry of
 * any version of each role that he cannot sign; 0: no such role. */
struct stp_horizon {
	uint64_t root_version; /* the newest */
	int64_t root_expires, targets_expires, bins_expires;
	int64_t until; /* the first of them */
};

/* Keys of which role were stolen. */
enum stp_stolen_role {
	STP_STOLEN_ONLINE, /* timestamp, snapshot and bin-n: all are replaced together */
	STP_STOLEN_TARGETS,
	STP_STOLEN_BINS,
};

struct stp_stolen_options {
	size_t size;      /* see stampede/options.h */
	const char *repo; /* folder of the repository; required */
	/* The last known good: a folder, as stp_verify_options.path; required. */
	const char *against;
	const char *const *mirrors; /* folders with copies of metadata, to hunt in */
	size_t mirror_count;
	enum stp_stolen_role role;
	const char *online_key; /* NAME.key.json of the new key, as for stp_rotate(); NULL: only
	                         * freeze and report */
	const char *payload; /* file to make for a ceremony; NULL: the offline keys are at hand */
	const char *const *offline_folders; /* see stp_rotate_options */
	size_t offline_folder_count;
	int dry_run; /* only hunts and reports; takes no lock and freezes nothing */
	int64_t now; /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	size_t jobs; /* threads; 0: one per processor, STP_JOBS_SERIAL, at most STP_JOBS_MAX */
	struct stp_cancel *cancel;                   /* may be NULL */
	struct stp_progress *progress;               /* may be NULL */
	int (*confirm)(void *ctx, const char *view); /* see stp_rotate_options */
	void *confirm_ctx;
	/* Keyid of the stolen key, or its first 8 digits or more; required to declare one stolen
	 * after the last theft was recovered from. Or NULL */
	const char *key;
	/* Shown which key is declared stolen, before anything is frozen, with confirm_ctx; 0:
	 * nothing is frozen. NULL: nobody is asked. */
	int (*confirm_freeze)(void *ctx, const char *view);
};

#define STP_STOLEN_OPTIONS_INIT STP_SIZED(struct stp_stolen_options)

struct stp_stolen_report {
	int has_hunt; /* the members below are complete, also after a failure */
	struct stp_hunt_report hunt;
	struct stp_verify_against_report against; /* what was published since the last known good */
	int has_against;                          /* 0: public/metadata cannot be compared */
	struct stp_horizon horizon;
	const char *purge_list; /* what caches must forget: URL paths below public/, one a line */
	size_t purge_count;

	int is_frozen;           /* nothing is signed until the keys are replaced */
	uint64_t above;          /* the next version is above this one */
	int has_new_seal;        /* the seal key was replaced, and the ledger filled anew */
	uint64_t ledger_targets; /* from the last known good */
	int is_staged;           /* the next stp_sign() publishes the new keys */
	int has_payload;         /* it was made; is_staged follows with stp_ceremony_finish() */
	uint64_t root_version;   /* of the new root; 0: not made yet */
	char next_keyid[65];     /* of the new key; "": none was given */
	void *private_;          /* owns the strings */
};

/* Freezes the repository, hunts for forgeries, replaces the seal key, and makes or prepares the
 * root and the bins role that replace the stolen keys. May be repeated, also after it died. The
 * next stp_sign() publishes: root first, the timestamp right after it, never with a stolen key.
 *
 * STP_CONFIG and STP_REFUSED say what must be done first; the report has what the hunt found even
 * then. Release it after a failure too. */
STP_API enum stp_errc stp_rotate_stolen(const struct stp_stolen_options *options,
                                        struct stp_stolen_report *out_report,
                                        struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_stolen_report_release(struct stp_stolen_report *report);

#ifdef __cplusplus
}
#endif
#endif
