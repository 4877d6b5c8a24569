/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "record/fingerprint.h"
#include "record/stamp.h"

#define NS INT64_C(1000000000)

static struct stat status_of(int64_t mtime_s, int64_t mtime_ns, int64_t ctime_s, int64_t ctime_ns)
{
	struct stat st = {0};

	st.st_mode = S_IFREG | 0644;
	st.st_dev = makedev(8, 17);
	st.st_ino = 4711;
	st.st_size = 5;
	st.st_mtim.tv_sec = mtime_s;
	st.st_mtim.tv_nsec = mtime_ns;
	st.st_ctim.tv_sec = ctime_s;
	st.st_ctim.tv_nsec = ctime_ns;
	return st;
}

/* What statx(2) returns for a file for which stat(2) returns st. */
static struct statx statx_of(const struct stat *st)
{
	struct statx stx = {0};

	stx.stx_mode = (uint16_t)st->st_mode;
	stx.stx_dev_major = major(st->st_dev);
	stx.stx_dev_minor = minor(st->st_dev);
	stx.stx_ino = st->st_ino;
	stx.stx_size = (uint64_t)st->st_size;
	stx.stx_mtime.tv_sec = st->st_mtim.tv_sec;
	stx.stx_mtime.tv_nsec = (uint32_t)st->st_mtim.tv_nsec;
	stx.stx_ctime.tv_sec = st->st_ctim.tv_sec;
	stx.stx_ctime.tv_nsec = (uint32_t)st->st_ctim.tv_nsec;
	return stx;
}

static void test_record_fingerprint__stat_and_statx_give_the_same(void **state)
{
	/* 1677-09-21T00:12:43 and 2262-04-11T23:47:16 are the last seconds that fit. */
	static const int64_t seconds[] = {0,           1700000000,  -1,           -9223372036,
	                                  -9223372037, -9223372038, -11676096000, 9223372035,
	                                  9223372036,  9223372037,  15021158400,  INT64_MAX,
	                                  INT64_MIN};
	static const int64_t nanoseconds[] = {0, 1, 145224192, 854775806, 854775807, 999999999};
	const size_t count = sizeof(nanoseconds) / sizeof(nanoseconds[0]);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]) * count; i++) {
		struct stat st = status_of(seconds[i / count], nanoseconds[i % count],
		                           seconds[(i + 1) % 13], nanoseconds[(i + 1) % count]);
		struct statx stx = statx_of(&st);
		struct stp_file_status a = stp_file_status_of(&st);
		struct stp_file_status b = stp_file_status_of_statx(&stx);
		struct stp_fingerprint print = stp_fingerprint_of(&st, 42);

		assert_true(stp_file_status_is(&a, &b));
		assert_int_equal(a.length, 5);
		assert_int_equal(a.fingerprint.fs_id, makedev(8, 17));
		assert_int_equal(a.fingerprint.ino, 4711);
		assert_int_equal(a.fingerprint.mtime_ns, stp_stamp_of(st.st_mtim));
		assert_int_equal(a.fingerprint.ctime_ns, stp_stamp_of(st.st_ctim));
		assert_int_equal(print.fs_id, 42);
		assert_int_equal(stp_fingerprint_difference(&print, &a.fingerprint),
		                 STP_DIFFERS_FS);
	}
}

static void test_record_fingerprint__times_out_of_range_stay_at_its_ends(void **state)
{
	struct stat late = status_of(32503680000, 999999999, INT64_MAX, 0); /* the year 3000 */
	struct stat early = status_of(-32503680000, 0, INT64_MIN, 999999999);
	struct stat before = status_of(-1, 999999999, -1, 0);
	struct stp_fingerprint print = stp_fingerprint_of(&late, 0);

	(void)state;
	assert_int_equal(print.mtime_ns, STP_STAMP_MAX);
	assert_int_equal(print.ctime_ns, STP_STAMP_MAX);
	print = stp_fingerprint_of(&early, 0);
	assert_int_equal(print.mtime_ns, STP_STAMP_MIN);
	assert_int_equal(print.ctime_ns, STP_STAMP_MIN);
	print = stp_fingerprint_of(&before, 0);
	assert_int_equal(print.mtime_ns, -1);
	assert_int_equal(print.ctime_ns, -NS);
}

