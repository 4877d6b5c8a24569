/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the storage benchmark: one file each, called by bench/storage.c.
 *
 * Shape      two sets of files: small ones, where the cost per file counts, and large ones, where
 *            the cost per byte does.
 * Memory     as bench/files.h.
 * Ownership  bench/storage.c makes and releases the sets.
 * Threads    one after another; each starts its own workers.
 */
#ifndef STP_BENCH_STORAGE_H
#define STP_BENCH_STORAGE_H

#include "bench/files.h"
#include "bench/state.h"

/* Files up to here are small, from there on large. */
#define STP_BENCH_SMALL_BYTES_MAX ((uint64_t)64 << 10)
#define STP_BENCH_LARGE_BYTES_MIN ((uint64_t)1 << 20)

struct stp_bench_storage {
	struct stp_bench_files small;
	struct stp_bench_files large;
	int is_sampled; /* from options->dir, not made */
	int inodes_dropped;
};

/* Walks the tree hot and, as root, cold; with --dir samples its files into the sets. */
enum stp_errc stp_bench_scan(struct stp_bench *bench, struct stp_bench_storage *storage,
                             struct stp_err *err) STP_MUST_CHECK;

/* Reads the sets hot and cold, through both back ends at several depths; single files for their
 * latency. */
enum stp_errc stp_bench_read(struct stp_bench *bench, struct stp_bench_storage *storage,
                             struct stp_err *err) STP_MUST_CHECK;

/* Reads and hashes the sets from the page cache, as `sign` and `hash` do. */
enum stp_errc stp_bench_hash(struct stp_bench *bench, const struct stp_bench_storage *storage,
                             struct stp_err *err) STP_MUST_CHECK;

/* Creates files, makes them durable, writes much and makes it durable. */
enum stp_errc stp_bench_durable(struct stp_bench *bench, struct stp_err *err) STP_MUST_CHECK;

/* Splits the times of both sets into so much per file and so much per byte. */
struct stp_bench_cost stp_bench_cost_of(const struct stp_bench_storage *storage,
                                        double small_files_per_second,
                                        double large_bytes_per_second);

#endif
