/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes about which files are hashed again, and why. The rule itself is in record/trust.h.
 *
 * Shape      counters by reason; each worker counts on its own, and they are added up.
 * Memory     plain structs.
 * Ownership  the caller's.
 * Threads    stp_sign_look_ahead() from any thread; the rest from one.
 */
#ifndef STP_RUN_SIGN_AGAIN_H
#define STP_RUN_SIGN_AGAIN_H

#include "record/record.h"
#include "run/sign/sign_run.h"

/* Adds the counts of from to to. */
void stp_again_add(struct stp_sign_again *to, const struct stp_sign_again *from);

/* Before a run reads files for hours: reports how many are read again although size and mtime are
 * unchanged. counted covers one of window_count equal parts. */
void stp_sign_report_again(struct stp_sign_run *run, const struct stp_sign_again *counted,
                           uint64_t window_count);

/* Notes what was tolerated. */
void stp_sign_note_tolerated(struct stp_sign_run *run);

/* Counts a file with a time in the future, for a note. */
void stp_sign_look_ahead(struct stp_sign_run *run, const struct stp_record *entry);
void stp_sign_note_ahead(struct stp_sign_run *run);

#endif
