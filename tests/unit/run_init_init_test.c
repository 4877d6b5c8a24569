/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "keys/keys.h"
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

/* init of scratch/REPO for scratch/TARGETS, with the other options. */
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

static void remove_all(const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
	nftw(path, scratch_remove, 32, FTW_DEPTH | FTW_PHYS);
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

/* The bytes of a file in scratch as a number, to compare two files. */
static unsigned long file_sum(const char *name)
{
	struct stp_buf text = STP_BUF_INIT;
	unsigned long sum = 5381;
	size_t i;

	assert_int_equal(stp_file_read(scratch.fd, name, 1 << 20, "test", &text, NULL), STP_OK);
	for (i = 0; i < text.count; i++)
		sum = sum * 33 + text.data[i];
	stp_buf_release(&text);
	return sum;
}

static void test_init__clears_away_what_an_init_that_died_left(void **state)
{
	struct stp_err err;

	(void)state;
	/* Before it made its mark. */
	scratch_file(&scratch, "repo/.init/.tmp-0123456789abcdef", "{", 1);
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_OK);
	assert_false(there("repo/.init"));
	/* While it filled .init. */
	scratch_file(&scratch, "other/.init/stampede.json", "{}", 2);
	scratch_file(&scratch, "other/.init/keys/online.pem", "half", 4);
	scratch_file(&scratch, "other/.init/offline-keys/root-1.pem", "half", 4);
	assert_int_equal(init("other", "targets", (struct stp_init_options){0}, &err), STP_OK);
	assert_false(there("other/.init"));
}

/* A repository that lost its stampede.json, next to leftovers of an init. */
static void test_init__never_replaces_keys_that_it_cannot_prove_its_own(void **state)
{
	static const char *const kept[] = {
	    "repo/keys/online.pem",
	    "repo/keys/ledger.key",
	    "repo/offline-keys/root-1.pem",
	    "repo/public/metadata/1.root.json",
	};
	unsigned long sums[4];
	struct stp_err err;
	size_t i;
	int step;

	(void)state;
	assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err), STP_OK);
	for (i = 0; i < 4; i++)
		sums[i] = file_sum(kept[i]);
	assert_int_equal(renameat(scratch.fd, "repo/stampede.json", scratch.fd, "stampede.json"),
	                 0);
	for (step = 0; step < 5; step++) {
		if (step == 1) /* an empty folder proves nothing */
			assert_int_equal(mkdirat(scratch.fd, "repo/.init", 0700), 0);
		if (step == 2) /* nor a list without the mark */
			scratch_file(&scratch, "repo/.init/made", "made x keys/online.pem\n", 23);
		if (step == 3) { /* nor the mark without the list */
			unlinkat(scratch.fd, "repo/.init/made", 0);
			scratch_file(&scratch, "repo/.init/stampede.json", "{}", 2);
		}
		if (step == 4) /* nor a list of other keys */
			scratch_file(&scratch, "repo/.init/made", "made x keys/online.pem\n", 23);
		assert_int_equal(init("repo", "targets", (struct stp_init_options){0}, &err),
		                 STP_CONFIG);
		assert_non_null(strstr(err.text, "restore that from a backup"));
		for (i = 0; i < 4; i++)
			assert_int_equal(file_sum(kept[i]), sums[i]);
	}
}

