/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/list_row.h"

#include <stdio.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/limits.h"
#include "base/text.h"
#include "scan/key.h"
#include "scan/path.h"

enum stp_list_field stp_list_field_from_name(const char *name, size_t name_bytes)
{
	int alg = stp_alg_from_name(name, name_bytes);

	if (alg >= 0)
		return (enum stp_list_field)(STP_LIST_DIGEST + alg);
	if (name_bytes == 4 && memcmp(name, "path", 4) == 0)
		return STP_LIST_PATH;
	if ((name_bytes == 6 && memcmp(name, "length", 6) == 0) ||
	    (name_bytes == 4 && memcmp(name, "size", 4) == 0))
		return STP_LIST_LENGTH;
	return STP_LIST_UNKNOWN;
}

const char *stp_list_field_name(enum stp_list_field field)
{
	if (field >= STP_LIST_DIGEST && field < STP_LIST_FIELD_COUNT)
		return stp_alg_name((enum stp_alg)(field - STP_LIST_DIGEST));
	return field == STP_LIST_PATH ? "path" : "length";
}

void stp_list_fault(struct stp_list_parser *parser, uint64_t line, const char *column,
                    const char *problem)
{
	char subject[STP_PATH_BYTES_MAX + 32];
	int count = snprintf(subject, sizeof(subject), "%.*s:%llu", STP_PATH_BYTES_MAX,
	                     parser->options->name, (unsigned long long)line);

	stp_fault_add(parser->faults, STP_FORMAT, 0, "scan", subject, (size_t)count, "%s%s%s%s",
	              column ? "column " : "", column ? column : "", column ? ": " : "", problem);
}

uint64_t stp_list_count(const char *bytes, size_t count, char c)
{
	typedef uint8_t vector __attribute__((vector_size(16), aligned(1)));
	uint64_t total = 0;
	size_t at = 0;

	while (count - at >= 16) {
		size_t blocks = (count - at) / 16;
		vector sums = {0};
		size_t i;

		if (blocks > 255)
			blocks = 255;
		for (i = 0; i < blocks; i++, at += 16) {
			vector text;

			memcpy(&text, bytes + at, 16);
			sums -= (vector)(text == (uint8_t)c);
		}
		for (i = 0; i < 16; i++)
			total += sums[i];
	}
	for (; at < count; at++)
		total += bytes[at] == c;
	return total;
}

#if defined(__SSE2__)
/* 16 digits to 8 bytes; the mask of bytes that are digits. */
static inline int hex16(const char *hex, uint8_t *out)
{
	__m128i text = _mm_loadu_si128((const __m128i *)hex);
	__m128i lower = _mm_or_si128(text, _mm_set1_epi8(0x20));
	__m128i is_digit = _mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8('0' - 1)),
	                                 _mm_cmpgt_epi8(_mm_set1_epi8('9' + 1), text));
	__m128i is_letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
	                                  _mm_cmpgt_epi8(_mm_set1_epi8('f' + 1), lower));
	__m128i values = _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)),
	                              _mm_and_si128(is_letter, _mm_set1_epi8(9)));
	__m128i pairs = _mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8));

	pairs = _mm_and_si128(pairs, _mm_set1_epi16(255));
	_mm_storel_epi64((__m128i *)out, _mm_packus_epi16(pairs, pairs));
	return _mm_movemask_epi8(_mm_or_si128(is_digit, is_letter));
}

int stp_list_hex(const char *hex, size_t byte_count, uint8_t *out)
{
	int digits = 0xffff;
	size_t i;

	if (byte_count % 8)
		return stp_hex_decode(hex, byte_count, out, 1);
	for (i = 0; i < byte_count; i += 8)
		digits &= hex16(hex + 2 * i, out + i);
	return digits == 0xffff;
}
#else
int stp_list_hex(const char *hex, size_t byte_count, uint8_t *out)
{
	return stp_hex_decode(hex, byte_count, out, 1);
}
#endif

/* Digests of row into out, packed in the set's order. *out_all is cleared when one is not there;
 * false when one is wrong, with its fault added. */
static int take_digests(struct stp_list_parser *parser, const struct stp_list_row *row,
                        uint64_t line, uint8_t *out, int *out_all)
{
	uint8_t unwanted[STP_DIGEST_BYTES_MAX];
	unsigned alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		const struct stp_list_text *text = &row->fields[STP_LIST_DIGEST + alg];
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);
		int is_wanted = (parser->options->hash_set & STP_ALG_BIT(alg)) != 0;

		if (!text->count) {
			if (is_wanted)
				*out_all = 0;
			continue;
		}
		parser->stats.digest_set |= STP_ALG_BIT(alg);
		if (text->count != 2 * bytes ||
		    !stp_list_hex(text->bytes, bytes, is_wanted ? out : unwanted)) {
			stp_list_fault(parser, line, stp_alg_name((enum stp_alg)alg),
			               bytes == 64 ? "is not 128 hex digits; correct the row"
			                           : "is not 64 hex digits; correct the row");
			return 0;
		}
		if (is_wanted)
			out += bytes;
	}
	return 1;
}

enum stp_errc stp_list_take(struct stp_list_parser *parser, const struct stp_list_row *row,
                            uint64_t line, struct stp_err *err)
{
	const struct stp_list_text *path = &row->fields[STP_LIST_PATH];
	const struct stp_list_text *length = &row->fields[STP_LIST_LENGTH];
	struct stp_record *record = &parser->records[parser->count];
	uint8_t *digests = parser->digests + parser->count * parser->digest_bytes;
	const char *problem = stp_path_problem(path->bytes, path->count);
	int has_all = length->count != 0;

	parser->stats.row_count++;
	if (problem) {
		stp_list_fault(parser, line, "path", problem);
		return STP_OK;
	}
	memset(record, 0, sizeof(*record));
	if (length->count && (!stp_u64_parse(length->bytes, length->count, &record->length) ||
	                      record->length > STP_LENGTH_MAX)) {
		stp_list_fault(parser, line, "length",
		               "is no whole number below 2^53 without sign and leading zeros; "
		               "correct the row");
		return STP_OK;
	}
	if (!take_digests(parser, row, line, digests, &has_all))
		return STP_OK;
	if (length->count)
		parser->stats.has_lengths = 1;
	else
		record->length = STP_LIST_LENGTH_UNKNOWN;
	record->path = path->bytes;
	record->path_bytes = (uint16_t)path->count;
	record->origin = line;
	record->flags = STP_RECORD_LISTED;
	if (has_all) {
		record->flags |= STP_RECORD_DIGESTS;
		record->digests = digests;
		parser->stats.digest_count++;
	}
	parser->stats.record_count++;
	if (++parser->count == STP_LIST_BATCH_MAX)
		return stp_list_emit(parser, err);
	return STP_OK;
}

enum stp_errc stp_list_emit(struct stp_list_parser *parser, struct stp_err *err)
{
	size_t count = parser->count;

	parser->count = 0;
	if (!count)
		return STP_OK;
	if (stp_cancelled(parser->options->cancel))
		return STP_FAIL(err, STP_CANCELLED, "scan", parser->options->name, "stopped");
	stp_scan_keys(parser->records, count);
	return parser->emit(parser->ctx, parser->worker_index, parser->records, count, err);
}
