/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "roles/config.h"

static enum stp_errc parse(const char *text, struct stp_config *config, struct stp_err *err)
{
	*err = (struct stp_err)STP_ERR_INIT;
	return stp_config_parse(config, text, strlen(text), err);
}

#define LEAST "\"format\":1,\"profile\":\"pep458\",\"targets_dir\":\"/t\""

static void refuses(const char *text, const char *expected)
{
	struct stp_config config;
	struct stp_err err;

	assert_int_equal(parse(text, &config, &err), STP_CONFIG);
	assert_string_equal(err.subject, STP_CONFIG_FILE);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" is not in \"%s\"", expected, err.text);
}

static void test_config__profiles_are_those_of_the_table(void **state)
{
	struct stp_config config;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_config_profile(&config, "pep458", &err), STP_OK);
	assert_int_equal(config.bin_bits, 14);
	assert_int_equal(config.hash_set, STP_ALG_BIT(STP_ALG_SHA512));
	assert_true(config.has_bins_role);
	assert_int_equal(config.delegation, STP_DELEGATION_SUCCINCT);
	assert_int_equal(config.bins_threshold, 2);
	assert_int_equal(config.targets_threshold, 2);
	assert_int_equal(config.root_threshold, 2);
	assert_int_equal(config.root_key_count, 3);
	assert_int_equal(config.expiry.root, 365 * 86400);
	assert_int_equal(config.expiry.bin_n, 86400);
	assert_false(config.snapshot_length);
	assert_int_equal(stp_config_profile(&config, "compat", &err), STP_OK);
	assert_int_equal(config.bin_bits, 14);
	assert_int_equal(config.hash_set, STP_ALG_BIT(STP_ALG_SHA256));
	assert_false(config.has_bins_role);
	assert_int_equal(config.targets_threshold, 1);
	assert_int_equal(stp_config_profile(&config, "prefixes", &err), STP_OK);
	assert_int_equal(config.bin_bits, 11);
	assert_int_equal(config.delegation, STP_DELEGATION_PREFIXES);
	assert_true(config.snapshot_length);
	assert_int_equal(stp_config_profile(&config, "pep459", &err), STP_CONFIG);
}

static void test_config__signers_are_key_files(void **state)
{
	static const char *const refused[] = {
	    "agent:SHA256:x", "pkcs11:x",  "keys/online.pem", "pem:",
	    "pem:../x",       "pem:keys/", "pem:a\\nb",
	};
	struct stp_config config;
	struct stp_err err = STP_ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(parse("{" LEAST ",\"signers\":{\"snapshot\":\"pem:/safe/s.pem\"}}",
	                       &config, &err),
	                 STP_OK);
	assert_string_equal(stp_config_signer(&config, STP_ONLINE_SNAPSHOT), "pem:/safe/s.pem");
	assert_string_equal(stp_config_signer(&config, STP_ONLINE_TIMESTAMP), STP_SIGNER_DEFAULT);
	assert_string_equal(stp_config_signer(&config, STP_ONLINE_BIN_N), STP_SIGNER_DEFAULT);
	stp_config_release(&config);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "{" LEAST ",\"signers\":{\"bin_n\":\"%s\"}}",
		         refused[i]);
		err = (struct stp_err)STP_ERR_INIT;
		assert_int_equal(parse(text, &config, &err), STP_CONFIG);
		assert_non_null(strstr(err.text, "\"signers.bin_n\": "));
	}
}

static void test_config__what_is_not_in_the_file_comes_from_the_profile(void **state)
{
	struct stp_config config;
	struct stp_err err;

	(void)state;
	assert_int_equal(parse("{" LEAST ",\"bins\":16,\"expiry_seconds\":{\"bin_n\":172800}}",
	                       &config, &err),
	                 STP_OK);
	assert_int_equal(config.bin_bits, 4);
	assert_int_equal(config.expiry.bin_n, 172800);
	assert_int_equal(config.expiry.snapshot, 86400);
	assert_string_equal(config.targets_dir, "/t");
	assert_int_equal(config.source, STP_INDEX_UNKNOWN);
	assert_true(config.max_removals.is_share);
	assert_int_equal(config.max_removals.value, STP_SHARE_DEFAULT);
	assert_int_equal(config.removed_retention_days, 0);
	assert_true(stp_globs_match(&config.mutable_globs, "simple/a/index.html", 19));
	stp_config_release(&config);
}

