/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/product.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

/* A reader that takes nothing for so long is not reading. */
#define READER_WAIT_MS 10000

/* Writes all of text to fd, which never blocks. */
static enum stp_errc write_all(int fd, const char *path, const char *text, struct stp_err *err)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);
		int ready;

		if (n >= 0) {
			text += n;
			left -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return STP_FAIL_SYS(err, "output", path, "cannot be written");
		ready = poll(&room, 1, READER_WAIT_MS);
		if (ready == 0)
			return STP_FAIL(err, STP_IO, "output", path,
			                "was not read for %d seconds; read it, or name a file",
			                READER_WAIT_MS / 1000);
		if (ready < 0 && errno != EINTR)
			return STP_FAIL_SYS(err, "output", path, "cannot be written");
	}
	return STP_OK;
}

/* Writes into what is there already and is not a regular file, without waiting for ever: a FIFO may
 * have no reader, or one that does not read. */
static enum stp_errc write_through(const char *path, const char *text, struct stp_err *err)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	enum stp_errc code;

	if (fd < 0 && errno == ENXIO)
		return STP_FAIL(err, STP_IO, "output", path,
		                "cannot be written: it is a socket, or nobody reads from it; name "
		                "a file");
	if (fd < 0)
		return STP_FAIL_SYS(err, "output", path, "cannot be opened for writing");
	/* Never into a file that took its place meanwhile. */
	code = fstat(fd, &st) != 0 || S_ISREG(st.st_mode)
	           ? STP_FAIL(err, STP_CHANGED, "output", path,
	                      "changed while it was opened; try again")
	           : write_all(fd, path, text, err);
	if (close(fd) != 0 && code == STP_OK)
		code = STP_FAIL_SYS(err, "output", path, "cannot be written");
	return code;
}

/* The descriptor that path is a name of ("/dev/stdout", "/dev/fd/5"), or -1. What lies behind it
 * may be a regular file, and a new one must not take the place of that name. */
static int named_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	uint64_t number;
	size_t i;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t count = strlen(folders[i]);

		if (strncmp(path, folders[i], count) == 0 &&
		    stp_u64_parse(path + count, strlen(path + count), &number) && number < INT_MAX)
			return (int)number;
	}
	return -1;
}

/* The standard descriptor that leads to the file of st (/dev/stdout of a shell's "> FILE"), or -1.
 * A rename would put a new file in the place of the link in /dev. */
static int standard_fd(const struct stat *st)
{
	struct stat own;
	int fd;

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
			return fd;
	return -1;
}

enum stp_errc stp_product_write(const char *path, const char *text, enum stp_product_reader reader,
                                struct stp_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[STP_PATH_BYTES_MAX + 1] = ".";
	mode_t mask = umask(0);
	struct stat st;
	enum stp_errc code;
	int fd;

	umask(mask);
	fd = named_descriptor(path);
	if (fd < 0 && stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return write_through(path, text, err);
		fd = standard_fd(&st);
	}
	if (fd >= 0)
		return fflush(stdout) == 0 ? write_all(fd, path, text, err)
		                           : STP_FAIL_SYS(err, "output", path, "cannot be written");
	if (slash && (size_t)(slash - path) >= sizeof(folder))
		return STP_FAIL(err, STP_CONFIG, "output", path, "is too long a path");
	if (slash) {
		size_t n = slash == path ? 1 : (size_t)(slash - path);

		memcpy(folder, path, n);
		folder[n] = '\0';
	}
	if (!*name)
		return STP_FAIL(err, STP_CONFIG, "output", path, "names a folder; name a file");
	STP_TRY(stp_folder_open(AT_FDCWD, folder, "output", &fd, err));
	code = stp_file_write(fd, name, text, strlen(text),
	                      reader == STP_PRODUCT_ALL ? 0644 : 0666 & ~mask, STP_FILE_REPLACE,
	                      "output", err);
	close(fd);
	return code;
}
