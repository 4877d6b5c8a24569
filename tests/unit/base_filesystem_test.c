/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/filesystem.h"
#include "scratch.h"

static void test_filesystem__the_roots_is_zero_and_others_have_an_id(void **state)
{
	struct scratch scratch;
	struct stp_fs_table table;
	struct stp_fs_table again;
	struct stat here;
	struct stat there;
	uint64_t id;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	scratch_init(&scratch);
	assert_int_equal(fstat(scratch.fd, &here), 0);
	assert_int_equal(fstat(proc, &there), 0);
	stp_fs_table_init(&table, scratch.fd);
	assert_int_equal(stp_fs_id(&table, here.st_dev, scratch.fd, ""), 0);
	id = stp_fs_id(&table, there.st_dev, proc, "");
	assert_true(id & STP_FS_FOREIGN);
	assert_int_equal(stp_fs_id(&table, there.st_dev, proc, "version"), id);
	/* /proc stamps nothing with the clock of a disk. */
	assert_false(stp_fs_all_have_own_clock(&table));
	assert_int_equal(stp_fs_grace_ns(&table, scratch.fd), STP_FS_GRACE_OTHER_NS);
	/* Another run assigns the same numbers, in whatever order it finds them. */
	stp_fs_table_init(&again, proc);
	assert_int_equal(stp_fs_id(&again, there.st_dev, proc, ""), 0);
	id = stp_fs_id(&again, here.st_dev, scratch.fd, "");
	stp_fs_table_init(&again, proc);
	assert_int_equal(stp_fs_id(&again, here.st_dev, scratch.fd, ""), id);
	close(proc);
	scratch_release(&scratch);
}

static void test_filesystem__only_the_roots_number_may_have_moved(void **state)
{
	const uint64_t mine = STP_FS_FOREIGN | 5;
	struct stp_fs_table table;

	(void)state;
	stp_fs_table_init(&table, -1);
	table.root = 7;
	table.items[0].device = 99;
	table.items[0].id = mine;
	atomic_store(&table.count, 1);
	assert_true(stp_fs_is_same(&table, 0, 0));
	assert_true(stp_fs_is_same(&table, mine, mine));
	/* What an older program wrote. */
	assert_true(stp_fs_is_same(&table, 0, 7));
	assert_true(stp_fs_is_same(&table, 0, 8));
	assert_true(stp_fs_is_same(&table, mine, 99));
	assert_false(stp_fs_is_same(&table, mine, 98));
	/* Another file system. */
	assert_false(stp_fs_is_same(&table, mine, 0));
	assert_false(stp_fs_is_same(&table, 0, mine));
	assert_false(stp_fs_is_same(&table, mine, STP_FS_FOREIGN | 6));
}

static void test_filesystem__more_than_the_table_holds_have_ids_too(void **state)
{
	static struct stp_fs_table table;
	struct scratch scratch;
	uint64_t id;
	dev_t i;

	(void)state;
	scratch_init(&scratch);
	stp_fs_table_init(&table, -1);
	id = stp_fs_id(&table, 1, scratch.fd, "");
	for (i = 2; i < STP_FS_TABLE_MAX + 50; i++)
		assert_true(stp_fs_id(&table, i, scratch.fd, "") & STP_FS_FOREIGN);
	assert_int_equal(atomic_load(&table.count), STP_FS_TABLE_MAX);
	assert_int_equal(stp_fs_id(&table, 1, scratch.fd, ""), id);
	/* One that disappeared while it was examined. */
	assert_int_equal(stp_fs_id(&table, 5000, scratch.fd, "gone"), STP_FS_FOREIGN | 5000);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_filesystem__the_roots_is_zero_and_others_have_an_id),
	    cmocka_unit_test(test_filesystem__only_the_roots_number_may_have_moved),
	    cmocka_unit_test(test_filesystem__more_than_the_table_holds_have_ids_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
