/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader is a machine of five states; a level is one open object or array.
 *
 *	          '{' '['                       key ':'
 *	VALUE ───────────▶ FIRST ──────────────────────▶ VALUE     (object)
 *	  │  ▲               │  └─ value … (array)
 *	  │  └── ',' ────┐   │ '}' ']'
 *	  ▼ scalar       │   ▼
 *	NEXT ◀───────────┴─ NEXT ── end of bytes, depth 0 ──▶ DONE
 *
 * It never looks back and never asks whether bytes "could be" canonical: each state accepts only
 * the one form that the writer writes there.
 */
#include "cjson/reader.h"

#include "base/cpu.h"
#include "cjson/escape.h"
#include "cjson/kernel.h"

enum state {
	STATE_VALUE, /* a value must follow */
	STATE_FIRST, /* after '{' or '[': the first item or the end */
	STATE_NEXT,  /* after a value: ',' or the end */
	STATE_DONE,
	STATE_BAD,
};

void stp_cjson_cursor_init_features(struct stp_cjson_cursor *cursor, const void *bytes,
                                    size_t count, unsigned features)
{
	cursor->begin = bytes;
	cursor->at = bytes;
	cursor->end = count ? cursor->at + count : cursor->at;
	cursor->is_file = 0;
	cursor->kernel = stp_cjson_kernel_for(features);
}

void stp_cjson_cursor_init(struct stp_cjson_cursor *cursor, const void *bytes, size_t count)
{
	stp_cjson_cursor_init_features(cursor, bytes, count, stp_cpu_features());
}

/* The bytes of the escape that at begins with, 0 when it is not allowed here. */
static size_t escape_bytes(const struct stp_cjson_cursor *cursor, const uint8_t *at)
{
	size_t left = (size_t)(cursor->end - at);
	uint8_t control;

	if (left >= 2 && (at[1] == '"' || at[1] == '\\'))
		return 2;
	return cursor->is_file ? stp_cjson_escaped_control(at, left, &control) : 0;
}

int stp_cjson_take_string(struct stp_cjson_cursor *cursor, struct stp_cjson_view *out_view)
{
	const uint8_t *end = cursor->end;
	const uint8_t *at = cursor->at;
	const uint8_t *text;
	int escaped = 0;

	if (at == end || *at != '"')
		return 0;
	text = ++at;
	for (;;) {
		size_t length;

		at += cursor->kernel->plain_span(at, (size_t)(end - at));
		if (at == end)
			break;
		if (*at == '"') {
			*out_view = (struct stp_cjson_view){(const char *)text, (size_t)(at - text),
			                                    escaped};
			cursor->at = at + 1;
			return 1;
		}
		if (*at == '\\') {
			length = escape_bytes(cursor, at);
			if (length == 0)
				break;
			escaped = 1;
			at += length;
			continue;
		}
		length = stp_cjson_sequence(at, (size_t)(end - at));
		if (length == 0)
			break;
		at += length;
	}
	cursor->at = at;
	return 0;
}

/* Digits without leading zeros, at most magnitude_max. */
static int take_digits(struct stp_cjson_cursor *cursor, uint64_t magnitude_max, uint64_t *out_value)
{
	const uint8_t *at = cursor->at;
	uint64_t value = 0;

	if (at == cursor->end || *at < '0' || *at > '9')
		return 0;
	if (*at == '0') {
		cursor->at = at + 1;
		*out_value = 0;
		return 1;
	}
	for (; at < cursor->end && *at >= '0' && *at <= '9'; at++) {
		unsigned digit = *at - '0';

		if (value > (magnitude_max - digit) / 10)
			return 0;
		value = value * 10 + digit;
	}
	cursor->at = at;
	*out_value = value;
	return 1;
}

int stp_cjson_take_u64(struct stp_cjson_cursor *cursor, uint64_t *out_value)
{
	return take_digits(cursor, INT64_MAX, out_value);
}

int stp_cjson_take_hex(struct stp_cjson_cursor *cursor, uint8_t *out, size_t byte_count)
{
	const uint8_t *at = cursor->at;
	size_t left = (size_t)(cursor->end - at);

	if (left < 2 || byte_count > (left - 2) / 2 || at[0] != '"' ||
	    at[1 + 2 * byte_count] != '"' || !cursor->kernel->hex_decode(at + 1, byte_count, out))
		return 0;
	cursor->at = at + 2 + 2 * byte_count;
	return 1;
}

/* One decoded byte of view at *i, which is advanced over an escape. */
static uint8_t meaning(const struct stp_cjson_view *view, size_t *i)
{
	const uint8_t *at = (const uint8_t *)view->text + *i;
	size_t escape;
	uint8_t control;

	if (*at != '\\') {
		++*i;
		return *at;
	}
	escape = stp_cjson_escaped_control(at, view->bytes - *i, &control);
	*i += escape ? escape : 2;
	return escape ? control : at[1];
}

