/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a partly filled kernel in the fastest way.
 *
 *	live lanes:  16 … 11      10 … 5          4 … 2        1
 *	             all 16       8 lanes, then   2 lanes      single stream
 *
 * Shape      lanes [0, live) of the state hold messages; the rest is idle.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_HASH_LANES_H
#define STP_HASH_LANES_H

#include "hash/kernel.h"

#define STP_HASH_CHAIN_MAX 8

/* The kernels for one algorithm that features allow, best first; states have the lanes of the
 * first one. */
struct stp_hash_chain {
	const struct stp_hash_kernel *kernels[STP_HASH_CHAIN_MAX];
	unsigned count;
};

void stp_hash_chain_init(struct stp_hash_chain *chain, enum stp_alg alg, unsigned features);

/* Compresses block_count blocks at data[l] into each lane l in [0, live). data has an entry for
 * each lane of the first kernel; entries from live on are overwritten. */
void stp_hash_chain_run(const struct stp_hash_chain *chain, struct stp_hash_state *state,
                        const uint8_t **data, unsigned live, size_t block_count);

/* Copies one lane between states of two kernels of one algorithm. */
void stp_hash_lane_copy(const struct stp_hash_kernel *from, const struct stp_hash_state *source,
                        unsigned source_lane, const struct stp_hash_kernel *to,
                        struct stp_hash_state *target, unsigned target_lane);

#endif
