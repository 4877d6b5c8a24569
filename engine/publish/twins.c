/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/twins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/fingerprint.h"

#define CAPACITY_MIN 64

struct stp_twin {
	struct stp_fingerprint print;
	int is_used;
};

void stp_twins_init(struct stp_twins *twins)
{
	memset(twins, 0, sizeof(*twins));
	pthread_mutex_init(&twins->lock, NULL);
}

void stp_twins_release(struct stp_twins *twins)
{
	free(twins->items);
	pthread_mutex_destroy(&twins->lock);
}

/* The place of the file, or the free one where it belongs; the table is never full. */
static struct stp_twin *place_of(struct stp_twin *items, size_t capacity,
                                 const struct stp_fingerprint *print)
{
	uint64_t mixed = (print->ino ^ print->fs_id << 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 32) & (capacity - 1);

	while (items[at].is_used && stp_fingerprint_difference(&items[at].print, print) &
	                                (STP_DIFFERS_INO | STP_DIFFERS_FS))
		at = (at + 1) & (capacity - 1);
	return &items[at];
}

/* At most half of the places are used. */
static int grow(struct stp_twins *twins, size_t count)
{
	size_t capacity = twins->capacity ? twins->capacity * 2 : CAPACITY_MIN;
	struct stp_twin *items;
	size_t i;

	if (2 * (count + 1) <= twins->capacity)
		return 1;
	items = calloc(capacity, sizeof(*items));
	if (!items)
		return 0;
	for (i = 0; i < twins->capacity; i++)
		if (twins->items[i].is_used)
			*place_of(items, capacity, &twins->items[i].print) = twins->items[i];
	free(twins->items);
	twins->items = items;
	twins->capacity = capacity;
	return 1;
}

enum stp_errc stp_twins_add(struct stp_twins *twins, const struct stp_fingerprint *print,
                            struct stp_err *err)
{
	struct stp_twin *place;
	size_t count;
	int has_room;

	pthread_mutex_lock(&twins->lock);
	count = atomic_load(&twins->count);
	has_room = grow(twins, count);
	if (has_room) {
		place = place_of(twins->items, twins->capacity, print);
		if (!place->is_used) {
			*place = (struct stp_twin){*print, 1};
			atomic_store(&twins->count, count + 1);
		}
	}
	pthread_mutex_unlock(&twins->lock);
	return has_room ? STP_OK
	                : STP_FAIL_ERRNO(err, ENOMEM, "links", NULL,
	                                 "no memory for files with several names");
}

static int find(struct stp_twins *twins, const struct stp_fingerprint *print,
                struct stp_fingerprint *out)
{
	int found = 0;

	if (!atomic_load(&twins->count))
		return 0;
	pthread_mutex_lock(&twins->lock);
	if (twins->capacity) {
		const struct stp_twin *place = place_of(twins->items, twins->capacity, print);

		found = place->is_used;
		*out = place->print;
	}
	pthread_mutex_unlock(&twins->lock);
	return found;
}

int stp_twins_has(struct stp_twins *twins, const struct stp_fingerprint *print)
{
	struct stp_fingerprint noted;

	return find(twins, print, &noted);
}

int stp_twins_was(struct stp_twins *twins, const struct stp_fingerprint *print)
{
	struct stp_fingerprint noted;

	return find(twins, print, &noted) && !stp_fingerprint_difference(&noted, print);
}
