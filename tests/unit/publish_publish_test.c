/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "publish_run.h"

static int there(const struct repository *r, const char *name)
{
	return faccessat(r->repo.metadata_fd, name, F_OK, 0) == 0;
}

static void test_publish__a_fresh_repository_has_no_snapshot(void **state)
{
	struct repository r;
	struct stp_current current;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "pep458");
	load(&r, &current);
	assert_int_equal(current.timestamp_version, 0);
	assert_int_equal(current.root.version, 1);
	assert_int_equal(current.targets.version, 1);
	assert_int_equal(current.bins.version, 1);
	assert_int_equal(current.bin_count, 16);
	assert_string_equal(current.bin_prefix, "bin-n");
	assert_int_equal(strlen(current.bin_keyid), 64);
	assert_int_equal(current.root.expires, REPOSITORY_NOW + 365 * 86400);
	assert_int_equal(stp_current_check(&current, &r.config, online_keys, REPOSITORY_NOW, &err),
	                 STP_OK);
	stp_current_release(&current);
	repository_release(&r);
}

static void test_publish__every_profile_reads_back(void **state)
{
	static const char *const profiles[] = {"pep458", "compat", "prefixes"};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct repository r;
		struct stp_current current;
		struct stp_err err = STP_ERR_INIT;

		repository_init(&r, profiles[i]);
		assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
		load(&r, &current);
		assert_int_equal(current.timestamp_version, 1);
		assert_int_equal(current.meta.count, 17 + (i == 0));
		assert_int_equal(current.bins.version, i == 0);
		assert_int_equal(stp_current_check(&current, &r.config, online_keys, REPOSITORY_NOW,
		                                   &err),
		                 STP_OK);
		stp_current_release(&current);
		repository_release(&r);
	}
}

static void test_publish__versions_rise_and_commits_are_recorded(void **state)
{
	struct repository r;
	struct stp_current current;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
	assert_int_equal(run_all(&r, REPOSITORY_NOW + 60), 2);
	load(&r, &current);
	assert_int_equal(current.timestamp_version, 2);
	assert_int_equal(current.snapshot_version, 2);
	assert_int_equal(current.timestamp_expires, REPOSITORY_NOW + 60 + 86400);
	assert_int_equal(current.committed_at, REPOSITORY_NOW + 60);
	assert_int_equal(current.commits.count, 2);
	assert_int_equal(current.commits.items[0].committed_at, REPOSITORY_NOW);
	assert_int_equal(current.meta.count, 18);
	assert_int_equal(current.meta.items[stp_meta_list_find(&current.meta, "bin-n-f")].version,
	                 2);
	stp_current_release(&current);
	repository_release(&r);
}

static void
test_publish__files_of_a_dead_run_are_removed_and_its_version_not_used_again(void **state)
{
	struct repository r;
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	uint64_t version;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
	load(&r, &current);
	publisher = run_bins(&r, &current, REPOSITORY_NOW, &version);
	assert_int_equal(version, 2);
	stp_publish_end(publisher); /* died here */
	scratch_file(&r.scratch, "repo/public/metadata/.tmp-0123456789abcdef", "x", 1);
	scratch_file(&r.scratch, "repo/public/metadata/2.targets.json", "x", 1); /* not a run's */
	assert_true(there(&r, "2.bin-n-0.json"));
	assert_int_equal(begin_at(&r.repo, &current, REPOSITORY_NOW, &publisher, &err), STP_OK);
	assert_int_equal(stp_publish_leftovers(publisher).file_count, 17);
	assert_false(there(&r, "2.bin-n-0.json"));
	assert_false(there(&r, ".tmp-0123456789abcdef"));
	assert_true(there(&r, "1.bin-n-0.json"));
	assert_true(there(&r, "1.snapshot.json"));
	assert_true(there(&r, "2.targets.json"));
	assert_int_equal(stp_publish_reserve(publisher, &version, &err), STP_OK);
	assert_int_equal(version, 3);
	stp_publish_end(publisher);
	stp_current_release(&current);
	repository_release(&r);
}

