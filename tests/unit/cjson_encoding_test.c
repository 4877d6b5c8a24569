/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed bytes and file bytes of a document with a PEM key. The independent way to the signed bytes
 * is jansson, which knows all of JSON's escapes, and the canonical form that verify/ makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cjson/encoding.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "p256.h"
#include "roles/roles.h"
#include "verify/document.h"

static void to_file(const struct stp_buf *body, struct stp_buf *file)
{
	assert_int_equal(stp_cjson_to_file(body->data, body->count, "test", "", file, NULL),
	                 STP_OK);
}

static enum stp_errc from_file(const void *file, size_t count, struct stp_buf *out)
{
	return stp_cjson_from_file(file, count, "test", "", out, NULL);
}

/* A root with two P-256 keys and an Ed25519 one. */
static void make_root(struct stp_buf *body)
{
	struct stp_key_object objects[3];
	struct stp_root_keys keys;
	struct p256 made[2];
	uint8_t raw[32] = {7};

	for (size_t i = 0; i < 2; i++) {
		p256_make(&made[i]);
		objects[i] = made[i].object;
		p256_release(&made[i]);
	}
	stp_key_object_ed25519(&objects[2], raw);
	keys = (struct stp_root_keys){.root = {objects, 2, 2},
	                              .targets = {objects + 1, 1, 1},
	                              .snapshot = {objects + 2, 1, 1},
	                              .timestamp = {objects + 2, 1, 1}};
	assert_int_equal(stp_root_body((struct stp_role_head){7, 1900000000}, &keys, body, NULL),
	                 STP_OK);
}

