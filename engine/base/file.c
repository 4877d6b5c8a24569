/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"

void stp_fd_close(int *fd)
{
	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
}

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
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return STP_FAIL_SYS(err, stage, name, "cannot open");
	if (fstat(fd, &st) != 0)
		code = STP_FAIL_SYS(err, stage, name, "cannot stat");
	else if (!S_ISREG(st.st_mode))
		code = STP_FAIL(err, STP_FORMAT, stage, name, "is no regular file");
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

/* Gives temporary its final name. */
static enum stp_errc put_in_place(int folder_fd, const char *temporary, const char *name,
                                  enum stp_file_mode how, const char *stage, struct stp_err *err)
{
	int rc = renameat2(folder_fd, temporary, folder_fd, name,
	                   how == STP_FILE_NEW ? RENAME_NOREPLACE : 0);

	if (rc != 0)
		return STP_FAIL_SYS(err, stage, name, "cannot put in place");
	STP_FAULT_TRY(err, stage, "renamed", name);
	return stp_fd_sync(folder_fd, stage, name, err);
}

/* Where a test makes the writing of a small file fail. */
static enum stp_errc write_fault(const char *stage, const char *name, struct stp_err *err)
{
	STP_FAULT_TRY(err, stage, "write", name);
	return STP_OK;
}

enum stp_errc stp_file_write(int folder_fd, const char *name, const void *bytes, size_t count,
                             mode_t mode, enum stp_file_mode how, const char *stage,
                             struct stp_err *err)
{
	char temporary[64];
	uint64_t random;
	enum stp_errc code;
	int fd;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return STP_FAIL_SYS(err, stage, name, "no random bytes for a temporary name");
	snprintf(temporary, sizeof(temporary), ".tmp-%016llx", (unsigned long long)random);
	fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	            mode);
	if (fd < 0)
		return STP_FAIL_SYS(err, stage, name, "cannot create");
	code = write_fault(stage, name, err);
	if (code == STP_OK)
		code = stp_fd_write_at(fd, bytes, count, 0, stage, name, err);
	/* The umask may have taken bits; a public file must be readable by the web server. */
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
