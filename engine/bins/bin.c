/* SPDX-License-Identifier: Apache-2.0 */
#include "bins/bin.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "cjson/writer.h"
#include "stampede/alg.h"

/* The items that the sort moves: eight bytes of path behind the common prefix, and the target's
 * index. */
struct stp_bin_order {
	uint64_t prefix;
	uint32_t target;
};

/* Canonical key order of the hash names: "blake2b-256" < "sha256" < "sha512". */
static const enum stp_alg hash_order[STP_ALG_COUNT] = {STP_ALG_BLAKE2B_256, STP_ALG_SHA256,
                                                       STP_ALG_SHA512};

uint32_t stp_bin_index(const uint8_t key[STP_KEY_BYTES], unsigned bits)
{
	return stp_load32_be(key) >> (32 - bits);
}

void stp_bin_init(struct stp_bin *bin)
{
	memset(bin, 0, sizeof(*bin));
	stp_arena_init(&bin->arena, 256 * 1024);
}

void stp_bin_release(struct stp_bin *bin)
{
	stp_arena_release(&bin->arena);
	free(bin->targets);
	free(bin->order);
	memset(bin, 0, sizeof(*bin));
}

void stp_bin_reset(struct stp_bin *bin)
{
	stp_arena_reset(&bin->arena);
	bin->count = 0;
	bin->path_bytes = 0;
	bin->length_digits = 0;
	bin->common_bytes = 0;
}

/* Doubles the arrays. */
static enum stp_errc grow(struct stp_bin *bin, struct stp_err *err)
{
	size_t capacity = bin->capacity;
	size_t order_capacity = 2 * bin->capacity;

	/* Twice: the merge sort needs a second half as scratch. */
	if (!STP_ARRAY_RESERVE(bin->targets, capacity, bin->count + 1) ||
	    !STP_ARRAY_RESERVE(bin->order, order_capacity, 2 * capacity))
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for %zu targets",
		                      bin->count + 1);
	bin->capacity = capacity;
	return STP_OK;
}

/* Shortens the common prefix to what path shares with the first target. */
static void narrow_common(struct stp_bin *bin, const char *path, size_t path_bytes)
{
	const char *first = bin->targets[0].path;
	size_t limit = bin->common_bytes < path_bytes ? bin->common_bytes : path_bytes;
	size_t i = 0;

	if (limit && memcmp(first, path, limit) != 0)
		for (; first[i] == path[i]; i++)
			;
	else
		i = limit;
	bin->common_bytes = i;
}

enum stp_errc stp_bin_add(struct stp_bin *bin, const struct stp_record *record, size_t digest_bytes,
                          struct stp_err *err)
{
	struct stp_bin_target *target;
	uint8_t *copy;

	STP_ASSERT(record->digests && record->path_bytes);
	if (bin->count == bin->capacity)
		STP_TRY(grow(bin, err));
	copy = stp_arena_alloc_bytes(&bin->arena, digest_bytes + record->path_bytes);
	if (!copy)
		return STP_FAIL_ERRNO(err, ENOMEM, "bins", NULL, "no memory for a bin's targets");
	memcpy(copy, record->digests, digest_bytes);
	memcpy(copy + digest_bytes, record->path, record->path_bytes);
	target = &bin->targets[bin->count++];
	target->digests = copy;
	target->path = (const char *)copy + digest_bytes;
	target->path_bytes = record->path_bytes;
	target->length = record->length;
	bin->path_bytes += record->path_bytes;
	bin->length_digits += stp_u64_digits(record->length);
	if (bin->count == 1)
		bin->common_bytes = record->path_bytes;
	else
		narrow_common(bin, target->path, target->path_bytes);
	return STP_OK;
}

/* Bytes [at, at + 8) of a path as a big-endian number, zeros behind its end. */
static uint64_t prefix_at(const struct stp_bin_target *target, size_t at)
{
	uint8_t bytes[8] = {0};
	size_t left = target->path_bytes - at;

	if (left >= 8)
		return stp_load64_be(target->path + at);
	memcpy(bytes, target->path + at, left);
	return stp_load64_be(bytes);
}

static int path_less(const struct stp_bin_target *a, const struct stp_bin_target *b)
{
	size_t n = a->path_bytes < b->path_bytes ? a->path_bytes : b->path_bytes;
	int order = memcmp(a->path, b->path, n);

	return order ? order < 0 : a->path_bytes < b->path_bytes;
}

static inline int order_less(const struct stp_bin_target *targets, const struct stp_bin_order *a,
                             const struct stp_bin_order *b)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	return path_less(&targets[a->target], &targets[b->target]);
}

/* Bottom-up merge sort of count items; scratch has space for as many. Returns where the result
 * is. */
