/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of a digest list: its fields as text → a record in the worker's batch.
 *
 *	list_csv.c, list_ndjson.c ─▶ struct stp_list_row ─▶ stp_list_take() ─▶ [batch] ─▶ emit()
 *
 * Shape      one struct stp_list_parser per worker.
 * Memory     a batch of records and their digests inside the struct.
 * Ownership  texts point into the worker's chunk, which stays until the batch is emitted.
 * Threads    one thread per parser.
 */
#ifndef STP_SCAN_LIST_ROW_H
#define STP_SCAN_LIST_ROW_H

#include "scan/list.h"
#include "stampede/alg.h"

/* The columns we know; digests are STP_LIST_DIGEST + enum stp_alg. */
enum stp_list_field {
	STP_LIST_PATH,
	STP_LIST_LENGTH,
	STP_LIST_DIGEST,
	STP_LIST_FIELD_COUNT = STP_LIST_DIGEST + STP_ALG_COUNT,
	STP_LIST_UNKNOWN,
};

struct stp_list_text {
	const char *bytes;
	size_t count; /* 0: not known */
};

struct stp_list_row {
	struct stp_list_text fields[STP_LIST_FIELD_COUNT];
};

/* What the header of a CSV list says. */
struct stp_list_columns {
	uint8_t fields[STP_LIST_COLUMNS_MAX]; /* enum stp_list_field of each column */
	size_t count;
};

struct stp_list_parser {
	const struct stp_list_options *options;
	const struct stp_list_columns *columns;
	struct stp_fault_list *faults;
	stp_list_emit_fn *emit;
	void *ctx;
	size_t worker_index;
	size_t digest_bytes; /* of the configured set */
	struct stp_list_stats stats;
	size_t count;
	struct stp_record records[STP_LIST_BATCH_MAX];
	uint8_t digests[STP_LIST_BATCH_MAX * 128];
};

/* Rows of a chunk: bytes[0, count) holds whole rows, the last perhaps without its line end; what
 * is parsed may be overwritten. line is that of the first byte. */
struct stp_list_chunk {
	char *bytes;
	size_t count;
	uint64_t line;
	int has_quotes;
};

/* The field called name, or STP_LIST_UNKNOWN. */
enum stp_list_field stp_list_field_from_name(const char *name, size_t name_bytes);

/* "path", "length", "sha256", … */
const char *stp_list_field_name(enum stp_list_field field);

/* Adds a fault about the row at line. column may be NULL; problem says what is wrong and what to
 * do. */
void stp_list_fault(struct stp_list_parser *parser, uint64_t line, const char *column,
                    const char *problem);

/* Makes a record of row; a bad one becomes a fault. Emits the batch when it is full. */
enum stp_errc stp_list_take(struct stp_list_parser *parser, const struct stp_list_row *row,
                            uint64_t line, struct stp_err *err) STP_MUST_CHECK;

/* Emits what the batch holds: at the end of each chunk. */
enum stp_errc stp_list_emit(struct stp_list_parser *parser, struct stp_err *err) STP_MUST_CHECK;

/* Decodes 2 * byte_count hex digits of either case; 0 when there is another character. */
int stp_list_hex(const char *hex, size_t byte_count, uint8_t *out);

/* Reads the header row (without its line end) of a CSV list. */
enum stp_errc stp_list_csv_header(const char *list_name, char *bytes, size_t count,
                                  struct stp_list_columns *out_columns,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Counts c. */
uint64_t stp_list_count(const char *bytes, size_t count, char c);

/* End of the CSV row at bytes, behind its line feed; count when the row has no end there. A line
 * feed within quotes ends nothing. *out_feeds is the number of line feeds passed. */
size_t stp_list_csv_row_end(const char *bytes, size_t count, int has_quotes, uint64_t *out_feeds);

enum stp_errc stp_list_csv_parse(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                                 struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_list_ndjson_parse(struct stp_list_parser *parser,
                                    const struct stp_list_chunk *chunk,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Parses one NDJSON object; NULL, or what is wrong with it. May overwrite bytes. */
const char *stp_list_ndjson_row(char *bytes, size_t count, struct stp_list_row *out_row,
                                const char **out_column);

#endif
