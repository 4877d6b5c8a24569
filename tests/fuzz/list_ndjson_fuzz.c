/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NDJSON row reader against jansson: what it accepts jansson accepts, with the same values, and
 * what jansson accepts as a flat row with known names it accepts. Beyond that, the whole reader
 * must survive, and see the same rows when the list is cut into small chunks.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "fuzz_input.h"
#include "list/list.h"
#include "list/object.h"
#include "list/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* The member of object that field is read from, NULL for none; *out_count members mean it. */
static const json_t *member(const json_t *object, enum stp_list_field field, size_t *out_count)
{
	const json_t *found = NULL;
	const char *key;
	json_t *value;

	*out_count = 0;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (stp_list_field_from_name(key, strlen(key)) != field)
			continue;
		found = value;
		++*out_count;
	}
	return found;
}

static void compare_number(const json_t *value, const struct stp_list_text *text)
{
	char number[64];

	if (!json_is_integer(value))
		return;
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	must((strlen(number) == text->count && memcmp(number, text->bytes, text->count) == 0) ||
	         (text->count == 2 && memcmp(text->bytes, "-0", 2) == 0),
	     "another length");
}

static void compare(const json_t *object, const struct stp_list_parser *parser,
                    const struct stp_list_row *row)
{
	unsigned field;

	for (field = 0; field < STP_LIST_ROWS; field++) {
		size_t count;
		const json_t *value = member(object, (enum stp_list_field)field, &count);
		const struct stp_list_text *text =
		    field == STP_LIST_OP ? &parser->op : &row->fields[field];

		must(count <= 1, "two members of one meaning");
		if (!value || json_is_null(value)) {
			must(text->count == 0, "a value from nowhere");
		} else if (json_is_number(value)) {
			must(field == STP_LIST_LENGTH, "a number where none belongs");
			compare_number(value, text);
		} else {
			must(json_is_string(value), "no string");
			must(json_string_length(value) == text->count &&
			         memcmp(json_string_value(value), text->bytes, text->count) == 0,
			     "another string");
		}
	}
}

static unsigned depth_of(const json_t *value)
{
	unsigned deepest = 0;
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, inner)
		{
			unsigned depth = depth_of(inner);

			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	if (json_is_array(value)) {
		json_array_foreach((json_t *)(uintptr_t)value, i, inner)
		{
			unsigned depth = depth_of(inner);

			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	return 0;
}

/* True when object is a row that the contract allows. */
static int is_ours(const json_t *object)
{
	unsigned field;

	if (!json_is_object(object) || depth_of(object) > STP_JSON_DEPTH_MAX ||
	    json_object_size(object) > STP_LIST_COLUMNS_MAX)
		return 0;
	for (field = 0; field < STP_LIST_TEXT_COUNT; field++) {
		size_t count;
		const json_t *value = member(object, (enum stp_list_field)field, &count);

		if (count > 1)
			return 0;
		if (field == STP_LIST_ROWS || !value || json_is_null(value) ||
		    json_is_string(value))
			continue;
		if (field != STP_LIST_LENGTH || !json_is_number(value))
			return 0;
	}
	return 1;
}

/* Parses a copy of the row; the parser's memory of names must change nothing. */
static const char *parse_copy(struct stp_list_parser *parser, const uint8_t *data,
                              size_t data_bytes, char *copy, struct stp_list_row *row)
{
	const char *column;

	memcpy(copy, data, data_bytes);
	return stp_list_object_read(parser, copy, data_bytes, row, &column);
}

static void try_row(const uint8_t *data, size_t data_bytes)
{
	static struct stp_list_parser parser; /* names stay from row to row, as in a list */
	char *copy = malloc(data_bytes + 1);
	struct stp_list_row row;
	json_error_t error;
	json_t *object;

	must(copy != NULL, "memory");
	if (!parse_copy(&parser, data, data_bytes, copy, &row)) {
		object = json_loadb((const char *)data, data_bytes, 0, &error);
		if (object)
			compare(object, &parser, &row);
		else
			must(json_error_code(&error) == json_error_numeric_overflow,
			     "jansson does not take it");
		json_decref(object);
	} else {
		object = json_loadb((const char *)data, data_bytes, JSON_REJECT_DUPLICATES, &error);
		/* jansson accepts a NUL behind a number; RFC 8259 allows it only as an escape. */
		must(!object || !is_ours(object) || memchr(data, '\0', data_bytes),
		     "jansson takes it");
		json_decref(object);
	}
	free(copy);
}

static enum stp_errc take_none(void *ctx, size_t worker, const struct stp_record *records,
                               size_t count, struct stp_err *err)
{
	(void)ctx;
	(void)worker;
	(void)records;
	(void)count;
	(void)err;
	return STP_OK;
}

/* Reads all rows, chunk_bytes at once; the row and record counts it gave. */
static enum stp_errc read_list(int fd, size_t data_bytes, size_t chunk_bytes,
                               struct stp_list_stats *stats)
{
	struct stp_list_source source = {"fuzz", fd};
	struct stp_list_options options = {
	    .source = &source,
	    .format = &stp_list_ndjson,
	    .hash_set = STP_ALG_BIT(STP_ALG_SHA512),
	    .chunk_bytes = chunk_bytes,
	    .row_bytes_max = data_bytes + 3,
	};
	struct stp_fault_list faults;
	enum stp_errc code;

	lseek(fd, 0, SEEK_SET);
	memset(stats, 0, sizeof(*stats));
	stp_fault_list_init(&faults);
	code = stp_list_read(&options, take_none, NULL, &faults, stats, NULL);
	/* An end line that is wrong, something behind it, or a row that is cut off. */
	must(code == STP_OK || code == STP_FORMAT || code == STP_CONFIG, "no list");
	if (code == STP_OK)
		must(stats->record_count + faults.total == stats->row_count, "a row was lost");
	stp_fault_list_release(&faults);
	return code;
}

static void try_list(const uint8_t *data, size_t data_bytes)
{
	int fd = fuzz_file(data, data_bytes);
	struct stp_list_stats whole;
	struct stp_list_stats cut;
	enum stp_errc code = read_list(fd, data_bytes, data_bytes + 3, &whole);

	must(read_list(fd, data_bytes, 1 + (data_bytes + data[0]) % 97, &cut) == code,
	     "cut otherwise, it ends otherwise");
	must(memcmp(&whole, &cut, sizeof(whole)) == 0, "cut otherwise, it reads otherwise");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	if (data_bytes > 60000)
		return 0;
	if (!memchr(data, '\n', data_bytes))
		try_row(data, data_bytes);
	else
		try_list(data, data_bytes);
	return 0;
}
