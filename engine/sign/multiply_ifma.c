/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512 IFMA multiplies eight pairs of 52-bit words and adds the low or the high 52 bits of each
 * product. With limbs of 51 bits a product's high half weighs twice the next limb, so high halves
 * are summed separately and doubled once.
 *
 * Formulas: Hisil, Wong, Carter and Dawson, "Twisted Edwards curves revisited", 2008, for a = -1:
 * mixed addition in 7 multiplications (complete: it doubles, and adds the neutral point, too),
 * doubling in 8. Bounds are given as the size of a limb.
 */
#include "sign/multiply_ifma.h"

#if defined(__x86_64__)

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hash/kernel.h"

#define IFMA   __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512ifma")))
#define INLINE static inline __attribute__((always_inline)) IFMA

#define LIMB_BITS 51
#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)

typedef struct stp_ifma_field field;
typedef struct stp_ifma_point point;
typedef struct stp_ifma_entry entry;

/* RFC 8032 section 5.1: B, and 2d. */
static const uint64_t base_x[5] = {0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d,
                                   0x1ff60527118fe, 0x216936d3cd6e5};
static const uint64_t base_y[5] = {0x6666666666658, 0x4cccccccccccc, 0x1999999999999,
                                   0x3333333333333, 0x6666666666666};
static const uint64_t twice_d[5] = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                                    0x6738cc7407977, 0x2406d9dc56dff};

/* --- the field, modulo 2^255 - 19 ------------------------------------------------------------ */

INLINE field broadcast(const uint64_t limbs[5])
{
	field out;
	int i;

	STP_UNROLL(5)
	for (i = 0; i < 5; i++)
		out.limb[i] = _mm512_set1_epi64((long long)limbs[i]);
	return out;
}

INLINE field small(long long value)
{
	field out = {{_mm512_set1_epi64(value)}};
	int i;

	STP_UNROLL(4)
	for (i = 1; i < 5; i++)
		out.limb[i] = _mm512_setzero_si512();
	return out;
}

/* Limbs below 2^60.5 → carried. */
INLINE field carry(const __m512i in[5])
{
	const __m512i mask = _mm512_set1_epi64((long long)LIMB_MASK);
	__m512i over[5];
	field out;
	int i;

	STP_UNROLL(5)
	for (i = 0; i < 5; i++)
		over[i] = _mm512_srli_epi64(in[i], LIMB_BITS);
	out.limb[0] =
	    _mm512_madd52lo_epu64(_mm512_and_si512(in[0], mask), over[4], _mm512_set1_epi64(19));
	STP_UNROLL(4)
	for (i = 1; i < 5; i++)
		out.limb[i] = _mm512_add_epi64(_mm512_and_si512(in[i], mask), over[i - 1]);
	return out;
}

INLINE field add(const field *a, const field *b)
{
	__m512i sum[5];
	int i;

	STP_UNROLL(5)
	for (i = 0; i < 5; i++)
		sum[i] = _mm512_add_epi64(a->limb[i], b->limb[i]);
	return carry(sum);
}

/* 2p in limbs, each larger than any carried limb. */
INLINE __m512i twice_p(int i)
{
	return _mm512_set1_epi64((long long)(2 * LIMB_MASK - (i == 0 ? 36 : 0)));
}

INLINE field subtract(const field *a, const field *b)
{
	__m512i difference[5];
	int i;

	STP_UNROLL(5)
	for (i = 0; i < 5; i++)
		difference[i] =
		    _mm512_sub_epi64(_mm512_add_epi64(a->limb[i], twice_p(i)), b->limb[i]);
	return carry(difference);
}

/* Nineteen times words below 2^59. */
INLINE __m512i times19(__m512i x)
{
	return _mm512_add_epi64(_mm512_add_epi64(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 1)),
	                        x);
}

/* Limbs below 2^52. Sums: five halves each below 2^52, the high ones doubled, stay below 2^56; the
 * upper five come down times 19, below 2^60.5. */
INLINE field multiply(const field *a, const field *b)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512i low[10];
	__m512i high[10];
	__m512i sum[5];
	int i;
	int j;

	STP_UNROLL(10)
	for (i = 0; i < 10; i++)
		low[i] = high[i] = zero;
	STP_UNROLL(5)
	for (i = 0; i < 5; i++) {
		STP_UNROLL(5)
		for (j = 0; j < 5; j++) {
			low[i + j] = _mm512_madd52lo_epu64(low[i + j], a->limb[i], b->limb[j]);
			high[i + j + 1] =
			    _mm512_madd52hi_epu64(high[i + j + 1], a->limb[i], b->limb[j]);
		}
	}
	STP_UNROLL(10)
	for (i = 0; i < 10; i++)
		low[i] = _mm512_add_epi64(low[i], _mm512_slli_epi64(high[i], 1));
	STP_UNROLL(5)
	for (i = 0; i < 5; i++)
		sum[i] = _mm512_add_epi64(low[i], times19(low[i + 5]));
	return carry(sum);
}

