/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement cannot be undone, so each test runs in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"

#define SKIPPED 77

static char folder[64];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/stp-confine-XXXXXX");
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return -1;
	return mkdir("read", 0755) || mkdir("write", 0755) || mkdir("other", 0755) ||
	       mkdir("place", 0755) || close(open("place/e", O_CREAT | O_WRONLY, 0644)) ||
	       mkdir("tidy", 0755) || close(open("tidy/d", O_CREAT | O_WRONLY, 0644)) ||
	       close(open("read/a", O_CREAT | O_WRONLY, 0644)) ||
	       close(open("other/b", O_CREAT | O_WRONLY, 0644));
}

static int teardown(void **state)
{
	(void)state;
	unlink("read/a");
	unlink("other/b");
	unlink("write/c");
	unlink("tidy/d");
	unlink("place/e");
	unlink("place/new"); /* made, but not opened */
	rmdir("place");
	rmdir("tidy");
	rmdir("read");
	rmdir("write");
	rmdir("other");
	return chdir("/") || rmdir(folder);
}

/* Whether name can be opened; closes it again. */
static int opens(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

static int in_child(void)
{
	struct stp_confine confine;
	struct stp_err err = STP_ERR_INIT;
	int before = open("other/b", O_RDONLY);
	int next = open("place/next", O_CREAT | O_WRONLY, 0644);

	stp_confine_init(&confine);
	stp_confine_allow(&confine, -1, STP_CONFINE_WRITE);
	stp_confine_allow(&confine, open("read", O_RDONLY | O_DIRECTORY), STP_CONFINE_READ);
	stp_confine_allow(&confine, open("write", O_RDONLY | O_DIRECTORY), STP_CONFINE_WRITE);
	stp_confine_allow(&confine, open("tidy", O_RDONLY | O_DIRECTORY), STP_CONFINE_TIDY);
	stp_confine_allow(&confine, open("place", O_RDONLY | O_DIRECTORY), STP_CONFINE_PLACE);
	if (stp_confine_enter(&confine, &err) != STP_OK)
		return 1;
	if (confine.level == 0)
		return SKIPPED;
	if (!opens("read/a", O_RDONLY) || opens("read/a", O_WRONLY) ||
	    opens("read/new", O_CREAT | O_WRONLY))
		return 2;
	if (!opens("write/c", O_CREAT | O_WRONLY) || !opens("write/c", O_RDONLY))
		return 3;
	if (opens("other/b", O_RDONLY) || opens("/etc/passwd", O_RDONLY) ||
	    opens("other/new", O_CREAT | O_WRONLY))
		return 4;
	/* What was open stays usable. */
	if (fcntl(before, F_GETFD) < 0 || read(before, folder, 1) != 0)
		return 5;
	if (opens("tidy/d", O_RDONLY) || opens("tidy/d", O_WRONLY) ||
	    opens("tidy/new", O_CREAT | O_WRONLY) || !opens("tidy", O_RDONLY | O_DIRECTORY) ||
	    unlink("tidy/d") != 0)
		return 7;
	/* A file that is open is written and takes another's place; others are neither read nor
	 * written, nor moved out of reach or in. */
	if (opens("place/e", O_RDONLY) || opens("place/e", O_WRONLY) ||
	    opens("place/new", O_CREAT | O_WRONLY) || rename("place/e", "write/e") == 0 ||
	    rename("write/c", "place/c") == 0 || write(next, "x", 1) != 1 ||
	    rename("place/next", "place/e") != 0)
		return 8;
	if (execl("/bin/true", "true", (char *)NULL) != -1)
		return 6;
	return 0;
}

static void test_confine__leaves_two_trees_and_nothing_else(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_confine__leaves_two_trees_and_nothing_else, setup,
	                                    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
