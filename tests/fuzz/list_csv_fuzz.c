/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CSV list reader against RFC 4180 as a slow automaton over the whole text: the same rows are
 * records, at the same lines, with the same paths, up to the end line. A list cut into small
 * chunks, and now and then two workers (threads cost more than all the rest), see what one big
 * chunk gives.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "list/list.h"
#include "list/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

#define RECORDS_MAX 512
#define SET         (STP_ALG_BIT(STP_ALG_SHA256) | STP_ALG_BIT(STP_ALG_BLAKE2B_256))

struct seen {
	pthread_mutex_t lock;
	size_t count;
	uint64_t origins[RECORDS_MAX];
	uint64_t sums[RECORDS_MAX]; /* of the path */
};

static uint64_t sum_of(const char *bytes, size_t count)
{
	uint64_t sum = 1469598103934665603ULL;
	size_t i;

	for (i = 0; i < count; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 1099511628211ULL;
	return sum;
}

static void add_seen(struct seen *seen, uint64_t origin, const char *path, size_t path_bytes)
{
	if (seen->count < RECORDS_MAX) {
		seen->origins[seen->count] = origin;
		seen->sums[seen->count] = sum_of(path, path_bytes);
	}
	seen->count++;
}

static enum stp_errc collect(void *ctx, size_t worker, const struct stp_record *records,
                             size_t count, struct stp_err *err)
{
	struct seen *seen = ctx;
	size_t i;

	(void)worker;
	(void)err;
	pthread_mutex_lock(&seen->lock);
	for (i = 0; i < count; i++)
		add_seen(seen, records[i].origin, records[i].path, records[i].path_bytes);
	pthread_mutex_unlock(&seen->lock);
	return STP_OK;
}

struct cut {
	const struct stp_list_format *format;
	size_t jobs;
	size_t chunk_bytes;
	size_t row_bytes_max;
};

static enum stp_errc read_with(int fd, struct cut cut, struct seen *seen,
                               struct stp_list_stats *stats)
{
	struct stp_list_source source = {"fuzz", fd};
	struct stp_list_options options = {
	    .source = &source,
	    .format = cut.format,
	    .hash_set = SET,
	    .jobs = cut.jobs,
	    .chunk_bytes = cut.chunk_bytes,
	    .row_bytes_max = cut.row_bytes_max,
	};
	struct stp_fault_list faults;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	seen->count = 0;
	pthread_mutex_init(&seen->lock, NULL);
	stp_fault_list_init(&faults);
	lseek(fd, 0, SEEK_SET);
	code = stp_list_read(&options, collect, seen, &faults, stats, &err);
	must(code == err.code, "the error says another code than was returned");
	if (code == STP_OK)
		must(seen->count + faults.total == stats->row_count, "a row was lost");
	stp_fault_list_release(&faults);
	return code;
}

/* --- the automaton --- */

#define FIELDS_MAX 512

struct row {
	char text[1 << 16];
	size_t text_count;
	size_t starts[FIELDS_MAX + 1];
	size_t count;
	int is_bad;
	uint64_t line;
	size_t raw; /* bytes without the line end */
};

/* Reads one row at *at; 0 at the end of the text. */
static int next_row(const uint8_t *data, size_t data_bytes, size_t *at, uint64_t *line,
                    struct row *row)
{
	enum { START, PLAIN, QUOTED, CLOSED } state = START;
	size_t end = *at;
	int is_quoted = 0;

	if (*at >= data_bytes)
		return 0;
	row->text_count = 0;
	row->count = 0;
	row->is_bad = 0;
	row->line = *line;
	row->starts[0] = 0;
	for (; end < data_bytes && (is_quoted || data[end] != '\n'); end++) {
		is_quoted ^= data[end] == '"';
		*line += data[end] == '\n';
	}
	row->raw = end - *at;
	if (row->raw && data[end - 1] == '\r' && end < data_bytes)
		row->raw--;
	else if (row->raw && end == data_bytes && data[end - 1] == '\r')
		row->raw--;
	for (size_t i = *at; i < *at + row->raw; i++) {
		char c = (char)data[i];

		if (state == QUOTED) {
			if (c == '"')
				state = CLOSED;
			else
				row->text[row->text_count++] = c;
		} else if (state == CLOSED && c == '"') {
			row->text[row->text_count++] = c;
			state = QUOTED;
		} else if (c == ',') {
			if (row->count < FIELDS_MAX)
				row->starts[++row->count] = row->text_count;
			state = START;
		} else if (c == '"') {
			if (state == PLAIN)
				row->is_bad = 1;
			state = QUOTED;
		} else {
			if (state == CLOSED)
				row->is_bad = 1;
			state = PLAIN;
			row->text[row->text_count++] = c;
		}
	}
	if (state == QUOTED)
		row->is_bad = 1;
	row->starts[++row->count] = row->text_count;
	*line += end < data_bytes;
	*at = end + (end < data_bytes);
	return 1;
}

/* Where the header starts: behind a byte order mark and lines of white space. */
static size_t skip_start(const uint8_t *data, size_t data_bytes, uint64_t *line)
{
	size_t start = data_bytes >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	size_t i;

	for (i = start; i < data_bytes && data[i] && strchr(" \t\r\n", data[i]); i++) {
		if (data[i] == '\n') {
			start = i + 1;
			++*line;
		}
	}
	return start;
}

static const char *field(const struct row *row, size_t index, size_t *out_count)
{
	*out_count = row->starts[index + 1] - row->starts[index];
	return row->text + row->starts[index];
}

/* Parses the text as the contract says; 0 when the header should be refused. */
static int expect(const uint8_t *data, size_t data_bytes, struct seen *seen)
{
	static struct row header;
	static struct row row;
	enum stp_list_field fields[FIELDS_MAX];
	static struct stp_list_parser parser_storage;
	struct stp_list_parser *parser = &parser_storage;
	struct stp_list_options options = {.hash_set = SET};
	struct stp_fault_list faults;
	uint64_t line = 1;
	size_t at = skip_start(data, data_bytes, &line);
	size_t i;

	stp_fault_list_init(&faults);
	memset(&parser->stats, 0, sizeof(parser->stats));
	parser->count = 0;
	parser->name = "fuzz";
	parser->options = &options;
	parser->faults = &faults;
	parser->digest_bytes = 64;
	parser->emit = collect;
	parser->ctx = seen;
	next_row(data, data_bytes, &at, &line, &header);
	for (i = 0; i < header.count; i++) {
		size_t count;
		const char *text = field(&header, i, &count);

		fields[i] = stp_list_field_from_name(text, count);
	}
	while (next_row(data, data_bytes, &at, &line, &row)) {
		struct stp_list_row fresh = {0};
		size_t first_bytes;
		const char *first = field(&row, 0, &first_bytes);

		if (!row.is_bad && first_bytes == 4 && memcmp(first, "#end", 4) == 0)
			break;
		if (!row.raw || row.is_bad || row.count != header.count)
			continue;
		for (i = 0; i < row.count; i++) {
			size_t count;
			const char *text = field(&row, i, &count);

			if (fields[i] != STP_LIST_UNKNOWN)
				fresh.fields[fields[i]] = (struct stp_list_text){text, count};
		}
		must(stp_list_take(parser, &fresh, row.line, NULL) == STP_OK, "take");
		must(stp_list_emit(parser, NULL) == STP_OK, "emit");
	}
	stp_fault_list_release(&faults);
	return 1;
}

/* Reads it again, cut differently; the records must be the same. */
static void read_again(int fd, struct cut cut, const struct seen *ours,
                       const struct stp_list_stats *expected)
{
	static struct seen theirs;
	struct stp_list_stats stats = {0};

	must(read_with(fd, cut, &theirs, &stats) == STP_OK, "cut otherwise, it says no");
	must(theirs.count == ours->count && stats.row_count == expected->row_count &&
	         stats.bytes == expected->bytes && stats.sum == expected->sum &&
	         stats.has_end == expected->has_end && stats.is_unended == expected->is_unended &&
	         stats.field_set == expected->field_set &&
	         memcmp(&stats.unknown, &expected->unknown, sizeof(stats.unknown)) == 0,
	     "cut otherwise, it reads otherwise");
	if (cut.jobs == 0 && ours->count <= RECORDS_MAX)
		must(memcmp(ours->sums, theirs.sums, ours->count * sizeof(*ours->sums)) == 0,
		     "cut otherwise, another path");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	static struct seen ours;
	static struct seen theirs;
	struct stp_list_stats stats = {0};
	uint64_t sum = sum_of((const char *)data, data_bytes);
	const struct stp_list_format *format = &stp_list_csv;
	uint64_t line = 1;
	size_t start;
	int fd;

	if (data_bytes > 60000)
		return 0;
	/* What starts like an object would be read as NDJSON. */
	for (start = skip_start(data, data_bytes, &line); start < data_bytes; start++)
		if (data[start] != ' ' && data[start] != '\t')
			break;
	if (start < data_bytes && data[start] != '{')
		format = NULL;
	fd = fuzz_file(data, data_bytes);
	if (read_with(fd, (struct cut){format, 0, data_bytes + 3, data_bytes + 3}, &ours, &stats))
		return 0;
	theirs.count = 0;
	pthread_mutex_init(&theirs.lock, NULL);
	expect(data, data_bytes, &theirs);
	must(ours.count == theirs.count, "another number of records");
	if (ours.count <= RECORDS_MAX) {
		must(memcmp(ours.origins, theirs.origins, ours.count * sizeof(uint64_t)) == 0,
		     "line");
		must(memcmp(ours.sums, theirs.sums, ours.count * sizeof(uint64_t)) == 0, "path");
	}
	read_again(fd, (struct cut){format, 0, 1 + sum % 97, data_bytes + 3}, &ours, &stats);
	if (sum / 97 % 64 == 0)
		read_again(fd, (struct cut){format, 2, 1 + sum % 97, data_bytes + 3}, &ours,
		           &stats);
	return 0;
}
