/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where openat2 is refused, paths are opened component by component: with the same results, and the
 * same attacks are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/beneath.h"
#include "scratch.h"
#include "seccomp.h"

#define SKIPPED 77
#define ALL     (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* The result of an open: the file, or the errno. */
struct answer {
	int sys;
	dev_t dev;
	ino_t ino;
	int flags; /* of the descriptor */
};

static struct answer answer_of(long fd)
{
	struct answer answer = {.sys = fd < 0 ? errno : 0};
	struct stat st;

	if (fd < 0)
		return answer;
	assert_int_equal(fstat((int)fd, &st), 0);
	answer.dev = st.st_dev;
	answer.ino = st.st_ino;
	/* The flags that the walk adds do not affect a file that is open. */
	answer.flags =
	    (fcntl((int)fd, F_GETFL) & ~(O_NOFOLLOW | O_DIRECTORY)) | fcntl((int)fd, F_GETFD) << 24;
	close((int)fd);
	return answer;
}

static const char *const paths[] = {
    ".",           "./",         "",
    "/",           "/etc",       "file",
    "file/",       "./file",     "a",
    "a/",          "a/b",        "a//b/",
    "a/./b/c",     "a/b/c/file", "a/b/c/file/",
    "a/file/x",    "a/none",     "none",
    "none/x",      "file/x",     "link",
    "link/",       "link/c",     "link/c/file",
    "filelink",    "a/out",      "a/out/x",
    "a/out/",      "a/up",       "a/up/file",
    "absolute",    "absolute/x", "dangling",
    "dangling/x",  "loop",       "loop/x",
    "magic",       "magic/x",    "fifo",
    "fifo/x",      "closed/x",   "closed",
    "mounted",     "mounted/",   "mounted/x",
    "bound",       "bound/c",    "bound/c/file",
    "a/boundfile", "mounted/.",  "a/b/c/.",
    "link/.",      "a/.//./b",   "..x",
    "...",
};
static const uint64_t flag_sets[] = {
    O_RDONLY | O_NONBLOCK | O_CLOEXEC,
    O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW,
    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
    O_RDONLY | O_DIRECTORY | O_CLOEXEC,
    O_PATH | O_CLOEXEC,
    O_PATH | O_NOFOLLOW | O_CLOEXEC,
    O_PATH | O_DIRECTORY | O_CLOEXEC,
};
static const uint64_t resolve_sets[] = {ALL, ALL | RESOLVE_NO_XDEV};

#define PATHS    (sizeof(paths) / sizeof(paths[0]))
#define FLAGS    (sizeof(flag_sets) / sizeof(flag_sets[0]))
#define RESOLVES (sizeof(resolve_sets) / sizeof(resolve_sets[0]))

/* A tree with every kind of attack; mounts only where they are allowed. */
static void make_tree(const struct scratch *scratch)
{
	char path[512];

	scratch_file(scratch, "file", "x", 1);
	scratch_file(scratch, "..x", "x", 1);
	scratch_file(scratch, ".../x", "x", 1);
	scratch_file(scratch, "a/file", "x", 1);
	scratch_file(scratch, "a/boundfile", "x", 1);
	scratch_file(scratch, "a/b/c/file", "x", 1);
	scratch_file(scratch, "closed/x", "x", 1);
	scratch_file(scratch, "mounted/x", "x", 1);
	mkdirat(scratch->fd, "bound", 0755);
	assert_int_equal(symlinkat("a/b", scratch->fd, "link"), 0);
	assert_int_equal(symlinkat("file", scratch->fd, "filelink"), 0);
	assert_int_equal(symlinkat("../..", scratch->fd, "a/out"), 0);
	assert_int_equal(symlinkat("..", scratch->fd, "a/up"), 0);
	assert_int_equal(symlinkat("/etc", scratch->fd, "absolute"), 0);
	assert_int_equal(symlinkat("none", scratch->fd, "dangling"), 0);
	assert_int_equal(symlinkat("loop", scratch->fd, "loop"), 0);
	assert_int_equal(symlinkat("/proc/self/root", scratch->fd, "magic"), 0);
	assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return;
	snprintf(path, sizeof(path), "%s/mounted", scratch->path);
	assert_int_equal(mount("none", path, "tmpfs", 0, NULL), 0);
	scratch_file(scratch, "mounted/x", "x", 1);
	/* A bind mount has the device number of its surroundings. */
	snprintf(path, sizeof(path), "%s/bound", scratch->path);
	{
		char from[512];

		snprintf(from, sizeof(from), "%s/a/b", scratch->path);
		assert_int_equal(mount(from, path, NULL, MS_BIND, NULL), 0);
		snprintf(from, sizeof(from), "%s/file", scratch->path);
		snprintf(path, sizeof(path), "%s/a/boundfile", scratch->path);
		assert_int_equal(mount(from, path, NULL, MS_BIND, NULL), 0);
	}
}

