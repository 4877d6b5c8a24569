/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The constants of FIPS 180-4 and RFC 7693, shared by all kernels.
 *
 * Shape      const arrays.
 * Memory     read-only data.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_HASH_CONSTANTS_H
#define STP_HASH_CONSTANTS_H

#include <stdint.h>

extern const uint32_t stp_sha256_k[64];
extern const uint64_t stp_sha512_k[80];
extern const uint32_t stp_sha256_iv[8];
extern const uint64_t stp_sha512_iv[8];
extern const uint64_t stp_blake2b_iv[8];
extern const uint8_t stp_blake2b_sigma[10][16];

#endif
