/* SPDX-License-Identifier: Apache-2.0 */
#include "cjson/writer.h"

#include <stdlib.h>

#include "base/cpu.h"
#include "base/text.h"
#include "cjson/kernel.h"
#include "cjson/reader.h"

void stp_cjson_writer_init_fixed(struct stp_cjson_writer *writer, uint8_t *data, size_t capacity)
{
	static const struct stp_err no_error = STP_ERR_INIT;

	writer->data = data;
	writer->count = 0;
	writer->capacity = capacity;
	writer->grows = 0;
	writer->code = STP_OK;
	writer->err = no_error;
	writer->depth = 0;
	writer->scopes[0] = (struct stp_cjson_scope){STP_CJSON_TOP, 0, 0, 0, 0};
}

void stp_cjson_writer_init(struct stp_cjson_writer *writer)
{
	stp_cjson_writer_init_fixed(writer, NULL, 0);
	writer->grows = 1;
}

void stp_cjson_writer_release(struct stp_cjson_writer *writer)
{
	if (writer->grows)
		free(writer->data);
	writer->data = NULL;
	writer->count = 0;
	writer->capacity = 0;
}

/* Memory for count more bytes, or NULL once the writer has failed. */
static uint8_t *reserve(struct stp_cjson_writer *writer, size_t count)
{
	if (writer->code != STP_OK)
		return NULL;
	if (count > writer->capacity - writer->count) {
		struct stp_buf buf = {writer->data, writer->count, writer->capacity};

		if (!writer->grows) {
			writer->code = STP_FAIL(&writer->err, STP_LIMIT, "cjson", NULL,
			                        "a document does not fit its buffer of %zu bytes",
			                        writer->capacity);
			return NULL;
		}
		writer->code = stp_buf_reserve(&buf, count, &writer->err);
		writer->data = buf.data;
		writer->capacity = buf.capacity;
		if (writer->code != STP_OK)
			return NULL;
	}
	return writer->data + writer->count;
}

static void put(struct stp_cjson_writer *writer, const void *bytes, size_t count)
{
	uint8_t *at = reserve(writer, count);

	if (!at || count == 0)
		return;
	memcpy(at, bytes, count);
	writer->count += count;
}

static struct stp_cjson_scope *scope(struct stp_cjson_writer *writer)
{
	return &writer->scopes[writer->depth];
}

/* Puts what must precede a value: nothing or a comma; after a key nothing. */
static void before_value(struct stp_cjson_writer *writer)
{
	struct stp_cjson_scope *in = scope(writer);

	if (writer->code != STP_OK)
		return;
	if (in->kind == STP_CJSON_IN_OBJECT)
		STP_ASSERT(in->has_key);
	else if (in->kind == STP_CJSON_TOP)
		STP_ASSERT(in->item_count == 0);
	else if (in->item_count)
		put(writer, ",", 1);
	in->has_key = 0;
	in->item_count++;
}

static void begin(struct stp_cjson_writer *writer, enum stp_cjson_scope_kind kind, const char *mark)
{
	before_value(writer);
	put(writer, mark, 1);
	if (writer->code != STP_OK)
		return;
	STP_ASSERT(writer->depth < STP_JSON_DEPTH_MAX);
	writer->depth++;
	*scope(writer) = (struct stp_cjson_scope){kind, 0, 0, 0, 0};
}

static void end(struct stp_cjson_writer *writer, enum stp_cjson_scope_kind kind, const char *mark)
{
	if (writer->code != STP_OK)
		return;
	STP_ASSERT(scope(writer)->kind == kind);
	STP_ASSERT(!scope(writer)->has_key);
	put(writer, mark, 1);
	writer->depth--;
}

void stp_cjson_object_begin(struct stp_cjson_writer *writer)
{
	begin(writer, STP_CJSON_IN_OBJECT, "{");
}

void stp_cjson_object_end(struct stp_cjson_writer *writer)
{
	end(writer, STP_CJSON_IN_OBJECT, "}");
}

void stp_cjson_array_begin(struct stp_cjson_writer *writer)
{
	begin(writer, STP_CJSON_IN_ARRAY, "[");
}

void stp_cjson_array_end(struct stp_cjson_writer *writer)
{
	end(writer, STP_CJSON_IN_ARRAY, "]");
}

enum controls {
	CONTROLS_REFUSED,
	CONTROLS_RAW, /* but NUL */
};

/* Writes text with its quotes. */
static void put_string(struct stp_cjson_writer *writer, const char *text, size_t text_bytes,
                       enum controls controls)
{
	const struct stp_cjson_kernel *kernel = stp_cjson_kernel_for(stp_cpu_features());
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *stop = at + text_bytes;

