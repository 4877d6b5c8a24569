/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/limits.h"
#include "hash/hash.h"
#include "record/stamp.h"
#include "scan/tree.h"
#include "scratch.h"

#define SEEN_MAX 300000

struct seen {
	pthread_mutex_t lock;
	char **paths;
	struct stp_record *records;
	size_t count;
	size_t fail_after;
};

static enum stp_errc collect(void *ctx, size_t worker_index, const struct stp_record *records,
                             size_t count, struct stp_err *err)
{
	struct seen *seen = ctx;
	int is_enough;
	size_t i;

	(void)worker_index;
	pthread_mutex_lock(&seen->lock);
	for (i = 0; i < count; i++) {
		seen->paths[seen->count] = strndup(records[i].path, records[i].path_bytes);
		seen->records[seen->count] = records[i];
		seen->count++;
	}
	is_enough = seen->fail_after && seen->count >= seen->fail_after;
	pthread_mutex_unlock(&seen->lock);
	if (is_enough)
		return STP_FAIL(err, STP_IO, "test", NULL, "enough");
	return STP_OK;
}

static void seen_init(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	pthread_mutex_init(&seen->lock, NULL);
	seen->paths = calloc(SEEN_MAX, sizeof(char *));
	seen->records = calloc(SEEN_MAX, sizeof(*seen->records));
}

static void seen_release(struct seen *seen)
{
	size_t i;

	for (i = 0; i < seen->count; i++)
		free(seen->paths[i]);
	free(seen->paths);
	free(seen->records);
}

static const struct stp_record *seen_find(const struct seen *seen, const char *path)
{
	size_t i;

	for (i = 0; i < seen->count; i++) {
		if (strcmp(seen->paths[i], path) == 0)
			return &seen->records[i];
	}
	return NULL;
}

static const struct stp_fault *fault_find(const struct stp_fault_list *faults, const char *path)
{
	size_t i;

	for (i = 0; i < faults->count; i++) {
		if (strcmp(faults->items[i].subject, path) == 0)
			return &faults->items[i];
	}
	return NULL;
}

struct fixture {
	struct scratch scratch;
	struct stp_fault_list faults;
	struct seen seen;
	struct stp_tree_options options;
	struct stp_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_init(&f->scratch);
	stp_fault_list_init(&f->faults);
	seen_init(&f->seen);
	f->options.racy_after_ns = INT64_MAX;
	f->options.faults = &f->faults;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	seen_release(&f->seen);
	stp_fault_list_release(&f->faults);
	scratch_release(&f->scratch);
	free(f);
	return 0;
}

static void walk(struct fixture *f, size_t threads)
{
	f->options.threads = threads;
	assert_int_equal(stp_tree_walk(f->scratch.fd, &f->options, collect, &f->seen, &f->err),
	                 STP_OK);
}

