/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/remember.h"

#include <string.h>

#include "run/sign/alarm.h"

int stp_sign_remember(const struct stp_sign_run *run, const struct stp_decision *decision,
                      int is_whole, struct stp_record *out, uint8_t digests[STP_CLAIMS_BYTES_MAX])
{
	const unsigned digest_flags = STP_RECORD_DIGESTS | STP_RECORD_CLAIMS;
	unsigned set = decision->committed ? decision->committed_set : decision->removed_set;
	const struct stp_record *before =
	    decision->committed ? decision->committed : decision->removed;

	/* A delta need not repeat what older segments say. */
	if (!before || (!decision->committed && !is_whole))
		return 0;
	*out = *before;
	if (!(out->flags & STP_RECORD_REMOVED))
		out->removed_at = run->now > 0 ? (uint64_t)run->now : 0;
	stp_record_restate(out, set, run->config.hash_set, digests);
	out->flags &= digest_flags | STP_RECORD_FILE | STP_RECORD_RACY | STP_RECORD_PASSED;
	out->flags |= STP_RECORD_REMOVED;
	if ((out->flags & digest_flags) && !stp_sign_is_mutable(run, before))
		return 1;
	/* Nothing to remember: a delta records that the path is gone, a base just omits it. */
	memset(out, 0, sizeof(*out));
	memcpy(out->key, before->key, STP_KEY_BYTES);
	out->flags = STP_RECORD_REMOVED | STP_RECORD_NO_PATH;
	return !is_whole;
}
