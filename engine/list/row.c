/* SPDX-License-Identifier: Apache-2.0 */
#include "list/row.h"

#include <stdio.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/limits.h"
#include "base/text.h"
#include "record/key.h"
#include "scan/path.h"

void stp_list_fault(struct stp_list_parser *parser, uint64_t line, const char *column,
                    const char *problem)
{
	char subject[STP_PATH_BYTES_MAX + 32];
	int count = snprintf(subject, sizeof(subject), "%.*s:%llu", STP_PATH_BYTES_MAX,
	                     parser->name, (unsigned long long)line);

	parser->shape.fault_line = line;
	stp_fault_add(parser->faults, STP_FORMAT, 0, STP_LIST_STAGE, subject, (size_t)count,
	              "%s%s%s%s", column ? "column " : "", column ? column : "", column ? ": " : "",
	              problem);
}

struct stp_list_cut stp_list_partition_lines(const char *bytes, size_t count)
{
	const char *feed = count ? memrchr(bytes, '\n', count) : NULL;

	return (struct stp_list_cut){.bytes = feed ? (size_t)(feed - bytes) + 1 : 0};
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
/* Converts 16 digits to 8 bytes; returns the mask of the bytes that are digits. */
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

/* True when text consists of base64 characters, of either alphabet, and has its length. */
static int is_base64(const struct stp_list_text *text, size_t digest_bytes)
{
	size_t chars = (digest_bytes * 4 + 2) / 3;
	size_t padded = (digest_bytes + 2) / 3 * 4;
	size_t i;

	if (text->count != chars && text->count != padded)
		return 0;
	for (i = 0; i < chars; i++) {
		char c = text->bytes[i];

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '+' ||
		      c == '/' || c == '-' || c == '_'))
			return 0;
	}
	return 1;
}

static void fault_digest(struct stp_list_parser *parser, uint64_t line, enum stp_alg alg,
                         const struct stp_list_text *text)
{
	size_t bytes = stp_alg_digest_bytes(alg);

	if (is_base64(text, bytes))
		snprintf(parser->text, sizeof(parser->text),
		         "is base64; write it in hexadecimal, with encode(column, 'hex') in "
		         "PostgreSQL does");
	else if (text->count != 2 * bytes)
		snprintf(parser->text, sizeof(parser->text),
		         "is not %zu hex digits but %zu characters; correct the row", 2 * bytes,
		         text->count);
	else
		snprintf(parser->text, sizeof(parser->text),
		         "is not %zu hex digits; correct the row", 2 * bytes);
	stp_list_fault(parser, line, stp_alg_name(alg), parser->text);
}

static int is_word(const struct stp_list_text *text, const char *word)
{
	return text->count == strlen(word) && memcmp(text->bytes, word, text->count) == 0;
}

static void fault_length(struct stp_list_parser *parser, uint64_t line,
                         const struct stp_list_text *text)
{
	int shown = text->count < 40 ? (int)text->count : 40;

	if (is_word(text, "\\N") || is_word(text, "NULL") || is_word(text, "null"))
		snprintf(parser->text, sizeof(parser->text),
		         "is \"%.*s\", which databases write for NULL; leave the field empty, as "
		         "COPY ... CSV HEADER does",
		         shown, text->bytes);
	else
		snprintf(parser->text, sizeof(parser->text),
		         "is \"%.*s\", not a whole number below 2^53 in plain decimal digits, "
		         "without sign, spaces, separators and exponent; correct the row",
		         shown, text->bytes);
	stp_list_fault(parser, line, "length", parser->text);
}

/* Decodes text into out: hex digits, or with \x before them, as PostgreSQL writes a bytea. */
static int take_digest(struct stp_list_parser *parser, uint64_t line, enum stp_alg alg,
                       const struct stp_list_text *text, uint8_t *out)
{
	size_t bytes = stp_alg_digest_bytes(alg);
	const char *hex = text->bytes;
	size_t count = text->count;

	if (count == 2 * bytes + 2 && hex[0] == '\\' && hex[1] == 'x') {
		hex += 2;
		count -= 2;
	}
	if (count == 2 * bytes && stp_list_hex(hex, bytes, out))
		return 1;
	fault_digest(parser, line, alg, text);
	return 0;
}

/* The algorithms of which row has a digest. */
static unsigned given_set(const struct stp_list_row *row)
{
	unsigned set = 0;
	unsigned alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (row->fields[STP_LIST_DIGEST + alg].count)
			set |= STP_ALG_BIT(alg);
	return set;
}

/* Writes the digests of row that are in set to out, packed; of the others only the form is checked.
 * False when one is wrong, with its fault added. */
