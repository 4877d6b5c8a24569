/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tournament of losers (Knuth 5.4.1): leaf i is source i of a merge; an inner node holds the
 * loser of the match played there, so after the winner advances only the matches on its way up are
 * played again, one comparison each.
 *
 *	        winner
 *	          │
 *	        node 1
 *	       ╱      ╲
 *	   node 2    node 3
 *	   ╱   ╲      ╱   ╲
 *	  s0   s1    s2   s3
 *
 * Shape      any number of sources; the winner of none is STP_LOSERS_NONE.
 * Memory     8 bytes a source.
 * Ownership  release with stp_losers_release().
 * Threads    one thread.
 */
#ifndef STP_SORT_LOSERS_H
#define STP_SORT_LOSERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define STP_LOSERS_NONE SIZE_MAX

struct stp_losers {
	size_t *nodes; /* node i in [1, count) */
	size_t count;  /* sources */
	size_t winner;
};

/* True when source a comes before source b; a source that has ended comes after all others. */
typedef int stp_losers_before_fn(const void *ctx, size_t a, size_t b);

/* 0 when memory is short. */
static inline int stp_losers_init(struct stp_losers *losers, size_t count)
{
	losers->count = count;
	losers->winner = STP_LOSERS_NONE;
	losers->nodes = calloc(count + 1, sizeof(*losers->nodes));
	return losers->nodes != NULL;
}

static inline void stp_losers_release(struct stp_losers *losers)
{
	free(losers->nodes);
	losers->nodes = NULL;
}

/* Plays source's matches up to the root. While the tree is built, the first to arrive at a node
 * waits there. Inlined, so that before is inlined too. */
static inline __attribute__((always_inline)) void stp_losers_play(struct stp_losers *losers,
                                                                  size_t source,
                                                                  stp_losers_before_fn *before,
                                                                  const void *ctx)
{
	size_t winner = source;
	size_t node;

	for (node = (source + losers->count) / 2; node > 0; node /= 2) {
		size_t other = losers->nodes[node];

		if (other == STP_LOSERS_NONE) {
			losers->nodes[node] = winner;
			return;
		}
		if (before(ctx, other, winner)) {
			losers->nodes[node] = winner;
			winner = other;
		}
	}
	losers->winner = winner;
}

/* Plays all matches. */
static inline __attribute__((always_inline)) void
stp_losers_start(struct stp_losers *losers, stp_losers_before_fn *before, const void *ctx)
{
	size_t i;

	losers->winner = STP_LOSERS_NONE;
	for (i = 0; i < losers->count; i++)
		losers->nodes[i] = STP_LOSERS_NONE;
	for (i = 0; i < losers->count; i++)
		stp_losers_play(losers, i, before, ctx);
}

#endif