/* a^(2^count) */
IFMA static field square_times(field a, int count)
{
	while (count-- > 0)
		a = multiply(&a, &a);
	return a;
}

/* 1/a = a^(p - 2), and 0 of 0: 254 squarings and 11 multiplications, Fermat. */
IFMA static field invert(field a)
{
	field a2 = square_times(a, 1);
	field a9 = square_times(a2, 2);
	field a11;
	field power; /* of a, to 2^n - 1 */
	field power10;
	field power50;
	field t;

	a9 = multiply(&a9, &a);
	a11 = multiply(&a9, &a2);
	t = square_times(a11, 1);
	power = multiply(&t, &a9); /* n = 5 */
	t = square_times(power, 5);
	power10 = multiply(&t, &power);
	t = square_times(power10, 10);
	power = multiply(&t, &power10); /* 20 */
	t = square_times(power, 20);
	t = multiply(&t, &power); /* 40 */
	t = square_times(t, 10);
	power50 = multiply(&t, &power10);
	t = square_times(power50, 50);
	power = multiply(&t, &power50); /* 100 */
	t = square_times(power, 100);
	t = multiply(&t, &power); /* 200 */
	t = square_times(t, 50);
	t = multiply(&t, &power50); /* 250 */
	t = square_times(t, 5);
	return multiply(&t, &a11);
}

/* ------------------------------------------------------------------ points */

INLINE point neutral(void)
{
	point out = {small(0), small(1), small(1), small(0)};

	return out;
}

INLINE void add_entry(point *p, const entry *q)
{
	field a = subtract(&p->y, &p->x);
	field b = add(&p->y, &p->x);
	field c = multiply(&p->t, &q->product);
	field d = add(&p->z, &p->z);
	field e;
	field f = subtract(&d, &c);
	field g = add(&d, &c);
	field h;

	a = multiply(&a, &q->difference);
	b = multiply(&b, &q->sum);
	e = subtract(&b, &a);
	h = add(&b, &a);
	p->x = multiply(&e, &f);
	p->y = multiply(&g, &h);
	p->z = multiply(&f, &g);
	p->t = multiply(&e, &h);
}

IFMA static void double_point(point *p)
{
	field a = multiply(&p->x, &p->x);
	field b = multiply(&p->y, &p->y);
	field c = multiply(&p->z, &p->z);
	field h = add(&a, &b);
	field g = subtract(&b, &a);
	field xy = add(&p->x, &p->y);
	field e;
	field f;

	c = add(&c, &c);
	xy = multiply(&xy, &xy);
	/* F and H of the paper negated: that scales the point by -1, which is the same point. */
	e = subtract(&xy, &h);
	f = subtract(&c, &g);
	p->x = multiply(&e, &f);
	p->y = multiply(&g, &h);
	p->z = multiply(&f, &g);
	p->t = multiply(&e, &h);
}

/* Makes z of each point 1: one inversion for all of them (Montgomery's trick). */
IFMA static void make_affine(point *points, field *products, size_t count)
{
	field inverse;
	size_t i;

	products[0] = points[0].z;
	for (i = 1; i < count; i++)
		products[i] = multiply(&products[i - 1], &points[i].z);
	inverse = invert(products[count - 1]);
	for (i = count; i-- > 0;) {
		field z = i ? multiply(&inverse, &products[i - 1]) : inverse;

		inverse = multiply(&inverse, &points[i].z);
		points[i].x = multiply(&points[i].x, &z);
		points[i].y = multiply(&points[i].y, &z);
		points[i].z = small(1);
		points[i].t = multiply(&points[i].x, &points[i].y);
	}
}

/* Of a point with z = 1. */
IFMA static entry entry_of(const point *p)
{
	const field d2 = broadcast(twice_d);
	entry out;

	out.sum = add(&p->y, &p->x);
	out.difference = subtract(&p->y, &p->x);
	out.product = multiply(&p->t, &d2);
	return out;
}

