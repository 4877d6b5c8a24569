/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define STAGE "hunt"

enum stp_errc stp_rotate_log_load(struct stp_rotate_log *log, int state_fd, int good_state_fd,
                                  struct stp_err *err)
{
	memset(log, 0, sizeof(*log));
	STP_TRY(stp_audit_lines_load(&log->today, state_fd, STP_AUDIT_FILE, err));
	return good_state_fd < 0
	           ? STP_OK
	           : stp_audit_lines_load(&log->good, good_state_fd, STP_AUDIT_FILE, err);
}

void stp_rotate_log_release(struct stp_rotate_log *log)
{
	stp_audit_lines_release(&log->today);
	stp_audit_lines_release(&log->good);
}

enum stp_audit_answer stp_rotate_log_known(void *ctx, const struct stp_audit_line *line,
                                           const char *name, const struct stp_buf *file,
                                           int is_public)
{
	struct stp_rotate_log *log = ctx;
	enum stp_audit_answer today = stp_audit_lines_find(&log->today, line);
	enum stp_audit_answer good = stp_audit_lines_find(&log->good, line);

	(void)name;
	(void)file;
	if (is_public)
		stp_audit_lines_mark(&log->today, line);
	return today > good ? today : good;
}

/* ---------------------------------------------------------------- today's against the copy */

struct compared {
	const struct stp_audit_lines *other;
	int64_t from, before; /* only lines of [from, before) */
	uint64_t lacking;
};

static enum stp_errc count_lacking(void *ctx, const struct stp_audit_line *line,
                                   struct stp_err *err)
{
	struct compared *compared = ctx;

	(void)err;
	compared->lacking += line->at >= compared->from && line->at < compared->before &&
	                     stp_audit_lines_find(compared->other, line) != STP_AUDIT_RECORDED;
	return STP_OK;
}

/* Lines that the copy has and today's log should have: all that are younger than its oldest line,
 * as gc drops old ones. And lines of today's from the time of the copy that the copy lacks: its
 * last second may be incomplete. */
static enum stp_errc compare(const struct stp_rotate_log *log, int state_fd, int good_state_fd,
                             struct stp_hunt_report *report, struct stp_err *err)
{
	struct compared vanished = {
	    .other = &log->today,
	    .from = log->today.count ? log->today.first_at : INT64_MIN,
	    .before = INT64_MAX,
	};
	struct compared inserted = {
	    .other = &log->good,
	    .from = log->good.first_at,
	    .before = log->good.last_at,
	};
	uint64_t malformed;

	report->has_known_log = log->good.count != 0;
	if (!report->has_known_log)
		return STP_OK;
	STP_TRY(stp_audit_each(good_state_fd, STP_AUDIT_FILE, count_lacking, &vanished, &malformed,
	                       err));
	report->log_vanished = vanished.lacking;
	if (!log->today.count)
		return STP_OK;
	STP_TRY(
	    stp_audit_each(state_fd, STP_AUDIT_FILE, count_lacking, &inserted, &malformed, err));
	report->log_inserted = inserted.lacking;
	return STP_OK;
}

/* ---------------------------------------------------------------- what public/metadata lacks */

struct absence {
	const struct stp_rotate_log *log;
	const struct stp_rotate_published *published;
	uint64_t oldest; /* snapshot that is kept */
	struct stp_arena *arena;
	struct stp_hunt_report *report;
};

static int has_snapshot(const struct stp_rotate_published *published, uint64_t version)
{
	size_t i;

	for (i = 0; i < published->snapshot_count; i++)
		if (published->snapshots[i] == version)
			return 1;
	return 0;
}

static int is_timestamp(const struct stp_audit_line *line)
{
	return line->role_bytes == strlen("timestamp") &&
	       memcmp(line->role, "timestamp", line->role_bytes) == 0;
}

static enum stp_errc note_absent(struct absence *absence, const struct stp_audit_line *line,
                                 struct stp_err *err)
{
	char name[STP_NAME_BYTES_MAX + 32];

	snprintf(name, sizeof(name), "%" PRIu64 ".%.*s.json", line->version, (int)line->role_bytes,
	         line->role);
	/* Files that a former key signed are there, and are not what the hunt is for. */
	if (stp_file_exists(absence->published->metadata_fd, name))
		return STP_OK;
	if (absence->report->absent++)
		return STP_OK;
	absence->report->absent_first = stp_arena_copy(absence->arena, name, strlen(name));
	return absence->report->absent_first
	           ? STP_OK
	           : STP_FAIL_ERRNO(err, ENOMEM, STAGE, name, "no memory for the report");
}

static enum stp_errc judge_absent(void *ctx, const struct stp_audit_line *line, struct stp_err *err)
{
	struct absence *absence = ctx;
	struct stp_hunt_report *report = absence->report;

	if (stp_audit_lines_is_marked(&absence->log->today, line))
		return STP_OK;
	if (is_timestamp(line) && line->version < absence->published->timestamp)
		report->absent_replaced++;
	else if (line->version < absence->oldest)
		report->absent_collected++;
	else if (!has_snapshot(absence->published, line->version))
		report->absent_unpublished++;
	else
		return note_absent(absence, line, err);
	return STP_OK;
}

static uint64_t oldest_snapshot(const struct stp_rotate_published *published)
{
	uint64_t oldest = UINT64_MAX;
	size_t i;

	for (i = 0; i < published->snapshot_count; i++)
		if (published->snapshots[i] < oldest)
			oldest = published->snapshots[i];
	return published->snapshot_count ? oldest : 0;
}

enum stp_errc stp_rotate_log_report(const struct stp_rotate_log *log, int state_fd,
                                    int good_state_fd, const struct stp_rotate_published *published,
                                    struct stp_arena *arena, struct stp_hunt_report *report,
                                    struct stp_err *err)
{
	struct absence absence = {
	    .log = log,
	    .published = published,
	    .oldest = oldest_snapshot(published),
	    .arena = arena,
	    .report = report,
	};
	uint64_t malformed;

	report->log_lines = log->today.count;
	report->log_malformed = log->today.malformed;
	report->log_backwards = log->today.backwards;
	report->log_first_at = log->today.first_at;
	report->log_last_at = log->today.last_at;
	STP_TRY(compare(log, state_fd, good_state_fd, report, err));
	if (!log->today.count)
		return STP_OK;
	return stp_audit_each(state_fd, STP_AUDIT_FILE, judge_absent, &absence, &malformed, err);
}
