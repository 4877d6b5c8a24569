/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The features of this processor, detected once before threads start.
 *
 * Shape      a set of STP_CPU_* bits.
 * Memory     one static word.
 * Ownership  none.
 * Threads    stp_cpu_features() from any thread after its first call.
 *
 * In test builds (STP_TEST_HOOKS) the environment variable STAMPEDE_CPU_DISABLE takes a comma
 * separated list of names (avx512, ifma, avx2, shani, or all) to switch off, so that every variant
 * runs on one machine.
 */
#ifndef STP_BASE_CPU_H
#define STP_BASE_CPU_H

#define STP_CPU_AVX2   1u /* AVX2, and the system saves ymm */
#define STP_CPU_AVX512 2u /* F, BW, VL, DQ, and the system saves zmm */
#define STP_CPU_SHANI  4u /* SHA extensions with SSE4.1 and SSSE3 */
/* Single-stream implementations that run on any CPU: libcrypto's assembly, unrolled C. Off only in
 * tests and in the serial reference (features 0). */
#define STP_CPU_SINGLE 8u
#define STP_CPU_IFMA   16u /* AVX-512 IFMA; never without STP_CPU_AVX512 */

/* Features of this CPU that may be used. */
unsigned stp_cpu_features(void);

#endif
