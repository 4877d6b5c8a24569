/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "list/row.h"
#include "list/sum.h"
#include "listing.h"
#include "scratch.h"

static void test_list__csv_columns_come_in_any_order(void **state)
{
	struct result *result = read_text("note,sha256,size,path,sha512\n"
	                                  "x," HEX32 ",12,a/b.whl," HEX64 "\n"
	                                  ",,,c.whl,\n",
	                                  SHA256 | SHA512);
	const struct stp_record *record = &result->seen.records[0];

	(void)state;
	assert_int_equal(result->code, STP_OK);
	assert_int_equal(result->faults.total, 0);
	assert_int_equal(result->seen.count, 2);
	assert_int_equal(record->length, 12);
	assert_int_equal(record->origin, 2);
	assert_int_equal(record->flags, STP_RECORD_LISTED | STP_RECORD_SIZED | STP_RECORD_DIGESTS);
	assert_int_equal(record->path_bytes, 7);
	assert_memory_equal(result->seen.paths[0], "a/b.whl", 7);
	assert_int_equal(result->seen.digests[0][15], 0xff);
	assert_int_equal(result->seen.digests[0][32 + 1], 0x11);
	assert_int_equal(record[1].flags, STP_RECORD_LISTED);
	assert_null(record[1].digests);
	assert_true(record[1].length == STP_LIST_LENGTH_UNKNOWN);
	assert_int_equal(result->stats.digest_count, 1);
	release(result);
}

static void test_list__quotes_crlf_and_a_byte_order_mark_are_read(void **state)
{
	struct result *result = read_text("\xef\xbb\xbf\"path\",\"a \"\"note\"\"\",length\r\n"
	                                  "\"x.whl\",\"two\r\nlines, \"\"quoted\"\"\",5\r\n"
	                                  "\r\n"
	                                  "y.whl,\"\",6\r\n"
	                                  "z.whl,last,7",
	                                  SHA256);

	(void)state;
	assert_int_equal(result->code, STP_OK);
	assert_int_equal(result->faults.total, 0);
	assert_int_equal(result->seen.count, 3);
	assert_memory_equal(result->seen.paths[0], "x.whl", 5);
	assert_int_equal(result->seen.records[0].length, 5);
	assert_int_equal(result->seen.records[0].origin, 2);
	assert_int_equal(result->seen.records[1].origin, 5);
	assert_int_equal(result->seen.records[2].origin, 6);
	assert_int_equal(result->seen.records[2].length, 7);
	release(result);
}

static void test_list__a_bad_row_is_named_by_file_line_and_column(void **state)
{
	struct result *result = read_text("path,length,sha256\n"
	                                  "../x,1," HEX32 "\n"
	                                  "a,-1," HEX32 "\n"
	                                  "b,1,123\n"
	                                  "c,1\n"
	                                  "d,1,,\n"
	                                  "e,1,\"" HEX32 "\"x\n"
	                                  "f,1,g" HEX32 "\n"
	                                  "g,9007199254740992,\n"
	                                  "good,1,\n",
	                                  SHA256);

	(void)state;
	assert_int_equal(result->code, STP_OK);
	assert_int_equal(result->seen.count, 1);
	assert_int_equal(result->stats.row_count, 9);
	assert_int_equal(result->faults.total, 8);
	assert_string_equal(result->faults.items[0].subject, "list:2");
	assert_string_equal(
	    result->faults.items[0].text,
	    "column path: has a \".\" or \"..\" segment; write the path without it");
	assert_non_null(strstr(result->faults.items[1].text, "column length: "));
	assert_string_equal(
	    result->faults.items[2].text,
	    "column sha256: is not 64 hex digits but 3 characters; correct the row");
	assert_non_null(strstr(result->faults.items[3].text, "fewer fields"));
	assert_non_null(strstr(result->faults.items[4].text, "more fields"));
	assert_non_null(strstr(result->faults.items[5].text, "closing"));
	release(result);
}

static void test_list__a_header_that_cannot_be_used_is_an_error(void **state)
{
	static const char *const headers[] = {
	    "",
	    "length,sha256\n",
	    "path,length,size\n",
	    "path,path\n",
	    "a.whl,12," HEX32 "\n",
	    "path,x\"y\n",
	    "pa\"th",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		struct result *result = read_text(headers[i], SHA256);

		assert_int_equal(result->code, STP_CONFIG);
		assert_string_equal(result->err.subject, "list");
		release(result);
	}
}

