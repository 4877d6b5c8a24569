/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "hash/hash.h"

#define STAGE        "links"
#define BUFFER_BYTES ((size_t)256 * 1024)
/* Written bytes go to the disk in windows of this size: large enough for the disk's full speed, and
 * small enough that at 20 MB/s two of them take less than a second. A multiple of the buffer. */
#define WINDOW_BYTES ((off_t)8 * 1024 * 1024)
/* Bytes shared by one call. A multiple of every file system's block; the call writes those bytes of
 * the source to the disk that are still in memory only. */
#define SHARE_BYTES ((uint64_t)64 * 1024 * 1024)

struct stp_copier {
	unsigned hash_set;
	const struct stp_cancel *cancel;
	struct stp_hasher *hasher;
	uint8_t *buffer;
};

enum stp_errc stp_copier_create(unsigned hash_set, const struct stp_cancel *cancel,
                                struct stp_copier **out_copier, struct stp_err *err)
{
	struct stp_copier *copier = calloc(1, sizeof(*copier));
	enum stp_errc code = STP_OK;

	if (copier)
		copier->buffer = malloc(BUFFER_BYTES);
	if (!copier || !copier->buffer)
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for copying");
	if (code == STP_OK)
		code = stp_hasher_create(hash_set, stp_cpu_features(), 1, &copier->hasher, err);
	if (code != STP_OK) {
		stp_copier_destroy(copier);
		return code;
	}
	copier->hash_set = hash_set;
	copier->cancel = cancel;
	*out_copier = copier;
	return STP_OK;
}

void stp_copier_destroy(struct stp_copier *copier)
{
	if (!copier)
		return;
	if (copier->hasher)
		stp_hasher_destroy(copier->hasher);
	free(copier->buffer);
	free(copier);
}

static enum stp_errc check_cancel(const struct stp_copier *copier, struct stp_err *err)
{
	if (stp_cancelled(copier->cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	return STP_OK;
}

/* Hashes one chunk, and waits for the result. */
static void hash_chunk(struct stp_copier *copier, struct stp_hash_stream *stream, size_t bytes,
                       int final, uint8_t *digests)
{
	struct stp_hash_job chunk = {.stream = stream,
	                             .data = copier->buffer,
	                             .bytes = bytes,
	                             .final = final,
	                             .digests = digests};

	stp_hasher_submit(copier->hasher, &chunk);
	while (!stp_hasher_next(copier->hasher, STP_HASHER_DRAIN))
		;
}

/* Reads wanted bytes into the buffer; fewer only at the end of the file. */
static enum stp_errc fill_buffer(struct stp_copier *copier, const struct stp_copy_source *source,
                                 size_t wanted, off_t offset, size_t *out_bytes,
                                 struct stp_err *err)
{
	size_t have = 0;

	while (have < wanted) {
		ssize_t got =
		    pread(source->fd, copier->buffer + have, wanted - have, offset + (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, STAGE, source->name, "cannot read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*out_bytes = have;
	return STP_OK;
}

/* Starts to write the window that ends at end, and waits for the one before. Only a failing disk is
 * an error: file systems without this call write when they choose to. */
static enum stp_errc write_window(int fd, off_t end, const char *name, struct stp_err *err)
{
	const unsigned wait =
	    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	off_t begin = end - WINDOW_BYTES;
	int rc = sync_file_range(fd, begin, WINDOW_BYTES, SYNC_FILE_RANGE_WRITE);

	if (rc == 0 && begin > 0)
		rc = sync_file_range(fd, begin - WINDOW_BYTES, WINDOW_BYTES, wait);
	if (rc != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return STP_FAIL_SYS(err, STAGE, name, "cannot write");
	return STP_OK;
}

static enum stp_errc write_buffer(struct stp_copier *copier, const struct stp_copy_source *source,
                                  int to_fd, size_t bytes, off_t offset, struct stp_err *err)
{
	off_t end = offset + (off_t)bytes;

	STP_TRY(stp_fd_write_at(to_fd, copier->buffer, bytes, offset, STAGE, source->name, err));
	return end % WINDOW_BYTES ? STP_OK : write_window(to_fd, end, source->name, err);
}

/* Reads the recorded length, and one byte more, which must not exist; compares the digests. Writes
 * to to_fd unless it is -1. */
static enum stp_errc pass_bytes(struct stp_copier *copier, const struct stp_copy_source *source,
                                int to_fd, enum stp_copy_result *out_result, struct stp_err *err)
{
	uint8_t digests[STP_ALG_COUNT * STP_DIGEST_BYTES_MAX];
	struct stp_hash_stream stream;
	uint64_t done = 0;
	size_t bytes;

	*out_result = STP_COPY_CHANGED;
	stp_hash_stream_init(&stream, copier->hash_set);
	do {
		uint64_t left = source->length - done;
		size_t wanted = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;

		STP_TRY(check_cancel(copier, err));
		STP_TRY(fill_buffer(copier, source, wanted, (off_t)done, &bytes, err));
		if (bytes < wanted)
			return STP_OK;
		if (to_fd >= 0)
			STP_TRY(write_buffer(copier, source, to_fd, bytes, (off_t)done, err));
		hash_chunk(copier, &stream, bytes, bytes == left, digests);
		done += bytes;
	} while (done < source->length);
	STP_TRY(fill_buffer(copier, source, 1, (off_t)done, &bytes, err));
	if (bytes)
		return STP_OK;
	bytes = stp_alg_set_digest_bytes(copier->hash_set);
	if (source->found)
		memcpy(source->found, digests, bytes);
	if (!source->digests || memcmp(digests, source->digests, bytes) == 0)
		*out_result = STP_COPY_DONE;
	return STP_OK;
}

enum stp_errc stp_copier_copy(struct stp_copier *copier, const struct stp_copy_source *source,
                              int to_fd, enum stp_copy_result *out_result, struct stp_err *err)
{
	return pass_bytes(copier, source, to_fd, out_result, err);
}

/* Why sharing failed: EINVAL if the source has another length, since the range must end at its end.
 */
static enum stp_copy_result refusal(const struct stp_copy_source *source)
{
	struct stat st;

	return fstat(source->fd, &st) == 0 && (uint64_t)st.st_size != source->length
	           ? STP_COPY_CHANGED
	           : STP_COPY_REFUSED;
}

enum stp_errc stp_copier_share(struct stp_copier *copier, const struct stp_copy_source *source,
                               int to_fd, enum stp_copy_result *out_result, struct stp_err *err)
{
	struct stp_copy_source copy = *source;
	struct file_clone_range range = {.src_fd = source->fd};

	/* Not FICLONE, which shares as much as the source has at that moment. */
	while (range.src_offset < source->length) {
		uint64_t left = source->length - range.src_offset;

		STP_TRY(check_cancel(copier, err));
		range.src_length = left < SHARE_BYTES ? left : SHARE_BYTES;
		if (ioctl(to_fd, FICLONERANGE, &range) != 0) {
			*out_result = refusal(source);
			return STP_OK;
		}
		range.src_offset += range.src_length;
		range.dest_offset = range.src_offset;
	}
	copy.fd = to_fd;
	return pass_bytes(copier, &copy, -1, out_result, err);
}