/* Opens everything in every way. */
static void open_all(const struct scratch *scratch, struct answer *answers)
{
	for (size_t p = 0; p < PATHS; p++)
		for (size_t f = 0; f < FLAGS; f++)
			for (size_t r = 0; r < RESOLVES; r++) {
				struct open_how how = {.flags = flag_sets[f],
				                       .resolve = resolve_sets[r]};

				*answers++ =
				    answer_of(stp_open_beneath(scratch->fd, paths[p], &how));
			}
}

/* Differences between the results with and without the call. */
static int compare(const struct answer *with, const struct answer *without)
{
	int differences = 0;

	for (size_t i = 0; i < PATHS * FLAGS * RESOLVES; i++) {
		if (memcmp(&with[i], &without[i], sizeof(*with)) == 0)
			continue;
		differences++;
		printf("%s, flags %llo%s: %s with openat2, %s without\n",
		       paths[i / (FLAGS * RESOLVES)],
		       (unsigned long long)flag_sets[i / RESOLVES % FLAGS],
		       i % RESOLVES ? ", one file system" : "",
		       with[i].sys ? strerrorname_np(with[i].sys) : "opened",
		       without[i].sys ? strerrorname_np(without[i].sys) : "opened");
	}
	return differences;
}

/* Runs fn in a process of its own, since its restrictions cannot be undone. */
static void in_child(int (*fn)(const struct scratch *), const struct scratch *scratch)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(scratch));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int has_openat2(const struct scratch *scratch)
{
	struct open_how how = {.flags = O_PATH};
	long fd = syscall(SYS_openat2, scratch->fd, ".", &how, sizeof(how));

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static int same_answers(const struct scratch *outside, int sys)
{
	static struct answer with[PATHS * FLAGS * RESOLVES], without[PATHS * FLAGS * RESOLVES];

	struct scratch here = *outside;
	const struct scratch *scratch = &here;
	int differences;

	if (!has_openat2(scratch))
		return SKIPPED;
	make_tree(scratch);
	/* A descriptor from outside does not see what was mounted here. */
	here.fd = open(here.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A folder that may be entered but not read, unless modes are ignored (root). */
	fchmodat(scratch->fd, "closed", 0, 0);
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return SKIPPED;
	open_all(scratch, with);
	if (!seccomp_refuse(SYS_openat2, sys))
		return SKIPPED;
	open_all(scratch, without);
	differences = compare(with, without);
	fflush(stdout);
	return differences ? 1 : 0;
}

static int same_for_enosys(const struct scratch *scratch)
{
	return same_answers(scratch, ENOSYS);
}

static int same_for_eperm(const struct scratch *scratch)
{
	return same_answers(scratch, EPERM);
}

static void test_beneath__both_ways_give_the_same_answers(void **state)
{
	int (*const ways[])(const struct scratch *) = {same_for_enosys, same_for_eperm};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scratch scratch;

		scratch_init(&scratch);
		fchmod(scratch.fd, 0755);
		in_child(ways[i], &scratch);
		fchmodat(scratch.fd, "closed", 0755, 0);
		scratch_release(&scratch);
	}
}

/* EPERM for one file does not mean that the call is refused. */
static int one_file_is_refused(const struct scratch *scratch)
{
	struct open_how how = {.flags = O_RDONLY | O_NOATIME | O_CLOEXEC, .resolve = ALL};
	struct open_how cached = {.flags = O_RDONLY | O_CLOEXEC, .resolve = ALL | RESOLVE_CACHED};
	long fd;

	if (geteuid() != 0 || !has_openat2(scratch))
		return SKIPPED;
	if (setgid(65534) != 0 || setuid(65534) != 0)
		return SKIPPED;
	if (stp_open_beneath(scratch->fd, "file", &how) != -1 || errno != EPERM)
		return 1;
	/* Only the walk returns EINVAL here; Linux before 5.12 does too. */
	fd = stp_open_beneath(scratch->fd, "file", &cached);
	return fd >= 0 || errno != EINVAL ? 0 : 2;
}

static void test_beneath__a_file_that_is_not_ours_does_not_count_as_a_filter(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	fchmod(scratch.fd, 0755);
	scratch_file(&scratch, "file", "x", 1);
	in_child(one_file_is_refused, &scratch);
	scratch_release(&scratch);
}

struct swap {
	const struct scratch *scratch;
	atomic_int stop;
};

/* Swaps the folder "here" and a link to "there" as fast as it can. */
static void *swap_main(void *arg)
{
	struct swap *swap = arg;
	int fd = swap->scratch->fd;

	while (!atomic_load(&swap->stop))
		if (renameat2(fd, "here", fd, "trick", RENAME_EXCHANGE) != 0)
			return arg;
	return NULL;
}

/* A folder that is swapped for a link never leads to what the link names. */
static int never_follows(const struct scratch *scratch)
{
	struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC, .resolve = ALL};
	struct swap swap = {.scratch = scratch};
	int found = 0, refused = 0;
	pthread_t thread;
	void *failed;

	if (!seccomp_refuse(SYS_openat2, ENOSYS) ||
	    pthread_create(&thread, NULL, swap_main, &swap) != 0)
		return SKIPPED;
	for (int i = 0; i < 40000; i++) {
		long fd = stp_open_beneath(scratch->fd, "here/file", &how);
		char byte = 0;

		refused += fd < 0 && errno == ELOOP;
		if (fd < 0)
			continue;
		if (read((int)fd, &byte, 1) != 1 || byte != 'g')
			return 3;
		found++;
		close((int)fd);
	}
	atomic_store(&swap.stop, 1);
	pthread_join(thread, &failed);
	if (failed)
		return SKIPPED; /* this file system cannot exchange names */
	printf("%d found, %d refused\n", found, refused);
	fflush(stdout);
	return found ? 0 : 4;
}

