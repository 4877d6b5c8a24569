/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a list with several threads. Under one lock a worker reads the next chunk of the list
 * into its own buffer, finds the end of the last complete row in it and leaves the rest for the
 * next worker; it parses with the lock released.
 *
 *	list:   ……row│row│row│ro w│row│row│ro w│…
 *	worker A: [ carry + chunk ┘    └ carry ─▶ worker B: [ carry + chunk ┘
 *
 * A chunk starts at the start of a row, so its format can find where the last complete row ends.
 * The serial part is the read(), that search and counting line feeds, about a fifth of the work of
 * parsing.
 */
#include "list/list.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "list/row.h"
#include "list/sniff.h"
#include "list/sum.h"

/* Bytes of one read: parsed while they are in the second-level cache. */
#define PIECE_BYTES (512 * 1024)

struct list {
	const struct stp_list_options *options;
	size_t buffer_bytes; /* the longest row, and a chunk */
	const char *name;    /* of the source */
	const struct stp_list_format *format;
	int needs_end; /* see stp_list_source_needs_end() */
	uint64_t head_line;
	struct stp_list_columns columns;
	stp_list_emit_fn *emit;
	void *ctx;
	struct stp_fault_list *faults;

	pthread_mutex_t lock; /* guards what follows */
	char *carry;          /* buffer_bytes; starts with a row */
	size_t carry_bytes;
	uint64_t line; /* of the first byte of the carry */
	uint64_t bytes;
	int is_at_end;
	int is_unended; /* the last line has no line end */
	struct stp_list_sum sum;
	struct stp_list_shape shape;
	struct stp_list_stats stats;
};

/* Reads until buffer holds wanted bytes or the list ends. */
static enum stp_errc fill(struct list *list, char *buffer, size_t *count, size_t wanted,
                          struct stp_err *err)
{
	while (*count < wanted && !list->is_at_end) {
		size_t got;

		STP_TRY(stp_list_source_read(list->options->source, buffer + *count,
		                             wanted - *count, list->options->cancel, &got, err));
		list->is_at_end = got == 0;
		if (list->options->sum_secret)
			stp_list_sum_add(&list->sum, buffer + *count, got);
		*count += got;
		list->bytes += got;
	}
	return STP_OK;
}

/* Moves the next rows to buffer; out_chunk->count is 0 when none are left. Under the lock. */
static enum stp_errc take_rows(struct list *list, char *buffer, struct stp_list_chunk *out_chunk,
                               struct stp_err *err)
{
	size_t wanted = list->options->chunk_bytes;
	size_t count = list->carry_bytes;
	struct stp_list_cut cut;

	memcpy(buffer, list->carry, count);
	list->carry_bytes = 0;
	for (;; wanted = list->buffer_bytes) {
		STP_TRY(fill(list, buffer, &count, wanted, err));
		cut = list->format->partition(buffer, count);
		if (list->is_at_end) {
			if (cut.open)
				return STP_FAIL(err, STP_FORMAT, STP_LIST_STAGE, list->name,
				                "ends within %s, behind line %llu", cut.open,
				                (unsigned long long)list->line +
				                    stp_list_count(buffer, cut.bytes, '\n'));
			cut.bytes = count;
		}
		if (cut.bytes || list->is_at_end)
			break;
		if (count == list->buffer_bytes)
			return STP_FAIL(err, STP_LIMIT, STP_LIST_STAGE, list->name,
			                "the row at line %llu is longer than %zu bytes, or has a "
			                "'\"' that is not closed",
			                (unsigned long long)list->line,
			                list->options->row_bytes_max);
	}
	list->carry_bytes = count - cut.bytes;
	memcpy(list->carry, buffer + cut.bytes, count - cut.bytes);
	if (cut.bytes)
		list->is_unended = buffer[cut.bytes - 1] != '\n';
	*out_chunk = (struct stp_list_chunk){.bytes = buffer,
	                                     .count = cut.bytes,
	                                     .line = list->line,
	                                     .has_quotes = cut.has_quotes,
	                                     .is_last = cut.bytes && list->is_unended};
	list->line += stp_list_count(buffer, cut.bytes, '\n');
	return STP_OK;
}

/* Reads and parses until the list ends. */
static enum stp_errc parse_all(struct list *list, struct stp_list_parser *parser, char *buffer,
                               struct stp_err *err)
{
	for (;;) {
		struct stp_list_chunk chunk = {0};
		enum stp_errc code;

		pthread_mutex_lock(&list->lock);
		code = take_rows(list, buffer, &chunk, err);
		pthread_mutex_unlock(&list->lock);
		STP_TRY(code);
		if (!chunk.count)
			return STP_OK;
		STP_TRY(list->format->parse(parser, &chunk, err));
	}
}

/* Adds the statistics of one worker. Under the lock. */
static void merge_parser(struct list *list, const struct stp_list_parser *parser)
{
	const struct stp_list_shape *from = &parser->shape;
	struct stp_list_shape *into = &list->shape;

	list->stats.row_count += parser->stats.row_count;
	list->stats.record_count += parser->stats.record_count;
	list->stats.digest_count += parser->stats.digest_count;
	list->stats.digest_set |= parser->stats.digest_set;
	list->stats.has_lengths |= parser->stats.has_lengths;
	list->stats.field_set |= parser->names.field_set;
	stp_list_name_merge(&list->stats.unknown, &parser->names.unknown);
	stp_list_name_merge(&list->stats.aliases, &parser->names.aliases);
	if (from->last_line > into->last_line)
		into->last_line = from->last_line;
	if (from->cut_line)
		into->cut_line = from->cut_line;
	if (from->end_line && (!into->end_line || from->end_line < into->end_line)) {
		into->end_line = from->end_line;
		into->end_is_counted = from->end_is_counted;
		into->end_rows = from->end_rows;
	}
}

static enum stp_errc worker(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct list *list = ctx;
	struct stp_list_parser *parser = calloc(1, sizeof(*parser));
	char *buffer = malloc(list->buffer_bytes);
	enum stp_errc code;

	if (!parser || !buffer) {
		free(parser);
		free(buffer);
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, list->name,
		                      "no memory to read it");
	}
	parser->name = list->name;
	parser->options = list->options;
	parser->columns = &list->columns;
	parser->faults = list->faults;
	parser->emit = list->emit;
	parser->ctx = list->ctx;
	parser->worker_index = worker_index;
	parser->digest_bytes = stp_alg_set_digest_bytes(list->options->hash_set);
	code = parse_all(list, parser, buffer, err);
	pthread_mutex_lock(&list->lock);
	merge_parser(list, parser);
	pthread_mutex_unlock(&list->lock);
	free(parser);
	free(buffer);
	return code;
}

/* Removes the first count bytes of the carry. */
static void drop_start(struct list *list, size_t count)
{
	list->carry_bytes -= count;
	memmove(list->carry, list->carry + count, list->carry_bytes);
}

/* Refuses what the format itself cannot read. */
static enum stp_errc check_start(const struct list *list, size_t count, struct stp_err *err)
{
	const char *problem =
	    list->format->problem ? list->format->problem(list->carry, count) : NULL;

	return problem ? STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list->name, "%s", problem)
	               : STP_OK;
}

