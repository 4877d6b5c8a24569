/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of every bin, in parallel: its bytes against the snapshot, its signatures, its form,
 * and each target's path, digests and bin.
 *
 *	next bin ─▶ worker{ read ─▶ listed? ─▶ parse ─▶ signatures ─▶ SHA-256(path) ─▶ right bin? }
 *
 * Every signature is checked by libsodium, and one bin in STP_BINS_TWICE (all when there are few)
 * by libcrypto as well. The SHA-512 of a signature is computed by libsodium, so the hash kernels
 *that sign uses do not check themselves.
 *
 * Shape      one struct of totals; findings for the rest. At most STP_BINS_FINDINGS_MAX findings
 *            of a kind per bin are kept, the others are counted.
 * Memory     per worker: the largest bin file, 48 bytes an entry, 64 KiB for keys.
 * Ownership  the caller's tree and findings.
 * Threads    stp_bins_audit() from one thread; workers inside.
 */
#ifndef STP_VERIFY_BINS_H
#define STP_VERIFY_BINS_H

#include "base/cancel.h"
#include "verify/bin_file.h"
#include "verify/chain.h"

#define STP_BINS_TWICE        16
#define STP_BINS_FEW          1024
#define STP_BINS_FINDINGS_MAX 16

struct stp_bins_totals {
	uint64_t bins_read;
	uint64_t target_count, target_bytes, path_bytes, path_bytes_max, targets_empty;
	uint64_t file_bytes, file_bytes_max;
	uint64_t version_max;
	int64_t expires_min, expires_max; /* 0 when no bin was read */
	unsigned hash_set;                /* of the first bin that has targets */
	struct stp_signature_tally tally;
};

/* Called after each bin by its worker, with the bytes that were read. */
typedef void stp_bins_tick_fn(void *ctx, uint64_t bytes);

/* Called with each bin that is well formed and signed, by the worker that checked it. */
typedef enum stp_errc stp_bins_take_fn(void *ctx, size_t worker_index, size_t bin_index,
                                       const struct stp_bin_file *bin, struct stp_err *err);

struct stp_bins_options {
	const struct stp_chain *tree;
	struct stp_finding_list *findings;
	int64_t now, expires_within_s;
	size_t jobs; /* 0: the serial reference */
	struct stp_cancel *cancel;
	stp_bins_tick_fn *tick; /* may be NULL */
	void *tick_ctx;
	stp_bins_take_fn *take; /* may be NULL */
	void *take_ctx;
};

enum stp_errc stp_bins_audit(const struct stp_bins_options *options,
                             struct stp_bins_totals *out_totals,
                             struct stp_err *err) STP_MUST_CHECK;

/* File name of a bin that the snapshot lists: V.ROLE.json. */
void stp_bin_file_name(const struct stp_chain_bin *bin, char *out, size_t size);

#endif
