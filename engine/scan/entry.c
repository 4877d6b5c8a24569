/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/limits.h"
#include "record/stamp.h"

/* The same where a sandbox refuses statx(2), which no file is a reason for. */
static void look_without_statx(int folder_fd, const char *name, struct stp_entry *out_entry)
{
	struct statx *stx = &out_entry->stx;
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
		out_entry->sys_errno = errno;
		return;
	}
	out_entry->sys_errno = 0;
	stx->stx_attributes = 0;
	stx->stx_mode = (uint16_t)st.st_mode;
	stx->stx_ino = st.st_ino;
	stx->stx_size = (uint64_t)st.st_size;
	stx->stx_dev_major = major(st.st_dev);
	stx->stx_dev_minor = minor(st.st_dev);
	stx->stx_mtime.tv_sec = st.st_mtim.tv_sec;
	stx->stx_mtime.tv_nsec = (uint32_t)st.st_mtim.tv_nsec;
	stx->stx_ctime.tv_sec = st.st_ctim.tv_sec;
	stx->stx_ctime.tv_nsec = (uint32_t)st.st_ctim.tv_nsec;
}

void stp_entry_look(int folder_fd, const struct stp_name *name, struct stp_entry *out_entry)
{
	out_entry->sys_errno = 0;
	out_entry->stx.stx_mode = (uint16_t)DTTOIF(name->type);
	if (name->type != DT_REG && name->type != DT_UNKNOWN)
		return;
	if (statx(folder_fd, name->text, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	          STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME,
	          &out_entry->stx) == 0)
		return;
	out_entry->sys_errno = errno;
	if (errno == EPERM || errno == ENOSYS)
		look_without_statx(folder_fd, name->text, out_entry);
}

int stp_entry_is_special(const struct stp_entry *entry)
{
	return !entry->sys_errno && !S_ISREG(entry->stx.stx_mode) && !S_ISDIR(entry->stx.stx_mode);
}

int stp_entry_is_mount(const struct stp_entry *entry)
{
	return !entry->sys_errno && S_ISREG(entry->stx.stx_mode) &&
	       (entry->stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
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
		problem.text = kind_problem(entry->stx.stx_mode);
	} else if (path_problem) {
		problem.text = path_problem;
	} else if (sys == ENOENT) {
		problem.code = STP_CHANGED;
		problem.text = "vanished during the scan; run again";
	} else if (sys) {
		problem.code = STP_IO;
		problem.sys_errno = sys;
		problem.text = "cannot stat the file";
	} else if (S_ISDIR(entry->stx.stx_mode)) {
		/* Nobody went into it. */
		problem.code = STP_CHANGED;
		problem.text = "was listed as a file but is a folder; run again";
	} else if (!any_length && entry->stx.stx_size > STP_LENGTH_MAX) {
		problem.code = STP_LIMIT;
		problem.text = STP_ENTRY_LENGTH_PROBLEM;
	}
	return problem;
}

void stp_entry_record(const struct stp_entry *entry, int64_t racy_after_ns,
                      struct stp_record *out_record)
{
	const struct statx *stx = &entry->stx;

	memset(out_record, 0, sizeof(*out_record));
	out_record->length = stx->stx_size;
	out_record->fingerprint.fs_id = makedev(stx->stx_dev_major, stx->stx_dev_minor);
	out_record->fingerprint.ino = stx->stx_ino;
	out_record->fingerprint.mtime_ns = stp_stamp_of_statx(stx->stx_mtime);
	out_record->fingerprint.ctime_ns = stp_stamp_of_statx(stx->stx_ctime);
	out_record->flags = STP_RECORD_FILE;
	if (out_record->fingerprint.mtime_ns >= racy_after_ns ||
	    out_record->fingerprint.ctime_ns >= racy_after_ns)
		out_record->flags |= STP_RECORD_RACY;
}