static void test_list__a_list_cut_off_within_quotes_is_an_error(void **state)
{
	struct result *result = read_text("path,length\na,\"1\nb,2\nc,3\n", SHA256);

	(void)state;
	assert_int_equal(result->code, STP_FORMAT);
	release(result);
}

static void test_list__an_endless_row_is_an_error(void **state)
{
	size_t count = (size_t)4 << 20;
	char *text = malloc(count);
	struct result *result;

	(void)state;
	memset(text, 'x', count);
	memcpy(text, "path\n", 5);
	result = read_list(text, count, SHA256, 2);
	assert_int_equal(result->code, STP_LIMIT);
	release(result);
	memset(text, '{', count);
	result = read_list(text, count, SHA256, 2);
	assert_int_equal(result->code, STP_LIMIT);
	release(result);
	free(text);
}

static void test_list__ndjson_rows_are_read(void **state)
{
	struct result *result =
	    read_text("{\"path\":\"a/b.whl\",\"length\":12,\"sha256\":\"" HEX32 "\"}\n"
	              " { \"x\" : [1, {\"path\": -2.5e3}, true], \"size\" : 7 , \"p\\u0061th\" : "
	              "\"c\\/d\" }\r\n"
	              "\n"
	              "{\"path\":\"e\",\"sha256\":null,\"length\":null}",
	              SHA256);

	(void)state;
	assert_int_equal(result->code, STP_OK);
	assert_int_equal(result->faults.total, 0);
	assert_int_equal(result->seen.count, 3);
	assert_int_equal(result->seen.records[0].flags,
	                 STP_RECORD_LISTED | STP_RECORD_SIZED | STP_RECORD_DIGESTS);
	assert_int_equal(result->seen.digests[0][1], 0x11);
	assert_memory_equal(result->seen.paths[1], "c/d", 3);
	assert_int_equal(result->seen.records[1].length, 7);
	assert_int_equal(result->seen.records[1].origin, 2);
	assert_int_equal(result->seen.records[2].origin, 4);
	release(result);
}

static void test_list__ndjson_that_is_wrong_is_named(void **state)
{
	static const char *const rows[] = {
	    "{\"path\":\"a\"",
	    "{\"path\":\"a\"}}",
	    "{\"path\":\"a\",}",
	    "{'path':'a'}",
	    "{\"path\":\"a\",\"path\":\"b\"}",
	    "{\"path\":\"a\",\"length\":1,\"size\":1}",
	    "{\"path\":\"a\",\"x\":1,\"x\":2}",
	    "{\"path\":\"a\",\"length\":\"1.0\"}",
	    "{\"path\":\"a\",\"length\":\" 1\"}",
	    "{\"path\":\"a\",\"length\":true}",
	    "{\"path\":\"a\",\"length\":1.0}",
	    "{\"path\":\"a\",\"length\":01}",
	    "{\"path\":\"a\",\"length\":-1}",
	    "{\"path\":1}",
	    "{\"path\":\"a\\x\"}",
	    "{\"path\":\"\\ud800\"}",
	    "{\"path\":\"\\u0000\"}",
	    "{\"x\":\"\xc0\x80\",\"path\":\"a\"}",
	    "{\"x\":\"\xed\xa0\x80\",\"path\":\"a\"}",
	    "{\"x\":nul,\"path\":\"a\"}",
	    "{\"length\":1}",
	    "{}",
	    "{\"path\":\"a\"} x",
	    "{\"path\":\"a\",\"sha256\":\"12\"}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[256];
		struct result *result;

		snprintf(text, sizeof(text), "%s\n", rows[i]);
		result = read_text(text, SHA256);
		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->seen.count, 0);
		assert_int_equal(result->faults.total, 1);
		assert_string_equal(result->faults.items[0].subject, "list:1");
		release(result);
	}
}

