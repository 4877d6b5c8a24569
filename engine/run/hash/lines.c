/* SPDX-License-Identifier: Apache-2.0 */
#include "run/hash/lines.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define HEAD_BYTES 10

int stp_hash_lines_compare(const uint8_t *a, const uint8_t *b)
{
	size_t a_bytes = stp_load16_le(a);
	size_t b_bytes = stp_load16_le(b);
	int order = memcmp(a + HEAD_BYTES, b + HEAD_BYTES, a_bytes < b_bytes ? a_bytes : b_bytes);

	return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* A short path is padded with zeros, which sort before all other bytes and are in no path. */
static uint64_t prefix_of(const struct stp_hash_file *line)
{
	uint8_t bytes[8] = {0};

	memcpy(bytes, line->path, line->path_bytes < 8 ? line->path_bytes : 8);
	return stp_load64_be(bytes);
}

enum stp_errc stp_hash_lines_add(struct stp_sorter *sorter, const struct stp_hash_file *line,
                                 size_t digest_bytes, struct stp_err *err)
{
	size_t bytes = HEAD_BYTES + line->path_bytes + digest_bytes;
	uint8_t *record;

	STP_ASSERT(line->path_bytes <= STP_PATH_BYTES_MAX);
	STP_TRY(stp_sorter_add(sorter, prefix_of(line), bytes, &record, err));
	stp_store16_le(record, (uint16_t)line->path_bytes);
	stp_store64_le(record + 2, line->length);
	memcpy(record + HEAD_BYTES, line->path, line->path_bytes);
	memcpy(record + HEAD_BYTES + line->path_bytes, line->digests, digest_bytes);
	return STP_OK;
}

struct stp_hash_file stp_hash_lines_get(const uint8_t *record)
{
	size_t path_bytes = stp_load16_le(record);
	const uint8_t *path = record + HEAD_BYTES;

	return (struct stp_hash_file){
	    .path = (const char *)path,
	    .path_bytes = path_bytes,
	    .length = stp_load64_le(record + 2),
	    .digests = path + path_bytes,
	};
}
