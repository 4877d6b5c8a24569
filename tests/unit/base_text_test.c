/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"
#include "verify/finding.h"

static void check_clean(const char *from, const char *to)
{
	char out[256];
	char again[256];

	assert_int_equal(stp_text_clean(from, strlen(from), out, sizeof(out)), strlen(to));
	assert_string_equal(out, to);
	stp_text_clean(out, strlen(out), again, sizeof(again));
	assert_string_equal(again, to);
}

static void test_text__clean_keeps_what_people_read(void **state)
{
	(void)state;
	check_clean("", "");
	check_clean("pool/a \"b\" \\x1b", "pool/a \"b\" \\x1b");
	check_clean("4096 → 8192 … größe 漢字 😀", "4096 → 8192 … größe 漢字 😀");
	check_clean("\xc2\xa0", "\xc2\xa0"); /* the first one that is not C1 */
	check_clean("\xe2\x80\x90\xe2\x80\xaf", "\xe2\x80\x90\xe2\x80\xaf");
}

static void test_text__clean_escapes_what_steers_a_terminal(void **state)
{
	static const char *const steering[] = {
	    "\xc2\x80",     "\xc2\x9b",     "\xc2\x9f",     "\xd8\x9c",
	    "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9",
	    "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9",
	};
	char out[64];
	size_t i;

	(void)state;
	check_clean("a\x1b[31m\a\r\n\t\x7f", "a\\x1b[31m\\x07\\x0d\\x0a\\x09\\x7f");
	for (i = 0; i < sizeof(steering) / sizeof(steering[0]); i++) {
		assert_int_equal(stp_text_harmless(steering[i], strlen(steering[i])), 0);
		stp_text_clean(steering[i], strlen(steering[i]), out, sizeof(out));
		assert_int_equal(strlen(out), 4 * strlen(steering[i]));
		assert_memory_equal(out, "\\x", 2);
	}
}

static void test_text__clean_gives_valid_utf8_only(void **state)
{
	(void)state;
	check_clean("\x80", "\\x80");
	check_clean("\xc0\x9b", "\\xc0\\x9b"); /* ESC in two bytes more than it needs */
	check_clean("\xe0\x82\x9b", "\\xe0\\x82\\x9b");
	check_clean("\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b");
	check_clean("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
	check_clean("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	check_clean("\xff\xfe", "\\xff\\xfe");
	check_clean("a\xe2\x80", "a\\xe2\\x80"); /* cut */
	check_clean("\xe2\x80\x1b", "\\xe2\\x80\\x1b");
}

static void test_text__cuts_between_characters(void **state)
{
	static const char whole[] = "aé漢😀\\x1bz";
	char out[32];
	size_t size;

	(void)state;
	for (size = 1; size <= sizeof(out); size++) {
		size_t count = stp_text_clean("aé漢😀\x1bz", 12, out, size);
		size_t i;

		assert_true(count < size);
		assert_int_equal(strlen(out), count);
		for (i = 0; i < count;) {
			size_t bytes = stp_text_harmless(out + i, count - i);

			assert_int_not_equal(bytes, 0);
			i += bytes;
		}
		if (count && strcmp(out, whole) != 0)
			assert_string_equal(out + count - 3, "...");
	}
	assert_string_equal(out, whole);
}

/* Everything that is shown goes through these three. */
static void test_text__errors_faults_and_findings_are_clean(void **state)
{
	static const char hostile[] = "x\x1b[2J\xe2\x80\xae\xff";
	static const char harmless[] = "held by \"x\\x1b[2J\\xe2\\x80\\xae\\xff\" …";
	struct stp_err err = STP_ERR_INIT;
	struct stp_finding_list findings;
	struct stp_fault_list faults;

	(void)state;
	stp_err_set(&err, STP_BUSY, 0, "test", hostile, __FILE__, __LINE__, "held by \"%s\" …",
	            hostile);
	assert_string_equal(err.subject, "x\\x1b[2J\\xe2\\x80\\xae\\xff");
	assert_string_equal(err.text, harmless);
	stp_fault_list_init(&faults);
	stp_fault_add(&faults, STP_FORMAT, 0, "test", "f", 1, "held by \"%s\" …", hostile);
	assert_string_equal(faults.items[0].text, harmless);
	stp_fault_list_release(&faults);
	stp_finding_list_init(&findings);
	stp_finding_add(&findings, STP_FINDING_FIELD, "f", "held by \"%s\" …", hostile);
	assert_string_equal(findings.items[0].text, harmless);
	stp_finding_list_release(&findings);
}

static void test_text__an_escaped_subject_is_not_escaped_again(void **state)
{
	struct stp_err first = STP_ERR_INIT;
	struct stp_err second = STP_ERR_INIT;
	char line[1024];

	(void)state;
	stp_err_set(&first, STP_IO, 0, "test", "a\\b\x1b", __FILE__, __LINE__, "is gone");
	assert_string_equal(first.subject, "a\\\\b\\x1b");
	stp_err_set(&second, STP_IO, 0, "test", NULL, __FILE__, __LINE__, "%s is gone",
	            first.subject);
	assert_string_equal(stp_err_format(&second, line, sizeof(line)),
	                    "stampede: test: a\\\\b\\x1b is gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text__clean_keeps_what_people_read),
	    cmocka_unit_test(test_text__clean_escapes_what_steers_a_terminal),
	    cmocka_unit_test(test_text__clean_gives_valid_utf8_only),
	    cmocka_unit_test(test_text__cuts_between_characters),
	    cmocka_unit_test(test_text__errors_faults_and_findings_are_clean),
	    cmocka_unit_test(test_text__an_escaped_subject_is_not_escaped_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