static void test_scan_tree__emits_what_stat_says(void **state)
{
	struct fixture *f = *state;
	const struct stp_record *record;
	uint8_t key[32];
	struct stat st;

	scratch_file(&f->scratch, "a", "1234", 4);
	scratch_file(&f->scratch, "packages/ab/cd/foo-1.0.whl", "", 0);
	scratch_file(&f->scratch, "with space/x", "x", 1);
	walk(f, 2);
	assert_int_equal(f->seen.count, 3);
	assert_int_equal(f->faults.total, 0);
	record = seen_find(&f->seen, "a");
	assert_non_null(record);
	assert_int_equal(fstatat(f->scratch.fd, "a", &st, 0), 0);
	assert_int_equal(record->length, 4);
	assert_int_equal(record->fingerprint.fs_id, st.st_dev);
	assert_int_equal(record->fingerprint.ino, st.st_ino);
	assert_int_equal(record->fingerprint.mtime_ns,
	                 st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
	assert_int_equal(record->fingerprint.ctime_ns,
	                 st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec);
	assert_int_equal(record->flags, STP_RECORD_FILE);
	stp_hash_one(STP_ALG_SHA256, "a", 1, key);
	assert_memory_equal(record->key, key, 32);
	assert_non_null(seen_find(&f->seen, "packages/ab/cd/foo-1.0.whl"));
	assert_non_null(seen_find(&f->seen, "with space/x"));
}

static void test_scan_tree__names_what_it_will_not_sign(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	scratch_file(&f->scratch, "good", "", 0);
	scratch_file(&f->scratch, "line\nfeed", "", 0);
	scratch_file(&f->scratch, "quo\"te", "", 0);
	scratch_file(&f->scratch, "back\\slash", "", 0);
	scratch_file(&f->scratch, "\xc3\xa9t\xc3\xa9/inside", "", 0);
	assert_int_equal(symlinkat("good", f->scratch.fd, "link"), 0);
	assert_int_equal(symlinkat("/etc", f->scratch.fd, "folder-link"), 0);
	assert_int_equal(mkfifoat(f->scratch.fd, "fifo", 0644), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", f->scratch.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	walk(f, 2);
	assert_int_equal(f->seen.count, 1);
	assert_int_equal(f->faults.total, 8);
	assert_non_null(fault_find(&f->faults, "line\nfeed"));
	assert_non_null(fault_find(&f->faults, "quo\"te"));
	assert_non_null(fault_find(&f->faults, "back\\slash"));
	assert_non_null(fault_find(&f->faults, "\xc3\xa9t\xc3\xa9/inside"));
	assert_non_null(strstr(fault_find(&f->faults, "link")->text, "symbolic link"));
	assert_non_null(fault_find(&f->faults, "folder-link"));
	assert_non_null(strstr(fault_find(&f->faults, "fifo")->text, "FIFO"));
	assert_non_null(strstr(fault_find(&f->faults, "socket")->text, "socket"));
}

static void test_scan_tree__takes_any_name_for_hash(void **state)
{
	struct fixture *f = *state;

	scratch_file(&f->scratch, "line\nfeed", "", 0);
	scratch_file(&f->scratch, "\xff/x", "", 0);
	assert_int_equal(symlinkat("x", f->scratch.fd, "link"), 0);
	f->options.flags = STP_TREE_ANY_NAME | STP_TREE_SKIP_LINKS;
	f->options.prefix = "pre/fix/";
	walk(f, 1);
	assert_int_equal(f->faults.total, 0);
	assert_int_equal(f->seen.count, 2);
	assert_non_null(seen_find(&f->seen, "pre/fix/line\nfeed"));
	assert_non_null(seen_find(&f->seen, "pre/fix/\xff/x"));
}

static int keep_not_bad(void *ctx, const char *path, size_t path_bytes)
{
	(void)ctx;
	return memmem(path, path_bytes, "bad", 3) == NULL;
}

static int enter_not_secret(void *ctx, const char *path, size_t path_bytes)
{
	(void)ctx;
	return !(path_bytes == 6 && memcmp(path, "secret", 6) == 0);
}

static void test_scan_tree__asks_the_filter_before_a_fault(void **state)
{
	struct fixture *f = *state;

	scratch_file(&f->scratch, "good", "", 0);
	scratch_file(&f->scratch, "bad", "", 0);
	scratch_file(&f->scratch, "secret/good", "", 0);
	assert_int_equal(symlinkat("x", f->scratch.fd, "bad-link"), 0);
	f->options.keep = keep_not_bad;
	f->options.enter = enter_not_secret;
	walk(f, 2);
	assert_int_equal(f->seen.count, 1);
	assert_int_equal(f->faults.total, 0);
}

static void test_scan_tree__folders_too_deep_are_a_fault(void **state)
{
	struct fixture *f = *state;
	char path[2 * STP_TREE_DEPTH_MAX + 16];
	size_t i;

	for (i = 0; i < 2 * (STP_TREE_DEPTH_MAX + 1); i++)
		path[i] = i % 2 ? '/' : 'd';
	strcpy(path + i, "deep");
	scratch_file(&f->scratch, path, "", 0);
	strcpy(path + i - 2, "just");
	scratch_file(&f->scratch, path, "", 0);
	walk(f, 3);
	assert_int_equal(f->seen.count, 1);
	assert_non_null(seen_find(&f->seen, path));
	assert_int_equal(f->faults.total, 1);
}

static void test_scan_tree__unreadable_folders_are_a_fault(void **state)
{
	struct fixture *f = *state;

	int is_root = geteuid() == 0;

	scratch_file(&f->scratch, "closed/x", "", 0);
	assert_int_equal(fchmodat(f->scratch.fd, "closed", 0, 0), 0);
	assert_int_equal(fchmod(f->scratch.fd, 0755), 0);
	if (is_root && seteuid(65534) != 0)
		skip();
	walk(f, 2);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	fchmodat(f->scratch.fd, "closed", 0700, 0);
	assert_int_equal(f->faults.total, 1);
	assert_non_null(fault_find(&f->faults, "closed"));
}

/* Of "/" only "/proc", which is another file system wherever these tests run. */
static int enter_only_proc(void *ctx, const char *path, size_t path_bytes)
{
	(void)ctx;
	return path_bytes == 4 && memcmp(path, "proc", 4) == 0;
}

static int keep_only_proc(void *ctx, const char *path, size_t path_bytes)
{
	(void)ctx;
	return path_bytes >= 4 && memcmp(path, "proc", 4) == 0;
}

static void test_scan_tree__other_file_systems_are_a_fault(void **state)
{
	struct fixture *f = *state;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat root;
	struct stat proc;

	if (fd < 0 || fstat(fd, &root) != 0 || stat("/proc", &proc) != 0 ||
	    root.st_dev == proc.st_dev)
		skip();
	f->options.enter = enter_only_proc;
	f->options.keep = keep_only_proc;
	assert_int_equal(stp_tree_walk(fd, &f->options, collect, &f->seen, &f->err), STP_OK);
	assert_int_equal(f->seen.count, 0);
	assert_int_equal(f->faults.total, 1);
	assert_non_null(strstr(fault_find(&f->faults, "proc")->text, "another file system"));
	close(fd);
}

static void test_scan_tree__marks_racy_entries(void **state)
{
	struct fixture *f = *state;
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	int64_t racy_after_ns = stp_stamp_later(stp_stamp_now(f->scratch.fd), -STP_FS_GRACE_NS);
	int fd;

	assert_int_not_equal(faccessat(f->scratch.fd, ".tmp-clock", F_OK, 0), 0);
	scratch_file(&f->scratch, "new", "", 0);
	scratch_file(&f->scratch, "set-back", "", 0);
	fd = openat(f->scratch.fd, "set-back", O_WRONLY);
	assert_int_equal(futimens(fd, old), 0); /* its ctime is new all the same */
	close(fd);
	f->options.racy_after_ns = racy_after_ns;
	walk(f, 0);
	assert_true(seen_find(&f->seen, "new")->flags & STP_RECORD_RACY);
	assert_true(seen_find(&f->seen, "set-back")->flags & STP_RECORD_RACY);
	while (f->seen.count)
		free(f->seen.paths[--f->seen.count]);
	f->options.racy_after_ns = racy_after_ns + 3600 * 1000000000LL;
	walk(f, 0);
	assert_false(seen_find(&f->seen, "new")->flags & STP_RECORD_RACY);
}

static void test_scan_tree__a_failing_emit_ends_the_walk(void **state)
{
	struct fixture *f = *state;
	char name[64];
	int i;

	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d/%d", i % 7, i);
		scratch_file(&f->scratch, name, "", 0);
	}
	f->seen.fail_after = 1;
	f->options.threads = 4;
	assert_int_equal(stp_tree_walk(f->scratch.fd, &f->options, collect, &f->seen, &f->err),
	                 STP_IO);
	assert_string_equal(f->err.text, "enough");
}

static void test_scan_tree__a_cancelled_walk_says_so(void **state)
{
	struct fixture *f = *state;
	static struct stp_cancel cancel;
	size_t threads;

	stp_cancel_set(&cancel);
	f->options.cancel = &cancel;
	for (threads = 0; threads < 4; threads++) {
		struct stp_err err = STP_ERR_INIT;

		f->options.threads = threads;
		assert_int_equal(stp_tree_walk(f->scratch.fd, &f->options, collect, &f->seen, &err),
		                 STP_CANCELLED);
	}
}

static void test_scan_tree__every_thread_count_finds_the_same(void **state)
{
	static const size_t counts[] = {0, 1, 2, 7, 32};
	struct fixture *f = *state;
	char name[300];
	size_t i;

	/* long names: one folder of more than one buffer, and folders within */
	for (i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "big/%0150zu", i);
		scratch_file(&f->scratch, name, "", 0);
		snprintf(name, sizeof(name), "big/sub%zu/%zu", i % 300, i);
		scratch_file(&f->scratch, name, "", 0);
	}
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t before = f->seen.count;
		size_t k;

		walk(f, counts[i]);
		assert_int_equal(f->seen.count - before, 2400);
		for (k = before; k < f->seen.count; k += 97)
			assert_non_null(strchr(f->seen.paths[k], '/'));
	}
	assert_int_equal(f->faults.total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_scan_tree__emits_what_stat_says, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__names_what_it_will_not_sign, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__takes_any_name_for_hash, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__asks_the_filter_before_a_fault, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__folders_too_deep_are_a_fault, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__unreadable_folders_are_a_fault, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__other_file_systems_are_a_fault, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__marks_racy_entries, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__a_failing_emit_ends_the_walk, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__a_cancelled_walk_says_so, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_scan_tree__every_thread_count_finds_the_same,
	                                    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
