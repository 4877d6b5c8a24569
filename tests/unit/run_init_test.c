/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish_run.h"

static struct scratch scratch;

static int set_up(void **state)
{
	(void)state;
	scratch_init(&scratch);
	return mkdirat(scratch.fd, "targets", 0755);
}

static int tear_down(void **state)
{
	(void)state;
	scratch_release(&scratch);
	return 0;
}

/* init of scratch/REPO over scratch/TARGETS with what else the options say. */
static enum stp_errc init(const char *repo, const char *targets, struct stp_init_options options,
                          struct stp_err *err)
{
	struct stp_init_report report;
	char repo_path[400];
	char targets_path[400];
	enum stp_errc code;

	*err = (struct stp_err)STP_ERR_INIT;
	snprintf(repo_path, sizeof(repo_path), "%s/%s", scratch.path, repo);
	snprintf(targets_path, sizeof(targets_path), "%s/%s", scratch.path, targets);
	options.repo = repo_path;
	options.targets_dir = targets_path;
	code = stp_init(&options, &report, err);
	if (code == STP_OK)
		stp_init_report_release(&report);
	return code;
}

static int there(const char *name)
{
	return faccessat(scratch.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_init__makes_what_the_product_says(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} expected[] = {
	    {"repo/stampede.json", 0644},
	    {"repo/public/metadata/1.root.json", 0644},
	    {"repo/public/metadata/1.targets.json", 0644},
	    {"repo/public/metadata/1.bins.json", 0644},
	    {"repo/public/targets", 0755},
	    {"repo/keys", 0700},
	    {"repo/keys/online.pem", 0600},
	    {"repo/keys/ledger.key", 0600},
	    {"repo/offline-keys", 0700},
	    {"repo/offline-keys/root-3.pem", 0600},
	    {"repo/offline-keys/targets-2.pem", 0600},
	    {"repo/offline-keys/bins-2.pem", 0600},
	    {"repo/state", 0700},
	};
	struct stp_err err;
	struct stat st;
	size_t i;

	(void)state;
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_OK);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(fstatat(scratch.fd, expected[i].name, &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, expected[i].mode);
	}
	assert_false(there("repo/.init"));
	assert_false(there("repo/offline-keys/root-4.pem"));
}

static void test_init__refuses_a_second_time(void **state)
{
	struct stp_err err;

	(void)state;
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_OK);
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_CONFIG);
	assert_non_null(strstr(err.text, "already"));
	assert_true(there("repo/keys/online.pem"));
}

static void test_init__refuses_places_that_hold_each_other(void **state)
{
	struct stp_err err;

	(void)state;
	assert_int_equal(init("targets/repo", "targets", (struct stp_init_options){0}, &err),
	                 STP_CONFIG);
	assert_int_equal(init("targets", "targets", (struct stp_init_options){0}, &err),
	                 STP_CONFIG);
	mkdirat(scratch.fd, "repo", 0755);
	mkdirat(scratch.fd, "repo/t", 0755);
	assert_int_equal(init("repo", "repo/t", (struct stp_init_options){0}, &err), STP_CONFIG);
	assert_int_equal(symlinkat("targets", scratch.fd, "way"), 0);
	assert_int_equal(init("way/repo", "targets", (struct stp_init_options){0}, &err),
	                 STP_CONFIG);
	assert_int_equal(init("new", "missing", (struct stp_init_options){0}, &err), STP_CONFIG);
	assert_int_equal(init("no/where/new", "targets", (struct stp_init_options){0}, &err),
	                 STP_CONFIG);
	scratch_file(&scratch, "file", "x", 1);
	assert_int_equal(init("new", "file", (struct stp_init_options){0}, &err), STP_CONFIG);
	assert_false(there("new"));
	scratch_file(&scratch, "full/thing", "x", 1);
	assert_int_equal(init("full", "targets", (struct stp_init_options){0}, &err), STP_CONFIG);
	assert_true(there("full/thing"));
}

static void test_init__clears_away_what_an_init_that_died_left(void **state)
{
	struct stp_err err;

	(void)state;
	scratch_file(&scratch, "repo/.init/keys/online.pem", "half", 4);
	scratch_file(&scratch, "repo/offline-keys/root-1.pem", "half", 4);
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_OK);
	assert_false(there("repo/.init"));
}

static void test_init__leaves_nothing_when_it_fails(void **state)
{
	struct stp_err err;
	char keys[400];

	(void)state;
	snprintf(keys, sizeof(keys), "%s/usb", scratch.path);
	assert_int_equal(init("repo", "targets",
	                      (struct stp_init_options){.offline_keys = keys, .hashes = "md5"},
	                      &err),
	                 STP_CONFIG);
	assert_false(there("usb"));
	assert_false(there("repo"));
	/* One of the keys is there already, but it is no key. */
	mkdirat(scratch.fd, "usb", 0700);
	scratch_file(&scratch, "usb/targets-1.pem", "no key", 6);
	scratch_file(&scratch, "usb/targets-2.pem", "no key", 6);
	fchmodat(scratch.fd, "usb/targets-1.pem", 0600, 0);
	assert_int_equal(init("repo", "targets", (struct stp_init_options){.offline_keys = keys},
	                      &err),
	                 STP_KEY);
	assert_false(there("repo"));
	assert_false(there("usb/root-1.pem"));
	unlinkat(scratch.fd, "usb/targets-1.pem", 0);
	assert_int_equal(init("repo", "targets", (struct stp_init_options){.offline_keys = keys},
	                      &err),
	                 STP_KEY);
	assert_string_equal(err.subject, "targets-1.pem"); /* some of a role's keys, not all */
	unlinkat(scratch.fd, "usb/targets-2.pem", 0);
	assert_int_equal(
	    init("repo", "targets", (struct stp_init_options){.offline_keys = keys}, &err), STP_OK);
	assert_true(there("usb/bins-2.pem"));
	assert_false(there("repo/offline-keys"));
	/* The same keys may serve a second repository. */
	assert_int_equal(init("other", "targets", (struct stp_init_options){.offline_keys = keys},
	                      &err),
	                 STP_OK);
}