static struct stp_bin_order *sort_order(const struct stp_bin_target *targets,
                                        struct stp_bin_order *items, struct stp_bin_order *scratch,
                                        size_t count)
{
	size_t width;

	for (width = 1; width < count; width *= 2) {
		struct stp_bin_order *swap;
		size_t at;

		for (at = 0; at < count; at += 2 * width) {
			size_t left = at;
			size_t middle = at + width < count ? at + width : count;
			size_t right = middle;
			size_t end = at + 2 * width < count ? at + 2 * width : count;
			size_t out = at;

			while (left < middle && right < end)
				scratch[out++] = order_less(targets, &items[right], &items[left])
				                     ? items[right++]
				                     : items[left++];
			while (left < middle)
				scratch[out++] = items[left++];
			while (right < end)
				scratch[out++] = items[right++];
		}
		swap = items;
		items = scratch;
		scratch = swap;
	}
	return items;
}

void stp_bin_sort(struct stp_bin *bin)
{
	struct stp_bin_target *sorted;
	const struct stp_bin_order *order;
	size_t i;

	if (bin->count < 2)
		return;
	for (i = 0; i < bin->count; i++) {
		bin->order[i].prefix = prefix_at(&bin->targets[i], bin->common_bytes);
		bin->order[i].target = (uint32_t)i;
	}
	order = sort_order(bin->targets, bin->order, bin->order + bin->count, bin->count);
	/* Sorting moves 16 bytes an item; the 32-byte targets move once, through the arena. */
	sorted = stp_arena_alloc(&bin->arena, bin->count * sizeof(*sorted));
	STP_ASSERT(sorted);
	for (i = 0; i < bin->count; i++)
		sorted[i] = bin->targets[order[i].target];
	memcpy(bin->targets, sorted, bin->count * sizeof(*sorted));
}

/* Bytes around the variable parts of one target: "":{"hashes":{…},"length":}, and its hashes. */
static size_t fixed_bytes(unsigned hash_set)
{
	size_t bytes = strlen("\"\":{\"hashes\":{},\"length\":},");
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (hash_set & STP_ALG_BIT(alg))
			bytes += strlen("\"\":\"\",") + strlen(stp_alg_name((enum stp_alg)alg)) +
			         2 * stp_alg_digest_bytes((enum stp_alg)alg);
	return bytes - 1; /* no comma behind the last hash */
}

size_t stp_bin_write_bytes(const struct stp_bin *bin, unsigned hash_set)
{
	if (bin->count == 0)
		return 0;
	return bin->count * fixed_bytes(hash_set) + bin->path_bytes + bin->length_digits - 1;
}

/* The hashes of a set in canonical order, prepared once per bin. */
struct hash_plan {
	size_t count;
	struct {
		char open[24]; /* {"NAME":" or ,"NAME":" without the brace */
		size_t open_bytes;
		size_t offset; /* in the packed digests */
		size_t digest_bytes;
	} items[STP_ALG_COUNT];
};

static void plan_hashes(unsigned hash_set, struct hash_plan *plan)
{
	size_t i;

	plan->count = 0;
	for (i = 0; i < STP_ALG_COUNT; i++) {
		enum stp_alg alg = hash_order[i];
		uint8_t *at;

		if (!(hash_set & STP_ALG_BIT(alg)))
			continue;
		at = (uint8_t *)plan->items[plan->count].open;
		if (plan->count)
			at = STP_PUT_LITERAL(at, ",");
		at = STP_PUT_LITERAL(at, "\"");
		at = stp_put_bytes(at, stp_alg_name(alg), strlen(stp_alg_name(alg)));
		at = STP_PUT_LITERAL(at, "\":\"");
		plan->items[plan->count].open_bytes =
		    (size_t)(at - (uint8_t *)plan->items[plan->count].open);
		plan->items[plan->count].offset = stp_alg_set_offset(hash_set, alg);
		plan->items[plan->count].digest_bytes = stp_alg_digest_bytes(alg);
		plan->count++;
	}
}

static uint8_t *write_target(const struct stp_bin_target *target, const struct hash_plan *plan,
                             uint8_t *out)
{
	size_t i;

	out = STP_PUT_LITERAL(out, "\"");
	out = stp_put_bytes(out, target->path, target->path_bytes);
	out = STP_PUT_LITERAL(out, "\":{\"hashes\":{");
	for (i = 0; i < plan->count; i++) {
		out = stp_put_bytes(out, plan->items[i].open, plan->items[i].open_bytes);
		stp_hex_encode_fast(target->digests + plan->items[i].offset,
		                    plan->items[i].digest_bytes, out);
		out += 2 * plan->items[i].digest_bytes;
		out = STP_PUT_LITERAL(out, "\"");
	}
	out = STP_PUT_LITERAL(out, "},\"length\":");
	out = stp_put_u64(out, target->length);
	return STP_PUT_LITERAL(out, "}");
}

uint8_t *stp_bin_write(const struct stp_bin *bin, unsigned hash_set, uint8_t *out)
{
	struct hash_plan plan;
	size_t i;

	plan_hashes(hash_set, &plan);
	for (i = 0; i < bin->count; i++) {
		if (i)
			out = STP_PUT_LITERAL(out, ",");
		out = write_target(&bin->targets[i], &plan, out);
	}
	return out;
}
