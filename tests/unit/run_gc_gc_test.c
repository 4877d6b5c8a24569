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
/* SHA-256 of "x" and of "y". */
#define HASH_A "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
#define HASH_B "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"
/* SHA-512 of "x". */
#define HASH_LONG                                                          \
	"a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238b" \
	"c13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62"

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
	run_all(&r, t);              /* 1: seen until 2 */
	run_all(&r, t + DAY / 2);    /* 2: seen until 3, within the last day */
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
	scratch_file(&r.scratch, "repo/public/metadata/9.bin-n-0.json", "x",
	             1); /* of a run that died */
	scratch_file(&r.scratch, "repo/public/metadata/index.html", "x", 1);
	scratch_file(&r.scratch, "repo/public/metadata/2.targets.json", "{", 1);
	scratch_file(&r.scratch, "repo/public/metadata/.tmp-0123456789abcdef", "x", 1);
	assert_int_equal(gc(&r, REPOSITORY_NOW + DAY * 9, 1, 0, &report), STP_REFUSED);
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
	scratch_file(&r.scratch, "repo/public/targets/pool/" HASH_B ".a.whl", "y", 1);
	scratch_file(&r.scratch, "repo/public/targets/" HASH_B ".top", "y", 1);
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

/* What sign made in public/targets, and what it did not, with a snapshot that lists nothing. */
static void test_gc__removes_only_what_proves_to_be_its_own(void **state)
{
	static const char *const kept[] = {
	    "robots.txt",
	    "sub/robots.txt",
	    HASH_A,          /* no name after the digest */
	    HASH_A "x",      /* no dot */
	    HASH_B ".other", /* the digest of other bytes */
	    "sub/" HASH_B ".other",
	    "2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881.upper",
	    "2d711642b726b044.short",
	    HASH_A "00.long",
	    ".tmp-1",
	    "sub/.tmp-0123456789abcdef", /* those of sign are at the top */
	};
	static const char *const removed[] = {
	    HASH_A ".a",
	    HASH_LONG ".a",
	    "sub/" HASH_A ".a",
	    "gone/deep/" HASH_LONG ".a",
	    ".tmp-0123456789abcdef",
	};
	struct repository r;
	struct stp_gc_report report;
	char path[400];
	size_t i;

	(void)state;
	repository_init(&r, "compat");
	run_all(&r, REPOSITORY_NOW);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		snprintf(path, sizeof(path), "repo/public/targets/%s", kept[i]);
		scratch_file(&r.scratch, path, "x", 1);
	}
	for (i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
		snprintf(path, sizeof(path), "repo/public/targets/%s", removed[i]);
		scratch_file(&r.scratch, path, "x", 1);
	}
	mkdirat(r.repo.targets_fd, "empty", 0755); /* not made by sign: it was empty before */
	mkfifoat(r.repo.targets_fd, HASH_A ".fifo", 0644);
	mkdirat(r.repo.targets_fd, HASH_A ".folder", 0755);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 1, &report), STP_OK);
	assert_int_equal(report.links_removed, 5);
	assert_int_equal(report.strangers, 12);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.links_removed, 5);
	assert_int_equal(report.strangers, 12);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_int_equal(faccessat(r.repo.targets_fd, kept[i], F_OK, 0), 0);
	for (i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
		assert_int_equal(faccessat(r.repo.targets_fd, removed[i], F_OK, 0), -1);
	assert_int_equal(faccessat(r.repo.targets_fd, "gone", F_OK, 0), -1);
	assert_int_equal(faccessat(r.repo.targets_fd, "empty", F_OK, 0), 0);
	assert_int_equal(faccessat(r.repo.targets_fd, HASH_A ".fifo", F_OK, 0), 0);
	assert_int_equal(faccessat(r.repo.targets_fd, HASH_A ".folder", F_OK, 0), 0);
	/* The first ten by name. */
	assert_int_equal(report.unknown_count, STP_GC_UNKNOWN_SHOWN);
	assert_string_equal(report.unknown[0], "public/targets/.tmp-1");
	for (i = 1; i < report.unknown_count; i++)
		assert_true(strcmp(report.unknown[i - 1], report.unknown[i]) < 0);
	repository_release(&r);
}

static void test_gc__removes_only_links_that_lead_where_its_own_would(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	int i;

	(void)state;
	repository_init(&r, "compat");
	run_all(&r, REPOSITORY_NOW);
	mkdirat(r.repo.targets_fd, "d", 0755);
	/* SCRATCH/targets is three levels above public/targets. */
	symlinkat("../../../targets/a", r.repo.targets_fd, HASH_A ".a");
	symlinkat("../../../../targets/d/a", r.repo.targets_fd, "d/" HASH_A ".a");
	symlinkat("../../../targets/b", r.repo.targets_fd, HASH_B ".a");
	symlinkat("../../../targets/d/a", r.repo.targets_fd, "d/" HASH_B ".a");
	symlinkat("/etc/hostname", r.repo.targets_fd, HASH_A ".hostname");
	symlinkat("../../../targets/plain", r.repo.targets_fd, "plain");
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.links_removed, 2);
	assert_int_equal(report.strangers, 4);
	for (i = 0; i < 4; i++) {
		static const char *const names[] = {HASH_B ".a", "d/" HASH_B ".a",
		                                    HASH_A ".hostname", "plain"};

		assert_int_equal(faccessat(r.repo.targets_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW),
		                 0);
	}
	repository_release(&r);
}

