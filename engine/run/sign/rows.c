/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define STAGE        "list"
#define BUFFER_BYTES ((size_t)256 << 10)

struct spool {
	int fd;
	off_t offset;
	size_t used;
	char buffer[BUFFER_BYTES];
};

static enum stp_errc flush(struct spool *spool, struct stp_err *err)
{
	STP_TRY(stp_fd_write_at(spool->fd, spool->buffer, spool->used, spool->offset, STAGE,
	                        STP_ROWS_NAME, err));
	spool->offset += (off_t)spool->used;
	spool->used = 0;
	return STP_OK;
}

static enum stp_errc put(struct spool *spool, const char *bytes, size_t count, struct stp_err *err)
{
	while (count) {
		size_t many = BUFFER_BYTES - spool->used;

		if (many > count)
			many = count;
		memcpy(spool->buffer + spool->used, bytes, many);
		spool->used += many;
		bytes += many;
		count -= many;
		if (spool->used == BUFFER_BYTES)
			STP_TRY(flush(spool, err));
	}
	return STP_OK;
}

static enum stp_errc put_number(struct spool *spool, uint64_t number, struct stp_err *err)
{
	char digits[20];

	return put(spool, digits, stp_u64_format(number, digits), err);
}

/* A JSON string: control characters, quotes and backslashes are escaped. */
static enum stp_errc put_path(struct spool *spool, const struct stp_sign_row *row,
                              struct stp_err *err)
{
	size_t from = 0;
	size_t i;

	STP_TRY(put(spool, "{\"path\":\"", 9, err));
	for (i = 0; i < row->path_bytes; i++) {
		unsigned char c = (unsigned char)row->path[i];
		char escaped[8];

		if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\')
			continue;
		STP_TRY(put(spool, row->path + from, i - from, err));
		snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		STP_TRY(put(spool, escaped, 6, err));
		from = i + 1;
	}
	STP_TRY(put(spool, row->path + from, row->path_bytes - from, err));
	return put(spool, "\"", 1, err);
}

static enum stp_errc put_digest(struct spool *spool, enum stp_alg alg, const uint8_t *digest,
                                struct stp_err *err)
{
	char hex[2 * STP_DIGEST_BYTES_MAX];
	size_t bytes = stp_alg_digest_bytes(alg);

	stp_hex_encode(digest, bytes, hex);
	STP_TRY(put(spool, ",\"", 2, err));
	STP_TRY(put(spool, stp_alg_name(alg), strlen(stp_alg_name(alg)), err));
	STP_TRY(put(spool, "\":\"", 3, err));
	STP_TRY(put(spool, hex, 2 * bytes, err));
	return put(spool, "\"", 1, err);
}

static enum stp_errc put_row(struct spool *spool, const struct stp_sign_row *row,
                             struct stp_err *err)
{
	int alg;

	STP_TRY(put_path(spool, row, err));
	if (row->has_length) {
		STP_TRY(put(spool, ",\"length\":", 10, err));
		STP_TRY(put_number(spool, row->length, err));
	}
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (row->digests[alg])
			STP_TRY(put_digest(spool, (enum stp_alg)alg, row->digests[alg], err));
	return put(spool, "}\n", 2, err);
}

static enum stp_errc put_all(struct spool *spool, const struct stp_sign_options *options,
                             const struct stp_cancel *cancel, struct stp_err *err)
{
	static const char end[] = "{\"op\":\"commit\",\"rows\":";
	struct stp_sign_row row;
	uint64_t count;

	for (count = 0;; count++) {
		enum stp_errc code;

		if (stp_cancelled(cancel))
			return STP_FAIL(err, STP_CANCELLED, STAGE, STP_ROWS_NAME, "stopped");
		memset(&row, 0, sizeof(row));
		code = options->next_row(options->next_row_ctx, &row, err);
		if (code != STP_OK)
			return STP_FAIL(err, code, STAGE, STP_ROWS_NAME,
			                "the program could not give row %llu",
			                (unsigned long long)count + 1);
		if (!row.path)
			break;
		STP_TRY(put_row(spool, &row, err));
	}
	STP_TRY(put(spool, end, sizeof(end) - 1, err));
	STP_TRY(put_number(spool, count, err));
	STP_TRY(put(spool, "}\n", 2, err));
	return flush(spool, err);
}

enum stp_errc stp_rows_spool(const struct stp_sign_options *options, int folder_fd,
                             const struct stp_cancel *cancel, int *out_fd, struct stp_err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	enum stp_errc code;

	if (!spool)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_ROWS_NAME, "no memory for them");
	code = stp_unnamed_create(folder_fd, STAGE, STP_ROWS_NAME, &spool->fd, err);
	if (code == STP_OK) {
		code = put_all(spool, options, cancel, err);
		if (code == STP_OK)
			*out_fd = spool->fd;
		else
			stp_fd_close(&spool->fd);
	}
	free(spool);
	return code;
}
