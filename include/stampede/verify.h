/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Auditing a published repository from its files alone.
 *
 *	root chain ─▶ timestamp ─▶ snapshot ─▶ targets ─▶ bins ─▶ every bin ─▶ (target files)
 *	     └───────────┴────────────┴───────────┴─────────┴─────────┴──────▶ findings, sorted
 *
 * A finding is data: everything that is wrong is collected and sorted, so two audits of the same
 * files say the same in the same order at any number of jobs. A function fails only when the audit
 * itself cannot go on (no such folder, disk errors, memory, cancelled).
 *
 * Shape      one report: findings, what was published, counts, verdicts for clients.
 * Memory     the report owns its findings; while it runs, one buffer per worker as large as the
 *            largest bin file, plus the snapshot as parsed JSON.
 * Ownership  release the report; strings inside live as long as it does.
 * Threads    stp_verify() from one thread; it starts options->jobs workers.
 */
#ifndef STAMPEDE_VERIFY_H
#define STAMPEDE_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_cancel;
struct stp_progress;

enum stp_severity {
	STP_SEVERITY_WARNING, /* a client accepts it, an operator should not */
	STP_SEVERITY_ERROR,   /* a client refuses it or could be misled */
	STP_SEVERITY_SETUP,   /* a warning about how the repository is set up: clients are served,
	                       * an auditor would have it otherwise */
};

/* Every kind of finding: code, name in reports, severity. Names are stable. */
#define STP_FINDING_CODES(X)                                   \
	X(FILE_MISSING, "file-missing", ERROR)                 \
	X(FILE_TYPE, "file-type", ERROR)                       \
	X(FILE_SIZE, "file-size", ERROR)                       \
	X(FILE_STRAY, "file-stray", WARNING)                   \
	X(JSON, "json", ERROR)                                 \
	X(CANONICAL, "canonical", ERROR)                       \
	X(ENVELOPE, "envelope", ERROR)                         \
	X(FIELD, "field", ERROR)                               \
	X(FIELD_UNKNOWN, "field-unknown", SETUP)               \
	X(TYPE, "type", ERROR)                                 \
	X(SPEC_VERSION, "spec-version", ERROR)                 \
	X(VERSION, "version", ERROR)                           \
	X(EXPIRED, "expired", ERROR)                           \
	X(EXPIRES_SOON, "expires-soon", WARNING)               \
	X(EXPIRES_ORDER, "expires-order", WARNING)             \
	X(LENGTH, "length", ERROR)                             \
	X(HASH, "hash", ERROR)                                 \
	X(KEY, "key", ERROR)                                   \
	X(KEYID, "keyid", ERROR)                               \
	X(KEY_DUPLICATE, "key-duplicate", ERROR)               \
	X(KEY_UNKNOWN, "key-unknown", ERROR)                   \
	X(THRESHOLD, "threshold", ERROR)                       \
	X(THRESHOLD_VALUE, "threshold-value", ERROR)           \
	X(SIGNATURE, "signature", ERROR)                       \
	X(SIGNATURE_DUPLICATE, "signature-duplicate", ERROR)   \
	X(SIGNATURE_STRANGER, "signature-stranger", WARNING)   \
	X(SIGNATURE_DISAGREE, "signature-disagree", ERROR)     \
	X(ROOT_GAP, "root-gap", ERROR)                         \
	X(ROOT_PINNED, "root-pinned", ERROR)                   \
	X(CONSISTENT_SNAPSHOT, "consistent-snapshot", ERROR)   \
	X(ROLE_NAME, "role-name", ERROR)                       \
	X(ROLE_UNLISTED, "role-unlisted", ERROR)               \
	X(ROLLBACK, "rollback", ERROR)                         \
	X(DELEGATION, "delegation", ERROR)                     \
	X(DELEGATION_GAP, "delegation-gap", ERROR)             \
	X(DELEGATION_OVERLAP, "delegation-overlap", ERROR)     \
	X(TARGET_ENTRY, "target-entry", ERROR)                 \
	X(TARGET_PATH, "target-path", ERROR)                   \
	X(TARGET_BIN, "target-bin", ERROR)                     \
	X(TARGET_HASHES, "target-hashes", ERROR)               \
	X(TARGET_DIFFERS, "target-differs", ERROR)             \
	X(TARGET_ABSENT, "target-absent", ERROR)               \
	X(TARGET_UNKNOWN, "target-unknown", WARNING)           \
	X(TARGET_URL, "target-url", SETUP)                     \
	X(SERVED_MISSING, "served-missing", ERROR)             \
	X(SERVED_DIFFERS, "served-differs", ERROR)             \
	X(SERVED_ABSENT, "served-absent", WARNING)             \
	X(SERVED_UNREADABLE, "served-unreadable", WARNING)     \
	X(SERVED_UNKNOWN, "served-unknown", WARNING)           \
	X(ONLINE_KEY_OFFLINE, "online-key-offline", SETUP)     \
	X(OFFLINE_KEY_SHARED, "offline-key-shared", SETUP)     \
	X(THRESHOLD_ONE, "threshold-one", SETUP)               \
	X(ROOT_NO_SPARE, "root-no-spare", SETUP)               \
	X(SNAPSHOT_UNDELEGATED, "snapshot-undelegated", SETUP) \
	X(TIMESTAMP_NO_LENGTH, "timestamp-no-length", SETUP)   \
	X(TIMESTAMP_NO_HASH, "timestamp-no-hash", SETUP)       \
	X(EXPIRES_LATE, "expires-late", SETUP)                 \
	X(TIMESTAMP_LONG, "timestamp-long", SETUP)             \
	X(FINDINGS_CUT, "findings-cut", WARNING)

