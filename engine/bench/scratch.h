/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder a bench works in: made under a name of its own, gone with everything in it at the end.
 * A bench that was killed cannot remove its folder, so the next one with the same parent does: a
 * folder of this name, mode and user, with the file STP_SCRATCH_MARK in it (or empty), that nobody
 * locks.
 *
 * Shape      one folder stampede-bench-XXXXXX, mode 0700, locked (flock(2)) while it is in use.
 * Memory     its path.
 * Ownership  close() removes it, also after failures.
 * Threads    one thread opens and closes; others may make files in it in between.
 */
#ifndef STP_BENCH_SCRATCH_H
#define STP_BENCH_SCRATCH_H

#include <stdint.h>

#include "base/err.h"
#include "base/progress.h"

#define STP_SCRATCH_MARK "made-by-stampede-bench"

struct stp_scratch {
	char path[4096];
	int fd;
	uint64_t free_bytes; /* of the file system when it was opened */
	char file_system[16];
	unsigned retired_count;
};

/* Removes what benches left there that were killed, and makes the folder in work_dir (NULL:
 * $TMPDIR, else /var/tmp: /tmp is often in memory). */
enum stp_errc stp_scratch_open(struct stp_scratch *scratch, const char *work_dir,
                               struct stp_err *err) STP_MUST_CHECK;

/* Makes way for another file or folder of this name. What was there is removed at the end only,
 * where there is room: some file systems are slower for minutes after many files went (ext4 without
 * a journal looks at each inode that was freed lately), and that would be measured next. */
void stp_scratch_retire(struct stp_scratch *scratch, const char *name);

/* Whether there is room for that. */
int stp_scratch_has_room(const struct stp_scratch *scratch);

/* Path of name in the folder; out has room for size bytes. Returns out. */
char *stp_scratch_path(const struct stp_scratch *scratch, const char *name, char *out,
                       unsigned long size);

/* Removes the folder; progress (may be NULL) counts the files. */
void stp_scratch_close(struct stp_scratch *scratch, struct stp_progress *progress);

#endif
