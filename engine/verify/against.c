/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares two snapshots: which targets were added, removed, or have other bytes.
 *
 *	old bins ─┐
 *	          ├─▶ unit of the key space ─▶ same bytes? ─▶ merge by path ─▶ changes, in order
 *	new bins ─┘      (many at once)          done
 *
 * A unit is the smallest part of the key space that consists of whole bins on both sides: one bin
 *of each when the counts are equal, else one bin against several. Units are processed in windows,
 *many at once, and their changes are reported in the order of units. Nearly all bins of two nights
 * differ in version and expiry only: the bytes of "targets" are equal and are never parsed.
 *
 * Changed digests are reported at once. Removed and added targets are kept in memory until their
 * turn; when there are too many to keep, another pass over the bins finds them again.
 */
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/thread.h"
#include "verify/half.h"
#include "verify/side.h"

#define WINDOW_UNITS   256
#define KEPT_BYTES_MAX ((size_t)64 << 20) /* of changes kept, per kind */
#define KIND_COUNT     3
#define KIND_BIT(kind) (1u << (kind))
#define ALL_KINDS      (KIND_BIT(KIND_COUNT) - 1)

struct unit_result {
	struct stp_buf changes; /* each a struct change_record, followed by its texts */
	uint64_t old_targets, new_targets;
	int is_same;
};

struct comparison {
	const struct stp_verify_against_options *options;
	struct stp_side old_side, new_side;
	size_t unit_count;
	int same_folder;
	struct stp_verify_against_report *report;
	/* The current window. */
	size_t window_begin, window_end;
	atomic_size_t next;
	unsigned kinds; /* KIND_BIT()s wanted by this pass */
	struct unit_result *results;
	struct worker *workers;
	/* Changes that are reported later. */
	struct stp_buf kept[KIND_COUNT];
	int overflown[KIND_COUNT];
};

struct worker {
	struct stp_half old_half, new_half;
};

/* A change in a buffer, followed by path, old and new digest. */
struct change_record {
	uint64_t old_length, new_length;
	uint32_t path_bytes, digest_chars;
	uint8_t kind, algorithm, has_old, has_new;
};

static enum stp_errc open_sides(struct comparison *c, struct stp_err *err)
{
	struct stat st, old_st;

	STP_TRY(stp_side_open(&c->new_side, c->options->new_path, err));
	STP_TRY(stp_side_open_old(&c->old_side, c->options->old_path, &c->new_side, err));
	if (fstat(c->new_side.folder.fd, &st) != 0 || fstat(c->old_side.folder.fd, &old_st) != 0)
		return STP_FAIL_SYS(err, "verify", c->options->old_path, "cannot stat");
	c->same_folder = st.st_dev == old_st.st_dev && st.st_ino == old_st.st_ino;
	return STP_OK;
}

/* Bins of side that unit consists of: [*out_begin, *out_end). */
static void unit_bins(const struct comparison *c, const struct stp_side *side, size_t unit,
                      size_t *out_begin, size_t *out_end)
{
	size_t share = side->tree.bin_count / c->unit_count;

	*out_begin = unit * share;
	*out_end = *out_begin + share;
}

/* ----------------------------------------------------------------------------- units */

/* The strongest algorithm both sides carry, or -1. */
static int common_algorithm(unsigned old_set, unsigned new_set)
{
	static const enum stp_alg order[] = {STP_ALG_SHA512, STP_ALG_SHA256, STP_ALG_BLAKE2B_256};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (old_set & new_set & STP_ALG_BIT(order[i]))
			return (int)order[i];
	return -1;
}

/* Any algorithm of a set, for a target that is on one side only. */
static int any_algorithm(unsigned set)
{
	return common_algorithm(set, set);
}

static enum stp_errc put_change(struct unit_result *result, enum stp_change_kind kind,
                                const struct stp_bin_entry *old_entry,
                                const struct stp_bin_entry *new_entry, int algorithm,
                                struct stp_err *err)
{
	const struct stp_bin_entry *any = new_entry ? new_entry : old_entry;
	struct change_record record;

	STP_ASSERT(any != NULL); /* one of the two is given */
	record = (struct change_record){
	    .old_length = old_entry ? old_entry->length : 0,
	    .new_length = new_entry ? new_entry->length : 0,
	    .path_bytes = any->path_bytes,
	    .digest_chars = (uint32_t)(2 * stp_alg_digest_bytes((enum stp_alg)algorithm)),
	    .kind = (uint8_t)kind,
	    .algorithm = (uint8_t)algorithm,
	    .has_old = old_entry != NULL,
	    .has_new = new_entry != NULL,
	};

