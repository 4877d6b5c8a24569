/* SPDX-License-Identifier: Apache-2.0 */
#include "cjson/encoding.h"

#include "cjson/escape.h"
#include "cjson/reader.h"

enum stp_errc stp_cjson_to_file(const void *signed_bytes, size_t count, const char *stage,
                                const char *subject, struct stp_buf *out, struct stp_err *err)
{
	const uint8_t *bytes = signed_bytes;
	uint8_t escape[STP_CJSON_ESCAPE_BYTES_MAX];
	size_t start = 0;
	size_t i;

	/* Canonical form has no white space, so control characters occur in strings only. */
	for (i = 0; i < count; i++) {
		if (bytes[i] >= 0x20)
			continue;
		if (bytes[i] == 0)
			return STP_FAIL(err, STP_FORMAT, stage, subject,
			                "holds a NUL byte at %zu, which JSON readers cut off", i);
		STP_TRY(stp_buf_append(out, bytes + start, i - start, err));
		STP_TRY(stp_buf_append(out, escape, stp_cjson_escape(bytes[i], escape), err));
		start = i + 1;
	}
	return stp_buf_append(out, bytes + start, count - start, err);
}

enum stp_errc stp_cjson_from_file(const void *file, size_t count, const char *stage,
                                  const char *subject, struct stp_buf *out, struct stp_err *err)
{
	const uint8_t *bytes = file;
	size_t start = 0;
	size_t i = 0;

	STP_TRY(stp_cjson_check_file(file, count, stage, subject, err));
	/* A backslash begins an escape: the reader has seen that each is whole. */
	while (i < count) {
		uint8_t control;
		size_t escape_bytes;

		if (bytes[i] != '\\') {
			i++;
			continue;
		}
		escape_bytes = stp_cjson_escaped_control(bytes + i, count - i, &control);
		if (escape_bytes == 0) {
			i += 2;
			continue;
		}
		STP_TRY(stp_buf_append(out, bytes + start, i - start, err));
		STP_TRY(stp_buf_append(out, &control, 1, err));
		i += escape_bytes;
		start = i;
	}
	return stp_buf_append(out, bytes + start, count - start, err);
}
