/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/visit.h"

#include <stdatomic.h>

#include "base/thread.h"

/* Records in a range: few enough that one path does not cost much, enough to be worth a seek. */
#define RANGE_RECORDS  2048
#define RANGE_BITS_MAX 16

/* --- all paths of some sources --------------------------------------------------------------- */

struct walkers {
	const struct stp_walk *walk;
	atomic_uint_fast64_t next_range;
};

static enum stp_errc walk_range(const struct stp_walk *walk, struct stp_merge *merge, size_t worker,
                                const struct stp_key_range *range, struct stp_err *err)
{
	struct stp_merge_group group;

	STP_TRY(stp_merge_seek(merge, range, err));
	for (;;) {
		STP_TRY(stp_merge_next(merge, &group, err));
		if (!group.key)
			return STP_OK;
		if (!walk->keys || stp_keyset_has(walk->keys, group.key))
			STP_TRY(walk->fn(walk->ctx, worker, &group, err));
	}
}

static enum stp_errc walk_ranges(struct walkers *walkers, struct stp_merge *merge, size_t worker,
                                 struct stp_err *err)
{
	const struct stp_walk *walk = walkers->walk;

	for (;;) {
		uint64_t index =
		    atomic_fetch_add_explicit(&walkers->next_range, 1, memory_order_relaxed);
		struct stp_key_range range;

		if (index >> walk->range_bits)
			return STP_OK;
		if (stp_cancelled(walk->run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "hash", NULL, "stopped");
		range = stp_key_range_at(index, walk->range_bits);
		if (!walk->keys || stp_keyset_meets(walk->keys, &range))
			STP_TRY(walk_range(walk, merge, worker, &range, err));
	}
}

static enum stp_errc walk_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct walkers *walkers = ctx;
	struct stp_merge *merge;
	enum stp_errc code;

	STP_TRY(stp_merge_create(walkers->walk->sources, &merge, err));
	code = walk_ranges(walkers, merge, worker, err);
	stp_merge_destroy(merge);
	return code;
}

enum stp_errc stp_sign_walk(const struct stp_walk *walk, struct stp_err *err)
{
	struct walkers walkers = {.walk = walk};

	return stp_workers_run(walk->run->jobs, walk->name, walk_worker, &walkers,
	                       walk->run->cancel, err);
}

/* --- a few paths, decided -------------------------------------------------------------------- */

struct visit {
	stp_visit_fn *fn;
	void *ctx;
	struct stp_compared compared;
};

static enum stp_errc visit_path(void *ctx, size_t worker, const struct stp_merge_group *group,
                                struct stp_err *err)
{
	const struct visit *visit = ctx;
	struct stp_decision decision = stp_decide(&visit->compared.rules, group, STP_DECIDE_EMIT);

	return visit->fn(visit->ctx, worker, &decision, err);
}

enum stp_errc stp_sign_visit(const struct stp_sign_run *run,
                             const struct stp_comparison *comparison, const struct stp_keyset *keys,
                             stp_visit_fn *fn, void *ctx, struct stp_err *err)
{
	struct visit visit = {.fn = fn, .ctx = ctx, .compared = STP_COMPARED_INIT};
	struct stp_walk walk = {.run = run,
	                        .name = "visit",
	                        .sources = &visit.compared.sources,
	                        .keys = keys,
	                        .fn = visit_path,
	                        .ctx = &visit};
	enum stp_errc code;

	if (keys && stp_keyset_count(keys) == 0)
		return STP_OK;
	code = stp_comparison_open(comparison, &visit.compared, err);
	while (walk.range_bits < RANGE_BITS_MAX &&
	       stp_sources_record_count(&visit.compared.sources) >> walk.range_bits > RANGE_RECORDS)
		walk.range_bits++;
	if (code == STP_OK)
		code = stp_sign_walk(&walk, err);
	stp_compared_release(&visit.compared);
	return code;
}