	STP_TRY(stp_buf_append(&result->changes, &record, sizeof(record), err));
	STP_TRY(stp_buf_append(&result->changes, any->path, any->path_bytes, err));
	if (old_entry)
		STP_TRY(stp_buf_append(&result->changes, old_entry->hex[algorithm],
		                       record.digest_chars, err));
	if (new_entry)
		STP_TRY(stp_buf_append(&result->changes, new_entry->hex[algorithm],
		                       record.digest_chars, err));
	return STP_OK;
}

/* Compares the entries of a path that is in both halves. */
static enum stp_errc compare_pair(const struct comparison *c, struct unit_result *result,
                                  const struct stp_bin_entry *old_entry,
                                  const struct stp_bin_entry *new_entry, int algorithm,
                                  struct stp_err *err)
{
	size_t chars = 2 * stp_alg_digest_bytes((enum stp_alg)algorithm);

	if (old_entry->length == new_entry->length &&
	    memcmp(old_entry->hex[algorithm], new_entry->hex[algorithm], chars) == 0)
		return STP_OK;
	if (!(c->kinds & KIND_BIT(STP_CHANGE_DIGEST)))
		return STP_OK;
	return put_change(result, STP_CHANGE_DIGEST, old_entry, new_entry, algorithm, err);
}

static enum stp_errc merge_halves(const struct comparison *c, const struct stp_half *old_half,
                                  const struct stp_half *new_half, struct unit_result *result,
                                  struct stp_err *err)
{
	int algorithm = common_algorithm(old_half->hash_set, new_half->hash_set);
	size_t i = 0, j = 0;

	if (algorithm < 0 && old_half->count && new_half->count)
		return STP_FAIL(err, STP_FORMAT, "verify", c->old_side.name,
		                "has no hash algorithm in common with the new snapshot");
	while (i < old_half->count || j < new_half->count) {
		const struct stp_bin_entry *a = i < old_half->count ? &old_half->items[i] : NULL;
		const struct stp_bin_entry *b = j < new_half->count ? &new_half->items[j] : NULL;
		int order = !a ? 1 : !b ? -1 : stp_bin_entry_compare(a, b);

		if (order == 0)
			STP_TRY(compare_pair(c, result, a, b, algorithm, err));
		else if (order < 0 && (c->kinds & KIND_BIT(STP_CHANGE_REMOVED)))
			STP_TRY(put_change(result, STP_CHANGE_REMOVED, a, NULL,
			                   any_algorithm(old_half->hash_set), err));
		else if (order > 0 && (c->kinds & KIND_BIT(STP_CHANGE_ADDED)))
			STP_TRY(put_change(result, STP_CHANGE_ADDED, NULL, b,
			                   any_algorithm(new_half->hash_set), err));
		i += order <= 0;
		j += order >= 0;
	}
	return STP_OK;
}

/* Whether both sides have the same file, which need not be read. */
static int is_same_file(const struct comparison *c, size_t old_bin, size_t new_bin)
{
	const struct stp_chain_bin *a = &c->old_side.tree.bin_items[old_bin];
	const struct stp_chain_bin *b = &c->new_side.tree.bin_items[new_bin];

	return c->same_folder && a->listed && b->listed &&
	       a->listed->version == b->listed->version && strcmp(a->role, b->role) == 0;
}

static int has_same_targets(struct stp_half *old_half, struct stp_half *new_half)
{
	const char *old_text, *new_text;
	size_t old_count, new_count;

	return stp_half_targets(old_half, &old_text, &old_count) &&
	       stp_half_targets(new_half, &new_text, &new_count) && old_count == new_count &&
	       memcmp(old_text, new_text, old_count) == 0;
}

static enum stp_errc compare_unit(struct comparison *c, struct worker *w, size_t unit,
                                  struct unit_result *result, struct stp_err *err)
{
	size_t old_begin, old_end, new_begin, new_end;

	unit_bins(c, &c->old_side, unit, &old_begin, &old_end);
	unit_bins(c, &c->new_side, unit, &new_begin, &new_end);
	if (old_end - old_begin == 1 && new_end - new_begin == 1 &&
	    is_same_file(c, old_begin, new_begin)) {
		result->is_same = 1;
		return STP_OK;
	}
	STP_TRY(stp_half_read(&w->old_half, &c->old_side, old_begin, old_end, err));
	STP_TRY(stp_half_read(&w->new_half, &c->new_side, new_begin, new_end, err));
	if (old_end - old_begin == 1 && new_end - new_begin == 1 &&
	    has_same_targets(&w->old_half, &w->new_half)) {
		result->is_same = 1;
		return STP_OK;
	}
	STP_TRY(stp_half_parse(&w->old_half, &c->old_side, old_begin, old_end, err));
	STP_TRY(stp_half_parse(&w->new_half, &c->new_side, new_begin, new_end, err));
	result->old_targets = w->old_half.count;
	result->new_targets = w->new_half.count;
	return merge_halves(c, &w->old_half, &w->new_half, result, err);
}