	put(writer, "\"", 1);
	while (at < stop && writer->code == STP_OK) {
		size_t count = kernel->plain_span(at, (size_t)(stop - at));

		put(writer, at, count);
		at += count;
		if (at == stop)
			break;
		if (*at == '"' || *at == '\\')
			put(writer, "\\", 1);
		count = controls == CONTROLS_RAW && *at && *at < 0x20
		            ? 1
		            : stp_cjson_sequence(at, (size_t)(stop - at));
		if (count == 0 && writer->code == STP_OK)
			writer->code = STP_FAIL(&writer->err, STP_FORMAT, "cjson", NULL,
			                        "a string holds byte 0x%02x at %zu, which is not "
			                        "UTF-8 or is a control character",
			                        *at, (size_t)(at - (const uint8_t *)text));
		put(writer, at, count);
		at += count;
	}
	put(writer, "\"", 1);
}

void stp_cjson_key_bytes(struct stp_cjson_writer *writer, const char *key, size_t key_bytes)
{
	struct stp_cjson_scope *in = scope(writer);
	struct stp_cjson_view before;
	struct stp_cjson_view now;
	size_t at;

	if (writer->code != STP_OK)
		return;
	STP_ASSERT(in->kind == STP_CJSON_IN_OBJECT && !in->has_key);
	if (in->item_count)
		put(writer, ",", 1);
	at = writer->count + 1;
	put_string(writer, key, key_bytes, CONTROLS_REFUSED);
	if (writer->code != STP_OK)
		return;
	now = (struct stp_cjson_view){(const char *)writer->data + at, writer->count - 1 - at, 1};
	before = (struct stp_cjson_view){(const char *)writer->data + in->key_at, in->key_bytes, 1};
	STP_ASSERT(in->item_count == 0 || stp_cjson_key_compare(&before, &now) < 0);
	in->key_at = at;
	in->key_bytes = now.bytes;
	in->has_key = 1;
	put(writer, ":", 1);
}

void stp_cjson_key(struct stp_cjson_writer *writer, const char *key)
{
	stp_cjson_key_bytes(writer, key, strlen(key));
}

void stp_cjson_string_bytes(struct stp_cjson_writer *writer, const char *text, size_t text_bytes)
{
	before_value(writer);
	put_string(writer, text, text_bytes, CONTROLS_REFUSED);
}

void stp_cjson_string_raw(struct stp_cjson_writer *writer, const char *text, size_t text_bytes)
{
	before_value(writer);
	put_string(writer, text, text_bytes, CONTROLS_RAW);
}

void stp_cjson_string(struct stp_cjson_writer *writer, const char *text)
{
	stp_cjson_string_bytes(writer, text, strlen(text));
}

void stp_cjson_hex(struct stp_cjson_writer *writer, const uint8_t *bytes, size_t byte_count)
{
	uint8_t *at;

	before_value(writer);
	at = reserve(writer, 2 * byte_count + 2);
	if (!at)
		return;
	at[0] = '"';
	stp_hex_encode_fast(bytes, byte_count, at + 1);
	at[1 + 2 * byte_count] = '"';
	writer->count += 2 * byte_count + 2;
}

void stp_cjson_u64(struct stp_cjson_writer *writer, uint64_t value)
{
	char text[20];
	size_t count = stp_u64_format(value, text);

	before_value(writer);
	put(writer, text, count);
}

void stp_cjson_i64(struct stp_cjson_writer *writer, int64_t value)
{
	char text[21] = "-";
	/* -(value + 1) + 1: the magnitude of INT64_MIN does not fit int64_t. */
	uint64_t magnitude = value < 0 ? (uint64_t)(-(value + 1)) + 1 : (uint64_t)value;
	size_t sign = value < 0;
	size_t count = stp_u64_format(magnitude, text + sign);

	before_value(writer);
	put(writer, text, sign + count);
}

void stp_cjson_true(struct stp_cjson_writer *writer)
{
	before_value(writer);
	put(writer, "true", 4);
}

void stp_cjson_false(struct stp_cjson_writer *writer)
{
	before_value(writer);
	put(writer, "false", 5);
}

void stp_cjson_null(struct stp_cjson_writer *writer)
{
	before_value(writer);
	put(writer, "null", 4);
}

enum stp_errc stp_cjson_writer_finish(struct stp_cjson_writer *writer, const char *stage,
                                      const char *subject, struct stp_err *err)
{
	if (writer->code != STP_OK)
		return stp_err_set(err, writer->code, writer->err.sys_errno, stage, subject,
		                   writer->err.file, writer->err.line, "%s", writer->err.text);
	STP_ASSERT(writer->depth == 0 && writer->scopes[0].item_count == 1);
	return STP_OK;
}

void stp_cjson_writer_take(struct stp_cjson_writer *writer, struct stp_buf *out_buf)
{
	STP_ASSERT(writer->grows);
	stp_buf_release(out_buf);
	*out_buf = (struct stp_buf){writer->data, writer->count, writer->capacity};
	stp_cjson_writer_init(writer);
}
