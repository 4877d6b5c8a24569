/* SPDX-License-Identifier: Apache-2.0 */
/* NDJSON: one object a line, see list/object.h. */
#include <stdio.h>
#include <string.h>

#include "list/format.h"
#include "list/object.h"
#include "list/row.h"
#include "list/sniff.h"

/* True when the row is only white space. */
static int is_blank(const char *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
			return 0;
	}
	return 1;
}

/* A row with an op: the end line, or a row that is not allowed in a digest list. */
static enum stp_errc take_op(struct stp_list_parser *parser, const struct stp_list_row *row,
                             uint64_t line, struct stp_err *err)
{
	const struct stp_list_text *op = &parser->op;
	unsigned field;

	if (op->count != 6 || memcmp(op->bytes, "commit", 6) != 0)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, parser->name,
		                "line %llu has an \"op\" other than \"commit\": this is a list of "
		                "changes, but %s needs the whole index",
		                (unsigned long long)line, stp_hint_text(STP_HINT_DIGESTS));
	for (field = 0; field < STP_LIST_FIELD_COUNT; field++)
		if (row->fields[field].count)
			return STP_FAIL(err, STP_FORMAT, STP_LIST_STAGE, parser->name,
			                "line %llu, the end line, has a %s; it has \"op\" and "
			                "\"rows\" only",
			                (unsigned long long)line,
			                stp_list_field_name((enum stp_list_field)field));
	return stp_list_end(parser, line, &parser->op_rows, err);
}

/* Reports that the first row is not a row but holds all of them: a document as web services and jq
 * write it. */
static enum stp_errc refuse_document(const struct stp_list_parser *parser, struct stp_err *err)
{
	const struct stp_list_text *inner = &parser->inner;
	int shown = inner->count < 40 ? (int)inner->count : 40;
	char name[32] = "NAME"; /* names that jq would need in quotes are not filled in */
	size_t i = 0;

	while (i < inner->count && ((inner->bytes[i] | 32) >= 'a' || inner->bytes[i] == '_') &&
	       (inner->bytes[i] | 32) <= 'z')
		i++;
	if (i && i == inner->count && i < sizeof(name)) {
		memcpy(name, inner->bytes, i);
		name[i] = '\0';
	}
	if (parser->inner_is_array)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, parser->name,
		                "is one JSON object that holds an array, \"%.*s\"; write one "
		                "object per line: jq -c '.%s[]'",
		                shown, inner->bytes, name);
	return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, parser->name,
	                "is one JSON object that holds another, \"%.*s\"; write one object per "
	                "line, such as: jq -c '.%s | to_entries[] | {path: .key} + .value'",
	                shown, inner->bytes, name);
}

/* One row that is not blank. */
static enum stp_errc parse_row(struct stp_list_parser *parser, char *bytes, size_t count,
                               uint64_t line, struct stp_err *err)
{
	struct stp_list_row row;
	const char *column;
	const char *problem = stp_list_object_read(parser, bytes, count, &row, &column);

	if (line == 1 && parser->inner.bytes && !row.fields[STP_LIST_PATH].bytes &&
	    (!problem || problem == stp_list_not_json) && !parser->op.bytes)
		return refuse_document(parser, err);
	if (problem) {
		parser->stats.row_count++;
		stp_list_fault(parser, line, column, problem);
		return STP_OK;
	}
	if (parser->op.bytes)
		return take_op(parser, &row, line, err);
	if (parser->op_rows.bytes)
		stp_list_name_add(&parser->names.unknown, "rows", 4);
	return stp_list_take(parser, &row, line, err);
}

static enum stp_errc parse(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                           struct stp_err *err)
{
	char *at = chunk->bytes;
	char *end = chunk->bytes + chunk->count;
	uint64_t last_line = 0;
	uint64_t line;

	for (line = chunk->line; at < end; line++) {
		char *feed = memchr(at, '\n', (size_t)(end - at));
		char *row_end = feed ? feed : end;

		if (row_end - at > STP_LIST_ROW_BYTES_MAX)
			return STP_FAIL(err, STP_LIMIT, STP_LIST_STAGE, parser->name,
			                "the row at line %llu is longer than %d bytes",
			                (unsigned long long)line, STP_LIST_ROW_BYTES_MAX);
		if (!is_blank(at, (size_t)(row_end - at))) {
			STP_TRY(parse_row(parser, at, (size_t)(row_end - at), line, err));
			last_line = line;
		}
		at = feed ? feed + 1 : end;
	}
	stp_list_chunk_done(parser, chunk, last_line);
	return stp_list_emit(parser, err);
}

/* --- the format ------------------------------------------------------------------------------ */

static int sniff(const char *bytes, size_t count)
{
	size_t start = 0;

	while (start < count && (bytes[start] == ' ' || bytes[start] == '\t'))
		start++;
	return start < count && bytes[start] == '{';
}

static const char *problem_of(const char *bytes, size_t count)
{
	return memmem(bytes, count, "}\r{", 3) ? STP_LIST_LONE_CR : NULL;
}

const struct stp_list_format stp_list_ndjson = {.name = "NDJSON",
                                                .end_line = "{\"op\":\"commit\"}",
                                                .sniff = sniff,
                                                .problem = problem_of,
                                                .partition = stp_list_partition_lines,
                                                .parse = parse};
