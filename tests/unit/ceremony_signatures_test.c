/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ceremony/signatures.h"

#define KEYID   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PAYLOAD "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define FILE_OF(keyid, items)                                                \
	"{\"_type\":\"stampede-signatures\",\"format\":1,\"keyid\":\"" keyid \
	"\",\"payload\":\"" PAYLOAD "\",\"signatures\":[" items "]}"
#define ITEM(name, sig) "{\"document\":\"" name "\",\"sig\":\"" sig "\"}"

static const char good[] =
    FILE_OF(KEYID, ITEM("2.root.json", "0a0b") "," ITEM("2.bins.json", "0c"));

static void test_signatures__are_read_and_made(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_signatures file;
	struct stp_buf out = STP_BUF_INIT;

	(void)state;
	assert_int_equal(stp_signatures_parse(&file, good, strlen(good), "S", &err), STP_OK);
	assert_string_equal(file.subject, "S");
	assert_string_equal(file.keyid, KEYID);
	assert_int_equal(file.payload_sha256[0], 0xff);
	assert_int_equal(file.count, 2);
	assert_string_equal(file.items[1].document, "2.bins.json");
	assert_int_equal(file.items[0].count, 2);
	assert_int_equal(file.items[0].bytes[1], 0x0b);
	assert_int_equal(stp_signatures_make(&file, &out, &err), STP_OK);
	assert_int_equal(out.count, strlen(good));
	assert_memory_equal(out.data, good, out.count);
	stp_buf_release(&out);
}

static void test_signatures__other_forms_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "{}",
	    FILE_OF(KEYID, ""),
	    " " FILE_OF(KEYID, ITEM("2.root.json", "0a")),
	    FILE_OF(KEYID, ITEM("2.root.json", "0a")) "\n",
	    FILE_OF("ABC", ITEM("2.root.json", "0a")),
	    FILE_OF("00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
	            ITEM("2.root.json", "0a")),
	    FILE_OF(KEYID, ITEM("2.root.json", "")),
	    FILE_OF(KEYID, ITEM("2.root.json", "0A")),
	    FILE_OF(KEYID, ITEM("2.root.json", "0a0")),
	    FILE_OF(KEYID, ITEM("../root.json", "0a")),
	    FILE_OF(KEYID, ITEM("2.snapshot.json", "0a")),
	    FILE_OF(KEYID, ITEM("2.root.json", "0a") "," ITEM("2.root.json", "0a")),
	    FILE_OF(KEYID, "{\"document\":\"2.root.json\",\"sig\":\"0a\",\"x\":1}"),
	    FILE_OF(KEYID, "{\"document\":\"2.root.json\",\"sig\":10}"),
	    FILE_OF(KEYID, "7"),
	    "{\"_type\":\"stampede-signatures\",\"_type\":\"stampede-signatures\"}",
	    "{\"_type\":\"stampede-signatures\",\"format\":2,\"keyid\":\"" KEYID "\"}",
	};
	struct stp_signatures file;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stp_err err = STP_ERR_INIT;

		if (stp_signatures_parse(&file, bad[i], strlen(bad[i]), "S", &err) != STP_FORMAT)
			fail_msg("not refused: %s", bad[i]);
		assert_string_equal(err.subject, "S");
	}
}

static void test_signatures__large_files_are_refused(void **state)
{
	static char large[STP_SIGNATURES_FILE_BYTES_MAX + 1];
	struct stp_err err = STP_ERR_INIT;
	struct stp_signatures file;

	(void)state;
	assert_int_equal(stp_signatures_parse(&file, large, sizeof(large), "S", &err), STP_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signatures__are_read_and_made),
	    cmocka_unit_test(test_signatures__other_forms_are_refused),
	    cmocka_unit_test(test_signatures__large_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
