/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/hints.h"
#include "cli/verbs.h"

/* Bytes of the word that begins at text. */
static size_t word_bytes(const char *text)
{
	size_t count = 0;

	while (isalnum((unsigned char)text[count]) || text[count] == '-')
		count++;
	return count;
}

static int has_option(const struct stp_verb *verb, const char *name, size_t name_bytes)
{
	const struct stp_option *option;

	for (option = verb->options; option && option->name; option++)
		if (strlen(option->name) == name_bytes &&
		    memcmp(option->name, name, name_bytes) == 0)
			return 1;
	return 0;
}

static int is_option(const char *name, size_t name_bytes)
{
	size_t i;

	for (i = 0; stp_verbs[i]; i++)
		if (has_option(stp_verbs[i], name, name_bytes))
			return 1;
	return 0;
}

/* Whether text begins with the whole name of a command. */
static int names_verb(const char *text)
{
	size_t i;

	for (i = 0; stp_verbs[i]; i++) {
		size_t count = strlen(stp_verbs[i]->name);

		if (strncmp(text, stp_verbs[i]->name, count) == 0 && word_bytes(text + count) == 0)
			return 1;
	}
	return 0;
}

/* A hint that the library gets later must not be forgotten here. */
static void each_hint_has_a_name(void **state)
{
	int hint;

	(void)state;
	for (hint = STP_HINT_NONE + 1; hint < STP_HINT_COUNT; hint++)
		if (!stp_cli_hints[hint] || !*stp_cli_hints[hint])
			fail_msg("the program has no name for \"%s\"",
			         stp_hint_text((enum stp_hint)hint));
}

static void names_are_options_and_commands(void **state)
{
	int hint;

	(void)state;
	for (hint = STP_HINT_NONE + 1; hint < STP_HINT_COUNT; hint++) {
		const char *name = stp_cli_hints[hint];
		const char *verb = strncmp(name, "stampede ", 9) == 0 ? name + 9 : name;
		const char *option = strstr(name, "--");

		if (verb != option && !names_verb(verb))
			fail_msg("\"%s\" begins with neither a command nor an option", name);
		for (; option; option = strstr(option + 2, "--"))
			if (!is_option(option + 2, word_bytes(option + 2)))
				fail_msg("\"%s\" has an option that no command takes", name);
	}
}

static void texts_name_options(void **state)
{
	(void)state;
	stp_cli_hints_use();
	assert_string_equal(stp_hint_text(STP_HINT_ALLOW_REMOVALS), "--allow-removals");
	assert_string_equal(stp_hint_text(STP_HINT_UPDATE), "stampede init REPO --update");
	stp_hint_names_set(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_hint_has_a_name),
	    cmocka_unit_test(names_are_options_and_commands),
	    cmocka_unit_test(texts_name_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
