/* SPDX-License-Identifier: Apache-2.0 */
/* How a list begins and ends, what is not a list at all, and the forms of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "list/sniff.h"
#include "listing.h"

#define HEAD "path,length,sha256\n"
#define ROW  "a,1," HEX32 "\n"
#define JSON "{\"path\":\"a\",\"length\":1,\"sha256\":\"" HEX32 "\"}\n"

/* A list, the result of reading it, and words of the message. */
struct sample {
	const char *text;
	enum stp_errc code;
	const char *words;
};

static void check_file(const struct sample *sample, size_t rows)
{
	static const size_t jobs[] = {0, 1, 3};
	size_t i;

	for (i = 0; i < 3; i++) {
		struct result *result =
		    read_list(sample->text, strlen(sample->text), SHA256, jobs[i]);

		if (result->code != sample->code ||
		    (sample->words && !strstr(result->err.text, sample->words)))
			print_error("%s: %d %s\n", sample->text, result->code, result->err.text);
		assert_int_equal(result->code, sample->code);
		if (sample->words)
			assert_non_null(strstr(result->err.text, sample->words));
		else
			assert_int_equal(result->stats.row_count, rows);
		release(result);
	}
}

static void test_end__a_pipe_needs_one(void **state)
{
	static const struct sample samples[] = {
	    {HEAD ROW, STP_FORMAT, "ended without an end line"},
	    {HEAD, STP_FORMAT, "&& echo '#end'"},
	    {"", STP_FORMAT, "ended without an end line"},
	    {"\n", STP_FORMAT, "ended without an end line"},
	    {JSON, STP_FORMAT, "&& echo '{\"op\":\"commit\"}'"},
	    {HEAD ROW "#en", STP_FORMAT, "is cut off in line 3"},
	    {HEAD ROW "#endless,1," HEX32 "\n", STP_FORMAT, "ended without"},
	    {HEAD ROW "#end", STP_OK, NULL},
	    {HEAD ROW "#end\n", STP_OK, NULL},
	    {HEAD ROW "\"#end\",\"1\"\r\n\r\n\n", STP_OK, NULL},
	    {HEAD ROW "#end,1,\n", STP_OK, NULL},
	    {JSON "{\"op\":\"commit\"}", STP_OK, NULL},
	    {JSON " {\"rows\" : 1, \"op\":\"commit\"}\n\n", STP_OK, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct result *result = read_pipe(samples[i].text, i % 3);

		assert_int_equal(result->code, samples[i].code);
		if (samples[i].words)
			assert_non_null(strstr(result->err.text, samples[i].words));
		else
			assert_int_equal(result->stats.row_count, 1);
		assert_int_equal(result->stats.has_end, samples[i].code == STP_OK);
		release(result);
	}
}

static void test_end__a_file_may_have_one_and_it_must_be_right(void **state)
{
	static const struct sample good[] = {
	    {HEAD ROW, STP_OK, NULL},
	    {HEAD ROW "#end\n", STP_OK, NULL},
	    {HEAD ROW "#end,1\n\n\r\n", STP_OK, NULL},
	    {"length,path,sha256\n1,a," HEX32 "\n#end,1,\n", STP_OK, NULL},
	    {"length,path,sha256\n1,#end," HEX32 "\n", STP_OK, NULL}, /* a path */
	    {"path\n#ending\n", STP_OK, NULL},
	    {"{\"path\":\"#end\",\"length\":1}\n", STP_OK, NULL},
	    {JSON "{\"op\":\"commit\",\"rows\":\"1\"}\n", STP_OK, NULL},
	};
	static const struct sample bad[] = {
	    {HEAD ROW "#end,2\n", STP_FORMAT, "line 3, gives 2 rows, but there are 1"},
	    {HEAD ROW "#end,\"0\"\n", STP_FORMAT, "gives 0 rows, but there are 1"},
	    {HEAD ROW "#end,1x\n", STP_FORMAT, "is not a plain decimal number"},
	    {HEAD ROW "#end,-1\n", STP_FORMAT, "is not a plain decimal number"},
	    {HEAD ROW "#end,1,x\n", STP_FORMAT, "has more than the number of rows"},
	    {HEAD ROW "#end,1\n" ROW, STP_FORMAT, "line 3 is an end line, but more lines"},
	    {HEAD ROW "#end\n#end\n", STP_FORMAT, "line 3 is an end line, but more lines"},
	    {HEAD ROW "\"#end\n", STP_FORMAT, "within a quoted field"},
	    {JSON "{\"op\":\"commit\",\"rows\":2}\n", STP_FORMAT, "gives 2 rows"},
	    {JSON "{\"op\":\"commit\",\"rows\":1.0}\n", STP_FORMAT, "plain decimal"},
	    {JSON "{\"op\":\"commit\",\"path\":\"a\"}\n", STP_FORMAT, "has a path"},
	    {JSON "{\"op\":\"commit\"}\n" JSON, STP_FORMAT, "line 2 is an end line"},
	    {"{\"op\":\"add\",\"path\":\"a\"}\n", STP_CONFIG, "a list of changes"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		check_file(&good[i], 1);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_file(&bad[i], 0);
}

static void test_end__an_end_line_is_found_wherever_the_list_is_cut(void **state)
{
	size_t chunk;

	(void)state;
	for (chunk = 1; chunk < 80; chunk += 3) {
		struct stp_list_source source = {.name = "list"};
		struct stp_list_options options = {.source = &source,
		                                   .hash_set = SHA256,
		                                   .chunk_bytes = chunk,
		                                   .jobs = chunk % 4,
		                                   .row_bytes_max = 600};
		struct stp_fault_list faults;
		struct stp_list_stats stats;
		struct seen *seen = calloc(1, sizeof(*seen));
		FILE *file = tmpfile();

		pthread_mutex_init(&seen->lock, NULL);
		stp_fault_list_init(&faults);
		fputs("\n\r\n \n" HEAD ROW "\"b\n\",2,\nc,1,\n#end,3\n", file);
		rewind(file);
		source.fd = fileno(file);
		assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, NULL),
		                 STP_OK);
		assert_int_equal(stats.row_count, 3);
		assert_int_equal(faults.total, 1);
		assert_string_equal(faults.items[0].subject, "list:6");
		assert_int_equal(stats.has_end, 1);
		stp_fault_list_release(&faults);
		fclose(file);
		free(seen);
	}
}

static void test_end__a_list_that_was_cut_off_is_an_error(void **state)
{
	static const char whole[] = HEAD ROW "bcd,12345," HEX32 "\n";
	size_t first = strlen(HEAD ROW);
	size_t count;

	(void)state;
	/* Anywhere within the last row: only its last byte, the line end, may be missing. */
	for (count = first + 1; count < sizeof(whole) - 1; count++) {
		struct result *result = read_list(whole, count, SHA256, count % 3);
		int is_whole = count == sizeof(whole) - 2;
		/* "bcd,12345," says that the digest is not known; the file will have to have it */
		int lacks = count == first + strlen("bcd,12345,");

		assert_int_equal(result->code, is_whole || lacks ? STP_OK : STP_FORMAT);
		if (result->code == STP_OK)
			assert_int_equal(result->stats.is_unended, 1);
		else
			assert_non_null(strstr(result->err.text, "is cut off in line 3"));
		release(result);
	}
}

static void test_start__what_is_no_list_is_told_by_its_form(void **state)
{
	static const struct sample samples[] = {
	    {"\x1f\x8b\x08", STP_CONFIG, "is gzip data"},
	    {"\x28\xb5\x2f\xfd", STP_CONFIG, "is zstd data"},
	    {"BZh91AY", STP_CONFIG, "is bzip2 data"},
	    {"PK\x03\x04", STP_CONFIG, "is a zip archive"},
	    {"PGDMP\x01", STP_CONFIG, "is a dump of a whole database"},
	    {"SQLite format 3", STP_CONFIG, "is an SQLite database"},
	    {"\xff\xfep", STP_CONFIG, "is UTF-16"},
	    {"[{\"path\":\"a\"}]", STP_CONFIG, "jq -c '.[]'"},
	    {"\xef\xbb\xbf\n [\n{\"path\":\"a\"}]", STP_CONFIG, "jq -c '.[]'"},
	    {"{\n\"path\":\"a\"}\n", STP_CONFIG, "jq -c ."},
	    {"<!DOCTYPE html>\n<html>", STP_CONFIG, "is HTML or XML"},
	    {"ERROR:  relation \"files\" does not exist\n", STP_CONFIG, "not a header"},
	    {"path;length;sha256\na;1;" HEX32 "\n", STP_CONFIG, "separated by semicolons"},
	    {"\"path\";\"length\"\n\"a\";1\n", STP_CONFIG, "separated by semicolons"},
	    {"path\tlength\na\t1\n", STP_CONFIG, "separated by tabs"},
	    {" path | length \n------+-----\n", STP_CONFIG, "separated by vertical bars"},
	    {"path,length\ra,1\rb,2\r", STP_CONFIG, "end with CR alone"},
	    {"path,length\r\r\na,1\r\r\n", STP_CONFIG, "end with CR alone"},
	    {"{\"path\":\"a\"}\r{\"path\":\"b\"}\r", STP_CONFIG, "end with CR alone"},
	    {"", STP_CONFIG, "is empty"},
	    {"\n\r\n  \n", STP_CONFIG, "is empty"},
	};
	static const char utf16[] = "p\0a\0t\0h\0\n\0";
	struct result *result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		check_file(&samples[i], 0);
	result = read_list(utf16, sizeof(utf16) - 1, SHA256, 0);
	assert_int_equal(result->code, STP_CONFIG);
	assert_non_null(strstr(result->err.text, "zero bytes"));
	release(result);
	/* CR alone behind a header with LF: no row is lost, each is a fault. */
	result = read_text("path,length\na,1\rb,2\rc,3\n", SHA256);
	assert_int_equal(result->faults.total, 1);
	assert_non_null(strstr(result->faults.items[0].text, "carriage return"));
	release(result);
	assert_false(stp_list_has_lone_cr("\"a\rb\",c\r\n", 9));
}

static void test_start__blank_lines_and_marks_before_the_header_are_passed(void **state)
{
	static const char *const texts[] = {
	    "\n" HEAD ROW,
	    "\r\n\r\n" HEAD ROW,
	    "\xef\xbb\xbf" HEAD ROW,
	    "\xef\xbb\xbf\n  \t\r\n" HEAD ROW,
	    "\n\n" JSON,
	    "\xef\xbb\xbf  " JSON,
	};
	char blanks[2048];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct result *result = read_text(texts[i], SHA256);

		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->seen.count, 1);
		assert_int_equal(result->faults.total, 0);
		release(result);
	}
	memset(blanks, '\n', 1500);
	strcpy(blanks + 1500, HEAD ROW);
	{
		struct result *result = read_text(blanks, SHA256);

		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->seen.records[0].origin, 1502);
		release(result);
	}
}

