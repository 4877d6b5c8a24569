/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest lists: an index's own database as CSV or NDJSON → records, parsed by several threads.
 *
 *	source ─▶ [cut into chunks of whole rows, one at a time] ─▶ workers parse ─▶ emit()
 *
 * list/source.h is about where the bytes come from, list/format.h about what a row looks like.
 *
 * CSV is RFC 4180 with a header that names the columns in any order: path, length, sha256, sha512,
 * blake2b-256, under those names or the aliases in list/name.h; unknown columns are not used, and
 * are named in the statistics. NDJSON is one object a line with the same names; a name given twice
 * is refused. LF and CRLF, a UTF-8 byte order mark and blank lines are fine. Digests are hex in
 * either case, with or without \x in front, lengths are plain decimal numbers below 2^53, also as
 * strings. An empty field and null mean that the value is not known.
 *
 * A row with length and every digest of hash_set gives a record with STP_RECORD_DIGESTS. A row that
 * lacks one gives a record whose digests, if any, are claims (record/record.h). A bad row becomes a
 * fault "FILE:LINE" that names the column, and is left out.
 *
 * The end line: a last row #end or #end,ROWS in CSV, {"op":"commit"} or {"op":"commit","rows":ROWS}
 * in NDJSON. It shows that the writer finished, and is not a row. Only blank lines may follow, and
 * ROWS must be correct. It is required unless the list is a regular file, because a pipe ends the
 * same way when its writer is killed.
 *
 * Shape      rows of at most STP_LIST_ROW_BYTES_MAX bytes; records come in batches of at most
 *            STP_LIST_BATCH_MAX with key, path, length, origin (line, header is line 1) and
 *            STP_RECORD_LISTED, in no order across workers.
 * Memory     about 2 MiB per worker, whatever the list's size.
 * Ownership  records are valid during emit() only.
 * Threads    stp_list_read() starts its own workers; emit() runs on them.
 */
#ifndef STP_LIST_LIST_H
#define STP_LIST_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "list/format.h"
#include "list/name.h"
#include "list/source.h"
#include "record/record.h"

/* A path of 4,095 bytes as NDJSON escapes is 24,570 bytes; the rest is for other columns. */
#define STP_LIST_ROW_BYTES_MAX (1024 * 1024)
#define STP_LIST_COLUMNS_MAX   256
#define STP_LIST_BATCH_MAX     256

/* A record's length when its row has none. */
#define STP_LIST_LENGTH_UNKNOWN UINT64_MAX

/* Receives count records from worker worker_index; a failure stops the reading. */
typedef enum stp_errc stp_list_emit_fn(void *ctx, size_t worker_index,
                                       const struct stp_record *records, size_t count,
                                       struct stp_err *err);

struct stp_list_options {
	const struct stp_list_source *source; /* not closed */
	const struct stp_list_format *format; /* NULL: decided by the first bytes */
	unsigned hash_set;
	int all_claims;            /* complete rows give claims too: of every digest they have */
	size_t jobs;               /* workers; 0: in the calling thread */
	const uint8_t *sum_secret; /* of stats.sum, see list/sum.h; NULL: no sum */
	size_t chunk_bytes;        /* read at once; 0: 512 KiB. Tests cut the list finer */
	size_t row_bytes_max;      /* longest row; 0: STP_LIST_ROW_BYTES_MAX */
	struct stp_cancel *cancel; /* may be NULL; set when a worker fails */
};

struct stp_list_stats {
	uint64_t row_count;    /* rows, without header, end line and blank lines */
	uint64_t record_count; /* records emitted */
	uint64_t digest_count; /* of these, with length and every digest of hash_set */
	unsigned digest_set;   /* STP_ALG_BIT()s that any row gave */
	int has_lengths;       /* any row gave one */
	int has_end;           /* it has an end line */
	int is_unended;        /* it has none, and its last line has no line end either */
	unsigned field_set;    /* 1 << enum stp_list_field of every column and name found */
	struct stp_list_name_set unknown; /* columns and names that are not used */
	struct stp_list_name_set aliases; /* known under another name: "sha256_digest as sha256" */
	uint64_t bytes;
	uint64_t sum; /* of all bytes: its identity, see list/source.h; 0: no sum */
};

/* Reads the whole list. Bad rows are added to faults. STP_CONFIG when it is not a list or the
 * header cannot be used, STP_FORMAT when it is cut off (within a quoted field, in a bad last row
 * without a line end, or without a required end line) or its end line is wrong, STP_LIMIT when a
 * row is too long. */
enum stp_errc stp_list_read(const struct stp_list_options *options, stp_list_emit_fn *emit,
                            void *ctx, struct stp_fault_list *faults,
                            struct stp_list_stats *out_stats, struct stp_err *err) STP_MUST_CHECK;

#endif
