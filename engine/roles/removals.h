/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many targets one run may remove: a number of them, or a share of the index.
 *
 *	"max_removals": 500        500 targets
 *	"max_removals": "1%"       one in a hundred, but at least STP_REMOVALS_MIN
 *
 * An index that is not mounted, a list that ends early and a wrong glob all look as if nearly
 * everything had been removed. What operators really remove in one night is little.
 *
 * Shape      a plain value.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_ROLES_REMOVALS_H
#define STP_ROLES_REMOVALS_H

#include <stddef.h>
#include <stdint.h>

struct stp_removal_limit {
	int is_share;   /* value is in millionths of all targets, else a number of targets */
	uint64_t value; /* at most STP_SHARE_WHOLE for a share */
};

#define STP_SHARE_WHOLE   UINT64_C(1000000)
#define STP_SHARE_DEFAULT UINT64_C(10000) /* "1%" */

/* One hundredth of a small index is nothing: this many may be removed with any share, unless they
 * are more than half of the index. */
#define STP_REMOVALS_MIN 10

/* Reads a share, "1%" or "0.25%": digits, at most four behind a point, up to 100. Returns 0 when
 * text is anything else. */
int stp_removal_share_parse(const char *text, struct stp_removal_limit *out);

/* Writes a share as stp_removal_share_parse() reads it, without trailing zeros. */
#define STP_REMOVAL_SHARE_BYTES 32
void stp_removal_share_format(const struct stp_removal_limit *limit,
                              char out[STP_REMOVAL_SHARE_BYTES]);

/* How many of target_count targets may be removed. */
uint64_t stp_removal_limit_of(const struct stp_removal_limit *limit, uint64_t target_count);

#endif
