/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/file.h"
#include "scratch.h"
#include "seccomp.h"

static struct scratch scratch;

static int set_up(void **state)
{
	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "victim", "precious", 8);
	fchmodat(scratch.fd, "victim", 0600, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_release(&scratch);
	return 0;
}

static void check_victim(void)
{
	struct stp_buf text = STP_BUF_INIT;

	assert_int_equal(stp_file_read(scratch.fd, "victim", 100, "test", &text, NULL), STP_OK);
	assert_int_equal(text.count, 8);
	assert_memory_equal(text.data, "precious", 8);
	stp_buf_release(&text);
}

static void make_socket(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/%.20s", scratch.path, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* Creates one of everything that is not a regular file under these names. */
static size_t make_others(const char *const **out_names)
{
	static const char *const names[] = {"fifo",     "socket", "folder",
	                                    "dangling", "link",   "device"};
	size_t count = sizeof(names) / sizeof(names[0]);

	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
	make_socket("socket");
	assert_int_equal(mkdirat(scratch.fd, "folder", 0700), 0);
	assert_int_equal(symlinkat("nowhere", scratch.fd, "dangling"), 0);
	assert_int_equal(symlinkat("victim", scratch.fd, "link"), 0);
	*out_names = names;
	/* Only root may make devices. */
	return mknodat(scratch.fd, "device", S_IFCHR | 0600, 0x0105) == 0 ? count : count - 1;
}

static void check_refusal(enum stp_errc code, const struct stp_err *err, const char *name)
{
	assert_int_equal(code, STP_FORMAT);
	assert_string_equal(err->subject, name);
	assert_non_null(strstr(err->text, "not a regular file; remove it"));
}

static void test_file__nothing_but_a_regular_file_is_opened(void **state)
{
	const char *const *names;
	size_t count = make_others(&names);
	struct stat st;
	size_t i;
	int fd = -1;

	(void)state;
	for (i = 0; i < count; i++) {
		struct stp_err read = STP_ERR_INIT;
		struct stp_err own = STP_ERR_INIT;

		check_refusal(stp_file_open(scratch.fd, names[i], "test", &fd, &st, &read), &read,
		              names[i]);
		check_refusal(stp_file_open_own(scratch.fd, names[i], 0, 0600, "test", names[i],
		                                &fd, &own),
		              &own, names[i]);
		assert_int_equal(fd, -1);
	}
	assert_int_not_equal(faccessat(scratch.fd, "nowhere", F_OK, 0), 0);
	check_victim();
	assert_int_equal(stp_file_open(scratch.fd, "victim", "test", &fd, &st, NULL), STP_OK);
	assert_int_equal(st.st_size, 8);
	close(fd);
}

static void test_file__what_is_not_there_is_told_apart(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(stp_file_open(scratch.fd, "none", "test", &fd, NULL, &err), STP_IO);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(stp_file_open_own(scratch.fd, "none", 0, 0600, "test", "none", &fd, NULL),
	                 STP_OK);
	close(fd);
	assert_int_equal(faccessat(scratch.fd, "none", F_OK, 0), 0);
}

static void test_file__only_what_is_ours_alone_is_written_in_place(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stat st;
	int fd = -1;

	(void)state;
	assert_int_equal(linkat(scratch.fd, "victim", scratch.fd, "other", 0), 0);
	assert_int_equal(stp_file_open_own(scratch.fd, "other", 0, 0600, "test", "state/other", &fd,
	                                   &err),
	                 STP_FORMAT);
	assert_string_equal(err.subject, "state/other");
	assert_non_null(strstr(err.text, "has 2 hard links"));
	unlinkat(scratch.fd, "other", 0);
	check_victim();

	scratch_file(&scratch, "open", "x", 1);
	fchmodat(scratch.fd, "open", 0660, 0);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_file_open_own(scratch.fd, "open", 0, 0600, "test", "open", &fd, &err),
	                 STP_FORMAT);
	assert_non_null(strstr(err.text, "chmod 600"));
	fchmodat(scratch.fd, "open", 0644, 0);
	assert_int_equal(stp_file_open_own(scratch.fd, "open", 0, 0600, "test", "open", &fd, NULL),
	                 STP_OK);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 1); /* nothing is cut off */
	close(fd);
	if (geteuid() != 0 || fchownat(scratch.fd, "open", 1, 1, 0) != 0)
		return;
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_file_open_own(scratch.fd, "open", 0, 0600, "test", "open", &fd, &err),
	                 STP_FORMAT);
	assert_non_null(strstr(err.text, "belongs to user id 1"));
}