static void test_list__json_nested_too_deep_is_refused(void **state)
{
	char row[512] = "{\"path\":\"a\",\"x\":";
	size_t at = strlen(row);
	struct result *result;
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		row[at++] = '[';
	for (i = 0; i < 100; i++)
		row[at++] = ']';
	row[at++] = '}';
	row[at++] = '\n';
	result = read_list(row, at, SHA256, 0);
	assert_int_equal(result->faults.total, 1);
	release(result);
}

static void test_list__hex_of_either_case_is_read_and_nothing_else(void **state)
{
	uint8_t ours[32];
	uint8_t theirs[32];
	char hex[65];
	unsigned c;
	size_t at;

	(void)state;
	for (at = 0; at < 64; at += 7) {
		for (c = 0; c < 256; c++) {
			int good;

			memcpy(hex, HEX32, 65);
			hex[at] = (char)c;
			good = stp_hex_decode(hex, 32, theirs, 1);
			assert_int_equal(stp_list_hex(hex, 32, ours), good);
			if (good)
				assert_memory_equal(ours, theirs, 32);
		}
	}
}

/* A long list in CSV (quoted at times) or NDJSON. */
static char *long_list(size_t rows, int is_json, size_t *out_count)
{
	char *text = malloc(rows * 400 + 100);
	char *at = text;
	size_t i;

	if (!is_json)
		at += sprintf(at, "path,length,note,sha256\n");
	for (i = 0; i < rows; i++) {
		if (is_json)
			at += sprintf(at,
			              "{\"path\":\"p/%zu\",\"length\":%zu,\"sha256\":\"" HEX32
			              "\"}\n",
			              i, i);
		else if (i % 97 == 0)
			at += sprintf(at, "\"p/%zu\",%zu,\"a\n\"\"b\"\",\n\"," HEX32 "\n", i, i);
		else
			at += sprintf(at, "p/%zu,%zu,%s," HEX32 "\n", i, i,
			              i % 3 ? "" : "a note of some length to vary the rows");
	}
	*out_count = (size_t)(at - text);
	return text;
}

static void test_list__any_number_of_workers_gives_the_same_rows(void **state)
{
	static const size_t jobs[] = {0, 1, 2, 3, 8};
	int is_json;
	size_t i;

	(void)state;
	for (is_json = 0; is_json < 2; is_json++) {
		uint64_t origin_sum = 0;
		size_t count;
		char *text = long_list(30000, is_json, &count);

		for (i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
			struct result *result = read_list(text, count, SHA256, jobs[i]);

			assert_int_equal(result->code, STP_OK);
			assert_int_equal(result->faults.total, 0);
			assert_int_equal(result->seen.total, 30000);
			assert_int_equal(result->stats.row_count, 30000);
			assert_int_equal(result->stats.digest_count, 30000);
			assert_int_equal(result->stats.bytes, count);
			if (i == 0)
				origin_sum = result->seen.origin_sum;
			assert_int_equal(result->seen.origin_sum, origin_sum);
			release(result);
		}
		free(text);
	}
}

static void test_list__a_pipe_is_read_and_a_failing_emit_stops_it(void **state)
{
	struct stp_list_source source = {.name = "stdin"};
	struct stp_list_options options = {.source = &source, .hash_set = BLAKE, .jobs = 2};
	struct stp_fault_list faults;
	struct stp_list_stats stats;
	struct seen *seen = calloc(1, sizeof(*seen));
	int ends[2];

	(void)state;
	stp_fault_list_init(&faults);
	pthread_mutex_init(&seen->lock, NULL);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "path,blake2b-256,length\nx," HEX32 ",1\n#end\n", 98), 98);
	close(ends[1]);
	source.fd = ends[0];
	assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, NULL), STP_OK);
	assert_int_equal(stats.digest_count, 1);
	close(ends[0]);
	seen->fail = 1;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "path\nx\n", 7), 7);
	close(ends[1]);
	source.fd = ends[0];
	assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, NULL), STP_IO);
	close(ends[0]);
	stp_fault_list_release(&faults);
	free(seen);
}

