/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/twins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/fingerprint.h"

#define CAPACITY_MIN 64

struct stp_linked_file {
	struct stp_fingerprint print;
	int is_used;
};

void stp_linked_init(struct stp_linked *linked)
{
	memset(linked, 0, sizeof(*linked));
	pthread_mutex_init(&linked->lock, NULL);
}

void stp_linked_release(struct stp_linked *linked)
{
	free(linked->items);
	pthread_mutex_destroy(&linked->lock);
}

/* The slot of the file, or the free slot where it belongs; the table is never full. */
static struct stp_linked_file *slot_of(struct stp_linked_file *items, size_t capacity,
                                       const struct stp_fingerprint *print)
{
	uint64_t mixed = (print->ino ^ print->fs_id << 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 32) & (capacity - 1);

	while (items[at].is_used && stp_fingerprint_difference(&items[at].print, print) &
	                                (STP_DIFFERS_INO | STP_DIFFERS_FS))
		at = (at + 1) & (capacity - 1);
	return &items[at];
}

/* At most half of the slots are used. */
static int grow(struct stp_linked *linked, size_t count)
{
	size_t capacity = linked->capacity ? linked->capacity * 2 : CAPACITY_MIN;
	struct stp_linked_file *items;
	size_t i;

	if (2 * (count + 1) <= linked->capacity)
		return 1;
	items = calloc(capacity, sizeof(*items));
	if (!items)
		return 0;
	for (i = 0; i < linked->capacity; i++)
		if (linked->items[i].is_used)
			*slot_of(items, capacity, &linked->items[i].print) = linked->items[i];
	free(linked->items);
	linked->items = items;
	linked->capacity = capacity;
	return 1;
}

enum stp_errc stp_linked_add(struct stp_linked *linked, const struct stp_fingerprint *print,
                             struct stp_err *err)
{
	struct stp_linked_file *slot;
	size_t count;
	int has_grown;

	pthread_mutex_lock(&linked->lock);
	count = atomic_load(&linked->count);
	has_grown = grow(linked, count);
	if (has_grown) {
		slot = slot_of(linked->items, linked->capacity, print);
		if (!slot->is_used) {
			*slot = (struct stp_linked_file){*print, 1};
			atomic_store(&linked->count, count + 1);
		}
	}
	pthread_mutex_unlock(&linked->lock);
	return has_grown ? STP_OK
	                 : STP_FAIL_ERRNO(err, ENOMEM, "links", NULL,
	                                  "no memory for files with several names");
}

static int find(struct stp_linked *linked, const struct stp_fingerprint *print,
                struct stp_fingerprint *out)
{
	int found = 0;

	if (!atomic_load(&linked->count))
		return 0;
	pthread_mutex_lock(&linked->lock);
	if (linked->capacity) {
		const struct stp_linked_file *slot =
		    slot_of(linked->items, linked->capacity, print);

		found = slot->is_used;
		*out = slot->print;
	}
	pthread_mutex_unlock(&linked->lock);
	return found;
}

int stp_linked_has(struct stp_linked *linked, const struct stp_fingerprint *print)
{
	struct stp_fingerprint noted;

	return find(linked, print, &noted);
}

int stp_linked_was(struct stp_linked *linked, const struct stp_fingerprint *print)
{
	struct stp_fingerprint noted;

	return find(linked, print, &noted) && !stp_fingerprint_difference(&noted, print);
}
