/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>

#include "base/file.h"
#include "roles/config_note.h"
#include "scratch.h"

/* Written by hand: another order, few fields, no line feed at the end. */
#define BY_HAND                                                \
	"{\"targets_dir\":\"/t\", \"exclude\" : "              \
	"[\"b\",\"a\"],\n\"format\":1,\"profile\":\"compat\"," \
	"\"expiry_seconds\":{\"bin_n\":172800}}"

static void write_config(const struct scratch *scratch, const char *text)
{
	scratch_file(scratch, STP_CONFIG_FILE, text, strlen(text));
}

static void assert_text(const struct scratch *scratch, const char *wanted)
{
	struct stp_buf text = STP_BUF_INIT;

	assert_int_equal(stp_file_read(scratch->fd, STP_CONFIG_FILE, 1 << 20, "test", &text, NULL),
	                 STP_OK);
	assert_string_equal((const char *)text.data, wanted);
	stp_buf_release(&text);
}

static size_t count_files(const struct scratch *scratch)
{
	DIR *folder = opendir(scratch->path);
	size_t count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static void test_note__other_fields_keep_their_order_and_values(void **state)
{
	struct stp_config_note note;
	struct stp_config config;
	struct scratch scratch;
	struct stat st;

	(void)state;
	scratch_init(&scratch);
	write_config(&scratch, BY_HAND);
	assert_int_equal(fchmodat(scratch.fd, STP_CONFIG_FILE, 0640, 0), 0);
	stp_config_note_init(&note);
	assert_int_equal(stp_config_note_begin(&note, scratch.fd, NULL), STP_OK);
	assert_text(&scratch, BY_HAND);
	assert_int_equal(stp_config_note_commit(&note, STP_INDEX_LIST, NULL), STP_OK);
	stp_config_note_end(&note);
	assert_text(&scratch, "{\n"
	                      "  \"targets_dir\": \"/t\",\n"
	                      "  \"exclude\": [\n    \"b\",\n    \"a\"\n  ],\n"
	                      "  \"format\": 1,\n"
	                      "  \"profile\": \"compat\",\n"
	                      "  \"expiry_seconds\": {\n    \"bin_n\": 172800\n  },\n"
	                      "  \"source\": \"list\"\n"
	                      "}\n");
	assert_int_equal(fstatat(scratch.fd, STP_CONFIG_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_files(&scratch), 1);
	assert_int_equal(stp_config_load(&config, scratch.fd, NULL), STP_OK);
	assert_int_equal(config.source, STP_INDEX_LIST);
	assert_int_equal(config.expiry.bin_n, 172800);
	stp_config_release(&config);
	scratch_release(&scratch);
}

static void test_note__a_run_that_fails_leaves_nothing(void **state)
{
	struct stp_config_note note;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	write_config(&scratch, BY_HAND);
	stp_config_note_init(&note);
	stp_config_note_end(&note);
	assert_int_equal(stp_config_note_begin(&note, scratch.fd, NULL), STP_OK);
	assert_int_equal(count_files(&scratch), 2);
	stp_config_note_end(&note);
	assert_int_equal(count_files(&scratch), 1);
	assert_text(&scratch, BY_HAND);
	scratch_release(&scratch);
}

static void test_note__a_file_that_was_edited_meanwhile_stays(void **state)
{
	struct stp_config_note note;
	struct stp_err err = STP_ERR_INIT;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	write_config(&scratch, BY_HAND);
	stp_config_note_init(&note);
	assert_int_equal(stp_config_note_begin(&note, scratch.fd, NULL), STP_OK);
	/* As editors do: another file with the same name, even with the same bytes. */
	scratch_file(&scratch, "other", BY_HAND, strlen(BY_HAND));
	assert_int_equal(renameat(scratch.fd, "other", scratch.fd, STP_CONFIG_FILE), 0);
	assert_int_equal(stp_config_note_commit(&note, STP_INDEX_TREE, &err), STP_CHANGED);
	stp_config_note_end(&note);
	/* In place. */
	stp_config_note_init(&note);
	assert_int_equal(stp_config_note_begin(&note, scratch.fd, NULL), STP_OK);
	write_config(&scratch, BY_HAND " ");
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_config_note_commit(&note, STP_INDEX_TREE, &err), STP_CHANGED);
	stp_config_note_end(&note);
	assert_text(&scratch, BY_HAND " ");
	assert_int_equal(count_files(&scratch), 1);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_note__other_fields_keep_their_order_and_values),
	    cmocka_unit_test(test_note__a_run_that_fails_leaves_nothing),
	    cmocka_unit_test(test_note__a_file_that_was_edited_meanwhile_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