static void test_file__a_hole_is_not_read_into_memory(void **state)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	int fd;

	(void)state;
	scratch_file(&scratch, "huge", "", 0);
	fd = openat(scratch.fd, "huge", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	assert_int_equal(stp_file_read(scratch.fd, "huge", (size_t)1 << 30, "test", &text, &err),
	                 STP_LIMIT);
	assert_string_equal(err.subject, "huge");
	assert_null(text.data);
}

static void test_file__temporary_names_are_known_by_their_form(void **state)
{
	static const char *const others[] = {
	    "",
	    ".tmp-",
	    ".tmp-clock",
	    ".tmp-0123456789abcde",
	    ".tmp-0123456789abcdef0",
	    ".tmp-0123456789ABCDEF",
	    ".tmp-0123456789abcdef.json",
	    ".tmp-0123456789abcdeg",
	    ".tmp_0123456789abcdef",
	    "x.tmp-0123456789abcdef",
	};
	char name[STP_TEMPORARY_BYTES];
	char again[STP_TEMPORARY_BYTES];
	size_t i;
	int fd = -1;

	(void)state;
	assert_true(stp_temporary_is(".tmp-0123456789abcdef"));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(stp_temporary_is(others[i]));
	assert_int_equal(stp_temporary_create(scratch.fd, O_RDWR, 0600, "test", "a file", name, &fd,
	                                      NULL),
	                 STP_OK);
	assert_true(stp_temporary_is(name));
	assert_int_equal(faccessat(scratch.fd, name, F_OK, 0), 0);
	close(fd);
	assert_int_equal(stp_temporary_name(again, "test", "a file", NULL), STP_OK);
	assert_string_not_equal(name, again);
}