/* Reads until the carry holds the whole head. */
static enum stp_errc fill_head(struct list *list, size_t *out_bytes, struct stp_err *err)
{
	const struct stp_list_options *options = list->options;
	uint64_t lines;

	for (;;) {
		size_t wanted = list->carry_bytes + options->chunk_bytes;

		*out_bytes = list->format->head_bytes(list->carry, list->carry_bytes, &lines);
		STP_TRY(check_start(list, *out_bytes, err));
		if (*out_bytes < list->carry_bytes || list->is_at_end)
			break;
		if (list->carry_bytes >= options->row_bytes_max)
			return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list->name,
			                "has no header: its first line does not end within %zu "
			                "bytes",
			                options->row_bytes_max);
		STP_TRY(fill(list, list->carry, &list->carry_bytes, wanted, err));
	}
	list->head_line = list->line;
	list->line += lines;
	return STP_OK;
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Drops blank lines at the start. */
static enum stp_errc skip_blank_lines(struct list *list, struct stp_err *err)
{
	for (;;) {
		size_t blank = 0;
		size_t lines = 0;

		while (blank < list->carry_bytes && is_space(list->carry[blank])) {
			if (list->carry[blank++] == '\n') {
				lines = blank;
				list->line++;
			}
		}
		drop_start(list, lines);
		if (blank - lines < list->carry_bytes || list->is_at_end ||
		    list->carry_bytes >= list->options->row_bytes_max)
			return STP_OK;
		STP_TRY(fill(list, list->carry, &list->carry_bytes,
		             list->carry_bytes + list->options->chunk_bytes, err));
	}
}

/* Decides the format; refuses what is not a list. */
static enum stp_errc choose_format(struct list *list, struct stp_err *err)
{
	const char *problem;

	list->format = list->options->format;
	if (list->format)
		return STP_OK;
	problem = stp_list_sniff(list->carry, list->carry_bytes);
	if (problem)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list->name, "%s", problem);
	list->format = stp_list_format_of(list->carry, list->carry_bytes);
	return check_start(list, list->carry_bytes, err);
}

/* Reads the first chunk, decides the format and removes the head. */
static enum stp_errc start(struct list *list, struct stp_err *err)
{
	const struct stp_list_options *options = list->options;
	struct stp_list_names names = {.field_set = 0};
	size_t wanted = options->chunk_bytes;
	size_t count;

