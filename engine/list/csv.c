/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV as in RFC 4180, and as a database's COPY ... CSV HEADER writes it. A row without quotes, the
 * usual case, is split at its commas; one with quotes is parsed byte by byte.
 */
#include <string.h>

#include "base/text.h"
#include "list/format.h"
#include "list/row.h"
#include "list/sniff.h"

#define QUOTE_IN_FIELD "has a '\"' in a field that does not start with one; quote the whole field"
#define QUOTE_THEN_MORE \
	"has text behind a closing '\"'; write a '\"' within a quoted field as '\"\"'"

/* End of the row at bytes, behind its line feed; count when the row does not end there. A line feed
 * within quotes does not end a row. *out_feeds is the number of line feeds passed. */
static size_t row_end(const char *bytes, size_t count, int has_quotes, uint64_t *out_feeds)
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

/* Splits off the field at *at, unquotes it in place and moves *at behind its comma, or to NULL at
 * the end of the row. Returns NULL, or what is wrong with it. */
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

/* A name or a line in a form that is safe in messages. */
static const char *shown(const char *bytes, size_t count, char out[64])
{
	stp_text_escape(bytes, count, out, 64);
	return out;
}

/* Reports that the header at line has no column for the paths, or has problem. */
static enum stp_errc refuse_header(const char *list_name, uint64_t line, const char *bytes,
                                   size_t count, const char *problem, struct stp_err *err)
{
	static const struct {
		char c;
		const char *name;
	} separators[] = {{';', "semicolons"}, {'\t', "tabs"}, {'|', "vertical bars"}};
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(separators) / sizeof(*separators); i++)
		if (memchr(bytes, separators[i].c, count) && !memchr(bytes, ',', count))
			return STP_FAIL(
			    err, STP_CONFIG, STP_LIST_STAGE, list_name,
			    "line %llu, the header, is separated by %s; separate columns "
			    "by commas (COPY ... CSV HEADER)",
			    (unsigned long long)line, separators[i].name);
	/* A line with quotes but without the name "path" is hardly a header, but perhaps an error
	 * message. */
	if (problem && memmem(bytes, count, "path", 4))
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list_name,
		                "line %llu, the header, %s", (unsigned long long)line, problem);
	return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list_name,
	                "line %llu is not a header with a column \"path\" (the columns are path, "
	                "length, sha256, sha512, blake2b-256, in any order): %s",
	                (unsigned long long)line, shown(bytes, count, text));
}

/* The field for a column's name. Spaces around the name would be around every value as well. */
static enum stp_errc name_column(const char *list_name, uint64_t line,
                                 const struct stp_list_text *name, enum stp_list_field *out_field,
                                 struct stp_err *err)
{
	const char *bytes = name->bytes;
	size_t count = name->count;
	char text[64];

	*out_field = stp_list_field_from_name(bytes, count);
	while (count && (*bytes == ' ' || *bytes == '\t')) {
		bytes++;
		count--;
	}
	while (count && (bytes[count - 1] == ' ' || bytes[count - 1] == '\t'))
		count--;
	if (count != name->count && stp_list_field_from_name(bytes, count) != STP_LIST_UNKNOWN)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list_name,
		                "line %llu, the header, has spaces around the name \"%s\"; they "
		                "would be part of the values as well: write the list without them",
		                (unsigned long long)line, shown(bytes, count, text));
	if (*out_field == STP_LIST_OP)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list_name,
		                "line %llu, the header, has a column \"%s\": this is a list of "
		                "changes, but %s needs the whole index; remove the column",
		                (unsigned long long)line, shown(bytes, count, text),
		                stp_hint_text(STP_HINT_DIGESTS));
	if (*out_field == STP_LIST_ROWS)
		*out_field = STP_LIST_UNKNOWN;
	return STP_OK;
}

/* Adds a column of a header; firsts has the name of each field found so far. */
static enum stp_errc add_column(const char *list_name, uint64_t line,
                                const struct stp_list_text *name, struct stp_list_text *firsts,
                                struct stp_list_columns *columns, struct stp_err *err)
{
	enum stp_list_field field;
	char first[64];
	char second[64];

	if (columns->count == STP_LIST_COLUMNS_MAX)
		return STP_FAIL(err, STP_LIMIT, STP_LIST_STAGE, list_name,
		                "line %llu, the header, names more than %d columns",
		                (unsigned long long)line, STP_LIST_COLUMNS_MAX);
	STP_TRY(name_column(list_name, line, name, &field, err));
	columns->fields[columns->count++] = (uint8_t)field;
	if (field == STP_LIST_UNKNOWN)
		return STP_OK;
	if (firsts[field].bytes)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list_name,
		                "line %llu, the header, names two columns for the %s, \"%s\" and "
		                "\"%s\"; keep one of them",
		                (unsigned long long)line, stp_list_field_name(field),
		                shown(firsts[field].bytes, firsts[field].count, first),
		                shown(name->bytes, name->count, second));
	firsts[field] = *name;
	return STP_OK;
}

static enum stp_errc read_head(const char *list_name, uint64_t line, char *bytes, size_t count,
                               struct stp_list_names *names, struct stp_list_columns *out_columns,
                               struct stp_err *err)
{
	struct stp_list_columns columns = {.count = 0};
	struct stp_list_text firsts[STP_LIST_TEXT_COUNT] = {{NULL, 0}};
	size_t bare = without_line_end(bytes, count);
	char *end = bytes + bare;
	char *at = bytes;

