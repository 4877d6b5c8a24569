/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader accepts exactly the bytes that jansson reads and a canonical printer gives
 * back unchanged; events and cursor agree; every kernel agrees.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "cjson/kernel.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "cjson_oracle.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* Writes one string with the writer from the reader's view. */
static void copy_string(struct stp_cjson_writer *writer, const struct stp_cjson_view *view,
                        int is_key)
{
	char *text = malloc(view->bytes + 1);
	size_t count;

	if (!text)
		abort();
	count = stp_cjson_unescape(view, text);
	if (is_key)
		stp_cjson_key_bytes(writer, text, count);
	else
		stp_cjson_string_bytes(writer, text, count);
	free(text);
}

/* Sends one event to the writer. */
static void copy_event(struct stp_cjson_writer *writer, const struct stp_cjson_reader *reader,
                       enum stp_cjson_event event)
{
	switch (event) {
	case STP_CJSON_OBJECT_BEGIN:
		stp_cjson_object_begin(writer);
		break;
	case STP_CJSON_OBJECT_END:
		stp_cjson_object_end(writer);
		break;
	case STP_CJSON_ARRAY_BEGIN:
		stp_cjson_array_begin(writer);
		break;
	case STP_CJSON_ARRAY_END:
		stp_cjson_array_end(writer);
		break;
	case STP_CJSON_KEY:
	case STP_CJSON_STRING:
		copy_string(writer, &reader->view, event == STP_CJSON_KEY);
		break;
	case STP_CJSON_INTEGER:
		stp_cjson_i64(writer, reader->integer);
		break;
	case STP_CJSON_TRUE:
		stp_cjson_true(writer);
		break;
	case STP_CJSON_FALSE:
		stp_cjson_false(writer);
		break;
	case STP_CJSON_NULL:
		stp_cjson_null(writer);
		break;
	case STP_CJSON_END:
	case STP_CJSON_BAD:
		break;
	}
}

/* What was accepted comes back from the writer byte for byte. */
static void write_again(const uint8_t *data, size_t data_bytes)
{
	struct stp_cjson_reader reader;
	struct stp_cjson_writer writer;
	enum stp_cjson_event event;

	stp_cjson_reader_init(&reader, data, data_bytes);
	stp_cjson_writer_init(&writer);
	do {
		event = stp_cjson_next(&reader);
		copy_event(&writer, &reader, event);
	} while (event != STP_CJSON_END && event != STP_CJSON_BAD);
	must(event == STP_CJSON_END, "a second reading differs");
	must(stp_cjson_writer_finish(&writer, "fuzz", "doc", NULL) == STP_OK, "writer failed");
	must(writer.count == data_bytes && memcmp(writer.data, data, data_bytes) == 0,
	     "writer gives other bytes");
	stp_cjson_writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_cjson_reader reader;
	enum stp_cjson_event event;

	stp_cjson_reader_init(&reader, data, data_bytes);
	do {
		event = stp_cjson_next(&reader);
	} while (event != STP_CJSON_END && event != STP_CJSON_BAD);
	must(reader.cursor.at <= reader.cursor.end, "reader left its bytes");
	for (size_t k = 0; k < stp_cjson_kernel_count; k++) {
		struct stp_cjson_cursor cursor;
		const uint8_t *begin;
		size_t count;
		int whole;

		stp_cjson_cursor_init_features(&cursor, data, data_bytes,
		                               stp_cjson_kernels[k].features & stp_cpu_features());
		whole = stp_cjson_take_value(&cursor, &begin, &count) && count == data_bytes;
		must(whole == (event == STP_CJSON_END), "cursor and events disagree");
	}
	if (event == STP_CJSON_END)
		write_again(data, data_bytes);
	/* jansson's own limit of depth is much higher. */
	if (!reader.too_deep)
		must((event == STP_CJSON_END) == oracle_is_canonical(data, data_bytes),
		     "jansson disagrees");
	return 0;
}