static void test_beneath__a_folder_swapped_for_a_link_is_not_followed(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "here/file", "good", 4);
	scratch_file(&scratch, "there/file", "bad", 3);
	assert_int_equal(symlinkat("there", scratch.fd, "trick"), 0);
	in_child(never_follows, &scratch);
	scratch_release(&scratch);
}

/* ".." is refused by the walk, even where it would stay inside: no caller passes one. */
static int never_up(const struct scratch *scratch)
{
	static const char *const up[] = {"..", "../x", "a/..", "a/../..", "a/../file", "./.."};
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = ALL};

	if (!seccomp_refuse(SYS_openat2, ENOSYS))
		return SKIPPED;
	for (size_t i = 0; i < sizeof(up) / sizeof(up[0]); i++)
		if (stp_open_beneath(scratch->fd, up[i], &how) != -1 || errno != EXDEV)
			return (int)i + 1;
	return 0;
}

/* Names at and beyond the limits of the kernel. */
static int never_longer(const struct scratch *scratch)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = ALL};
	char path[8192];
	int before;

	memset(path, 'n', sizeof(path));
	path[255] = '\0';
	if (!seccomp_refuse(SYS_openat2, ENOSYS))
		return SKIPPED;
	before = dup(scratch->fd);
	close(before);
	if (stp_open_beneath(scratch->fd, path, &how) != -1 || errno != ENOENT)
		return 1;
	path[255] = 'n';
	path[256] = '\0';
	if (stp_open_beneath(scratch->fd, path, &how) != -1 || errno != ENAMETOOLONG)
		return 2;
	path[0] = 'a';
	path[1] = '/';
	path[256] = 'n';
	path[257] = 'n';
	path[258] = '\0';
	if (stp_open_beneath(scratch->fd, path, &how) != -1 || errno != ENAMETOOLONG)
		return 3;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? '/' : '.';
	path[sizeof(path) - 1] = '\0';
	if (stp_open_beneath(scratch->fd, path, &how) != -1 || errno != ENAMETOOLONG)
		return 4;
	/* No refusal leaves a descriptor open. */
	return dup(scratch->fd) == before ? 0 : 5;
}

static void test_beneath__paths_that_nobody_may_pass_are_refused(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "a/file", "x", 1);
	scratch_file(&scratch, "file", "x", 1);
	in_child(never_up, &scratch);
	in_child(never_longer, &scratch);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_beneath__both_ways_give_the_same_answers),
	    cmocka_unit_test(test_beneath__a_file_that_is_not_ours_does_not_count_as_a_filter),
	    cmocka_unit_test(test_beneath__a_folder_swapped_for_a_link_is_not_followed),
	    cmocka_unit_test(test_beneath__paths_that_nobody_may_pass_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
