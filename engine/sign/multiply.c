/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/multiply.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/faultpoint.h"
#include "sign/multiply_ifma.h"

/* Scalars with which create() compares both implementations: one for each lane. */
#define TRIALS 8

struct stp_multiplier {
	const struct stp_key *key;
	uint8_t *scratch; /* 32 bytes, locked: S - ka */
#if defined(__x86_64__)
	uint8_t public_key[32];         /* A, as in the tables */
	struct stp_ifma_tables *tables; /* NULL: libsodium */
	struct stp_ifma_work *work;     /* locked */
#endif
};

/* ------------------------------------------------------------------ one at a time */

static int multiply_one(struct stp_multiplier *multiplier, const struct stp_multiply_job *job)
{
	if (!job->k)
		return crypto_scalarmult_ed25519_base_noclamp(job->point, job->s) == 0;
	crypto_core_ed25519_scalar_mul(multiplier->scratch, job->k,
	                               stp_key_secret(multiplier->key)->scalar);
	crypto_core_ed25519_scalar_sub(multiplier->scratch, job->s, multiplier->scratch);
	return crypto_scalarmult_ed25519_base_noclamp(job->point, multiplier->scratch) == 0;
}

static int multiply_each(struct stp_multiplier *multiplier, const struct stp_multiply_job *jobs,
                         size_t count)
{
	int is_done = 1;
	size_t i;

	for (i = 0; i < count && is_done; i++)
		is_done = multiply_one(multiplier, &jobs[i]);
	sodium_memzero(multiplier->scratch, 32);
	return is_done;
}

/* ------------------------------------------------------------------ eight at a time */

#if defined(__x86_64__)

static const uint8_t neutral_point[32] = {1};

/* A lane whose point a hardware fault has zeroed encodes as 32 zeros, in signing and checking. */
static int multiply_lanes(struct stp_multiplier *multiplier, const struct stp_multiply_job *jobs,
                          size_t count)
{
	size_t i;

	stp_ifma_multiply(multiplier->tables, multiplier->work, jobs, count);
	for (i = 0; i < count; i++)
		if (memcmp(jobs[i].point, neutral_point, 32) == 0 ||
		    sodium_is_zero(jobs[i].point, 32))
			return 0;
	return 1;
}

/* Scalar j of eight: all digits but the last are j + 1, or -8, so that together they use every
 * entry of a table. */
static void sweep_scalar(size_t j, uint8_t out[32])
{
	memset(out, j < 7 ? (int)(j + 1) * 0x11 : 0x77, 32);
	if (j == 7)
		out[0] = 0x78; /* seven plus a carry of one is eight, in every digit */
	out[31] &= 0x0f;
}

/* Scalars for s and k of a self-test; they are not secret. */
static void trial_scalars(int is_sweep, uint8_t s[TRIALS][32], uint8_t k[TRIALS][32])
{
	size_t i;

	for (i = 0; i < TRIALS; i++) {
		if (is_sweep) {
			sweep_scalar(i, s[i]);
			sweep_scalar(i, k[i]);
		} else {
			crypto_core_ed25519_scalar_random(s[i]);
			crypto_core_ed25519_scalar_random(k[i]);
		}
	}
}

/* Compares both implementations over the same scalars. */
static int ways_agree(struct stp_multiplier *multiplier, int is_sweep, int with_key)
{
	uint8_t s[TRIALS][32];
	uint8_t k[TRIALS][32];
	uint8_t points[2][TRIALS][32];
	struct stp_multiply_job jobs[TRIALS];
	int way;
	size_t i;

	trial_scalars(is_sweep, s, k);
	for (way = 0; way < 2; way++) {
		for (i = 0; i < TRIALS; i++)
			jobs[i] =
			    (struct stp_multiply_job){s[i], with_key ? k[i] : NULL, points[way][i]};
		if (!(way ? multiply_each : multiply_lanes)(multiplier, jobs, TRIALS))
			return 0;
	}
	return memcmp(points[0], points[1], sizeof(points[0])) == 0;
}

static enum stp_errc create_lanes(struct stp_multiplier *multiplier, struct stp_err *err)
{
	multiplier->work = sodium_malloc(sizeof(*multiplier->work));
	multiplier->tables = aligned_alloc(64, sizeof(*multiplier->tables));
	if (!multiplier->work || !multiplier->tables ||
	    !stp_ifma_make_tables(multiplier->tables, multiplier->work,
	                          stp_key_secret(multiplier->key)->scalar, multiplier->public_key))
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "no memory for tables of points");
	/* Simulates a table that is damaged in memory. */
	if (STP_FAULT_POINT("sign", "entry"))
		((uint8_t *)&multiplier->tables->base.at[20].sum)[17] ^= 1;
	if (!stp_multiplier_fits(multiplier))
		return STP_FAIL(err, STP_REFUSED, "sign", "online key",
		                "the key in memory does not match its public half; nothing was "
		                "signed: the memory or the processor may be faulty, run again or "
		                "sign on another machine");
	if (!ways_agree(multiplier, 1, 0) || !ways_agree(multiplier, 1, 1) ||
	    !ways_agree(multiplier, 0, 0) || !ways_agree(multiplier, 0, 1))
		return STP_FAIL(err, STP_REFUSED, "sign", "online key",
		                "this processor's vector arithmetic disagrees with "
		                "libsodium; nothing was signed: sign on another machine");
	return STP_OK;
}

static void destroy_lanes(struct stp_multiplier *multiplier)
{
	sodium_free(multiplier->work);
	free(multiplier->tables);
}

#endif

/* ------------------------------------------------------------------ both */

enum stp_errc stp_multiplier_create(const struct stp_key *key, unsigned features,
                                    struct stp_multiplier **out_multiplier, struct stp_err *err)
{
	struct stp_multiplier *multiplier = calloc(1, sizeof(*multiplier));
	enum stp_errc code = STP_OK;

	if (!multiplier)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "no memory for multiples");
	multiplier->key = key;
	multiplier->scratch = sodium_malloc(32);
	if (!multiplier->scratch)
		code = STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "cannot get locked memory");
#if defined(__x86_64__)
	if (code == STP_OK && (features & STP_CPU_IFMA))
		code = create_lanes(multiplier, err);
#else
	(void)features;
#endif
	if (code != STP_OK) {
		stp_multiplier_destroy(multiplier);
		return code;
	}
	*out_multiplier = multiplier;
	return STP_OK;
}

void stp_multiplier_destroy(struct stp_multiplier *multiplier)
{
	if (!multiplier)
		return;
#if defined(__x86_64__)
	destroy_lanes(multiplier);
#endif
	sodium_free(multiplier->scratch);
	free(multiplier);
}

int stp_multiply(struct stp_multiplier *multiplier, const struct stp_multiply_job *jobs,
                 size_t count)
{
	STP_ASSERT(count <= STP_MULTIPLY_JOBS_MAX);
#if defined(__x86_64__)
	if (multiplier->tables)
		return multiply_lanes(multiplier, jobs, count);
#endif
	return multiply_each(multiplier, jobs, count);
}

int stp_multiplier_fits(const struct stp_multiplier *multiplier)
{
	uint8_t point[32];

#if defined(__x86_64__)
	if (multiplier->tables)
		return memcmp(multiplier->public_key, stp_key_public(multiplier->key), 32) == 0;
#endif
	return crypto_scalarmult_ed25519_base_noclamp(
	           point, stp_key_secret(multiplier->key)->scalar) == 0 &&
	       memcmp(point, stp_key_public(multiplier->key), sizeof(point)) == 0;
}
