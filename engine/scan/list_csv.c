/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV as RFC 4180 has it, and as a database's COPY … CSV HEADER writes it. A row without a quote in
 * it, the usual one, is cut at its commas; one with quotes goes byte by byte.
 */
#include <string.h>

#include "scan/list_row.h"

#define QUOTE_IN_FIELD "has a '\"' in a field that does not start with one; quote the whole field"
#define QUOTE_THEN_MORE \
	"has text behind a closing '\"'; write a '\"' within a quoted field as '\"\"'"

size_t stp_list_csv_row_end(const char *bytes, size_t count, int has_quotes, uint64_t *out_feeds)
{
	const char *at = bytes;
	const char *end = bytes + count;
	uint64_t quotes = 0;

	*out_feeds = 0;
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		if (!feed)
			return count;
		++*out_feeds;
		if (has_quotes)
			quotes += stp_list_count(at, (size_t)(feed - at), '"');
		at = feed + 1;
		if (quotes % 2 == 0)
			break;
	}
	return (size_t)(at - bytes);
}

/* The row's bytes without its line end. */
static size_t without_line_end(const char *bytes, size_t count)
{
	if (count && bytes[count - 1] == '\n')
		count--;
	if (count && bytes[count - 1] == '\r')
		count--;
	return count;
}

/* Cuts the field at *at, unquotes it in place and moves *at behind its comma, or to NULL at the end
 * of the row. NULL, or what is wrong with it. */
static const char *next_field(char **at, char *end, struct stp_list_text *out)
{
	char *from = *at;
	char *comma;
	char *to;

	out->bytes = from;
	if (from == end || *from != '"') {
		comma = memchr(from, ',', (size_t)(end - from));
		if (!comma)
			comma = end;
		out->count = (size_t)(comma - from);
		*at = comma < end ? comma + 1 : NULL;
		return memchr(from, '"', out->count) ? QUOTE_IN_FIELD : NULL;
	}
	out->bytes = ++from;
	to = from;
	for (;;) {
		char *quote = memchr(from, '"', (size_t)(end - from));

		if (!quote)
			return "has a quoted field that does not end; close it with a '\"'";
		if (to != from)
			memmove(to, from, (size_t)(quote - from));
		to += quote - from;
		from = quote;
		if (from + 1 == end || from[1] != '"')
			break;
		*to++ = '"';
		from += 2;
	}
	out->count = (size_t)(to - out->bytes);
	from++;
	if (from < end && *from != ',')
		return QUOTE_THEN_MORE;
	*at = from < end ? from + 1 : NULL;
	return NULL;
}

enum stp_errc stp_list_csv_header(const char *list_name, char *bytes, size_t count,
                                  struct stp_list_columns *out_columns, struct stp_err *err)
{
	struct stp_list_columns columns = {.count = 0};
	char *end = bytes + without_line_end(bytes, count);
	int is_seen[STP_LIST_FIELD_COUNT] = {0};
	char *at = bytes;

	while (at) {
		struct stp_list_text name;
		const char *problem = next_field(&at, end, &name);
		enum stp_list_field field;

		if (problem)
			return STP_FAIL(err, STP_CONFIG, "scan", list_name,
			                "line 1, the header, %s", problem);
		if (columns.count == STP_LIST_COLUMNS_MAX)
			return STP_FAIL(err, STP_LIMIT, "scan", list_name,
			                "line 1, the header, names more than %d columns",
			                STP_LIST_COLUMNS_MAX);
		field = stp_list_field_from_name(name.bytes, name.count);
		if (field != STP_LIST_UNKNOWN && is_seen[field]++)
			return STP_FAIL(err, STP_CONFIG, "scan", list_name,
			                "line 1, the header, names column %s twice",
			                stp_list_field_name(field));
		columns.fields[columns.count++] = (uint8_t)field;
	}
	if (!is_seen[STP_LIST_PATH])
		return STP_FAIL(err, STP_CONFIG, "scan", list_name,
		                "line 1 is no header that names a column \"path\"; the columns are "
		                "path, length, sha256, sha512, blake2b-256, in any order");
	*out_columns = columns;
	return STP_OK;
}

/* Fields of a row that has no quotes. */
static const char *split_plain(const struct stp_list_columns *columns, char *bytes, size_t count,
                               struct stp_list_row *row)
{
	char *at = bytes;
	char *end = bytes + count;
	size_t column;

	for (column = 0; column < columns->count; column++) {
		char *comma = memchr(at, ',', (size_t)(end - at));
		unsigned field = columns->fields[column];

		if (!comma)
			comma = end;
		if (field < STP_LIST_FIELD_COUNT)
			row->fields[field] = (struct stp_list_text){at, (size_t)(comma - at)};
		if (comma == end)
			return column + 1 == columns->count
			           ? NULL
			           : "has fewer fields than the header names; correct the row";
		at = comma + 1;
	}
	return "has more fields than the header names; correct the row";
}

/* Fields of a row with quotes. */
static const char *split_quoted(const struct stp_list_columns *columns, char *bytes, size_t count,
                                struct stp_list_row *row)
{
	char *at = bytes;
	char *end = bytes + count;
	size_t column;

	for (column = 0; column < columns->count; column++) {
		unsigned field = columns->fields[column];
		struct stp_list_text text;
		const char *problem;

		if (!at)
			return "has fewer fields than the header names; correct the row";
		problem = next_field(&at, end, &text);
		if (problem)
			return problem;
		if (field < STP_LIST_FIELD_COUNT)
			row->fields[field] = text;
	}
	return at ? "has more fields than the header names; correct the row" : NULL;
}

/* One row without its line end. */
static enum stp_errc parse_row(struct stp_list_parser *parser, char *bytes, size_t count,
                               uint64_t line, int has_quotes, struct stp_err *err)
{
	struct stp_list_row row = {0};
	const char *problem;

	if (has_quotes && memchr(bytes, '"', count))
		problem = split_quoted(parser->columns, bytes, count, &row);
	else
		problem = split_plain(parser->columns, bytes, count, &row);
	if (problem) {
		parser->stats.row_count++;
		stp_list_fault(parser, line, NULL, problem);
		return STP_OK;
	}
	return stp_list_take(parser, &row, line, err);
}

enum stp_errc stp_list_csv_parse(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                                 struct stp_err *err)
{
	char *at = chunk->bytes;
	char *end = chunk->bytes + chunk->count;
	uint64_t line = chunk->line;

	while (at < end) {
		uint64_t feeds;
		size_t count =
		    stp_list_csv_row_end(at, (size_t)(end - at), chunk->has_quotes, &feeds);
		size_t bare = without_line_end(at, count);

		if (count > STP_LIST_ROW_BYTES_MAX)
			return STP_FAIL(err, STP_LIMIT, "scan", parser->options->name,
			                "the row at line %llu is longer than %d bytes",
			                (unsigned long long)line, STP_LIST_ROW_BYTES_MAX);
		if (bare)
			STP_TRY(parse_row(parser, at, bare, line, chunk->has_quotes, err));
		line += feeds;
		at += count;
	}
	return stp_list_emit(parser, err);
}
