/* SPDX-License-Identifier: Apache-2.0 */
#include "list/known.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "list/source.h"
#include "stampede/alg.h"

#define RANGE_RECORDS 1024
#define RANGE_BITS    20 /* at most */
#define PART_BITS     5  /* a part is 32 ranges, 8 MiB or so of a ledger */
#define PRIME         ((UINT64_C(1) << 61) - 1)
/* key, length, every digest, in words of 32 bits; and a word without a factor. */
#define WORDS_MAX ((STP_KEY_BYTES + 8 + 128) / 4)
/* Marks, in the check's free bits. */
#define CHECK PRIME
#define SEEN  (UINT64_C(1) << 61) /* a row repeats the record */
#define OTHER (UINT64_C(1) << 62) /* a row may name its path with other values */

struct entry {
	uint64_t prefix;             /* first 8 bytes of the key, big endian */
	atomic_uint_fast64_t marked; /* check and marks */
};

struct range {
	uint32_t first, count; /* of its entries, by prefix */
};

/* The entries that a worker loads before they are placed in the table. */
struct part {
	struct entry *entries;
	size_t count, capacity;
};

struct stp_known {
	const struct stp_sources *sources; /* while loading */
	struct stp_cancel *cancel;
	size_t digest_bytes;
	unsigned bits;      /* ranges: 2^bits */
	unsigned part_bits; /* they are loaded in 2^part_bits parts */
	struct range *ranges;
	struct entry *entries;
	size_t mapped;
	atomic_uint_fast64_t used; /* entries */
	atomic_uint_fast64_t next; /* part */
	atomic_uint_fast64_t repeats;
	atomic_int is_unsure;
	uint64_t keys[WORDS_MAX + 1]; /* below PRIME */
};

/* --- the check ------------------------------------------------------------------------------- */

static uint64_t reduce(unsigned __int128 sum)
{
	uint64_t value;

	sum = (sum & PRIME) + (sum >> 61);
	value = (uint64_t)((sum & PRIME) + (sum >> 61));
	return value >= PRIME ? value - PRIME : value;
}

static uint64_t check_of(const struct stp_known *known, const struct stp_record *record)
{
	const uint64_t *key = known->keys;
	unsigned __int128 sum = *key++;
	size_t i;

	for (i = 0; i < STP_KEY_BYTES; i += 4)
		sum += (unsigned __int128)*key++ * stp_load32_le(record->key + i);
	sum += (unsigned __int128)*key++ * (uint32_t)record->length;
	sum += (unsigned __int128)*key++ * (uint32_t)(record->length >> 32);
	for (i = 0; i < known->digest_bytes; i += 4)
		sum += (unsigned __int128)*key++ * stp_load32_le(record->digests + i);
	return reduce(sum);
}

static void draw_keys(struct stp_known *known)
{
	size_t i;

	randombytes_buf(known->keys, sizeof(known->keys));
	for (i = 0; i <= WORDS_MAX; i++) {
		known->keys[i] &= PRIME;
		if (known->keys[i] == PRIME)
			known->keys[i] = 0;
	}
}

/* --- looking up ------------------------------------------------------------------------------ */

static struct range *range_of(const struct stp_known *known, uint64_t prefix)
{
	return &known->ranges[known->bits ? prefix >> (64 - known->bits) : 0];
}

/* Where prefix would be if the range's keys were distributed evenly, as SHA-256 distributes
 * them. */
static size_t guess(const struct stp_known *known, const struct range *range, uint64_t prefix)
{
	return (size_t)(((prefix << known->bits) >> 32) * range->count >> 32);
}

/* The first entry of the range that is not before prefix: by doubling steps from the guess, then
 * halving, so that paths chosen to crowd one range cost only a logarithm too. */