	while (at) {
		struct stp_list_text name;
		const char *problem = next_field(&at, end, &name);

		if (problem)
			return refuse_header(list_name, line, bytes, bare, problem, err);
		STP_TRY(add_column(list_name, line, &name, firsts, &columns, err));
		stp_list_name_met(names, (enum stp_list_field)columns.fields[columns.count - 1],
		                  name.bytes, name.count);
	}
	if (!firsts[STP_LIST_PATH].bytes)
		return refuse_header(list_name, line, bytes, bare, NULL, err);
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

/* True when the row is an end line: its first field is #end. Nothing is overwritten. */
static int is_end(const char *bytes, size_t count)
{
	int is_quoted = bytes[0] == '"';

	bytes += is_quoted;
	count -= (size_t)is_quoted;
	if (count < 4 || memcmp(bytes, "#end", 4) != 0)
		return 0;
	if (is_quoted && (count < 5 || bytes[4] != '"'))
		return 0;
	bytes += 4 + is_quoted;
	count -= 4 + (size_t)is_quoted;
	return !count || *bytes == ',';
}

/* The end line: #end, optionally the number of rows, and nothing more; empty fields may follow. */
static enum stp_errc parse_end(struct stp_list_parser *parser, char *bytes, size_t count,
                               uint64_t line, struct stp_err *err)
{
	char *at = bytes;
	struct stp_list_text rows = {NULL, 0};
	struct stp_list_text text;
	const char *problem = NULL;
	size_t column;

	for (column = 0; at && !problem; column++) {
		problem = next_field(&at, bytes + count, &text);
		if (column == 1)
			rows = text;
		else if (column > 1 && text.count)
			problem = "has more than the number of rows behind #end";
	}
	if (problem)
		return STP_FAIL(err, STP_FORMAT, STP_LIST_STAGE, parser->name,
		                "line %llu, the end line, %s", (unsigned long long)line, problem);
	return stp_list_end(parser, line, &rows, err);
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
		if (memchr(bytes, '\r', count))
			problem = "has a carriage return within it; lines end with LF or CRLF, not "
			          "with CR alone";
		stp_list_fault(parser, line, NULL, problem);
		return STP_OK;
	}
	return stp_list_take(parser, &row, line, err);
}

static enum stp_errc parse(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                           struct stp_err *err)
{
	char *at = chunk->bytes;
	char *end = chunk->bytes + chunk->count;
	uint64_t line = chunk->line;
	uint64_t last_line = 0;

	while (at < end) {
		uint64_t feeds;
		size_t count = row_end(at, (size_t)(end - at), chunk->has_quotes, &feeds);
		size_t bare = without_line_end(at, count);

		if (count > STP_LIST_ROW_BYTES_MAX)
			return STP_FAIL(err, STP_LIMIT, STP_LIST_STAGE, parser->name,
			                "the row at line %llu is longer than %d bytes",
			                (unsigned long long)line, STP_LIST_ROW_BYTES_MAX);
		if (bare && (*at == '#' || *at == '"') && is_end(at, bare)) {
			STP_TRY(parse_end(parser, at, bare, line, err));
		} else if (bare) {
			STP_TRY(parse_row(parser, at, bare, line, chunk->has_quotes, err));
			last_line = line;
		}
		line += feeds;
		at += count;
	}
	stp_list_chunk_done(parser, chunk, last_line);
	return stp_list_emit(parser, err);
}

/* --- the format ------------------------------------------------------------------------------ */

/* Accepts everything: whether it is CSV is decided by the header. */
static int sniff(const char *bytes, size_t count)
{
	(void)bytes;
	(void)count;
	return 1;
}

static const char *problem_of(const char *bytes, size_t count)
{
	return stp_list_has_lone_cr(bytes, count) ? STP_LIST_LONE_CR : NULL;
}

static size_t head_bytes(const char *bytes, size_t count, uint64_t *out_lines)
{
	return row_end(bytes, count, memchr(bytes, '"', count) != NULL, out_lines);
}

/* A line feed ends a row when the number of quotes before it is even (RFC 4180, section 2). */
static struct stp_list_cut partition(const char *bytes, size_t count)
{
	uint64_t quotes = memchr(bytes, '"', count) ? stp_list_count(bytes, count, '"') : 0;
	struct stp_list_cut cut = {.open = quotes % 2 ? "a quoted field" : NULL,
	                           .has_quotes = quotes != 0};
	size_t end = count;

	while (end) {
		const char *feed = memrchr(bytes, '\n', end);
		size_t at = feed ? (size_t)(feed - bytes) : 0;

		if (!feed)
			return cut;
		if (quotes)
			quotes -= stp_list_count(feed, end - at, '"');
		if (quotes % 2 == 0) {
			cut.bytes = at + 1;
			return cut;
		}
		end = at;
	}
	return cut;
}

const struct stp_list_format stp_list_csv = {.name = "CSV",
                                             .end_line = "#end",
                                             .sniff = sniff,
                                             .problem = problem_of,
                                             .head_bytes = head_bytes,
                                             .read_head = read_head,
                                             .partition = partition,
                                             .parse = parse};
