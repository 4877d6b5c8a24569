/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a forged bin changes: its targets, held against the bins of the last known good.
 *
 *	forged bin ─▶ SHA-256(path) ─▶ good bin that serves it ─▶ merge by path ─▶ changed, added,
 *removed
 *
 * The good side may have another number of bins; targets that a forgery leaves out are found when
 * it covers the whole of one good bin.
 *
 * Shape      one bin in, counts and the first targets out.
 * Memory     16 bytes an entry, one good bin at a time.
 * Ownership  texts are copied to the caller's arena.
 * Threads    one thread.
 */
#ifndef STP_RUN_ROTATE_FORGED_H
#define STP_RUN_ROTATE_FORGED_H

#include "base/arena.h"
#include "stampede/stolen.h"
#include "verify/half.h"

struct stp_forged_in {
	const struct stp_side *good;
	struct stp_half *half; /* reused for each bin */
	struct stp_arena *arena;
	size_t kept_max; /* targets to keep one by one */
};

/* Fills the counts and targets of forgery from bin; is_compared stays 0 when the good side's bin
 * cannot be read. */
enum stp_errc stp_forged_compare(const struct stp_forged_in *in, const struct stp_bin_file *bin,
                                 struct stp_forgery *forgery, struct stp_err *err) STP_MUST_CHECK;

#endif