static void test_config__what_may_be_removed_and_for_how_long_it_is_remembered(void **state)
{
	static const char *const sources[] = {"tree", "list", "stream"};
	struct stp_config config;
	struct stp_err err;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "{" LEAST ",\"source\":\"%s\"}", sources[i]);
		assert_int_equal(parse(text, &config, &err), STP_OK);
		assert_int_equal(config.source, STP_INDEX_TREE + i);
		assert_string_equal(stp_index_source_name(config.source), sources[i]);
		stp_config_release(&config);
	}
	assert_null(stp_index_source_name(STP_INDEX_UNKNOWN));
	assert_int_equal(parse("{" LEAST ",\"max_removals\":500,\"removed_retention_days\":90}",
	                       &config, &err),
	                 STP_OK);
	assert_false(config.max_removals.is_share);
	assert_int_equal(config.max_removals.value, 500);
	assert_int_equal(config.removed_retention_days, 90);
	stp_config_release(&config);
	assert_int_equal(parse("{" LEAST
	                       ",\"max_removals\":\"2.5%\",\"removed_retention_days\":null}",
	                       &config, &err),
	                 STP_OK);
	assert_true(config.max_removals.is_share);
	assert_int_equal(config.max_removals.value, 25000);
	assert_int_equal(config.removed_retention_days, 0);
	stp_config_release(&config);
}

static void test_config__a_path_is_kept_by_include_and_not_by_exclude(void **state)
{
	struct stp_config config;
	struct stp_err err;

	(void)state;
	assert_int_equal(parse("{" LEAST
	                       ",\"include\":[\"p/**\",\"s/**\"],\"exclude\":[\"**/*.tmp\"]}",
	                       &config, &err),
	                 STP_OK);
	assert_true(stp_config_keeps(&config, "p/a", 3));
	assert_true(stp_config_keeps(&config, "s/b/c", 5));
	assert_false(stp_config_keeps(&config, "q/a", 3));
	assert_false(stp_config_keeps(&config, "p/a.tmp", 7));
	stp_config_release(&config);
	assert_int_equal(parse("{" LEAST "}", &config, &err), STP_OK);
	assert_true(stp_config_keeps(&config, "anything", 8));
	stp_config_release(&config);
}

/* A configuration with one glob in one field only. */
static struct stp_config with_glob(const char *field, struct stp_globs globs)
{
	struct stp_config config = {0};

	if (strcmp(field, "include") == 0)
		config.include = globs;
	else
		config.exclude = globs;
	return config;
}

static int keeps(const char *field, const char *glob, const char *path)
{
	struct stp_config config = with_glob(field, (struct stp_globs){&glob, 1});

	return stp_config_keeps(&config, path, strlen(path));
}

static int enters(const char *field, const char *glob, const char *folder)
{
	struct stp_config config = with_glob(field, (struct stp_globs){&glob, 1});

	return stp_config_enters(&config, folder, strlen(folder));
}

static void test_config__a_plain_name_matches_all_in_its_folder(void **state)
{
	(void)state;
	assert_false(keeps("exclude", ".git", ".git/refs/a"));
	assert_false(keeps("exclude", ".git", ".git"));
	assert_true(keeps("exclude", ".git", ".gitignore"));
	assert_true(keeps("exclude", ".git", ".github/a"));
	assert_true(keeps("exclude", ".git", "a/.git/b"));
	assert_false(keeps("exclude", "**/.git", "a/b/.git/c/d"));
	assert_false(keeps("exclude", "**/.git", ".git/c"));
	assert_true(keeps("exclude", "**/.git", "a/x.git/c"));
	assert_false(keeps("exclude", "a/b", "a/b/c"));
	assert_true(keeps("exclude", "a/b", "c/a/b/c"));
	assert_true(keeps("exclude", "a/b", "a/bc"));
	/* A wildcard in the last segment stops at "/". */
	assert_true(keeps("exclude", "packages/*", "packages/ab/c"));
	assert_true(keeps("exclude", "build-*", "build-1/a"));
	assert_false(keeps("exclude", "build-*/", "build-1/a"));
	assert_false(keeps("exclude", "**/build-*/", "x/build-1/a/b"));
	assert_true(keeps("exclude", "build-*/", "build-1"));
	assert_true(keeps("include", "packages", "packages/ab/c"));
	assert_false(keeps("include", "packages", "packages2/ab/c"));
}

