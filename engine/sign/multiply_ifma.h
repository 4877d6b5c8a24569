/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiples of two fixed points of edwards25519 (RFC 8032 section 5.1), eight at a time: the base
 * point B and one signer's A = aB. For sign/multiply.c, which checks the results.
 *
 * A scalar is 64 digits of radix 16, each from -8 to 8; a table holds 1, 2 … 8 times 16^i·B for
 * every position i, so a multiple is 64 additions and no doubling (the method of Bernstein, Duif,
 * Lange, Schwabe and Yang, "High-speed high-security signatures", 2011, section 4). A register
 * has eight words, as many as there are entries: one permutation picks an entry for each lane, in
 * the same time for all digits.
 *
 * Shape      jobs of 8 side by side; a count that is not a multiple of 8 wastes lanes.
 * Memory     struct stp_ifma_tables 120 KiB, public; struct stp_ifma_work 22 KiB, secret: digits
 *            and points, wiped before return, as is the stack that sums were spilled to.
 * Ownership  all the caller's, 64-byte aligned.
 * Threads    tables are read-only once made; one work per thread.
 * Time       no branch and no address depends on a scalar.
 */
#ifndef STP_SIGN_MULTIPLY_IFMA_H
#define STP_SIGN_MULTIPLY_IFMA_H

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#include "sign/multiply.h"

#define STP_IFMA_LANES     8
#define STP_IFMA_POSITIONS 64

/* Limbs of 51 bits, the lowest first, each of eight lanes. Carried: every limb below 2^51 + 2^14.
 */
struct stp_ifma_field {
	__m512i limb[5];
};

/* (X : Y : Z : T), x = X/Z, y = Y/Z, T = XY/Z. */
struct stp_ifma_point {
	struct stp_ifma_field x;
	struct stp_ifma_field y;
	struct stp_ifma_field z;
	struct stp_ifma_field t;
};

/* y + x, y - x and 2dxy of an affine point. */
struct stp_ifma_entry {
	struct stp_ifma_field sum;
	struct stp_ifma_field difference;
	struct stp_ifma_field product;
};

/* Lane j of entry i is (j + 1)·16^i times the point. */
struct stp_ifma_table {
	struct stp_ifma_entry at[STP_IFMA_POSITIONS];
};

struct stp_ifma_tables {
	struct stp_ifma_table base; /* of B */
	struct stp_ifma_table key;  /* of A */
};

struct stp_ifma_work {
	int8_t s_digits[STP_IFMA_POSITIONS][STP_MULTIPLY_JOBS_MAX];
	int8_t k_digits[STP_IFMA_POSITIONS][STP_MULTIPLY_JOBS_MAX];
	struct stp_ifma_point points[STP_MULTIPLY_JOBS_MAX / STP_IFMA_LANES];
	struct stp_ifma_field products[STP_MULTIPLY_JOBS_MAX / STP_IFMA_LANES];
	uint64_t x_limbs[5][STP_IFMA_LANES];
	uint64_t y_limbs[5][STP_IFMA_LANES];
};

/* Fills the tables of B and of A = aB, and writes A encoded (RFC 8032 section 5.1.2). 0 when there
 * is no memory. Needs STP_CPU_IFMA, as the next does. */
int stp_ifma_make_tables(struct stp_ifma_tables *tables, struct stp_ifma_work *work,
                         const uint8_t scalar[32], uint8_t out_public[32]);

/* jobs[0, count) as stp_multiply(); count is at most STP_MULTIPLY_JOBS_MAX. Scalars are below
 * 2^253. */
void stp_ifma_multiply(const struct stp_ifma_tables *tables, struct stp_ifma_work *work,
                       const struct stp_multiply_job *jobs, size_t count);

#endif
#endif