	if (wanted < STP_LIST_SNIFF_BYTES)
		wanted = STP_LIST_SNIFF_BYTES;
	if (wanted > list->buffer_bytes)
		wanted = list->buffer_bytes;
	list->line = 1;
	STP_TRY(fill(list, list->carry, &list->carry_bytes, wanted, err));
	if (list->carry_bytes >= 3 && memcmp(list->carry, "\xef\xbb\xbf", 3) == 0)
		drop_start(list, 3);
	STP_TRY(skip_blank_lines(list, err));
	STP_TRY(choose_format(list, err));
	if (!list->format->head_bytes)
		return STP_OK;
	if (!list->carry_bytes && list->is_at_end) {
		if (list->needs_end)
			return STP_OK; /* only the end line is missing */
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, list->name,
		                "is empty; its first line must be a header that names the columns");
	}
	STP_TRY(fill_head(list, &count, err));
	STP_TRY(list->format->read_head(list->name, list->head_line, list->carry, count, &names,
	                                &list->columns, err));
	list->stats.field_set = names.field_set;
	list->stats.unknown = names.unknown;
	list->stats.aliases = names.aliases;
	drop_start(list, count);
	return STP_OK;
}

/* Checks that the list is complete, as far as that can be known. */
static enum stp_errc check_end(const struct list *list, struct stp_err *err)
{
	const struct stp_list_shape *shape = &list->shape;
	const char *name = list->name;
	unsigned long long end_line = shape->end_line;

	if (shape->end_line && shape->last_line > shape->end_line)
		return STP_FAIL(
		    err, STP_FORMAT, STP_LIST_STAGE, name,
		    "line %llu is an end line, but more lines follow it; an end line comes last",
		    end_line);
	if (shape->end_line && shape->end_is_counted && shape->end_rows != list->stats.row_count)
		return STP_FAIL(
		    err, STP_FORMAT, STP_LIST_STAGE, name,
		    "its end line, line %llu, gives %llu rows, but there are %llu; create "
		    "the list again",
		    end_line, (unsigned long long)shape->end_rows,
		    (unsigned long long)list->stats.row_count);
	if (shape->cut_line && !shape->end_line)
		return STP_FAIL(err, STP_FORMAT, STP_LIST_STAGE, name,
		                "is cut off in line %llu; create the list again",
		                (unsigned long long)shape->cut_line);
	if (list->needs_end && !shape->end_line)
		return STP_FAIL(
		    err, STP_FORMAT, STP_LIST_STAGE, name,
		    "ended without an end line, so it may be incomplete; have its writer "
		    "append one after it succeeds: { COMMAND && echo '%s'; }",
		    list->format->end_line);
	return STP_OK;
}

/* Starts, parses, and checks that the list is complete. */
static enum stp_errc read_all(struct list *list, struct stp_err *err)
{
	const struct stp_list_options *options = list->options;

	STP_TRY(stp_list_source_needs_end(options->source, &list->needs_end, err));
	STP_TRY(start(list, err));
	STP_TRY(stp_workers_run(options->jobs, "list", worker, list, options->cancel, err));
	list->stats.has_end = list->shape.end_line != 0;
	list->stats.is_unended = list->is_unended && !list->shape.end_line;
	return check_end(list, err);
}

enum stp_errc stp_list_read(const struct stp_list_options *options, stp_list_emit_fn *emit,
                            void *ctx, struct stp_fault_list *faults,
                            struct stp_list_stats *out_stats, struct stp_err *err)
{
	struct stp_list_options own = *options;
	struct list list = {
	    .options = &own, .name = own.source->name, .emit = emit, .ctx = ctx, .faults = faults};
	struct stp_cancel cancel = {0};
	enum stp_errc code;

	/* When one worker fails the others stop, also without a flag of the caller's. */
	if (!own.cancel)
		own.cancel = &cancel;
	if (!own.chunk_bytes)
		own.chunk_bytes = PIECE_BYTES;
	if (!own.row_bytes_max)
		own.row_bytes_max = STP_LIST_ROW_BYTES_MAX;
	list.buffer_bytes = own.row_bytes_max + own.chunk_bytes;
	list.carry = malloc(list.buffer_bytes);
	if (!list.carry)
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, list.name,
		                      "no memory to read it");
	pthread_mutex_init(&list.lock, NULL);
	if (own.sum_secret)
		stp_list_sum_init(&list.sum, own.sum_secret);
	code = read_all(&list, err);
	if (code == STP_OK) {
		*out_stats = list.stats;
		out_stats->bytes = list.bytes;
		out_stats->sum = own.sum_secret ? stp_list_sum_final(&list.sum) : 0;
	}
	sodium_memzero(&list.sum, sizeof(list.sum));
	pthread_mutex_destroy(&list.lock);
	free(list.carry);
	return code;
}