static void test_gc__removes_only_metadata_names_of_its_own_form(void **state)
{
	static const char *const kept[] = {
	    "01.bin-n-0.json",
	    "0.bin-n-0.json",
	    "1.bin-n-.json",
	    "1.bin-n-0F.json",
	    "1.bin-n-000000.json",
	    "1.bin-m-0.json",
	    "1.other.json",
	    "1.json",
	    "9007199254740992.bin-n-0.json",
	    "01.targets.json",
	    "1.snapshot.json.bak",
	    ".tmp-0123456789abcde",
	};
	struct repository r;
	struct stp_gc_report report;
	char path[400];
	size_t i;

	(void)state;
	repository_init(&r, "pep458");
	for (i = 0; i < 3; i++)
		run_all(&r, REPOSITORY_NOW + (int64_t)i);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		snprintf(path, sizeof(path), "repo/public/metadata/%s", kept[i]);
		scratch_file(&r.scratch, path, "x", 1);
	}
	/* Of the right form, but not files that a run makes. */
	unlinkat(r.repo.metadata_fd, "1.bin-n-1.json", 0);
	symlinkat("3.bin-n-1.json", r.repo.metadata_fd, "1.bin-n-1.json");
	unlinkat(r.repo.metadata_fd, "1.bin-n-2.json", 0);
	mkfifoat(r.repo.metadata_fd, "1.bin-n-2.json", 0644);
	assert_int_equal(gc(&r, REPOSITORY_NOW + DAY * 9, 1, 0, &report), STP_OK);
	assert_int_equal(report.snapshots_removed, 2);
	assert_int_equal(report.strangers, 14);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(there(&r, kept[i]));
	assert_true(there(&r, "1.bin-n-1.json"));
	assert_true(there(&r, "1.bin-n-2.json"));
	assert_false(there(&r, "1.bin-n-0.json"));
	repository_release(&r);
}

static void test_gc__goes_on_after_a_clock_error_only_when_there_was_one(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	struct stp_gc_options options = {.grace_seconds = DAY,
	                                 .keep = 1,
	                                 .audit_keep_seconds = DAY,
	                                 .now = REPOSITORY_NOW + DAY,
	                                 .after_clock_error = 1};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "compat");
	options.repo = r.path;
	run_all(&r, REPOSITORY_NOW);
	run_all(&r, REPOSITORY_NOW + 60);
	run_all(&r, REPOSITORY_NOW + 300 * DAY); /* the clock was ahead */
	stp_repo_close(&r.repo);
	options.now = REPOSITORY_NOW + 9 * DAY;
	assert_int_equal(stp_gc(&options, &report, &err), STP_OK);
	/* The last one counts as published now, so clients saw the one before until now. */
	assert_int_equal(report.snapshots_removed, 1);
	assert_int_equal(report.oldest_kept, 2);
	options.after_clock_error = 0;
	assert_int_equal(stp_gc(&options, &report, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "after_clock_error"));
	/* Once the clock has reached that time, the option is a mistake. */
	options.now = REPOSITORY_NOW + 300 * DAY;
	options.after_clock_error = 1;
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_gc(&options, &report, &err), STP_CONFIG);
	assert_string_equal(err.subject, "after_clock_error");
	repository_release(&r);
}

/* A record in the future, between others, must not keep earlier snapshots until then. */
static void test_gc__a_record_of_the_future_came_before_the_next(void **state)
{
	struct repository r;
	struct stp_gc_report report;
	struct stp_commit record = {2, 2, REPOSITORY_NOW + 3000 * (int64_t)DAY};

	(void)state;
	repository_init(&r, "compat");
	run_all(&r, REPOSITORY_NOW);
	run_all(&r, REPOSITORY_NOW + 60);
	run_all(&r, REPOSITORY_NOW + 120);
	assert_int_equal(stp_commit_save(&r.repo, &record, NULL), STP_OK);
	assert_int_equal(gc(&r, REPOSITORY_NOW + 9 * DAY, 1, 0, &report), STP_OK);
	assert_int_equal(report.oldest_kept, 3);
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
	    cmocka_unit_test(test_gc__removes_only_what_proves_to_be_its_own),
	    cmocka_unit_test(test_gc__removes_only_links_that_lead_where_its_own_would),
	    cmocka_unit_test(test_gc__removes_only_metadata_names_of_its_own_form),
	    cmocka_unit_test(test_gc__goes_on_after_a_clock_error_only_when_there_was_one),
	    cmocka_unit_test(test_gc__a_record_of_the_future_came_before_the_next),
	    cmocka_unit_test(test_gc__refuses_beside_a_run_and_a_wrong_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
