/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/stamp.h"
#include "record/trust.h"

#define NS      INT64_C(1000000000)
#define NOW_S   INT64_C(1700000000)
#define NOW     (NOW_S * NS)
#define MINUTE  (60 * NS)
#define FOREIGN (STP_FS_FOREIGN | 3)

static struct stp_fs_table fs;
static struct stp_again_rule rule;

static int set_up(void **state)
{
	(void)state;
	stp_fs_table_init(&fs, -1);
	rule = (struct stp_again_rule){.fs = &fs, .ahead_ns = NOW + MINUTE};
	return 0;
}

static struct stp_fingerprint stamps(int64_t mtime_ns, int64_t ctime_ns)
{
	return (struct stp_fingerprint){0, 11, mtime_ns, ctime_ns};
}

/* --- limits of stamps ------------------------------------------------------------------------ */

static int is_racy(int64_t mtime_ns, int64_t ctime_ns, int64_t racy_after_ns, int64_t ahead_ns)
{
	struct stp_fingerprint print = stamps(mtime_ns, ctime_ns);
	struct stp_stamp_limits limits = {racy_after_ns, ahead_ns};

	return stp_stamps_are_racy(&print, &limits);
}

static void test_record_trust__racy_from_its_limit_on(void **state)
{
	const int64_t old = NOW - 100 * MINUTE;
	int64_t offset;

	(void)state;
	/* One before, exactly at, one after: either stamp alone is enough. */
	for (offset = -1; offset <= 1; offset++) {
		int expected = offset >= 0;

		assert_int_equal(is_racy(NOW + offset, old, NOW, INT64_MAX), expected);
		assert_int_equal(is_racy(old, NOW + offset, NOW, INT64_MAX), expected);
		assert_int_equal(is_racy(NOW + offset, NOW + offset, NOW, INT64_MAX), expected);
	}
	/* A file of before 1677 never is, one of after 2262 is unless that counts as the future. */
	assert_false(is_racy(STP_STAMP_MIN, STP_STAMP_MIN, NOW, INT64_MAX));
	assert_true(is_racy(STP_STAMP_MAX, old, NOW, INT64_MAX));
	assert_true(is_racy(STP_STAMP_MIN, STP_STAMP_MIN, STP_STAMP_MIN, INT64_MAX));
}

static void test_record_trust__racy_until_the_future_begins(void **state)
{
	const int64_t old = NOW - 100 * MINUTE;
	const int64_t ahead = NOW + MINUTE;
	int64_t offset;

	(void)state;
	for (offset = -1; offset <= 1; offset++) {
		int expected = offset < 0;

		assert_int_equal(is_racy(ahead + offset, old, NOW, ahead), expected);
		assert_int_equal(is_racy(old, ahead + offset, NOW, ahead), expected);
	}
	assert_false(is_racy(STP_STAMP_MAX, STP_STAMP_MAX, NOW, ahead));
	/* One stamp of the future does not excuse the other. */
	assert_true(is_racy(STP_STAMP_MAX, NOW, NOW, ahead));
	assert_true(is_racy(NOW, STP_STAMP_MAX, NOW, ahead));
}

static void test_record_trust__nothing_is_racy_when_nobody_asks(void **state)
{
	static const int64_t all[] = {STP_STAMP_MIN, -1, 0, NOW, STP_STAMP_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_false(is_racy(all[i], all[(i + 1) % 5], INT64_MAX, INT64_MAX));
}

static void test_record_trust__ahead_from_its_limit_on(void **state)
{
	int64_t offset;

	(void)state;
	for (offset = -1; offset <= 1; offset++) {
		struct stp_fingerprint by_mtime = stamps(NOW + MINUTE + offset, 0);
		struct stp_fingerprint by_ctime = stamps(0, NOW + MINUTE + offset);

		assert_int_equal(stp_stamps_are_ahead(&by_mtime, NOW + MINUTE), offset >= 0);
		assert_int_equal(stp_stamps_are_ahead(&by_ctime, NOW + MINUTE), offset >= 0);
	}
}

static void test_record_trust__fresh_while_waiting_helps(void **state)
{
	static const struct {
		int64_t stamp;
		int is_fresh;
	} cases[] = {
	    {NOW - STP_STAMP_SETTLE_NS - 1, 0},
	    {NOW - STP_STAMP_SETTLE_NS, 1},
	    {NOW - 1, 1},
	    {NOW, 1},
	    {NOW + 1, 0}, /* of the future: not waited for */
	    {STP_STAMP_MAX, 0},
	    {STP_STAMP_MIN, 0},
	};
	struct stp_fingerprint print;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print = stamps(cases[i].stamp, 0);
		assert_int_equal(stp_stamps_are_fresh(&print, NOW), cases[i].is_fresh);
		print = stamps(STP_STAMP_MAX, cases[i].stamp);
		assert_int_equal(stp_stamps_are_fresh(&print, NOW), cases[i].is_fresh);
	}
	/* A clock near the start of time does not wrap. */
	print = stamps(STP_STAMP_MAX, STP_STAMP_MAX);
	assert_false(stp_stamps_are_fresh(&print, STP_STAMP_MIN));
	print = stamps(STP_STAMP_MIN, 0);
	assert_true(stp_stamps_are_fresh(&print, STP_STAMP_MIN));
}