int stp_cjson_key_compare(const struct stp_cjson_view *a, const struct stp_cjson_view *b)
{
	size_t i = 0;
	size_t j = 0;

	/* UTF-8 sorts by code point as its bytes do. */
	if (!a->escaped && !b->escaped) {
		size_t common = a->bytes < b->bytes ? a->bytes : b->bytes;
		int order = memcmp(a->text, b->text, common);

		return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
	}
	while (i < a->bytes && j < b->bytes) {
		int order = (int)meaning(a, &i) - (int)meaning(b, &j);

		if (order)
			return order;
	}
	return (i < a->bytes) - (j < b->bytes);
}

size_t stp_cjson_unescape(const struct stp_cjson_view *view, char *out)
{
	size_t count = 0;
	size_t i = 0;

	while (i < view->bytes)
		out[count++] = (char)meaning(view, &i);
	return count;
}

/* ---------------------------------------------------------------- events */

static void reader_start(struct stp_cjson_reader *reader)
{
	reader->fault = NULL;
	reader->too_deep = 0;
	reader->state = STATE_VALUE;
	reader->depth = 0;
}

void stp_cjson_reader_init(struct stp_cjson_reader *reader, const void *bytes, size_t count)
{
	stp_cjson_cursor_init(&reader->cursor, bytes, count);
	reader_start(reader);
}

void stp_cjson_reader_init_file(struct stp_cjson_reader *reader, const void *bytes, size_t count)
{
	stp_cjson_reader_init(reader, bytes, count);
	reader->cursor.is_file = 1;
}

static enum stp_cjson_event bad(struct stp_cjson_reader *reader, const char *fault)
{
	reader->state = STATE_BAD;
	reader->fault = fault;
	return STP_CJSON_BAD;
}

static enum stp_cjson_event open_level(struct stp_cjson_reader *reader, int is_array)
{
	struct stp_cjson_level *level;

	if (reader->depth == STP_JSON_DEPTH_MAX) {
		reader->too_deep = 1;
		return bad(reader, "is nested too deeply");
	}
	level = &reader->levels[reader->depth++];
	level->is_array = is_array;
	level->has_items = 0;
	reader->cursor.at++;
	reader->state = STATE_FIRST;
	return is_array ? STP_CJSON_ARRAY_BEGIN : STP_CJSON_OBJECT_BEGIN;
}

static enum stp_cjson_event close_level(struct stp_cjson_reader *reader)
{
	int is_array = reader->levels[--reader->depth].is_array;

	reader->cursor.at++;
	reader->state = STATE_NEXT;
	return is_array ? STP_CJSON_ARRAY_END : STP_CJSON_OBJECT_END;
}

static enum stp_cjson_event read_integer(struct stp_cjson_reader *reader)
{
	struct stp_cjson_cursor *cursor = &reader->cursor;
	int negative = *cursor->at == '-';
	uint64_t magnitude;

	cursor->at += negative;
	if (!take_digits(cursor, (uint64_t)INT64_MAX + (unsigned)negative, &magnitude))
		return bad(reader, "holds a number that is not a 64-bit integer");
	if (negative && magnitude == 0)
		return bad(reader, "holds the number -0");
	/* INT64_MIN's magnitude is INT64_MAX + 1. */
	reader->integer = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
	reader->state = STATE_NEXT;
	return STP_CJSON_INTEGER;
}

static enum stp_cjson_event read_word(struct stp_cjson_reader *reader)
{
	enum stp_cjson_event event;

	if (STP_CJSON_EXPECT(&reader->cursor, "true"))
		event = STP_CJSON_TRUE;
	else if (STP_CJSON_EXPECT(&reader->cursor, "false"))
		event = STP_CJSON_FALSE;
	else if (STP_CJSON_EXPECT(&reader->cursor, "null"))
		event = STP_CJSON_NULL;
	else
		return bad(reader, "expected a value");
	reader->state = STATE_NEXT;
	return event;
}

static enum stp_cjson_event read_value(struct stp_cjson_reader *reader)
{
	int c = stp_cjson_peek(&reader->cursor);

	if (c == '{' || c == '[')
		return open_level(reader, c == '[');
	if (c == '"') {
		if (!stp_cjson_take_string(&reader->cursor, &reader->view))
			return bad(reader, "holds a string that is not canonical UTF-8");
		reader->state = STATE_NEXT;
		return STP_CJSON_STRING;
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_integer(reader);
	return read_word(reader);
}

static enum stp_cjson_event read_key(struct stp_cjson_reader *reader)
{
	struct stp_cjson_level *level = &reader->levels[reader->depth - 1];
	const uint8_t *begin = reader->cursor.at;

