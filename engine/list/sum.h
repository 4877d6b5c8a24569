/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sum over a whole list, by which the next run recognizes that it is byte for byte the same.
 *
 *	list ─▶ chunks of 1 MiB ─▶ blocks of 1 KiB ─▶ NH ─▶ BLAKE2b per chunk ─▶ BLAKE2b ─▶ sum
 *
 * NH is the hash of UMAC (Black, Halevi, Krawczyk, Krovetz and Rogaway, "UMAC: Fast and Secure
 * Message Authentication", 1999) in words of 64 bits: for whoever does not know the key, two
 * different blocks have the same 16 bytes with a probability of 2^-64. BLAKE2b, keyed too, hashes
 * those, and the list's length. All keys come from one secret; without it nobody can make a list
 * that passes for another, except by trying for 2^64 runs.
 *
 * In chunks, so that several threads can compute it from a file; the reader of the list computes
 * the same sum while it reads.
 *
 * Shape      a number that is never 0.
 * Memory     16 bytes per chunk while threads compute it; a buffer of 1 MiB per thread.
 * Ownership  plain structs; the secret is the caller's, and read by init only.
 * Threads    a struct stp_list_sum belongs to one thread (or its lock).
 */
#ifndef STP_LIST_SUM_H
#define STP_LIST_SUM_H

#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "base/cancel.h"
#include "base/err.h"

#define STP_LIST_SUM_KEY_BYTES   32
#define STP_LIST_SUM_BLOCK_BYTES 1024

struct stp_list_sum_key {
	uint64_t nh[STP_LIST_SUM_BLOCK_BYTES / 8];
	uint8_t blake2b[STP_LIST_SUM_KEY_BYTES];
};

struct stp_list_sum {
	crypto_generichash_state chunk; /* first: aligned to 64 bytes */
	crypto_generichash_state whole;
	struct stp_list_sum_key key;
	uint8_t block[STP_LIST_SUM_BLOCK_BYTES];
	size_t block_bytes;
	size_t chunk_bytes;
	uint64_t bytes;
};

/* secret: STP_LIST_SUM_KEY_BYTES. */
void stp_list_sum_init(struct stp_list_sum *sum, const uint8_t *secret);
void stp_list_sum_add(struct stp_list_sum *sum, const void *bytes, size_t count);
/* The sum of everything that was added. */
uint64_t stp_list_sum_final(struct stp_list_sum *sum);

/* The sum of the regular file fd from its start, computed by jobs threads; its offset does not
 * change. */
enum stp_errc stp_list_sum_file(int fd, const char *name, const uint8_t *secret, size_t jobs,
                                struct stp_cancel *cancel, uint64_t *out_sum,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
