/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarking: what this machine can do, stage by stage, and how long a given index would take.
 *
 *	stp_bench() ─▶ one JSON document ─▶ stp_bench_again()   the answers for another index
 *
 * The document ("schema":"stampede-bench/1") is the result; everything shown is drawn from it.
 * Rates are {"value":…,"spread":…,"runs":N}: the median of N runs and how far apart its quarters
 * lie, as a share of the median.
 *
 * Shape      one call per measurement, about options->seconds long.
 * Memory     some hundred MiB while it runs, and up to 6 GB of scratch files in work_dir (2 GB
 *            where less than 12 GB are free); nothing is left behind, also when it is cancelled.
 * Ownership  release the report.
 * Threads    call from one thread; it starts its own workers.
 */
#ifndef STAMPEDE_BENCH_H
#define STAMPEDE_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"
#include "stampede/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STP_BENCH_SECONDS_DEFAULT 60
#define STP_BENCH_SECONDS_MIN     5
#define STP_BENCH_SECONDS_MAX     3600

struct stp_bench_options {
	size_t size;           /* see stampede/options.h */
	const char *shape;     /* name of one shape to predict; NULL: all that are known */
	uint64_t target_count; /* of the index to predict; 0: the shape's */
	uint64_t target_bytes; /* of all its files; 0: the shape's mean size each */
	const char *dir; /* folder whose files are scanned and read, never written; NULL: made */
	const char *work_dir; /* folder for scratch files; NULL: $TMPDIR, else /var/tmp */
	double seconds;       /* to spend; 0: STP_BENCH_SECONDS_DEFAULT */
	int64_t now;          /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	struct stp_progress *progress; /* may be NULL */
	struct stp_cancel *cancel;     /* may be NULL */
	/* Called with the document once it is there: taking the scratch files away, some 300,000,
	 * may take as long again. May be NULL. */
	void (*measured)(void *ctx, const char *json);
	void *measured_ctx;
};

#define STP_BENCH_OPTIONS_INIT STP_SIZED(struct stp_bench_options)

struct stp_bench_report {
	char *json; /* the document, one line */
};

/* An index that is known by name. */
struct stp_bench_shape {
	const char *name;
	const char *summary;
	uint64_t target_count;
	uint64_t target_bytes; /* sum of the lengths of all files */
	uint64_t bin_count;
	const char *hash; /* target hash */
};

/* The index-th of them, from 0; NULL behind the last. */
STP_API const struct stp_bench_shape *stp_bench_shape(size_t index);

/* Measures and predicts. STP_CONFIG for an unknown shape or a folder
 * that cannot be read, STP_CANCELLED. What could not be measured here is named in "notes". */
STP_API enum stp_errc stp_bench(const struct stp_bench_options *options,
                                struct stp_bench_report *out_report,
                                struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_bench_report_release(struct stp_bench_report *report);

/* The document json with predictions for what options ask (shape, target_count, target_bytes) in
 * place of its own; measures nothing. STP_FORMAT naming name when json is no such document. */
STP_API enum stp_errc stp_bench_again(const char *json, const char *name,
                                      const struct stp_bench_options *options,
                                      struct stp_bench_report *out_report,
                                      struct stp_err *err) STP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