enum stp_finding_code {
#define STP_FINDING_ENUM(id, name, severity) STP_FINDING_##id,
	STP_FINDING_CODES(STP_FINDING_ENUM)
#undef STP_FINDING_ENUM
	    STP_FINDING_CODE_COUNT
};

/* "threshold-value" and so on; static string. */
STP_API const char *stp_finding_code_name(enum stp_finding_code code);
STP_API enum stp_severity stp_finding_severity(enum stp_finding_code code);

struct stp_finding {
	enum stp_finding_code code;
	const char *subject; /* a file name or a target path, raw bytes: escape before printing */
	const char *text;    /* what is wrong: UTF-8, safe for a terminal */
};

/* A role as it is published. */
struct stp_verify_role {
	int found; /* 0: could not be read, the rest is 0 */
	uint64_t version;
	int64_t expires; /* epoch seconds */
	uint64_t file_bytes;
};

#define STP_CLIENTS_MAX 8

enum stp_client_answer {
	STP_CLIENT_YES,
	STP_CLIENT_NO,
	STP_CLIENT_SLOW,    /* works, at a cost the reason names */
	STP_CLIENT_UNKNOWN, /* nobody has shown it either way */
};

/* "yes", "no", "slow", "unknown"; static string. */
STP_API const char *stp_client_answer_name(enum stp_client_answer answer);

struct stp_client_verdict {
	const char *client; /* static string */
	enum stp_client_answer answer;
	char reasons[512]; /* "" for yes; else sentences divided by "; " */
};

struct stp_verify_report {
	/* sorted by severity (errors first), subject, code, text */
	const struct stp_finding *findings;
	size_t finding_count;                /* kept */
	uint64_t error_total, warning_total; /* all, also those not kept; with strict all are errors
	                                      */
	uint64_t setup_total;                /* of the warnings, those about the set-up */
	uint64_t code_totals[STP_FINDING_CODE_COUNT];

	const char *metadata_dir; /* as it was found */
	int64_t now;              /* the time that expiries were held against */
	struct stp_verify_role root, timestamp, snapshot, targets, bins;
	const char *delegation; /* "succinct", "prefixes" or "none" */
	unsigned bin_bits;      /* 0 when the number of bins is no power of two */
	uint64_t root_steps;    /* root files walked */
	uint64_t bin_count, bins_read;
	uint64_t tombstones; /* names in the snapshot that nobody delegates to any more */
	uint64_t target_count, target_bytes, target_path_bytes, target_path_bytes_max;
	uint64_t targets_empty; /* targets of length 0 */
	uint64_t bin_file_bytes, bin_file_bytes_max;
	int64_t bin_expires_min, bin_expires_max;
	uint64_t bin_version_max;
	unsigned target_hash_set; /* STP_ALG_BIT()s that every entry carries */
	int snapshot_has_length, timestamp_has_length;
	uint64_t signatures_checked, signatures_checked_twice; /* twice: by both libraries */
	uint64_t files_checked, files_checked_bytes;           /* with targets */
	uint64_t files_skipped;                                /* not in the sample */
	uint64_t served_names;       /* what a web server would hand out, looked at */
	uint64_t served_unpublished; /* names of a run that published nothing */
	const char *served_why;      /* why that was not looked at, or NULL; static string */
	const char *served_mode;     /* "all" or "mutable"; NULL when not looked at */

