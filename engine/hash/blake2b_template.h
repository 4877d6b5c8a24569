/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLAKE2b over lanes (RFC 7693 section 3.2). Included once for each kernel, after these are
 * defined; all of them are undefined at the end:
 *
 *	NAME         the kernel's function              TARGET   its target attribute
 *	LANES        words in a VEC                      VEC      vector type
 *	LOAD(p), STORE(p, x)   aligned                   SET1(p)  every lane = the word at p
 *	LOAD_BLOCK(m, data, offset)   16 message words   ADD(x, y)  XOR(x, y)
 *	ROR32(x)  ROR24(x)  ROR16(x)  ROR63(x)
 *
 * The 16 working values live in registers, the message words in the first-level cache.
 */
#define MIX(a, b, c, d, x, y)             \
	do {                              \
		a = ADD(ADD(a, m[x]), b); \
		d = ROR32(XOR(d, a));     \
		c = ADD(c, d);            \
		b = ROR24(XOR(b, c));     \
		a = ADD(ADD(a, m[y]), b); \
		d = ROR16(XOR(d, a));     \
		c = ADD(c, d);            \
		b = ROR63(XOR(b, c));     \
	} while (0)

/* One round; the arguments are a row of SIGMA (RFC 7693 section 2.7). */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
	do {                                                                        \
		MIX(v0, v4, v8, v12, s0, s1);                                       \
		MIX(v1, v5, v9, v13, s2, s3);                                       \
		MIX(v2, v6, v10, v14, s4, s5);                                      \
		MIX(v3, v7, v11, v15, s6, s7);                                      \
		MIX(v0, v5, v10, v15, s8, s9);                                      \
		MIX(v1, v6, v11, v12, s10, s11);                                    \
		MIX(v2, v7, v8, v13, s12, s13);                                     \
		MIX(v3, v4, v9, v14, s14, s15);                                     \
	} while (0)

#define FINISH(i, x, y) STORE(h + (i)*LANES, XOR(LOAD(h + (i)*LANES), XOR(x, y)))

TARGET void NAME(struct stp_hash_state *state, const uint8_t *const *data, size_t block_count)
{
	static const uint64_t block_bytes = 128;
	uint64_t *h = state->u.w64;
	size_t offset;

	for (offset = 0; block_count; block_count--, offset += 128) {
		VEC v0 = LOAD(h + 0 * LANES);
		VEC v1 = LOAD(h + 1 * LANES);
		VEC v2 = LOAD(h + 2 * LANES);
		VEC v3 = LOAD(h + 3 * LANES);
		VEC v4 = LOAD(h + 4 * LANES);
		VEC v5 = LOAD(h + 5 * LANES);
		VEC v6 = LOAD(h + 6 * LANES);
		VEC v7 = LOAD(h + 7 * LANES);
		VEC t = ADD(LOAD(state->counter), SET1(&block_bytes));
		VEC v8 = SET1(stp_blake2b_iv + 0);
		VEC v9 = SET1(stp_blake2b_iv + 1);
		VEC v10 = SET1(stp_blake2b_iv + 2);
		VEC v11 = SET1(stp_blake2b_iv + 3);
		VEC v12 = XOR(SET1(stp_blake2b_iv + 4), t);
		VEC v13 = SET1(stp_blake2b_iv + 5);
		VEC v14 = XOR(SET1(stp_blake2b_iv + 6), LOAD(state->last));
		VEC v15 = SET1(stp_blake2b_iv + 7);
		VEC m[16];

		STORE(state->counter, t);
		LOAD_BLOCK(m, data, offset);
		ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
		ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
		ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
		ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
		ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
		ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
		ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
		ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
		ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
		ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
		ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
		ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
		FINISH(0, v0, v8);
		FINISH(1, v1, v9);
		FINISH(2, v2, v10);
		FINISH(3, v3, v11);
		FINISH(4, v4, v12);
		FINISH(5, v5, v13);
		FINISH(6, v6, v14);
		FINISH(7, v7, v15);
	}
}

#undef MIX
#undef ROUND
#undef FINISH
#undef NAME
#undef TARGET
#undef LANES
#undef VEC
#undef LOAD
#undef STORE
#undef SET1
#undef LOAD_BLOCK
#undef ADD
#undef XOR
#undef ROR32
#undef ROR24
#undef ROR16
#undef ROR63
