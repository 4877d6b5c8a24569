/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that changed between hashing and the making of their names: what they are now, and whether
 * the names of their earlier bytes still exist.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "publish/links_state.h"
#include "record/fingerprint.h"

static enum stp_links_now kind_of_unopened(int sys_errno)
{
	return sys_errno == ENOENT || sys_errno == ENOTDIR ? STP_LINKS_NOW_GONE
	                                                   : STP_LINKS_NOW_OTHER;
}

static void fill_record(struct stp_record *record, const struct stp_file_status *status,
                        const uint8_t *digests)
{
	record->length = status->length;
	record->fingerprint = status->fingerprint;
	record->digests = digests;
	record->flags &= (uint16_t)~STP_RECORD_CLAIMS;
	record->flags |= STP_RECORD_FILE | STP_RECORD_DIGESTS | STP_RECORD_RACY;
}

/* Hashes the open file, which must not change meanwhile. */
static enum stp_errc read_open(struct stp_links *links, struct stp_links_worker *worker, int fd,
                               const char *path, struct stp_record *record, uint8_t *digests,
                               enum stp_links_now *out_now, struct stp_err *err)
{
	enum stp_copy_result result = STP_COPY_CHANGED;
	struct stp_copy_source source = {.fd = fd, .found = digests, .name = path};
	struct stp_copier *copier;
	struct stp_file_status status;
	struct stp_file_status status_after;
	struct stat before;
	struct stat after;

	*out_now = STP_LINKS_NOW_MOVES;
	if (fstat(fd, &before) != 0)
		return STP_OK;
	*out_now = S_ISDIR(before.st_mode) ? STP_LINKS_NOW_GONE : STP_LINKS_NOW_OTHER;
	if (!S_ISREG(before.st_mode) || (uint64_t)before.st_size > STP_LENGTH_MAX)
		return STP_OK;
	*out_now = STP_LINKS_NOW_MOVES;
	status = stp_file_status_of(&before);
	source.length = status.length;
	STP_TRY(stp_links_copier(links, worker, &copier, err));
	STP_TRY(stp_copier_copy(copier, &source, -1, &result, err));
	if (result != STP_COPY_DONE || fstat(fd, &after) != 0)
		return STP_OK;
	status_after = stp_file_status_of(&after);
	if (!stp_file_status_is(&status, &status_after))
		return STP_OK;
	fill_record(record, &status, digests);
	*out_now = STP_LINKS_NOW_FILE;
	return STP_OK;
}

enum stp_errc stp_links_reread(struct stp_links *links, size_t worker_index,
                               struct stp_record *record, uint8_t digests[STP_CLAIMS_BYTES_MAX],
                               enum stp_links_now *out_now, int *out_errno, struct stp_err *err)
{
	char path[STP_PATH_BYTES_MAX + 1];
	enum stp_errc code;
	int fd;

	stp_record_path(record, path);
	*out_errno = 0;
	fd = stp_links_open(links, path);
	if (fd < 0) {
		*out_now = kind_of_unopened(errno);
		*out_errno = stp_links_is_moved(errno) ? 0 : errno;
		return STP_OK;
	}
	code = read_open(links, &links->workers[worker_index], fd, path, record, digests, out_now,
	                 err);
	close(fd);
	return code;
}
