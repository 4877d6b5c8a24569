/* SPDX-License-Identifier: Apache-2.0 */
#include "base/faultpoint.h"

#if defined(STP_TEST_HOOKS)

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char wanted_name[64];
static long wanted_passage = 1;
static char wanted_action[16] = "kill";
static atomic_long passages;
static long slow_us;
static size_t short_write_bytes;
static int trace_fd = -1; /* stays open: a confined run could not open it later */
static pthread_once_t read_once = PTHREAD_ONCE_INIT;

const char *stp_hook_variable(const char *name)
{
	return secure_getenv(name);
}

/* Opens the trace: only a regular file, and never through a link, because whoever sets the variable
 * may not be the user that the program runs as. */
static int open_trace(const char *path)
{
	int fd =
	    open(path,
	         O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	         0600);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fprintf(stderr, "fault points: %s: cannot be opened as a regular file\n", path);
	return fd;
}

/* Appends name to the file STAMPEDE_FAULT_TRACE names: how a test learns which points exist. */
static void trace(const char *name)
{
	/* One write(2) to a file opened with O_APPEND: lines of several threads do not mix. */
	if (trace_fd >= 0 && dprintf(trace_fd, "%s\n", name) < 0)
		abort();
}

/* Tries what containment refuses: to read and to write the file that STAMPEDE_FAULT_REACH names,
 * and to make another beside it. By plain calls, so that only the kernel can refuse them. */
static void reach(void)
{
	static const int ways[] = {O_RDONLY, O_WRONLY, O_WRONLY | O_CREAT | O_EXCL};
	static const char *const names[] = {"read", "write", "create"};
	const char *path = stp_hook_variable("STAMPEDE_FAULT_REACH");
	char fresh[4096];
	size_t i;

	if (!path)
		return;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = open(ways[i] & O_CREAT ? fresh : path, ways[i] | O_CLOEXEC, 0600);

		fprintf(stderr, "reach: %s: %s\n", names[i], fd < 0 ? strerror(errno) : "done");
		if (fd >= 0)
			close(fd);
	}
}

/* The number in a variable of the environment, 0 without one. */
static unsigned long number_in(const char *variable)
{
	const char *value = stp_hook_variable(variable);

	return value ? strtoul(value, NULL, 10) : 0;
}

/* Parses NAME[:N[:ACTION]]. */
static void read_environment(void)
{
	const char *value = stp_hook_variable("STAMPEDE_FAULT_POINT");
	const char *trace_path = stp_hook_variable("STAMPEDE_FAULT_TRACE");
	const char *colon;

	if (trace_path)
		trace_fd = open_trace(trace_path);
	slow_us = (long)number_in("STAMPEDE_FAULT_SLOW");
	short_write_bytes = number_in("STAMPEDE_SHORT_WRITES");
	if (!value)
		return;
	colon = strchr(value, ':');
	snprintf(wanted_name, sizeof(wanted_name), "%.*s",
	         (int)(colon ? colon - value : (long)strlen(value)), value);
	if (!colon)
		return;
	wanted_passage = strtol(colon + 1, NULL, 10);
	colon = strchr(colon + 1, ':');
	if (colon)
		snprintf(wanted_action, sizeof(wanted_action), "%s", colon + 1);
}

int stp_fault_point_hit(const char *stage, const char *step)
{
	static const struct {
		const char *name;
		int value;
	} errnos[] = {
	    {"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
	    {"ENOMEM", ENOMEM}, {"EROFS", EROFS},
	};
	char name[64];
	size_t i;

	pthread_once(&read_once, read_environment);
	if (!wanted_name[0] && trace_fd < 0 && slow_us <= 0)
		return 0;
	snprintf(name, sizeof(name), "%s.%s", stage, step);
	trace(name);
	if (slow_us > 0)
		nanosleep(&(struct timespec){slow_us / 1000000, slow_us % 1000000 * 1000}, NULL);
	if (strcmp(name, wanted_name) != 0 ||
	    atomic_fetch_add_explicit(&passages, 1, memory_order_relaxed) + 1 != wanted_passage)
		return 0;
	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strcmp(errnos[i].name, wanted_action) == 0)
			return errnos[i].value;
	if (strcmp(wanted_action, "reach") == 0) {
		reach();
		return 0;
	}
	if (strcmp(wanted_action, "stop") == 0) {
		raise(SIGSTOP);
		return 0;
	}
	if (strcmp(wanted_action, "abort") == 0)
		abort();
	if (strcmp(wanted_action, "exit") == 0)
		_exit(3);
	raise(SIGKILL);
	return 0;
}

size_t stp_fault_write_bytes(size_t count)
{
	pthread_once(&read_once, read_environment);
	return short_write_bytes && short_write_bytes < count ? short_write_bytes : count;
}

#else
/* ISO C wants a declaration in each translation unit. */
typedef int stp_no_fault_points;
#endif
