/* SPDX-License-Identifier: Apache-2.0 */
/* Emitting rows: what is counted, and the bins and the segment that are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "ledger/run.h"
#include "made_run.h"
#include "repository.h"
#include "run/sign/emit.h"

#define ROWS 50

struct fixture {
	struct made_run made;
	struct repository repository;
	int has_repository;
	struct stp_sign_opened opened;
	struct stp_publishing publishing;
	struct made_record records[ROWS];
	struct stp_sources scan, published;
	struct stp_hashed hashed;
	struct stp_comparison comparison;
	struct stp_emit_in in;
	struct stp_emitted out;
	struct stp_err err;
};

static struct fixture *set_up(size_t jobs, unsigned hash_set)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	size_t i;

	made_run_init(&fixture->made, hash_set, jobs);
	for (i = 0; i < ROWS; i++)
		make_record(&fixture->records[i], 4, 2 * i + 1); /* rows of a list */
	stp_hashed_init(&fixture->hashed);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	struct stp_sign_run *run = &fixture->made.run;

	stp_publishing_end(&fixture->publishing);
	stp_emitted_release(&fixture->out);
	stp_sources_release(&fixture->scan);
	stp_hashed_release(&fixture->hashed);
	if (fixture->has_repository) {
		memset(&run->config, 0, sizeof(run->config));
		stp_repo_init(&run->repo);
		stp_current_release(&fixture->opened.current);
		stp_trust_release(&fixture->opened.trust);
		stp_role_signers_release(&fixture->opened.signers);
		repository_release(&fixture->repository);
	}
	made_run_end(&fixture->made);
	free(fixture);
}

/* The scan has the first count records. */
static void scan(struct fixture *fixture, size_t count)
{
	struct stp_run_options options = {.spill_fd = fixture->made.made.scratch.fd,
	                                  .hash_set = fixture->made.run.config.hash_set,
	                                  .budget_bytes = STP_RUN_BUDGET_MIN};
	struct stp_run_builder *builder;
	size_t i;

	stp_sources_release(&fixture->scan);
	memset(&fixture->scan, 0, sizeof(fixture->scan));
	assert_int_equal(stp_run_create(&options, &builder, NULL), STP_OK);
	for (i = 0; i < count; i++)
		assert_int_equal(stp_run_add(builder, &fixture->records[i].record, NULL), STP_OK);
	assert_int_equal(stp_run_finish(builder, &fixture->scan, NULL), STP_OK);
	stp_run_destroy(builder);
	fixture->comparison = made_run_comparison(&fixture->made, &fixture->scan,
	                                          &fixture->published, &fixture->hashed);
	fixture->in.comparison = &fixture->comparison;
}

/* The last run signed the records from first to the last. */
static void commit(struct fixture *fixture, size_t first)
{
	struct stp_ledger_summary summary = {.run_version = 1, .target_count = ROWS - first};
	const struct stp_record *records[ROWS];
	size_t i;

	for (i = first; i < ROWS; i++)
		records[i - first] = &fixture->records[i].record;
	ledger_take(&fixture->made.made, records, ROWS - first, &summary);
	made_run_reopened(&fixture->made);
}

static enum stp_errc emit(struct fixture *fixture)
{
	fixture->err = (struct stp_err)STP_ERR_INIT;
	return stp_sign_emit(&fixture->made.run, &fixture->in, &fixture->out, &fixture->err);
}

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)

static void test_emit__counts_what_stays_comes_and_goes(void **state)
{
	size_t jobs;

	(void)state;
	for (jobs = 0; jobs < 3; jobs++) {
		struct fixture *fixture = set_up(jobs, SHA256);

		commit(fixture, 20);
		scan(fixture, 40);
		assert_int_equal(emit(fixture), STP_OK);
		assert_int_equal(fixture->made.report.targets, 40);
		assert_int_equal(fixture->made.report.targets_before, 30);
		assert_int_equal(fixture->made.report.files_removed, 10);
		assert_int_equal(fixture->out.removals.added, 20);
		assert_int_equal(fixture->made.run.faults.total, 0);
		assert_true(fixture->made.report.counted);
		tear_down(fixture);
	}
}

static void test_emit__other_bytes_are_an_alarm(void **state)
{
	struct fixture *fixture = set_up(2, SHA256);
	const struct stp_fault_list *faults = &fixture->made.run.faults;

	(void)state;
	commit(fixture, 0);
	fixture->records[3].digests[0] ^= 1;
	fixture->records[4].record.length++;
	scan(fixture, ROWS);
	assert_int_equal(emit(fixture), STP_OK);
	assert_int_equal(faults->total, 2);
	assert_int_equal(faults->items[0].code, STP_REFUSED);
	assert_int_equal(fixture->made.report.targets, ROWS - 2);
	assert_int_equal(fixture->out.removals.at_fault, 2);
	tear_down(fixture);
}

static void test_emit__a_path_that_is_named_twice_is_not_signed(void **state)
{
	struct fixture *fixture = set_up(2, SHA256);

	(void)state;
	fixture->made.run.list_source.name = "list";
	fixture->records[1] = fixture->records[0];
	fixture->records[1].record.path = fixture->records[1].path;
	fixture->records[1].record.digests = fixture->records[1].digests;
	fixture->records[1].digests[0] ^= 1;
	scan(fixture, ROWS);
	assert_int_equal(emit(fixture), STP_OK);
	assert_int_equal(fixture->made.run.faults.total, 1);
	assert_non_null(strstr(fixture->made.run.faults.items[0].text, "is named twice"));
	assert_int_equal(fixture->made.report.targets, ROWS - 2);
	/* Two equal rows are one. */
	fixture->records[1].digests[0] ^= 1;
	scan(fixture, ROWS);
	assert_int_equal(emit(fixture), STP_OK);
	assert_int_equal(fixture->made.report.list_repeats, 1);
	assert_int_equal(fixture->made.report.targets, ROWS - 1);
	tear_down(fixture);
}

