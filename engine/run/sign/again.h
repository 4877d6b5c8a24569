/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are hashed again, and why: the scan's fingerprint against the ledger's, by the rule
 * of record/trust.h, as the run's configuration and clock make it; and what is said about that.
 *
 * Shape      counters by reason; each worker counts on its own, and they are added up.
 * Memory     plain structs.
 * Ownership  the caller's.
 * Threads    stp_sign_compare() from any thread; the rest from one.
 */
#ifndef STP_RUN_SIGN_AGAIN_H
#define STP_RUN_SIGN_AGAIN_H

#include "record/record.h"
#include "run/sign/sign_run.h"

/* Adds what from counted to to. */
void stp_again_add(struct stp_sign_again *to, const struct stp_sign_again *from);

/* Why a file of the ledger must be read again; STP_AGAIN_NOT: it need not. record has the file's
 * fingerprint. *out_tolerated gets the STP_TOLERATED_* that differ and do not count. */
enum stp_again stp_sign_compare(const struct stp_sign_run *run, const struct stp_record *entry,
                                const struct stp_record *record, unsigned *out_tolerated);

/* Whether an unchanged fingerprint of the record says that the bytes are unchanged: STP_AGAIN_NOT,
 * or why not. */
enum stp_again stp_sign_settled(const struct stp_sign_run *run, const struct stp_record *record);

/* Before hours of it: says how many files are read again though size and mtime are as they were.
 * counted is of one of window_count equal parts. */
void stp_sign_tell_again(struct stp_sign_run *run, const struct stp_sign_again *counted,
                         uint64_t window_count);

/* Notes what was tolerated. */
void stp_sign_note_tolerated(struct stp_sign_run *run);

/* A time in the future is counted for a note. */
void stp_sign_look_ahead(struct stp_sign_run *run, const struct stp_record *entry);
void stp_sign_note_ahead(struct stp_sign_run *run);

#endif
