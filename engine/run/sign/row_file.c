/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/row_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "record/fingerprint.h"
#include "run/sign/again.h"
#include "run/sign/alarm.h"
#include "run/sign/list_notes.h"
#include "scan/entry.h"

/* Adds the fault of a row whose file must be read and cannot: what the row lacks or, for a complete
 * row, why its file must be read. */
static void fault_file(struct stp_sign_run *run, const struct stp_record *row, int sys_errno,
                       const char *problem)
{
	char lacks[64];
	char why[128];

	stp_list_row_lacks(run, row, lacks);
	if (lacks[0])
		snprintf(why, sizeof(why), "has no %s", lacks);
	else
		snprintf(why, sizeof(why),
		         "has no digest to compare with what was signed before \"hashes\" was "
		         "changed (add that column once)");
	stp_fault_add(&run->faults, sys_errno ? STP_IO : STP_FORMAT, sys_errno, STP_LIST_STAGE,
	              row->path, row->path_bytes, "%.80s:%llu %s, so the file must be read, %s",
	              run->list_source.name, (unsigned long long)row->origin, why, problem);
}

enum stp_file_found stp_sign_find_file(struct stp_sign_run *run, const struct stp_record *row,
                                       struct stp_record *entry)
{
	char path[STP_PATH_BYTES_MAX + 1];
	struct stat st;

	stp_record_path(row, path);
	if (run->targets_fd < 0) {
		fault_file(run, row, 0, "and there is no targets folder");
		return STP_FILE_ABSENT;
	}
	if (fstatat(run->targets_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		fault_file(run, row, errno, "and it cannot be found");
		return STP_FILE_ABSENT;
	}
	if (!S_ISREG(st.st_mode)) {
		fault_file(run, row, 0, "and it is not a regular file");
		return STP_FILE_OTHER;
	}
	if ((uint64_t)st.st_size > STP_LENGTH_MAX) {
		stp_fault_add(&run->faults, STP_LIMIT, 0, STP_LIST_STAGE, row->path,
		              row->path_bytes, STP_ENTRY_LENGTH_PROBLEM);
		return STP_FILE_OTHER;
	}
	*entry = *row;
	entry->flags |= STP_RECORD_FILE;
	entry->length = (uint64_t)st.st_size;
	if (row->flags & STP_RECORD_SIZED && entry->length != row->length) {
		struct stp_said says = {row->length, NULL, 0};
		struct stp_said has = {entry->length, NULL, 0};

		stp_sign_contradict(run, row, &says, &has);
		return STP_FILE_OTHER;
	}
	entry->fingerprint =
	    stp_fingerprint_of(&st, stp_fs_id(&run->fs, st.st_dev, run->targets_fd, path));
	stp_sign_look_ahead(run, entry);
	return STP_FILE_FOUND;
}
