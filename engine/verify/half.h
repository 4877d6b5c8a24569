/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bins of one side of a comparison that cover the same part of the key space as bins of the other
 * side: read, and, if their bytes differ, parsed and joined.
 *
 *	bins [begin, end) ─▶ read ─▶ parse ─▶ entries sorted by path
 *
 * Shape      count entries at items.
 * Memory     the files, and 48 bytes an entry; kept for the next bins.
 * Ownership  release with stp_half_release(); entries point into the files.
 * Threads    one thread per struct.
 */
#ifndef STP_VERIFY_HALF_H
#define STP_VERIFY_HALF_H

#include "verify/bin_file.h"
#include "verify/side.h"

struct stp_half {
	struct stp_buf *files;
	struct stp_bin_file *bins;
	size_t bin_capacity;
	struct stp_bin_entry *entries; /* of several bins, sorted by path */
	size_t entry_capacity;
	const struct stp_bin_entry *items; /* entries, or those of the only bin */
	size_t count;
	unsigned hash_set;
};

void stp_half_release(struct stp_half *half);

/* Reads the files of side's bins [begin, end). STP_FORMAT names one that is missing. */
enum stp_errc stp_half_read(struct stp_half *half, const struct stp_side *side, size_t begin,
                            size_t end, struct stp_err *err) STP_MUST_CHECK;

/* Parses them into items. STP_FORMAT names a bin that cannot be compared. */
enum stp_errc stp_half_parse(struct stp_half *half, const struct stp_side *side, size_t begin,
                             size_t end, struct stp_err *err) STP_MUST_CHECK;

/* Of a half of one bin that was read: the bytes from the brace of "targets" up to the version that
 * follows, whose digits may differ. */
int stp_half_targets(struct stp_half *half, const char **out_text, size_t *out_count);

/* Order of two entries by path: < 0, 0, > 0. */
int stp_bin_entry_compare(const void *a, const void *b);

#endif
