/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cjson/reader: canonical bytes → events; all other bytes are refused.
 *
 * Accepts a document exactly when encoding its value gives the same bytes again: no white space,
 * keys unique and in code point order, integers minimal and within int64_t, strings with no escapes
 * but \" and \\, valid UTF-8, nothing after the value. So what it accepts has one meaning in every
 * reader, and a signature over it covers that meaning.
 *
 * Two ways to use it, on the same bytes:
 *   events   any document: stp_cjson_reader_init(); while stp_cjson_next() …
 *   cursor   known layouts, at memory speed: stp_cjson_expect(), _take_string(), _take_u64(),
 *            _take_hex(); the caller checks the order of keys itself with stp_cjson_key_compare()
 *
 *	struct stp_cjson_cursor c;
 *	stp_cjson_cursor_init(&c, bytes, count);
 *	if (!STP_CJSON_EXPECT(&c, "\"length\":") || !stp_cjson_take_u64(&c, &length))
 *		… c.at is where
 *
 * Shape      one buffer; views point into it.
 * Memory     none allocated; a reader is about 1 KiB.
 * Ownership  the bytes stay the caller's and must outlive views.
 * Threads    one thread per reader or cursor.
 */
#ifndef STP_CJSON_READER_H
#define STP_CJSON_READER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"

/* A string's bytes between its quotes, as they are in the document. */
struct stp_cjson_view {
	const char *text;
	size_t bytes;
	int escaped; /* holds an escape: see stp_cjson_unescape() */
};

/* ---------------------------------------------------------------- the cursor */

struct stp_cjson_cursor {
	const uint8_t *at; /* next byte; after a failure, where it was */
	const uint8_t *end;
	const uint8_t *begin;
	const struct stp_cjson_kernel *kernel;
	int is_file; /* control characters are escaped, see stp_cjson_reader_init_file() */
};

void stp_cjson_cursor_init(struct stp_cjson_cursor *cursor, const void *bytes, size_t count);

/* As init, with chosen CPU features (tests and benches; 0 is the portable reference). */
void stp_cjson_cursor_init_features(struct stp_cjson_cursor *cursor, const void *bytes,
                                    size_t count, unsigned features);

/* All take functions return 1 and advance, or return 0 and leave `at` where the fault is (expect
 * and peek leave it unchanged). */

/* Exactly these bytes. */
static inline int stp_cjson_expect(struct stp_cjson_cursor *cursor, const char *text, size_t count)
{
	if ((size_t)(cursor->end - cursor->at) < count || memcmp(cursor->at, text, count) != 0)
		return 0;
	cursor->at += count;
	return 1;
}

#define STP_CJSON_EXPECT(cursor, literal) \
	stp_cjson_expect((cursor), "" literal, sizeof(literal) - 1)

/* The next byte, or -1 at the end. */
static inline int stp_cjson_peek(const struct stp_cjson_cursor *cursor)
{
	return cursor->at < cursor->end ? *cursor->at : -1;
}

/* A whole string with both quotes; checked: UTF-8, no control characters, only \" and \\ (and, of
 * file bytes, the escapes of control characters). */
int stp_cjson_take_string(struct stp_cjson_cursor *cursor, struct stp_cjson_view *out_view);

/* An integer 0 … INT64_MAX without leading zeros. */
int stp_cjson_take_u64(struct stp_cjson_cursor *cursor, uint64_t *out_value);

/* A string of exactly 2 * byte_count lower-case hex digits, with both quotes. */
int stp_cjson_take_hex(struct stp_cjson_cursor *cursor, uint8_t *out, size_t byte_count);

/* Any one canonical value (nested up to STP_JSON_DEPTH_MAX); out_bytes its raw extent. */
int stp_cjson_take_value(struct stp_cjson_cursor *cursor, const uint8_t **out_begin,
                         size_t *out_bytes);

/* Order by code point of two strings as they are in the document: < 0, 0, > 0. */
int stp_cjson_key_compare(const struct stp_cjson_view *a, const struct stp_cjson_view *b);

/* Writes the decoded string to out (at least view->bytes bytes); returns its length. */
size_t stp_cjson_unescape(const struct stp_cjson_view *view, char *out);

/* True when the view is exactly this text (which has no '"' and '\'). */
static inline int stp_cjson_view_is(const struct stp_cjson_view *view, const char *text)
{
	size_t count = strlen(text);

	return view->bytes == count && memcmp(view->text, text, count) == 0;
}

/* ---------------------------------------------------------------- events */

enum stp_cjson_event {
	STP_CJSON_OBJECT_BEGIN,
	STP_CJSON_OBJECT_END,
	STP_CJSON_ARRAY_BEGIN,
	STP_CJSON_ARRAY_END,
	STP_CJSON_KEY,     /* view */
	STP_CJSON_STRING,  /* view */
	STP_CJSON_INTEGER, /* integer */
	STP_CJSON_TRUE,
	STP_CJSON_FALSE,
	STP_CJSON_NULL,
	STP_CJSON_END, /* the document is complete and was canonical */
	STP_CJSON_BAD, /* fault says why, cursor.at - cursor.begin where; stays so */
};

struct stp_cjson_level {
	int is_array;
	int has_items;
	struct stp_cjson_view key; /* last key, for the order */
};

struct stp_cjson_reader {
	struct stp_cjson_cursor cursor;
	struct stp_cjson_view view;
	int64_t integer;
	const char *fault; /* static text */
	int too_deep;      /* the fault is STP_LIMIT, not STP_FORMAT */
	int state;
	size_t depth;
	struct stp_cjson_level levels[STP_JSON_DEPTH_MAX];
};

void stp_cjson_reader_init(struct stp_cjson_reader *reader, const void *bytes, size_t count);

/* As init for the file bytes of a document that may hold control characters (cjson/encoding.h):
 * their escapes are accepted, each in its one spelling. Everything else is as strict. */
void stp_cjson_reader_init_file(struct stp_cjson_reader *reader, const void *bytes, size_t count);

/* The next event. After END or BAD it returns the same again. */
enum stp_cjson_event stp_cjson_next(struct stp_cjson_reader *reader);

/* After an event that begins a value (not KEY): skips to its end. 0 after BAD. */
int stp_cjson_skip(struct stp_cjson_reader *reader, enum stp_cjson_event begun);

/* STP_OK when bytes[0, count) is one canonical document; else what is wrong, with the byte offset:
 * STP_FORMAT, or STP_LIMIT when it is nested too deeply. */
enum stp_errc stp_cjson_check(const void *bytes, size_t count, const char *stage,
                              const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* STP_OK when bytes[0, count) are the file bytes of one canonical document. */
enum stp_errc stp_cjson_check_file(const void *bytes, size_t count, const char *stage,
                                   const char *subject, struct stp_err *err) STP_MUST_CHECK;

#endif
