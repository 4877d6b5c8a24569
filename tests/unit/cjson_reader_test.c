/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "cjson/reader.h"
#include "cjson_oracle.h"

static int accepts(const void *bytes, size_t count)
{
	return stp_cjson_check(bytes, count, "test", "doc", NULL) == STP_OK;
}

static const char *const canonical[] = {
    "{}",
    "[]",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "\"\"",
    "true",
    "false",
    "null",
    "[1,2,[3,{}],\"x\"]",
    "{\"a\":1,\"b\":{\"c\":[]},\"ba\":null}",
    "{\"\":0,\" \":1}",
    "{\"!\":1,\"\\\"\":2,\"#\":3}",
    "{\"[\":1,\"\\\\\":2,\"]\":3}",
    "\"\x7f\"",
    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "{\"z\":1,\"\xc3\xa9\":2,\"\xef\xbf\xbf\":3,\"\xf0\x9f\x98\x80\":4}",
    "{\"signatures\":[{\"keyid\":\"00\",\"sig\":\"00\"}],\"signed\":{\"_type\":\"root\"}}",
};

static const char *const not_canonical[] = {
    "",
    " {}",
    "{} ",
    "{}\n",
    "{ }",
    "[1, 2]",
    "[1 ,2]",
    "{\"a\": 1}",
    "{\"a\" :1}",
    "{\"a\":1,}",
    "[1,]",
    "[,1]",
    "{,\"a\":1}",
    "{\"b\":1,\"a\":2}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\\"\":2}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "{1:1}",
    "[1",
    "[1}",
    "{\"a\":1]",
    "{\"a\":1",
    "]",
    "}",
    "-",
    "-0",
    "00",
    "01",
    "-01",
    "+1",
    "1.0",
    "1e3",
    "1E3",
    ".5",
    "0x1",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "18446744073709551617",
    "tru",
    "True",
    "nulll",
    "NaN",
    "\"",
    "\"a",
    "\"\\",
    "\"\\\"",
    "\"\\/\"",
    "\"\\n\"",
    "\"\\u0041\"",
    "\"\\u0000\"",
    "\"a\nb\"",
    "\"\x01\"",
    "\"\x80\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\xc3\"",
    "{}{}",
    "1 2",
    "[1][2]",
    "'a'",
    "[1//x\n]",
    "\xef\xbb\xbf{}",
};

static void test_cjson_reader__accepts_canonical_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
		if (!accepts(canonical[i], strlen(canonical[i])))
			fail_msg("refused: %s", canonical[i]);
		assert_true(oracle_is_canonical(canonical[i], strlen(canonical[i])));
	}
}

static void test_cjson_reader__refuses_everything_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(not_canonical) / sizeof(not_canonical[0]); i++) {
		if (accepts(not_canonical[i], strlen(not_canonical[i])))
			fail_msg("accepted: %s", not_canonical[i]);
		assert_false(oracle_is_canonical(not_canonical[i], strlen(not_canonical[i])));
	}
	assert_false(accepts("[1]\0", 4));
	assert_false(accepts("\"a\0b\"", 5));
}

/* Every byte of every canonical sample replaced, dropped and doubled: the result is the same as
 * jansson's. */
static void test_cjson_reader__agrees_with_jansson_on_all_small_changes(void **state)
{
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
		size_t count = strlen(canonical[i]);

		for (size_t at = 0; at < count; at++) {
			for (unsigned c = 0; c < 256; c++) {
				memcpy(text, canonical[i], count);
				text[at] = (char)c;
				assert_int_equal(accepts(text, count),
				                 oracle_is_canonical(text, count));
				memcpy(text + at + 1, canonical[i] + at, count - at);
				assert_int_equal(accepts(text, count + 1),
				                 oracle_is_canonical(text, count + 1));
			}
			memcpy(text, canonical[i], at);
			memcpy(text + at, canonical[i] + at + 1, count - at - 1);
			assert_int_equal(accepts(text, count - 1),
			                 oracle_is_canonical(text, count - 1));
			assert_int_equal(accepts(text, at), oracle_is_canonical(text, at));
		}
	}
}

static void test_cjson_reader__gives_the_events_in_order(void **state)
{
	static const char text[] = "{\"a\":[1,-2,\"x\"],\"b\":{\"c\":true,\"d\":null}}";
	static const enum stp_cjson_event expected[] = {
	    STP_CJSON_OBJECT_BEGIN, STP_CJSON_KEY,        STP_CJSON_ARRAY_BEGIN, STP_CJSON_INTEGER,
	    STP_CJSON_INTEGER,      STP_CJSON_STRING,     STP_CJSON_ARRAY_END,   STP_CJSON_KEY,
	    STP_CJSON_OBJECT_BEGIN, STP_CJSON_KEY,        STP_CJSON_TRUE,        STP_CJSON_KEY,
	    STP_CJSON_NULL,         STP_CJSON_OBJECT_END, STP_CJSON_OBJECT_END,  STP_CJSON_END,
	    STP_CJSON_END,
	};
	struct stp_cjson_reader reader;

	(void)state;
	stp_cjson_reader_init(&reader, text, strlen(text));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(stp_cjson_next(&reader), expected[i]);
		if (i == 4)
			assert_int_equal(reader.integer, -2);
		if (i == 5)
			assert_true(stp_cjson_view_is(&reader.view, "x"));
		if (i == 9)
			assert_true(stp_cjson_view_is(&reader.view, "c"));
	}
}

