/* SPDX-License-Identifier: Apache-2.0 */
#include "list/object.h"

#include <stdio.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/limits.h"
#include "base/text.h"

#define NAMES_MAX STP_LIST_COLUMNS_MAX

struct reader {
	char *at;
	char *end;
};

/* A value in the row. */
enum value_kind { VALUE_STRING, VALUE_NUMBER, VALUE_NULL, VALUE_OTHER, VALUE_OBJECT, VALUE_ARRAY };

struct value {
	enum value_kind kind;
	struct stp_list_text text; /* decoded string, or the number's characters */
};

const char stp_list_not_json[] = "is not a JSON object on one line; correct the row";

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end &&
	       (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\r'))
		reader->at++;
}

static int take_char(struct reader *reader, char c)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != c)
		return 0;
	reader->at++;
	return 1;
}

/* First byte in [at, end) that is not plain in a string: '"', '\\', a control character, or not
 * ASCII. */
static char *skip_plain(char *at, const char *end)
{
#if defined(__SSE2__)
	while (end - at >= 16) {
		__m128i text = _mm_loadu_si128((const __m128i *)at);
		/* Signed: bytes from 0x80 on are below 0x20 too. */
		__m128i odd = _mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8(0x20)),
		                           _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
		                                        _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))));
		int mask = _mm_movemask_epi8(odd);

		if (mask)
			return at + __builtin_ctz((unsigned)mask);
		at += 16;
	}
#endif
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
	       *at != '\\')
		at++;
	return at;
}

/* Bytes of the UTF-8 sequence at at (Unicode table 3-7), or 0. */
static size_t utf8_bytes(const char *at, const char *end)
{
	const unsigned char *c = (const unsigned char *)at;
	size_t left = (size_t)(end - at);
	unsigned low = 0x80;
	unsigned high = 0xbf;
	size_t count;
	size_t i;

	if (c[0] >= 0xc2 && c[0] <= 0xdf) {
		count = 2;
	} else if (c[0] >= 0xe0 && c[0] <= 0xef) {
		count = 3;
		low = c[0] == 0xe0 ? 0xa0 : low;
		high = c[0] == 0xed ? 0x9f : high;
	} else if (c[0] >= 0xf0 && c[0] <= 0xf4) {
		count = 4;
		low = c[0] == 0xf0 ? 0x90 : low;
		high = c[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (left < count || c[1] < low || c[1] > high)
		return 0;
	for (i = 2; i < count; i++) {
		if (c[i] < 0x80 || c[i] > 0xbf)
			return 0;
	}
	return count;
}

/* Four hex digits at at, or -1. */
static int hex4(const char *at, const char *end)
{
	int value = 0;
	int i;

	if (end - at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value << 4 | ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static char *put_utf8(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 63));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 63));
		*to++ = (char)(0x80 | (code & 63));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 63));
		*to++ = (char)(0x80 | (code >> 6 & 63));
		*to++ = (char)(0x80 | (code & 63));
	}
	return to;
}

/* The \uXXXX escape whose digits start at at; surrogates come in pairs. NULL when it is not
 * valid. */
static char *unescape_unicode(char *at, const char *end, char **to)
{
	int code = hex4(at, end);
	int low;

	if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff))
		return NULL;
	at += 4;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
			return NULL;
		low = hex4(at + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		*to = put_utf8(*to, 0x10000 + ((uint32_t)(code - 0xd800) << 10) +
		                        (uint32_t)(low - 0xdc00));
		return at + 6;
	}
	*to = put_utf8(*to, (uint32_t)code);
	return at;
}

