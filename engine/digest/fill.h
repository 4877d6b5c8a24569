/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of the hash stage and the serial reference have in common.
 *
 * Shape      plain functions.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    any.
 */
#ifndef STP_DIGEST_FILL_H
#define STP_DIGEST_FILL_H

#include "digest/stage.h"

/* Sets what is known of a record from the status of the descriptor that was read. */
void stp_digest_fill(struct stp_record *record, const struct stp_file_status *status,
                     const struct stp_hash_stage_options *options);

/* Waits a moment before next() is asked again. */
void stp_digest_idle(void);

#endif
