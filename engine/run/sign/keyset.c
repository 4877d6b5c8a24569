/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/keyset.h"

#include <stdlib.h>
#include <string.h>

void stp_keyset_init(struct stp_keyset *set)
{
	memset(set, 0, sizeof(*set));
	pthread_mutex_init(&set->lock, NULL);
}

void stp_keyset_release(struct stp_keyset *set)
{
	stp_buf_release(&set->keys);
	pthread_mutex_destroy(&set->lock);
}

enum stp_errc stp_keyset_add(struct stp_keyset *set, const uint8_t key[STP_KEY_BYTES],
                             struct stp_err *err)
{
	enum stp_errc code;

	pthread_mutex_lock(&set->lock);
	code = stp_buf_append(&set->keys, key, STP_KEY_BYTES, err);
	pthread_mutex_unlock(&set->lock);
	return code;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, STP_KEY_BYTES);
}

void stp_keyset_seal(struct stp_keyset *set)
{
	if (set->keys.count)
		qsort(set->keys.data, set->keys.count / STP_KEY_BYTES, STP_KEY_BYTES, compare);
}

int stp_keyset_has(const struct stp_keyset *set, const uint8_t key[STP_KEY_BYTES])
{
	return set->keys.count && bsearch(key, set->keys.data, set->keys.count / STP_KEY_BYTES,
	                                  STP_KEY_BYTES, compare) != NULL;
}

int stp_keyset_meets(const struct stp_keyset *set, const struct stp_key_range *range)
{
	size_t count = stp_keyset_count(set);
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(set->keys.data + middle * STP_KEY_BYTES, range->low, STP_KEY_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && (range->high_is_end || memcmp(set->keys.data + low * STP_KEY_BYTES,
	                                                    range->high, STP_KEY_BYTES) < 0);
}

size_t stp_keyset_count(const struct stp_keyset *set)
{
	return set->keys.count / STP_KEY_BYTES;
}

void stp_keyset_clear(struct stp_keyset *set)
{
	set->keys.count = 0;
}