static size_t find(const struct entry *entries, size_t count, size_t start, uint64_t prefix)
{
	size_t low = start;
	size_t high = low;
	size_t step = 8;

	while (low > 0 && entries[low - 1].prefix >= prefix) {
		high = low - 1;
		low = low > step ? low - step : 0;
		step *= 2;
	}
	while (high < count && entries[high].prefix < prefix) {
		low = high + 1;
		high = count - high > step ? high + step : count;
		step *= 2;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries[middle].prefix < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The entries with prefix: *out_count of them, nearly always one or none. */
static struct entry *look_up(const struct stp_known *known, uint64_t prefix, size_t *out_count)
{
	const struct range *range = range_of(known, prefix);
	struct entry *entries = known->entries + range->first;
	size_t first = find(entries, range->count, guess(known, range, prefix), prefix);
	size_t end = first;

	while (end < range->count && entries[end].prefix == prefix)
		end++;
	*out_count = end - first;
	return entries + first;
}

void stp_known_prefetch(const struct stp_known *known, const uint8_t *key)
{
	uint64_t prefix = stp_load64_be(key);
	const struct range *range = range_of(known, prefix);
	const struct entry *entry = known->entries + range->first + guess(known, range, prefix);

	__builtin_prefetch(entry - 8);
	__builtin_prefetch(entry - 4);
	__builtin_prefetch(entry);
	__builtin_prefetch(entry + 4);
	__builtin_prefetch(entry + 8);
}

static void mark(struct stp_known *known, struct entry *entry, uint64_t what)
{
	uint64_t before = atomic_fetch_or_explicit(&entry->marked, what, memory_order_relaxed);

	/* Two unknown rows for one path are found by the merge, with their lines. */
	if (((before | what) & (SEEN | OTHER)) == (SEEN | OTHER))
		atomic_store_explicit(&known->is_unsure, 1, memory_order_relaxed);
	if (before & what & SEEN)
		atomic_fetch_add_explicit(&known->repeats, 1, memory_order_relaxed);
}

static uint64_t load(const struct entry *entry)
{
	return atomic_load_explicit(&entry->marked, memory_order_relaxed);
}

int stp_known_take(struct stp_known *known, const struct stp_record *row)
{
	uint64_t check = check_of(known, row);
	size_t count;
	struct entry *entries = look_up(known, stp_load64_be(row->key), &count);
	size_t i;

	for (i = 0; i < count; i++) {
		if ((load(&entries[i]) & CHECK) == check) {
			mark(known, &entries[i], SEEN);
			return 1;
		}
	}
	for (i = 0; i < count; i++)
		mark(known, &entries[i], OTHER);
	return 0;
}

void stp_known_pass(struct stp_known *known, const uint8_t *key)
{
	size_t count;
	struct entry *entries = look_up(known, stp_load64_be(key), &count);
	size_t i;

	for (i = 0; i < count; i++)
		mark(known, &entries[i], OTHER);
}

int stp_known_saw(const struct stp_known *known, const struct stp_record *record)
{
	uint64_t check = check_of(known, record);
	size_t count;
	struct entry *entries = look_up(known, stp_load64_be(record->key), &count);
	size_t i;

	for (i = 0; i < count; i++) {
		if ((load(&entries[i]) & CHECK) == check)
			return (load(&entries[i]) & SEEN) != 0;
	}
	return 0;
}

int stp_known_is_unsure(const struct stp_known *known)
{
	return atomic_load_explicit(&known->is_unsure, memory_order_relaxed);
}

uint64_t stp_known_repeats(const struct stp_known *known)
{
	return atomic_load_explicit(&known->repeats, memory_order_relaxed);
}

/* --- loading --------------------------------------------------------------------------------- */

static enum stp_errc add(struct part *part, uint64_t prefix, uint64_t check, struct stp_err *err)
{
	if (!STP_ARRAY_RESERVE(part->entries, part->capacity, part->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, NULL,
		                      "no memory for known rows");
	part->entries[part->count].prefix = prefix;
	atomic_init(&part->entries[part->count].marked, check);
	part->count++;
	return STP_OK;
}

/* Copies the part to its place in the table, and sets its ranges. */
static void place_part(struct stp_known *known, const struct part *part, uint64_t index)
{
	size_t width = (size_t)1 << (known->bits - known->part_bits);
	struct range *ranges = known->ranges + index * width;
	size_t place = atomic_fetch_add_explicit(&known->used, part->count, memory_order_relaxed);
	size_t at = 0;
	size_t i;

	if (part->count)
		memcpy((void *)(known->entries + place), part->entries,
		       part->count * sizeof(*part->entries));
	for (i = 0; i < width; i++) {
		ranges[i].first = (uint32_t)(place + at);
		while (at < part->count && range_of(known, part->entries[at].prefix) == &ranges[i])
			at++;
		ranges[i].count = (uint32_t)(place + at) - ranges[i].first;
	}
	STP_ASSERT(at == part->count);
}

static enum stp_errc load_part(struct stp_known *known, struct stp_merge *merge, struct part *part,
                               uint64_t index, struct stp_err *err)
{
	struct stp_key_range keys = stp_key_range_at(index, known->part_bits);
	struct stp_merge_group group;

	part->count = 0;
	STP_TRY(stp_merge_seek(merge, &keys, err));
	for (;;) {
		const struct stp_record *record;

		STP_TRY(stp_merge_next(merge, &group, err));
		if (!group.key)
			break;
		record = &group.items[0].record;
		if (!(record->flags & STP_RECORD_REMOVED) && record->flags & STP_RECORD_DIGESTS)
			STP_TRY(
			    add(part, stp_load64_be(record->key), check_of(known, record), err));
	}
	place_part(known, part, index);
	return STP_OK;
}

static enum stp_errc load_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct stp_known *known = ctx;
	struct stp_merge *merge = NULL;
	struct part part = {NULL, 0, 0};
	enum stp_errc code = stp_merge_create(known->sources, &merge, err);

	(void)worker;
	while (code == STP_OK) {
		uint64_t index = atomic_fetch_add_explicit(&known->next, 1, memory_order_relaxed);

		if (index >> known->part_bits)
			break;
		code = stp_cancelled(known->cancel)
		           ? STP_FAIL(err, STP_CANCELLED, STP_LIST_STAGE, NULL, "stopped")
		           : load_part(known, merge, &part, index, err);
	}
	stp_merge_destroy(merge);
	free(part.entries);
	return code;
}

/* One mapping, in large pages, because each row looks up another place in it. */
static enum stp_errc map_entries(struct stp_known *known, uint64_t records, struct stp_err *err)
{
	void *at;

	known->mapped = (size_t)(records + 1) * sizeof(*known->entries);
	at = mmap(NULL, known->mapped, PROT_READ | PROT_WRITE,
	          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	known->ranges = calloc((size_t)1 << known->bits, sizeof(*known->ranges));
	if (at != MAP_FAILED)
		known->entries = at;
	if (!known->entries || !known->ranges)
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, NULL,
		                      "no memory for known rows");
	madvise(at, known->mapped, MADV_HUGEPAGE);
	return STP_OK;
}

enum stp_errc stp_known_load(const struct stp_sources *sources, size_t digest_bytes, size_t jobs,
                             struct stp_cancel *cancel, struct stp_known **out_known,
                             struct stp_err *err)
{
	uint64_t records = stp_sources_record_count(sources);
	struct stp_known *known = calloc(1, sizeof(*known));
	enum stp_errc code;

	STP_ASSERT(records <= UINT32_MAX && digest_bytes % 4 == 0 && digest_bytes <= 128);
	if (!known)
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, NULL,
		                      "no memory for known rows");
	known->sources = sources;
	known->cancel = cancel;
	known->digest_bytes = digest_bytes;
	while (known->bits < RANGE_BITS && records >> known->bits > RANGE_RECORDS)
		known->bits++;
	known->part_bits = known->bits > PART_BITS ? known->bits - PART_BITS : 0;
	draw_keys(known);
	code = map_entries(known, records, err);
	if (code == STP_OK)
		code = stp_workers_run(jobs, "known", load_worker, known, cancel, err);
	known->sources = NULL;
	if (code != STP_OK) {
		stp_known_destroy(known);
		return code;
	}
	*out_known = known;
	return STP_OK;
}

void stp_known_destroy(struct stp_known *known)
{
	if (!known)
		return;
	if (known->entries)
		munmap(known->entries, known->mapped);
	free(known->ranges);
	free(known);
}
