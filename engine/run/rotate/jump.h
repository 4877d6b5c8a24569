/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version jump after a theft: where the next online version starts.
 *
 *	published 812, thief's 813 … 900 and 2^53 - 1 ─▶ 812 + random 2^20 … 2^21 ─▶ 1,483,009
 *
 * Files have names that caches keep for ever, and a thief may have published files under the next
 * names. Nobody can guess the names of a random jump. It starts at the repository's own last
 * version, not at the thief's: clients whose timestamp and snapshot keys are replaced forget the
 * versions that they saw (specification section 5.3.11), so nothing is gained above the thief's,
 *and one step there could use up all versions that there are.
 *
 * Shape      numbers.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread.
 */
#ifndef STP_RUN_ROTATE_JUMP_H
#define STP_RUN_ROTATE_JUMP_H

#include <stdint.h>

#include "base/err.h"

#define STP_JUMP_MIN (UINT64_C(1) << 20)
#define STP_JUMP_MAX (UINT64_C(1) << 21)

/* The version above which the next run signs: published plus a random number in [STP_JUMP_MIN,
 * STP_JUMP_MAX). STP_REFUSED when too few versions are left, with what to do. */
enum stp_errc stp_jump_above(uint64_t published, uint64_t *out_above,
                             struct stp_err *err) STP_MUST_CHECK;

#endif
