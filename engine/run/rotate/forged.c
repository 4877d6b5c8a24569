/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/forged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "hash/hash.h"

/* An entry of the forged bin, by the good bin that serves its path. */
struct served_entry {
	uint32_t good_bin;
	uint32_t index;
};

struct comparison {
	const struct stp_forged_in *in;
	const struct stp_bin_file *bin;
	struct stp_forgery *forgery;
	struct stp_forged_target *targets;
	size_t target_count, target_capacity;
};

static int by_bin(const void *a, const void *b)
{
	const struct served_entry *x = a;
	const struct served_entry *y = b;

	if (x->good_bin != y->good_bin)
		return x->good_bin < y->good_bin ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The strongest algorithm that both have, or -1. */
static int common_algorithm(const struct stp_bin_entry *a, const struct stp_bin_entry *b)
{
	static const enum stp_alg order[] = {STP_ALG_SHA512, STP_ALG_SHA256, STP_ALG_BLAKE2B_256};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((!a || a->hex[order[i]]) && (!b || b->hex[order[i]]))
			return (int)order[i];
	return -1;
}

static const char *copy_digest(struct stp_arena *arena, const struct stp_bin_entry *entry, int alg)
{
	return entry && alg >= 0 ? stp_arena_copy(arena, entry->hex[alg],
	                                          2 * stp_alg_digest_bytes((enum stp_alg)alg))
	                         : NULL;
}

/* Counts one change, and keeps it if there is space. */
static enum stp_errc add(struct comparison *c, enum stp_change_kind kind,
                         const struct stp_bin_entry *old_entry,
                         const struct stp_bin_entry *new_entry, struct stp_err *err)
{
	const struct stp_bin_entry *any = new_entry ? new_entry : old_entry;
	int alg = common_algorithm(old_entry, new_entry);
	struct stp_forged_target target = {.kind = kind};

	c->forgery->changed += kind == STP_CHANGE_DIGEST;
	c->forgery->added += kind == STP_CHANGE_ADDED;
	c->forgery->removed += kind == STP_CHANGE_REMOVED;
	if (c->target_count >= c->in->kept_max)
		return STP_OK;
	target.path = stp_arena_copy(c->in->arena, any->path, any->path_bytes);
	target.algorithm = alg < 0 ? NULL : stp_alg_name((enum stp_alg)alg);
	target.old_digest = copy_digest(c->in->arena, old_entry, alg);
	target.new_digest = copy_digest(c->in->arena, new_entry, alg);
	target.old_length = old_entry ? old_entry->length : 0;
	target.new_length = new_entry ? new_entry->length : 0;
	if (!target.path || !STP_ARRAY_RESERVE(c->targets, c->target_capacity, c->target_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "hunt", c->forgery->file, "cannot compare");
	c->targets[c->target_count++] = target;
	return STP_OK;
}

static int is_same(const struct stp_bin_entry *a, const struct stp_bin_entry *b)
{
	int alg = common_algorithm(a, b);

	return a->length == b->length && alg >= 0 &&
	       memcmp(a->hex[alg], b->hex[alg], 2 * stp_alg_digest_bytes((enum stp_alg)alg)) == 0;
}

/* Merges the entries [begin, end) of order, which one good bin serves, with that bin. */
static enum stp_errc merge(struct comparison *c, const struct served_entry *order, size_t count,
                           int is_whole, struct stp_err *err)
{
	const struct stp_half *half = c->in->half;
	size_t i = 0;
	size_t j = 0;

	while (i < half->count || j < count) {
		const struct stp_bin_entry *old_entry = i < half->count ? &half->items[i] : NULL;
		const struct stp_bin_entry *new_entry =
		    j < count ? &c->bin->entries[order[j].index] : NULL;
		int side = !old_entry   ? 1
		           : !new_entry ? -1
		                        : stp_bin_entry_compare(old_entry, new_entry);

		if (side == 0 && !is_same(old_entry, new_entry))
			STP_TRY(add(c, STP_CHANGE_DIGEST, old_entry, new_entry, err));
		else if (side < 0 && is_whole)
			STP_TRY(add(c, STP_CHANGE_REMOVED, old_entry, NULL, err));
		else if (side > 0)
			STP_TRY(add(c, STP_CHANGE_ADDED, NULL, new_entry, err));
		i += side <= 0;
		j += side >= 0;
	}
	return STP_OK;
}

/* Reads one good bin and merges. A path that no good bin serves is an added target. */
static enum stp_errc compare_bin(struct comparison *c, const struct served_entry *order,
                                 size_t count, int is_whole, struct stp_err *err)
{
	const struct stp_forged_in *in = c->in;
	uint32_t at = order[0].good_bin;
	size_t i;

	if (at < in->good->tree.bin_count) {
		STP_TRY(stp_half_read(in->half, in->good, at, (size_t)at + 1, err));
		STP_TRY(stp_half_parse(in->half, in->good, at, (size_t)at + 1, err));
		return merge(c, order, count, is_whole, err);
	}
	for (i = 0; i < count; i++)
		STP_TRY(add(c, STP_CHANGE_ADDED, NULL, &c->bin->entries[order[i].index], err));
	return STP_OK;
}

static uint32_t good_bin_of(const struct stp_side *good, const struct stp_bin_entry *entry)
{
	uint8_t key[32];

	stp_hash_one(STP_ALG_SHA256, entry->path, entry->path_bytes, key);
	return stp_chain_bin_of(&good->tree, stp_load64_be(key));
}

/* The good bin with the forged role's name; UINT32_MAX when there is none. */
static uint32_t namesake(const struct stp_side *good, const char *role)
{
	size_t i;

	for (i = 0; i < good->tree.bin_count; i++)
		if (strcmp(good->tree.bin_items[i].role, role) == 0)
			return (uint32_t)i;
	return UINT32_MAX;
}

static enum stp_errc compare_all(struct comparison *c, struct served_entry *order,
                                 struct stp_err *err)
{
	size_t count = c->bin->entry_count;
	uint32_t own = namesake(c->in->good, c->forgery->role);
	size_t begin = 0;
	int own_met = 0;

	for (size_t i = 0; i < count; i++)
		order[i] = (struct served_entry){good_bin_of(c->in->good, &c->bin->entries[i]),
		                                 (uint32_t)i};
	qsort(order, count, sizeof(*order), by_bin);
	for (size_t i = 1; i <= count; i++) {
		int is_own = order[begin].good_bin == own;

		if (i < count && order[i].good_bin == order[begin].good_bin)
			continue;
		STP_TRY(compare_bin(c, order + begin, i - begin, is_own, err));
		own_met |= is_own;
		begin = i;
	}
	if (own == UINT32_MAX || own_met)
		return STP_OK;
	/* It has none of its own targets: all are withheld. */
	order[0] = (struct served_entry){own, 0};
	return compare_bin(c, order, 0, 1, err);
}

/* Copies the targets that were kept to the arena. */
static enum stp_errc keep(struct comparison *c, struct stp_err *err)
{
	size_t bytes = c->target_count * sizeof(*c->targets);
	struct stp_forged_target *kept;

	if (!c->target_count)
		return STP_OK;
	kept = stp_arena_alloc(c->in->arena, bytes);
	if (!kept)
		return STP_FAIL_ERRNO(err, ENOMEM, "hunt", c->forgery->file, "cannot compare");
	memcpy(kept, c->targets, bytes);
	c->forgery->targets = kept;
	c->forgery->target_count = c->target_count;
	return STP_OK;
}

enum stp_errc stp_forged_compare(const struct stp_forged_in *in, const struct stp_bin_file *bin,
                                 struct stp_forgery *forgery, struct stp_err *err)
{
	struct comparison c = {.in = in, .bin = bin, .forgery = forgery};
	struct served_entry *order = malloc((bin->entry_count + 1) * sizeof(*order));
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;

	if (!order)
		return STP_FAIL_ERRNO(err, ENOMEM, "hunt", forgery->file, "cannot compare");
	code = compare_all(&c, order, &why);
	if (code == STP_OK)
		code = keep(&c, &why);
	forgery->is_compared = code == STP_OK;
	if (code != STP_OK)
		forgery->changed = forgery->added = forgery->removed = 0;
	free(order);
	free(c.targets);
	if (code ==
	    STP_FORMAT) /* the good side's bin: it is of no help, and the forgery stays one */
		return STP_OK;
	stp_err_merge(err, &why);
	return code;
}
