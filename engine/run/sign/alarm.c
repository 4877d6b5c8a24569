/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/alarm.h"

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

/* An argument is a literal path ("[" and "]" are usual in names) unless "*" or "?" make it a
 * glob. */
static int names(const char *wanted, const struct stp_record *record)
{
	struct stp_globs globs = {&wanted, 1};

	if (strlen(wanted) == record->path_bytes &&
	    memcmp(wanted, record->path, record->path_bytes) == 0)
		return 1;
	return strpbrk(wanted, "*?") != NULL &&
	       stp_globs_match(&globs, record->path, record->path_bytes);
}

int stp_sign_may_change(struct stp_sign_run *run, const struct stp_record *record)
{
	int may = stp_sign_is_mutable(run, record);
	size_t i;

	for (i = 0; i < run->options->replace_path_count; i++) {
		if (!names(run->options->replace_paths[i], record))
			continue;
		stp_glob_use_mark(&run->globs.replace, i);
		may = 1;
	}
	return may;
}

/* "" for a target; ", before it was removed" and the time for one that was not signed last time. */
static void since_text(const struct stp_signed_last *before, char *out, size_t size)
{
	char time[STP_TIME_BYTES + 1];

	out[0] = '\0';
	if (!before->is_removed)
		return;
	if (before->removed_at <= 0 || before->removed_at > TIME_MAX) {
		snprintf(out, size, ", before it was removed");
		return;
	}
	stp_time_format(before->removed_at, time);
	snprintf(out, size, ", before it was removed at %s", time);
}

struct stp_signed_last stp_sign_signed_last(const struct stp_decision *decision)
{
	struct stp_signed_last last = {{0, NULL, 0}, 0, 0};

	if (decision->committed) {
		last.said = stp_said_by(decision->committed, decision->committed_set);
	} else if (decision->removed) {
		last.said = stp_said_by(decision->removed, decision->removed_set);
		last.is_removed = 1;
		if (decision->removed->flags & STP_RECORD_REMOVED)
			last.removed_at = (int64_t)decision->removed->removed_at;
	}
	return last;
}

void stp_sign_alarm(struct stp_sign_run *run, const struct stp_record *record,
                    const struct stp_signed_last *before, const struct stp_said *now)
{
	char text[STP_DIFFERENCE_MAX];
	char since[64];

	since_text(before, since, sizeof(since));
	stp_fault_add(&run->faults, STP_REFUSED, 0, "sign", record->path, record->path_bytes,
	              "has other bytes than were signed before%s (%s); distribution files never "
	              "change: find out who did this, then %s or restore it",
	              since, stp_said_difference(&before->said, now, " is now ", text),
	              stp_hint_text(STP_HINT_REPLACE_IT));
}

int stp_sign_alarms(struct stp_sign_run *run, const struct stp_decision *decision)
{
	const struct stp_record *now = decision->record;
	struct stp_signed_last before;
	struct stp_said said_now;

	if (decision->is_committed || (!decision->committed && !decision->removed))
		return 0;
	before = stp_sign_signed_last(decision);
	said_now = stp_said_by(now, decision->record_set);
	if (stp_said_compare(&before.said, &said_now) != STP_SAME_NO ||
	    stp_sign_may_change(run, now))
		return 0;
	stp_sign_alarm(run, now, &before, &said_now);
	return 1;
}

void stp_sign_contradict(struct stp_sign_run *run, const struct stp_record *row,
                         const struct stp_said *says, const struct stp_said *has)
{
	char text[STP_DIFFERENCE_MAX];

	stp_fault_add(&run->faults, STP_REFUSED, 0, STP_LIST_STAGE, row->path, row->path_bytes,
	              "is not the file that %.80s:%llu describes (%s); restore the file or correct "
	              "the list",
	              run->list_source.name, (unsigned long long)row->origin,
	              stp_said_difference(says, has, ", the file has ", text));
}
