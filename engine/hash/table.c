/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of kernels, in order of preference.
 *
 * live_min is where a kernel overtakes the narrower ones below it, measured with bench_kernels on a
 * Sapphire Rapids core (bench/README.md); a kernel costs the same for any number of live lanes.
 */
#include "base/cpu.h"
#include "hash/hash.h"
#include "hash/kernel.h"

const struct stp_hash_kernel stp_hash_kernels[] = {
#if defined(__x86_64__)
    {"avx512 x16", STP_ALG_SHA256, 16, STP_CPU_AVX512, 11, stp_sha256_avx512_x16},
    {"avx512 x8", STP_ALG_SHA256, 8, STP_CPU_AVX512, 6, stp_sha256_avx512_x8},
    {"sha-ni x2", STP_ALG_SHA256, 2, STP_CPU_SHANI, 2, stp_sha256_shani_x2},
    {"avx2 x8", STP_ALG_SHA256, 8, STP_CPU_AVX2, 4, stp_sha256_avx2_x8},
#endif
    {"libcrypto", STP_ALG_SHA256, 1, STP_CPU_SINGLE, 1, stp_sha256_libcrypto},
    {"portable", STP_ALG_SHA256, 1, 0, 1, stp_sha256_portable},

#if defined(__x86_64__)
    {"avx512 x8", STP_ALG_SHA512, 8, STP_CPU_AVX512, 5, stp_sha512_avx512_x8},
    {"avx512 x4", STP_ALG_SHA512, 4, STP_CPU_AVX512, 2, stp_sha512_avx512_x4},
    {"avx2 x4", STP_ALG_SHA512, 4, STP_CPU_AVX2, 3, stp_sha512_avx2_x4},
#endif
    {"libcrypto", STP_ALG_SHA512, 1, STP_CPU_SINGLE, 1, stp_sha512_libcrypto},
    {"portable", STP_ALG_SHA512, 1, 0, 1, stp_sha512_portable},

#if defined(__x86_64__)
    {"avx512 x8", STP_ALG_BLAKE2B_256, 8, STP_CPU_AVX512, 5, stp_blake2b_avx512_x8},
    {"avx2 x4", STP_ALG_BLAKE2B_256, 4, STP_CPU_AVX2, 2, stp_blake2b_avx2_x4},
#endif
    {"scalar", STP_ALG_BLAKE2B_256, 1, STP_CPU_SINGLE, 1, stp_blake2b_scalar},
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

const char *stp_alg_kernel_name(enum stp_alg alg)
{
	return stp_hash_kernel_name(alg, stp_cpu_features());
}

const char *stp_hash_kernel_name(enum stp_alg alg, unsigned features)
{
	return stp_hash_kernel_next(NULL, alg, features)->name;
}
