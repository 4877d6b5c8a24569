/* SPDX-License-Identifier: Apache-2.0 */
#include "run/visit.h"

#include <stdatomic.h>

#include "base/thread.h"

/* Records in a range: few enough that one path does not cost much, enough to be worth a seek. */
#define RANGE_RECORDS  2048
#define RANGE_BITS_MAX 16

struct visit {
	struct stp_sign_run *run;
	const struct stp_keyset *keys;
	stp_visit_fn *fn;
	void *ctx;
	struct stp_sources sources;
	unsigned range_bits;
	atomic_uint_fast64_t next_range;
};

static enum stp_errc visit_range(struct visit *visit, struct stp_merge *merge, size_t worker,
                                 const struct stp_key_range *range, struct stp_err *err)
{
	struct stp_merge_group group;

	STP_TRY(stp_merge_seek(merge, range, err));
	for (;;) {
		struct stp_decision decision;

		STP_TRY(stp_merge_next(merge, &group, err));
		if (!group.key)
			return STP_OK;
		if (visit->keys && !stp_keyset_has(visit->keys, group.key))
			continue;
		decision = stp_sign_decide(visit->run, &visit->sources, &group, STP_DECIDE_EMIT);
		STP_TRY(visit->fn(visit->ctx, worker, &decision, err));
	}
}

static enum stp_errc visit_ranges(struct visit *visit, struct stp_merge *merge, size_t worker,
                                  struct stp_err *err)
{
	for (;;) {
		uint64_t index =
		    atomic_fetch_add_explicit(&visit->next_range, 1, memory_order_relaxed);
		struct stp_key_range range;

		if (index >> visit->range_bits)
			return STP_OK;
		if (stp_cancelled(visit->run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "hash", NULL, "stopped");
		range = stp_key_range_at(index, visit->range_bits);
		if (!visit->keys || stp_keyset_meets(visit->keys, &range))
			STP_TRY(visit_range(visit, merge, worker, &range, err));
	}
}

static enum stp_errc visit_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct visit *visit = ctx;
	struct stp_merge *merge;
	enum stp_errc code;

	STP_TRY(stp_merge_create(&visit->sources, &merge, err));
	code = visit_ranges(visit, merge, worker, err);
	stp_merge_destroy(merge);
	return code;
}

enum stp_errc stp_sign_visit(struct stp_sign_run *run, const struct stp_keyset *keys,
                             stp_visit_fn *fn, void *ctx, struct stp_err *err)
{
	struct visit visit = {
	    .run = run, .keys = keys, .fn = fn, .ctx = ctx, .sources = STP_SOURCES_INIT};
	enum stp_errc code;

	if (keys && stp_keyset_count(keys) == 0)
		return STP_OK;
	code = stp_sign_sources(run, &visit.sources, err);
	while (visit.range_bits < RANGE_BITS_MAX &&
	       stp_sources_record_count(&visit.sources) >> visit.range_bits > RANGE_RECORDS)
		visit.range_bits++;
	if (code == STP_OK)
		code = stp_workers_run(run->jobs, "visit", visit_worker, &visit, run->cancel, err);
	stp_sources_release(&visit.sources);
	return code;
}
