/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on stderr. Where the journal reads them each begins with its priority, as sd-daemon(3) has
 * it, so that an alarm is found by "journalctl -p err" and does not look like progress.
 *
 * Shape      a level and a line.
 * Memory     none.
 * Ownership  stderr.
 * Threads    any thread: a line is one write.
 */
#ifndef STP_CLI_LOG_H
#define STP_CLI_LOG_H

enum stp_log_level { /* syslog's */
	             STP_LOG_ERROR = 3,
	             STP_LOG_WARNING = 4,
	             STP_LOG_INFO = 6,
};

/* Whether stderr is a stream of the journal: $JOURNAL_STREAM names it by device and inode. */
int stp_log_is_journal(void);

/* Has lines begin with their priority, or not, from here on. Before that stp_log_is_journal()
 * decides. */
void stp_log_set_priorities(int on);

/* Prints the line and a line feed. */
void stp_log_line(enum stp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