static void test_publish__only_temporary_files_are_removed(void **state)
{
	static const char *const kept[] = {
	    "repo/.tmp-notes",
	    "repo/.tmp-0123456789abcdef.txt",
	    "repo/state/.tmp-clock",
	    "repo/public/targets/.tmp-0123456789ABCDEF",
	    "repo/public/metadata/.tmp-1",
	    "repo/state/commits/.tmp-0123456789abcde",
	};
	static const char *const swept[] = {
	    "repo/.tmp-0123456789abcdef",
	    "repo/state/.tmp-1123456789abcdef",
	    "repo/public/targets/.tmp-2123456789abcdef",
	    "repo/public/metadata/.tmp-3123456789abcdef",
	    "repo/state/commits/.tmp-4123456789abcdef",
	};
	struct repository r;
	struct stp_current current;
	struct stp_publisher *publisher;
	size_t i;

	(void)state;
	repository_init(&r, "compat");
	assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		scratch_file(&r.scratch, kept[i], "x", 1);
	for (i = 0; i < sizeof(swept) / sizeof(swept[0]); i++)
		scratch_file(&r.scratch, swept[i], "x", 1);
	/* A temporary link of a crashed run is removed, what it leads to is not. */
	scratch_file(&r.scratch, "victim", "x", 1);
	symlinkat("../../../victim", r.repo.targets_fd, ".tmp-5123456789abcdef");
	mkdirat(r.repo.targets_fd, ".tmp-6123456789abcdef", 0755);
	mkfifoat(r.repo.state_fd, ".tmp-7123456789abcdef", 0600);
	load(&r, &current);
	assert_int_equal(begin_at(&r.repo, &current, REPOSITORY_NOW, &publisher, NULL), STP_OK);
	assert_int_equal(stp_publish_leftovers(publisher).file_count, 6);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_int_equal(faccessat(r.scratch.fd, kept[i], F_OK, 0), 0);
	for (i = 0; i < sizeof(swept) / sizeof(swept[0]); i++)
		assert_int_equal(faccessat(r.scratch.fd, swept[i], F_OK, 0), -1);
	assert_int_equal(faccessat(r.scratch.fd, "victim", F_OK, 0), 0);
	assert_int_equal(faccessat(r.repo.targets_fd, ".tmp-6123456789abcdef", F_OK, 0), 0);
	assert_int_equal(faccessat(r.repo.state_fd, ".tmp-7123456789abcdef", F_OK, 0), 0);
	stp_publish_end(publisher);
	stp_current_release(&current);
	repository_release(&r);
}

/* The next version above the existing files. */
static uint64_t next_version(struct repository *r, uint64_t above)
{
	struct stp_publish_options options = {
	    .worker_count = 1, .now = REPOSITORY_NOW, .above = above};
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	uint64_t version;

	load(r, &current);
	assert_int_equal(stp_publish_begin(&r->repo, &current, &options, &publisher, &err), STP_OK);
	assert_int_equal(stp_publish_reserve(publisher, &version, &err), STP_OK);
	stp_publish_end(publisher);
	stp_current_release(&current);
	return version;
}

static void test_publish__files_that_somebody_put_there_cost_their_own_versions_only(void **state)
{
	static const char *const own[] = {"2.bin-n-3.json", "3.snapshot.json", "5.bin-n-0.json",
	                                  "9007199254740990.bin-n-0.json"};
	static const char *const other[] = {
	    "9007199254740990.x.json", "4.bin-n-3.jsonx",
	    "04.bin-n-3.json",         "4.bin-n-.json",
	    "4.bin-n-G.json",          "4.bin-n-123456.json",
	    "4.bin-m-1.json",          "18446744073709551616.root.json",
	    "0.snapshot.json",         "4..json",
	    "900.targets.json"};
	struct repository r;
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	char name[100];
	size_t count;
	size_t i;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		snprintf(name, sizeof(name), "repo/public/metadata/%s", own[i]);
		scratch_file(&r.scratch, name, "x", 1);
	}
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		snprintf(name, sizeof(name), "repo/public/metadata/%s", other[i]);
		scratch_file(&r.scratch, name, "x", 1);
	}
	load(&r, &current);
	assert_int_equal(begin_at(&r.repo, &current, REPOSITORY_NOW, &publisher, &err), STP_OK);
	assert_int_equal(stp_publish_unknown(publisher)->count, sizeof(other) / sizeof(other[0]));
	assert_int_equal(stp_publish_occupied(publisher, &count)[0], 2);
	assert_int_equal(count, 4);
	stp_publish_end(publisher);
	stp_current_release(&current);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_true(there(&r, own[i]));
	assert_int_equal(next_version(&r, 0), 4); /* 2 and 3 are in use */
	assert_int_equal(next_version(&r, 0), 6); /* 4 is reserved, 5 in use */
	assert_int_equal(next_version(&r, 40), 41);
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_true(there(&r, other[i]));
	repository_release(&r);
}

