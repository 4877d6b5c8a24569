/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of lengths that others chose. A sparse file may claim up to 8 EiB less one byte, so a few of
 * them exceed 64 bits: the sum stays at its largest value, which off_t and the JSON readers of
 * reports still accept.
 *
 * Shape      bytes, 0 … STP_SUM_MAX.
 * Memory     none.
 * Ownership  none.
 * Threads    stp_sum_add() is plain arithmetic; stp_sum_add_shared() from any thread.
 */
#ifndef STP_BASE_SUM_H
#define STP_BASE_SUM_H

#include <stdatomic.h>
#include <stdint.h>

#define STP_SUM_MAX ((uint64_t)INT64_MAX)

/* a + b, at most STP_SUM_MAX. */
static inline uint64_t stp_sum_add(uint64_t a, uint64_t b)
{
	return b < STP_SUM_MAX && a < STP_SUM_MAX - b ? a + b : STP_SUM_MAX;
}

/* Adds bytes to *sum and returns what it was before. Relaxed, as counters are. */
static inline uint64_t stp_sum_add_shared(atomic_uint_fast64_t *sum, uint64_t bytes)
{
	uint_fast64_t before = atomic_load_explicit(sum, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(sum, &before, stp_sum_add(before, bytes),
	                                              memory_order_relaxed, memory_order_relaxed))
		;
	return before;
}

#endif