static enum stp_errc work(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct comparison *c = ctx;

	for (;;) {
		size_t unit = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed);

		if (unit >= c->window_end)
			return STP_OK;
		if (stp_cancelled(c->options->cancel))
			return STP_FAIL(err, STP_CANCELLED, "verify", "", "stopped");
		STP_TRY(compare_unit(c, &c->workers[worker_index], unit,
		                     &c->results[unit - c->window_begin], err));
	}
}

/* --------------------------------------------------------------------------- reporting */

/* Reports one record, whose texts begin at `at`, to the caller. */
static enum stp_errc emit(struct comparison *c, const struct change_record *record,
                          const uint8_t *at, struct stp_err *err)
{
	const char *path = (const char *)at, *digests = path + record->path_bytes;
	enum stp_errc code = STP_OK;
	struct stp_change change = {
	    .kind = (enum stp_change_kind)record->kind,
	    .path = path,
	    .path_bytes = record->path_bytes,
	    .old_length = record->old_length,
	    .new_length = record->new_length,
	    .old_digest = record->has_old ? digests : NULL,
	    .new_digest =
	        record->has_new ? digests + (record->has_old ? record->digest_chars : 0) : NULL,
	    .digest_chars = record->digest_chars,
	    .algorithm = stp_alg_name((enum stp_alg)record->algorithm),
	};

	if (c->options->on_change)
		code = c->options->on_change(c->options->on_change_ctx, &change, err);
	if (code != STP_OK) /* which need not have set err */
		return STP_FAIL(err, code, "verify", NULL,
		                "the program that asked for it ended it");
	return STP_OK;
}

static size_t record_bytes(const struct change_record *record)
{
	return record->path_bytes +
	       (size_t)record->digest_chars * (record->has_old + (size_t)record->has_new);
}

/* Keeps a record for later; when a kind has too many, all are dropped, and found again later. */
static enum stp_errc keep(struct comparison *c, const struct change_record *record,
                          const uint8_t *at, struct stp_err *err)
{
	struct stp_buf *kept = &c->kept[record->kind];

	if (c->overflown[record->kind])
		return STP_OK;
	if (kept->count > KEPT_BYTES_MAX) {
		c->overflown[record->kind] = 1;
		stp_buf_release(kept);
		return STP_OK;
	}
	STP_TRY(stp_buf_append(kept, record, sizeof(*record), err));
	return stp_buf_append(kept, at, record_bytes(record), err);
}

static void count_change(struct stp_verify_against_report *report, enum stp_change_kind kind)
{
	report->digest_changed += kind == STP_CHANGE_DIGEST;
	report->removed += kind == STP_CHANGE_REMOVED;
	report->added += kind == STP_CHANGE_ADDED;
}

/* Reports the records of changes of the kinds in direct now, and keeps the others. */
static enum stp_errc report_records(struct comparison *c, const struct stp_buf *changes,
                                    unsigned direct, int first_pass, struct stp_err *err)
{
	size_t at = 0;

	while (at < changes->count) {
		struct change_record record;

		memcpy(&record, changes->data + at, sizeof(record));
		at += sizeof(record);
		if (first_pass)
			count_change(c->report, (enum stp_change_kind)record.kind);
		if (direct & KIND_BIT(record.kind))
			STP_TRY(emit(c, &record, changes->data + at, err));
		else
			STP_TRY(keep(c, &record, changes->data + at, err));
		at += record_bytes(&record);
	}
	return STP_OK;
}

static enum stp_errc run_window(struct comparison *c, unsigned direct, int first_pass,
                                struct stp_err *err)
{
	size_t count = c->window_end - c->window_begin;
	size_t i;

	for (i = 0; i < count; i++) {
		c->results[i].changes.count = 0;
		c->results[i].old_targets = c->results[i].new_targets = 0;
		c->results[i].is_same = 0;
	}
	atomic_store(&c->next, c->window_begin);
	STP_TRY(stp_workers_run(c->options->jobs, "against", work, c, c->options->cancel, err));
	for (i = 0; i < count; i++) {
		if (first_pass) {
			c->report->bins_same += c->results[i].is_same;
			c->report->old_targets += c->results[i].old_targets;
			c->report->new_targets += c->results[i].new_targets;
		}
		STP_TRY(report_records(c, &c->results[i].changes, direct, first_pass, err));
	}
	return STP_OK;
}

