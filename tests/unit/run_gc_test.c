/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/file.h"
#include "publish_run.h"
#include "stampede/gc.h"

#define DAY 86400

static enum stp_errc gc(struct repository *r, int64_t now, uint64_t keep, int dry_run,
                        struct stp_gc_report *report)
{
	struct stp_gc_options options = {.repo = r->path,
	                                 .grace_seconds = DAY,
	                                 .keep = keep,
	                                 .audit_keep_seconds = DAY,
	                                 .dry_run = dry_run,
	                                 .now = now};
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	stp_repo_close(&r->repo); /* gc takes the lock itself */
	memset(report, 0, sizeof(*report));
	code = stp_gc(&options, report, &err);
	repository_check(stp_repo_open(r->path, STP_REPO_LOCK, "test", &r->repo, NULL) == STP_OK,
	                 &err);
	return code;
}

static int there(const struct repository *r, const char *name)
{
	return faccessat(r->repo.metadata_fd, name, F_OK, 0) == 0;
}

static void test_gc__keeps_what_the_last_day_could_see(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	int64_t t = REPOSITORY_NOW;

	(void)state;
	repository_init(&r, "pep458");
	run_all(&r, t);              /* 1: seen until 2 came */
	run_all(&r, t + DAY / 2);    /* 2: seen until 3 came, within the last day */
	run_all(&r, t + DAY + 3600); /* 3 */
	run_all(&r, t + DAY + 7200); /* 4, now */
	assert_int_equal(gc(&r, t + DAY + DAY / 2, 1, 1, &report), STP_OK);
	assert_int_equal(report.files_removed, 17);
	assert_true(there(&r, "1.snapshot.json")); /* a dry run removes nothing */
	assert_int_equal(gc(&r, t + DAY + DAY / 2, 1, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_kept, 3);
	assert_int_equal(report.snapshots_removed, 1);
	assert_int_equal(report.files_removed, 17);
	assert_int_equal(report.oldest_kept, 2);
	assert_int_equal(report.roots_kept, 1);
	assert_false(there(&r, "1.snapshot.json"));
	assert_false(there(&r, "1.bin-n-0.json"));
	assert_true(there(&r, "1.root.json"));
	assert_true(there(&r, "1.targets.json"));
	assert_true(there(&r, "1.bins.json"));
	assert_true(there(&r, "2.bin-n-f.json"));
	assert_true(there(&r, "2.snapshot.json"));
	/* Much later only the current one is left. */
	assert_int_equal(gc(&r, t + 30 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_kept, 1);
	assert_false(there(&r, "3.snapshot.json"));
	assert_true(there(&r, "4.bin-n-7.json"));
	assert_int_equal(run_all(&r, t + 30 * DAY), 5);
	repository_release(&r);
}

static void test_gc__keeps_the_last_k(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	struct stp_current current;
	int i;

	(void)state;
	repository_init(&r, "compat");
	for (i = 0; i < 5; i++)
		run_all(&r, REPOSITORY_NOW + i);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 30 * DAY, 3, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_kept, 3);
	assert_false(there(&r, "2.bin-n-0.json"));
	assert_true(there(&r, "3.bin-n-0.json"));
	load(&r, &current);
	assert_int_equal(current.commits.count, 3);
	stp_current_release(&current);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 30 * DAY, 100, 0, &report), STP_OK);
	assert_int_equal(report.files_removed, 0);
	repository_release(&r);
}

static void test_gc__leaves_alone_what_is_not_its_own(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	int i;

	(void)state;
	repository_init(&r, "pep458");
	for (i = 0; i < 3; i++)
		run_all(&r, REPOSITORY_NOW + i);
	scratch_file(&r.scratch, "repo/public/metadata/2.root.json", "x", 1);
	scratch_file(&r.scratch, "repo/public/metadata/9.bin-n-0.json", "x", 1); /* a dead run */
	scratch_file(&r.scratch, "repo/public/metadata/index.html", "x", 1);
	scratch_file(&r.scratch, "repo/public/metadata/2.targets.json", "{", 1);
	scratch_file(&r.scratch, "repo/public/metadata/.tmp-0123456789abcdef", "x", 1);
	assert_int_equal(gc(&r, REPOSITORY_NOW + DAY * 9, 1, 0, &report), STP_FORMAT);
	assert_true(there(&r, "1.snapshot.json")); /* 2.targets.json is broken: nothing removed */
	unlinkat(r.repo.metadata_fd, "2.targets.json", 0);
	unlinkat(r.repo.metadata_fd, "2.root.json", 0);
	assert_int_equal(gc(&r, REPOSITORY_NOW + DAY * 9, 1, 0, &report), STP_OK);
	assert_int_equal(report.strangers, 1);
	assert_true(there(&r, "index.html"));
	assert_true(there(&r, "9.bin-n-0.json"));
	assert_true(there(&r, "1.root.json"));
	assert_false(there(&r, ".tmp-0123456789abcdef"));
	assert_false(there(&r, "2.snapshot.json"));
	repository_release(&r);
}

