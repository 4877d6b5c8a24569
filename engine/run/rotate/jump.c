/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/jump.h"

#include <inttypes.h>
#include <sodium.h>

#include "base/limits.h"

enum stp_errc stp_jump_above(uint64_t published, uint64_t *out_above, struct stp_err *err)
{
	_Static_assert(STP_JUMP_MAX <= STP_VERSION_ABOVE_MAX, "an operator could ask for it, too");
	/* As much again is left, for a second theft and for the runs after it. */
	if (published > STP_VERSION_MAX - 2 * STP_JUMP_MAX)
		return STP_FAIL(
		    err, STP_REFUSED, "rotate", "timestamp.json",
		    "has version %" PRIu64 ", and versions end at %" PRIu64
		    ": there is no space for the jump after a theft; make a new repository with "
		    "new keys, and give clients its 1.root.json",
		    published, (uint64_t)STP_VERSION_MAX);
	*out_above =
	    published + STP_JUMP_MIN + randombytes_uniform((uint32_t)(STP_JUMP_MAX - STP_JUMP_MIN));
	return STP_OK;
}
