/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator must hear of: alarms about single files, and notes about the run.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "run/sign_run.h"

int stp_sign_may_change(const struct stp_sign_run *run, const struct stp_record *record)
{
	size_t i;

	if (stp_globs_match(&run->config.mutable_globs, record->path, record->path_bytes))
		return 1;
	for (i = 0; i < run->options->replace_path_count; i++) {
		const char *path = run->options->replace_paths[i];

		if (strlen(path) == record->path_bytes &&
		    memcmp(path, record->path, record->path_bytes) == 0)
			return 1;
	}
	return 0;
}

void stp_sign_alarm(struct stp_sign_run *run, const struct stp_record *record,
                    const struct stp_said *before, const struct stp_said *now)
{
	char text[STP_DIFFERENCE_MAX];

	stp_fault_add(&run->faults, STP_REFUSED, 0, "sign", record->path, record->path_bytes,
	              "has other bytes than were signed before (%s); distribution files never "
	              "change: find out who did this, then --allow-replace it or restore it",
	              stp_said_difference(before, now, " is now ", text));
}

void stp_sign_contradict(struct stp_sign_run *run, const struct stp_record *row,
                         const struct stp_said *says, const struct stp_said *has)
{
	char text[STP_DIFFERENCE_MAX];

	stp_fault_add(&run->faults, STP_REFUSED, 0, "list", row->path, row->path_bytes,
	              "is not the file that %.80s:%llu describes (%s); restore the file or correct "
	              "the list",
	              stp_sign_list_name(run->options), (unsigned long long)row->origin,
	              stp_said_difference(says, has, ", the file has ", text));
}

void stp_sign_tell(struct stp_sign_run *run, const char *stage, const char *subject,
                   const char *format, ...)
{
	const struct stp_sign_options *options = run->options;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_fault_add(&run->told, STP_OK, 0, stage, subject, strlen(subject), "%s", text);
	if (options->tell)
		options->tell(options->tell_ctx, stage, subject, text);
}

static void note_missing(struct stp_sign_run *run)
{
	const char *folder = run->config.targets_dir;
	struct stp_missing missing = {0};
	char names[200] = "";
	char count[32];
	size_t used = 0;
	size_t i;

	stp_links_missing(run->links, &missing);
	for (i = 0; i < missing.kept && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.60s",
		                         i ? ", " : "", missing.paths[i]);
	if (missing.count)
		stp_fault_add(
		    &run->notes, STP_OK, 0, "links", folder, strlen(folder),
		    "has no file for %s target%s of the list (%s%s), so there is no link in "
		    "public/targets; add the files and sign again, or set "
		    "\"target_files\": \"none\" if they are served from elsewhere",
		    stp_count_format(missing.count, count), missing.count == 1 ? "" : "s", names,
		    missing.count > missing.kept ? ", ..." : "");
	stp_missing_release(&missing);
}

void stp_sign_note_lists(struct stp_sign_run *run)
{
	const char *name = run->options->digests ? stp_sign_list_name(run->options) : "";
	char count[32];

	if (run->report->list_repeats)
		stp_fault_add(&run->notes, STP_OK, 0, "scan", name, strlen(name),
		              "%s row%s another row exactly; each is counted once",
		              stp_count_format(run->report->list_repeats, count),
		              run->report->list_repeats == 1 ? " repeats" : "s repeat");
	if (run->links)
		note_missing(run);
}
