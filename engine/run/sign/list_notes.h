/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a digest list says about itself once it was read: whether it can be the index at all, which
 * of its columns are not used, and why files must be read that it could have saved.
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

/* STP_FORMAT for a list without rows that does not say so itself, with its end line. STP_CONFIG for
 * one in which no row has a column that every row needs, when absent_count, the rows whose file
 * would have to be read and is not there, is all of them. The faults of single rows are dropped
 * then. */
enum stp_errc stp_list_refuse(struct stp_sign_run *run, const struct stp_list_stats *stats,
                              uint64_t absent_count, struct stp_err *err) STP_MUST_CHECK;

/* Notes about columns that are not used and a last line without line end; sets why when
 * rows lack what they need. */
void stp_list_note(struct stp_sign_run *run, const struct stp_list_stats *stats,
                   struct stp_read_reason *why);

/* Adds the notes that are only known at the end: about repeated rows and, where links were made (or
 * NULL), about files that are not there. */
void stp_sign_note_lists(struct stp_sign_run *run, struct stp_links *links);

/* What row lacks to need no reading: "no length", "no sha256, sha512", …; "" when nothing. */
const char *stp_list_row_lacks(const struct stp_sign_run *run, const struct stp_record *row,
                               char out[64]);

#endif
