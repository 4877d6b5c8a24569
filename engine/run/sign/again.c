/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/again.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/text.h"
#include "record/stamp.h"
#include "record/trust.h"

int64_t stp_sign_racy_after(const struct stp_sign_run *run)
{
	if (run->options->dry_run)
		return INT64_MAX;
	return stp_stamp_later(run->clock_ns, -stp_fs_grace_ns(&run->fs, run->repo.state_fd));
}

void stp_again_add(struct stp_sign_again *to, const struct stp_sign_again *from)
{
	size_t i;

	for (i = 0; i < STP_AGAIN_COUNT; i++)
		to->files[i] += from->files[i];
	to->renumbered += from->renumbered;
	to->ctime_ignored += from->ctime_ignored;
}

/* --- notes ----------------------------------------------------------------------------------- */

void stp_sign_report_again(struct stp_sign_run *run, const struct stp_sign_again *counted,
                           uint64_t window_count)
{
	static const enum stp_again quiet[] = {STP_AGAIN_CTIME, STP_AGAIN_DEVICE, STP_AGAIN_INODE};
	struct stp_sign_again reported = {0};
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		reported.files[quiet[i]] = counted->files[quiet[i]] * window_count;
	if (!stp_sign_again_text(&reported, text, sizeof(text)))
		return;
	stp_sign_report_note(
	    run, "hash", run->config.targets_dir, "%s%s, although size and mtime are unchanged%s",
	    window_count > 1 ? "about " : "", text,
	    reported.files[STP_AGAIN_CTIME]
	        ? " (backups by hard links, chmod and chown change the ctime; if that is the "
	          "cause, see \"trust\" in stampede.json(5))"
	        : "");
}

void stp_sign_note_tolerated(struct stp_sign_run *run)
{
	const struct stp_sign_again *again = &run->report->again;
	const char *folder = run->config.targets_dir;
	char count[32];

	if (again->renumbered)
		stp_fault_add(&run->notes, STP_CHANGED, 0, "hash", folder, strlen(folder),
		              "its file system has another device number than in the ledger, as "
		              "after a reboot or a remount; %s file%s, otherwise unchanged, %s "
		              "not hashed again because of that",
		              stp_count_format(again->renumbered, count),
		              again->renumbered == 1 ? "" : "s",
		              again->renumbered == 1 ? "was" : "were");
	if (again->ctime_ignored)
		stp_fault_add(&run->notes, STP_CHANGED, 0, "hash", STP_CONFIG_FILE,
		              strlen(STP_CONFIG_FILE),
		              "\"trust\" is \"mtime\": %s file%s with another ctime %s not hashed "
		              "again",
		              stp_count_format(again->ctime_ignored, count),
		              again->ctime_ignored == 1 ? "" : "s",
		              again->ctime_ignored == 1 ? "was" : "were");
}

void stp_sign_look_ahead(struct stp_sign_run *run, const struct stp_record *entry)
{
	if (stp_stamps_are_ahead(&entry->fingerprint, run->ahead_ns))
		stp_fault_add(&run->ahead, STP_CHANGED, 0, "scan", entry->path, entry->path_bytes,
		              "has a time in the future");
}

void stp_sign_note_ahead(struct stp_sign_run *run)
{
	const char *first;
	char others[64] = "";
	char count[32];

	if (!run->ahead.count)
		return;
	stp_fault_list_sort(&run->ahead);
	first = run->ahead.items[0].subject;
	if (run->ahead.total > 1)
		snprintf(others, sizeof(others), ", as do %s other files",
		         stp_count_format(run->ahead.total - 1, count));
	stp_fault_add(&run->notes, STP_CHANGED, 0, "scan", first, strlen(first),
	              "has a time in the future%s; such a file is hashed again only when it "
	              "changes, and once after that time has passed; touch it, or set the clock",
	              others);
}
