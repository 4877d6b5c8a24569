/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/modes.h"

static void test_modes__know_file_systems_that_keep_none(void **state)
{
	const char *name;

	(void)state;
	assert_int_equal(stp_modes_of(0x4d44, &name), STP_MODES_BY_UMASK);
	assert_string_equal(name, "FAT");
	assert_int_equal(stp_modes_of(0x2011bab0, &name), STP_MODES_BY_UMASK);
	assert_int_equal(stp_modes_of(0x65735546, &name), STP_MODES_UNKNOWN);
	/* A number with its upper bit set, as a signed int is widened. */
	assert_int_equal(stp_modes_of((unsigned long)(int32_t)0xfe534d42, &name), STP_MODES_BY_SMB);
	assert_string_equal(name, "SMB");
	/* ext4, XFS, tmpfs */
	assert_int_equal(stp_modes_of(0xef53, &name), STP_MODES_KEPT);
	assert_int_equal(stp_modes_of(0x58465342, &name), STP_MODES_KEPT);
	assert_int_equal(stp_modes_of(0x01021994, &name), STP_MODES_KEPT);
	assert_string_equal(name, "");
}

static void test_modes__advise_chmod_where_it_has_an_effect(void **state)
{
	char advice[STP_MODE_ADVICE_BYTES];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_string_equal(stp_mode_advice(fd, 0700, advice), "chmod 700 it");
	assert_string_equal(stp_owner_advice(fd, advice),
	                    "run it as its owner, or use a copy of your own");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_modes__know_file_systems_that_keep_none),
	    cmocka_unit_test(test_modes__advise_chmod_where_it_has_an_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
