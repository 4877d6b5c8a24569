/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial reference of the hash stage: one file after another, pread and the portable kernel.
 * Slow and obvious; every parallel run is compared with it.
 *
 * Shape      as digest/stage.h with one worker, index 0.
 * Memory     one buffer.
 * Ownership  as digest/stage.h.
 * Threads    the calling one.
 */
#ifndef STP_DIGEST_SERIAL_H
#define STP_DIGEST_SERIAL_H

#include "digest/stage.h"

enum stp_errc stp_hash_serial_run(const struct stp_hash_stage_options *options,
                                  stp_hash_next_fn *next, stp_hash_done_fn *done, void *ctx,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
