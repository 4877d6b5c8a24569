/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/modes.h"

void stp_fd_close(int *fd)
{
	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
}

/* ------------------------------------------------------------------ temporary names */

static const char temporary_head[] = ".tmp-";
#define TEMPORARY_DIGITS (STP_TEMPORARY_BYTES - sizeof(temporary_head))

enum stp_errc stp_temporary_name(char out[STP_TEMPORARY_BYTES], const char *stage,
                                 const char *subject, struct stp_err *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return STP_FAIL_SYS(err, stage, subject,
		                    "cannot get random bytes for a temporary name");
	snprintf(out, STP_TEMPORARY_BYTES, "%s%016llx", temporary_head, (unsigned long long)random);
	return STP_OK;
}

int stp_temporary_is(const char *name)
{
	size_t head = sizeof(temporary_head) - 1;

	return strncmp(name, temporary_head, head) == 0 &&
	       strspn(name + head, "0123456789abcdef") == TEMPORARY_DIGITS &&
	       name[head + TEMPORARY_DIGITS] == '\0';
}

enum stp_errc stp_temporary_create(int folder_fd, int access, mode_t mode, const char *stage,
                                   const char *subject, char out_name[STP_TEMPORARY_BYTES],
                                   int *out_fd, struct stp_err *err)
{
	int fd;

	STP_TRY(stp_temporary_name(out_name, stage, subject, err));
	fd = openat(folder_fd, out_name, access | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return STP_FAIL_SYS(err, stage, subject, "cannot create");
	*out_fd = fd;
	return STP_OK;
}

/* ------------------------------------------------------------------ opening */

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a folder";
	case S_IFIFO:
		return "a named pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFLNK:
		return "a symbolic link";
	default:
		return "a device";
	}
}

/* Checks that a regular file was opened; otherwise reports what it is, or why it did not open. next
 * says what to do. */
static enum stp_errc check_regular(int folder_fd, const char *name, int fd, struct stat *st,
                                   const char *stage, const char *subject, const char *next,
                                   struct stp_err *err)
{
	int why = errno;