static void test_publish__versions_far_above_the_published_ones_are_refused(void **state)
{
	static const struct {
		const char *file, *bytes;
		int is_reachable; /* --above would accept it */
	} cases[] = {
	    {"repo/state/reserved", "9007199254740990\n", 0},
	    {"repo/state/reserved", "4294967298\n", 0},
	    {"repo/state/reserved", "4294967297\n", 1},
	    {"repo/state/reserved", "1048579\n", 1},
	    {"repo/state/commits/9007199254740990.json",
	     "{\"committed_at\":\"2030-01-01T00:00:00Z\",\"snapshot\":1,\"timestamp\":"
	     "9007199254740990}",
	     0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct repository r;
		struct stp_current current;
		struct stp_publisher *publisher;
		struct stp_err err = STP_ERR_INIT;

		repository_init(&r, "pep458");
		assert_int_equal(run_all(&r, REPOSITORY_NOW), 1);
		scratch_file(&r.scratch, cases[i].file, cases[i].bytes, strlen(cases[i].bytes));
		load(&r, &current);
		assert_int_equal(begin_at(&r.repo, &current, REPOSITORY_NOW, &publisher, &err),
		                 STP_REFUSED);
		assert_string_equal(err.subject, cases[i].file + strlen("repo/"));
		assert_int_equal(strstr(err.text, "above = ") != NULL, cases[i].is_reachable);
		stp_current_release(&current);
		repository_release(&r);
	}
}

static void test_publish__a_name_never_gets_other_bytes(void **state)
{
	struct repository r;
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_publish_file file = {"1.bin-n-0.json", "other", 5};
	struct stp_err err = STP_ERR_INIT;
	uint64_t version;

	(void)state;
	repository_init(&r, "pep458");
	load(&r, &current);
	assert_int_equal(begin_at(&r.repo, &current, REPOSITORY_NOW, &publisher, &err), STP_OK);
	assert_int_equal(stp_publish_reserve(publisher, &version, &err), STP_OK);
	put(publisher, "1.bin-n-0.json", "first");
	assert_int_equal(stp_publish_put(publisher, 0, &file, 1, &err), STP_IO);
	assert_int_equal(err.sys_errno, EEXIST);
	assert_string_equal(err.subject, "1.bin-n-0.json");
	stp_publish_abort(publisher);
	assert_false(there(&r, "1.bin-n-0.json"));
	stp_publish_end(publisher);
	stp_current_release(&current);
	repository_release(&r);
}

static void test_publish__everybody_may_read_published_files_with_any_umask(void **state)
{
	struct repository r;
	struct stat st;
	mode_t before = umask(077);

	(void)state;
	repository_init(&r, "pep458");
	run_all(&r, REPOSITORY_NOW);
	umask(before);
	assert_int_equal(fstatat(r.repo.metadata_fd, "1.bin-n-0.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(fstatat(r.repo.metadata_fd, "timestamp.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(fstat(r.repo.metadata_fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(fstat(r.repo.root_fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(fstat(r.repo.state_fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	repository_release(&r);
}

static void test_publish__one_publisher_at_a_time(void **state)
{
	struct repository r;
	struct stp_repo other;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(stp_repo_open(r.path, STP_REPO_LOCK, "gc", &other, &err), STP_BUSY);
	assert_non_null(strstr(err.text, "test ")); /* the holder's command and process id */
	assert_int_equal(stp_repo_open(r.path, STP_REPO_READ, "status", &other, NULL), STP_OK);
	stp_repo_close(&other);
	stp_fd_close(&r.repo.lock_fd);
	assert_int_equal(stp_repo_open(r.path, STP_REPO_LOCK, "gc", &other, NULL), STP_OK);
	stp_repo_close(&other);
	repository_release(&r);
}

static void test_publish__a_run_that_must_not_publish_is_refused(void **state)
{
	struct repository r;
	struct stp_current current;
	struct stp_err err;

	(void)state;
	repository_init(&r, "pep458");
	run_all(&r, REPOSITORY_NOW + 1000);
	load(&r, &current);
#define CHECK(now, expected)                                                                       \
	do {                                                                                       \
		err = (struct stp_err)STP_ERR_INIT;                                                \
		assert_int_equal(stp_current_check(&current, &r.config, online_keys, (now), &err), \
		                 (expected));                                                      \
	} while (0)
	CHECK(REPOSITORY_NOW + 1000, STP_OK);
	CHECK(REPOSITORY_NOW + 365 * 86400 - 86399, STP_REFUSED); /* bins would outlive targets */
	CHECK(REPOSITORY_NOW + 365 * 86400 - 86400, STP_OK);
	CHECK(REPOSITORY_NOW + 366 * 86400, STP_REFUSED);
	r.config.bin_bits = 5;
	CHECK(REPOSITORY_NOW + 1000, STP_CONFIG);
	r.config.bin_bits = 4;
	online_keyid[0] ^= 1;
	CHECK(REPOSITORY_NOW + 1000, STP_CONFIG);
#undef CHECK
	stp_current_release(&current);
	repository_release(&r);
}

static void test_publish__a_clock_error_is_accepted_only_if_there_was_one(void **state)
{
	struct stp_current current = {.committed_at = REPOSITORY_NOW + 1000};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_current_check_clock(&current, REPOSITORY_NOW + 1000, 0, &err), STP_OK);
	assert_int_equal(stp_current_check_clock(&current, REPOSITORY_NOW + 999, 1, &err), STP_OK);
	assert_int_equal(stp_current_check_clock(&current, REPOSITORY_NOW + 999, 0, &err),
	                 STP_REFUSED);
	assert_non_null(strstr(err.text, "2030-01-01T00:16:40Z"));
	assert_non_null(strstr(err.text, "after_clock_error"));
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_current_check_clock(&current, REPOSITORY_NOW + 1000, 1, &err),
	                 STP_CONFIG);
}

static void test_publish__damaged_published_files_are_named(void **state)
{
	static const struct {
		const char *file, *bytes, *subject;
	} cases[] = {
	    {"timestamp.json", "{", "timestamp.json"},
	    {"timestamp.json", "{\"signed\":{\"_type\":\"root\"}}", "timestamp.json"},
	    {"timestamp.json", "{\"signed\":{},\"signed\":{}}", "timestamp.json"},
	    {"1.snapshot.json", "{\"signed\":{}}", "1.snapshot.json"},
	    {"1.root.json", "[]", "1.root.json"},
	    {"1.bins.json", "{\"signed\":{\"_type\":\"targets\",\"version\":2}}", "1.bins.json"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct repository r;
		struct stp_current current;
		struct stp_err err = STP_ERR_INIT;
		char name[100];

		repository_init(&r, "pep458");
		run_all(&r, REPOSITORY_NOW);
		snprintf(name, sizeof(name), "repo/public/metadata/%s", cases[i].file);
		scratch_file(&r.scratch, name, cases[i].bytes, strlen(cases[i].bytes));
		assert_int_not_equal(load_code(&r, &current, &err), STP_OK);
		assert_string_equal(err.subject, cases[i].subject);
		repository_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_publish__a_fresh_repository_has_no_snapshot),
	    cmocka_unit_test(test_publish__every_profile_reads_back),
	    cmocka_unit_test(test_publish__versions_rise_and_commits_are_recorded),
	    cmocka_unit_test(
	        test_publish__files_of_a_dead_run_are_removed_and_its_version_not_used_again),
	    cmocka_unit_test(test_publish__only_temporary_files_are_removed),
	    cmocka_unit_test(
	        test_publish__files_that_somebody_put_there_cost_their_own_versions_only),
	    cmocka_unit_test(test_publish__versions_far_above_the_published_ones_are_refused),
	    cmocka_unit_test(test_publish__a_name_never_gets_other_bytes),
	    cmocka_unit_test(test_publish__everybody_may_read_published_files_with_any_umask),
	    cmocka_unit_test(test_publish__one_publisher_at_a_time),
	    cmocka_unit_test(test_publish__a_run_that_must_not_publish_is_refused),
	    cmocka_unit_test(test_publish__a_clock_error_is_accepted_only_if_there_was_one),
	    cmocka_unit_test(test_publish__damaged_published_files_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
