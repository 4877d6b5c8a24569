/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gc must know before it may remove a name: that the file really is where it seems to be. A
 * bind mount below public/ makes other folders, such as the index, look like a part of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/text.h"
#include "run/gc/run.h"

#define STAGE "gc"

enum stp_errc stp_gc_check_cancel(const struct stp_gc_run *run, struct stp_err *err)
{
	if (!stp_cancelled(run->options->cancel))
		return STP_OK;
	return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped; run it again to continue");
}

int stp_gc_open(int folder_fd, const char *name, int flags)
{
	struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
	    .resolve =
	        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	do
		fd = stp_open_beneath(folder_fd, name, &how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

enum stp_errc stp_gc_look(int folder_fd, dev_t device, const char *name, const char *subject,
                          enum stp_gc_place *out_place, struct stat *out_stat, struct stp_err *err)
{
	int fd = stp_gc_open(folder_fd, name, O_PATH);
	int rc;

	if (fd < 0 && errno != ENOENT && errno != EXDEV && errno != EACCES)
		return STP_FAIL_SYS(err, STAGE, subject, "cannot look at it");
	*out_place = fd < 0 && errno == ENOENT ? STP_GC_GONE : STP_GC_ELSEWHERE;
	if (fd < 0)
		return STP_OK;
	rc = fstat(fd, out_stat);
	close(fd);
	if (rc != 0)
		return STP_FAIL_SYS(err, STAGE, subject, "cannot stat");
	/* A subvolume has a device of its own but is not a mount. The device of a file proves
	 * nothing: overlayfs reports that of the layer. */
	if (!S_ISDIR(out_stat->st_mode) || out_stat->st_dev == device)
		*out_place = STP_GC_HERE;
	return STP_OK;
}

void stp_gc_unknown(struct stp_gc_run *run, const char *top, const char *folder, const char *name)
{
	struct stp_gc_report *report = run->report;
	char raw[1024];
	char shown[sizeof(report->unknown[0])];
	size_t at = report->unknown_count;

	report->strangers++;
	snprintf(raw, sizeof(raw), "%s/%s%s", top, folder, name);
	stp_text_escape(raw, strlen(raw), shown, sizeof(shown));
	/* Lists the first by name, in whatever order the folder returned them. */
	if (at == STP_GC_UNKNOWN_SHOWN && strcmp(shown, report->unknown[at - 1]) >= 0)
		return;
	if (at == STP_GC_UNKNOWN_SHOWN)
		at--;
	else
		report->unknown_count++;
	for (; at > 0 && strcmp(shown, report->unknown[at - 1]) < 0; at--)
		memcpy(report->unknown[at], report->unknown[at - 1], sizeof(shown));
	memcpy(report->unknown[at], shown, sizeof(shown));
}
