/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/serial.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "digest/fill.h"
#include "hash/hash.h"
#include "read/op.h"
#include "record/fingerprint.h"

#define STAGE        "hash"
#define TRIES_MAX    4
#define BUFFER_BYTES (64 * 1024)

struct serial {
	const struct stp_hash_stage_options *options;
	struct stp_hasher *hasher;
	uint8_t *buffer;
	uint64_t shown_bytes; /* of this try, in options->shown */
	uint8_t digests[32 + 64 + 32];
};

static int status_of(int fd, struct stp_file_status *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	*out = stp_file_status_of(&st);
	return 1;
}

static int open_file(const struct serial *serial, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC};

	if (serial->options->root_fd != AT_FDCWD) {
		how.flags |= O_NOFOLLOW;
		how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	}
	return (int)stp_open_beneath(serial->options->root_fd, path, &how);
}

/* Reads wanted bytes from fd; fewer only at the end of the file, -1 on an error. */
static ssize_t read_chunk(const struct serial *serial, int fd, uint64_t offset, size_t wanted)
{
	size_t count = 0;

	while (count < wanted) {
		ssize_t got =
		    pread(fd, serial->buffer + count, wanted - count, (off_t)(offset + count));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		count += (size_t)got;
	}
	return (ssize_t)count;
}

/* Hashes fd to its end, but at most one byte beyond length, however fast it grows; returns the
 * bytes read, or -1 and errno. */
static int64_t hash_file(struct serial *serial, int fd, uint64_t length)
{
	struct stp_hash_stream stream;
	struct stp_hash_job job = {.stream = &stream, .digests = serial->digests};
	uint64_t total = 0;

	stp_hash_stream_init(&stream, serial->options->hash_set);
	for (;;) {
		uint64_t left = length + 1 - total;
		size_t wanted = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
		ssize_t got = read_chunk(serial, fd, total, wanted);

		if (got < 0 || stp_cancelled(serial->options->cancel))
			return -1;
		total += (uint64_t)got;
		if (total > length)
			return (int64_t)total;
		job.data = serial->buffer;
		job.bytes = (size_t)got;
		job.final = (size_t)got < wanted;
		stp_hasher_submit(serial->hasher, &job);
		STP_ASSERT(stp_hasher_next(serial->hasher, STP_HASHER_DRAIN) == &job);
		stp_progress_add(serial->options->shown, 0, job.bytes);
		serial->shown_bytes += job.bytes;
		if (job.final)
			return (int64_t)total;
	}
}

/* Sets text (of 128 bytes) to what is wrong with the file, or to "". */
static enum stp_errc try_file(struct serial *serial, struct stp_record *record, char *text,
                              int *out_sys)
{
	int fd = open_file(serial, record->path);
	struct stp_file_status before;
	struct stp_file_status after;
	enum stp_errc code = STP_OK;
	int64_t got;

	*out_sys = 0;
	text[0] = '\0';
	if (fd < 0) {
		*out_sys = errno;
		snprintf(text, 128, "cannot open");
		return errno == ENOENT ? STP_CHANGED : STP_IO;
	}
	if (!status_of(fd, &before)) {
		close(fd);
		snprintf(text, 128, "is not a regular file");
		return STP_FORMAT;
	}
	if (serial->options->exact_length && before.length != record->length) {
		close(fd);
		snprintf(text, 128, STP_READ_LENGTH_TEXT, (unsigned long long)before.length,
		         (unsigned long long)record->length);
		return STP_CHANGED;
	}
#ifdef STP_TEST_HOOKS
	if (stp_read_opened_hook)
		stp_read_opened_hook(record->path);
#endif
	got = hash_file(serial, fd, before.length);
	if (got < 0) {
		*out_sys = errno;
		snprintf(text, 128, "cannot read");
		code = STP_IO;
	} else if (!status_of(fd, &after) || !stp_file_status_is(&before, &after) ||
	           (uint64_t)got != before.length) {
		snprintf(text, 128,
		         "changed while it was read; run again when nothing writes to it");
		code = STP_CHANGED;
	}
	close(fd);
	if (code == STP_OK)
		stp_digest_fill(record, &before, serial->options);
	return code;
}

static enum stp_errc run_file(struct serial *serial, struct stp_record *record,
                              stp_hash_done_fn *done, void *ctx, struct stp_err *err)
{
	const struct stp_hash_stage_options *options = serial->options;
	char text[128];
	enum stp_errc code = STP_OK;
	int tries;
	int sys;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		serial->shown_bytes = 0;
		code = try_file(serial, record, text, &sys);
		if (code != STP_CHANGED)
			break;
		stp_progress_add(options->shown, 0, 0 - serial->shown_bytes);
	}
	if (stp_cancelled(options->cancel)) {
		if (options->failed)
			options->failed(ctx, 0, record);
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	}
	if (code != STP_OK) {
		stp_fault_add(options->faults, code, sys, STAGE, record->path, record->path_bytes,
		              "%s", text);
		stp_progress_add(options->shown, 1, 0);
		if (options->failed)
			options->failed(ctx, 0, record);
		return STP_OK;
	}
	record->digests = serial->digests;
	stp_progress_add(options->shown, 1, 0);
	if (options->progress) {
		atomic_fetch_add_explicit(&options->progress->files, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&options->progress->bytes, record->length,
		                          memory_order_relaxed);
	}
	return done(ctx, 0, record, err);
}

enum stp_errc stp_hash_serial_run(const struct stp_hash_stage_options *options,
                                  stp_hash_next_fn *next, stp_hash_done_fn *done, void *ctx,
                                  struct stp_err *err)
{
	struct serial serial = {.options = options, .buffer = malloc(BUFFER_BYTES)};
	enum stp_errc code = STP_OK;
	struct stp_record record;
	int given;

	if (!serial.buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a buffer");
	code = stp_hasher_create(options->hash_set, 0, 1, &serial.hasher, err);
	while (code == STP_OK && (given = next(ctx, 0, &record)) != STP_HASH_NEXT_END) {
		if (given == STP_HASH_NEXT_FILE)
			code = run_file(&serial, &record, done, ctx, err);
		else if (stp_cancelled(options->cancel))
			code = STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
		else
			stp_digest_idle();
	}
	if (serial.hasher)
		stp_hasher_destroy(serial.hasher);
	free(serial.buffer);
	return code;
}
