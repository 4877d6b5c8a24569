/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes about a digest list that was read: whether it can be the index at all, which of its columns
 * are not used, and why files must be read that a more complete list would have saved.
 *
 * Shape      one call of each, after stp_list_read().
 * Memory     none.
 * Ownership  the run's.
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_LIST_NOTES_H
#define STP_RUN_SIGN_LIST_NOTES_H

#include "list/list.h"
#include "publish/links.h"
#include "run/sign/sign_run.h"

struct stp_read_reason;

/* STP_FORMAT for a list without rows whose end line does not confirm that. STP_CONFIG for one in
 * which no row has a column that every row needs, if the files of all rows would have to be read
 * and are missing (absent_count). The faults of single rows are dropped then. */
enum stp_errc stp_list_refuse(struct stp_sign_run *run, const struct stp_list_stats *stats,
                              uint64_t absent_count, struct stp_err *err) STP_MUST_CHECK;

/* Notes about columns that are not used and a last line without line end; sets why when
 * rows lack what they need. */
void stp_list_note(struct stp_sign_run *run, const struct stp_list_stats *stats,
                   struct stp_read_reason *why);

/* Adds the notes that are only known at the end: about repeated rows and, unless links is NULL,
 * about missing files. */
void stp_sign_note_lists(struct stp_sign_run *run, struct stp_links *links);

/* What row lacks, so that its file must be read: "length", "sha256, sha512", …; "" if nothing. */
const char *stp_list_row_lacks(const struct stp_sign_run *run, const struct stp_record *row,
                               char out[64]);

#endif