/* The escape behind the backslash at at - 1; NULL when there is no such escape. */
static char *unescape(char *at, const char *end, char **to)
{
	static const char from[] = "\"\\/bfnrt";
	static const char into[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (at == end)
		return NULL;
	if (*at == 'u')
		return unescape_unicode(at + 1, end, to);
	found = *at ? strchr(from, *at) : NULL;
	if (!found)
		return NULL;
	*(*to)++ = into[found - from];
	return at + 1;
}

/* Parses the string whose opening quote has been read. */
static int read_string(struct reader *reader, struct stp_list_text *out)
{
	char *from = reader->at;
	char *to = reader->at;

	out->bytes = reader->at;
	for (;;) {
		char *odd = skip_plain(from, reader->end);
		size_t utf8;

		if (to != from)
			memmove(to, from, (size_t)(odd - from));
		to += odd - from;
		from = odd;
		if (from == reader->end)
			return 0;
		if (*from == '"')
			break;
		if (*from == '\\') {
			from = unescape(from + 1, reader->end, &to);
			if (!from)
				return 0;
			continue;
		}
		utf8 = utf8_bytes(from, reader->end);
		if (!utf8)
			return 0;
		memmove(to, from, utf8);
		to += utf8;
		from += utf8;
	}
	out->count = (size_t)(to - out->bytes);
	reader->at = from + 1;
	return 1;
}

static size_t skip_digits(struct reader *reader)
{
	char *start = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return (size_t)(reader->at - start);
}

static int read_number(struct reader *reader, struct stp_list_text *out)
{
	size_t digits;
	char *first;

	out->bytes = reader->at;
	if (*reader->at == '-')
		reader->at++;
	first = reader->at;
	digits = skip_digits(reader);
	if (!digits || (digits > 1 && *first == '0'))
		return 0;
	if (reader->at < reader->end && *reader->at == '.') {
		reader->at++;
		if (!skip_digits(reader))
			return 0;
	}
	if (reader->at < reader->end && (*reader->at | 32) == 'e') {
		reader->at++;
		if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
			reader->at++;
		if (!skip_digits(reader))
			return 0;
	}
	out->count = (size_t)(reader->at - out->bytes);
	return 1;
}

static int read_word(struct reader *reader, const char *word)
{
	size_t count = strlen(word);

	if ((size_t)(reader->end - reader->at) < count || memcmp(reader->at, word, count) != 0)
		return 0;
	reader->at += count;
	return 1;
}

static int read_value(struct reader *reader, unsigned depth, struct value *out);

/* Skips members or elements up to close. */
static int skip_inside(struct reader *reader, char close, unsigned depth)
{
	struct value value;

	if (depth > STP_JSON_DEPTH_MAX)
		return 0;
	if (take_char(reader, close))
		return 1;
	do {
		if (close == '}' && (!take_char(reader, '"') || !read_string(reader, &value.text) ||
		                     !take_char(reader, ':')))
			return 0;
		if (!read_value(reader, depth, &value))
			return 0;
	} while (take_char(reader, ','));
	return take_char(reader, close);
}

static int read_value(struct reader *reader, unsigned depth, struct value *out)
{
	skip_space(reader);
	if (reader->at == reader->end)
		return 0;
	out->kind = VALUE_OTHER;
	out->text = (struct stp_list_text){NULL, 0};
	switch (*reader->at) {
	case '"':
		reader->at++;
		out->kind = VALUE_STRING;
		return read_string(reader, &out->text);
	case '{':
		reader->at++;
		out->kind = VALUE_OBJECT;
		return skip_inside(reader, '}', depth + 1);
	case '[':
		reader->at++;
		out->kind = VALUE_ARRAY;
		return skip_inside(reader, ']', depth + 1);
	case 't':
		return read_word(reader, "true");
	case 'f':
		return read_word(reader, "false");
	case 'n':
		out->kind = VALUE_NULL;
		return read_word(reader, "null");
	default:
		out->kind = VALUE_NUMBER;
		return read_number(reader, &out->text);
	}
}

/* Adds name to names; 0 when it is a duplicate. */
static int is_new_name(struct stp_list_text *names, size_t count, const struct stp_list_text *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (names[i].count == name->count &&
		    memcmp(names[i].bytes, name->bytes, name->count) == 0)
			return 0;
	}
	names[count] = *name;
	return 1;
}