static void test_values__numbers_and_digests_in_the_forms_of_databases(void **state)
{
	static const char *const good[] = {
	    "{\"path\":\"a\",\"length\":\"12\",\"sha256\":\"" HEX32 "\"}\n",
	    "{\"path\":\"a\",\"length\":12,\"sha256\":\"\\\\x" HEX32 "\"}\n",
	    HEAD "a,12,\\x" HEX32 "\n",
	    HEAD "\"a\",\"12\",\"\\x" HEX32 "\"\n",
	};
	static const struct {
		const char *row;
		const char *words;
	} bad[] = {
	    {"a,1e3,\n", "plain decimal"},
	    {"a,12.0,\n", "plain decimal"},
	    {"a,+5,\n", "plain decimal"},
	    {"a,-1,\n", "plain decimal"},
	    {"a,0x10,\n", "plain decimal"},
	    {"a,1_000,\n", "plain decimal"},
	    {"a,\"1,000\",\n", "plain decimal"},
	    {"a, 12,\n", "plain decimal"},
	    {"a,012,\n", "plain decimal"},
	    {"a,1,ABEiM0RVZneImaq7zN3u//7dzLuqmYh3ZlVEMyIRAAA=\n", "is base64; write it in hex"},
	    {"a,1,ABEiM0RVZneImaq7zN3u__7dzLuqmYh3ZlVEMyIRAAA\n", "is base64; write it in hex"},
	    {"a,1,0123456789012345678901234567890123456789\n", "but 40 characters"},
	    {"a,1,sha256:" HEX32 "\n", "but 71 characters"},
	    {"a,1, " HEX32 "\n", "but 65 characters"},
	    {"a,1,\\X" HEX32 "\n", "but 66 characters"},
	    {"a,1,0x" HEX32 "\n", "but 66 characters"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct result *result = read_text(good[i], SHA256);

		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->faults.total, 0);
		assert_int_equal(result->stats.digest_count, 1);
		assert_int_equal(result->seen.records[0].length, 12);
		assert_int_equal(result->seen.digests[0][1], 0x11);
		assert_int_equal(result->seen.digests[0][31], 0x00);
		release(result);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[256];
		struct result *result;

		snprintf(text, sizeof(text), "%s%s", HEAD, bad[i].row);
		result = read_text(text, SHA256);
		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->faults.total, 1);
		assert_string_equal(result->faults.items[0].subject, "list:2");
		assert_non_null(strstr(result->faults.items[0].text, bad[i].words));
		release(result);
	}
}

