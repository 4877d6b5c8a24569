/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash algorithms by the names TUF metadata gives them (securesystemslib's names).
 *
 * A set of algorithms is kept in the order sha256 < sha512 < blake2b-256, which is the order of
 * digests in records; the order of keys in metadata is the canonical one (by code point).
 */
#ifndef STAMPEDE_ALG_H
#define STAMPEDE_ALG_H

#include <stddef.h>

#include "stampede/api.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stp_alg {
	STP_ALG_SHA256 = 0,
	STP_ALG_SHA512 = 1,
	STP_ALG_BLAKE2B_256 = 2,
	STP_ALG_COUNT = 3,
};

#define STP_DIGEST_BYTES_MAX 64

/* A set of algorithms: bit (1u << alg). */
#define STP_ALG_BIT(alg) (1u << (alg))

/* "sha256", "sha512", "blake2b-256"; never NULL for a valid alg. */
STP_API const char *stp_alg_name(enum stp_alg alg);

/* Digest size in bytes: 32, 64, 32. */
STP_API size_t stp_alg_digest_bytes(enum stp_alg alg);

/* Block size in bytes of the compression function: 64, 128, 128. */
STP_API size_t stp_alg_block_bytes(enum stp_alg alg);

/* The implementation in use on this processor, such as "avx512 x8": what it is made for and how
 * many messages it hashes at once; static string. */
STP_API const char *stp_alg_kernel_name(enum stp_alg alg);

/* The algorithm called name (length name_bytes, exact, lower case), or -1. */
STP_API int stp_alg_from_name(const char *name, size_t name_bytes);

/* Parses "sha512" or "sha256,blake2b-256" into a set; 0 when a name is unknown or repeated. */
STP_API unsigned stp_alg_set_parse(const char *list);

/* Sum of digest sizes of the set, in bytes. */
STP_API size_t stp_alg_set_digest_bytes(unsigned set);

/* Byte offset of alg's digest within the set's packed digests (order of enum stp_alg). */
STP_API size_t stp_alg_set_offset(unsigned set, enum stp_alg alg);

#ifdef __cplusplus
}
#endif
#endif