/* --- against the ledger ---------------------------------------------------------------------- */

static struct stp_record record_of(int64_t mtime_ns, int64_t ctime_ns)
{
	return (struct stp_record){.length = 5,
	                           .fingerprint = stamps(mtime_ns, ctime_ns),
	                           .verified_at = NOW_S,
	                           .flags = STP_RECORD_FILE};
}

/* Both ways round: which of the two is older changes nothing. */
static enum stp_again compare(const struct stp_record *a, const struct stp_record *b)
{
	unsigned tolerated;
	unsigned tolerated_back;
	enum stp_again again = stp_again_compare(&rule, a, b, &tolerated);

	assert_int_equal(stp_again_compare(&rule, b, a, &tolerated_back), again);
	assert_int_equal(tolerated, tolerated_back);
	return again;
}

static void test_record_trust__each_part_alone_is_why(void **state)
{
	static const int64_t extremes[] = {0, -1, NOW, STP_STAMP_MIN, STP_STAMP_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		struct stp_record one = record_of(extremes[i], extremes[(i + 3) % 5]);
		struct stp_record other = one;

		one.fingerprint.fs_id = FOREIGN;
		other.fingerprint.fs_id = FOREIGN;
		assert_int_equal(compare(&one, &one), STP_AGAIN_NOT);
		assert_int_equal(compare(&one, &other), STP_AGAIN_NOT);
		other.length ^= 1;
		assert_int_equal(compare(&one, &other), STP_AGAIN_SIZE);
		other.length ^= 1;
		other.fingerprint.mtime_ns ^= 1;
		assert_int_equal(compare(&one, &other), STP_AGAIN_MTIME);
		other.fingerprint.mtime_ns ^= 1;
		other.fingerprint.ino ^= 1;
		assert_int_equal(compare(&one, &other), STP_AGAIN_INODE);
		other.fingerprint.ino ^= 1;
		other.fingerprint.ctime_ns ^= 1;
		assert_int_equal(compare(&one, &other), STP_AGAIN_CTIME);
		other.fingerprint.ctime_ns ^= 1;
		other.fingerprint.fs_id ^= 1;
		assert_int_equal(compare(&one, &other), STP_AGAIN_DEVICE);
	}
}

static void test_record_trust__only_the_ctime_may_differ_where_the_mtime_counts(void **state)
{
	struct stp_record one = record_of(100, 200);
	struct stp_record other = record_of(100, 300);
	unsigned tolerated;

	(void)state;
	assert_int_equal(stp_again_compare(&rule, &one, &other, &tolerated), STP_AGAIN_CTIME);
	rule.mtime_counts = 1;
	assert_int_equal(stp_again_compare(&rule, &one, &other, &tolerated), STP_AGAIN_NOT);
	assert_int_equal(tolerated, STP_TOLERATED_CTIME);
	assert_int_equal(stp_again_compare(&rule, &one, &one, &tolerated), STP_AGAIN_NOT);
	assert_int_equal(tolerated, 0);
	other.fingerprint.mtime_ns++;
	assert_int_equal(stp_again_compare(&rule, &one, &other, &tolerated), STP_AGAIN_MTIME);
	assert_int_equal(tolerated, 0);
}

static void test_record_trust__another_number_of_the_root_is_tolerated(void **state)
{
	struct stp_record now = record_of(100, 200);
	struct stp_record then = record_of(100, 200);
	unsigned tolerated;

	(void)state;
	then.fingerprint.fs_id = 2049; /* as older programs noted the root's */
	assert_int_equal(stp_again_compare(&rule, &now, &then, &tolerated), STP_AGAIN_NOT);
	assert_int_equal(tolerated, STP_TOLERATED_DEVICE);
	then.fingerprint.fs_id = FOREIGN;
	assert_int_equal(stp_again_compare(&rule, &now, &then, &tolerated), STP_AGAIN_DEVICE);
}

