/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "made_run.h"
#include "run/sign/collect.h"
#include "run/sign/row_file.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)
#define HEX    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct fixture {
	struct made_run made;
	struct stp_recovered recovered;
	struct stp_collect_in in;
	struct stp_collected out;
	char list_path[300];
};

static struct fixture *set_up(size_t jobs)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	made_run_init(&fixture->made, SHA256, jobs);
	scratch_file(&fixture->made.made.scratch, "targets/a/one.whl", "one", 3);
	scratch_file(&fixture->made.made.scratch, "targets/a/two.whl", "two!", 4);
	scratch_file(&fixture->made.made.scratch, "targets/b/three.whl", "three", 5);
	fixture->in.recovered = &fixture->recovered;
	stp_collected_init(&fixture->out);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	stp_collected_release(&fixture->out);
	made_run_end(&fixture->made);
	free(fixture);
}

static enum stp_errc collect(struct fixture *fixture)
{
	struct stp_err err = STP_ERR_INIT;

	return stp_sign_collect(&fixture->made.run, &fixture->in, &fixture->out, &err);
}

/* Makes text the list of the run. */
static void give_list(struct fixture *fixture, const char *text)
{
	scratch_file(&fixture->made.made.scratch, "list", text, strlen(text));
	snprintf(fixture->list_path, sizeof(fixture->list_path), "%s/list",
	         fixture->made.made.scratch.path);
	stp_list_source_close(&fixture->made.run.list_source);
	assert_int_equal(
	    stp_list_source_open(fixture->list_path, &fixture->made.run.list_source, NULL), STP_OK);
	fixture->made.options.digests = fixture->list_path;
}

static void test_collect__the_tree_gives_entries(void **state)
{
	size_t jobs;

	(void)state;
	for (jobs = 0; jobs < 3; jobs++) {
		struct fixture *fixture = set_up(jobs);

		assert_int_equal(collect(fixture), STP_OK);
		assert_int_equal(fixture->out.count, 3);
		assert_int_equal(fixture->out.entry_count, 3);
		assert_int_equal(stp_sources_record_count(&fixture->out.scan), 3);
		assert_int_equal(fixture->out.identity, 0);
		assert_string_equal(fixture->out.why_read.text, "");
		assert_int_equal(fixture->made.run.faults.total, 0);
		assert_true(fixture->made.run.globs.is_complete);
		tear_down(fixture);
	}
}

static void test_collect__the_configuration_keeps_files_out(void **state)
{
	struct fixture *fixture = set_up(2);
	const char *globs[] = {"a/**"};

	(void)state;
	fixture->made.run.config.exclude = (struct stp_globs){globs, 1};
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 1);
	tear_down(fixture);
}

static void test_collect__a_list_is_the_index_and_scan_adds_to_it(void **state)
{
	struct fixture *fixture = set_up(2);
	const char *globs[] = {"b/**"};

	(void)state;
	give_list(fixture, "path,length,sha256\nx,1," HEX "\ny,2," HEX "\n");
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 2);
	assert_int_equal(fixture->out.entry_count, 0);
	assert_int_not_equal(fixture->out.identity, 0);
	tear_down(fixture);
	fixture = set_up(2);
	fixture->made.options.scan_globs = globs;
	fixture->made.options.scan_glob_count = 1;
	give_list(fixture, "path,length,sha256\nx,1," HEX "\n");
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 2);
	assert_int_equal(fixture->out.entry_count, 1);
	assert_int_equal(fixture->out.identity, 0); /* more than the list */
	tear_down(fixture);
}

static void test_collect__rows_that_lack_something_name_files(void **state)
{
	struct fixture *fixture = set_up(2);

	(void)state;
	give_list(fixture, "path,length\na/one.whl,3\na/two.whl,9\na,1\nb/none.whl,1\nx/y,\n");
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 1);
	assert_int_equal(fixture->out.entry_count, 1);
	/* Another length, a folder, and two missing files. */
	assert_int_equal(fixture->made.run.faults.total, 4);
	assert_string_equal(fixture->made.run.faults.items[0].stage, STP_LIST_STAGE);
	assert_non_null(strstr(fixture->out.why_read.text, "has no sha256"));
	tear_down(fixture);
}

