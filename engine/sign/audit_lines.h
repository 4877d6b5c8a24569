/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log, read again: which uses of the online key it records. For the hunt after a theft
 * (run/rotate/hunt.h), where a file that the key signed and the log does not record is a forgery.
 *
 *	state/audit.log ─▶ line ─▶ SipHash of what the signature covers, and of role and version ─▶
 *sorted
 *
 * The log may have been altered by whoever stole the key, and a copy of it comes from another
 * machine: a line that is not of the form of sign/audit.h is counted and skipped, whatever its
 * length.
 *
 * Shape      one entry per line.
 * Memory     16 bytes a line, while loading twice that; 20 million lines (16,384 bins three times a
 *            day for 400 days): 320 MB.
 * Ownership  release with stp_audit_lines_release(), also after a failure.
 * Threads    read-only after load, but for stp_audit_lines_mark().
 */
#ifndef STP_SIGN_AUDIT_LINES_H
#define STP_SIGN_AUDIT_LINES_H

#include "sign/audit.h"

struct stp_audit_line {
	int64_t at;       /* epoch seconds */
	const char *role; /* not NUL-terminated */
	size_t role_bytes;
	uint64_t version;
	uint8_t covered[STP_COVERED_BYTES];
};

/* Called for each well-formed line, in the order of the file. */
typedef enum stp_errc stp_audit_line_fn(void *ctx, const struct stp_audit_line *line,
                                        struct stp_err *err);

/* Reads the log called name in folder_fd line by line. *out_malformed counts lines of another form,
 * but not empty ones, which end a line that a crash cut short. STP_IO with ENOENT when there is
 * none. */
enum stp_errc stp_audit_each(int folder_fd, const char *name, stp_audit_line_fn *fn, void *ctx,
                             uint64_t *out_malformed, struct stp_err *err) STP_MUST_CHECK;

struct stp_audit_entry {
	uint64_t covered, name; /* keyed hashes */
};

struct stp_audit_lines {
	struct stp_audit_entry *items; /* sorted */
	uint8_t *marks;                /* one bit for each item */
	size_t count, capacity;
	uint64_t malformed;
	uint64_t backwards; /* lines with an earlier time than the line before them */
	int64_t first_at, last_at;
	uint8_t key[16];
};

/* Reads the log called name in folder_fd. A log that does not exist is empty. */
enum stp_errc stp_audit_lines_load(struct stp_audit_lines *lines, int folder_fd, const char *name,
                                   struct stp_err *err) STP_MUST_CHECK;
void stp_audit_lines_release(struct stp_audit_lines *lines);

enum stp_audit_answer {
	STP_AUDIT_UNKNOWN,    /* the log has no such use of the key */
	STP_AUDIT_OTHER_NAME, /* the key signed these bytes for another role */
	STP_AUDIT_RECORDED,
};

/* Whether the log has a line for these. */
enum stp_audit_answer stp_audit_lines_find(const struct stp_audit_lines *lines,
                                           const struct stp_audit_line *line);

/* Marks the entry of such a line as found; nothing when there is none. */
void stp_audit_lines_mark(struct stp_audit_lines *lines, const struct stp_audit_line *line);
int stp_audit_lines_is_marked(const struct stp_audit_lines *lines,
                              const struct stp_audit_line *line);

#endif