/* Entry |digit| - 1 for each lane, negated if the digit is negative; the neutral point for 0. */
INLINE entry choose(const entry *at, const int8_t digits[8])
{
	const __m512i zero = _mm512_setzero_si512();
	const __m512i one = _mm512_set1_epi64(1);
	__m512i digit = _mm512_cvtepi8_epi64(_mm_loadl_epi64((const void *)digits));
	__m512i size = _mm512_abs_epi64(digit);
	__m512i index = _mm512_sub_epi64(size, one);
	__mmask8 some = _mm512_test_epi64_mask(size, size);
	__mmask8 minus = _mm512_movepi64_mask(digit);
	entry out;
	int i;

	STP_UNROLL(5)
	for (i = 0; i < 5; i++) {
		const __m512i none = i == 0 ? one : zero;
		__m512i sum = _mm512_mask_permutexvar_epi64(none, some, index, at->sum.limb[i]);
		__m512i difference =
		    _mm512_mask_permutexvar_epi64(none, some, index, at->difference.limb[i]);
		__m512i product = _mm512_maskz_permutexvar_epi64(some, index, at->product.limb[i]);

		out.sum.limb[i] = _mm512_mask_blend_epi64(minus, sum, difference);
		out.difference.limb[i] = _mm512_mask_blend_epi64(minus, difference, sum);
		out.product.limb[i] = _mm512_mask_sub_epi64(product, minus, twice_p(i), product);
	}
	return out;
}

/* ------------------------------------------------------------------ tables */

/* Stores 1 … 8 times the point that all lanes of p hold (z = 1) in the lanes of *out. */
IFMA static void first_eight(const point *p, point *out)
{
	const entry q = entry_of(p);
	int i;

	*out = neutral();
	for (i = 0; i < 8; i++) {
		const __mmask8 lanes = (__mmask8)(0xff << i);
		point sum = *out;
		__m512i *to = (__m512i *)out;
		const __m512i *from = (const __m512i *)&sum;
		size_t k;

		add_entry(&sum, &q);
		for (k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] = _mm512_mask_blend_epi64(lanes, to[k], from[k]);
	}
}

/* The table of the point that all lanes of p hold (z = 1). */
IFMA static int make_table(struct stp_ifma_table *table, const point *p)
{
	point *points = aligned_alloc(64, STP_IFMA_POSITIONS * sizeof(*points));
	field *products = aligned_alloc(64, STP_IFMA_POSITIONS * sizeof(*products));
	size_t i;

	if (points && products) {
		first_eight(p, &points[0]);
		for (i = 1; i < STP_IFMA_POSITIONS; i++) {
			int k;

			points[i] = points[i - 1];
			for (k = 0; k < 4; k++)
				double_point(&points[i]);
		}
		make_affine(points, products, STP_IFMA_POSITIONS);
		for (i = 0; i < STP_IFMA_POSITIONS; i++)
			table->at[i] = entry_of(&points[i]);
	}
	i = points && products;
	free(points);
	free(products);
	return (int)i;
}

/* ------------------------------------------------------------------ scalars and encodings */

/* Digits from -8 to 8 (the last from 0) whose sum over 16^i is the scalar, times sign. */
static void write_digits(const uint8_t scalar[32], int sign, int8_t digits[][STP_MULTIPLY_JOBS_MAX],
                         size_t column)
{
	int over = 0;
	int i;

	for (i = 0; i < STP_IFMA_POSITIONS; i++) {
		int digit = ((scalar[i / 2] >> (i % 2 * 4)) & 15) + over;

		over = i + 1 < STP_IFMA_POSITIONS ? (digit + 8) >> 4 : 0;
		digits[i][column] = (int8_t)(sign * (digit - over * 16));
	}
}

/* Reduces carried limbs to the unique number below p. */
static void freeze(uint64_t limb[5])
{
	uint64_t over;
	int round;
	int i;

	/* Twice, since the first round's 19 may carry again. */
	for (round = 0; round < 2; round++) {
		for (i = 0, over = 0; i < 5; i++) {
			limb[i] += over;
			over = limb[i] >> LIMB_BITS;
			limb[i] &= LIMB_MASK;
		}
		limb[0] += 19 * over;
	}
	/* 1 when the number is p or more: then 19 more overflow. */
	over = (limb[0] + 19) >> LIMB_BITS;
	for (i = 1; i < 5; i++)
		over = (limb[i] + over) >> LIMB_BITS;
	limb[0] += 19 * over;
	for (i = 0, over = 0; i < 5; i++) {
		limb[i] += over;
		over = limb[i] >> LIMB_BITS;
		limb[i] &= LIMB_MASK;
	}
}

static void put_le64(uint8_t *out, uint64_t word)
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(word >> (8 * i));
}

