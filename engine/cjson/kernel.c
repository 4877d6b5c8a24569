/* SPDX-License-Identifier: Apache-2.0 */
#include "cjson/kernel.h"

#include <string.h>

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#endif

/* ---------------------------------------------------------------- portable */

static size_t plain_span_portable(const uint8_t *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint8_t c = bytes[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			break;
	}
	return i;
}

static void hex_encode_portable(const uint8_t *bytes, size_t byte_count, uint8_t *out)
{
	static const char digits[16] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < byte_count; i++) {
		out[2 * i] = (uint8_t)digits[bytes[i] >> 4];
		out[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
	}
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int hex_decode_portable(const uint8_t *hex, size_t byte_count, uint8_t *out)
{
	size_t i;

	for (i = 0; i < byte_count; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 1;
}

#if defined(__x86_64__)

/* ---------------------------------------------------------------- AVX2 */

AVX2 static size_t plain_span_avx2(const uint8_t *bytes, size_t count)
{
	const __m256i space = _mm256_set1_epi8(0x1f);
	const __m256i quote = _mm256_set1_epi8('"');
	const __m256i slash = _mm256_set1_epi8('\\');
	const __m256i del = _mm256_set1_epi8(0x7f);
	size_t i;

	for (i = 0; i + 32 <= count; i += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
		/* Signed: bytes from 0x80 are negative, so not above 0x1f. */
		__m256i good = _mm256_cmpgt_epi8(v, space);
		__m256i bad = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote),
		                                              _mm256_cmpeq_epi8(v, slash)),
		                              _mm256_cmpeq_epi8(v, del));
		unsigned mask = (unsigned)_mm256_movemask_epi8(_mm256_andnot_si256(bad, good));

		if (mask != ~0u)
			return i + (size_t)__builtin_ctz(~mask);
	}
	return i + plain_span_portable(bytes + i, count - i);
}

/* 16 bytes as 16 words b → the two digits of b as two bytes. */
AVX2 static void hex_encode_avx2(const uint8_t *bytes, size_t byte_count, uint8_t *out)
{
	const __m256i digits =
	    _mm256_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd',
	                     'e', 'f', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b',
	                     'c', 'd', 'e', 'f');
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	size_t i;

	for (i = 0; i + 16 <= byte_count; i += 16) {
		__m256i v = _mm256_cvtepu8_epi16(
		    _mm_loadu_si128((const __m128i *)(const void *)(bytes + i)));
		__m256i t = _mm256_and_si256(
		    _mm256_or_si256(_mm256_srli_epi16(v, 4), _mm256_slli_epi16(v, 8)), nibble);

		_mm256_storeu_si256((__m256i *)(void *)(out + 2 * i),
		                    _mm256_shuffle_epi8(digits, t));
	}
	hex_encode_portable(bytes + i, byte_count - i, out + 2 * i);
}

AVX2 static int hex_decode_avx2(const uint8_t *hex, size_t byte_count, uint8_t *out)
{
	size_t i;

	for (i = 0; i + 16 <= byte_count; i += 16) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(hex + 2 * i));
		__m256i digit = _mm256_sub_epi8(v, _mm256_set1_epi8('0'));
		__m256i letter = _mm256_sub_epi8(v, _mm256_set1_epi8('a'));
		/* x <= n, unsigned: min(x, n) == x. */
		__m256i is_digit =
		    _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
		__m256i is_letter =
		    _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter);
		__m256i value = _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8(10)),
		                                   digit, is_digit);

		if (_mm256_movemask_epi8(_mm256_or_si256(is_digit, is_letter)) != -1)
			return 0;
		/* Pairs high * 16 + low, 16 words; then 16 bytes. */
		value = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
		value = _mm256_permute4x64_epi64(_mm256_packus_epi16(value, value), 0x08);
		_mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_castsi256_si128(value));
	}
	return hex_decode_portable(hex + 2 * i, byte_count - i, out + i);
}

/* ---------------------------------------------------------------- AVX-512 (F, BW, VL) */

AVX512 static size_t plain_span_avx512(const uint8_t *bytes, size_t count)
{
	const __m512i space = _mm512_set1_epi8(0x20);
	const __m512i width = _mm512_set1_epi8(0x7e - 0x20);
	const __m512i quote = _mm512_set1_epi8('"');
	const __m512i slash = _mm512_set1_epi8('\\');
	size_t i;

	for (i = 0; i < count; i += 64) {
		size_t left = count - i;
		/* Masked-out bytes are not touched, so a guard page behind the end is safe. */
		__mmask64 live = left >= 64 ? ~0ULL : (1ULL << left) - 1;
		__m512i v = _mm512_maskz_loadu_epi8(live, bytes + i);
		__mmask64 bad = _mm512_cmpgt_epu8_mask(_mm512_sub_epi8(v, space), width) |
		                _mm512_cmpeq_epi8_mask(v, quote) | _mm512_cmpeq_epi8_mask(v, slash);

		bad &= live;
		if (bad)
			return i + (size_t)__builtin_ctzll(bad);
	}
	return count;
}

