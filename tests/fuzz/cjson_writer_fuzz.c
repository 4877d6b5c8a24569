/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a program of calls to the writer. Whatever it writes, the strict reader accepts and
 * jansson reads as the same canonical bytes; what it refuses holds a string that is not UTF-8 or
 * has a control character.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cjson/reader.h"
#include "cjson/writer.h"
#include "cjson_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

struct program {
	const uint8_t *at;
	const uint8_t *end;
	int bad_string; /* one was given that the writer must refuse */
};

static unsigned next_byte(struct program *p)
{
	return p->at < p->end ? *p->at++ : 0;
}

/* A string from the program; notes whether it can be canonical. */
static const char *next_string(struct program *p, size_t *out_count)
{
	size_t count = next_byte(p);
	const char *text = (const char *)p->at;

	if (count > (size_t)(p->end - p->at))
		count = (size_t)(p->end - p->at);
	p->at += count;
	for (size_t i = 0; i < count; i++)
		p->bad_string |= (uint8_t)text[i] < 0x20;
	p->bad_string |= !stp_utf8_is_valid(text, count);
	*out_count = count;
	return text;
}

static int64_t next_integer(struct program *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | next_byte(p);
	return (int64_t)value >> (next_byte(p) % 64);
}

static void write_value(struct stp_cjson_writer *w, struct program *p, unsigned depth);

static void write_object(struct stp_cjson_writer *w, struct program *p, unsigned depth)
{
	char key[16];
	unsigned count = next_byte(p) % 5;

	stp_cjson_object_begin(w);
	for (unsigned i = 0; i < count; i++) {
		/* Sorted by their first byte; the rest is anything printable. */
		int length = snprintf(key, sizeof(key), "%c%c", (int)('!' + i),
		                      (int)(' ' + next_byte(p) % 95));

		stp_cjson_key_bytes(w, key, (size_t)length);
		write_value(w, p, depth + 1);
	}
	stp_cjson_object_end(w);
}

static void write_array(struct stp_cjson_writer *w, struct program *p, unsigned depth)
{
	unsigned count = next_byte(p) % 5;

	stp_cjson_array_begin(w);
	for (unsigned i = 0; i < count; i++)
		write_value(w, p, depth + 1);
	stp_cjson_array_end(w);
}

static void write_value(struct stp_cjson_writer *w, struct program *p, unsigned depth)
{
	unsigned kind = next_byte(p) % 8;
	const char *text;
	size_t count;

	if (depth >= STP_JSON_DEPTH_MAX && kind < 2)
		kind = 6;
	switch (kind) {
	case 0:
		write_object(w, p, depth);
		break;
	case 1:
		write_array(w, p, depth);
		break;
	case 2:
		text = next_string(p, &count);
		stp_cjson_string_bytes(w, text, count);
		break;
	case 3:
		stp_cjson_i64(w, next_integer(p));
		break;
	case 4:
		stp_cjson_u64(w, (uint64_t)next_integer(p) >> 1);
		break;
	case 5:
		/* Hex of any bytes is fine. */
		count = next_byte(p) % 80;
		if (count > (size_t)(p->end - p->at))
			count = (size_t)(p->end - p->at);
		stp_cjson_hex(w, p->at, count);
		p->at += count;
		break;
	case 6:
		stp_cjson_null(w);
		break;
	default:
		stp_cjson_true(w);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct program p = {data, data + data_bytes, 0};
	struct stp_cjson_writer w;
	enum stp_errc code;

	stp_cjson_writer_init(&w);
	write_value(&w, &p, 0);
	code = stp_cjson_writer_finish(&w, "fuzz", "doc", NULL);
	if ((code == STP_OK) == p.bad_string || (code != STP_OK && code != STP_FORMAT))
		abort();
	if (code == STP_OK && (stp_cjson_check(w.data, w.count, "fuzz", "doc", NULL) != STP_OK ||
	                       !oracle_is_canonical(w.data, w.count)))
		abort();
	stp_cjson_writer_release(&w);
	return 0;
}