/* Both calls of a real file. */
static void test_record_fingerprint__both_calls_agree_on_this_machine(void **state)
{
	struct stp_file_status a;
	struct stp_file_status b;
	struct statx stx;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	if (statx(AT_FDCWD, "/proc/self/exe", 0, STATX_BASIC_STATS, &stx) != 0)
		skip();
	a = stp_file_status_of(&st);
	b = stp_file_status_of_statx(&stx);
	assert_true(stp_file_status_is(&a, &b));
}

static void test_record_fingerprint__each_part_alone_is_a_difference(void **state)
{
	static const int64_t extremes[] = {0, 1, -1, STP_STAMP_MIN, STP_STAMP_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		struct stp_fingerprint one = {7, 11, extremes[i], extremes[(i + 2) % 5]};
		struct stp_fingerprint all = {8, 12, one.mtime_ns ^ 1, one.ctime_ns ^ 1};
		unsigned parts;

		for (parts = 0; parts < 16; parts++) {
			struct stp_fingerprint other = one;

			if (parts & STP_DIFFERS_FS)
				other.fs_id = all.fs_id;
			if (parts & STP_DIFFERS_INO)
				other.ino = all.ino;
			if (parts & STP_DIFFERS_MTIME)
				other.mtime_ns = all.mtime_ns;
			if (parts & STP_DIFFERS_CTIME)
				other.ctime_ns = all.ctime_ns;
			assert_int_equal(stp_fingerprint_difference(&one, &other), parts);
			assert_int_equal(stp_fingerprint_difference(&other, &one), parts);
			assert_int_equal(stp_fingerprint_difference(&other, &other), 0);
		}
	}
}

static void test_record_fingerprint__a_status_is_its_length_too(void **state)
{
	struct stat st = status_of(1, 2, 3, 4);
	struct stp_file_status one = stp_file_status_of(&st);
	struct stp_file_status other = one;

	(void)state;
	assert_true(stp_file_status_is(&one, &one));
	other.length++;
	assert_false(stp_file_status_is(&one, &other));
	assert_false(stp_file_status_is(&other, &one));
	other = one;
	other.fingerprint.fs_id++;
	assert_false(stp_file_status_is(&one, &other));
}

static void test_record_fingerprint__a_file_against_its_record(void **state)
{
	const unsigned parts = STP_DIFFERS_INO | STP_DIFFERS_MTIME | STP_DIFFERS_CTIME;
	struct stat st = status_of(1, 2, 3, 4);
	struct stp_record record = {.length = 5, .fingerprint = stp_fingerprint_of(&st, 99)};
	struct stat other = st;

	(void)state;
	assert_int_equal(stp_record_difference(&record, &st), 0);
	other.st_dev++; /* the record has its own number */
	assert_int_equal(stp_record_difference(&record, &other), 0);
	other.st_ctim.tv_nsec++;
	assert_int_equal(stp_record_difference(&record, &other), STP_DIFFERS_CTIME);
	other.st_mtim.tv_sec--;
	assert_int_equal(stp_record_difference(&record, &other),
	                 STP_DIFFERS_CTIME | STP_DIFFERS_MTIME);
	other.st_ino++;
	assert_int_equal(stp_record_difference(&record, &other), parts);
	other = st;
	other.st_size++;
	assert_int_equal(stp_record_difference(&record, &other), parts);
	other = st;
	other.st_mode = S_IFLNK | 0777;
	assert_int_equal(stp_record_difference(&record, &other), parts);
	other.st_mode = S_IFDIR | 0755;
	assert_int_equal(stp_record_difference(&record, &other), parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_fingerprint__stat_and_statx_give_the_same),
	    cmocka_unit_test(test_record_fingerprint__times_out_of_range_stay_at_its_ends),
	    cmocka_unit_test(test_record_fingerprint__both_calls_agree_on_this_machine),
	    cmocka_unit_test(test_record_fingerprint__each_part_alone_is_a_difference),
	    cmocka_unit_test(test_record_fingerprint__a_status_is_its_length_too),
	    cmocka_unit_test(test_record_fingerprint__a_file_against_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
