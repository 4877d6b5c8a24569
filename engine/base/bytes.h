/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores with a stated byte order, and a growable buffer.
 *
 * Shape      unaligned pointers to 2, 4 or 8 bytes; struct stp_buf is {data, count, capacity}.
 * Memory     stp_buf grows on the heap by doubling.
 * Ownership  release a stp_buf with stp_buf_release().
 * Threads    one thread per stp_buf.
 */
#ifndef STP_BASE_BYTES_H
#define STP_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

static inline uint16_t stp_load16_le(const void *p)
{
	uint16_t v;
	memcpy(&v, p, 2);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap16(v);
}

static inline uint32_t stp_load32_le(const void *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap32(v);
}

static inline uint64_t stp_load64_le(const void *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

static inline uint32_t stp_load32_be(const void *p)
{
	return __builtin_bswap32(stp_load32_le(p));
}

static inline uint64_t stp_load64_be(const void *p)
{
	return __builtin_bswap64(stp_load64_le(p));
}

static inline void stp_store16_le(void *p, uint16_t v)
{
	v = stp_load16_le(&v);
	memcpy(p, &v, 2);
}

static inline void stp_store32_le(void *p, uint32_t v)
{
	v = stp_load32_le(&v);
	memcpy(p, &v, 4);
}

static inline void stp_store64_le(void *p, uint64_t v)
{
	v = stp_load64_le(&v);
	memcpy(p, &v, 8);
}

static inline void stp_store32_be(void *p, uint32_t v)
{
	stp_store32_le(p, __builtin_bswap32(v));
}

static inline void stp_store64_be(void *p, uint64_t v)
{
	stp_store64_le(p, __builtin_bswap64(v));
}

struct stp_buf {
	uint8_t *data;
	size_t count;    /* bytes in use */
	size_t capacity; /* bytes allocated */
};

#define STP_BUF_INIT       \
	{                  \
		NULL, 0, 0 \
	}

/* Makes space for extra more bytes after count. STP_IO (ENOMEM) when memory is short. */
enum stp_errc stp_buf_reserve(struct stp_buf *buf, size_t extra,
                              struct stp_err *err) STP_MUST_CHECK;

/* Appends count bytes. */
enum stp_errc stp_buf_append(struct stp_buf *buf, const void *bytes, size_t count,
                             struct stp_err *err) STP_MUST_CHECK;

/* Frees the memory and empties the buffer. */
void stp_buf_release(struct stp_buf *buf);

#endif
