/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/comparison.h"

#include <errno.h>
#include <stdlib.h>

#include "ledger/segment.h"

/* Appends the sources of list, borrowed. */
static enum stp_errc borrow_sources(const struct stp_sources *list, struct stp_sources *out,
                                    struct stp_err *err)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct stp_source source = list->items[i];

		source.borrowed = 1;
		STP_TRY(stp_sources_add(out, source, err));
	}
	return STP_OK;
}

static enum stp_errc add_sources(const struct stp_comparison *comparison, struct stp_sources *out,
                                 struct stp_err *err)
{
	STP_TRY(borrow_sources(comparison->scan, out, err));
	STP_TRY(borrow_sources(comparison->published, out, err));
	return stp_ledger_sources(comparison->ledger, out, err);
}

static enum stp_origin origin_of(const struct stp_comparison *comparison,
                                 const struct stp_sources *sources, size_t index)
{
	if (index < comparison->scan->count)
		return STP_ORIGIN_SCAN;
	if (index < comparison->scan->count + comparison->published->count)
		return STP_ORIGIN_PUBLISHED;
	return stp_segment_info(sources->items[index].segment)->kind == STP_SEGMENT_CHECKPOINT
	           ? STP_ORIGIN_CHECKPOINT
	           : STP_ORIGIN_GENERATION;
}

enum stp_errc stp_comparison_open(const struct stp_comparison *comparison, struct stp_compared *out,
                                  struct stp_err *err)
{
	size_t i;

	STP_TRY(add_sources(comparison, &out->sources, err));
	out->origins = malloc(out->sources.count + 1);
	if (!out->origins)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for %zu sources",
		                      out->sources.count);
	for (i = 0; i < out->sources.count; i++)
		out->origins[i] = (uint8_t)origin_of(comparison, &out->sources, i);
	out->rules = comparison->rules;
	out->rules.origins = out->origins;
	return STP_OK;
}

void stp_compared_release(struct stp_compared *compared)
{
	stp_sources_release(&compared->sources);
	free(compared->origins);
	compared->origins = NULL;
}
