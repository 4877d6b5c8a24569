/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan/entry: what a name in a folder refers to, and whether it can be an entry.
 *
 *	name ─▶ statx ─▶ entry ─┬─▶ problem: a fault about its path
 *	                        └─▶ record without key, path and digests
 *
 * Shape      one name at a time.
 * Memory     none; problems are static strings.
 * Ownership  the caller's structs.
 * Threads    any thread; no state.
 */
#ifndef STP_SCAN_ENTRY_H
#define STP_SCAN_ENTRY_H

#include "base/err.h"
#include "record/fingerprint.h"
#include "scan/names.h"

/* What is wrong with a file longer than STP_LENGTH_MAX. */
#define STP_ENTRY_LENGTH_PROBLEM                                                           \
	"is longer than 9,007,199,254,740,991 bytes, which clients cannot count exactly; " \
	"exclude or remove it"

struct stp_entry {
	unsigned mode;     /* st_mode; only its type when status is not set */
	int is_mount_root; /* something is mounted there */
	/* Only of what was listed as a regular file, or without a type. */
	struct stp_file_status status;
	int sys_errno; /* why its status could not be read; 0 */
};

/* Reads the status of a name that is not listed as a folder. */
void stp_entry_look(int folder_fd, const struct stp_name *name, struct stp_entry *out_entry);

/* Whether it is a link, a FIFO, a socket or a device. */
int stp_entry_is_special(const struct stp_entry *entry);

/* Whether it is a regular file that is mounted over the folder's own file. */
int stp_entry_is_mount(const struct stp_entry *entry);

struct stp_entry_problem {
	enum stp_errc code;
	int sys_errno;
	const char *text; /* NULL: it can be an entry */
};

/* What is wrong with it. path_problem is what is wrong with its path (NULL for nothing), and is
 * reported only if its type is fine; with any_length a file may have any length. */
struct stp_entry_problem stp_entry_problem(const struct stp_entry *entry, const char *path_problem,
                                           int any_length);

/* Sets length, fingerprint and flags of *out_record, and all else to zero. racy_after_ns: see
 * record/trust.h. */
void stp_entry_record(const struct stp_entry *entry, int64_t racy_after_ns,
                      struct stp_record *out_record);

#endif
