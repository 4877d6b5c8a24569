/* SPDX-License-Identifier: Apache-2.0 */
#include "list/reuse.h"

#include "base/limits.h"
#include "base/progress.h"

/* Mixed into the list's sum, and changed whenever the rules for checking rows change: a list that
 * was read under older rules is read again. */
#define LIST_RULES UINT64_C(0x75726c2d72756c65)
/* Rows are looked up in the table of known rows: prefetch this many ahead. */
#define KNOWN_AHEAD 8
/* The table may use as much memory as records may before they spill. */
#define KNOWN_RECORDS_MAX (STP_SIGN_COLLECT_BYTES / STP_KNOWN_RECORD_BYTES)

/* --- what can be reused ---------------------------------------------------------------------- */

/* Whether the list is byte for byte the one that the ledger's generation was made from. */
static enum stp_errc compare(struct stp_list_reuse *reuse, const struct stp_list_options *options,
                             const struct stp_list_basis *basis, struct stp_err *err)
{
	uint64_t tag = stp_ledger_summary(basis->ledger)->tag;
	uint64_t sum;

	if (!tag)
		return STP_OK;
	STP_TRY(stp_list_source_identity(options->source, options->sum_secret, basis->jobs,
	                                 basis->cancel, &sum, err));
	reuse->is_same = (sum ^ LIST_RULES) == tag;
	if (reuse->is_same)
		reuse->identity = tag;
	return STP_OK;
}

/* Makes the table of known rows, unless the ledger is too large or turns out to be damaged. The
 * serial reference goes without. */
static enum stp_errc load_known(struct stp_list_reuse *reuse, const struct stp_list_basis *basis,
                                struct stp_err *err)
{
	struct stp_ledger *ledger = basis->ledger;
	struct stp_sources sources = STP_SOURCES_INIT;
	enum stp_errc code;

	if (!basis->jobs ||
	    stp_ledger_base_count(ledger) + stp_ledger_delta_count(ledger) > KNOWN_RECORDS_MAX)
		return STP_OK;
	code = stp_ledger_sources(ledger, &sources, err);
	if (code == STP_OK && sources.count)
		code = stp_known_load(&sources, basis->digest_bytes, basis->jobs, basis->cancel,
		                      &reuse->known, err);
	stp_sources_release(&sources);
	if (code == STP_OK && (basis->damage->total || stp_ledger_refused_count(ledger))) {
		stp_known_destroy(reuse->known);
		reuse->known = NULL;
	}
	return code;
}

enum stp_errc stp_list_reuse_choose(struct stp_list_reuse *reuse,
                                    const struct stp_list_options *options,
                                    const struct stp_list_basis *basis, struct stp_err *err)
{
	if (!stp_list_source_can_repeat(options->source))
		return STP_OK;
	STP_TRY(compare(reuse, options, basis, err));
	return reuse->is_same ? STP_OK : load_known(reuse, basis, err);
}

int stp_list_reuse_is_used(const struct stp_list_reuse *reuse)
{
	return reuse->is_same || reuse->known;
}

int stp_list_reuse_is_unsure(const struct stp_list_reuse *reuse)
{
	return reuse->known && stp_known_is_unsure(reuse->known);
}

enum stp_errc stp_list_reuse_drop(struct stp_list_reuse *reuse,
                                  const struct stp_list_source *source, struct stp_err *err)
{
	stp_list_reuse_release(reuse);
	return stp_list_source_rewind(source, err);
}

void stp_list_reuse_release(struct stp_list_reuse *reuse)
{
	stp_known_destroy(reuse->known);
	reuse->known = NULL;
	reuse->is_same = 0;
	reuse->identity = 0;
	atomic_store(&reuse->known_count, 0);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
	struct stp_list_reuse *reuse;
	const struct stp_list_sink *sink;
};

/* True when the row goes to the sink; otherwise it is counted in *known, or left out. */
static int is_new(const struct reading *reading, const struct stp_record *row, uint64_t *known)
{
	struct stp_known *table = reading->reuse->known;

	if (!reading->sink->accept(reading->sink->ctx, row))
		return 0;
	if (!table)
		return 1;
	if (!(row->flags & STP_RECORD_DIGESTS)) {
		stp_known_pass(table, row->key);
		return 1;
	}
	if (!stp_known_take(table, row))
		return 1;
	++*known;
	return 0;
}

/* Passes the new rows to the sink, in ranges. */
static enum stp_errc take_rows(void *ctx, size_t worker, const struct stp_record *rows,
                               size_t count, struct stp_err *err)
{
	struct reading *reading = ctx;
	const struct stp_list_sink *sink = reading->sink;
	struct stp_known *table = reading->reuse->known;
	uint64_t known = 0;
	size_t first = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (table && i + KNOWN_AHEAD < count)
			stp_known_prefetch(table, rows[i + KNOWN_AHEAD].key);
		if (is_new(reading, &rows[i], &known))
			continue;
		if (i > first)
			STP_TRY(sink->emit(sink->ctx, worker, rows + first, i - first, err));
		first = i + 1;
	}
	atomic_fetch_add_explicit(&reading->reuse->known_count, known, memory_order_relaxed);
	stp_progress_add(sink->progress, count, 0);
	return count > first ? sink->emit(sink->ctx, worker, rows + first, count - first, err)
	                     : STP_OK;
}

enum stp_errc stp_list_reuse_read(struct stp_list_reuse *reuse,
                                  const struct stp_list_options *options,
                                  const struct stp_list_sink *sink, struct stp_fault_list *faults,
                                  struct stp_list_stats *out_stats, struct stp_err *err)
{
	struct reading reading = {reuse, sink};

	atomic_store(&reuse->known_count, 0);
	STP_TRY(stp_list_read(options, take_rows, &reading, faults, out_stats, err));
	reuse->identity = out_stats->sum ^ LIST_RULES;
	return STP_OK;
}
