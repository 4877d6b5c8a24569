/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of kernels: reads as a preference list. */
#include "base/cpu.h"
#include "hash/hash.h"
#include "hash/kernel.h"

const struct stp_hash_kernel stp_hash_kernels[] = {
    {"libcrypto", STP_ALG_SHA256, 1, STP_CPU_LIBCRYPTO, 1, stp_sha256_libcrypto},
    {"portable", STP_ALG_SHA256, 1, 0, 1, stp_sha256_portable},

    {"libcrypto", STP_ALG_SHA512, 1, STP_CPU_LIBCRYPTO, 1, stp_sha512_libcrypto},
    {"portable", STP_ALG_SHA512, 1, 0, 1, stp_sha512_portable},

    {"portable", STP_ALG_BLAKE2B_256, 1, 0, 1, stp_blake2b_portable},
};

const size_t stp_hash_kernel_count = sizeof stp_hash_kernels / sizeof stp_hash_kernels[0];

const struct stp_hash_kernel *stp_hash_kernel_next(const struct stp_hash_kernel *after,
                                                   enum stp_alg alg, unsigned features)
{
	const struct stp_hash_kernel *k = after ? after + 1 : stp_hash_kernels;

	for (; k < stp_hash_kernels + stp_hash_kernel_count; k++)
		if (k->alg == alg && (k->features & ~features) == 0)
			return k;
	return NULL;
}

const char *stp_hash_kernel_name(enum stp_alg alg, unsigned features)
{
	return stp_hash_kernel_next(NULL, alg, features)->name;
}
