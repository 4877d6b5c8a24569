/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a loaded chain, for those who read it. Apart from verify/chain.c, which loads it with
 * the help of some of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "verify/chain.h"

void stp_chain_check_expiry(struct stp_finding_list *findings, const char *subject, int64_t expires,
                            int64_t now, int64_t within_s)
{
	char text[STP_TIME_BYTES + 1];

	if (expires == 0)
		return; /* reported as malformed */
	stp_time_format(expires, text);
	if (expires <= now)
		stp_finding_add(findings, STP_FINDING_EXPIRED, subject, "expired at %s", text);
	else if (within_s > 0 && expires - now <= within_s)
		stp_finding_add(findings, STP_FINDING_EXPIRES_SOON, subject,
		                "expires at %s, in less than %" PRId64 " hours", text,
		                (within_s + 3599) / 3600);
}

const struct stp_listed *stp_chain_listed(const struct stp_chain *tree, const char *role)
{
	struct stp_listed wanted = {.role = role};

	if (!tree->listed_count)
		return NULL;
	return bsearch(&wanted, tree->listed, tree->listed_count, sizeof(wanted),
	               stp_listed_compare);
}

const struct stp_document *stp_chain_document(const struct stp_chain *tree,
                                              enum stp_chain_role role)
{
	const struct {
		const struct stp_document *doc;
		int found;
	} documents[] = {
	    [STP_CHAIN_ROOT] = {&tree->root.doc, tree->has_root},
	    [STP_CHAIN_TIMESTAMP] = {&tree->timestamp, tree->has_timestamp},
	    [STP_CHAIN_SNAPSHOT] = {&tree->snapshot, tree->has_snapshot},
	    [STP_CHAIN_TARGETS] = {&tree->targets, tree->has_targets},
	    [STP_CHAIN_BINS] = {&tree->bins, tree->has_bins},
	};

	return documents[role].found ? documents[role].doc : NULL;
}

uint32_t stp_chain_bin_of(const struct stp_chain *tree, uint64_t key_begin)
{
	size_t low = 0, high = tree->range_count;

	if (tree->bits)
		return (uint32_t)(key_begin >> (64 - tree->bits));
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tree->ranges[middle].last < key_begin)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < tree->range_count && tree->ranges[low].first <= key_begin)
		return tree->ranges[low].bin;
	return UINT32_MAX;
}