/* RFC 8032 section 5.1.2: y in 255 bits, and x's lowest. */
static void encode(uint64_t x[5], uint64_t y[5], uint8_t out[32])
{
	freeze(x);
	freeze(y);
	put_le64(out, y[0] | y[1] << 51);
	put_le64(out + 8, y[1] >> 13 | y[2] << 38);
	put_le64(out + 16, y[2] >> 26 | y[3] << 25);
	put_le64(out + 24, y[3] >> 39 | y[4] << 12 | x[0] << 63);
}

/* ------------------------------------------------------------------ multiples */

/* More stack than the functions here use: registers are spilled to it. */
#define SPILLED_BYTES ((size_t)16 * 1024)

static void wipe(struct stp_ifma_work *work)
{
	sodium_memzero(work, sizeof(*work));
	sodium_stackzero(SPILLED_BYTES);
}

/* s·B + k·A of eight columns of digits. */
IFMA static void multiply_eight(const struct stp_ifma_tables *tables,
                                const struct stp_ifma_work *work, size_t column, int with_key,
                                point *out)
{
	point sum = neutral();
	int i;

	for (i = 0; i < STP_IFMA_POSITIONS; i++) {
		entry q = choose(&tables->base.at[i], &work->s_digits[i][column]);

		add_entry(&sum, &q);
	}
	for (i = 0; with_key && i < STP_IFMA_POSITIONS; i++) {
		entry q = choose(&tables->key.at[i], &work->k_digits[i][column]);

		add_entry(&sum, &q);
	}
	*out = sum;
}

IFMA static void encode_eight(struct stp_ifma_work *work, const point *p,
                              const struct stp_multiply_job *jobs, size_t count)
{
	uint64_t x[5];
	uint64_t y[5];
	size_t lane;
	int i;

	for (i = 0; i < 5; i++) {
		_mm512_store_si512(work->x_limbs[i], p->x.limb[i]);
		_mm512_store_si512(work->y_limbs[i], p->y.limb[i]);
	}
	for (lane = 0; lane < count; lane++) {
		for (i = 0; i < 5; i++) {
			x[i] = work->x_limbs[i][lane];
			y[i] = work->y_limbs[i][lane];
		}
		encode(x, y, jobs[lane].point);
	}
}

/* Digits for eight columns: those of the jobs, and zeros for the missing ones. */
static void write_all_digits(struct stp_ifma_work *work, const struct stp_multiply_job *jobs,
                             size_t count)
{
	static const uint8_t nought[32];
	size_t i;

	for (i = 0; i < STP_MULTIPLY_JOBS_MAX; i++) {
		write_digits(i < count ? jobs[i].s : nought, 1, work->s_digits, i);
		write_digits(i < count && jobs[i].k ? jobs[i].k : nought, -1, work->k_digits, i);
	}
}

IFMA void stp_ifma_multiply(const struct stp_ifma_tables *tables, struct stp_ifma_work *work,
                            const struct stp_multiply_job *jobs, size_t count)
{
	size_t groups = (count + STP_IFMA_LANES - 1) / STP_IFMA_LANES;
	size_t i;

	if (count == 0)
		return;
	for (i = 1; i < count; i++)
		STP_ASSERT(!jobs[i].k == !jobs[0].k);
	write_all_digits(work, jobs, count);
	for (i = 0; i < groups; i++)
		multiply_eight(tables, work, i * STP_IFMA_LANES, jobs[0].k != NULL,
		               &work->points[i]);
	make_affine(work->points, work->products, groups);
	for (i = 0; i < groups; i++) {
		size_t first = i * STP_IFMA_LANES;

		encode_eight(work, &work->points[i], jobs + first,
		             count - first < STP_IFMA_LANES ? count - first : STP_IFMA_LANES);
	}
	wipe(work);
}

IFMA int stp_ifma_make_tables(struct stp_ifma_tables *tables, struct stp_ifma_work *work,
                              const uint8_t scalar[32], uint8_t out_public[32])
{
	struct stp_multiply_job job = {scalar, NULL, out_public};
	point p = {broadcast(base_x), broadcast(base_y), small(1), small(0)};
	size_t i;

	p.t = multiply(&p.x, &p.y);
	if (!make_table(&tables->base, &p))
		return 0;
	for (i = 0; i < STP_MULTIPLY_JOBS_MAX; i++)
		write_digits(scalar, 1, work->s_digits, i);
	multiply_eight(tables, work, 0, 0, &work->points[0]);
	make_affine(work->points, work->products, 1);
	p = work->points[0];
	encode_eight(work, &p, &job, 1);
	wipe(work);
	return make_table(&tables->key, &p);
}

#endif
