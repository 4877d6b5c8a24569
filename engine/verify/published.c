/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/published.h"

#include <unistd.h>

#include "base/file.h"

/* Reads fd to its end; STP_LIMIT beyond bytes_max. */
static enum stp_errc read_all(int fd, const char *name, size_t expected, size_t bytes_max,
                              struct stp_buf *buf, struct stp_err *err)
{
	buf->count = 0;
	STP_TRY(stp_buf_reserve(buf, expected + 2, err));
	for (;;) {
		ssize_t got;

		if (buf->capacity - buf->count < 2)
			STP_TRY(stp_buf_reserve(buf, 64 * 1024, err));
		got = read(fd, buf->data + buf->count, buf->capacity - buf->count - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, "verify", name, "cannot read");
		buf->count += (size_t)got;
		if (buf->count > bytes_max)
			return STP_LIMIT;
		if (got == 0)
			break;
	}
	buf->data[buf->count] = '\0';
	return STP_OK;
}

static void report(struct stp_finding_list *findings, enum stp_finding_code code, const char *name,
                   const char *text)
{
	if (findings)
		stp_finding_add(findings, code, name, "%s", text);
}

enum stp_errc stp_published_read(int folder_fd, const char *name, size_t bytes_max,
                                 struct stp_buf *buf, struct stp_finding_list *findings,
                                 int *out_there, struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;
	struct stat st;
	int fd;

	*out_there = 0;
	buf->count = 0;
	code = stp_file_open(folder_fd, name, "verify", &fd, &st, &why);
	if (code != STP_OK && why.sys_errno == ENOENT) {
		report(findings, STP_FINDING_FILE_MISSING, name, "is not there");
		return STP_OK;
	}
	if (code == STP_FORMAT) {
		report(findings, STP_FINDING_FILE_TYPE, name, why.text);
		return STP_OK;
	}
	if (code != STP_OK) {
		stp_err_merge(err, &why);
		return code;
	}
	code = (uint64_t)st.st_size > bytes_max
	           ? STP_LIMIT
	           : read_all(fd, name, (size_t)st.st_size, bytes_max, buf, err);
	*out_there = code == STP_OK;
	close(fd);
	if (code != STP_LIMIT)
		return code;
	if (findings)
		stp_finding_add(findings, STP_FINDING_FILE_SIZE, name, "is larger than %zu bytes",
		                bytes_max);
	return STP_OK;
}
