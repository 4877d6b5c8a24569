/* SPDX-License-Identifier: Apache-2.0 */
#include "list/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "list/sum.h"

#define POLL_MS 200

const char *stp_list_source_name(const char *path)
{
	return path && strcmp(path, "-") == 0 ? "stdin" : path;
}

enum stp_errc stp_list_source_open(const char *path, struct stp_list_source *out_source,
                                   struct stp_err *err)
{
	struct stp_list_source source = {.name = stp_list_source_name(path)};

	if (strcmp(path, "-") == 0)
		source.fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		source.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source.fd < 0)
		return STP_FAIL(err, STP_CONFIG, STP_LIST_STAGE, source.name,
		                "cannot open the digest list: %s", strerror(errno));
	*out_source = source;
	return STP_OK;
}

void stp_list_source_close(struct stp_list_source *source)
{
	stp_fd_close(&source->fd);
}

enum stp_errc stp_list_source_needs_end(const struct stp_list_source *source, int *out,
                                        struct stp_err *err)
{
	struct stat st;

	if (fstat(source->fd, &st) != 0)
		return STP_FAIL_SYS(err, STP_LIST_STAGE, source->name, "cannot stat");
	*out = !S_ISREG(st.st_mode);
	return STP_OK;
}

int stp_list_source_can_repeat(const struct stp_list_source *source)
{
	struct stat st;

	return fstat(source->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       lseek(source->fd, 0, SEEK_CUR) == 0;
}

/* Waits until there are bytes, looking at the cancel flag. */
static enum stp_errc wait_readable(const struct stp_list_source *source, struct stp_cancel *cancel,
                                   struct stp_err *err)
{
	struct pollfd poll_fd = {.fd = source->fd, .events = POLLIN};

	for (;;) {
		int rc;

		if (stp_cancelled(cancel))
			return STP_FAIL(err, STP_CANCELLED, STP_LIST_STAGE, source->name,
			                "stopped");
		rc = poll(&poll_fd, 1, POLL_MS);
		if (rc > 0)
			return STP_OK;
		if (rc < 0 && errno != EINTR)
			return STP_FAIL_SYS(err, STP_LIST_STAGE, source->name,
			                    "cannot wait for it");
	}
}

enum stp_errc stp_list_source_read(const struct stp_list_source *source, char *buffer, size_t size,
                                   struct stp_cancel *cancel, size_t *out_got, struct stp_err *err)
{
	ssize_t got;

	do {
		STP_TRY(wait_readable(source, cancel, err));
		got = read(source->fd, buffer, size);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return STP_FAIL_SYS(err, STP_LIST_STAGE, source->name, "cannot read");
	*out_got = (size_t)got;
	return STP_OK;
}

enum stp_errc stp_list_source_rewind(const struct stp_list_source *source, struct stp_err *err)
{
	if (lseek(source->fd, 0, SEEK_SET) != 0)
		return STP_FAIL_SYS(err, STP_LIST_STAGE, source->name, "cannot be read again");
	return STP_OK;
}

enum stp_errc stp_list_source_identity(const struct stp_list_source *source, const uint8_t *secret,
                                       size_t jobs, struct stp_cancel *cancel, uint64_t *out_sum,
                                       struct stp_err *err)
{
	return stp_list_sum_file(source->fd, source->name, secret, jobs, cancel, out_sum, err);
}
