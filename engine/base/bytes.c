/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdlib.h>

enum stp_errc stp_buf_reserve(struct stp_buf *buf, size_t extra, struct stp_err *err)
{
	size_t needed;
	size_t capacity = buf->capacity ? buf->capacity : 256;
	uint8_t *data;

	if (__builtin_add_overflow(buf->count, extra, &needed) || needed > SIZE_MAX / 2)
		return STP_FAIL_ERRNO(err, ENOMEM, "memory", NULL, "a buffer would be too large");
	if (needed <= buf->capacity)
		return STP_OK;
	while (capacity < needed)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data)
		return STP_FAIL_ERRNO(err, ENOMEM, "memory", NULL, "cannot get %zu bytes",
		                      capacity);
	buf->data = data;
	buf->capacity = capacity;
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
