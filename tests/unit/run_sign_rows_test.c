/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "repository.h"
#include "scratch.h"
#include "stampede/hasher.h"
#include "stampede/show.h"
#include "stampede/sign.h"

/* Rows of a program: paths and bytes. */
struct rows {
	const char *const *paths;
	size_t count, next;
	uint8_t digest[STP_DIGEST_BYTES_MAX];
	enum stp_errc end; /* instead of the last row */
};

static enum stp_errc next_row(void *ctx, struct stp_sign_row *out_row, struct stp_err *err)
{
	struct rows *rows = ctx;
	const struct stp_message message = {"bytes", 5};

	assert_null(out_row->path);
	if (rows->next == rows->count)
		return rows->end;
	assert_int_equal(
	    stp_hash_messages(STP_ALG_BIT(STP_ALG_SHA512), &message, 1, rows->digest, err), STP_OK);
	out_row->path = rows->paths[rows->next++];
	out_row->path_bytes = strlen(out_row->path);
	out_row->has_length = 1;
	out_row->length = 5;
	out_row->digests[STP_ALG_SHA512] = rows->digest;
	return STP_OK;
}

static enum stp_errc sign(struct repository *r, struct rows *rows, struct stp_sign_report *report,
                          struct stp_err *err)
{
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;

	stp_repo_close(&r->repo); /* sign takes the lock itself */
	options.repo = r->path;
	options.now = REPOSITORY_NOW;
	options.on_fault = STP_ON_FAULT_SKIP;
	options.next_row = next_row;
	options.next_row_ctx = rows;
	return stp_sign(&options, report, err);
}

static void test_rows__are_a_list_whatever_their_paths_are(void **state)
{
	static const char *const paths[] = {"a.whl",    "b,c.whl", "#end",     "e \"f\".whl",
	                                    "g\nh.whl", "",        "i\xff.whl"};
	struct rows rows = {.paths = paths, .count = 7};
	struct stp_show_options wanted = STP_SHOW_OPTIONS_INIT;
	struct stp_sign_report report;
	struct stp_show_report shown;
	struct stp_err err = STP_ERR_INIT;
	struct repository r;

	(void)state;
	repository_init(&r, "pep458");
	repository_check(sign(&r, &rows, &report, &err) == STP_OK, &err);
	assert_int_equal(report.list_rows, 7);
	assert_int_equal(report.targets,
	                 2); /* the others are not names of targets, or cannot be fetched */
	assert_int_equal(report.fault_count, 5);
	assert_string_equal(report.source, "list");
	stp_sign_report_release(&report);
	wanted.repo = r.path;
	wanted.path = "b,c.whl";
	repository_check(stp_show(&wanted, &shown, &err) == STP_OK, &err);
	assert_int_equal(shown.is_target, 1);
	assert_int_equal(shown.length, 5);
	repository_release(&r);
}

static void test_rows__that_cannot_be_given_publish_nothing(void **state)
{
	static const char *const paths[] = {"a.whl"};
	struct rows rows = {.paths = paths, .count = 1, .end = STP_IO};
	struct stp_sign_report report;
	struct stp_err err = STP_ERR_INIT;
	struct repository r;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(sign(&r, &rows, &report, &err), STP_IO);
	assert_string_equal(err.subject, "rows");
	assert_non_null(strstr(err.text, "row 2"));
	assert_int_equal(report.published, 0);
	stp_sign_report_release(&report);
	repository_release(&r);
}

static void test_rows__beside_a_list_are_refused(void **state)
{
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
	struct stp_sign_report report;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	options.repo = "repo";
	options.digests = "list.csv";
	options.next_row = next_row;
	assert_int_equal(stp_sign(&options, &report, &err), STP_CONFIG);
	stp_sign_report_release(&report);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows__are_a_list_whatever_their_paths_are),
	    cmocka_unit_test(test_rows__that_cannot_be_given_publish_nothing),
	    cmocka_unit_test(test_rows__beside_a_list_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