	struct stp_client_verdict clients[STP_CLIENTS_MAX];
	size_t client_count;
	double seconds_metadata, seconds_files, seconds_total;
	void *private_; /* owns the findings */
};

enum stp_verify_served_how {
	STP_SERVED_AUTO, /* of a repository, unless as_client */
	STP_SERVED_YES,
	STP_SERVED_NO,
};

struct stp_verify_options {
	size_t size;           /* see stampede/options.h */
	const char *path;      /* a repository, its public folder, or a metadata folder; required */
	const char *root_file; /* trust starts here; NULL: at 1.root.json of the folder itself */
	/* files to hash: a folder; "" for the repository's own; NULL: none */
	const char *targets_dir;
	uint64_t sample;                   /* hash a K-th of the files; 0 or 1: all */
	enum stp_verify_served_how served; /* look at what a web server would hand out */
	int strict;                        /* every warning counts as an error */
	int as_client; /* only what a client would fetch: no strays, no old roots beyond */
	int64_t now;   /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	int64_t expires_within_s; /* 0: report only what has expired */
	size_t jobs; /* threads; 0: one per processor, STP_JOBS_SERIAL, at most STP_JOBS_MAX */
	struct stp_cancel *cancel;
	struct stp_progress *progress; /* may be NULL */
};

#define STP_VERIFY_OPTIONS_INIT STP_SIZED(struct stp_verify_options)

/* Audits options->path. STP_CONFIG when nothing there looks like metadata or the root file is
 * missing, STP_IO and the like when reading fails, STP_CANCELLED. Findings are no failure. */
STP_API enum stp_errc stp_verify(const struct stp_verify_options *options,
                                 struct stp_verify_report *out_report,
                                 struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_verify_report_release(struct stp_verify_report *report);

enum stp_change_kind {
	STP_CHANGE_DIGEST,  /* same path, other bytes: what an attacker would do */
	STP_CHANGE_REMOVED, /* in old only */
	STP_CHANGE_ADDED,   /* in new only */
};

struct stp_change {
	enum stp_change_kind kind;
	const char *path; /* not NUL-terminated, raw */
	size_t path_bytes;
	uint64_t old_length, new_length;     /* 0 where there is none */
	const char *old_digest, *new_digest; /* lower-case hex of the strongest common algorithm,
	                                      * not NUL-terminated; NULL where there is none */
	size_t digest_chars;
	const char *algorithm; /* static string */
};

/* Called for each change from one thread: digest changes first, then removed, then added, each
 * in the order of bins and paths. Not STP_OK ends the comparison with that error. */
typedef enum stp_errc stp_change_fn(void *ctx, const struct stp_change *change,
                                    struct stp_err *err);

struct stp_verify_against_report {
	uint64_t old_snapshot, new_snapshot; /* versions */
	uint64_t old_bins, new_bins;
	uint64_t old_targets, new_targets; /* counted in bins that differ only */
	uint64_t digest_changed, removed, added;
	uint64_t bins_same; /* same bytes of targets: not parsed */
	double seconds_total;
};

struct stp_verify_against_options {
	size_t size;          /* see stampede/options.h */
	const char *new_path; /* as stp_verify_options.path */
	/* The same; or, for an older snapshot whose files still lie in new_path's folder: a
	 * timestamp file that was kept, a record of state/commits, or the snapshot's version. */
	const char *old_path;
	size_t jobs; /* threads; 0: one per processor, STP_JOBS_SERIAL, at most STP_JOBS_MAX */
	struct stp_cancel *cancel; /* may be NULL */
	stp_change_fn *on_change;  /* may be NULL: then only the report is filled */
	void *on_change_ctx;
};

#define STP_VERIFY_AGAINST_OPTIONS_INIT STP_SIZED(struct stp_verify_against_options)

/* Compares the targets of two snapshots, bin by bin. Signatures are not looked at: who compares
 * after a compromise brings a copy that was kept elsewhere. Broken metadata on either side is
 * STP_FORMAT and names the file. */
STP_API enum stp_errc stp_verify_against(const struct stp_verify_against_options *options,
                                         struct stp_verify_against_report *out_report,
                                         struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_verify_against_report_release(struct stp_verify_against_report *report);

#ifdef __cplusplus
}
#endif
#endif