static void test_collect__a_row_finds_its_file(void **state)
{
	struct fixture *fixture = set_up(0);
	struct stp_record row = {.path = "a/two.whl",
	                         .path_bytes = 9,
	                         .length = 4,
	                         .flags = STP_RECORD_LISTED | STP_RECORD_SIZED};
	struct stp_record entry;

	(void)state;
	assert_int_equal(stp_sign_find_file(&fixture->made.run, &row, &entry), STP_FILE_FOUND);
	assert_int_equal(entry.length, 4);
	assert_true(entry.flags & STP_RECORD_FILE);
	assert_true(entry.fingerprint.ino != 0);
	row.length = 5;
	assert_int_equal(stp_sign_find_file(&fixture->made.run, &row, &entry), STP_FILE_OTHER);
	row.path_bytes = 1;
	assert_int_equal(stp_sign_find_file(&fixture->made.run, &row, &entry), STP_FILE_OTHER);
	row.path = "no/file";
	row.path_bytes = 7;
	assert_int_equal(stp_sign_find_file(&fixture->made.run, &row, &entry), STP_FILE_ABSENT);
	assert_int_equal(fixture->made.run.faults.total, 3);
	tear_down(fixture);
}

static void test_collect__names_that_no_client_fetches(void **state)
{
	struct fixture *fixture = set_up(2);

	(void)state;
	scratch_file(&fixture->made.made.scratch, "targets/a/100%.whl", "x", 1);
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 3);
	assert_int_equal(fixture->made.run.faults.total, 1);
	tear_down(fixture);
	fixture = set_up(2);
	scratch_file(&fixture->made.made.scratch, "targets/a/100%.whl", "x", 1);
	fixture->made.run.config.url_unsafe = STP_URL_UNSAFE_WARN;
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 4);
	assert_int_equal(fixture->out.unfetchable.total, 1);
	assert_int_equal(fixture->made.run.faults.total, 0);
	tear_down(fixture);
}

/* Commits a generation of the run that published version 1, made from the list with identity. */
static void commit(struct fixture *fixture, uint64_t identity)
{
	struct stp_ledger_summary summary = {.run_version = 1, .target_count = 1, .tag = identity};
	struct stp_record record = {
	    .length = 1, .path = "x", .path_bytes = 1, .flags = STP_RECORD_DIGESTS};
	const struct stp_record *records[1] = {&record};
	uint8_t digest[32] = {0};
	size_t i;

	for (i = 0; i < 32; i++)
		digest[i] = (uint8_t)(0x11 * (i % 16));
	record.digests = digest;
	stp_hash_one(STP_ALG_SHA256, "x", 1, record.key);
	ledger_take(&fixture->made.made, records, 1, &summary);
	made_run_reopened(&fixture->made);
	fixture->in.published = 1;
	stp_collected_release(&fixture->out);
	stp_collected_init(&fixture->out);
}

static void test_collect__what_the_ledger_has_of_a_list_is_not_collected(void **state)
{
	struct fixture *fixture = set_up(2);
	const char *text = "path,length,sha256\nx,1," HEX "\n";

	(void)state;
	give_list(fixture, text);
	assert_int_equal(collect(fixture), STP_OK);
	commit(fixture, fixture->out.identity);
	give_list(fixture, text);
	assert_int_equal(collect(fixture), STP_OK);
	assert_true(fixture->out.list.is_same);
	assert_int_equal(fixture->out.count, 1);
	assert_int_equal(fixture->out.scan.count, 0);
	/* Read again after damage was found: in full. */
	assert_int_equal(collect(fixture), STP_OK);
	assert_false(fixture->out.list.is_same);
	assert_int_equal(stp_sources_record_count(&fixture->out.scan), 1);
	/* Another list with the same row. */
	commit(fixture, 99);
	give_list(fixture, "path,length,sha256\nx,1," HEX "\ny,2," HEX "\n");
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(fixture->out.count, 2);
	assert_int_equal(stp_sources_record_count(&fixture->out.scan), 1);
	/* A ledger of another run than the published one is not used. */
	commit(fixture, 99);
	fixture->in.published = 2;
	give_list(fixture, text);
	assert_int_equal(collect(fixture), STP_OK);
	assert_int_equal(stp_sources_record_count(&fixture->out.scan), 1);
	tear_down(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_collect__the_tree_gives_entries),
	    cmocka_unit_test(test_collect__the_configuration_keeps_files_out),
	    cmocka_unit_test(test_collect__a_list_is_the_index_and_scan_adds_to_it),
	    cmocka_unit_test(test_collect__rows_that_lack_something_name_files),
	    cmocka_unit_test(test_collect__a_row_finds_its_file),
	    cmocka_unit_test(test_collect__names_that_no_client_fetches),
	    cmocka_unit_test(test_collect__what_the_ledger_has_of_a_list_is_not_collected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
