/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats: which one a list is of, and where its rows may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "list/format.h"
#include "list/row.h"
#include "listing.h"

static void test_formats__the_first_bytes_choose(void **state)
{
	static const struct {
		const char *text;
		const struct stp_list_format *format;
	} samples[] = {
	    {"{\"path\":\"a\"}\n", &stp_list_ndjson},
	    {" \t{", &stp_list_ndjson},
	    {"path\n", &stp_list_csv},
	    {"\"{path\"\n", &stp_list_csv},
	    {"", &stp_list_csv},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		assert_ptr_equal(stp_list_format_of(samples[i].text, strlen(samples[i].text)),
		                 samples[i].format);
}

static void test_formats__every_one_is_whole(void **state)
{
	static const struct stp_list_format *const formats[] = {&stp_list_csv, &stp_list_ndjson};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const struct stp_list_format *format = formats[i];

		assert_non_null(format->name);
		assert_non_null(format->end_line);
		assert_non_null(format->sniff);
		assert_non_null(format->partition);
		assert_non_null(format->parse);
		assert_int_equal(!format->head_bytes, !format->read_head);
	}
}

static void check_cut(const struct stp_list_format *format, const char *text, size_t bytes,
                      int is_open)
{
	struct stp_list_cut cut = format->partition(text, strlen(text));

	assert_int_equal(cut.bytes, bytes);
	assert_int_equal(cut.open != NULL, is_open);
}

static void test_formats__rows_are_cut_behind_the_last_whole_one(void **state)
{
	(void)state;
	check_cut(&stp_list_csv, "a,1\nb", 4, 0);
	check_cut(&stp_list_csv, "a,1\n\"b\nc", 4, 1);
	check_cut(&stp_list_csv, "\"a\n\",1\n\"b\n\",2\nc", 14, 0);
	check_cut(&stp_list_csv, "\"a\nb\n", 0, 1);
	check_cut(&stp_list_csv, "a", 0, 0);
	check_cut(&stp_list_csv, "", 0, 0);
	/* A quote has no meaning for the format of a line of JSON. */
	check_cut(&stp_list_ndjson, "{\"a\n\"\n{", 6, 0);
	check_cut(&stp_list_ndjson, "{}", 0, 0);
	check_cut(&stp_list_ndjson, "", 0, 0);
}

/* A format of this test alone: each line is a path. */
static int is_plain(const char *bytes, size_t count)
{
	return count > 0 && bytes[0] == '/';
}

static enum stp_errc parse_plain(struct stp_list_parser *parser, const struct stp_list_chunk *chunk,
                                 struct stp_err *err)
{
	const char *at = chunk->bytes;
	const char *end = at + chunk->count;
	uint64_t line;

	for (line = chunk->line; at < end; line++) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		struct stp_list_row row = {0};

		if (!feed)
			feed = end;
		row.fields[STP_LIST_PATH] = (struct stp_list_text){at + 1, (size_t)(feed - at) - 1};
		STP_TRY(stp_list_take(parser, &row, line, err));
		at = feed + 1;
	}
	stp_list_chunk_done(parser, chunk, line - 1);
	return stp_list_emit(parser, err);
}

static void test_formats__another_one_takes_a_table_entry(void **state)
{
	static const struct stp_list_format plain = {.name = "plain",
	                                             .end_line = "/#end",
	                                             .sniff = is_plain,
	                                             .partition = stp_list_partition_lines,
	                                             .parse = parse_plain};
	struct stp_list_source source = {.name = "list"};
	struct stp_list_options options = {
	    .source = &source, .format = &plain, .hash_set = SHA256, .jobs = 2, .chunk_bytes = 5};
	struct stp_list_stats stats;
	struct stp_fault_list faults;
	struct seen *seen = calloc(1, sizeof(*seen));
	FILE *file = tmpfile();

	(void)state;
	pthread_mutex_init(&seen->lock, NULL);
	stp_fault_list_init(&faults);
	fputs("/a/b\n/cd\n/../e\n/f", file);
	rewind(file);
	source.fd = fileno(file);
	assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, NULL), STP_OK);
	assert_int_equal(stats.record_count, 3);
	assert_int_equal(faults.total, 1);
	assert_string_equal(faults.items[0].subject, "list:3");
	assert_string_equal(faults.items[0].stage, STP_LIST_STAGE);
	stp_fault_list_release(&faults);
	fclose(file);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_formats__the_first_bytes_choose),
	    cmocka_unit_test(test_formats__every_one_is_whole),
	    cmocka_unit_test(test_formats__rows_are_cut_behind_the_last_whole_one),
	    cmocka_unit_test(test_formats__another_one_takes_a_table_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
