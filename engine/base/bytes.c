/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdlib.h>

#include "base/array.h"

enum stp_errc stp_buf_reserve(struct stp_buf *buf, size_t extra, struct stp_err *err)
{
	size_t needed;

	if (__builtin_add_overflow(buf->count, extra, &needed) || needed > SIZE_MAX / 2)
		return STP_FAIL_ERRNO(err, ENOMEM, "memory", NULL, "a buffer would be too large");
	if (!STP_ARRAY_RESERVE(buf->data, buf->capacity, needed))
		return STP_FAIL_ERRNO(err, ENOMEM, "memory", NULL, "cannot get %zu bytes", needed);
	return STP_OK;
}

enum stp_errc stp_buf_append(struct stp_buf *buf, const void *bytes, size_t count,
                             struct stp_err *err)
{
	STP_TRY(stp_buf_reserve(buf, count, err));
	if (count)
		memcpy(buf->data + buf->count, bytes, count);
	buf->count += count;
	return STP_OK;
}

void stp_buf_release(struct stp_buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->count = 0;
	buf->capacity = 0;
}
