/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cjson/reader.h"
#include "cjson/writer.h"

static void assert_written(struct stp_cjson_writer *writer, const char *expected)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_cjson_writer_finish(writer, "roles", "doc", &err), STP_OK);
	assert_int_equal(writer->count, strlen(expected));
	assert_memory_equal(writer->data, expected, writer->count);
	assert_int_equal(stp_cjson_check(writer->data, writer->count, "t", "t", &err), STP_OK);
	stp_cjson_writer_release(writer);
}

static void test_cjson_writer__writes_every_kind_of_value(void **state)
{
	static const uint8_t digest[3] = {0x00, 0xab, 0xff};
	struct stp_cjson_writer w;

	(void)state;
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "a");
	stp_cjson_array_begin(&w);
	stp_cjson_i64(&w, INT64_MIN);
	stp_cjson_i64(&w, -1);
	stp_cjson_i64(&w, 0);
	stp_cjson_i64(&w, INT64_MAX);
	stp_cjson_u64(&w, UINT64_C(9007199254740991));
	stp_cjson_true(&w);
	stp_cjson_false(&w);
	stp_cjson_null(&w);
	stp_cjson_array_end(&w);
	stp_cjson_key(&w, "b");
	stp_cjson_object_begin(&w);
	stp_cjson_object_end(&w);
	stp_cjson_key(&w, "c");
	stp_cjson_hex(&w, digest, sizeof(digest));
	stp_cjson_key(&w, "d");
	stp_cjson_string(&w, "q\"b\\/\x7f\xc3\xa9");
	stp_cjson_object_end(&w);
	assert_written(&w, "{\"a\":[-9223372036854775808,-1,0,9223372036854775807,9007199254740991,"
	                   "true,false,null],\"b\":{},\"c\":\"00abff\","
	                   "\"d\":\"q\\\"b\\\\/\x7f\xc3\xa9\"}");
}

static void test_cjson_writer__sorts_by_code_point_not_by_escaped_bytes(void **state)
{
	struct stp_cjson_writer w;

	(void)state;
	/* '!' < '"' < '#' < '[' < '\' < ']', though \" and \\ begin with 0x5c. */
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	for (const char *key = "!\"#[\\]"; *key; key++) {
		stp_cjson_key_bytes(&w, key, 1);
		stp_cjson_u64(&w, 1);
	}
	stp_cjson_object_end(&w);
	assert_written(&w, "{\"!\":1,\"\\\"\":1,\"#\":1,\"[\":1,\"\\\\\":1,\"]\":1}");
}

static void test_cjson_writer__hands_its_bytes_over(void **state)
{
	struct stp_cjson_writer w;
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf buf = STP_BUF_INIT;

	(void)state;
	stp_cjson_writer_init(&w);
	stp_cjson_array_begin(&w);
	stp_cjson_array_end(&w);
	assert_int_equal(stp_cjson_writer_finish(&w, "s", "d", &err), STP_OK);
	stp_cjson_writer_take(&w, &buf);
	assert_int_equal(buf.count, 2);
	assert_memory_equal(buf.data, "[]", 2);
	assert_null(w.data);
	stp_buf_release(&buf);
}

static void test_cjson_writer__is_sticky_and_names_the_document(void **state)
{
	static const char *const wrong[] = {"a\nb", "\x01", "\xff", "x\xed\xa0\x80"};
	struct stp_cjson_writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct stp_err err = STP_ERR_INIT;
		size_t count;

		stp_cjson_writer_init(&w);
		stp_cjson_array_begin(&w);
		stp_cjson_string(&w, wrong[i]);
		count = w.count;
		stp_cjson_string(&w, "good");
		stp_cjson_array_end(&w);
		assert_int_equal(w.count, count);
		assert_int_equal(stp_cjson_writer_finish(&w, "roles", "7.root.json", &err),
		                 STP_FORMAT);
		assert_string_equal(err.subject, "7.root.json");
		assert_string_equal(err.stage, "roles");
		stp_cjson_writer_release(&w);
	}
}

static void test_cjson_writer__a_fixed_buffer_is_filled_to_its_last_byte(void **state)
{
	uint8_t room[8];
	struct stp_cjson_writer w;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	stp_cjson_writer_init_fixed(&w, room, 8);
	stp_cjson_string(&w, "123456");
	assert_int_equal(stp_cjson_writer_finish(&w, "s", "d", &err), STP_OK);
	assert_memory_equal(room, "\"123456\"", 8);
	stp_cjson_writer_init_fixed(&w, room, 7);
	stp_cjson_string(&w, "123456");
	assert_int_equal(stp_cjson_writer_finish(&w, "s", "d", &err), STP_LIMIT);
}

static void two_keys(const char *first, const char *second)
{
	struct stp_cjson_writer w;

	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, first);
	stp_cjson_null(&w);
	stp_cjson_key(&w, second);
}

static void value_without_key(const char *a, const char *b)
{
	struct stp_cjson_writer w;

	(void)a;
	(void)b;
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_null(&w);
}

/* True when the call aborts. */
static int aborts(void (*call)(const char *, const char *), const char *a, const char *b)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		signal(SIGABRT, SIG_DFL);
		call(a, b);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_cjson_writer__wrong_order_of_keys_is_a_bug(void **state)
{
	(void)state;
	assert_false(aborts(two_keys, "a", "b"));
	assert_false(aborts(two_keys, "a", "aa"));
	assert_true(aborts(two_keys, "b", "a"));
	assert_true(aborts(two_keys, "a", "a"));
	assert_true(aborts(two_keys, "\\", "["));
	assert_true(aborts(value_without_key, "", ""));
}

static void test_cjson_writer__digits_of_every_size(void **state)
{
	uint64_t value = 1;
	uint8_t out[24];
	char expected[24];

	(void)state;
	for (int digits = 1; digits <= 20; digits++) {
		for (int step = -1; step <= 1; step++) {
			uint64_t v = value + (uint64_t)(int64_t)step;
			size_t count = (size_t)snprintf(expected, sizeof(expected), "%llu",
			                                (unsigned long long)v);

			assert_int_equal(stp_u64_digits(v), count);
			assert_ptr_equal(stp_put_u64(out, v), out + count);
			assert_memory_equal(out, expected, count);
		}
		value *= 10;
	}
	assert_int_equal(stp_u64_digits(0), 1);
	assert_int_equal(stp_u64_digits(UINT64_MAX), 20);
	stp_put_u64(out, UINT64_MAX);
	assert_memory_equal(out, "18446744073709551615", 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cjson_writer__writes_every_kind_of_value),
	    cmocka_unit_test(test_cjson_writer__sorts_by_code_point_not_by_escaped_bytes),
	    cmocka_unit_test(test_cjson_writer__hands_its_bytes_over),
	    cmocka_unit_test(test_cjson_writer__is_sticky_and_names_the_document),
	    cmocka_unit_test(test_cjson_writer__a_fixed_buffer_is_filled_to_its_last_byte),
	    cmocka_unit_test(test_cjson_writer__wrong_order_of_keys_is_a_bug),
	    cmocka_unit_test(test_cjson_writer__digits_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