	if (!stp_cjson_take_string(&reader->cursor, &reader->view))
		return bad(reader, "expected a key, a canonical string");
	if (level->has_items && stp_cjson_key_compare(&level->key, &reader->view) >= 0) {
		int twice = stp_cjson_key_compare(&level->key, &reader->view) == 0;

		reader->cursor.at = begin;
		return bad(reader, twice ? "holds a key twice" : "holds keys that are not sorted");
	}
	if (!STP_CJSON_EXPECT(&reader->cursor, ":"))
		return bad(reader, "expected ':' right after a key");
	level->has_items = 1;
	level->key = reader->view;
	reader->state = STATE_VALUE;
	return STP_CJSON_KEY;
}

/* The next item of the open level: a key or a value. */
static enum stp_cjson_event read_item(struct stp_cjson_reader *reader)
{
	return reader->levels[reader->depth - 1].is_array ? read_value(reader) : read_key(reader);
}

/* After a value. */
static enum stp_cjson_event read_next(struct stp_cjson_reader *reader)
{
	int c = stp_cjson_peek(&reader->cursor);

	if (reader->depth == 0) {
		if (c != -1)
			return bad(reader, "continues after the end of the document");
		reader->state = STATE_DONE;
		return STP_CJSON_END;
	}
	if (c == (reader->levels[reader->depth - 1].is_array ? ']' : '}'))
		return close_level(reader);
	if (c != ',')
		return bad(reader, "expected ',' or the end of an object or array");
	reader->cursor.at++;
	return read_item(reader);
}

enum stp_cjson_event stp_cjson_next(struct stp_cjson_reader *reader)
{
	switch ((enum state)reader->state) {
	case STATE_VALUE:
		return read_value(reader);
	case STATE_FIRST:
		if (stp_cjson_peek(&reader->cursor) ==
		    (reader->levels[reader->depth - 1].is_array ? ']' : '}'))
			return close_level(reader);
		return read_item(reader);
	case STATE_NEXT:
		return read_next(reader);
	case STATE_DONE:
		return STP_CJSON_END;
	case STATE_BAD:
		break;
	}
	return STP_CJSON_BAD;
}

int stp_cjson_skip(struct stp_cjson_reader *reader, enum stp_cjson_event begun)
{
	size_t outside;

	if (begun != STP_CJSON_OBJECT_BEGIN && begun != STP_CJSON_ARRAY_BEGIN)
		return begun != STP_CJSON_BAD;
	outside = reader->depth - 1;
	while (reader->depth > outside) {
		if (stp_cjson_next(reader) == STP_CJSON_BAD)
			return 0;
	}
	return 1;
}

int stp_cjson_take_value(struct stp_cjson_cursor *cursor, const uint8_t **out_begin,
                         size_t *out_bytes)
{
	struct stp_cjson_reader reader;
	const uint8_t *begin = cursor->at;
	int whole;

	reader.cursor = *cursor;
	reader_start(&reader);
	whole = stp_cjson_skip(&reader, stp_cjson_next(&reader));
	cursor->at = reader.cursor.at;
	if (!whole)
		return 0;
	*out_begin = begin;
	*out_bytes = (size_t)(cursor->at - begin);
	return 1;
}

static enum stp_errc fail(const struct stp_cjson_reader *reader, const char *stage,
                          const char *subject, struct stp_err *err)
{
	return STP_FAIL(err, reader->too_deep ? STP_LIMIT : STP_FORMAT, stage, subject,
	                "%s (byte %zu); it is not canonical JSON",
	                reader->fault ? reader->fault : "is not what was expected",
	                (size_t)(reader->cursor.at - reader->cursor.begin));
}

static enum stp_errc check_all(struct stp_cjson_reader *reader, const char *stage,
                               const char *subject, struct stp_err *err)
{
	enum stp_cjson_event event;

	do {
		event = stp_cjson_next(reader);
	} while (event != STP_CJSON_END && event != STP_CJSON_BAD);
	if (event == STP_CJSON_BAD)
		return fail(reader, stage, subject, err);
	return STP_OK;
}

enum stp_errc stp_cjson_check(const void *bytes, size_t count, const char *stage,
                              const char *subject, struct stp_err *err)
{
	struct stp_cjson_reader reader;

	stp_cjson_reader_init(&reader, bytes, count);
	return check_all(&reader, stage, subject, err);
}

enum stp_errc stp_cjson_check_file(const void *bytes, size_t count, const char *stage,
                                   const char *subject, struct stp_err *err)
{
	struct stp_cjson_reader reader;

	stp_cjson_reader_init_file(&reader, bytes, count);
	return check_all(&reader, stage, subject, err);
}
