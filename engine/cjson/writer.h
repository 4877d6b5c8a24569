/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cjson/writer: documents → canonical bytes (OLPC canonical JSON, engine/TUF.md, "Files and
 * canonical form"). Knows nothing of TUF.
 *
 *	stp_cjson_writer_init(&w);
 *	stp_cjson_object_begin(&w);
 *	stp_cjson_key(&w, "version");  stp_cjson_u64(&w, 7);
 *	stp_cjson_object_end(&w);
 *	STP_TRY(stp_cjson_writer_finish(&w, "roles", "timestamp", err));   → w.data, w.count
 *
 * The writer is sticky: after the first failure calls do nothing and finish() returns it. Keys
 * that are not in code point order, a value without its key and unbalanced ends are bugs and
 * abort. A string that canonical JSON cannot carry (not UTF-8, or a control character below
 * U+0020, which only an escape could carry) is STP_FORMAT.
 *
 * For bulk output (bins) there are primitives without any state below: stp_put_*() write at a
 * pointer into space that the caller has measured, at memory speed.
 *
 * Shape      bytes at data[0, count).
 * Memory     the caller's fixed buffer, or a growing one of the heap.
 * Ownership  release() frees a growing buffer; stp_cjson_writer_take() hands it over.
 * Threads    one thread per writer; the primitives have no state.
 */
#ifndef STP_CJSON_WRITER_H
#define STP_CJSON_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

enum stp_cjson_scope_kind {
	STP_CJSON_TOP,
	STP_CJSON_IN_OBJECT,
	STP_CJSON_IN_ARRAY,
};

struct stp_cjson_scope {
	enum stp_cjson_scope_kind kind;
	size_t item_count;
	int has_key;      /* a key was written, its value comes next */
	size_t key_at;    /* offset of the last key's text in the output, as written */
	size_t key_bytes; /* its length, as written */
};

struct stp_cjson_writer {
	uint8_t *data;
	size_t count;
	size_t capacity;
	int grows;
	enum stp_errc code; /* first failure */
	struct stp_err err;
	size_t depth;
	struct stp_cjson_scope scopes[STP_JSON_DEPTH_MAX + 1];
};

/* A growing writer; allocates nothing yet. */
void stp_cjson_writer_init(struct stp_cjson_writer *writer);

/* A writer into capacity bytes at data; one byte too many is STP_LIMIT. */
void stp_cjson_writer_init_fixed(struct stp_cjson_writer *writer, uint8_t *data, size_t capacity);

/* Frees a growing writer's buffer. */
void stp_cjson_writer_release(struct stp_cjson_writer *writer);

void stp_cjson_object_begin(struct stp_cjson_writer *writer);
void stp_cjson_object_end(struct stp_cjson_writer *writer);
void stp_cjson_array_begin(struct stp_cjson_writer *writer);
void stp_cjson_array_end(struct stp_cjson_writer *writer);

/* The next key of the open object; greater (by code point) than the one before, asserted. */
void stp_cjson_key(struct stp_cjson_writer *writer, const char *key);
void stp_cjson_key_bytes(struct stp_cjson_writer *writer, const char *key, size_t key_bytes);

void stp_cjson_string(struct stp_cjson_writer *writer, const char *text);
void stp_cjson_string_bytes(struct stp_cjson_writer *writer, const char *text, size_t text_bytes);
/* As stp_cjson_string_bytes(), but control characters (not NUL) are written as they are: the
 * document is what is signed, and a file holds what stp_cjson_to_file() makes of it. For PEM
 * keys. */
void stp_cjson_string_raw(struct stp_cjson_writer *writer, const char *text, size_t text_bytes);
/* byte_count bytes as a string of lower-case hex. */
void stp_cjson_hex(struct stp_cjson_writer *writer, const uint8_t *bytes, size_t byte_count);
void stp_cjson_u64(struct stp_cjson_writer *writer, uint64_t value);
void stp_cjson_i64(struct stp_cjson_writer *writer, int64_t value);
void stp_cjson_true(struct stp_cjson_writer *writer);
void stp_cjson_false(struct stp_cjson_writer *writer);
void stp_cjson_null(struct stp_cjson_writer *writer);

/* The first failure, or STP_OK when exactly one value was written and all scopes are closed
 * (asserted). stage and subject name the document in the message. */
enum stp_errc stp_cjson_writer_finish(struct stp_cjson_writer *writer, const char *stage,
                                      const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* Moves a growing writer's bytes to out_buf (released before); the writer is empty again. */
void stp_cjson_writer_take(struct stp_cjson_writer *writer, struct stp_buf *out_buf);

/* -------- primitives for bulk output: no state, no checks, the caller measures ------------- */

typedef void stp_hex_fn(const uint8_t *bytes, size_t byte_count, uint8_t *out);

/* As stp_hex_encode() in base/, with the fastest encoder of this CPU. */
void stp_hex_encode_fast(const uint8_t *bytes, size_t byte_count, uint8_t *out);

/* True when text is valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
int stp_utf8_is_valid(const char *text, size_t text_bytes);

/* Decimal digits of value: 1 … 20. */
static inline size_t stp_u64_digits(uint64_t value)
{
	static const uint64_t power[20] = {0ULL,
	                                   10ULL,
	                                   100ULL,
	                                   1000ULL,
	                                   10000ULL,
	                                   100000ULL,
	                                   1000000ULL,
	                                   10000000ULL,
	                                   100000000ULL,
	                                   1000000000ULL,
	                                   10000000000ULL,
	                                   100000000000ULL,
	                                   1000000000000ULL,
	                                   10000000000000ULL,
	                                   100000000000000ULL,
	                                   1000000000000000ULL,
	                                   10000000000000000ULL,
	                                   100000000000000000ULL,
	                                   1000000000000000000ULL,
	                                   10000000000000000000ULL};
	/* 1233 / 4096 is just above log10(2): guesses the digits from the bits, at most one high.
	 */
	unsigned guess = (unsigned)(64 - __builtin_clzll(value | 1)) * 1233 >> 12;

	return guess + (value >= power[guess] ? 1u : 0u);
}

/* Writes value in decimal, digits = stp_u64_digits(value). Returns the end. */
static inline uint8_t *stp_put_u64_digits(uint8_t *at, uint64_t value, size_t digits)
{
	static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
	                               "25262728293031323334353637383940414243444546474849"
	                               "50515253545556575859606162636465666768697071727374"
	                               "75767778798081828384858687888990919293949596979899";
	uint8_t *end = at + digits;
	uint8_t *back = end;

	while (value >= 100) {
		back -= 2;
		memcpy(back, pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(back - 2, pairs + 2 * value, 2);
	else
		back[-1] = (uint8_t)('0' + value);
	return end;
}

static inline uint8_t *stp_put_u64(uint8_t *at, uint64_t value)
{
	return stp_put_u64_digits(at, value, stp_u64_digits(value));
}

/* Copies count bytes. Returns the end. */
static inline uint8_t *stp_put_bytes(uint8_t *at, const void *bytes, size_t count)
{
	memcpy(at, bytes, count);
	return at + count;
}

/* Copies a string literal without its NUL: a few stores of known size. */
#define STP_PUT_LITERAL(at, literal) stp_put_bytes((at), "" literal, sizeof(literal) - 1)

#endif