/* Run a second time where renameat2(2) supports no flags. */
static void test_file__a_new_name_takes_the_place_of_nothing(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stat st;

	(void)state;
	scratch_file(&scratch, "mine", "new", 3);
	assert_int_equal(stp_rename_new(scratch.fd, "mine", scratch.fd, "victim"), -1);
	assert_int_equal(errno, EEXIST);
	check_victim();
	assert_int_equal(stp_rename_new(scratch.fd, "mine", scratch.fd, "moved"), 0);
	assert_int_equal(fstatat(scratch.fd, "moved", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(faccessat(scratch.fd, "mine", F_OK, 0), -1);
	assert_int_equal(stp_rename_new(scratch.fd, "mine", scratch.fd, "other"), -1);
	assert_int_equal(errno, ENOENT);

	assert_int_equal(mkdirat(scratch.fd, "from", 0700), 0);
	assert_int_equal(mkdirat(scratch.fd, "taken", 0700), 0);
	assert_int_equal(stp_rename_new(scratch.fd, "from", scratch.fd, "taken"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(stp_rename_new(scratch.fd, "from", scratch.fd, "to"), 0);
	assert_int_equal(faccessat(scratch.fd, "from", F_OK, 0), -1);
	assert_int_equal(faccessat(scratch.fd, "to", F_OK, 0), 0);

	assert_int_equal(
	    stp_file_write(scratch.fd, "victim", "x", 1, 0600, STP_FILE_NEW, "test", &err), STP_IO);
	assert_int_equal(err.sys_errno, EEXIST);
	check_victim();
}

/* NFS sends a link again when the reply to the first was lost, and the second fails with EEXIST. */
static void test_file__a_link_that_is_there_already_counts(void **state)
{
	pid_t child;
	int status;

	(void)state;
	scratch_file(&scratch, "mine", "new", 3);
	assert_int_equal(linkat(scratch.fd, "mine", scratch.fd, "made", 0), 0);
	child = fork();
	if (child == 0) {
		if (!seccomp_refuse_bits(SYS_renameat2, 4, ~0u, EINVAL))
			_exit(77);
		_exit(stp_rename_new(scratch.fd, "mine", scratch.fd, "made") != 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	assert_int_equal(faccessat(scratch.fd, "mine", F_OK, 0), -1);
	assert_int_equal(faccessat(scratch.fd, "made", F_OK, 0), 0);
}

/* Where there are no hard links either. */
static void test_file__a_name_that_is_taken_is_looked_for(void **state)
{
	pid_t child;
	int status;

	(void)state;
	scratch_file(&scratch, "mine", "new", 3);
	child = fork();
	if (child == 0) {
		if (!seccomp_refuse_bits(SYS_renameat2, 4, ~0u, EINVAL) ||
		    !seccomp_refuse(SYS_linkat, EPERM))
			_exit(77);
		_exit(stp_rename_new(scratch.fd, "mine", scratch.fd, "victim") != -1 ||
		      errno != EEXIST || stp_rename_new(scratch.fd, "mine", scratch.fd, "free"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	check_victim();
	assert_int_equal(faccessat(scratch.fd, "free", F_OK, 0), 0);
}

/* Run a second time where there is no O_TMPFILE. */
static void test_file__a_file_without_a_name_leaves_none(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stat st;
	int fd = -1;

	(void)state;
	assert_int_equal(stp_unnamed_create(scratch.fd, "test", "a file", &fd, &err), STP_OK);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(stp_fd_write_at(fd, "abc", 3, 0, "test", "a file", &err), STP_OK);
	close(fd);
}

struct seen {
	int counts[3]; /* of "victim", "folder" and ".hidden" */
	int others;
	int left; /* calls until fn fails */
};

static enum stp_errc see_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	static const char *const names[] = {"victim", "folder", ".hidden"};
	struct seen *seen = ctx;
	size_t i;

	assert_int_equal(folder_fd, scratch.fd);
	if (!seen->left--)
		return STP_FAIL(err, STP_LIMIT, "test", name, "enough");
	errno = ENOENT; /* what fn leaves in errno is not about the listing */
	for (i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0)
			return seen->counts[i]++, STP_OK;
	seen->others++;
	return STP_OK;
}

static void test_file__each_name_of_a_folder_is_given_once(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct seen seen = {.left = 10};
	struct seen again = {.left = 10};
	struct seen few = {.left = 2};
	int fd;

	(void)state;
	scratch_file(&scratch, ".hidden", "", 0);
	scratch_file(&scratch, "folder/below", "", 0);
	assert_int_equal(stp_folder_each(scratch.fd, "test", "s", see_name, &seen, &err), STP_OK);
	assert_int_equal(seen.counts[0], 1);
	assert_int_equal(seen.counts[1], 1);
	assert_int_equal(seen.counts[2], 1);
	assert_int_equal(seen.others, 0); /* neither "." nor ".." nor what lies below */
	/* The place in the descriptor's own list does not count. */
	assert_int_equal(stp_folder_each(scratch.fd, "test", "s", see_name, &again, &err), STP_OK);
	assert_memory_equal(&again, &seen, sizeof(seen));
	assert_int_equal(stp_folder_each(scratch.fd, "test", "s", see_name, &few, &err), STP_LIMIT);
	assert_int_equal(few.left, -1);
	fd = openat(scratch.fd, "victim", O_RDONLY | O_CLOEXEC);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_folder_each(fd, "test", "s", see_name, &few, &err), STP_IO);
	assert_int_equal(err.sys_errno, ENOTDIR);
	assert_string_equal(err.subject, "s");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_file__nothing_but_a_regular_file_is_opened),
	    TEST(test_file__what_is_not_there_is_told_apart),
	    TEST(test_file__only_what_is_ours_alone_is_written_in_place),
	    TEST(test_file__a_hole_is_not_read_into_memory),
	    TEST(test_file__temporary_names_are_known_by_their_form),
	    TEST(test_file__a_new_name_takes_the_place_of_nothing),
	    TEST(test_file__a_link_that_is_there_already_counts),
	    TEST(test_file__a_name_that_is_taken_is_looked_for),
	    TEST(test_file__a_file_without_a_name_leaves_none),
	    TEST(test_file__each_name_of_a_folder_is_given_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
