/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sum over a whole list, to tell in the next run that it is byte for byte the same.
 *
 *	list ─▶ pieces of 1 MiB ─▶ XXH3-64, seeded ─▶ [sums] ─▶ XXH3-64, seeded ─▶ sum
 *
 * In pieces, so that several threads can make it from a file; the reader of the list makes the same
 * while it reads. Who knows the seed can find another list with the same sum, so it is a secret.
 *
 * Shape      a number that is never 0.
 * Memory     8 bytes per piece while threads make it; a buffer of 1 MiB per thread.
 * Ownership  stp_list_sum_init() allocates, stp_list_sum_release() frees.
 * Threads    a struct stp_list_sum belongs to one thread (or its lock).
 */
#ifndef STP_SCAN_LIST_SUM_H
#define STP_SCAN_LIST_SUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

struct stp_list_sum {
	uint64_t seed;
	void *piece; /* XXH3 states */
	void *whole;
	size_t piece_bytes;
};

/* STP_IO when memory is short. */
enum stp_errc stp_list_sum_init(struct stp_list_sum *sum, uint64_t seed,
                                struct stp_err *err) STP_MUST_CHECK;
void stp_list_sum_add(struct stp_list_sum *sum, const void *bytes, size_t count);
/* The sum of all that was added. */
uint64_t stp_list_sum_final(struct stp_list_sum *sum);
void stp_list_sum_release(struct stp_list_sum *sum);

/* The sum of the regular file fd from its start, made by jobs threads; its offset stays. */
enum stp_errc stp_list_sum_file(int fd, const char *name, uint64_t seed, size_t jobs,
                                struct stp_cancel *cancel, uint64_t *out_sum,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
