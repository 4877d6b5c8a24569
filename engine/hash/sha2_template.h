/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 and SHA-512 over lanes (FIPS 180-4 sections 6.2.2 and 6.4.2). Included once for each
 * kernel, after these are defined; all of them are undefined at the end:
 *
 *	NAME         the kernel's function              TARGET   its target attribute
 *	WORD_BITS    32: SHA-256, 64: SHA-512            LANES    words in a VEC
 *	VEC          vector type                         LOAD(p), STORE(p, x)   aligned
 *	UNROLL_ROUNDS   STP_UNROLL(4), or nothing where the code would outgrow the µop cache
 *	SET1(p)      every lane = the word at p          LOAD_BLOCK(w, data, offset)
 *	                                             16 message words
 *	ADD(x, y)  ROR(x, n)  SHR(x, n)  XOR3(x, y, z)  CH(x, y, z)  MAJ(x, y, z)
 *
 * The message schedule is a ring of 16 vectors: round t uses w[t % 16] and puts w[t + 16] there,
 * so that 16 + 8 values live in 32 registers (AVX-512) or the ring in the first-level cache (AVX2).
 */
#if WORD_BITS == 32
#define WORD      uint32_t
#define CONSTANTS stp_sha256_k
#define ROUNDS    64
#define STATE     u.w32
#define BIG0(x)   XOR3(ROR(x, 2), ROR(x, 13), ROR(x, 22))
#define BIG1(x)   XOR3(ROR(x, 6), ROR(x, 11), ROR(x, 25))
#define SMALL0(x) XOR3(ROR(x, 7), ROR(x, 18), SHR(x, 3))
#define SMALL1(x) XOR3(ROR(x, 17), ROR(x, 19), SHR(x, 10))
#else
#define WORD      uint64_t
#define CONSTANTS stp_sha512_k
#define ROUNDS    80
#define STATE     u.w64
#define BIG0(x)   XOR3(ROR(x, 28), ROR(x, 34), ROR(x, 39))
#define BIG1(x)   XOR3(ROR(x, 14), ROR(x, 18), ROR(x, 41))
#define SMALL0(x) XOR3(ROR(x, 1), ROR(x, 8), SHR(x, 7))
#define SMALL1(x) XOR3(ROR(x, 19), ROR(x, 61), SHR(x, 6))
#endif

#define ROUND(a, b, c, d, e, f, g, h, i)                                                    \
	do {                                                                                \
		VEC t1_ = ADD(ADD(h, ADD(w[i], SET1(k + (i)))), ADD(BIG1(e), CH(e, f, g))); \
		d = ADD(d, t1_);                                                            \
		h = ADD(t1_, ADD(BIG0(a), MAJ(a, b, c)));                                   \
	} while (0)

#define SCHEDULE(i)                                       \
	(w[i] = ADD(ADD(w[i], SMALL0(w[((i) + 1) & 15])), \
	            ADD(w[((i) + 9) & 15], SMALL1(w[((i) + 14) & 15]))))

/* Eight rounds bring the names back to where they were. */
#define ROUNDS_8(i, AFTER)                              \
	do {                                            \
		ROUND(a, b, c, d, e, f, g, h, (i) + 0); \
		AFTER((i) + 0);                         \
		ROUND(h, a, b, c, d, e, f, g, (i) + 1); \
		AFTER((i) + 1);                         \
		ROUND(g, h, a, b, c, d, e, f, (i) + 2); \
		AFTER((i) + 2);                         \
		ROUND(f, g, h, a, b, c, d, e, (i) + 3); \
		AFTER((i) + 3);                         \
		ROUND(e, f, g, h, a, b, c, d, (i) + 4); \
		AFTER((i) + 4);                         \
		ROUND(d, e, f, g, h, a, b, c, (i) + 5); \
		AFTER((i) + 5);                         \
		ROUND(c, d, e, f, g, h, a, b, (i) + 6); \
		AFTER((i) + 6);                         \
		ROUND(b, c, d, e, f, g, h, a, (i) + 7); \
		AFTER((i) + 7);                         \
	} while (0)

#define NOTHING(i) ((void)0)

TARGET void NAME(struct stp_hash_state *state, const uint8_t *const *data, size_t block_count)
{
	WORD *s = state->STATE;
	size_t offset;
	int t;

	for (offset = 0; block_count; block_count--, offset += WORD_BITS * 2) {
		const WORD *k;
		VEC a = LOAD(s + 0 * LANES);
		VEC b = LOAD(s + 1 * LANES);
		VEC c = LOAD(s + 2 * LANES);
		VEC d = LOAD(s + 3 * LANES);
		VEC e = LOAD(s + 4 * LANES);
		VEC f = LOAD(s + 5 * LANES);
		VEC g = LOAD(s + 6 * LANES);
		VEC h = LOAD(s + 7 * LANES);
		VEC w[16];

		LOAD_BLOCK(w, data, offset);
		UNROLL_ROUNDS
		for (t = 0; t < ROUNDS - 16; t += 16) {
			k = CONSTANTS + t;
			ROUNDS_8(0, SCHEDULE);
			ROUNDS_8(8, SCHEDULE);
		}
		k = CONSTANTS + ROUNDS - 16;
		ROUNDS_8(0, NOTHING);
		ROUNDS_8(8, NOTHING);
		STORE(s + 0 * LANES, ADD(a, LOAD(s + 0 * LANES)));
		STORE(s + 1 * LANES, ADD(b, LOAD(s + 1 * LANES)));
		STORE(s + 2 * LANES, ADD(c, LOAD(s + 2 * LANES)));
		STORE(s + 3 * LANES, ADD(d, LOAD(s + 3 * LANES)));
		STORE(s + 4 * LANES, ADD(e, LOAD(s + 4 * LANES)));
		STORE(s + 5 * LANES, ADD(f, LOAD(s + 5 * LANES)));
		STORE(s + 6 * LANES, ADD(g, LOAD(s + 6 * LANES)));
		STORE(s + 7 * LANES, ADD(h, LOAD(s + 7 * LANES)));
	}
}

#undef ROUND
#undef SCHEDULE
#undef ROUNDS_8
#undef NOTHING
#undef BIG0
#undef BIG1
#undef SMALL0
#undef SMALL1
#undef WORD
#undef CONSTANTS
#undef ROUNDS
#undef STATE
#undef NAME
#undef TARGET
#undef WORD_BITS
#undef LANES
#undef UNROLL_ROUNDS
#undef VEC
#undef LOAD
#undef STORE
#undef SET1
#undef LOAD_BLOCK
#undef ADD
#undef ROR
#undef SHR
#undef XOR3
#undef CH
#undef MAJ
