/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/faultpoint.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define KNOWN 0x80000000u

static unsigned detect(void)
{
	unsigned set = STP_CPU_SINGLE;

#if defined(__x86_64__)
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	/* __builtin_cpu_supports() also asks XGETBV whether the system saves the registers. */
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		set |= STP_CPU_AVX2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		set |= STP_CPU_AVX512;
	if ((set & STP_CPU_AVX512) && __builtin_cpu_supports("avx512ifma"))
		set |= STP_CPU_IFMA;
	/* SHA: CPUID leaf 7, EBX bit 29 (Intel SDM volume 2, CPUID); gcc 12 has no name for it. */
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) &&
	    __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3"))
		set |= STP_CPU_SHANI;
#endif
	return set;
}

#ifdef STP_TEST_HOOKS
static unsigned disabled(void)
{
	const char *list = stp_hook_variable("STAMPEDE_CPU_DISABLE");
	unsigned set = 0;

	if (!list)
		return 0;
	if (strstr(list, "all"))
		return ~0u;
	if (strstr(list, "avx512"))
		set |= STP_CPU_AVX512 | STP_CPU_IFMA;
	if (strstr(list, "ifma"))
		set |= STP_CPU_IFMA;
	if (strstr(list, "avx2"))
		set |= STP_CPU_AVX2;
	if (strstr(list, "shani"))
		set |= STP_CPU_SHANI;
	return set;
}
#else
static unsigned disabled(void)
{
	return 0;
}
#endif

unsigned stp_cpu_features(void)
{
	static atomic_uint features;
	unsigned set = atomic_load_explicit(&features, memory_order_relaxed);

	if (!(set & KNOWN)) {
		set = (detect() & ~disabled()) | KNOWN;
		atomic_store_explicit(&features, set, memory_order_relaxed);
	}
	return set & ~KNOWN;
}