/* What an interrupted init had put in place, by its list; then the same with signs of use. */
static void test_init__takes_back_only_what_was_never_used(void **state)
{
	static const char *const used[] = {
	    "repo/state/reserved",
	    "repo/state/commits/1.json",
	    "repo/public/metadata/timestamp.json",
	    "repo/public/metadata/2.root.json",
	    "repo/public/targets/robots.txt",
	    "repo/public/index.html",
	    "repo/keys/other.pem",
	    "repo/offline-keys/root-9.pem",
	};
	struct stp_init_options options = {.bin_count = 16};
	char line[200];
	struct stp_err err;
	size_t i;

	(void)state;
	for (i = 0; i <= sizeof(used) / sizeof(used[0]); i++) {
		struct stp_key *key;
		int keys_fd;

		assert_int_equal(init("repo", "targets", options, &err), STP_OK);
		/* As if it had died before the rename of stampede.json. */
		mkdirat(scratch.fd, "repo/.init", 0700);
		renameat(scratch.fd, "repo/stampede.json", scratch.fd, "repo/.init/stampede.json");
		keys_fd = openat(scratch.fd, "repo/keys", O_RDONLY | O_DIRECTORY);
		assert_int_equal(stp_key_load(keys_fd, "online.pem", &key, NULL), STP_OK);
		close(keys_fd);
		snprintf(line, sizeof(line), "made %s keys/online.pem\n", stp_key_id(key));
		stp_key_destroy(key);
		scratch_file(&scratch, "repo/.init/made", line, strlen(line));
		if (i == 0) { /* the offline keys are not in the list, so they are not its own */
			assert_int_equal(init("repo", "targets", options, &err), STP_CONFIG);
			assert_memory_equal(err.subject, "offline-keys/", 13);
			assert_true(there("repo/keys/online.pem"));
		}
		remove_all("repo/offline-keys");
		if (i < sizeof(used) / sizeof(used[0])) {
			scratch_file(&scratch, used[i], "x", 1);
			assert_int_equal(init("repo", "targets", options, &err), STP_CONFIG);
			assert_true(there("repo/keys/online.pem"));
			assert_true(there(used[i]));
		} else {
			assert_int_equal(init("repo", "targets", options, &err), STP_OK);
		}
		remove_all("repo");
	}
}

static void test_init__makes_the_rest_of_keys_that_an_init_was_making(void **state)
{
	struct stp_init_options options = {.bin_count = 16};
	char keys[400];
	char line[500];
	unsigned long first;
	struct stp_err err;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/usb", scratch.path);
	options.offline_keys = keys;
	assert_int_equal(init("repo", "targets", options, &err), STP_OK);
	remove_all("repo");
	unlinkat(scratch.fd, "usb/root-2.pem", 0);
	unlinkat(scratch.fd, "usb/root-3.pem", 0);
	first = file_sum("usb/root-1.pem");
	/* Some keys of a role that this init did not make: no others are added. */
	assert_int_equal(init("repo", "targets", options, &err), STP_KEY);
	assert_string_equal(err.subject, "root-2.pem");
	scratch_file(&scratch, "repo/.init/stampede.json", "{}", 2);
	snprintf(line, sizeof(line), "making root %s\n", keys);
	scratch_file(&scratch, "repo/.init/made", line, strlen(line));
	assert_int_equal(init("repo", "targets", options, &err), STP_OK);
	assert_true(there("usb/root-3.pem"));
	assert_int_equal(file_sum("usb/root-1.pem"), first);
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
	/* A file with the name of a key exists already, but it is not a key. */
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

/* init --update of r, which is opened again afterwards. */
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
		assert_int_equal(stp_current_check(&current, &r.config, online_keys, REPOSITORY_NOW,
		                                   &err),
		                 STP_OK);
		stp_current_release(&current);
		run_all(&r, REPOSITORY_NOW);
		load(&r, &current);
		assert_int_equal(
		    current.meta.items[stp_meta_list_find(&current.meta, "bin-n-3")].version, 2);
		assert_int_equal(
		    current.meta.items[stp_meta_list_find(&current.meta, "bin-n-4")].version,
		    1); /* a retired name */
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
	    TEST(test_init__never_replaces_keys_that_it_cannot_prove_its_own),
	    TEST(test_init__takes_back_only_what_was_never_used),
	    TEST(test_init__makes_the_rest_of_keys_that_an_init_was_making),
	    TEST(test_init__leaves_nothing_when_it_fails),
	    TEST(test_init__update_renews_the_roles_whose_keys_are_there),
	    TEST(test_init__update_changes_the_number_of_bins_and_keeps_names),
	    TEST(test_init__update_needs_the_keys_that_a_change_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