static int take_digests(struct stp_list_parser *parser, const struct stp_list_row *row,
                        uint64_t line, unsigned set, uint8_t *out)
{
	uint8_t unwanted[STP_DIGEST_BYTES_MAX];
	unsigned alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		const struct stp_list_text *text = &row->fields[STP_LIST_DIGEST + alg];
		int is_wanted = (set & STP_ALG_BIT(alg)) != 0;

		if (!text->count)
			continue;
		if (!take_digest(parser, line, (enum stp_alg)alg, text, is_wanted ? out : unwanted))
			return 0;
		if (is_wanted)
			out += stp_alg_digest_bytes((enum stp_alg)alg);
	}
	return 1;
}

/* Sets length, flags and digests of record from row; false when one is wrong, with its fault added.
 */
static int take_values(struct stp_list_parser *parser, const struct stp_list_row *row,
                       uint64_t line, struct stp_record *record)
{
	const struct stp_list_text *length = &row->fields[STP_LIST_LENGTH];
	const unsigned wanted = parser->options->hash_set;
	const unsigned given = given_set(row);
	unsigned taken = given;
	int is_whole = length->count && (given & wanted) == wanted;
	uint8_t *digests = parser->digests + parser->count * parser->digest_bytes;

	record->length = STP_LIST_LENGTH_UNKNOWN;
	if (length->count && (!stp_u64_parse(length->bytes, length->count, &record->length) ||
	                      record->length > STP_LENGTH_MAX)) {
		fault_length(parser, line, length);
		return 0;
	}
	record->flags = (uint16_t)(STP_RECORD_LISTED | (length->count ? STP_RECORD_SIZED : 0));
	if (is_whole && !parser->options->all_claims) {
		record->flags |= STP_RECORD_DIGESTS;
		record->digests = digests;
		taken = wanted;
	} else if (given) {
		digests = parser->claims + parser->count * STP_CLAIMS_BYTES_MAX;
		record->flags |= (uint16_t)(STP_RECORD_CLAIM(0) * given);
		record->digests = digests;
	}
	if (!take_digests(parser, row, line, taken, digests))
		return 0;
	parser->stats.digest_count += (uint64_t)is_whole;
	parser->stats.digest_set |= given;
	parser->stats.has_lengths |= length->count != 0;
	return 1;
}

enum stp_errc stp_list_take(struct stp_list_parser *parser, const struct stp_list_row *row,
                            uint64_t line, struct stp_err *err)
{
	const struct stp_list_text *path = &row->fields[STP_LIST_PATH];
	struct stp_record *record = &parser->records[parser->count];
	const char *problem = stp_path_problem(path->bytes, path->count);

	parser->stats.row_count++;
	if (problem) {
		stp_list_fault(parser, line, "path", problem);
		return STP_OK;
	}
	memset(record, 0, sizeof(*record));
	if (!take_values(parser, row, line, record))
		return STP_OK;
	record->path = path->bytes;
	record->path_bytes = (uint16_t)path->count;
	record->origin = line;
	parser->stats.record_count++;
	if (++parser->count == STP_LIST_BATCH_MAX)
		return stp_list_emit(parser, err);
	return STP_OK;
}

enum stp_errc stp_list_end(struct stp_list_parser *parser, uint64_t line,
                           const struct stp_list_text *rows, struct stp_err *err)
{
	struct stp_list_shape *shape = &parser->shape;
	uint64_t count = 0;

	if (rows->count && !stp_u64_parse(rows->bytes, rows->count, &count))
		return STP_FAIL(
		    err, STP_FORMAT, STP_LIST_STAGE, parser->name,
		    "line %llu, the end line, gives a number of rows that is not a plain "
		    "decimal number",
		    (unsigned long long)line);
	shape->last_line = line;
	if (shape->end_line)
		return STP_OK;
	shape->end_line = line;
	shape->end_is_counted = rows->count != 0;
	shape->end_rows = count;
	return STP_OK;
}

void stp_list_chunk_done(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                         uint64_t line)
{
	struct stp_list_shape *shape = &parser->shape;

	if (line > shape->last_line)
		shape->last_line = line;
	if (chunk->is_last && line && shape->fault_line == line)
		shape->cut_line = line;
}

enum stp_errc stp_list_emit(struct stp_list_parser *parser, struct stp_err *err)
{
	size_t count = parser->count;

	parser->count = 0;
	if (!count)
		return STP_OK;
	if (stp_cancelled(parser->options->cancel))
		return STP_FAIL(err, STP_CANCELLED, STP_LIST_STAGE, parser->name, "stopped");
	stp_record_keys(parser->records, count);
	return parser->emit(parser->ctx, parser->worker_index, parser->records, count, err);
}
