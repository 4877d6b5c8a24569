/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/removals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SHARE_DECIMALS    4
#define SHARE_PER_PERCENT (STP_SHARE_WHOLE / 100)

int stp_removal_share_parse(const char *text, struct stp_removal_limit *out)
{
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	uint64_t weight = SHARE_PER_PERCENT;
	uint64_t value;

	if (!stp_u64_parse(text, whole, &value) || value > 100)
		return 0;
	value *= SHARE_PER_PERCENT;
	if (*rest == '.') {
		size_t decimals = strspn(++rest, "0123456789");

		if (decimals == 0 || decimals > SHARE_DECIMALS)
			return 0;
		while (decimals--)
			value += (uint64_t)(*rest++ - '0') * (weight /= 10);
	}
	if (strcmp(rest, "%") != 0 || value > STP_SHARE_WHOLE)
		return 0;
	out->is_share = 1;
	out->value = value;
	return 1;
}

void stp_removal_share_format(const struct stp_removal_limit *limit,
                              char out[STP_REMOVAL_SHARE_BYTES])
{
	char decimals[SHARE_DECIMALS + 1];
	size_t count = SHARE_DECIMALS;

	snprintf(decimals, sizeof(decimals), "%04u", (unsigned)(limit->value % SHARE_PER_PERCENT));
	while (count && decimals[count - 1] == '0')
		count--;
	snprintf(out, STP_REMOVAL_SHARE_BYTES, "%" PRIu64 "%s%.*s%%",
	         limit->value / SHARE_PER_PERCENT, count ? "." : "", (int)count, decimals);
}

/* target_count * value / STP_SHARE_WHOLE, rounded down, for any count. */
static uint64_t share_of(uint64_t target_count, uint64_t value)
{
	return target_count / STP_SHARE_WHOLE * value +
	       target_count % STP_SHARE_WHOLE * value / STP_SHARE_WHOLE;
}

uint64_t stp_removal_limit_of(const struct stp_removal_limit *limit, uint64_t target_count)
{
	uint64_t half = target_count / 2;
	uint64_t least = half < STP_REMOVALS_MIN ? half : STP_REMOVALS_MIN;
	uint64_t share;

	if (!limit->is_share)
		return limit->value;
	share = share_of(target_count, limit->value);
	return share > least ? share : least;
}
