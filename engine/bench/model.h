/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measuring leaves behind, and what it says about other indexes.
 *
 * Shape      plain structs of a few hundred bytes.
 * Memory     none but documents.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_BENCH_MODEL_H
#define STP_BENCH_MODEL_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

/* Sets of target hashes that are measured: what the profiles use. */
enum { STP_BENCH_SHA256, STP_BENCH_SHA512, STP_BENCH_SETS };

/* Time as so much per file and so much per byte, in seconds, with all workers at it. */
struct stp_bench_cost {
	double per_file, per_byte; /* 0, 0: not measured */
};

/* The stages of a run, as its report tells them; REST is what the report counts in none. */
enum stp_bench_stage {
	STP_STAGE_SCAN,
	STP_STAGE_HASH,
	STP_STAGE_LEDGER,
	STP_STAGE_BINS,
	STP_STAGE_SIGN,
	STP_STAGE_PUBLISH,
	STP_STAGE_REST,
	STP_STAGE_COUNT,
};

/* Their names in documents: "scan", "hash", … */
extern const char *const stp_bench_stage_names[STP_STAGE_COUNT];

struct stp_bench_seconds {
	double stage[STP_STAGE_COUNT];
};

/* One real run, and how large it was. */
struct stp_bench_sign {
	uint64_t target_count, bin_count, published_bytes;
	struct stp_bench_seconds seconds;
};

/* The same job at five sizes, from which follow what a bin and a target cost in each stage. Bins of
 * less than 32 KiB and larger ones are written in two ways (publish/writer.h), so both are here. */
enum stp_bench_anchor {
	STP_ANCHOR_FEW,      /* few targets, many bins */
	STP_ANCHOR_FEW_BINS, /* few targets, few bins */
	STP_ANCHOR_SMALL,    /* many bins of some KiB */
	STP_ANCHOR_LARGE,    /* bins of some 65 KiB, as 2.27 million targets make */
	STP_ANCHOR_MANY,     /* the most targets, bins of some 230 KiB */
	STP_ANCHOR_COUNT,
};

struct stp_bench_job {
	struct stp_bench_sign anchors[STP_ANCHOR_COUNT];
	double low, high; /* fastest and slowest repetition, as shares of the median; 1: alike */
};

/* All that a forecast needs to know of a machine. */
struct stp_bench_model {
	double scan_hot_per_second, scan_cold_per_second; /* entries; 0: not measured */
	struct stp_bench_cost hash[STP_BENCH_SETS];       /* read from the page cache and hashed */
	struct stp_bench_cost read_cold;                  /* 0, 0: not measured */
	double spill_seconds;         /* per record beyond what fits in memory */
	double memory_records;        /* records that fit */
	double compare_seconds;       /* per entry of the tree that did not change */
	double tree_new_seconds;      /* per entry of the tree that is new, besides hashing */
	struct stp_bench_job first;   /* from a digest list, nothing known before */
	struct stp_bench_job nightly; /* the same list again */
};

/* What the model says a job takes. */
struct stp_bench_forecast {
	struct stp_bench_seconds seconds;
	double total;
	double low, high; /* of the total, as far as the measured runs lay apart */
	double
	    read_seconds; /* of the hash stage: waiting for the storage, 0 when hashing is slower */
	double file_seconds; /* of the hash stage: what files cost whatever their size */
};

/* An index and how it is signed. */
struct stp_bench_case {
	uint64_t target_count, target_bytes, bin_count;
	int hash;         /* STP_BENCH_SHA256 or STP_BENCH_SHA512 */
	int from_list;    /* a digest list, else a tree */
	int is_first;     /* nothing is known before: from a tree, everything is hashed */
	int is_cold;      /* tree: files and inodes come from the storage */
	int is_hash_only; /* `stampede hash`: scan and hash a tree, nothing else */
};

struct stp_bench_forecast stp_bench_forecast(const struct stp_bench_model *model,
                                             const struct stp_bench_case *of);

/* "model" of a document, and back; STP_FORMAT when json is none, naming name. */
json_t *stp_bench_model_json(const struct stp_bench_model *model);
enum stp_errc stp_bench_model_load(const json_t *json, const char *name,
                                   struct stp_bench_model *out, struct stp_err *err) STP_MUST_CHECK;

#endif
