/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "made_run.h"
#include "run/sign/collect.h"
#include "run/sign/pending.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)
#define FILES  20

struct fixture {
	struct made_run made;
	struct stp_recovered recovered;
	struct stp_collected collected;
	struct stp_hashed hashed;
	struct stp_comparison comparison;
	struct stp_pended pended;
	struct stp_pending_in in;
	struct stp_err err;
	unsigned reported; /* calls of the report function */
	uint64_t removed;  /* asked by survey */
};

static void count_told(void *ctx, const char *stage, const char *subject, const char *text)
{
	struct fixture *fixture = ctx;

	(void)stage;
	(void)subject;
	(void)text;
	fixture->reported++;
}

static struct fixture *set_up(size_t jobs)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	unsigned i;

	made_run_init(&fixture->made, SHA256, jobs);
	for (i = 0; i < FILES; i++) {
		char name[64];

		snprintf(name, sizeof(name), "targets/%u/%u.whl", i % 3, i);
		scratch_file(&fixture->made.made.scratch, name, name, strlen(name));
	}
	fixture->made.options.log = count_told;
	fixture->made.options.log_ctx = fixture;
	stp_hashed_init(&fixture->hashed);
	stp_collected_init(&fixture->collected);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	stp_collected_release(&fixture->collected);
	stp_hashed_release(&fixture->hashed);
	made_run_end(&fixture->made);
	free(fixture);
}

static enum stp_errc pend(struct fixture *fixture)
{
	struct stp_collect_in in = {.recovered = &fixture->recovered};
	struct stp_read_reason why = fixture->collected.why_read;

	fixture->made.report.files_hashed = 0;
	fixture->made.report.files_reused = 0;
	stp_collected_release(&fixture->collected);
	stp_collected_init(&fixture->collected);
	fixture->collected.why_read = why;
	assert_int_equal(
	    stp_sign_collect(&fixture->made.run, &in, &fixture->collected, &fixture->err), STP_OK);
	fixture->comparison = made_run_comparison(&fixture->made, &fixture->collected.scan,
	                                          &fixture->recovered.published, &fixture->hashed);
	fixture->in.comparison = &fixture->comparison;
	fixture->in.entry_count = fixture->collected.entry_count;
	fixture->in.why_read = &fixture->collected.why_read;
	return stp_sign_pending(&fixture->made.run, &fixture->in, &fixture->hashed,
	                        &fixture->pended, &fixture->err);
}

static void test_pending__what_the_ledger_does_not_know_is_hashed_once(void **state)
{
	size_t jobs;

	(void)state;
	for (jobs = 0; jobs < 3; jobs++) {
		struct fixture *fixture = set_up(jobs);

		assert_int_equal(pend(fixture), STP_OK);
		assert_int_equal(fixture->made.report.files_hashed, FILES);
		assert_int_equal(fixture->made.run.faults.total, 0);
		/* Its checkpoints have them all; files that were too new then are read once more.
		 */
		assert_int_equal(pend(fixture), STP_OK);
		assert_int_equal(
		    fixture->made.report.files_hashed + fixture->made.report.files_reused, FILES);
		assert_int_equal(fixture->made.report.files_hashed,
		                 fixture->made.report.again.files[STP_AGAIN_UNSETTLED]);
		assert_int_equal(fixture->pended.renumbered, 0);
		tear_down(fixture);
	}
}

static void test_pending__a_dry_run_only_counts(void **state)
{
	struct fixture *fixture = set_up(2);
	struct stp_sources sources = STP_SOURCES_INIT;

	(void)state;
	fixture->made.options.dry_run = 1;
	assert_int_equal(pend(fixture), STP_OK);
	assert_int_equal(fixture->made.report.files_hashed, FILES);
	assert_int_equal(stp_ledger_sources(fixture->made.run.ledger, &sources, NULL), STP_OK);
	assert_int_equal(sources.count, 0);
	stp_sources_release(&sources);
	tear_down(fixture);
}

