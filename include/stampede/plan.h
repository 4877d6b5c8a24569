/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a number of bins costs, before anything is signed: PEP 458's own model beside the exact
 * sizes of the files that stampede writes, and which clients a choice loses.
 *
 * Shape      one row per bin count, 2^8 … 2^18 unless one is asked for.
 * Memory     one plain struct of a few kilobytes.
 * Ownership  the caller's; nothing to release.
 * Threads    any thread; no state.
 */
#ifndef STAMPEDE_PLAN_H
#define STAMPEDE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"
#include "stampede/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PEP 458, tables 2 and 3: c[1] … c[10], v[1] … v[17], by the PEP's names. v[13], v[15] and v[17]
 * are percent, rounded as the PEP's Python does (half to even). */
struct stp_pep458 {
	uint64_t c[11], v[18];
};

/* The PEP's constants (November 2019). */
#define STP_PEP458_TARGETS    2273539
#define STP_PEP458_FILE_BYTES 2184393
#define STP_PEP458_PATH_BYTES 256
#define STP_PEP458_BINS       16384

/* The PEP's words for c[1] … c[10] or v[1] … v[17], such as "# of bytes for a target relative file
 * path"; static strings. letter is 'C' or 'V'. */
STP_API const char *stp_pep458_description(char letter, int number);

struct stp_pep458_input {
	uint64_t targets, bins, path_bytes, file_bytes;
	uint64_t hash_chars; /* hex digits of one target's digests: 128 for sha512 */
};

/* The PEP's model. bins at least 1, file_bytes at least 1. */
STP_API void stp_pep458_model(const struct stp_pep458_input *input, struct stp_pep458 *out);

#define STP_PLAN_ROWS_MAX   11
#define STP_PLAN_BITS_FIRST 8
#define STP_PLAN_BITS_LAST  18
#define STP_PLAN_PATH_BYTES 156 /* packages/ab/cd/<60 hex digits>/<file name>, on PyPI */
#define STP_PLAN_UPDATES    100000

struct stp_plan_options {
	size_t size;              /* see stampede/options.h */
	const char *profile;      /* "pep458", "compat", "prefixes"; ignored with repo */
	const char *repo;         /* plan for what is published there; NULL for none */
	uint64_t targets;         /* required without repo, at least 1 */
	uint64_t bins;            /* one power of two from 2; 0: the whole table */
	uint64_t path_bytes;      /* average; 0: STP_PLAN_PATH_BYTES, and 256 in the PEP's model */
	uint64_t file_bytes;      /* average; 0: the PEP's */
	unsigned hash_set;        /* STP_ALG_BIT()s; 0: the profile's */
	uint64_t updates_per_day; /* targets that are new or change; 0: STP_PLAN_UPDATES */
	size_t jobs; /* with repo: threads that read it; 0: one per processor, STP_JOBS_SERIAL, at
	                most STP_JOBS_MAX */
};

#define STP_PLAN_OPTIONS_INIT STP_SIZED(struct stp_plan_options)

/* One bin count. Sizes are of whole files with their signatures. */
struct stp_plan_row {
	unsigned bits;
	uint64_t bins;
	uint64_t bin_bytes;         /* average */
	uint64_t bin_bytes_largest; /* to be expected of the fullest bin */
	uint64_t root_bytes, targets_bytes, bins_bytes, snapshot_bytes, timestamp_bytes;
	/* Fetched for one distribution and its index page, that is two bins: */
	uint64_t user_same;    /* returning user, snapshot not changed: timestamp and bins */
	uint64_t user_next;    /* returning user, new snapshot */
	uint64_t user_new;     /* first time: root, targets and the bins role as well */
	uint64_t run_bytes;    /* what one run of sign writes: bins, snapshot, timestamp */
	uint64_t bins_changed; /* bins that a day's updates touch */
	uint64_t update_bytes; /* average, to publish one update at once: 1 bin and above */
	double percent_same, percent_next, percent_new; /* of file_bytes */
	double tuf_js_seconds;                          /* CPU for one new snapshot */
	struct stp_pep458 pep;
	struct stp_client_verdict clients[STP_CLIENTS_MAX];
	size_t client_count;
};

struct stp_plan_report {
	uint64_t targets, path_bytes, file_bytes, updates_per_day;
	unsigned hash_set;
	char profile[32];
	uint64_t repo_bins; /* what is published now; 0: no repo */
	struct stp_plan_row rows[STP_PLAN_ROWS_MAX];
	size_t row_count;
	size_t recommended; /* index into rows */
	char reason[768];
};

/* Fills the report. STP_CONFIG for options that make no sense, and what stp_verify() fails with. */
STP_API enum stp_errc stp_plan(const struct stp_plan_options *options,
                               struct stp_plan_report *out_report,
                               struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_plan_report_release(struct stp_plan_report *report);

/* A picture of metadata fetched per installation over the number of bins: one SVG document,
 * malloc'ed; NULL when memory is short. */
STP_API char *stp_plan_svg(const struct stp_plan_report *plan);

#ifdef __cplusplus
}
#endif
#endif
