/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b for one stream in unrolled C: the fallback where libcrypto offers no chaining value. */
#include "base/bytes.h"
#include "hash/constants.h"
#include "hash/kernel.h"

static inline void load_block(uint64_t m[16], const uint8_t *p)
{
	int i;

	STP_UNROLL(16)
	for (i = 0; i < 16; i++)
		m[i] = stp_load64_le(p + 8 * i);
}

static inline uint64_t ror(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

#define NAME stp_blake2b_scalar
#define TARGET
#define LANES                       1
#define VEC                         uint64_t
#define LOAD(p)                     (*(p))
#define STORE(p, x)                 (*(p) = (x))
#define SET1(p)                     (*(p))
#define LOAD_BLOCK(m, data, offset) load_block(m, (data)[0] + (offset))
#define ADD(x, y)                   ((x) + (y))
#define XOR(x, y)                   ((x) ^ (y))
#define ROR32(x)                    ror(x, 32)
#define ROR24(x)                    ror(x, 24)
#define ROR16(x)                    ror(x, 16)
#define ROR63(x)                    ror(x, 63)
#include "hash/blake2b_template.h"
