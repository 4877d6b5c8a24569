/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"
#include "base/thread.h"
#include "stampede/hash.h"

struct first {
	size_t size;
	const char *repo;
	int strict;
};

struct second {
	struct first first;
	uint64_t appended;
};

static enum stp_errc take(struct first *out, const void *options)
{
	struct stp_err err = STP_ERR_INIT;

	memset(out, 0xff, sizeof(*out));
	return STP_OPTIONS_TAKE(out, options, strict, "test", &err);
}

static void test_options__cleared_ones_have_the_members_of_the_first_version(void **state)
{
	struct first cleared = {0, "r", 1};
	struct first out;

	(void)state;
	assert_int_equal(take(&out, &cleared), STP_OK);
	assert_string_equal(out.repo, "r");
	assert_int_equal(out.strict, 1);
	assert_int_equal(out.size, sizeof(out));
}

static void test_options__an_older_program_leaves_what_it_does_not_know_at_the_default(void **state)
{
	struct first older = {offsetof(struct first, strict), "r", 1};
	struct first out;

	(void)state;
	assert_int_equal(take(&out, &older), STP_OK);
	assert_string_equal(out.repo, "r");
	assert_int_equal(out.strict, 0);
}

static void test_options__a_newer_program_may_only_ask_for_what_is_known(void **state)
{
	struct second newer = {{sizeof(newer), "r", 1}, 0};
	struct first out;

	(void)state;
	assert_int_equal(take(&out, &newer), STP_OK);
	assert_int_equal(out.strict, 1);
	newer.appended = 1;
	assert_int_equal(take(&out, &newer), STP_CONFIG);
}

static void test_options__none_or_an_impossible_size_is_refused(void **state)
{
	struct first impossible = {1, "r", 1};
	struct first out;

	(void)state;
	assert_int_equal(take(&out, NULL), STP_CONFIG);
	assert_int_equal(take(&out, &impossible), STP_CONFIG);
}

static void test_options__jobs_and_times(void **state)
{
	(void)state;
	assert_int_equal(stp_options_jobs(0), stp_cpu_count());
	assert_int_equal(stp_options_jobs(STP_JOBS_SERIAL), 0);
	assert_int_equal(stp_options_jobs(3), 3);
	assert_int_equal(stp_options_jobs(STP_JOBS_MAX + 1), STP_JOBS_MAX);
	assert_int_equal(stp_options_now(7, 0), 7);
	assert_int_equal(stp_options_now(0, 1), 0);
	assert_true(stp_options_now(0, 0) > 1700000000);
}

static enum stp_errc count_digest(void *ctx, const struct stp_hash_file *file, struct stp_err *err)
{
	(void)err;
	assert_true(file->length > 0);
	++*(int *)ctx;
	return STP_OK;
}

static void test_options__of_hash_files_may_be_cleared(void **state)
{
	static const char *const paths[] = {STP_SOURCE_DIR "/LICENSE"};
	struct stp_hash_options options;
	struct stp_hash_report report;
	struct stp_err err = STP_ERR_INIT;
	int count = 0;

	(void)state;
	memset(&options, 0, sizeof(options));
	options.paths = paths;
	options.path_count = 1;
	options.on_file = count_digest;
	options.on_file_ctx = &count;
	assert_int_equal(stp_hash_files(&options, &report, &err), STP_OK);
	assert_int_equal(count, 1);
	assert_int_equal(report.files, 1);
	assert_non_null(report.kernels[STP_ALG_SHA512]);
	stp_hash_report_release(&report);
	options.hash_set = STP_ALG_BIT(STP_ALG_COUNT);
	assert_int_equal(stp_hash_files(&options, &report, &err), STP_CONFIG);
	stp_hash_report_release(&report);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options__cleared_ones_have_the_members_of_the_first_version),
	    cmocka_unit_test(
	        test_options__an_older_program_leaves_what_it_does_not_know_at_the_default),
	    cmocka_unit_test(test_options__a_newer_program_may_only_ask_for_what_is_known),
	    cmocka_unit_test(test_options__none_or_an_impossible_size_is_refused),
	    cmocka_unit_test(test_options__jobs_and_times),
	    cmocka_unit_test(test_options__of_hash_files_may_be_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
