/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/glob_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *items[] = {"simple/**", "**/*.tmp", ".git", "packages/a/**"};
static const struct stp_globs globs = {items, 4};

static void begin(struct stp_glob_use *use, enum stp_glob_kind kind)
{
	struct stp_err err = STP_ERR_INIT;

	memset(use, 0, sizeof(*use));
	assert_int_equal(stp_glob_use_begin(use, &globs, kind, &err), STP_OK);
}

static void see(struct stp_glob_use *use, const char *path)
{
	stp_glob_use_see(use, path, strlen(path));
}

/* The globs that are noted, each followed by ",". */
static void noted_is(struct stp_glob_use *use, const char *expected)
{
	struct stp_fault_list notes;
	char subjects[256] = "";
	size_t i;

	stp_fault_list_init(&notes);
	stp_glob_use_note(use, "is here", &notes);
	for (i = 0; i < notes.count; i++)
		strcat(strcat(subjects, notes.items[i].subject), ",");
	assert_string_equal(subjects, expected);
	stp_fault_list_release(&notes);
	stp_glob_use_release(use);
}

static void test_glob_use__names_what_matched_nothing(void **state)
{
	struct stp_glob_use use;

	(void)state;
	begin(&use, STP_GLOB_INCLUDES);
	see(&use, "simple/x/index.html");
	see(&use, ".git/HEAD");
	noted_is(&use, "**/*.tmp,packages/a/**,");
}

static void test_glob_use__excludes_that_begin_with_a_wildcard_may_wait(void **state)
{
	struct stp_glob_use use;

	(void)state;
	begin(&use, STP_GLOB_EXCLUDES);
	assert_int_equal(use.unused_count, 3);
	see(&use, "simple/x");
	see(&use, "simple/y");
	assert_int_equal(use.unused_count, 2);
	noted_is(&use, ".git,packages/a/**,");
}

static void test_glob_use__whole_paths_name_no_folders(void **state)
{
	struct stp_glob_use use;

	(void)state;
	begin(&use, STP_GLOB_PATHS);
	see(&use, ".git/HEAD");
	see(&use, "a/b.tmp");
	see(&use, "packages/a/b");
	noted_is(&use, "simple/**,.git,");
}

/* The contents of a folder that is not entered are not known. */
static void test_glob_use__folders_not_entered_count_for_what_reaches_into_them(void **state)
{
	struct stp_glob_use use;

	(void)state;
	begin(&use, STP_GLOB_EXCLUDES);
	stp_glob_use_pass(&use, "packages", 8);
	noted_is(&use, "simple/**,.git,");
}

static void test_glob_use__no_globs_are_none(void **state)
{
	struct stp_glob_use use;
	struct stp_globs none = {NULL, 0};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	memset(&use, 0, sizeof(use));
	assert_int_equal(stp_glob_use_begin(&use, &none, STP_GLOB_PATHS, &err), STP_OK);
	see(&use, "a");
	stp_glob_use_pass(&use, "a", 1);
	noted_is(&use, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_glob_use__names_what_matched_nothing),
	    cmocka_unit_test(test_glob_use__excludes_that_begin_with_a_wildcard_may_wait),
	    cmocka_unit_test(test_glob_use__whole_paths_name_no_folders),
	    cmocka_unit_test(test_glob_use__folders_not_entered_count_for_what_reaches_into_them),
	    cmocka_unit_test(test_glob_use__no_globs_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