static void test_cjson_encoding__a_root_with_pem_keys_has_two(void **state)
{
	struct stp_buf body = STP_BUF_INIT;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_buf again = STP_BUF_INIT;
	struct stp_buf other = STP_BUF_INIT;
	json_t *tree;

	(void)state;
	make_root(&body);
	assert_non_null(memchr(body.data, '\n', body.count));
	to_file(&body, &file);
	assert_null(memchr(file.data, '\n', file.count));
	assert_int_equal(file.count, body.count + 8); /* two keys of four line feeds */

	assert_int_equal(from_file(file.data, file.count, &again), STP_OK);
	assert_int_equal(again.count, body.count);
	assert_memory_equal(again.data, body.data, body.count);

	tree = json_loadb((const char *)file.data, file.count, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(tree);
	assert_int_equal(stp_canonical_append(tree, &other, NULL), STP_OK);
	assert_int_equal(other.count, body.count);
	assert_memory_equal(other.data, body.data, body.count);

	/* A strict reader of one encoding does not accept the other. */
	assert_int_equal(stp_cjson_check(body.data, body.count, "test", "", NULL), STP_FORMAT);
	assert_int_equal(stp_cjson_check(file.data, file.count, "test", "", NULL), STP_FORMAT);
	assert_int_equal(stp_cjson_check_file(body.data, body.count, "test", "", NULL), STP_FORMAT);
	assert_int_equal(stp_cjson_check_file(file.data, file.count, "test", "", NULL), STP_OK);
	json_decref(tree);
	stp_buf_release(&body);
	stp_buf_release(&file);
	stp_buf_release(&again);
	stp_buf_release(&other);
}

static void test_cjson_encoding__every_control_character_there_and_back(void **state)
{
	(void)state;
	for (int c = 1; c < 0x20; c++) {
		const char text[] = {'a', '"', (char)c, '\\', (char)c, 'z'};
		struct stp_cjson_writer w;
		struct stp_buf body = STP_BUF_INIT;
		struct stp_buf file = STP_BUF_INIT;
		struct stp_buf again = STP_BUF_INIT;
		json_t *tree;

		stp_cjson_writer_init(&w);
		stp_cjson_array_begin(&w);
		stp_cjson_string_raw(&w, text, sizeof(text));
		stp_cjson_array_end(&w);
		assert_int_equal(stp_cjson_writer_finish(&w, "test", "", NULL), STP_OK);
		stp_cjson_writer_take(&w, &body);
		to_file(&body, &file);
		tree = json_loadb((const char *)file.data, file.count, 0, NULL);
		assert_non_null(tree);
		assert_int_equal(json_string_length(json_array_get(tree, 0)), sizeof(text));
		assert_memory_equal(json_string_value(json_array_get(tree, 0)), text, sizeof(text));
		assert_int_equal(from_file(file.data, file.count, &again), STP_OK);
		assert_int_equal(again.count, body.count);
		assert_memory_equal(again.data, body.data, body.count);
		json_decref(tree);
		stp_buf_release(&body);
		stp_buf_release(&file);
		stp_buf_release(&again);
	}
}

static void test_cjson_encoding__other_spellings_are_refused(void **state)
{
	static const char *const refused[] = {
	    "\"a\\u000ab\"",        /* \n has a shorter one */
	    "\"a\\u000Ab\"",        /* upper case */
	    "\"a\\u000db\"",        /* \r */
	    "\"a\\u0009b\"",        /* \t */
	    "\"a\\u001Fb\"",        /* upper case */
	    "\"a\\U001fb\"",        /* no JSON */
	    "\"a\\u0000b\"",        /* NUL */
	    "\"a\\u0020b\"",        /* a space needs no escape */
	    "\"a\\u0041b\"",        /* nor does a letter */
	    "\"a\\u007fb\"",        /* nor DEL */
	    "\"a\\u0022b\"",        /* the quote has another */
	    "\"a\\u005cb\"",        /* and so has the backslash */
	    "\"a\\/b\"",            /* a solidus */
	    "\"a\\bb\"",            /* written as \u0008 */
	    "\"a\\fb\"",            /* written as \u000c */
	    "\"a\\vb\"",            /* no JSON */
	    "\"a\\ud83d\\ude00b\"", /* a pair of surrogates */
	    "\"a\\ud83db\"",        /* half a pair */
	    "\"a\\u00e9b\"",        /* a letter beyond ASCII is written as it is */
	    "\"a\\u001\"",          /* too short */
	    "\"a\\u00\"",
	    "\"a\\u\"",
	    "\"a\\",
	    "\"a\\n",   /* never ends */
	    "\"a\nb\"", /* raw */
	    "\"a\tb\"",
	    "\"a\001b\"",
	    "\"a\xc0\x8a\"", /* an overlong line feed */
	    "\"a\xe0\x80\x8a\"",
	    "\"a\xed\xa0\x80\"", /* a surrogate in UTF-8 */
	    "[1,\\n2]",          /* an escape outside of strings */
	    "[1,\n2]",
	    "{\"b\\n\":1,\"b\\n\":2}", /* a key twice */
	    "{\"b\":1,\"a\\n\":2}",    /* not sorted by what the keys mean: a, LF < b */
	    "{\"a!\":1,\"a\\n\":2}",   /* LF < '!' though '\' > '!' */
	};
	static const char *const taken[] = {
	    "\"a\\nb\"",       "\"a\\\\nb\"", /* a backslash and an n */
	    "\"\\\\\\n\\\"\"", "{\"a\\n\":1,\"a!\":2}", "\"\\u0001\\u001f\\u0008\"",
	    "\"\xc3\xa9\\n\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct stp_buf out = STP_BUF_INIT;

		if (from_file(refused[i], strlen(refused[i]), &out) != STP_FORMAT)
			fail_msg("taken: %s", refused[i]);
		assert_int_equal(out.count, 0);
		stp_buf_release(&out);
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct stp_buf out = STP_BUF_INIT;
		struct stp_buf file = STP_BUF_INIT;

		if (from_file(taken[i], strlen(taken[i]), &out) != STP_OK)
			fail_msg("refused: %s", taken[i]);
		to_file(&out, &file);
		assert_int_equal(file.count, strlen(taken[i]));
		assert_memory_equal(file.data, taken[i], file.count);
		stp_buf_release(&out);
		stp_buf_release(&file);
	}
}

/* Each byte of a root with PEM keys, changed: what is still accepted has the value that jansson
 * reads. */
static void test_cjson_encoding__what_is_taken_means_what_json_says(void **state)
{
	static const char other[] = "\\n\"u0aA\n {}";
	struct stp_buf body = STP_BUF_INIT;
	struct stp_buf file = STP_BUF_INIT;

	(void)state;
	make_root(&body);
	to_file(&body, &file);
	for (size_t at = 0; at < file.count; at++) {
		for (size_t k = 0; other[k]; k++) {
			struct stp_buf signed_bytes = STP_BUF_INIT;
			struct stp_buf expected = STP_BUF_INIT;
			uint8_t before = file.data[at];
			json_t *tree;

			file.data[at] = (uint8_t)other[k];
			if (from_file(file.data, file.count, &signed_bytes) == STP_OK) {
				tree = json_loadb((const char *)file.data, file.count,
				                  JSON_REJECT_DUPLICATES, NULL);
				assert_non_null(tree);
				assert_int_equal(stp_canonical_append(tree, &expected, NULL),
				                 STP_OK);
				assert_int_equal(expected.count, signed_bytes.count);
				assert_memory_equal(expected.data, signed_bytes.data,
				                    expected.count);
				json_decref(tree);
			}
			file.data[at] = before;
			stp_buf_release(&signed_bytes);
			stp_buf_release(&expected);
		}
	}
	stp_buf_release(&body);
	stp_buf_release(&file);
}

static void test_cjson_encoding__nul_has_no_form(void **state)
{
	struct stp_buf out = STP_BUF_INIT;
	struct stp_cjson_writer w;

	(void)state;
	assert_int_equal(stp_cjson_to_file("\"a\0b\"", 5, "test", "", &out, NULL), STP_FORMAT);
	stp_buf_release(&out);
	stp_cjson_writer_init(&w);
	stp_cjson_string_raw(&w, "a\0b", 3);
	assert_int_equal(stp_cjson_writer_finish(&w, "test", "", NULL), STP_FORMAT);
	stp_cjson_writer_release(&w);
	/* Only where it is asked for. */
	stp_cjson_writer_init(&w);
	stp_cjson_string(&w, "a\nb");
	assert_int_equal(stp_cjson_writer_finish(&w, "test", "", NULL), STP_FORMAT);
	stp_cjson_writer_release(&w);
}

static void test_cjson_encoding__views_of_a_file_say_what_is_signed(void **state)
{
	static const char text[] = "\"x\\n\\\"\\\\\\u0001y\"";
	struct stp_cjson_reader reader;
	char out[sizeof(text)];

	(void)state;
	stp_cjson_reader_init_file(&reader, text, strlen(text));
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_STRING);
	assert_true(reader.view.escaped);
	assert_int_equal(stp_cjson_unescape(&reader.view, out), 6);
	assert_memory_equal(out, "x\n\"\\\001y", 6);
	assert_int_equal(stp_cjson_next(&reader), STP_CJSON_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cjson_encoding__a_root_with_pem_keys_has_two),
	    cmocka_unit_test(test_cjson_encoding__every_control_character_there_and_back),
	    cmocka_unit_test(test_cjson_encoding__other_spellings_are_refused),
	    cmocka_unit_test(test_cjson_encoding__what_is_taken_means_what_json_says),
	    cmocka_unit_test(test_cjson_encoding__nul_has_no_form),
	    cmocka_unit_test(test_cjson_encoding__views_of_a_file_say_what_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
