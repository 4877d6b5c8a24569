/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing: the main job, the first time and every night.
 *
 *	scan ─▶ hash what is new or changed ─▶ ledger ─▶ bins ─▶ sign ─▶ publish
 *
 * Idempotent and resumable. Readers see the repository as it was or as it will be, never between;
 * the rename of timestamp.json is the only thing that changes for them.
 *
 * Shape      one call per run; options and report are plain structs.
 * Memory     bounded whatever the size of the index.
 * Ownership  release the report with stp_sign_report_release().
 * Threads    call from one thread; it starts its own workers. One run per repository at a time
 *            (STP_BUSY otherwise).
 */
#ifndef STAMPEDE_SIGN_H
#define STAMPEDE_SIGN_H

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

enum stp_on_fault {
	STP_ON_FAULT_STOP, /* a fault fails the run; nothing is published */
	STP_ON_FAULT_SKIP, /* publish without the files that are at fault */
};

enum stp_rehash {
	STP_REHASH_CHANGED, /* only what is new or looks changed */
	STP_REHASH_ALL,     /* everything */
	STP_REHASH_PART,    /* besides, one of rehash_parts parts of the index, another each run */
};

#define STP_REMOVALS_ALL UINT64_MAX

/* Takes one line of the log. subject is raw: escape it before printing. */
typedef void stp_log_fn(void *ctx, const char *stage, const char *subject, const char *text);

/* A row of a digest list: what is known of one target. */
struct stp_sign_row {
	const char *path; /* UTF-8, not NUL-terminated; NULL: there are no more rows */
	size_t path_bytes;
	int has_length;
	uint64_t length;
	const uint8_t *digests[STP_ALG_COUNT]; /* by enum stp_alg; NULL: not known */
};

/* Gives the next row: out_row is cleared before each call, and what it points to must live until
 * the next one. Not STP_OK (with err set or not) ends the run with that code. */
typedef enum stp_errc stp_next_row_fn(void *ctx, struct stp_sign_row *out_row, struct stp_err *err);

struct stp_sign_options {
	size_t size;      /* see stampede/options.h */
	const char *repo; /* folder of the repository; required */
	size_t jobs;      /* threads; 0: one per processor, STP_JOBS_SERIAL, at most STP_JOBS_MAX */
	enum stp_io_mode io;
	enum stp_on_fault on_fault;
	enum stp_rehash rehash;
	unsigned rehash_parts; /* for STP_REHASH_PART, and at least 1 then */
	const char *digests;   /* digest list: a path, "-" for stdin, NULL for none */
	/* The same from a function: rows go through a file without a name in state/ and are read as
	 * a list whose name in messages is "rows", with all its checks. NULL: none. */
	stp_next_row_fn *next_row;
	void *next_row_ctx;
	const char *const *scan_globs; /* with a list: files of the tree to add */
	size_t scan_glob_count;
	const char *const *replace_paths; /* target paths, or globs with "*" or "?", whose bytes may
	                                   * change this time */
	size_t replace_path_count;
	uint64_t allow_removals; /* so many targets may be removed, if max_removals allows fewer;
	                          * STP_REMOVALS_ALL: any number */
	int64_t now;             /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	/* sign with a version above this: a number, or the path of a timestamp that was published
	 * by another copy; NULL: above the last one known here */
	const char *above;
	int after_clock_error; /* the clock was ahead when the last timestamp was published */
	int dry_run;           /* scan and compare only; nothing is hashed, written or published */
	/* Gives up every file access but reading the targets and writing the repository, for the
	 * calling thread and for good (Landlock, no_new_privs): for programs that do nothing else.
	 */
	int confine;
	/* Takes what an operator should know before the run goes on; it is among the notes as well.
	 * May be NULL. */
	stp_log_fn *log;
	void *log_ctx;
	const char *const *writable_folders; /* with confine: stay writable, for the caller */
	size_t writable_folder_count;
	struct stp_progress *progress; /* may be NULL */
	struct stp_cancel *cancel;     /* may be NULL */
};

#define STP_SIGN_OPTIONS_INIT STP_SIZED(struct stp_sign_options)

/* Why a file that had been hashed is hashed again: the first that differs, from above. */
enum stp_again {
	STP_AGAIN_NOT, /* it is not */
	STP_AGAIN_SIZE,
	STP_AGAIN_MTIME,
	STP_AGAIN_INODE,
	STP_AGAIN_CTIME,
	STP_AGAIN_DEVICE,    /* the file system is another one */
	STP_AGAIN_UNSETTLED, /* it was too new when it was hashed */
	STP_AGAIN_FUTURE,    /* its time was in the future then, and is not any more */
	STP_AGAIN_HASHES,    /* "hashes" was changed */
	STP_AGAIN_REHASH,    /* stp_sign_options.rehash asked for it */
	STP_AGAIN_COUNT
};

struct stp_sign_again {
	uint64_t files[STP_AGAIN_COUNT]; /* by reason; [STP_AGAIN_NOT] is not used */
	uint64_t renumbered;    /* not again, though the root's file system has another number */
	uint64_t ctime_ignored; /* not again, though the ctime is another: "trust": "mtime" */
};

/* "hashed again: 3 files (2: ctime, 1: size)", or "" when there is none. Returns the number. */
STP_API uint64_t stp_sign_again_text(const struct stp_sign_again *again, char *out, size_t size);

