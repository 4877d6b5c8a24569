/* SPDX-License-Identifier: Apache-2.0 */
#include "record/key.h"

#include "hash/hash.h"

/* Enough to keep 16 lanes busy for several rounds; 4 KiB of stack. */
#define GROUP_COUNT 256

void stp_record_keys(struct stp_record *records, size_t count)
{
	const uint8_t *messages[GROUP_COUNT];
	size_t bytes[GROUP_COUNT];
	size_t first;
	size_t i;

	for (first = 0; first < count; first += GROUP_COUNT) {
		size_t group = count - first < GROUP_COUNT ? count - first : GROUP_COUNT;

		for (i = 0; i < group; i++) {
			messages[i] = (const uint8_t *)records[first + i].path;
			bytes[i] = records[first + i].path_bytes;
		}
		stp_hash_many(STP_ALG_SHA256, messages, bytes, group, NULL, 0, records[first].key,
		              sizeof(*records));
	}
}