static void test_emit__a_survey_stops_before_too_much_is_removed(void **state)
{
	struct fixture *fixture = set_up(2, SHA256);
	struct stp_sign_run *run = &fixture->made.run;

	(void)state;
	commit(fixture, 0);
	scan(fixture, 10);
	run->config.max_removals = (struct stp_removal_limit){.value = 20};
	assert_int_equal(stp_sign_survey(run, &fixture->comparison, ROWS, 20, &fixture->out, NULL),
	                 STP_OK);
	assert_false(fixture->made.report.counted); /* not final yet */
	assert_int_equal(stp_sign_survey(run, &fixture->comparison, ROWS, 21, &fixture->out,
	                                 &fixture->err),
	                 STP_REFUSED);
	assert_int_equal(fixture->out.removals.count, 40);
	fixture->made.options.allow_removals = 40;
	assert_int_equal(stp_sign_survey(run, &fixture->comparison, ROWS, 21, &fixture->out, NULL),
	                 STP_OK);
	tear_down(fixture);
}

/* --- writing --------------------------------------------------------------------------------- */

/* A run of a repository without targets of its own: rows only. */
static struct fixture *set_up_writing(size_t jobs)
{
	struct fixture *fixture = set_up(jobs, STP_ALG_BIT(STP_ALG_SHA512));
	struct stp_sign_run *run = &fixture->made.run;
	struct repository *repository = &fixture->repository;

	repository_init(repository, "pep458");
	fixture->has_repository = 1;
	run->config = repository->config;
	run->config.target_files = STP_TARGET_FILES_NONE;
	run->repo = repository->repo;
	run->now = REPOSITORY_NOW;
	run->digest_bytes = stp_alg_set_digest_bytes(run->config.hash_set);
	assert_int_equal(run->config.hash_set, STP_ALG_BIT(STP_ALG_SHA512));
	stp_sign_opened_init(&fixture->opened);
	assert_int_equal(stp_role_signers_create(&fixture->opened.signers, repository->online_key,
	                                         run->features, NULL),
	                 STP_OK);
	assert_int_equal(stp_trusted_load(&fixture->opened.trust, &run->repo, &run->config,
	                                  STP_TRUSTED_UNPINNED, NULL, repository->seal_key,
	                                  &fixture->opened.current, &fixture->err),
	                 STP_OK);
	assert_int_equal(stp_publishing_begin(run, &fixture->opened, ROWS, &fixture->publishing,
	                                      &fixture->err),
	                 STP_OK);
	fixture->in.publishing = &fixture->publishing;
	return fixture;
}

/* All bins, one after the other. */
static void read_bins(struct fixture *fixture, struct stp_buf *out)
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		struct stp_buf file = STP_BUF_INIT;
		char name[64];

		snprintf(name, sizeof(name), "%llu.bin-n-%x.json",
		         (unsigned long long)fixture->publishing.version, i);
		assert_int_equal(stp_file_read(fixture->repository.repo.metadata_fd, name, 1 << 20,
		                               "test", &file, NULL),
		                 STP_OK);
		assert_int_equal(file.count, fixture->out.bin_lengths[i]);
		assert_int_equal(stp_buf_append(out, file.data, file.count, NULL), STP_OK);
		stp_buf_release(&file);
	}
}

static void test_emit__every_bin_is_written_and_the_segment_is_of_no_generation(void **state)
{
	struct fixture *fixture = set_up_writing(2);
	struct stp_buf bins = STP_BUF_INIT;
	size_t i;

	(void)state;
	scan(fixture, ROWS);
	assert_int_equal(emit(fixture), STP_OK);
	assert_int_equal(fixture->made.report.targets, ROWS);
	assert_int_equal(stp_publish_barrier(fixture->publishing.publisher, NULL), STP_OK);
	read_bins(fixture, &bins);
	for (i = 0; i < ROWS; i++)
		assert_non_null(memmem(bins.data, bins.count, fixture->records[i].path,
		                       strlen(fixture->records[i].path)));
	stp_buf_release(&bins);
	assert_int_equal(stp_ledger_generation(fixture->made.run.ledger), 0);
	ledger_reopen(&fixture->made.made); /* as after a crash */
	assert_int_equal(stp_ledger_generation(fixture->made.made.ledger), 0);
	tear_down(fixture);
}

static void test_emit__a_row_at_fault_is_in_no_bin(void **state)
{
	struct fixture *fixture = set_up_writing(0);
	struct stp_buf bins = STP_BUF_INIT;

	(void)state;
	commit(fixture, 0);
	fixture->records[7].digests[0] ^= 1;
	scan(fixture, ROWS);
	assert_int_equal(emit(fixture), STP_OK);
	assert_int_equal(fixture->made.run.faults.total, 1);
	assert_int_equal(stp_publish_barrier(fixture->publishing.publisher, NULL), STP_OK);
	read_bins(fixture, &bins);
	assert_null(memmem(bins.data, bins.count, fixture->records[7].path,
	                   strlen(fixture->records[7].path)));
	stp_buf_release(&bins);
	tear_down(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_emit__counts_what_stays_comes_and_goes),
	    cmocka_unit_test(test_emit__other_bytes_are_an_alarm),
	    cmocka_unit_test(test_emit__a_path_that_is_named_twice_is_not_signed),
	    cmocka_unit_test(test_emit__a_survey_stops_before_too_much_is_removed),
	    cmocka_unit_test(test_emit__every_bin_is_written_and_the_segment_is_of_no_generation),
	    cmocka_unit_test(test_emit__a_row_at_fault_is_in_no_bin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