	if (fd < 0 && why != ELOOP && why != ENXIO && why != EISDIR && why != ENODEV)
		return STP_FAIL_ERRNO(err, why, stage, subject, "cannot open");
	/* A link, a socket, a folder, a device without a driver. */
	if (fd < 0 && fstatat(folder_fd, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_ERRNO(err, why, stage, subject, "cannot open");
	if (fd >= 0 && fstat(fd, st) != 0)
		return STP_FAIL_SYS(err, stage, subject, "cannot stat");
	if (fd >= 0 && S_ISREG(st->st_mode))
		return STP_OK;
	return STP_FAIL(err, STP_FORMAT, stage, subject, "is %s, not a regular file; %s",
	                kind_of(st->st_mode), next);
}

DIR *stp_folder_list(int folder_fd)
{
	int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);

	if (!folder)
		stp_fd_close(&copy);
	return folder;
}

int stp_name_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

enum stp_errc stp_folder_each(int folder_fd, const char *stage, const char *subject,
                              stp_folder_fn *fn, void *ctx, struct stp_err *err)
{
	DIR *folder = stp_folder_list(folder_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;

	if (!folder)
		return STP_FAIL_SYS(err, stage, subject, "cannot list the folder");
	while (code == STP_OK && (errno = 0, entry = readdir(folder)))
		if (!stp_name_is_dots(entry->d_name))
			code = fn(ctx, folder_fd, entry->d_name, err);
	if (code == STP_OK && errno)
		code = STP_FAIL_SYS(err, stage, subject, "cannot list the folder");
	closedir(folder);
	return code;
}

int stp_folder_is_empty(int folder_fd, const char *besides)
{
	DIR *folder = folder_fd < 0 ? NULL : stp_folder_list(folder_fd);
	const struct dirent *entry;
	int empty = 1;

	if (!folder)
		return 0;
	while (empty && (entry = readdir(folder)))
		empty = stp_name_is_dots(entry->d_name) ||
		        (besides && strcmp(entry->d_name, besides) == 0);
	closedir(folder);
	return empty;
}

int stp_file_exists(int folder_fd, const char *name)
{
	struct stat st;

	return fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

enum stp_errc stp_file_open(int folder_fd, const char *name, const char *stage, int *out_fd,
                            struct stat *out_stat, struct stp_err *err)
{
	struct stat st;
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	enum stp_errc code = check_regular(folder_fd, name, fd, &st, stage, name,
	                                   "remove it, and put the file itself in its place", err);

	if (code != STP_OK) {
		stp_fd_close(&fd);
		return code;
	}
	if (out_stat)
		*out_stat = st;
	*out_fd = fd;
	return STP_OK;
}

/* Whether the file may be written in place. */
static enum stp_errc check_own(int fd, const struct stat *st, const char *stage,
                               const char *subject, struct stp_err *err)
{
	char advice[STP_MODE_ADVICE_BYTES];

	if (st->st_nlink != 1)
		return STP_FAIL(
		    err, STP_FORMAT, stage, subject,
		    "has %lu hard links, and writing it would change it under the other names too; "
		    "remove it, and run this again",
		    (unsigned long)st->st_nlink);
	if (st->st_uid != geteuid())
		return STP_FAIL(
		    err, STP_FORMAT, stage, subject,
		    "belongs to user id %lu, but user id %lu runs this; run it as the owner, or "
		    "chown the file",
		    (unsigned long)st->st_uid, (unsigned long)geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return STP_FAIL(err, STP_FORMAT, stage, subject,
		                "can be written by others (mode %04o); %s",
		                (unsigned)(st->st_mode & 07777), stp_mode_advice(fd, 0600, advice));
	return STP_OK;
}

enum stp_errc stp_file_open_own(int folder_fd, const char *name, int append, mode_t mode,
                                const char *stage, const char *subject, int *out_fd,
                                struct stp_err *err)
{
	struct stat st;
	int fd = openat(folder_fd, name,
	                O_RDWR | O_CREAT | append | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	                mode);
	enum stp_errc code = check_regular(folder_fd, name, fd, &st, stage, subject,
	                                   "remove it, and run this again", err);

	if (code == STP_OK)
		code = check_own(fd, &st, stage, subject, err);
	if (code != STP_OK) {
		stp_fd_close(&fd);
		return code;
	}
	*out_fd = fd;
	return STP_OK;
}

/* ------------------------------------------------------------------ whole files */

/* Reads fd to its end, at most bytes_max bytes. */
static enum stp_errc read_all(int fd, const char *name, size_t bytes_max, const char *stage,
                              struct stp_buf *buf, struct stp_err *err)
{
	for (;;) {
		ssize_t got;

		STP_TRY(stp_buf_reserve(buf, 64 * 1024, err));
		got = read(fd, buf->data + buf->count, buf->capacity - buf->count - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, stage, name, "cannot read");
		buf->count += (size_t)got;
		if (buf->count > bytes_max)
			return STP_FAIL(err, STP_LIMIT, stage, name, "is larger than %zu bytes",
			                bytes_max);
		buf->data[buf->count] = '\0';
		if (got == 0)
			return STP_OK;
	}
}

enum stp_errc stp_file_read(int folder_fd, const char *name, size_t bytes_max, const char *stage,
                            struct stp_buf *out_buf, struct stp_err *err)
{
	struct stp_buf buf = STP_BUF_INIT;
	struct stat st;
	enum stp_errc code;
	int fd;

	STP_TRY(stp_file_open(folder_fd, name, stage, &fd, &st, err));
	/* Checked before gigabytes of a sparse file are read into memory. */
	if ((uint64_t)st.st_size > bytes_max)
		code = STP_FAIL(err, STP_LIMIT, stage, name,
		                "has %lld bytes, more than the %zu that such a file may have; "
		                "restore it from a backup",
		                (long long)st.st_size, bytes_max);
	else
		code = read_all(fd, name, bytes_max, stage, &buf, err);
	close(fd);
	if (code != STP_OK) {
		stp_buf_release(&buf);
		return code;
	}
	stp_buf_release(out_buf);
	*out_buf = buf;
	return STP_OK;
}

enum stp_errc stp_fd_write_at(int fd, const void *bytes, size_t count, off_t offset,
                              const char *stage, const char *subject, struct stp_err *err)
{
	const uint8_t *at = bytes;

	STP_FAULT_TRY(err, stage, "write_at", subject);
	while (count) {
		ssize_t put = pwrite(fd, at, STP_FAULT_WRITE_BYTES(count), offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return STP_FAIL_SYS(err, stage, subject, "cannot write");
		if (put == 0)
			return STP_FAIL_ERRNO(err, EIO, stage, subject, "nothing was written");
		at += put;
		offset += put;
		count -= (size_t)put;
	}
	return STP_OK;
}

enum stp_errc stp_fd_read_at(int fd, void *bytes, size_t count, off_t offset, const char *stage,
                             const char *subject, struct stp_err *err)
{
	uint8_t *at = bytes;

	while (count) {
		ssize_t got = pread(fd, at, count, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, stage, subject, "cannot read");
		if (got == 0)
			return STP_FAIL(err, STP_FORMAT, stage, subject, "ends too early");
		at += got;
		offset += got;
		count -= (size_t)got;
	}
	return STP_OK;
}

int stp_folder_again(int folder_fd)
{
	return openat(folder_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

enum stp_errc stp_fd_sync(int fd, const char *stage, const char *subject, struct stp_err *err)
{
	STP_FAULT_TRY(err, stage, "sync", subject);
	if (fsync(fd) != 0)
		return STP_FAIL_SYS(err, stage, subject, "cannot make it durable (fsync)");
	return STP_OK;
}

/* ------------------------------------------------------------------ names that are new */

/* Whether both names are of one file: when NFS sends a link(2) a second time, because the reply to
 * the first was lost, it fails with EEXIST although it succeeded. */
static int are_one_file(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat a;
	struct stat b;

	return fstatat(from_fd, from, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(to_fd, to, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && S_ISREG(a.st_mode);
}

/* The file system (NFS, GlusterFS, FUSE, ZFS before 2.2) or the kernel has no such rename. EPERM is
 * what older container runtimes return for calls that they do not know; where it is about the
 * files, the calls that follow fail in the same way. */
static int has_no_flags(int sys)
{
	return sys == EINVAL || sys == ENOSYS || sys == EPERM || sys == EOPNOTSUPP;
}

int stp_rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat st;

	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (!has_no_flags(errno))
		return -1;
	/* link(2) never replaces a file either. A crash before the unlink leaves both names, and
	 * the temporary one is removed by the next run. */
	if (linkat(from_fd, from, to_fd, to, 0) == 0 ||
	    (errno == EEXIST && are_one_file(from_fd, from, to_fd, to))) {
		(void)!unlinkat(from_fd, from, 0);
		return 0;
	}
	if (errno == EEXIST || errno == ENOENT)
		return -1;
	/* A folder, or a file system without hard links: callers hold a lock, or use a name that
	 * nobody else creates, so checking first is enough. */
	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from_fd, from, to_fd, to) : -1;
}

enum stp_errc stp_unnamed_create(int folder_fd, const char *stage, const char *subject, int *out_fd,
                                 struct stp_err *err)
{
	char name[STP_TEMPORARY_BYTES];
	int fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	/* Where the file system does not support it (NFS, FUSE; with different errors): a named
	 * file, unlinked at once. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL ||
	               errno == ENOENT || errno == ENOSYS)) {
		STP_TRY(
		    stp_temporary_create(folder_fd, O_RDWR, 0600, stage, subject, name, &fd, err));
		if (unlinkat(folder_fd, name, 0) != 0)
			stp_fd_close(&fd);
	}
	if (fd < 0)
		return STP_FAIL_SYS(err, stage, subject, "cannot make a temporary file");
	*out_fd = fd;
	return STP_OK;
}

/* Renames temporary to its final name. */
static enum stp_errc put_in_place(int folder_fd, const char *temporary, const char *name,
                                  enum stp_file_mode how, const char *stage, struct stp_err *err)
{
	int rc = how == STP_FILE_NEW ? stp_rename_new(folder_fd, temporary, folder_fd, name)
	                             : renameat(folder_fd, temporary, folder_fd, name);

	if (rc != 0)
		return STP_FAIL_SYS(err, stage, name, "cannot put in place");
	STP_FAULT_TRY(err, stage, "renamed", name);
	return stp_fd_sync(folder_fd, stage, name, err);
}

/* The fault point at which a test makes the writing of a small file fail. */
static enum stp_errc write_fault(const char *stage, const char *name, struct stp_err *err)
{
	STP_FAULT_TRY(err, stage, "write", name);
	return STP_OK;
}

enum stp_errc stp_file_write(int folder_fd, const char *name, const void *bytes, size_t count,
                             mode_t mode, enum stp_file_mode how, const char *stage,
                             struct stp_err *err)
{
	char temporary[STP_TEMPORARY_BYTES];
	enum stp_errc code;
	int fd = -1;

	STP_TRY(stp_temporary_create(folder_fd, O_WRONLY, mode, stage, name, temporary, &fd, err));
	code = write_fault(stage, name, err);
	if (code == STP_OK)
		code = stp_fd_write_at(fd, bytes, count, 0, stage, name, err);
	/* The umask may have cleared bits; a public file must be readable by the web server. */
	if (code == STP_OK && fchmod(fd, mode) != 0)
		code = STP_FAIL_SYS(err, stage, name, "cannot set permissions");
	if (code == STP_OK)
		code = stp_fd_sync(fd, stage, name, err);
	close(fd);
	if (code == STP_OK)
		code = put_in_place(folder_fd, temporary, name, how, stage, err);
	if (code != STP_OK)
		unlinkat(folder_fd, temporary, 0);
	return code;
}

enum stp_errc stp_folder_open(int folder_fd, const char *name, const char *stage, int *out_fd,
                              struct stp_err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (folder_fd == AT_FDCWD ? 0 : O_NOFOLLOW);
	int fd = openat(folder_fd, name, flags);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP) && folder_fd != AT_FDCWD) {
		int why = errno;
		struct stat st;

		if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
			return STP_FAIL(err, STP_FORMAT, stage, name,
			                "is %s, not a folder; remove it, and put the folder itself "
			                "in its place",
			                kind_of(st.st_mode));
		errno = why;
	}
	if (fd < 0)
		return STP_FAIL_SYS(err, stage, name, "cannot open the folder");
	*out_fd = fd;
	return STP_OK;
}

enum stp_errc stp_folder_make(int folder_fd, const char *name, mode_t mode, const char *stage,
                              int *out_fd, struct stp_err *err)
{
	if (mkdirat(folder_fd, name, mode) != 0 && errno != EEXIST)
		return STP_FAIL_SYS(err, stage, name, "cannot make the folder");
	return stp_folder_open(folder_fd, name, stage, out_fd, err);
}
