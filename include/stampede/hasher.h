/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of many messages in memory at once.
 *
 * A hash is serial within one message, so speed comes from hashing many side by side, one per SIMD
 * lane: four to sixteen at a time, by processor and algorithm (stp_alg_kernel_name()). Hundreds of
 * messages in one call keep all lanes busy, whatever their lengths. For files, see stampede/hash.h.
 *
 * Shape      message i has its digests at digests + i * stp_alg_set_digest_bytes(hash_set), packed
 *            in the order of enum stp_alg: find one with stp_alg_set_offset().
 * Memory     none allocated; some tens of kilobytes of stack.
 * Ownership  messages and digests are the caller's and may not overlap.
 * Threads    any thread; each call works in the thread that makes it.
 */
#ifndef STAMPEDE_HASHER_H
#define STAMPEDE_HASHER_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/alg.h"
#include "stampede/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_message {
	const void *bytes; /* may be NULL when byte_count is 0 */
	size_t byte_count;
};

/* Hashes count messages with each algorithm of hash_set (STP_ALG_BIT()s). STP_CONFIG when hash_set
 * is empty or has an unknown algorithm. */
STP_API enum stp_errc stp_hash_messages(unsigned hash_set, const struct stp_message *messages,
                                        size_t count, uint8_t *digests,
                                        struct stp_err *err) STP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