static void test_gc__without_commit_records_age_is_that_of_the_file(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	int64_t now;

	(void)state;
	repository_init(&r, "compat");
	run_all(&r, REPOSITORY_NOW);
	run_all(&r, REPOSITORY_NOW + 60);
	unlinkat(r.repo.state_fd, "commits/1.json", 0);
	unlinkat(r.repo.state_fd, "commits/2.json", 0);
	now = time(NULL);
	assert_int_equal(gc(&r, now + 60, 1, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_kept, 2);
	assert_int_equal(gc(&r, now + 3 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_kept, 1);
	repository_release(&r);
}

static void test_gc__removes_links_that_no_live_bin_lists(void **state)
{
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	struct repository r;
	struct stp_gc_report report;

	(void)state;
	repository_init(&r, "compat");
	first_bin_targets = "\"old/a.whl\":{\"hashes\":{\"sha256\":\"" HASH_A "\"},\"length\":1}";
	run_all(&r, REPOSITORY_NOW);
	first_bin_targets = "\"pool/a.whl\":{\"hashes\":{\"sha256\":\"" HASH_A "\"},\"length\":1},"
	                    "\"top\":{\"hashes\":{\"sha256\":\"" HASH_B "\"},\"length\":1}";
	run_all(&r, REPOSITORY_NOW + 60);
	first_bin_targets = "";
	scratch_file(&r.scratch, "repo/public/targets/old/" HASH_A ".a.whl", "x", 1);
	scratch_file(&r.scratch, "repo/public/targets/pool/" HASH_A ".a.whl", "x", 1);
	scratch_file(&r.scratch, "repo/public/targets/pool/" HASH_B ".a.whl", "x", 1);
	scratch_file(&r.scratch, "repo/public/targets/" HASH_B ".top", "x", 1);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 61, 1, 0, &report), STP_OK);
	assert_int_equal(report.links_removed, 1); /* the first snapshot is still in use */
	assert_int_equal(report.links_kept, 3);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.links_removed, 1);
	assert_int_equal(faccessat(r.repo.targets_fd, "old", F_OK, 0), -1); /* empty folder */
	assert_int_equal(faccessat(r.repo.targets_fd, "pool/" HASH_A ".a.whl", F_OK, 0), 0);
	assert_int_equal(faccessat(r.repo.targets_fd, HASH_B ".top", F_OK, 0), 0);
	/* A bin that cannot be read: then nothing is swept. */
	scratch_file(&r.scratch, "repo/public/targets/" HASH_A ".top", "x", 1);
	scratch_file(&r.scratch, "repo/public/metadata/2.bin-n-0.json", "{}", 2);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 0, &report), STP_FORMAT);
	assert_int_equal(faccessat(r.repo.targets_fd, HASH_A ".top", F_OK, 0), 0);
	repository_release(&r);
}

static void test_gc__refuses_beside_a_run_and_a_wrong_clock(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	struct stp_gc_options options = {.keep = 1, .now = REPOSITORY_NOW};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "compat");
	run_all(&r, REPOSITORY_NOW);
	options.repo = r.path;
	assert_int_equal(stp_gc(&options, &report, &err), STP_BUSY);
	assert_int_equal(gc(&r, REPOSITORY_NOW - 1, 1, 0, &report), STP_REFUSED);
	repository_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gc__keeps_what_the_last_day_could_see),
	    cmocka_unit_test(test_gc__keeps_the_last_k),
	    cmocka_unit_test(test_gc__leaves_alone_what_is_not_its_own),
	    cmocka_unit_test(test_gc__without_commit_records_age_is_that_of_the_file),
	    cmocka_unit_test(test_gc__removes_links_that_no_live_bin_lists),
	    cmocka_unit_test(test_gc__refuses_beside_a_run_and_a_wrong_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
