/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a repository stands: what is published and until when, what the last run did, what it costs
 * on disk. Reads published files and state/, takes no lock, changes nothing.
 *
 * Shape      one plain struct.
 * Memory     the snapshot as JSON while it runs.
 * Ownership  the caller's struct; nothing to release.
 * Threads    one thread.
 */
#ifndef STAMPEDE_STATUS_H
#define STAMPEDE_STATUS_H

#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_status_options {
	size_t size;      /* see stampede/options.h */
	const char *repo; /* folder of the repository; required */
	int64_t now;      /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
};

#define STP_STATUS_OPTIONS_INIT STP_SIZED(struct stp_status_options)

/* The roles that expire, in the order clients read them. */
enum stp_status_role_name {
	STP_STATUS_ROOT,
	STP_STATUS_TARGETS,
	STP_STATUS_BINS,
	STP_STATUS_BIN_N,
	STP_STATUS_SNAPSHOT,
	STP_STATUS_TIMESTAMP,
	STP_STATUS_ROLES
};

struct stp_status_role {
	const char *name; /* "root", …, "bin-n"; static string */
	int is_offline;   /* renewed by people, not by each run */
	uint64_t version; /* bin-n: the highest */
	int64_t expires;  /* bin-n: the first; 0: there is none, or it cannot be read */
	int64_t due_s;    /* so long before it expires it should be renewed; 0 unless offline */
};

/* Problems that are kept with their text; the others are only counted. */
#define STP_STATUS_PROBLEMS_KEPT 8

struct stp_status_problem {
	char text[512]; /* "FILE: what is wrong", printable ASCII */
};

/* The last run of sign, from state/last-run.json. */
struct stp_status_run {
	int found; /* 0: never ran, or the file cannot be read */
	int published;
	int counted;     /* targets, faults and hashed files are those of the whole index */
	char error[512]; /* "" when it went well */
	int64_t at;      /* when it ran */
	uint64_t targets, target_bytes;
	uint64_t files_hashed, bytes_hashed, files_reused, files_removed;
	uint64_t faults;
	double seconds_hash, seconds_total;
	uint64_t peak_rss_bytes;
	int64_t oldest_verified_at; /* 0: no file was ever read */
	char io_backend[16];
};

struct stp_status_disk {
	uint64_t files, bytes; /* bytes as allocated */
};

struct stp_status_report {
	int64_t now;
	int published; /* 1 once something was, also when it cannot be read now */
	struct stp_status_role roles[STP_STATUS_ROLES];
	uint64_t bin_count, bins_missing; /* missing: listed, but the file is not there */
	uint64_t bins_unreadable;         /* there, but not a bin */
	int64_t expires_min;              /* the first expiry of all; 0: nothing is published */
	const char *expires_what;         /* "timestamp", "bin-n", …; static string */
	/* What is wrong with the documents above the bins, expiries among it. `verify` reports all.
	 */
	uint64_t problem_count;
	struct stp_status_problem problems[STP_STATUS_PROBLEMS_KEPT];
	struct stp_status_run run;
	struct stp_status_disk metadata, target_files, state;
};

/* 1 when clients would refuse what is published: something has expired, is missing or is wrong. */
STP_API int stp_status_is_bad(const struct stp_status_report *report);

/* Fills the report. STP_CONFIG when there is no repository at options->repo. */
STP_API enum stp_errc stp_status(const struct stp_status_options *options,
                                 struct stp_status_report *out_report,
                                 struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_status_report_release(struct stp_status_report *report);

#ifdef __cplusplus
}
#endif
#endif
