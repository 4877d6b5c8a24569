/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "record/trust.h"

/* The same by fstatat(2) where a sandbox refuses statx(2): never because of the file itself. */
static void look_without_statx(int folder_fd, const char *name, struct stp_entry *out_entry)
{
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
		out_entry->sys_errno = errno;
		return;
	}
	out_entry->sys_errno = 0;
	out_entry->mode = st.st_mode;
	out_entry->status = stp_file_status_of(&st);
}

void stp_entry_look(int folder_fd, const struct stp_name *name, struct stp_entry *out_entry)
{
	struct statx stx;

	out_entry->sys_errno = 0;
	out_entry->mode = DTTOIF(name->type);
	out_entry->is_mount_root = 0;
	if (name->type != DT_REG && name->type != DT_UNKNOWN)
		return;
	if (statx(folder_fd, name->text, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	          STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME, &stx) == 0) {
		out_entry->mode = stx.stx_mode;
		out_entry->is_mount_root = (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
		out_entry->status = stp_file_status_of_statx(&stx);
		return;
	}
	out_entry->sys_errno = errno;
	if (errno == EPERM || errno == ENOSYS)
		look_without_statx(folder_fd, name->text, out_entry);
}

int stp_entry_is_special(const struct stp_entry *entry)
{
	return !entry->sys_errno && !S_ISREG(entry->mode) && !S_ISDIR(entry->mode);
}

int stp_entry_is_mount(const struct stp_entry *entry)
{
	return !entry->sys_errno && S_ISREG(entry->mode) && entry->is_mount_root;
}

static const char *kind_problem(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return "is a symbolic link, which is never followed; exclude it or put the file in "
		       "its place";
	case S_IFIFO:
		return "is a FIFO; exclude or remove it";
	case S_IFSOCK:
		return "is a socket; exclude or remove it";
	case S_IFBLK:
	case S_IFCHR:
		return "is a device; exclude or remove it";
	default:
		return "is not a regular file; exclude or remove it";
	}
}

struct stp_entry_problem stp_entry_problem(const struct stp_entry *entry, const char *path_problem,
                                           int any_length)
{
	struct stp_entry_problem problem = {STP_FORMAT, 0, NULL};
	int sys = entry->sys_errno;

	if (stp_entry_is_special(entry)) {
		problem.text = kind_problem(entry->mode);
	} else if (path_problem) {
		problem.text = path_problem;
	} else if (sys == ENOENT) {
		problem.code = STP_CHANGED;
		problem.text = "vanished during the scan; run again";
	} else if (sys) {
		problem.code = STP_IO;
		problem.sys_errno = sys;
		problem.text = "cannot stat the file";
	} else if (S_ISDIR(entry->mode)) {
		/* It was not entered. */
		problem.code = STP_CHANGED;
		problem.text = "was listed as a file but is a folder; run again";
	} else if (!any_length && entry->status.length > STP_LENGTH_MAX) {
		problem.code = STP_LIMIT;
		problem.text = STP_ENTRY_LENGTH_PROBLEM;
	}
	return problem;
}

void stp_entry_record(const struct stp_entry *entry, int64_t racy_after_ns,
                      struct stp_record *out_record)
{
	const struct stp_stamp_limits limits = {racy_after_ns, INT64_MAX};

	memset(out_record, 0, sizeof(*out_record));
	out_record->length = entry->status.length;
	out_record->fingerprint = entry->status.fingerprint;
	out_record->flags = STP_RECORD_FILE;
	/* A stamp of the future counts as racy too: only the stage that hashes the file reads the
	 * clock afterwards. */
	if (stp_stamps_are_racy(&out_record->fingerprint, &limits))
		out_record->flags |= STP_RECORD_RACY;
}
