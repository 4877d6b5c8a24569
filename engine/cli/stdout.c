/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stdout.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/log.h"

/* True when stdout is a pipe whose reader has closed it. */
static int reader_is_gone(void)
{
	struct pollfd out = {STDOUT_FILENO, 0, 0};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* True when stdout is a file as large as files may become here (RLIMIT_FSIZE). */
static int file_is_full(void)
{
	struct rlimit limit;
	struct stat st;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size >= limit.rlim_cur;
}

enum stp_stdout stp_stdout_flush(void)
{
	static int is_reported;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return STP_STDOUT_WRITTEN;
	if (reader_is_gone())
		return STP_STDOUT_UNREAD;
	if (!is_reported)
		stp_log_line(STP_LOG_ERROR, "stampede: output: stdout could not be written%s",
		             file_is_full() ? ": the file would be larger than the limit; raise it "
		                              "(ulimit -f)"
		                            : "; its reader or disk is gone");
	is_reported = 1;
	return STP_STDOUT_LOST;
}

int stp_stdout_finish(const struct stp_cli *cli, const char *stage, const char *subject,
                      const char *done)
{
	enum stp_stdout out = stp_stdout_flush();
	char text[256];

	if (out == STP_STDOUT_WRITTEN)
		return STP_EXIT_OK;
	snprintf(text, sizeof(text), "%s before that; only this output is missing", done);
	if (out == STP_STDOUT_LOST)
		stp_cli_fault(cli, stage, subject, text);
	return STP_EXIT_PARTIAL;
}
