/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a row in a list that must be read, because the row lacks something or cannot be
 * compared with what was signed.
 *
 * Shape      one stat per row.
 * Memory     none.
 * Ownership  an entry points to the same bytes as its row.
 * Threads    any thread of a step; faults go on the run's list.
 */
#ifndef STP_RUN_SIGN_ROW_FILE_H
#define STP_RUN_SIGN_ROW_FILE_H

#include "run/sign/sign_run.h"

enum stp_file_found {
	STP_FILE_FOUND,
	STP_FILE_ABSENT, /* there is no file of that name */
	STP_FILE_OTHER,  /* it is not the file that the row describes */
};

/* Makes *entry of a row of the list, from the file's state. A file that is not found is a fault. */
enum stp_file_found stp_sign_find_file(struct stp_sign_run *run, const struct stp_record *row,
                                       struct stp_record *entry);

#endif
