/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "list/name.h"
#include "listing.h"

static enum stp_list_field field_of(const char *name)
{
	return stp_list_field_from_name(name, strlen(name));
}

static void test_names__mean_what_databases_call_them(void **state)
{
	static const struct {
		const char *name;
		unsigned field;
	} names[] = {
	    {"path", STP_LIST_PATH},
	    {"PATH", STP_LIST_PATH},
	    {"Name", STP_LIST_PATH},
	    {"filename", STP_LIST_PATH},
	    {"file_path", STP_LIST_PATH},
	    {"file-path", STP_LIST_PATH},
	    {"length", STP_LIST_LENGTH},
	    {"size", STP_LIST_LENGTH},
	    {"Bytes", STP_LIST_LENGTH},
	    {"file size", STP_LIST_LENGTH},
	    {"size_bytes", STP_LIST_LENGTH},
	    {"length-bytes", STP_LIST_LENGTH},
	    {"size in bytes", STP_LIST_LENGTH},
	    {"file_size_bytes", STP_LIST_LENGTH},
	    {"file", STP_LIST_PATH},
	    {"sha256", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"SHA256", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"SHA-256", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"sha256_digest", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"SHA2-256", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"sha256sum", STP_LIST_DIGEST + STP_ALG_SHA256},
	    {"sha-512", STP_LIST_DIGEST + STP_ALG_SHA512},
	    {"sha512-hex", STP_LIST_DIGEST + STP_ALG_SHA512},
	    {"blake2b-256", STP_LIST_DIGEST + STP_ALG_BLAKE2B_256},
	    {"blake2b_256", STP_LIST_DIGEST + STP_ALG_BLAKE2B_256},
	    {"blake2_256", STP_LIST_DIGEST + STP_ALG_BLAKE2B_256},
	    {"blake2_256_digest", STP_LIST_DIGEST + STP_ALG_BLAKE2B_256},
	    {"op", STP_LIST_OP},
	};
	static const char *const others[] = {"",
	                                     "md5_digest",
	                                     "sha1",
	                                     "sha-512/256",
	                                     "sha512_256",
	                                     "blake2b",
	                                     "sha3-256",
	                                     " sha256",
	                                     "sha256 ",
	                                     "_path",
	                                     "path_",
	                                     "paths",
	                                     "url",
	                                     "upload_time",
	                                     "sha",
	                                     "sha25",
	                                     "sha256base64",
	                                     "blake2b-256-hexdigest-of-the-file"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(field_of(names[i].name), names[i].field);
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(field_of(others[i]), STP_LIST_UNKNOWN);
}

static void test_names__the_first_of_the_alphabet_are_kept(void **state)
{
	struct stp_list_name_set forward = {.count = 0};
	struct stp_list_name_set backward = {.count = 0};
	struct stp_list_name_set merged = {.count = 0};
	char name[64];
	int i;

	(void)state;
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "column %02d", i);
		stp_list_name_add(&forward, name, strlen(name));
		stp_list_name_add(&forward, name, strlen(name));
		snprintf(name, sizeof(name), "column %02d", 29 - i);
		stp_list_name_add(&backward, name, strlen(name));
		if (i == 9) /* "column 00" to "09", and "column 20" to "29" */
			assert_false(forward.has_more || backward.has_more);
	}
	stp_list_name_merge(&merged, &backward);
	stp_list_name_merge(&merged, &forward);
	assert_memory_equal(&forward, &backward, sizeof(forward));
	assert_memory_equal(merged.names, forward.names, sizeof(forward.names));
	assert_int_equal(forward.count, STP_LIST_NAMES_KEPT);
	assert_true(forward.has_more && merged.has_more);
	assert_string_equal(forward.names[0], "column 00");
	assert_string_equal(forward.names[9], "column 09");
	memset(name, 'x', sizeof(name));
	stp_list_name_add(&merged, name, sizeof(name)); /* cut, and behind all others */
	assert_string_equal(merged.names[9], "column 09");
}

static void test_names__what_is_not_used_and_what_is_taken_for_another_is_said(void **state)
{
	static const char *const texts[] = {
	    "md5_digest,file_path,size,upload_time,SHA-256,rows\n,a,1,," HEX32 ",\n",
	    "{\"md5_digest\":null,\"file_path\":\"a\",\"size\":1,\"upload_time\":2}\n"
	    "{\"SHA-256\":\"" HEX32 "\",\"file_path\":\"b\",\"rows\":7,\"size\":1}\n"
	    "{\"size\":1,\"md5_digest\":\"\",\"file_path\":\"c\"}\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct result *result = read_text(texts[i], SHA256);
		const struct stp_list_name_set *unknown = &result->stats.unknown;
		const struct stp_list_name_set *aliases = &result->stats.aliases;

		assert_int_equal(result->code, STP_OK);
		assert_int_equal(result->faults.total, 0);
		assert_int_equal(unknown->count, 3);
		assert_string_equal(unknown->names[0], "md5_digest");
		assert_string_equal(unknown->names[1], "rows");
		assert_string_equal(unknown->names[2], "upload_time");
		assert_int_equal(aliases->count, 2);
		assert_string_equal(aliases->names[0], "SHA-256 as sha256");
		assert_string_equal(aliases->names[1], "file_path as path");
		assert_int_equal(result->stats.digest_set, SHA256);
		release(result);
	}
}

static void test_names__two_of_one_meaning_are_refused_by_name(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} texts[] = {
	    {"path,length,size\n",
	     "line 1, the header, names two columns for the length, \"length\" and \"size\""},
	    {"path,sha256_digest,length,SHA256\n",
	     "two columns for the sha256, \"sha256_digest\" and \"SHA256\""},
	    {"\nfilename,path\n", "line 2, the header, names two columns for the path"},
	    {"path, length\n", "has spaces around the name \"length\""},
	    {"path,op\n", "has a column \"op\": this is a list of changes"},
	};
	struct result *result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		result = read_text(texts[i].text, SHA256);
		assert_int_equal(result->code, STP_CONFIG);
		assert_non_null(strstr(result->err.text, texts[i].words));
		release(result);
	}
	result = read_text("{\"path\":\"a\",\"length\":1,\"file_size\":1}\n", SHA256);
	assert_int_equal(result->faults.total, 1);
	assert_string_equal(
	    result->faults.items[0].text,
	    "column length: is given twice, as \"length\" and as \"file_size\"; keep "
	    "one of them");
	release(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names__mean_what_databases_call_them),
	    cmocka_unit_test(test_names__the_first_of_the_alphabet_are_kept),
	    cmocka_unit_test(test_names__what_is_not_used_and_what_is_taken_for_another_is_said),
	    cmocka_unit_test(test_names__two_of_one_meaning_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
