/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/filesystem.h"
#include "digest/fill.h"
#include "record/stamp.h"
#include "record/trust.h"

#define NS      INT64_C(1000000000)
#define HASHED  INT64_C(1700000000)
#define MINUTE  (60 * NS)
#define FOREIGN (STP_FS_FOREIGN | 3)

static struct stp_fs_table fs;
static struct stp_again_rule rule;

static int set_up(void **state)
{
	(void)state;
	memset(&rule, 0, sizeof(rule));
	stp_fs_table_init(&fs, -1);
	rule.fs = &fs;
	return 0;
}

static struct stp_record record_of(int64_t mtime_ns, int64_t ctime_ns)
{
	struct stp_record record = {.length = 5,
	                            .fingerprint = {0, 11, mtime_ns, ctime_ns},
	                            .verified_at = HASHED,
	                            .flags = STP_RECORD_FILE};

	return record;
}

static enum stp_again compare(const struct stp_record *entry, unsigned *tolerated)
{
	struct stp_record known = record_of(100, 200);

	return stp_again_compare(&rule, entry, &known, tolerated);
}

static void test_run_sign_again__the_first_part_that_differs_is_why(void **state)
{
	struct stp_record entry = record_of(100, 200);
	unsigned tolerated;

	(void)state;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_NOT);
	entry.fingerprint.fs_id = FOREIGN;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_DEVICE);
	entry.fingerprint.ctime_ns++;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_CTIME);
	entry.fingerprint.ino++;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_INODE);
	entry.fingerprint.mtime_ns--;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_MTIME);
	entry.length++;
	assert_int_equal(compare(&entry, &tolerated), STP_AGAIN_SIZE);
}

static void test_run_sign_again__what_is_tolerated_is_told_apart(void **state)
{
	struct stp_record known = record_of(100, 200);
	struct stp_record entry = known;
	unsigned tolerated;

	(void)state;
	known.fingerprint.fs_id = 2049; /* as older versions noted it for the root */
	assert_int_equal(stp_again_compare(&rule, &entry, &known, &tolerated), STP_AGAIN_NOT);
	assert_int_equal(tolerated, STP_TOLERATED_DEVICE);
	rule.mtime_counts = 1;
	entry.fingerprint.ctime_ns = 300;
	assert_int_equal(stp_again_compare(&rule, &entry, &known, &tolerated), STP_AGAIN_NOT);
	assert_int_equal(tolerated, STP_TOLERATED_DEVICE | STP_TOLERATED_CTIME);
	entry.fingerprint.ino++;
	assert_int_equal(stp_again_compare(&rule, &entry, &known, &tolerated), STP_AGAIN_INODE);
	entry.fingerprint.ino--;
	entry.fingerprint.mtime_ns++;
	assert_int_equal(stp_again_compare(&rule, &entry, &known, &tolerated), STP_AGAIN_MTIME);
}

/* Hashed at HASHED; the run checks it at now_s. */
static enum stp_again settled(int64_t mtime_ns, int64_t ctime_ns, int64_t now_s)
{
	struct stp_record record = record_of(mtime_ns, ctime_ns);

	rule.ahead_ns = now_s * NS + STP_STAMP_AHEAD_NS;
	return stp_again_settled(&rule, &record);
}

static void test_run_sign_again__a_time_in_the_future_counts_until_it_has_come(void **state)
{
	const int64_t then = HASHED * NS;
	const int64_t future = then + 100 * MINUTE;
	struct stp_record racy = record_of(then, then);

	(void)state;
	assert_int_equal(settled(then, then, HASHED + 1), STP_AGAIN_NOT);
	assert_int_equal(settled(future, then, HASHED + 1), STP_AGAIN_NOT);
	assert_int_equal(settled(then, future, HASHED + 1), STP_AGAIN_NOT);
	assert_int_equal(settled(INT64_MAX - 1, then, HASHED + 86400), STP_AGAIN_NOT);
	/* That time has come, or nearly. */
	assert_int_equal(settled(future, then, HASHED + 99 * 60 + 1), STP_AGAIN_FUTURE);
	assert_int_equal(settled(future, then, HASHED + 86400), STP_AGAIN_FUTURE);
	assert_int_equal(settled(then, future, HASHED + 86400), STP_AGAIN_FUTURE);
	/* One of two. */
	assert_int_equal(settled(then + 1000 * MINUTE, future, HASHED + 200 * 60),
	                 STP_AGAIN_FUTURE);
	/* A clock that was set back: what was hashed by the later time stays valid. */
	assert_int_equal(settled(then, then, HASHED - 86400), STP_AGAIN_NOT);
	racy.flags |= STP_RECORD_RACY;
	assert_int_equal(stp_again_settled(&rule, &racy), STP_AGAIN_UNSETTLED);
}

/* What the hash stage notes: too new, or ahead of the clock. */
static void test_run_sign_again__a_time_in_the_future_is_not_too_new(void **state)
{
	struct stp_hash_stage_options options = {.root_fd = -1};
	struct stp_file_status status = {.length = 5};
	struct stp_record record = record_of(0, 0);
	int64_t now_ns = stp_stamp_later(stp_stamp_ahead(), -STP_STAMP_AHEAD_NS);

	(void)state;
	options.racy_after_ns = now_ns - 2 * NS;
	status.fingerprint.mtime_ns = status.fingerprint.ctime_ns = now_ns - 3 * NS;
	stp_digest_fill(&record, &status, &options);
	assert_false(record.flags & STP_RECORD_RACY);
	status.fingerprint.mtime_ns = now_ns + 120 * MINUTE;
	stp_digest_fill(&record, &status, &options);
	assert_false(record.flags & STP_RECORD_RACY);
	status.fingerprint.ctime_ns = now_ns;
	stp_digest_fill(&record, &status, &options);
	assert_true(record.flags & STP_RECORD_RACY);
	status.fingerprint.ctime_ns = now_ns - 3 * NS;
	status.fingerprint.mtime_ns = now_ns + 30 * NS; /* a server's clock may be off by this */
	stp_digest_fill(&record, &status, &options);
	assert_true(record.flags & STP_RECORD_RACY);
}

static void test_run_sign_again__one_line_has_every_reason(void **state)
{
	struct stp_sign_again again = {0};
	char text[256];
	char small[20];

	(void)state;
	assert_int_equal(stp_sign_again_text(&again, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	again.files[STP_AGAIN_CTIME] = 1;
	assert_int_equal(stp_sign_again_text(&again, text, sizeof(text)), 1);
	assert_string_equal(text, "hashed again: 1 file (1: ctime)");
	again.files[STP_AGAIN_SIZE] = 1234;
	again.files[STP_AGAIN_REHASH] = 2;
	assert_int_equal(stp_sign_again_text(&again, text, sizeof(text)), 1237);
	assert_string_equal(text, "hashed again: 1,237 files (1,234: size, 1: ctime, 2: rehash)");
	assert_int_equal(stp_sign_again_text(&again, small, sizeof(small)), 1237);
	assert_string_equal(small, "hashed again: 1,237");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_run_sign_again__the_first_part_that_differs_is_why, set_up),
	    cmocka_unit_test_setup(test_run_sign_again__what_is_tolerated_is_told_apart, set_up),
	    cmocka_unit_test_setup(
	        test_run_sign_again__a_time_in_the_future_counts_until_it_has_come, set_up),
	    cmocka_unit_test_setup(test_run_sign_again__a_time_in_the_future_is_not_too_new,
	                           set_up),
	    cmocka_unit_test_setup(test_run_sign_again__one_line_has_every_reason, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