/* Stores value for field. Returns NULL, or what is wrong with it. */
static const char *take_member(struct stp_list_parser *parser, struct stp_list_row *row,
                               enum stp_list_field field, const struct value *value)
{
	if (value->kind == VALUE_NULL)
		return NULL;
	if (field == STP_LIST_ROWS) {
		parser->op_rows = value->text;
		return NULL;
	}
	/* A database may write large numbers as strings. */
	if (field == STP_LIST_LENGTH && value->kind != VALUE_NUMBER && value->kind != VALUE_STRING)
		return "is not a number; correct the row";
	if (field != STP_LIST_LENGTH && value->kind != VALUE_STRING)
		return "is not a string; correct the row";
	if (field == STP_LIST_OP)
		parser->op = value->text;
	else
		row->fields[field] = value->text;
	return NULL;
}

/* Reports a field that occurs twice, under the same name or under another. */
static const char *fault_second(struct stp_list_parser *parser, const struct stp_list_text *first,
                                const struct stp_list_text *second)
{
	char names[2][64];

	if (first->count == second->count && memcmp(first->bytes, second->bytes, first->count) == 0)
		return "is given twice; correct the row";
	stp_text_escape(first->bytes, first->count, names[0], sizeof(names[0]));
	stp_text_escape(second->bytes, second->count, names[1], sizeof(names[1]));
	snprintf(parser->text, sizeof(parser->text),
	         "is given twice, as \"%s\" and as \"%s\"; keep one of them", names[0], names[1]);
	return parser->text;
}

/* The names of an object so far, and the places of the known ones. */
struct members {
	size_t count;
	unsigned seen; /* 1 << field */
	size_t places[STP_LIST_TEXT_COUNT];
	struct stp_list_text names[NAMES_MAX];
};

/* Parses the member whose opening quote comes next. */
static const char *read_member(struct stp_list_parser *parser, struct reader *reader,
                               struct members *members, struct stp_list_row *row,
                               const char **out_column)
{
	size_t place = members->count++;
	struct stp_list_text name;
	struct value value;
	enum stp_list_field field;
	const char *problem;
	int is_read;

	if (!take_char(reader, '"') || !read_string(reader, &name) || !take_char(reader, ':'))
		return stp_list_not_json;
	value.kind = VALUE_OTHER;
	is_read = read_value(reader, 1, &value);
	if (value.kind >= VALUE_OBJECT && !parser->inner.bytes) {
		parser->inner = name;
		parser->inner_is_array = value.kind == VALUE_ARRAY;
	}
	if (!is_read)
		return stp_list_not_json;
	if (place == NAMES_MAX)
		return "has more than 256 names; remove some";
	field = stp_list_name_at(&parser->names, place, name.bytes, name.count);
	if (field == STP_LIST_UNKNOWN)
		return is_new_name(members->names, place, &name)
		           ? NULL
		           : "has a name twice; correct the row";
	members->names[place] = name;
	*out_column = stp_list_field_name(field);
	if (members->seen & 1u << field)
		return fault_second(parser, &members->names[members->places[field]], &name);
	members->seen |= 1u << field;
	members->places[field] = place;
	problem = take_member(parser, row, field, &value);
	if (!problem)
		*out_column = NULL;
	return problem;
}

const char *stp_list_object_read(struct stp_list_parser *parser, char *bytes, size_t count,
                                 struct stp_list_row *out_row, const char **out_column)
{
	struct members members; /* not zeroed: it is large, and there is one per row */
	struct reader reader = {bytes, bytes + count};

	members.count = 0;
	members.seen = 0;
	memset(out_row, 0, sizeof(*out_row));
	parser->op = (struct stp_list_text){NULL, 0};
	parser->op_rows = parser->op;
	parser->inner = parser->op;
	*out_column = NULL;
	if (!take_char(&reader, '{'))
		return stp_list_not_json;
	if (!take_char(&reader, '}')) {
		do {
			const char *problem =
			    read_member(parser, &reader, &members, out_row, out_column);

			if (problem)
				return problem;
		} while (take_char(&reader, ','));
		if (!take_char(&reader, '}'))
			return stp_list_not_json;
	}
	skip_space(&reader);
	return reader.at == reader.end ? NULL : stp_list_not_json;
}
