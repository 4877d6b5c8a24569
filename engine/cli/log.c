/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* A subject of four bytes for each of a path's, and what is said about it. */
#define LINE_BYTES (4 * STP_PATH_BYTES_MAX + 8192)

/* -1: not known yet. */
static int has_priorities = -1;

int stp_log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	snprintf(ours, sizeof(ours), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)st.st_dev,
	         (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void stp_log_set_priorities(int on)
{
	has_priorities = on;
}

void stp_log_line(enum stp_log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	if (has_priorities < 0)
		has_priorities = stp_log_is_journal();
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (has_priorities)
		fprintf(stderr, "<%d>%s\n", (int)level, line);
	else
		fprintf(stderr, "%s\n", line);
}