static enum stp_again settled(int64_t mtime_ns, int64_t ctime_ns, unsigned flags)
{
	struct stp_record record = record_of(mtime_ns, ctime_ns);

	record.flags |= (uint16_t)flags;
	return stp_again_settled(&rule, &record);
}

static void test_record_trust__marks_of_the_record_come_first(void **state)
{
	(void)state;
	assert_int_equal(settled(1, 1, 0), STP_AGAIN_NOT);
	assert_int_equal(settled(1, 1, STP_RECORD_RACY), STP_AGAIN_UNSETTLED);
	assert_int_equal(settled(1, 1, STP_RECORD_RACY | STP_RECORD_PASSED), STP_AGAIN_UNSETTLED);
	assert_int_equal(settled(1, 1, STP_RECORD_PASSED), STP_AGAIN_CTIME);
	rule.mtime_counts = 1;
	assert_int_equal(settled(1, 1, STP_RECORD_PASSED), STP_AGAIN_NOT);
	assert_int_equal(settled(1, 1, STP_RECORD_RACY), STP_AGAIN_UNSETTLED);
}

/* Stamps were ahead when the file was hashed if they are at least half a minute later than that. */
static void test_record_trust__a_stamp_of_the_future_until_it_has_come(void **state)
{
	const int64_t hashed = NOW + 30 * NS;
	int64_t offset;

	(void)state;
	rule.ahead_ns = NOW + 1000 * MINUTE;
	for (offset = -1; offset <= 1; offset++) {
		enum stp_again expected = offset >= 0 ? STP_AGAIN_FUTURE : STP_AGAIN_NOT;

		assert_int_equal(settled(hashed + offset, 1, 0), expected);
		assert_int_equal(settled(1, hashed + offset, 0), expected);
	}
	for (offset = -1; offset <= 1; offset++) {
		enum stp_again expected = offset < 0 ? STP_AGAIN_FUTURE : STP_AGAIN_NOT;

		assert_int_equal(settled(rule.ahead_ns + offset, 1, 0), expected);
		assert_int_equal(settled(1, rule.ahead_ns + offset, 0), expected);
	}
	assert_int_equal(settled(STP_STAMP_MAX, STP_STAMP_MAX, 0), STP_AGAIN_NOT);
	assert_int_equal(settled(STP_STAMP_MAX, hashed, 0), STP_AGAIN_FUTURE);
	assert_int_equal(settled(STP_STAMP_MIN, STP_STAMP_MIN, 0), STP_AGAIN_NOT);
}

/* verified_at comes from a file: it may be any number. */
static void test_record_trust__any_time_of_hashing_is_defined(void **state)
{
	static const int64_t times[] = {INT64_MIN,      -1,       0, INT64_MAX / NS,
	                                INT64_MAX - 29, INT64_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct stp_record record = record_of(NOW, NOW);

		record.verified_at = times[i];
		assert_int_equal(stp_again_settled(&rule, &record),
		                 times[i] < NOW_S ? STP_AGAIN_FUTURE : STP_AGAIN_NOT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_trust__racy_from_its_limit_on),
	    cmocka_unit_test(test_record_trust__racy_until_the_future_begins),
	    cmocka_unit_test(test_record_trust__nothing_is_racy_when_nobody_asks),
	    cmocka_unit_test(test_record_trust__ahead_from_its_limit_on),
	    cmocka_unit_test(test_record_trust__fresh_while_waiting_helps),
	    cmocka_unit_test_setup(test_record_trust__each_part_alone_is_why, set_up),
	    cmocka_unit_test_setup(
	        test_record_trust__only_the_ctime_may_differ_where_the_mtime_counts, set_up),
	    cmocka_unit_test_setup(test_record_trust__another_number_of_the_root_is_tolerated,
	                           set_up),
	    cmocka_unit_test_setup(test_record_trust__marks_of_the_record_come_first, set_up),
	    cmocka_unit_test_setup(test_record_trust__a_stamp_of_the_future_until_it_has_come,
	                           set_up),
	    cmocka_unit_test_setup(test_record_trust__any_time_of_hashing_is_defined, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