static void test_pending__a_file_at_fault_is_refused_by_its_key(void **state)
{
	struct fixture *fixture = set_up(2);
	struct stp_collect_in in = {.recovered = &fixture->recovered};
	uint8_t key[STP_KEY_BYTES];

	(void)state;
	assert_int_equal(stp_sign_collect(&fixture->made.run, &in, &fixture->collected, NULL),
	                 STP_OK);
	fixture->comparison = made_run_comparison(&fixture->made, &fixture->collected.scan,
	                                          &fixture->recovered.published, &fixture->hashed);
	fixture->in.comparison = &fixture->comparison;
	fixture->in.entry_count = fixture->collected.entry_count;
	fixture->in.why_read = &fixture->collected.why_read;
	/* Between scan and hashing: one becomes a folder, one is removed, one gets other bytes. */
	unlinkat(fixture->made.made.scratch.fd, "targets/0/0.whl", 0);
	mkdirat(fixture->made.made.scratch.fd, "targets/0/0.whl", 0755);
	unlinkat(fixture->made.made.scratch.fd, "targets/1/1.whl", 0);
	scratch_file(&fixture->made.made.scratch, "targets/2/2.whl", "longer than it was before",
	             25);
	assert_int_equal(stp_sign_pending(&fixture->made.run, &fixture->in, &fixture->hashed,
	                                  &fixture->pended, &fixture->err),
	                 STP_OK);
	stp_hash_one(STP_ALG_SHA256, "0/0.whl", 7, key);
	assert_true(stp_keyset_has(&fixture->hashed.refused, key));
	assert_int_equal(fixture->made.run.faults.total, 1);
	/* A file that is gone may come back: look again decides. */
	assert_int_equal(fixture->hashed.unstable.total, 1);
	assert_string_equal(fixture->hashed.unstable.items[0].subject, "1/1.whl");
	stp_hash_one(STP_ALG_SHA256, "2/2.whl", 7, key);
	assert_true(stp_keyset_has(&fixture->hashed.moved, key));
	tear_down(fixture);
}

static enum stp_errc stop_at_once(void *ctx, uint64_t removed, struct stp_err *err)
{
	struct fixture *fixture = ctx;

	fixture->removed = removed;
	return STP_FAIL(err, STP_REFUSED, "sign", NULL, "too many");
}

static void test_pending__the_driver_is_asked_before_anything_is_hashed(void **state)
{
	struct fixture *fixture = set_up(2);
	struct stp_ledger_summary summary = {.run_version = 1, .target_count = 3};
	struct made_record made[3];
	const struct stp_record *records[3];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		records[i] = make_record(&made[i], 8, i);
	ledger_take(&fixture->made.made, records, 3, &summary);
	made_run_reopened(&fixture->made);
	fixture->in.survey = stop_at_once;
	fixture->in.survey_ctx = fixture;
	assert_int_equal(pend(fixture), STP_REFUSED);
	assert_int_equal(fixture->removed, 3);
	assert_int_equal(fixture->made.report.files_hashed, 0);
	tear_down(fixture);
}

static void test_pending__a_reason_to_read_is_reported_once_with_numbers(void **state)
{
	struct fixture *fixture = set_up(2);
	const struct stp_fault_list *reported = &fixture->made.run.reported;

	(void)state;
	fixture->collected.why_read = (struct stp_read_reason){
	    .text = "has no sha256", .subject = "list", .hint = "; add the column"};
	assert_int_equal(pend(fixture), STP_OK);
	assert_int_equal(fixture->reported, 1);
	assert_int_equal(reported->total, 1);
	assert_string_equal(reported->items[0].subject, "list");
	assert_non_null(strstr(reported->items[0].text, "so 20 files will be read"));
	assert_string_equal(fixture->collected.why_read.text, "");
	assert_int_equal(fixture->made.report.files_hashed, FILES);
	tear_down(fixture);
}

static void test_pending__without_entries_nothing_is_done(void **state)
{
	struct fixture *fixture = set_up(2);
	struct stp_pending_in in = {.entry_count = 0};

	(void)state;
	assert_int_equal(stp_keyset_add(&fixture->hashed.gone,
	                                (const uint8_t *)"0123456789abcdef0123456789abcdef", NULL),
	                 STP_OK);
	assert_int_equal(stp_sign_pending(&fixture->made.run, &in, &fixture->hashed,
	                                  &fixture->pended, NULL),
	                 STP_OK);
	/* Results of an earlier round are cleared anyway. */
	assert_int_equal(stp_keyset_count(&fixture->hashed.gone), 0);
	tear_down(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pending__what_the_ledger_does_not_know_is_hashed_once),
	    cmocka_unit_test(test_pending__a_dry_run_only_counts),
	    cmocka_unit_test(test_pending__a_file_at_fault_is_refused_by_its_key),
	    cmocka_unit_test(test_pending__the_driver_is_asked_before_anything_is_hashed),
	    cmocka_unit_test(test_pending__a_reason_to_read_is_reported_once_with_numbers),
	    cmocka_unit_test(test_pending__without_entries_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