static void test_values__rows_that_lack_a_digest_bring_what_they_have(void **state)
{
	struct result *result = read_text("path,length,blake2b-256,sha256\n"
	                                  "a,1," HEX32 ",\n"
	                                  "b,1,," HEX32 "\n"
	                                  "c,,\\x" HEX32 "," HEX32 "\n"
	                                  "d,1,,\n",
	                                  SHA256 | BLAKE);
	const struct stp_record *records = result->seen.records;

	(void)state;
	assert_int_equal(result->code, STP_OK);
	assert_int_equal(result->stats.digest_count, 0);
	assert_int_equal(result->stats.digest_set, SHA256 | BLAKE);
	assert_int_equal(STP_RECORD_CLAIMS_SET(records[0].flags), BLAKE);
	assert_int_equal(STP_RECORD_CLAIMS_SET(records[1].flags), SHA256);
	assert_int_equal(STP_RECORD_CLAIMS_SET(records[2].flags), SHA256 | BLAKE);
	assert_int_equal(STP_RECORD_CLAIMS_SET(records[3].flags), 0);
	assert_int_equal(records[2].flags & STP_RECORD_SIZED, 0);
	assert_null(records[3].digests);
	assert_int_equal(result->seen.digests[0][1], 0x11);
	assert_int_equal(result->seen.digests[2][33], 0x11);
	release(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_end__a_pipe_needs_one),
	    cmocka_unit_test(test_end__a_file_may_have_one_and_it_must_be_right),
	    cmocka_unit_test(test_end__an_end_line_is_found_wherever_the_list_is_cut),
	    cmocka_unit_test(test_end__a_list_that_was_cut_off_is_an_error),
	    cmocka_unit_test(test_start__what_is_no_list_is_told_by_its_form),
	    cmocka_unit_test(test_start__blank_lines_and_marks_before_the_header_are_passed),
	    cmocka_unit_test(test_values__numbers_and_digests_in_the_forms_of_databases),
	    cmocka_unit_test(test_values__rows_that_lack_a_digest_bring_what_they_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
