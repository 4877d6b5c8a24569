/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static const char *const names[] = {
    [STP_HINT_ABOVE] = "--over",
    [STP_HINT_AFTER_CLOCK_ERROR] = NULL,
    [STP_HINT_UPDATE] = "other renew REPO",
};

static int give_back_words(void **state)
{
	(void)state;
	stp_hint_names_set(NULL, STP_HINT_COUNT);
	return 0;
}

static enum stp_errc refuse(struct stp_err *err, unsigned version)
{
	return STP_FAIL(stp_hinted(err, STP_HINT_ABOVE), STP_REFUSED, "test", "it",
	                "is lower; sign with %s %u, or %s", stp_hint_text(STP_HINT_ABOVE), version,
	                stp_hint_text(STP_HINT_UPDATE));
}

/* Each has words, and they are names of the library: no option, no command. */
static void each_has_words(void **state)
{
	int hint;

	(void)state;
	for (hint = STP_HINT_NONE + 1; hint < STP_HINT_COUNT; hint++) {
		const char *words = stp_hint_text((enum stp_hint)hint);

		if (!words || !*words)
			fail_msg("hint %d has no words", hint);
		if (strstr(words, "--") || strstr(words, "stampede "))
			fail_msg("%s is a name of the program", words);
	}
	assert_string_equal(stp_hint_text(STP_HINT_NONE), "");
	assert_string_equal(stp_hint_text(STP_HINT_COUNT), "");
	assert_string_equal(stp_hint_text((enum stp_hint) - 1), "");
}

static void a_text_has_the_words(void **state)
{
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(err.hint, STP_HINT_NONE);
	assert_int_equal(refuse(&err, 7), STP_REFUSED);
	assert_string_equal(err.text,
	                    "is lower; sign with stp_sign_options.above 7, or stp_init_update()");
	assert_int_equal(err.hint, STP_HINT_ABOVE);
}

static void a_text_has_the_names_of_a_program(void **state)
{
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	stp_hint_names_set(names, sizeof(names) / sizeof(names[0]));
	refuse(&err, 7);
	assert_string_equal(err.text, "is lower; sign with --over 7, or other renew REPO");
	assert_int_equal(err.hint, STP_HINT_ABOVE);
	/* NULL, and what is beyond the count. */
	assert_string_equal(stp_hint_text(STP_HINT_AFTER_CLOCK_ERROR), "after_clock_error");
	assert_string_equal(stp_hint_text(STP_HINT_CHECK), "stp_show_options.check");
	stp_hint_names_set(names, STP_HINT_ABOVE);
	assert_string_equal(stp_hint_text(STP_HINT_ABOVE), "stp_sign_options.above");
	stp_hint_names_set(NULL, STP_HINT_COUNT);
	assert_string_equal(stp_hint_text(STP_HINT_UPDATE), "stp_init_update()");
}

/* What the caller may do stands at the end, and the library's words are longer than options: the
 * longest text that the library composes, of too many removals, is not cut. */
static void the_longest_text_is_whole(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	char cause[100];

	(void)state;
	memset(cause, 'c', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	STP_FAIL(stp_hinted(&err, STP_HINT_ALLOW_REMOVALS), STP_REFUSED, "test", "",
	         "%s of %s targets would be removed (at most %s may be), so nothing was "
	         "published: %s; correct it, or accept it: %s %s",
	         "4,294,967,295", "4,294,967,295", "4,294,967,295", cause,
	         stp_hint_text(STP_HINT_ALLOW_REMOVALS), "4294967295");
	assert_non_null(
	    strstr(err.text, "accept it: stp_sign_options.allow_removals = 4294967295"));
}

/* The hint is of the failure that is kept. */
static void the_first_failure_keeps_its_hint(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_err other = STP_ERR_INIT;
	struct stp_err merged = STP_ERR_INIT;

	(void)state;
	STP_FAIL(&err, STP_FORMAT, "test", "", "first");
	refuse(&err, 7);
	assert_string_equal(err.text, "first");
	assert_int_equal(err.hint, STP_HINT_NONE);
	refuse(&other, 7);
	STP_FAIL(stp_hinted(&other, STP_HINT_UPDATE), STP_FORMAT, "test", "", "second");
	assert_int_equal(other.hint, STP_HINT_ABOVE);
	stp_err_merge(&merged, &other);
	assert_int_equal(merged.hint, STP_HINT_ABOVE);
	assert_int_equal(refuse(NULL, 7), STP_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_has_words),
	    cmocka_unit_test(a_text_has_the_words),
	    cmocka_unit_test_teardown(a_text_has_the_names_of_a_program, give_back_words),
	    cmocka_unit_test(the_longest_text_is_whole),
	    cmocka_unit_test(the_first_failure_keeps_its_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
