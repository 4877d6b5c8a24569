/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign/multiply: scalars times the base point B of edwards25519 and a key's own A = aB (RFC 8032
 * section 5.1), many at once. Making a signature needs R = r·B, checking one S·B - k·A, which for
 * bins of a few KB is nearly all the cost of either.
 *
 * Two implementations, of which the processor decides:
 *
 *	libsodium     one at a time; S·B - k·A as (S - ka)·B, which is the same point
 *	AVX-512 IFMA  eight at a time, from tables of multiples (sign/multiply_ifma.h); the check
 *	              computes S·B and k·A themselves: it needs neither a nor r
 *
 * create() compares the second with the first over scalars that use every entry of both tables
 * and over random ones, and compares A with the key's public half. A processor whose vector
 *arithmetic is wrong is refused, not trusted.
 *
 * Shape      at most STP_MULTIPLY_JOBS_MAX jobs a call, best a multiple of 8 near it.
 * Memory     22 KiB locked for what is computed from secrets, wiped by each call; 120 KiB of
 *tables. Ownership  scalars and points are the caller's; the key must outlive the multiplier.
 * Threads    one multiplier per thread.
 */
#ifndef STP_SIGN_MULTIPLY_H
#define STP_SIGN_MULTIPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keys/keys.h"

#define STP_MULTIPLY_JOBS_MAX 64

/* point = s·B - k·A, encoded; with k NULL, s·B. Scalars are reduced modulo the group order (below
 * 2^253). All jobs of a call have k, or none. */
struct stp_multiply_job {
	const uint8_t *s; /* 32 bytes, as k */
	const uint8_t *k;
	uint8_t *point; /* out, 32 bytes */
};

struct stp_multiplier;

/* features as in stp_hasher_create(); 0 is the slow reference. STP_REFUSED when the key in
 * memory or the processor fails the comparison. */
enum stp_errc stp_multiplier_create(const struct stp_key *key, unsigned features,
                                    struct stp_multiplier **out_multiplier,
                                    struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_multiplier_destroy(struct stp_multiplier *multiplier);

/* Does jobs[0, count). 0 when one gives the neutral point or no point: no signature contains those.
 */
int stp_multiply(struct stp_multiplier *multiplier, const struct stp_multiply_job *jobs,
                 size_t count);

/* True while the public key in memory is still the A that stp_multiply() uses: with libsodium a·B,
 * else the one that create() compared. */
int stp_multiplier_fits(const struct stp_multiplier *multiplier);

#endif
