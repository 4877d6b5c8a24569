/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/status/loss.h"

#define ROOT_ENDS    INT64_C(1000)
#define TARGETS_ENDS INT64_C(900)
#define TIME_ENDS    INT64_C(10)

/* Root 2 of 3, targets 2 of 2, bins 1 of 2, one online key; "both" signs root and targets. */
struct fixture {
	struct stp_status_key keys[STP_STATUS_ROLES][3];
	struct stp_status_report status;
};

static void add(struct fixture *f, size_t role, const char *keyid, const char *name)
{
	struct stp_status_role *r = &f->status.roles[role];

	f->keys[role][r->key_count++] = (struct stp_status_key){.keyid = keyid, .name = name};
}

static void make(struct fixture *f, int has_bins)
{
	static const int64_t ends[] = {ROOT_ENDS, TARGETS_ENDS, ROOT_ENDS,
	                               TIME_ENDS, TIME_ENDS,    TIME_ENDS};
	static const unsigned thresholds[] = {2, 2, 1, 1, 1, 1};

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		f->status.roles[i].is_offline = i <= STP_STATUS_BINS;
		f->status.roles[i].keys = f->keys[i];
		if (i == STP_STATUS_BINS && !has_bins)
			continue;
		f->status.roles[i].threshold = thresholds[i];
		f->status.roles[i].expires = ends[i];
	}
	add(f, STP_STATUS_ROOT, "aaaaaaaa01", "safe-1");
	add(f, STP_STATUS_ROOT, "aaaaaaaa02", "safe-2");
	add(f, STP_STATUS_ROOT, "bbbbbbbb03", "both");
	add(f, STP_STATUS_TARGETS, "bbbbbbbb03", "both");
	add(f, STP_STATUS_TARGETS, "cccccccc04", "");
	if (has_bins) {
		add(f, STP_STATUS_BINS, "dddddddd05", "bins-1");
		add(f, STP_STATUS_BINS, "dddddddd06", "bins-2");
	}
	add(f, STP_STATUS_BIN_N, "eeeeeeee07", "");
	add(f, STP_STATUS_SNAPSHOT, "eeeeeeee07", "");
	add(f, STP_STATUS_TIMESTAMP, "eeeeeeee07", "");
}

/* "none", "replace", … as letters, in the order of roles. */
static const char *losses(struct fixture *f, int has_bins, const char *first, const char *second,
                          const char *third)
{
	static const char letters[] = {[STP_STATUS_LOSS_NONE] = '-',
	                               [STP_STATUS_LOSS_REPLACE] = 'r',
	                               [STP_STATUS_LOSS_REKEY] = 'k',
	                               [STP_STATUS_LOSS_ONLINE] = 'o',
	                               [STP_STATUS_LOSS_FINAL] = 'F'};
	static char text[STP_STATUS_ROLES + 1];
	const char *names[] = {first, second, third};
	size_t count = third ? 3 : second ? 2 : first ? 1 : 0;
	struct stp_err err = STP_ERR_INIT;

	make(f, has_bins);
	assert_int_equal(stp_loss_mark(&f->status, names, count, &err), STP_OK);
	stp_loss_judge(&f->status);
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		text[i] = letters[f->status.roles[i].loss];
	return text;
}

static void test_loss__of_nothing_changes_nothing(void **state)
{
	struct fixture f;

	(void)state;
	assert_string_equal(losses(&f, 1, NULL, NULL, NULL), "------");
	assert_int_equal(f.status.lost_until, 0);
}

static void test_loss__a_role_that_reaches_its_threshold_replaces_its_keys(void **state)
{
	struct fixture f;

	(void)state;
	assert_string_equal(losses(&f, 1, "safe-1", NULL, NULL), "r-----");
	assert_string_equal(losses(&f, 1, "bins-2", NULL, NULL), "--r---");
	assert_int_equal(f.status.lost_until, 0);
}

static void test_loss__roles_below_get_new_keys_from_above(void **state)
{
	struct fixture f;

	(void)state;
	assert_string_equal(losses(&f, 1, "cccccccc", NULL, NULL), "-k----");
	assert_string_equal(losses(&f, 1, "bins-1", "bins-2", NULL), "--k---");
	/* targets, which has lost keys itself, gets new ones first */
	assert_string_equal(losses(&f, 1, "cccccccc04", "bins-1", "bins-2"), "-kk---");
	/* one key in two roles */
	assert_string_equal(losses(&f, 1, "both", NULL, NULL), "rk----");
	assert_int_equal(f.status.lost_until, 0);
}

static void test_loss__of_the_root_quorum_is_final(void **state)
{
	struct fixture f;

	(void)state;
	assert_string_equal(losses(&f, 1, "safe-1", "safe-2", NULL), "F-----");
	assert_int_equal(f.status.lost_until, ROOT_ENDS);
	/* targets cannot get new keys then, and it expires before root */
	assert_string_equal(losses(&f, 1, "safe-1", "safe-2", "cccccccc"), "FF----");
	assert_int_equal(f.status.lost_until, TARGETS_ENDS);
	/* bins still gets them from targets */
	assert_string_equal(losses(&f, 1, "safe-1", "safe-2", "bins-1"), "F-r---");
	assert_int_equal(f.status.lost_until, ROOT_ENDS);
}

static void test_loss__of_an_online_key_needs_the_roles_above(void **state)
{
	struct fixture f;

	(void)state;
	assert_string_equal(losses(&f, 1, "eeeeeeee", NULL, NULL), "---ooo");
	assert_int_equal(f.status.lost_until, 0);
	/* without root nobody can name another timestamp key; bin-n gets one from bins */
	assert_string_equal(losses(&f, 1, "safe-1", "safe-2", "eeeeeeee"), "F--oFF");
	assert_int_equal(f.status.lost_until, TIME_ENDS);
	assert_string_equal(losses(&f, 0, "safe-1", "safe-2", "eeeeeeee"), "F--oFF");
	/* without a bins role, from targets, which is lost here */
	assert_string_equal(losses(&f, 0, "both", "safe-1", "eeeeeeee"), "FF-FFF");
}

static void test_loss__keys_are_named_without_doubt(void **state)
{
	static const char *const bad[] = {"",         "safe-",     "safe-3",      "aaaaaaa",
	                                  "aaaaaaaa", "dddddddd0", "aaaaaaaa011", "AAAAAAAA01",
	                                  "root"};
	struct stp_err err = STP_ERR_INIT;
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make(&f, 1);
		err = (struct stp_err)STP_ERR_INIT;
		assert_int_equal(stp_loss_mark(&f.status, &bad[i], 1, &err), STP_CONFIG);
		assert_string_equal(err.subject, bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loss__of_nothing_changes_nothing),
	    cmocka_unit_test(test_loss__a_role_that_reaches_its_threshold_replaces_its_keys),
	    cmocka_unit_test(test_loss__roles_below_get_new_keys_from_above),
	    cmocka_unit_test(test_loss__of_the_root_quorum_is_final),
	    cmocka_unit_test(test_loss__of_an_online_key_needs_the_roles_above),
	    cmocka_unit_test(test_loss__keys_are_named_without_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
