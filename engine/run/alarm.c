/* SPDX-License-Identifier: Apache-2.0 */
#include "run/alarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Of the year 9999, the last that can be written. */
#define TIME_MAX INT64_C(253402300799)

int stp_sign_is_mutable(const struct stp_sign_run *run, const struct stp_record *record)
{
	return stp_globs_match(&run->config.mutable_globs, record->path, record->path_bytes);
}

/* A path is taken word for word: "[" and "]" are usual in names. "*" or "?" make it a glob. */
static int names(const char *wanted, const struct stp_record *record)
{
	struct stp_globs globs = {&wanted, 1};

	if (strlen(wanted) == record->path_bytes &&
	    memcmp(wanted, record->path, record->path_bytes) == 0)
		return 1;
	return strpbrk(wanted, "*?") != NULL &&
	       stp_globs_match(&globs, record->path, record->path_bytes);
}

static int may_change(const struct stp_sign_run *run, const struct stp_record *record)
{
	size_t i;

	if (stp_sign_is_mutable(run, record))
		return 1;
	for (i = 0; i < run->options->replace_path_count; i++)
		if (names(run->options->replace_paths[i], record))
			return 1;
	return 0;
}

/* The first digest that both know and that differs; STP_ALG_COUNT when there is none. A digest of
 * zeros is one that a published bin did not have, because other hashes were configured then. */
static unsigned differing_alg(const struct stp_sign_run *run, const struct stp_record *before,
                              const struct stp_record *now)
{
	static const uint8_t unknown[STP_DIGEST_BYTES_MAX];
	unsigned alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);
		size_t at;

		if (!(run->config.hash_set & STP_ALG_BIT(alg)))
			continue;
		at = stp_alg_set_offset(run->config.hash_set, (enum stp_alg)alg);
		if (memcmp(before->digests + at, now->digests + at, bytes) != 0 &&
		    memcmp(before->digests + at, unknown, bytes) != 0)
			break;
	}
	return alg;
}

/* "" for a target, " before it was removed" and when for one that was not signed last time. */
static void since_text(const struct stp_decision *decision, char *out, size_t size)
{
	int64_t removed_at = 0;
	char time[STP_TIME_BYTES + 1];

	out[0] = '\0';
	if (decision->committed)
		return;
	if (decision->removed->flags & STP_RECORD_REMOVED)
		removed_at = (int64_t)decision->removed->removed_at;
	if (removed_at <= 0 || removed_at > TIME_MAX) {
		snprintf(out, size, ", before it was removed");
		return;
	}
	stp_time_format(removed_at, time);
	snprintf(out, size, ", before it was removed at %s", time);
}

int stp_sign_alarms(struct stp_sign_run *run, const struct stp_decision *decision)
{
	const struct stp_record *now = decision->record;
	const struct stp_record *before =
	    decision->committed ? decision->committed : decision->removed;
	unsigned alg = STP_ALG_COUNT;
	char change[128];
	char since[64];

	if (decision->is_committed || !before)
		return 0;
	if (before->flags & STP_RECORD_DIGESTS)
		alg = differing_alg(run, before, now);
	if (alg == STP_ALG_COUNT && before->length == now->length)
		return 0;
	if (may_change(run, now))
		return 0;
	if (alg == STP_ALG_COUNT) {
		snprintf(change, sizeof(change), "%" PRIu64 " bytes are now %" PRIu64,
		         before->length, now->length);
	} else {
		size_t at = stp_alg_set_offset(run->config.hash_set, (enum stp_alg)alg);
		char old_hex[17] = "";
		char new_hex[17] = "";

		stp_hex_encode(before->digests + at, 8, old_hex);
		stp_hex_encode(now->digests + at, 8, new_hex);
		snprintf(change, sizeof(change), "%s %s… is now %s…",
		         stp_alg_name((enum stp_alg)alg), old_hex, new_hex);
	}
	since_text(decision, since, sizeof(since));
	stp_fault_add(
	    &run->faults, STP_REFUSED, 0, "sign", now->path, now->path_bytes,
	    "has other bytes than were signed before%s (%s); distribution files never change: find "
	    "out who did this, then --allow-replace it or restore it",
	    since, change);
	return 1;
}