/* init --update of r, which is opened again behind it. */
static enum stp_errc update(struct repository *r, struct stp_init_update_options options,
                            struct stp_init_update_report *report, struct stp_err *err)
{
	enum stp_errc code;

	*err = (struct stp_err)STP_ERR_INIT;
	options.repo = r->path;
	stp_repo_close(&r->repo);
	code = stp_init_update(&options, report, err);
	repository_check(stp_repo_open(r->path, STP_REPO_LOCK, "test", &r->repo, NULL) == STP_OK,
	                 err);
	stp_config_release(&r->config);
	repository_check(stp_config_load(&r->config, r->repo.root_fd, err) == STP_OK, err);
	return code;
}

static void test_init__update_renews_the_roles_whose_keys_are_there(void **state)
{
	struct repository r;
	struct stp_init_update_report report;
	struct stp_init_update_options all = {.now = REPOSITORY_NOW + 1000};
	struct stp_init_update_options root = {.now = REPOSITORY_NOW + 1000,
	                                       .roles = STP_INIT_ROLE_ROOT};
	struct stp_current current;
	struct stp_err err;

	(void)state;
	repository_init(&r, "pep458");
	assert_int_equal(update(&r, all, &report, &err), STP_OK);
	assert_int_equal(report.root_version, 2);
	assert_int_equal(report.targets_version, 2);
	assert_int_equal(report.bins_version, 2);
	assert_int_equal(report.bins_changed, 0);
	load(&r, &current);
	assert_int_equal(current.root.version, 2);
	assert_int_equal(current.root.expires, REPOSITORY_NOW + 1000 + 365 * 86400);
	assert_int_equal(current.bins.version, 2);
	stp_current_release(&current);
	/* Two of three root keys are enough, one is not. */
	unlinkat(r.repo.root_fd, "offline-keys/root-1.pem", 0);
	unlinkat(r.repo.root_fd, "offline-keys/bins-1.pem", 0);
	assert_int_equal(update(&r, all, &report, &err), STP_OK);
	assert_int_equal(report.root_version, 3);
	assert_int_equal(report.bins_version, 0);
	unlinkat(r.repo.root_fd, "offline-keys/root-2.pem", 0);
	assert_int_equal(update(&r, root, &report, &err), STP_KEY);
	assert_string_equal(err.subject, "root");
	repository_release(&r);
}

static void test_init__update_changes_the_number_of_bins_and_keeps_names(void **state)
{
	static const char *const profiles[] = {"pep458", "compat", "prefixes"};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct repository r;
		struct stp_init_update_report report;
		struct stp_init_update_options fewer = {.now = REPOSITORY_NOW, .bin_count = 4};
		struct stp_current current;
		struct stp_err err;

		repository_init(&r, profiles[i]);
		run_all(&r, REPOSITORY_NOW);
		assert_int_equal(update(&r, fewer, &report, &err), STP_OK);
		assert_true(report.bins_changed);
		assert_int_equal(r.config.bin_bits, 2);
		load(&r, &current);
		assert_int_equal(current.bin_count, 4);
		assert_int_equal(stp_current_check(&current, &r.config, online_keyid,
		                                   REPOSITORY_NOW, &err),
		                 STP_OK);
		stp_current_release(&current);
		run_all(&r, REPOSITORY_NOW);
		load(&r, &current);
		assert_int_equal(
		    current.meta.items[stp_meta_list_find(&current.meta, "bin-n-3")].version, 2);
		assert_int_equal(
		    current.meta.items[stp_meta_list_find(&current.meta, "bin-n-4")].version,
		    1); /* a tombstone */
		stp_current_release(&current);
		repository_release(&r);
	}
}

static void test_init__update_needs_the_keys_that_a_change_takes(void **state)
{
	struct repository r;
	struct stp_init_update_report report;
	struct stp_init_update_options more = {.now = REPOSITORY_NOW, .bin_count = 64};
	struct stp_err err;

	(void)state;
	repository_init(&r, "pep458");
	unlinkat(r.repo.root_fd, "offline-keys/bins-1.pem", 0);
	assert_int_equal(update(&r, more, &report, &err), STP_KEY);
	assert_string_equal(err.subject, "bins");
	assert_int_equal(r.config.bin_bits, 4);
	repository_release(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_init__makes_what_the_product_says),
	    TEST(test_init__refuses_a_second_time),
	    TEST(test_init__refuses_places_that_hold_each_other),
	    TEST(test_init__clears_away_what_an_init_that_died_left),
	    TEST(test_init__leaves_nothing_when_it_fails),
	    TEST(test_init__update_renews_the_roles_whose_keys_are_there),
	    TEST(test_init__update_changes_the_number_of_bins_and_keeps_names),
	    TEST(test_init__update_needs_the_keys_that_a_change_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
