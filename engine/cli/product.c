/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/product.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

/* Writes into what is there already and is no regular file. */
static enum stp_errc write_through(const char *path, const char *text, struct stp_err *err)
{
	size_t left = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return STP_FAIL_SYS(err, "output", path, "cannot be opened for writing");
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
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
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
	code = stp_file_write(fd, name, text, strlen(text),
	                      reader == STP_PRODUCT_ALL ? 0644 : 0666 & ~mask, STP_FILE_REPLACE,
	                      "output", err);
	close(fd);
	return code;
}
