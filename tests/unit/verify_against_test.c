/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handmade.h"
#include "scratch.h"
#include "stampede/verify.h"

/* The reported changes, one per line. */
struct heard {
	char text[8192];
};

static enum stp_errc hear(void *ctx, const struct stp_change *change, struct stp_err *err)
{
	static const char signs[] = {'!', '-', '+'};
	struct heard *heard = ctx;
	size_t used = strlen(heard->text);

	(void)err;
	snprintf(heard->text + used, sizeof(heard->text) - used, "%c%.*s\n", signs[change->kind],
	         (int)change->path_bytes, change->path);
	assert_string_equal(change->algorithm, "sha512");
	assert_int_equal(change->digest_chars, 128);
	assert_true((change->kind != STP_CHANGE_ADDED) == (change->old_digest != NULL));
	assert_true((change->kind != STP_CHANGE_REMOVED) == (change->new_digest != NULL));
	return STP_OK;
}

static struct stp_verify_against_report compare(const char *new_path, const char *old_path,
                                                size_t jobs, struct heard *heard)
{
	struct stp_verify_against_options options = {.size = sizeof(options),
	                                             .new_path = new_path,
	                                             .old_path = old_path,
	                                             .jobs = jobs ? jobs : STP_JOBS_SERIAL,
	                                             .on_change = hear,
	                                             .on_change_ctx = heard};
	struct stp_verify_against_report report;
	struct stp_err err = STP_ERR_INIT;

	heard->text[0] = '\0';
	if (stp_verify_against(&options, &report, &err) != STP_OK)
		fail_msg("against: %s: %s", err.subject, err.text);
	return report;
}

/* A second night: one file changed, one removed, two new. */
static void second_night(struct handmade *h)
{
	handmade_online(h, 2);
	handmade_put(h, "packages/03/file-3.whl", "other bytes");
	json_object_del(handmade_targets_of(h, handmade_bin_of("packages/05/file-5.whl")),
	                "packages/05/file-5.whl");
	handmade_put(h, "packages/new/a.whl", "a");
	handmade_put(h, "packages/new/b.whl", "b");
	handmade_write_online(h);
}

static void test_verify_against__an_older_timestamp_of_the_same_folder(void **state)
{
	struct scratch scratch;
	struct stp_verify_against_report report;
	struct handmade h;
	struct heard heard;
	char kept[400], now[400];

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	snprintf(now, sizeof(now), "%s/timestamp.json", scratch.path);
	snprintf(kept, sizeof(kept), "%s/.kept", scratch.path);
	assert_int_equal(rename(now, kept), 0);
	second_night(&h);
	for (size_t jobs = 0; jobs < 3; jobs++) {
		report = compare(scratch.path, kept, jobs, &heard);
		assert_int_equal(report.old_snapshot, 1);
		assert_int_equal(report.new_snapshot, 2);
		assert_int_equal(report.digest_changed, 1);
		assert_int_equal(report.removed, 1);
		assert_int_equal(report.added, 2);
		assert_memory_equal(heard.text,
		                    "!packages/03/file-3.whl\n-packages/05/file-5.whl\n", 48);
		assert_non_null(strstr(heard.text, "+packages/new/a.whl\n"));
		assert_non_null(strstr(heard.text, "+packages/new/b.whl\n"));
	}
	report = compare(scratch.path, "1", 1, &heard);
	assert_int_equal(report.digest_changed, 1);
	scratch_file(&scratch, ".commit", "{\"snapshot\":1,\"timestamp\":1}", 28);
	snprintf(kept, sizeof(kept), "%s/.commit", scratch.path);
	report = compare(scratch.path, kept, 1, &heard);
	assert_int_equal(report.old_snapshot, 1);
	assert_int_equal(report.added, 2);
	handmade_release(&h);
	scratch_release(&scratch);
}

