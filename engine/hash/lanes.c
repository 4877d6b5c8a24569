/* SPDX-License-Identifier: Apache-2.0 */
#include "hash/lanes.h"

#include "base/err.h"

void stp_hash_chain_init(struct stp_hash_chain *chain, enum stp_alg alg, unsigned features)
{
	const struct stp_hash_kernel *kernel = NULL;

	chain->count = 0;
	while ((kernel = stp_hash_kernel_next(kernel, alg, features))) {
		STP_ASSERT(chain->count < STP_HASH_CHAIN_MAX);
		chain->kernels[chain->count++] = kernel;
	}
	STP_ASSERT(chain->count && chain->kernels[chain->count - 1]->live_min == 1);
}

void stp_hash_lane_copy(const struct stp_hash_kernel *from, const struct stp_hash_state *source,
                        unsigned source_lane, const struct stp_hash_kernel *to,
                        struct stp_hash_state *target, unsigned target_lane)
{
	uint64_t words[STP_HASH_WORDS];
	int blake2b = from->alg == STP_ALG_BLAKE2B_256;

	stp_state_get(source, from, source_lane, words);
	stp_state_put(target, to, target_lane, words, blake2b ? source->counter[source_lane] : 0,
	              blake2b ? source->last[source_lane] : 0);
}

/* Runs lanes [first, first + count) of a wider state with a narrower kernel. */
static void run_narrow(const struct stp_hash_kernel *wide, struct stp_hash_state *state,
                       const uint8_t *const *data, unsigned first, unsigned count,
                       const struct stp_hash_kernel *kernel, size_t block_count)
{
	const uint8_t *pointers[STP_HASH_LANES_MAX];
	struct stp_hash_state narrow;
	unsigned lane;

	for (lane = 0; lane < kernel->lanes; lane++) {
		unsigned from = first + (lane < count ? lane : 0);

		pointers[lane] = data[from];
		stp_hash_lane_copy(wide, state, from, kernel, &narrow, lane);
	}
	kernel->run(&narrow, pointers, block_count);
	for (lane = 0; lane < count; lane++)
		stp_hash_lane_copy(kernel, &narrow, lane, wide, state, first + lane);
}

void stp_hash_chain_run(const struct stp_hash_chain *chain, struct stp_hash_state *state,
                        const uint8_t **data, unsigned live, size_t block_count)
{
	const struct stp_hash_kernel *wide = chain->kernels[0];
	unsigned first = 0;
	unsigned i;

	if (live >= wide->live_min) {
		for (i = live; i < wide->lanes; i++)
			data[i] = data[0];
		wide->run(state, data, block_count);
		return;
	}
	for (i = 1; first < live && i < chain->count; i++) {
		const struct stp_hash_kernel *kernel = chain->kernels[i];

		while (live - first >= kernel->live_min) {
			unsigned count =
			    live - first < kernel->lanes ? live - first : kernel->lanes;

			run_narrow(wide, state, data, first, count, kernel, block_count);
			first += count;
			if (first == live)
				return;
		}
	}
}
