/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats of lists: how bytes become rows.
 *
 *	first bytes ─▶ sniff ─▶ [head] ─▶ partition, under one lock ─▶ parse, on every worker
 *	                                                                 └─▶ rows
 *
 * To add a format, write one file that defines its struct stp_list_format, and add its entry to
 * formats.c; if its files begin in a way that sniff.c refuses, remove that line there.
 *
 *	static enum stp_errc parse(struct stp_list_parser *parser,
 *	                           const struct stp_list_chunk *chunk, struct stp_err *err)
 *	{
 *		for each row of the chunk: stp_list_take(parser, &row, line, err)
 *		stp_list_chunk_done(parser, chunk, last_line);
 *		return stp_list_emit(parser, err);
 *	}
 *	const struct stp_list_format stp_list_tsv = {
 *		.name = "TSV", .end_line = "#end", .sniff = sniff,
 *		.partition = stp_list_partition_lines, .parse = parse};
 *
 * Shape      a table of functions; comments say which may be NULL.
 * Memory     none: formats keep nothing between calls but what is in the parser (list/row.h).
 * Ownership  static.
 * Threads    sniff, head and partition: one thread at a time. parse: any, one parser each.
 */
#ifndef STP_LIST_FORMAT_H
#define STP_LIST_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct stp_list_parser;
struct stp_list_chunk;
struct stp_list_columns;
struct stp_list_names;

/* Where to cut bytes that start with a row. */
struct stp_list_cut {
	size_t bytes;     /* of the complete rows; 0 when there is none */
	const char *open; /* what is still open at the end ("a quoted field"); or NULL */
	int has_quotes;   /* a row of the chunk has one: for the format's parse */
};

struct stp_list_format {
	const char *name;
	const char *end_line; /* what a writer appends to say that it finished */

	/* Nonzero when a list that starts with bytes may be of this format. A byte order mark and
	 * blank lines at the start are already removed. */
	int (*sniff)(const char *bytes, size_t count);

	/* Why a list that starts with bytes is of the format but cannot be read, and what to do.
	 * May be NULL. */
	const char *(*problem)(const char *bytes, size_t count);

	/* The number of bytes before the rows, such as a header, and in *out_lines of lines; count
	 * when they do not end there. NULL: the rows come first. */
	size_t (*head_bytes)(const char *bytes, size_t count, uint64_t *out_lines);

	/* Reads the head, which starts at line; bytes may be overwritten. With head_bytes. */
	enum stp_errc (*read_head)(const char *list_name, uint64_t line, char *bytes, size_t count,
	                           struct stp_list_names *names,
	                           struct stp_list_columns *out_columns, struct stp_err *err);

	/* Finds the end of the last complete row. This is the serial part of reading, so it must be
	 * cheap. */
	struct stp_list_cut (*partition)(const char *bytes, size_t count);

	/* Parses the rows of a chunk and passes each to stp_list_take(). */
	enum stp_errc (*parse)(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
	                       struct stp_err *err);
};

extern const struct stp_list_format stp_list_csv, stp_list_ndjson;

/* The format of a list that starts with bytes; never NULL. */
const struct stp_list_format *stp_list_format_of(const char *bytes, size_t count);

#endif