static void test_cjson_reader__skips_values_and_keeps_its_place(void **state)
{
	static const char text[] = "{\"a\":{\"x\":[[],{}]},\"b\":7}";
	struct stp_cjson_reader reader;

	(void)state;
	stp_cjson_reader_init(&reader, text, strlen(text));
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_OBJECT_BEGIN);
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_KEY);
	assert_int_equal(stp_cjson_skip(&reader, stp_cjson_next(&reader)), 1);
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_KEY);
	assert_true(stp_cjson_view_is(&reader.view, "b"));
	assert_int_equal(stp_cjson_skip(&reader, stp_cjson_next(&reader)), 1);
	assert_int_equal(reader.integer, 7);
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_OBJECT_END);
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_END);
}

static void test_cjson_reader__depth_is_bounded(void **state)
{
	char text[2 * STP_JSON_DEPTH_MAX + 2];
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	memset(text, '[', STP_JSON_DEPTH_MAX);
	memset(text + STP_JSON_DEPTH_MAX, ']', STP_JSON_DEPTH_MAX);
	assert_true(accepts(text, (size_t)2 * STP_JSON_DEPTH_MAX));
	memset(text, '[', STP_JSON_DEPTH_MAX + 1);
	memset(text + STP_JSON_DEPTH_MAX + 1, ']', STP_JSON_DEPTH_MAX + 1);
	assert_int_equal(stp_cjson_check(text, sizeof(text), "verify", "x.json", &err), STP_LIMIT);
	assert_string_equal(err.subject, "x.json");
}

static void test_cjson_reader__says_where_it_went_wrong(void **state)
{
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_cjson_check("{\"b\":1,\"a\":2}", 13, "verify", "x.json", &err),
	                 STP_FORMAT);
	assert_string_equal(err.text,
	                    "holds keys that are not sorted (byte 7); it is not canonical JSON");
}

static void test_cjson_reader__cursor_reads_a_known_shape(void **state)
{
	static const char text[] = "{\"length\":42,\"name\":\"a\\\"b\",\"sha\":\"00ff\",\"x\":[1]}";
	struct stp_cjson_cursor c;
	struct stp_cjson_view view;
	uint64_t length;
	uint8_t digest[2];
	const uint8_t *raw;
	size_t raw_bytes;
	char plain[8];

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		static const unsigned features[] = {0, STP_CPU_AVX2, ~0u};

		stp_cjson_cursor_init_features(&c, text, strlen(text),
		                               features[f] & stp_cpu_features());
		assert_true(STP_CJSON_EXPECT(&c, "{\"length\":"));
		assert_true(stp_cjson_take_u64(&c, &length));
		assert_int_equal(length, 42);
		assert_true(STP_CJSON_EXPECT(&c, ",\"name\":"));
		assert_false(stp_cjson_take_hex(&c, digest, 2));
		assert_true(stp_cjson_take_string(&c, &view));
		assert_true(view.escaped);
		assert_int_equal(view.bytes, 4);
		assert_int_equal(stp_cjson_unescape(&view, plain), 3);
		assert_memory_equal(plain, "a\"b", 3);
		assert_true(STP_CJSON_EXPECT(&c, ",\"sha\":"));
		assert_false(stp_cjson_take_hex(&c, digest, 1));
		assert_true(stp_cjson_take_hex(&c, digest, 2));
		assert_int_equal(digest[1], 0xff);
		assert_true(STP_CJSON_EXPECT(&c, ",\"x\":"));
		assert_true(stp_cjson_take_value(&c, &raw, &raw_bytes));
		assert_int_equal(raw_bytes, 3);
		assert_memory_equal(raw, "[1]", 3);
		assert_int_equal(stp_cjson_peek(&c), '}');
		assert_true(STP_CJSON_EXPECT(&c, "}"));
		assert_int_equal(stp_cjson_peek(&c), -1);
		assert_false(STP_CJSON_EXPECT(&c, "}"));
	}
}

static void test_cjson_reader__cursor_never_reads_past_the_end(void **state)
{
	static const char text[] = "{\"k\":[1,\"0123456789abcdef0123456789abcdef\",{\"z\":-5}]}";

	(void)state;
	for (size_t count = 0; count < strlen(text); count++) {
		/* Exactly count bytes, so that the address sanitizer sees one too many. */
		char *copy = malloc(count ? count : 1);
		struct stp_cjson_cursor c;
		const uint8_t *raw;
		size_t raw_bytes;

		assert_non_null(copy);
		memcpy(copy, text, count);
		stp_cjson_cursor_init(&c, copy, count);
		assert_false(stp_cjson_take_value(&c, &raw, &raw_bytes));
		assert_true(c.at <= c.end);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cjson_reader__accepts_canonical_documents),
	    cmocka_unit_test(test_cjson_reader__refuses_everything_else),
	    cmocka_unit_test(test_cjson_reader__agrees_with_jansson_on_all_small_changes),
	    cmocka_unit_test(test_cjson_reader__gives_the_events_in_order),
	    cmocka_unit_test(test_cjson_reader__skips_values_and_keeps_its_place),
	    cmocka_unit_test(test_cjson_reader__depth_is_bounded),
	    cmocka_unit_test(test_cjson_reader__says_where_it_went_wrong),
	    cmocka_unit_test(test_cjson_reader__cursor_reads_a_known_shape),
	    cmocka_unit_test(test_cjson_reader__cursor_never_reads_past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
