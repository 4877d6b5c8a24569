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
#include "stampede/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_status_options {
	const char *repo;
	int64_t now; /* epoch seconds; 0: the clock */
};

/* The last run of sign, from state/last-run.json. */
struct stp_status_run {
	int found; /* 0: never ran, or the file cannot be read */
	int published;
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

struct stp_status {
	int64_t now;
	struct stp_verify_role root, timestamp, snapshot, targets, bins;
	uint64_t bin_count, bins_missing; /* missing: listed, but the file is not there */
	uint64_t bin_version_min, bin_version_max;
	int64_t bin_expires_min;  /* 0: there is none */
	int64_t expires_min;      /* the first expiry of all; 0: nothing is published */
	const char *expires_what; /* "timestamp", "bin-n", …; static string */
	uint64_t problems;        /* findings on the small documents: `verify` tells */
	struct stp_status_run run;
	struct stp_status_disk metadata, target_files, state;
};

/* Fills out. STP_CONFIG when there is no repository at options->repo. */
enum stp_errc stp_status_run(const struct stp_status_options *options, struct stp_status *out,
                             struct stp_err *err) STP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
