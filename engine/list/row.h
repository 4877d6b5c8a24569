/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of a digest list: its fields as text → a record in the worker's batch.
 *
 *	a format's parse ─▶ struct stp_list_row ─▶ stp_list_take() ─▶ [batch] ─▶ emit()
 *
 * Shape      one struct stp_list_parser per worker.
 * Memory     a batch of records and their digests inside the struct.
 * Ownership  texts point into the worker's chunk, which stays until the batch is emitted.
 * Threads    one thread per parser.
 */
#ifndef STP_LIST_ROW_H
#define STP_LIST_ROW_H

#include "list/format.h"
#include "list/list.h"
#include "list/name.h"
#include "stampede/alg.h"

struct stp_list_text {
	const char *bytes;
	size_t count; /* 0: not known */
};

/* Filled for each row, so no larger than necessary. */
struct stp_list_row {
	struct stp_list_text fields[STP_LIST_FIELD_COUNT];
};

/* The columns of a CSV list's header. */
struct stp_list_columns {
	uint8_t fields[STP_LIST_COLUMNS_MAX]; /* enum stp_list_field of each column */
	size_t count;
};

/* What a worker found about the end of the list; combined when all workers are done. */
struct stp_list_shape {
	uint64_t last_line;  /* of its last row or end line */
	uint64_t end_line;   /* of its first end line; 0: none */
	uint64_t end_rows;   /* the number that it gives */
	int end_is_counted;  /* it gives a number */
	uint64_t fault_line; /* of its last row at fault */
	uint64_t cut_line; /* a row at fault that ends with the list, without a line end; 0: none */
};

struct stp_list_parser {
	const char *name; /* of the list */
	const struct stp_list_options *options;
	const struct stp_list_columns *columns;
	struct stp_fault_list *faults;
	stp_list_emit_fn *emit;
	void *ctx;
	size_t worker_index;
	size_t digest_bytes; /* of the configured set */
	struct stp_list_stats stats;
	struct stp_list_shape shape;
	struct stp_list_names names; /* NDJSON */
	struct stp_list_text op;     /* of the row before, NULL when it has none */
	struct stp_list_text op_rows;
	/* NDJSON: name of the first array or object in the row; or NULL */
	struct stp_list_text inner;
	int inner_is_array;
	char text[256]; /* of a problem with a variable part */
	size_t count;
	struct stp_record records[STP_LIST_BATCH_MAX];
	uint8_t digests[STP_LIST_BATCH_MAX * STP_CLAIMS_BYTES_MAX];
	uint8_t claims[STP_LIST_BATCH_MAX * STP_CLAIMS_BYTES_MAX];
};

/* Rows of a chunk: bytes[0, count) holds complete rows, the last perhaps without its line end;
 * parsing may overwrite them. line is that of the first byte. */
struct stp_list_chunk {
	char *bytes;
	size_t count;
	uint64_t line;
	int has_quotes;
	int is_last; /* the list ends with it */
};

/* Adds a fault about the row at line. column may be NULL; problem says what is wrong and what to
 * do. */
void stp_list_fault(struct stp_list_parser *parser, uint64_t line, const char *column,
                    const char *problem);

/* Makes a record from row; a bad row becomes a fault. Emits the batch when it is full. */
enum stp_errc stp_list_take(struct stp_list_parser *parser, const struct stp_list_row *row,
                            uint64_t line, struct stp_err *err) STP_MUST_CHECK;

/* Handles the end line at line; rows is the number that it gives, empty for none. STP_FORMAT when
 * that is not a number. */
enum stp_errc stp_list_end(struct stp_list_parser *parser, uint64_t line,
                           const struct stp_list_text *rows, struct stp_err *err) STP_MUST_CHECK;

/* Call it at the end of a chunk whose last row is at line: notes that row, and whether the list was
 * cut off within it. */
void stp_list_chunk_done(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                         uint64_t line);

/* Emits the batch: call it at the end of each chunk. */
enum stp_errc stp_list_emit(struct stp_list_parser *parser, struct stp_err *err) STP_MUST_CHECK;

/* Decodes 2 * byte_count hex digits of either case; 0 when there is another character. */
int stp_list_hex(const char *hex, size_t byte_count, uint8_t *out);

/* The partition of a format in which each line is a row. */
struct stp_list_cut stp_list_partition_lines(const char *bytes, size_t count);

/* The number of bytes that are c. */
uint64_t stp_list_count(const char *bytes, size_t count, char c);

#endif
