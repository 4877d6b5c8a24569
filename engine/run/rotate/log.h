/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log as the evidence of a hunt: today's, the copy of the last known good, and what
 * public/metadata should have according to it.
 *
 *	state/audit.log ─┬─▶ stp_hunt_known_fn: did a run sign this?
 *	                 ├─▶ held against GOOD/state/audit.log: lines that vanished or were inserted
 *	                 └─▶ not seen in public/metadata: replaced, collected, never published, or
 *absent
 *
 * What the log cannot show: a thief who could write to state/ could add lines for forgeries that
 * are younger than the copy, and lines from before the oldest one (gc drops them after 90 days) are
 * unknown. A file of that age that the key signed is not reported as a forgery unless the log of
 * the last known good lacks it too.
 *
 * Shape      two sets of lines.
 * Memory     see sign/audit_lines.h.
 * Ownership  release with stp_rotate_log_release(), also after a failure.
 * Threads    one thread.
 */
#ifndef STP_RUN_ROTATE_LOG_H
#define STP_RUN_ROTATE_LOG_H

#include "run/rotate/hunt.h"

struct stp_rotate_log {
	struct stp_audit_lines today, good;
};

/* Loads today's log from state_fd and, unless good_state_fd is -1, that of the last known good. */
enum stp_errc stp_rotate_log_load(struct stp_rotate_log *log, int state_fd, int good_state_fd,
                                  struct stp_err *err) STP_MUST_CHECK;
void stp_rotate_log_release(struct stp_rotate_log *log);

/* A stp_hunt_known_fn over a struct stp_rotate_log, for online keys: recorded when either log has
 * it. Marks what is in public/metadata. */
enum stp_audit_answer stp_rotate_log_known(void *log, const struct stp_audit_line *line,
                                           const char *name, const struct stp_buf *file,
                                           int is_public);

/* Which snapshots public/metadata has, and the version of its timestamp. */
struct stp_rotate_published {
	uint64_t timestamp;
	const uint64_t *snapshots; /* any order */
	size_t snapshot_count;
	int metadata_fd; /* of public/metadata */
};

/* After the hunt in public/metadata: fills the members of report about the log. The arena keeps
 * text. */
enum stp_errc stp_rotate_log_report(const struct stp_rotate_log *log, int state_fd,
                                    int good_state_fd, const struct stp_rotate_published *published,
                                    struct stp_arena *arena, struct stp_hunt_report *report,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