static void test_list__its_sum_is_that_of_the_file_and_of_nothing_else(void **state)
{
	struct stp_list_source source = {.name = "list"};
	struct stp_list_options options = {.source = &source, .hash_set = SHA256};
	uint8_t secrets[2][STP_LIST_SUM_KEY_BYTES] = {{77}, {78}};
	struct stp_fault_list faults;
	struct stp_list_stats stats;
	struct seen *seen = calloc(1, sizeof(*seen));
	size_t count;
	char *text = long_list(30000, 0, &count);
	FILE *file = tmpfile();
	uint64_t sum;
	size_t jobs;

	(void)state;
	assert_int_equal(fwrite(text, 1, count, file), count);
	fflush(file);
	source.fd = fileno(file);
	options.sum_secret = secrets[0];
	stp_fault_list_init(&faults);
	pthread_mutex_init(&seen->lock, NULL);
	for (jobs = 0; jobs < 4; jobs++) {
		options.jobs = jobs;
		lseek(source.fd, 0, SEEK_SET);
		assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, NULL),
		                 STP_OK);
		assert_int_equal(stp_list_sum_file(source.fd, "list", secrets[0], jobs, NULL, &sum,
		                                   NULL),
		                 STP_OK);
		assert_true(sum == stats.sum);
		assert_int_equal(stp_list_sum_file(source.fd, "list", secrets[1], jobs, NULL, &sum,
		                                   NULL),
		                 STP_OK);
		assert_true(sum != stats.sum);
	}
	assert_int_equal(pwrite(source.fd, "q", 1, (off_t)count - 9), 1);
	assert_int_equal(stp_list_sum_file(source.fd, "list", secrets[0], 2, NULL, &sum, NULL),
	                 STP_OK);
	assert_true(sum != stats.sum);
	stp_fault_list_release(&faults);
	fclose(file);
	free(seen);
	free(text);
}

/* Around the edges of blocks and chunks: in any cut, a file's sum is that of its bytes; and it is
 * no other file's, also where zeros were filled in. */
static void test_list__sums_around_edges(void **state)
{
	static const size_t edges[] = {0, 1, 1023, 1024, 1025, 65536, 1048575, 1048576, 1048577};
	const uint8_t secret[STP_LIST_SUM_KEY_BYTES] = {1};
	uint8_t *zeros = calloc(1, 1048577);
	uint64_t sums[9];
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < 9; i++) {
		struct stp_list_sum sum;
		FILE *file = tmpfile();
		uint64_t of_file;
		size_t at;
		size_t step;

		assert_int_equal(fwrite(zeros, 1, edges[i], file), edges[i]);
		fflush(file);
		assert_int_equal(stp_list_sum_file(fileno(file), "list", secret, 2, NULL, &of_file,
		                                   NULL),
		                 STP_OK);
		fclose(file);
		stp_list_sum_init(&sum, secret);
		for (at = 0, step = 1; at < edges[i]; at += step, step = step * 3 % 4099) {
			if (step > edges[i] - at)
				step = edges[i] - at;
			stp_list_sum_add(&sum, zeros + at, step);
		}
		sums[i] = stp_list_sum_final(&sum);
		assert_true(sums[i] == of_file);
		for (j = 0; j < i; j++)
			assert_true(sums[i] != sums[j]);
	}
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list__csv_columns_come_in_any_order),
	    cmocka_unit_test(test_list__quotes_crlf_and_a_byte_order_mark_are_read),
	    cmocka_unit_test(test_list__a_bad_row_is_named_by_file_line_and_column),
	    cmocka_unit_test(test_list__a_header_that_cannot_be_used_is_an_error),
	    cmocka_unit_test(test_list__a_list_cut_off_within_quotes_is_an_error),
	    cmocka_unit_test(test_list__an_endless_row_is_an_error),
	    cmocka_unit_test(test_list__ndjson_rows_are_read),
	    cmocka_unit_test(test_list__ndjson_that_is_wrong_is_named),
	    cmocka_unit_test(test_list__json_nested_too_deep_is_refused),
	    cmocka_unit_test(test_list__hex_of_either_case_is_read_and_nothing_else),
	    cmocka_unit_test(test_list__any_number_of_workers_gives_the_same_rows),
	    cmocka_unit_test(test_list__sums_around_edges),
	    cmocka_unit_test(test_list__its_sum_is_that_of_the_file_and_of_nothing_else),
	    cmocka_unit_test(test_list__a_pipe_is_read_and_a_failing_emit_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