static void test_verify_against__a_night_without_changes_is_equal_unparsed(void **state)
{
	struct scratch old_night, new_night;
	struct stp_verify_against_report report;
	struct handmade h, next;
	struct heard heard;

	(void)state;
	scratch_init(&old_night);
	scratch_init(&new_night);
	handmade_init(&h, old_night.path);
	handmade_write(&h);
	handmade_init(&next, new_night.path);
	handmade_online(&next, 123);
	handmade_write(&next);
	report = compare(new_night.path, old_night.path, 2, &heard);
	assert_string_equal(heard.text, "");
	assert_int_equal(report.bins_same, HANDMADE_BINS);
	handmade_release(&h);
	handmade_release(&next);
	scratch_release(&old_night);
	scratch_release(&new_night);
}

/* The same targets in two bins instead of four. */
static void halve_bins(struct handmade *h)
{
	for (int i = 0; i < 2; i++) {
		json_t *both = json_object();

		json_object_update(both, handmade_targets_of(h, 2 * (unsigned)i));
		json_object_update(both, handmade_targets_of(h, 2 * (unsigned)i + 1));
		json_object_set_new(h->bin[i], "targets", both);
	}
	json_object_set_new(json_object_get(json_object_get(h->bins, "delegations"),
	                                    "succinct_roles"),
	                    "bit_length", json_integer(1));
}

static void test_verify_against__other_bin_counts_are_compared_too(void **state)
{
	struct scratch four, two;
	struct stp_verify_against_report report;
	struct handmade h, halved;
	struct heard heard;

	(void)state;
	scratch_init(&four);
	scratch_init(&two);
	handmade_init(&h, four.path);
	handmade_write(&h);
	handmade_init(&halved, two.path);
	handmade_put(&halved, "packages/00/file-0.whl", "tampered");
	handmade_put(&halved, "packages/zz/extra.whl", "extra");
	halve_bins(&halved);
	handmade_write(&halved);
	report = compare(two.path, four.path, 1, &heard);
	assert_string_equal(heard.text, "!packages/00/file-0.whl\n+packages/zz/extra.whl\n");
	assert_int_equal(report.old_bins, 4);
	assert_int_equal(report.new_bins, 2);
	report = compare(four.path, two.path, 2, &heard);
	assert_string_equal(heard.text, "!packages/00/file-0.whl\n-packages/zz/extra.whl\n");
	handmade_release(&h);
	handmade_release(&halved);
	scratch_release(&four);
	scratch_release(&two);
}

static void test_verify_against__what_gc_removed_is_named(void **state)
{
	struct stp_verify_against_options options;
	struct stp_verify_against_report report;
	struct stp_err err = STP_ERR_INIT;
	struct scratch scratch;
	struct handmade h;
	struct heard heard;
	char kept[400], now[400], bin[400];

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	snprintf(now, sizeof(now), "%s/timestamp.json", scratch.path);
	snprintf(kept, sizeof(kept), "%s/.kept", scratch.path);
	snprintf(bin, sizeof(bin), "%s/1.bin-n-2.json", scratch.path);
	assert_int_equal(rename(now, kept), 0);
	second_night(&h);
	assert_int_equal(unlink(bin), 0);
	options = (struct stp_verify_against_options){.new_path = scratch.path,
	                                              .old_path = kept,
	                                              .jobs = STP_JOBS_SERIAL,
	                                              .on_change = hear,
	                                              .on_change_ctx = &heard};
	heard.text[0] = '\0';
	assert_int_equal(stp_verify_against(&options, &report, &err), STP_FORMAT);
	assert_string_equal(err.subject, "1.bin-n-2.json");
	handmade_release(&h);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify_against__an_older_timestamp_of_the_same_folder),
	    cmocka_unit_test(test_verify_against__a_night_without_changes_is_equal_unparsed),
	    cmocka_unit_test(test_verify_against__other_bin_counts_are_compared_too),
	    cmocka_unit_test(test_verify_against__what_gc_removed_is_named),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