static void test_config__folders_without_targets_are_not_entered(void **state)
{
	static const char *const closed[][2] = {
	    {"lost+found", "lost+found"},
	    {"lost+found/", "lost+found"},
	    {"lost+found/**", "lost+found"},
	    {"**", "any"},
	    {"**/*", "any/where"},
	    {"a/**/*", "a"},
	    {"a/**/*", "a/b"},
	    {"**/b/**", "a/b"},
	    {"**/b/**", "b"},
	    {"a/b/**", "a/b/c"},
	    {"a*/**", "abc"},
	    {"**/.git", "a/.git"},
	    {"**/build-*/", "a/build-7"},
	    {"a**", "ab/c"},
	};
	static const char *const open[][2] = {
	    {"lost+found/*", "lost+found"},
	    {"lost+found/**", "lost"},
	    {"lost+found/**", "lost+found2"},
	    {"**/*.tmp", "a"},
	    {"a/**/*.tmp", "a"},
	    {"a/b/**", "a"},
	    {"*", "a"},
	    {"a/*/**", "a"},
	    {"?", "a"},
	    {"**/b/**", "a"},
	    {"a/**/b", "a"},
	    {"x**/*", "x"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (enters("exclude", closed[i][0], closed[i][1]))
			fail_msg("%s: %s is entered", closed[i][0], closed[i][1]);
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (!enters("exclude", open[i][0], open[i][1]))
			fail_msg("%s: %s is not entered", open[i][0], open[i][1]);
	assert_true(enters("include", "simple/**", "simple"));
	assert_true(enters("include", "simple/a/*", "simple"));
	assert_true(enters("include", "simple/a/*", "simple/a"));
	assert_true(enters("include", "**/*.whl", "any/where"));
	assert_true(enters("include", "packages", "packages/ab"));
	assert_true(enters("include", "sim*", "simple"));
	assert_false(enters("include", "simple/**", "sim"));
	assert_false(enters("include", "simple/**", "lost+found"));
	assert_false(enters("include", "packages", "packages2"));
	assert_false(enters("include", "a.whl", "b"));
}

/* A folder that is not entered contains nothing that would be kept: random globs and paths over a
 * small alphabet, in which they match often. */
static void test_config__no_skipped_folder_contains_what_is_kept(void **state)
{
	static const char *const pieces[] = {"a", "b", "*", "**", "/", "?", "/", "ab", "[ab]"};
	unsigned seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		const char *field = round & 1 ? "include" : "exclude";
		char glob[64] = "";
		char path[32];
		size_t at = 0;
		int i;

		for (i = 1 + (int)(rand_r(&seed) % 5u); i > 0; i--)
			strcat(glob, pieces[rand_r(&seed) % 9u]);
		if (!stp_glob_valid(glob))
			continue;
		for (i = 2 + (int)(rand_r(&seed) % 3u); i > 0; i--) {
			path[at++] = "ab"[rand_r(&seed) % 2u];
			if (rand_r(&seed) % 3u == 0)
				path[at++] = 'b';
			path[at++] = i == 1 ? '\0' : '/';
		}
		if (!keeps(field, glob, path))
			continue;
		for (i = 0; path[i]; i++) {
			char folder[32] = "";

			if (path[i] != '/')
				continue;
			memcpy(folder, path, (size_t)i);
			if (!enters(field, glob, folder))
				fail_msg("%s %s: %s is kept and %s not entered", field, glob, path,
				         folder);
		}
	}
}

static void test_config__what_is_saved_reads_back_the_same(void **state)
{
	char folder[] = "/tmp/stp-config-XXXXXX";
	struct stp_config config;
	struct stp_config again;
	struct stp_err err = STP_ERR_INIT;
	const char *include[] = {"packages/**", "simple/**"};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(stp_config_profile(&config, "prefixes", &err), STP_OK);
	config.targets_dir = "/srv/a \"b\"";
	config.hash_set = STP_ALG_BIT(STP_ALG_SHA256) | STP_ALG_BIT(STP_ALG_BLAKE2B_256);
	config.include = (struct stp_globs){include, 2};
	config.link = STP_LINK_REFLINK;
	config.target_files = STP_TARGET_FILES_NONE;
	config.expiry.timestamp = 7200;
	config.source = STP_INDEX_STREAM;
	config.max_removals = (struct stp_removal_limit){0, 12345};
	config.removed_retention_days = 365;
	assert_int_equal(stp_config_save(&config, fd, &err), STP_OK);
	assert_int_equal(stp_config_save(&config, fd, &err), STP_IO); /* never replaces a file */
	assert_int_equal(stp_config_load(&again, fd, &err), STP_OK);
	assert_string_equal(again.targets_dir, config.targets_dir);
	assert_int_equal(again.hash_set, config.hash_set);
	assert_int_equal(again.include.count, 2);
	assert_string_equal(again.include.items[1], "simple/**");
	assert_int_equal(again.link, STP_LINK_REFLINK);
	assert_int_equal(again.target_files, STP_TARGET_FILES_NONE);
	assert_memory_equal(&again.expiry, &config.expiry, sizeof(config.expiry));
	assert_int_equal(again.delegation, STP_DELEGATION_PREFIXES);
	assert_int_equal(again.source, STP_INDEX_STREAM);
	assert_false(again.max_removals.is_share);
	assert_int_equal(again.max_removals.value, 12345);
	assert_int_equal(again.removed_retention_days, 365);
	stp_config_release(&again);
	stp_config_release(&config);
	unlinkat(fd, STP_CONFIG_FILE, 0);
	close(fd);
	rmdir(folder);
}

static void test_config__every_refusal_names_the_field(void **state)
{
	(void)state;
	refuses("{" LEAST, "line 1");
	refuses("[]", "JSON object");
	refuses("{\"format\":1,\"targets_dir\":\"/t\"}", "\"profile\": is missing");
	refuses("{\"format\":1,\"profile\":\"pep459\",\"targets_dir\":\"/t\"}",
	        "\"profile\": must be pep458, compat or prefixes");
	refuses("{" LEAST ",\"bins\":16,\"bins\":16}", "line 1: duplicate object key");
	refuses("{" LEAST ",\"bin\":16}", "\"bin\": is not a known field");
	refuses("{" LEAST ",\"\\u001b[2J\":16}", "\\x1b");
	refuses("{" LEAST ",\"bins\":12}", "\"bins\": 12 is not a power of two");
	refuses("{" LEAST ",\"bins\":2097152}", "\"bins\"");
	refuses("{" LEAST ",\"bins\":1}", "\"bins\"");
	refuses("{" LEAST ",\"hashes\":[]}", "\"hashes\"");
	refuses("{" LEAST ",\"hashes\":[\"md5\"]}", "\"hashes\": item 1");
	refuses("{" LEAST ",\"hashes\":[\"sha256\",\"sha256\"]}",
	        "\"hashes\": sha256 is listed twice");
	refuses("{" LEAST ",\"thresholds\":{\"root\":{\"threshold\":0,\"keys\":3}}}",
	        "\"thresholds.root\"");
	refuses("{" LEAST ",\"thresholds\":{\"root\":{\"threshold\":4,\"keys\":3}}}",
	        "\"thresholds.root\"");
	refuses("{" LEAST ",\"thresholds\":{\"root\":2}}", "\"thresholds.root\"");
	refuses("{" LEAST ",\"thresholds\":{\"snapshot\":2}}",
	        "\"thresholds.snapshot\": is not a known field");
	refuses("{" LEAST ",\"expiry_seconds\":{\"bin_n\":0}}", "\"expiry_seconds.bin_n\"");
	refuses("{" LEAST ",\"expiry_seconds\":{\"bin_n\":8640000,\"bins\":86400}}",
	        "\"expiry_seconds.bin_n\" is longer");
	refuses("{" LEAST ",\"bin_prefix\":\"../x\"}", "\"bin_prefix\"");
	refuses("{" LEAST ",\"bin_prefix\":\"\"}", "\"bin_prefix\"");
	refuses("{" LEAST ",\"delegation\":\"flat\"}", "\"delegation\"");
	refuses("{" LEAST ",\"bins_role\":1}", "\"bins_role\"");
	refuses("{" LEAST ",\"link\":\"soft\"}", "\"link\"");
	refuses("{" LEAST ",\"include\":[\"a\",\"[\"]}", "\"include\": item 2");
	refuses("{" LEAST ",\"mutable\":\"simple/**\"}", "\"mutable\"");
	refuses("{" LEAST ",\"source\":\"folder\"}", "\"source\"");
	refuses("{" LEAST ",\"source\":null}", "\"source\"");
	refuses("{" LEAST ",\"max_removals\":-1}", "\"max_removals\": must be a share");
	refuses("{" LEAST ",\"max_removals\":0.5}", "\"max_removals\"");
	refuses("{" LEAST ",\"max_removals\":\"500\"}", "\"max_removals\"");
	refuses("{" LEAST ",\"max_removals\":null}", "\"max_removals\"");
	refuses("{" LEAST ",\"removed_retention_days\":0}", "\"removed_retention_days\"");
	refuses("{" LEAST ",\"removed_retention_days\":36501}", "\"removed_retention_days\"");
	refuses("{" LEAST ",\"removed_retention_days\":\"90\"}", "\"removed_retention_days\"");
	refuses("{\"format\":2,\"profile\":\"pep458\",\"targets_dir\":\"/t\"}", "\"format\"");
	refuses("{\"format\":1,\"profile\":\"pep458\",\"targets_dir\":\"t\"}", "\"targets_dir\"");
	refuses("{\"format\":1,\"profile\":\"pep458\",\"targets_dir\":\"/t\\u0000x\"}", "line 1");
}

static int matches(const char *glob, const char *path)
{
	const char *items[] = {glob};
	struct stp_globs globs = {items, 1};

	return stp_globs_match(&globs, path, strlen(path));
}

static void test_config__globs_stop_at_slashes(void **state)
{
	(void)state;
	assert_true(matches("simple/**", "simple/a/index.html"));
	assert_false(matches("simple/**", "simple"));
	assert_false(matches("simple/**", "xsimple/a"));
	assert_true(matches("*.whl", "a.whl"));
	assert_false(matches("*.whl", "p/a.whl"));
	assert_true(matches("**/*.whl", "a.whl"));
	assert_true(matches("**/*.whl", "p/q/a.whl"));
	assert_false(matches("**/a.whl", "p/ba.whl"));
	assert_true(matches("p/**/a", "p/a"));
	assert_true(matches("p/**/a", "p/x/y/a"));
	assert_false(matches("p/**/a", "pa"));
	assert_true(matches("**", "anything/at/all"));
	assert_true(matches("a*b*c", "axxbyybzzc"));
	assert_false(matches("a*b*c", "axxb/yybzzc"));
	assert_true(matches("a**c", "axxb/yybzzc"));
	assert_true(matches("?[a-c][!x]", "zbz"));
	assert_false(matches("?[a-c][!x]", "zdz"));
	assert_false(matches("a[!x]b", "a/b"));
	assert_false(matches("a?b", "a/b"));
	assert_true(matches("x[]]y", "x]y"));
	assert_true(matches("*/*b", "aa/abb"));
	assert_false(matches("", "a"));
}

static void test_config__hostile_globs_stay_fast(void **state)
{
	char path[4096];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(matches("**a**a**a**a**a**a**a**a**a**a**b", path));
	assert_false(matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config__profiles_are_those_of_the_table),
	    cmocka_unit_test(test_config__signers_are_key_files),
	    cmocka_unit_test(test_config__what_is_not_in_the_file_comes_from_the_profile),
	    cmocka_unit_test(test_config__what_may_be_removed_and_for_how_long_it_is_remembered),
	    cmocka_unit_test(test_config__a_path_is_kept_by_include_and_not_by_exclude),
	    cmocka_unit_test(test_config__a_plain_name_matches_all_in_its_folder),
	    cmocka_unit_test(test_config__folders_without_targets_are_not_entered),
	    cmocka_unit_test(test_config__no_skipped_folder_contains_what_is_kept),
	    cmocka_unit_test(test_config__what_is_saved_reads_back_the_same),
	    cmocka_unit_test(test_config__every_refusal_names_the_field),
	    cmocka_unit_test(test_config__globs_stop_at_slashes),
	    cmocka_unit_test(test_config__hostile_globs_stay_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