/* One pass over all units. */
static enum stp_errc pass(struct comparison *c, unsigned kinds, unsigned direct, int first_pass,
                          struct stp_err *err)
{
	size_t unit;

	c->kinds = kinds;
	for (unit = 0; unit < c->unit_count; unit += WINDOW_UNITS) {
		c->window_begin = unit;
		c->window_end =
		    unit + WINDOW_UNITS < c->unit_count ? unit + WINDOW_UNITS : c->unit_count;
		STP_TRY(run_window(c, direct, first_pass, err));
	}
	return STP_OK;
}

static enum stp_errc compare_all(struct comparison *c, struct stp_err *err)
{
	static const enum stp_change_kind later[] = {STP_CHANGE_REMOVED, STP_CHANGE_ADDED};
	size_t i;

	STP_TRY(pass(c, ALL_KINDS, KIND_BIT(STP_CHANGE_DIGEST), 1, err));
	for (i = 0; i < 2; i++) {
		unsigned bit = KIND_BIT(later[i]);

		if (c->overflown[later[i]])
			STP_TRY(pass(c, bit, bit, 0, err));
		else
			STP_TRY(report_records(c, &c->kept[later[i]], bit, 0, err));
	}
	return STP_OK;
}

/* The number of units: the bins of the coarser side, or one when a side is not divided evenly. */
static size_t count_units(const struct comparison *c)
{
	unsigned old_bits = c->old_side.tree.bits, new_bits = c->new_side.tree.bits;

	if (!old_bits || !new_bits)
		return 1;
	return (size_t)1 << (old_bits < new_bits ? old_bits : new_bits);
}

static enum stp_errc allocate(struct comparison *c, struct stp_err *err)
{
	size_t workers = c->options->jobs ? c->options->jobs : 1;

	c->unit_count = count_units(c);
	c->workers = calloc(workers, sizeof(*c->workers));
	c->results = calloc(WINDOW_UNITS, sizeof(*c->results));
	if (!c->workers || !c->results)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot compare");
	return STP_OK;
}

static void release(struct comparison *c)
{
	size_t workers = c->options->jobs ? c->options->jobs : 1;
	size_t i;

	for (i = 0; c->workers && i < workers; i++) {
		stp_half_release(&c->workers[i].old_half);
		stp_half_release(&c->workers[i].new_half);
	}
	for (i = 0; c->results && i < WINDOW_UNITS; i++)
		stp_buf_release(&c->results[i].changes);
	for (i = 0; i < KIND_COUNT; i++)
		stp_buf_release(&c->kept[i]);
	free(c->workers);
	free(c->results);
	stp_side_close(&c->old_side);
	stp_side_close(&c->new_side);
	free(c);
}

enum stp_errc stp_verify_against(const struct stp_verify_against_options *options,
                                 struct stp_verify_against_report *out_report, struct stp_err *err)
{
	struct stp_verify_against_report report = {.seconds_total = 0};
	uint64_t start_ns = stp_clock_monotonic_ns();
	struct stp_verify_against_options mine;
	struct comparison *c;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, on_change_ctx, "verify", err));
	STP_TRY(stp_options_need(mine.new_path, "new_path", "verify", err));
	STP_TRY(stp_options_need(mine.old_path, "old_path", "verify", err));
	mine.jobs = stp_options_jobs(mine.jobs);
	if (sodium_init() < 0)
		return STP_FAIL(err, STP_IO, "verify", "", "libsodium cannot start");
	c = calloc(1, sizeof(*c));
	if (!c)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot compare");
	c->options = &mine;
	c->report = &report;
	c->old_side.folder.fd = c->new_side.folder.fd = -1;
	code = open_sides(c, err);
	if (code == STP_OK)
		code = allocate(c, err);
	if (code == STP_OK)
		code = compare_all(c, err);
	report.old_snapshot = c->old_side.tree.snapshot.version;
	report.new_snapshot = c->new_side.tree.snapshot.version;
	report.old_bins = c->old_side.tree.bin_count;
	report.new_bins = c->new_side.tree.bin_count;
	release(c);
	report.seconds_total = (double)(stp_clock_monotonic_ns() - start_ns) / 1e9;
	if (code == STP_OK)
		*out_report = report;
	return code;
}

void stp_verify_against_report_release(struct stp_verify_against_report *report)
{
	memset(report, 0, sizeof(*report));
}