/* Something wrong with, or worth knowing of, one file. */
struct stp_sign_fault {
	const char *stage;   /* static string, as stp_err.stage */
	const char *subject; /* raw bytes; escape before printing */
	const char *text;    /* UTF-8, safe for a terminal */
};

/* Where the time went. Stages that run side by side share the time by what their workers did, so
 * that all of them, with rest, add up to total. */
struct stp_sign_seconds {
	double scan, hash, ledger, bins, sign, publish;
	double rest; /* reading and checking what is there, before the first stage */
	double total;
};

/* When a stage ran. Those on the workers run side by side in one span without a name, whose time
 * stp_sign_seconds shares out; the spans of a stage and its share of those make up its seconds. */
struct stp_sign_span {
	const char *stage; /* static string: a member of stp_sign_seconds, or "" */
	double from, to;   /* seconds since the start of the run */
};

/* A run has about ten; what exceeds this number is not recorded. */
#define STP_SIGN_SPANS_MAX 32

struct stp_sign_versions {
	uint64_t root, targets, bins, snapshot, timestamp; /* 0: there is none */
};

/* Epoch seconds of what is published; 0: there is none, or it was not looked at. */
struct stp_sign_expiries {
	int64_t root, targets, bins, bin_n, snapshot, timestamp;
};

/* The quorum margin of an offline role: see struct stp_status_role. known 0: there is no such role,
 * or it was not looked at. */
struct stp_sign_margin {
	int known;
	int64_t margin;
};

struct stp_sign_margins {
	struct stp_sign_margin root, targets, bins;
};

/* What a run did. Also filled, as far as it got, when the run fails. */
struct stp_sign_report {
	uint64_t targets, bins;              /* of the index as it is signed now */
	uint64_t files_hashed, bytes_hashed; /* read in this run */
	uint64_t files_reused;               /* whose digest was known and still holds */
	uint64_t files_removed;              /* targets of last time that are none any more */
	uint64_t files_rehashed;             /* hashed again because they changed during the run */
	uint64_t files_kept;         /* that did not keep still: signed as they were last time */
	struct stp_sign_again again; /* of files_hashed, those hashed before */
	uint64_t targets_before;     /* targets that were signed last time */
	uint64_t list_rows;          /* rows of the digest list */
	uint64_t list_repeats;       /* of these, rows that repeat another */
	uint64_t target_bytes;       /* sum of the lengths of all targets */
	uint64_t published_files, published_bytes; /* bins, snapshot and timestamp */
	uint64_t leftover_files;                   /* of a crashed run, removed */
	uint64_t links_made;                       /* names in public/targets */
	uint64_t links_repaired; /* targets whose names in public/targets were missing or wrong */
	int counted;             /* targets, faults and the like are those of the whole index */
	uint64_t fault_count;    /* all files that cannot be signed; faults holds those kept */
	const struct stp_sign_fault *faults; /* sorted by subject */
	size_t fault_kept_count;
	const struct stp_sign_fault *damage; /* what was broken in state/ and not used */
	size_t damage_count;
	/* what the operator should know; changes no exit status */
	const struct stp_sign_fault *notes;
	size_t note_count;
	size_t logged_count;    /* of the notes: the first ones, which log was called with */
	uint64_t unknown_files; /* in public/metadata, not of this repository: left alone */
	struct stp_sign_versions versions;              /* published now */
	struct stp_sign_seconds seconds;                /* where the time went */
	struct stp_sign_span spans[STP_SIGN_SPANS_MAX]; /* in order, without gaps */
	size_t span_count;
	uint64_t peak_rss_bytes; /* of the process so far */
	char io_backend[16];     /* "io_uring" or "pread" */
	char io_why[160];        /* why STP_IO_MODE_AUTO did not use io_uring; "" otherwise */
	unsigned hash_set;       /* configured target hashes */
	unsigned cpu_features;   /* in use, for stp_sign_report_json() */
	int64_t now;             /* the time of signing */
	int64_t expires_at;      /* first expiry of what was published: bins, snapshot, timestamp */
	struct stp_sign_expiries expiries;
	struct stp_sign_margins margins;
	int64_t interval_seconds;   /* since the run before; 0: first run */
	int64_t oldest_verified_at; /* epoch seconds; 0: no file was ever read */
	const char *source;         /* "tree", "list", or "ledger" when known targets were signed
	                             * again; NULL when the run did not get so far */
	int landlock_version;       /* with confine: what the kernel enforces; 0: nothing */
	int published;              /* 1 once timestamp.json was renamed */
	void *private_;             /* owns the faults */
};

/* Runs. On failure nothing was published (report->published is 0), except for a failure of the
 * clean-up behind the commit, after which published is 1. STP_CONFIG for options or a
 * configuration that must be changed, STP_KEY, STP_BUSY, STP_REFUSED for what a check holds back,
 * STP_CHANGED for faults, STP_CANCELLED. */
STP_API enum stp_errc stp_sign(const struct stp_sign_options *options,
                               struct stp_sign_report *out_report,
                               struct stp_err *err) STP_MUST_CHECK;

/* The report as one JSON object, whose members stampede-sign(1) lists; free() it; NULL when memory
 * is short.
 */
STP_API char *stp_sign_report_json(const struct stp_sign_report *report);

STP_API void stp_sign_report_release(struct stp_sign_report *report);

#ifdef __cplusplus
}
#endif
#endif
