/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/product.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

/* Opens what is there already and is not a regular file: a device, or a pipe that somebody reads.
 * Never waits for a reader, and never opens a file that took its place meanwhile. */
static enum stp_errc open_through(const char *path, int *out_fd, struct stp_err *err)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (fd < 0 && errno == ENXIO)
		return STP_FAIL_ERRNO(err, ENXIO, "output", path,
		                      "nobody reads it; start the reader first, or name a file");
	if (fd < 0)
		return STP_FAIL_SYS(err, "output", path, "cannot be opened for writing");
	if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode) || flags < 0 ||
	    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
		close(fd);
		return STP_FAIL(err, STP_CHANGED, "output", path,
		                "changed while it was opened; try again");
	}
	*out_fd = fd;
	return STP_OK;
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

/* Writes into what is there already and is not a regular file. */
static enum stp_errc write_through(const char *path, const char *text, struct stp_err *err)
{
	size_t left = strlen(text);
	int named = named_descriptor(path);
	int fd = named < 0 ? -1 : fcntl(named, F_DUPFD_CLOEXEC, 3);

	if (named >= 0 && fd < 0)
		return STP_FAIL_SYS(err, "output", path, "cannot be opened for writing");
	if (named < 0)
		STP_TRY(open_through(path, &fd, err));
	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int sys = errno;

			close(fd);
			return STP_FAIL_ERRNO(err, sys, "output", path, "cannot be written");
		}
		text += n;
		left -= (size_t)n;
	}
	if (close(fd) != 0)
		return STP_FAIL_SYS(err, "output", path, "cannot be written");
	return STP_OK;
}

enum stp_errc stp_product_write(const char *path, const char *text, struct stp_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[STP_PATH_BYTES_MAX + 1] = ".";
	mode_t mask = umask(0);
	struct stat st;
	enum stp_errc code;
	int fd;

	umask(mask);
	if (named_descriptor(path) >= 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return write_through(path, text, err);
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
	code = stp_file_write(fd, name, text, strlen(text), 0666 & ~mask, STP_FILE_REPLACE,
	                      "output", err);
	close(fd);
	return code;
}