AVX512 static void hex_encode_avx512(const uint8_t *bytes, size_t byte_count, uint8_t *out)
{
	const __m512i digits =
	    _mm512_broadcast_i32x4(_mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
	                                         'a', 'b', 'c', 'd', 'e', 'f'));
	const __m512i nibble = _mm512_set1_epi8(0x0f);
	size_t i;

	for (i = 0; i < byte_count; i += 32) {
		size_t left = byte_count - i;
		__mmask32 live = left >= 32 ? ~0u : (1u << left) - 1;
		__mmask64 live2 = left >= 32 ? ~0ULL : (1ULL << 2 * left) - 1;
		__m512i v = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(live, bytes + i));
		__m512i t = _mm512_and_si512(
		    _mm512_or_si512(_mm512_srli_epi16(v, 4), _mm512_slli_epi16(v, 8)), nibble);

		_mm512_mask_storeu_epi8(out + 2 * i, live2, _mm512_shuffle_epi8(digits, t));
	}
}

AVX512 static int hex_decode_avx512(const uint8_t *hex, size_t byte_count, uint8_t *out)
{
	const __m512i zero = _mm512_set1_epi8('0');
	size_t i;

	for (i = 0; i < byte_count; i += 32) {
		size_t left = byte_count - i;
		__mmask32 live = left >= 32 ? ~0u : (1u << left) - 1;
		__mmask64 live2 = left >= 32 ? ~0ULL : (1ULL << 2 * left) - 1;
		/* Masked-out bytes read as '0'. */
		__m512i v = _mm512_mask_loadu_epi8(zero, live2, hex + 2 * i);
		__m512i digit = _mm512_sub_epi8(v, zero);
		__m512i letter = _mm512_sub_epi8(v, _mm512_set1_epi8('a'));
		__mmask64 is_digit = _mm512_cmple_epu8_mask(digit, _mm512_set1_epi8(9));
		__mmask64 is_letter = _mm512_cmple_epu8_mask(letter, _mm512_set1_epi8(5));
		__m512i value =
		    _mm512_mask_blend_epi8(is_digit, _mm512_add_epi8(letter, _mm512_set1_epi8(10)),
		                           digit);

		if ((is_digit | is_letter) != ~0ULL)
			return 0;
		value = _mm512_maddubs_epi16(value, _mm512_set1_epi16(0x0110));
		_mm256_mask_storeu_epi8(out + i, live, _mm512_cvtepi16_epi8(value));
	}
	return 1;
}

#endif

const struct stp_cjson_kernel stp_cjson_kernels[] = {
#if defined(__x86_64__)
    {"avx512", STP_CPU_AVX512, plain_span_avx512, hex_encode_avx512, hex_decode_avx512},
    {"avx2", STP_CPU_AVX2, plain_span_avx2, hex_encode_avx2, hex_decode_avx2},
#endif
    {"portable", 0, plain_span_portable, hex_encode_portable, hex_decode_portable},
};
const size_t stp_cjson_kernel_count = sizeof(stp_cjson_kernels) / sizeof(stp_cjson_kernels[0]);

const struct stp_cjson_kernel *stp_cjson_kernel_for(unsigned features)
{
	const struct stp_cjson_kernel *kernel = stp_cjson_kernels;

	while ((kernel->features & features) != kernel->features)
		kernel++;
	return kernel;
}

size_t stp_cjson_sequence(const uint8_t *bytes, size_t count)
{
	uint8_t lead;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	size_t length;
	size_t i;

	if (count == 0)
		return 0;
	lead = bytes[0];
	if (lead < 0x80)
		return lead >= 0x20;
	/* RFC 3629 section 4: the second byte's range excludes overlong forms, surrogates and code
	 * points above U+10FFFF. */
	if (lead >= 0xc2 && lead <= 0xdf) {
		length = 2;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		length = 3;
		low = lead == 0xe0 ? 0xa0 : 0x80;
		high = lead == 0xed ? 0x9f : 0xbf;
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		length = 4;
		low = lead == 0xf0 ? 0x90 : 0x80;
		high = lead == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (count < length || bytes[1] < low || bytes[1] > high)
		return 0;
	for (i = 2; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

void stp_hex_encode_fast(const uint8_t *bytes, size_t byte_count, uint8_t *out)
{
	stp_cjson_kernel_for(stp_cpu_features())->hex_encode(bytes, byte_count, out);
}

int stp_utf8_is_valid(const char *text, size_t text_bytes)
{
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *end = at + text_bytes;

	while (at < end) {
		size_t length = *at < 0x20 ? 1 : stp_cjson_sequence(at, (size_t)(end - at));

		if (length == 0)
			return 0;
		at += length;
	}
	return 1;
}
