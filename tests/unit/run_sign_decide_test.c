/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision about one path, as a table: what the scan found, what the ledger has, and the
 * verdicts before and after hashing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/sign/decide.h"
#include "stampede/alg.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)
#define SHA512 STP_ALG_BIT(STP_ALG_SHA512)
#define DAY    86400
#define NOW    (INT64_C(20000) * DAY)

/* Sources of the merge: two of the scan, then those of the ledger or used in its place. */
enum { SCAN, SCAN_2, BINS, CHECKPOINT, DELTA, BASE, SOURCES };

static const uint8_t origins[SOURCES] = {
    [SCAN] = STP_ORIGIN_SCAN,        [SCAN_2] = STP_ORIGIN_SCAN,
    [BINS] = STP_ORIGIN_PUBLISHED,   [CHECKPOINT] = STP_ORIGIN_CHECKPOINT,
    [DELTA] = STP_ORIGIN_GENERATION, [BASE] = STP_ORIGIN_GENERATION,
};

struct fixture {
	struct stp_decide_rules rules;
	struct stp_hashed hashed;
	struct stp_fs_table fs;
	struct stp_list_reuse list;
	uint8_t key[STP_KEY_BYTES];
	uint8_t hash_key[16];
	uint8_t digests[4][128];
	struct stp_merge_item items[8];
	size_t count;
};

static struct fixture *at;

static int set_up(void **state)
{
	size_t i;

	(void)state;
	at = calloc(1, sizeof(*at));
	for (i = 0; i < 4; i++)
		memset(at->digests[i], (int)i + 1, sizeof(at->digests[i]));
	memset(at->key, 9, sizeof(at->key));
	stp_fs_table_init(&at->fs, -1);
	stp_hashed_init(&at->hashed);
	at->rules = (struct stp_decide_rules){
	    .origins = origins,
	    .hash_set = SHA256,
	    .generation_set = SHA256,
	    .digest_bytes = 32,
	    .now = NOW,
	    .again = {.fs = &at->fs},
	    .rehash = {.parts = 1, .hash_key = at->hash_key},
	    .hashed = &at->hashed,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stp_hashed_release(&at->hashed);
	free(at);
	return 0;
}

/* --- records --------------------------------------------------------------------------------- */

/* Adds a record that source has; digests: 0 none, else those of this number. */
static struct stp_record *add(size_t source, unsigned flags, size_t digests)
{
	struct stp_merge_item *item = &at->items[at->count++];

	item->source_index = source;
	item->record = (struct stp_record){.length = 5,
	                                   .path = "a/b.whl",
	                                   .path_bytes = 7,
	                                   .digests = digests ? at->digests[digests - 1] : NULL,
	                                   .flags = (uint16_t)flags};
	memcpy(item->record.key, at->key, sizeof(at->key));
	if (flags & STP_RECORD_FILE) {
		item->record.fingerprint = (struct stp_fingerprint){0, 11, 100, 200};
		item->record.verified_at = 1000;
	}
	return &item->record;
}

/* A file of the tree; a complete row; a row that claims a digest of its file; a ledger's file. */
static struct stp_record *entry(void)
{
	return add(SCAN, STP_RECORD_FILE, 0);
}

static struct stp_record *row(size_t source, size_t digests)
{
	return add(source, STP_RECORD_LISTED | STP_RECORD_SIZED | STP_RECORD_DIGESTS, digests);
}

static struct stp_record *claiming_entry(size_t digests)
{
	return add(SCAN,
	           STP_RECORD_LISTED | STP_RECORD_FILE | STP_RECORD_CLAIM(STP_ALG_SHA256) * 1u,
	           digests);
}

static struct stp_record *file(size_t source, size_t digests)
{
	return add(source, STP_RECORD_FILE | STP_RECORD_DIGESTS, digests);
}

static struct stp_record *removed(size_t source, size_t digests)
{
	struct stp_record *record =
	    add(source, STP_RECORD_REMOVED | (digests ? STP_RECORD_DIGESTS : 0u), digests);

	record->removed_at = NOW - 10 * DAY;
	return record;
}

static struct stp_decision decide(enum stp_decide_pass pass)
{
	struct stp_merge_group group = {at->key, at->items, at->count, at->count};

	return stp_decide(&at->rules, &group, pass);
}

/* The same verdict before and after hashing. */
static struct stp_decision decide_both(enum stp_verdict verdict)
{
	assert_int_equal(decide(STP_DECIDE_PENDING).verdict, verdict);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, verdict);
	return decide(STP_DECIDE_EMIT);
}

static void mark(struct stp_keyset *set)
{
	assert_int_equal(stp_keyset_add(set, at->key, NULL), STP_OK);
	stp_keyset_seal(set);
}

/* --- no input names the path ----------------------------------------------------------------- */

static void test_decide__nothing_and_a_removed_path_are_nothing(void **state)
{
	(void)state;
	removed(BASE, 1);
	assert_non_null(decide_both(STP_VERDICT_NONE).removed);
	at->count = 0;
	removed(BASE, 0);
	assert_null(decide_both(STP_VERDICT_NONE).removed);
}

static void test_decide__what_only_the_ledger_has_is_removed(void **state)
{
	struct stp_record *record = file(BASE, 1);

	(void)state;
	assert_ptr_equal(decide_both(STP_VERDICT_REMOVED).committed, record);
	/* A checkpoint alone was never signed. */
	at->count = 0;
	file(CHECKPOINT, 1);
	assert_null(decide_both(STP_VERDICT_NONE).committed);
}

static void test_decide__a_refresh_keeps_what_it_has_the_digests_of(void **state)
{
	struct stp_record *record = file(BASE, 1);
	struct stp_decision decision;

	(void)state;
	at->rules.is_refresh = 1;
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, record);
	assert_true(decision.is_committed);
	at->rules.hash_set = SHA512;
	decide_both(STP_VERDICT_REMOVED);
}

static void test_decide__rows_that_the_ledger_has_stay(void **state)
{
	(void)state;
	file(BASE, 1);
	at->rules.list = &at->list;
	decide_both(STP_VERDICT_REMOVED);
	at->list.is_same = 1;
	assert_true(decide_both(STP_VERDICT_KEEP).is_committed);
}

/* --- a list ---------------------------------------------------------------------------------- */

static void test_decide__a_row_is_the_target(void **state)
{
	struct stp_record *record = row(SCAN, 1);
	struct stp_decision decision = decide_both(STP_VERDICT_KEEP);

	(void)state;
	assert_ptr_equal(decision.record, record);
	assert_int_equal(decision.record_set, SHA256);
	assert_false(decision.is_committed);
	assert_null(decision.committed);
}

static void test_decide__a_row_with_the_words_of_the_ledger_is_its_record(void **state)
{
	struct stp_record *before;
	struct stp_decision decision;

	(void)state;
	row(SCAN, 1);
	before = file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, before);
	assert_true(decision.is_committed);
	/* With others it is the row, and what was signed is at hand for the alarm. */
	at->count = 0;
	row(SCAN, 2);
	before = file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, &at->items[0].record);
	assert_ptr_equal(decision.committed, before);
	assert_false(decision.is_committed);
}

static void test_decide__rows_may_repeat_one_another_but_not_differ(void **state)
{
	struct stp_decision decision;

	(void)state;
	row(SCAN, 1);
	row(SCAN_2, 1);
	row(SCAN_2, 1);
	assert_int_equal(decide_both(STP_VERDICT_KEEP).repeats, 2);
	row(SCAN_2, 2);
	decision = decide_both(STP_VERDICT_DUPLICATE);
	assert_ptr_equal(decision.entry, &at->items[0].record);
	assert_ptr_equal(decision.second, &at->items[1].record);
	/* The tree and the list are two inputs. */
	at->count = 0;
	entry();
	row(SCAN_2, 1);
	decide_both(STP_VERDICT_DUPLICATE);
}

static void test_decide__a_row_that_cannot_be_compared_is_read(void **state)
{
	(void)state;
	row(SCAN, 1);
	file(BASE, 1);
	at->rules.generation_set = SHA512;
	decide_both(STP_VERDICT_HASH);
	/* Once its file was hashed in this run, that result counts. */
	at->count = 1;
	file(CHECKPOINT, 3);
	file(BASE, 1);
	mark(&at->hashed.moved);
	assert_ptr_equal(decide(STP_DECIDE_EMIT).record, &at->items[1].record);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_KEEP);
	mark(&at->hashed.refused);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_NONE);
}

static void test_decide__a_row_that_contradicts_its_unchanged_file(void **state)
{
	(void)state;
	claiming_entry(1);
	file(BASE, 1);
	decide_both(STP_VERDICT_KEEP);
	at->items[0].record.digests = at->digests[1];
	decide_both(STP_VERDICT_CONTRADICTED);
}

/* --- files of the tree ----------------------------------------------------------------------- */

static void test_decide__an_unchanged_file_is_not_read(void **state)
{
	struct stp_record *before;
	struct stp_decision decision;

	(void)state;
	entry();
	assert_int_equal(decide_both(STP_VERDICT_HASH).again, STP_AGAIN_NOT);
	before = file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, before);
	assert_true(decision.is_committed);
	/* A checkpoint is newer, and in no generation. */
	at->count = 1;
	before = file(CHECKPOINT, 2);
	file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, before);
	assert_false(decision.is_committed);
	assert_ptr_equal(decision.committed, &at->items[2].record);
}

static void test_decide__the_newest_segment_counts(void **state)
{
	struct stp_record *newest;

	(void)state;
	entry();
	newest = file(DELTA, 2);
	file(BASE, 1);
	assert_ptr_equal(decide_both(STP_VERDICT_KEEP).record, newest);
	at->items[1].record.flags = STP_RECORD_REMOVED;
	assert_int_equal(decide_both(STP_VERDICT_HASH).again, STP_AGAIN_NOT);
	assert_null(decide(STP_DECIDE_EMIT).committed);
}

static void test_decide__a_changed_racy_or_chosen_file_is_read_again(void **state)
{
	struct stp_record *now = entry();
	struct stp_record *before = file(BASE, 1);

	(void)state;
	now->fingerprint.mtime_ns++;
	assert_int_equal(decide_both(STP_VERDICT_HASH).committed == before, 1);
	assert_int_equal(decide(STP_DECIDE_PENDING).again, STP_AGAIN_MTIME);
	now->fingerprint.mtime_ns--;
	/* Racy and chosen: only before hashing. Afterwards what matches was hashed. */
	before->flags |= STP_RECORD_RACY;
	assert_int_equal(decide(STP_DECIDE_PENDING).again, STP_AGAIN_UNSETTLED);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_KEEP);
	before->flags &= (uint16_t)~STP_RECORD_RACY;
	at->rules.rehash.what = STP_REHASH_ALL;
	assert_int_equal(decide(STP_DECIDE_PENDING).again, STP_AGAIN_REHASH);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_KEEP);
}

static void test_decide__each_file_is_in_one_part(void **state)
{
	unsigned chosen = 0;
	unsigned part;

	(void)state;
	entry();
	file(BASE, 1);
	at->rules.rehash.what = STP_REHASH_PART;
	at->rules.rehash.parts = 7;
	for (part = 0; part < 7; part++) {
		at->rules.rehash.part = part;
		chosen += decide(STP_DECIDE_PENDING).verdict == STP_VERDICT_HASH;
	}
	assert_int_equal(chosen, 1);
}

static void test_decide__other_hashes_are_read_unless_they_are_among_those_known(void **state)
{
	(void)state;
	entry();
	file(BASE, 1);
	at->rules.hash_set = SHA512;
	assert_int_equal(decide(STP_DECIDE_PENDING).again, STP_AGAIN_HASHES);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_HASH);
	assert_int_equal(decide(STP_DECIDE_EMIT).committed_set, SHA256);
	at->rules.generation_set = SHA256 | SHA512;
	assert_int_equal(decide_both(STP_VERDICT_KEEP).record_set, SHA256 | SHA512);
}

static void test_decide__what_is_tolerated_is_reported(void **state)
{
	struct stp_record *now = entry();

	(void)state;
	file(BASE, 1);
	at->rules.again.mtime_counts = 1;
	now->fingerprint.ctime_ns++;
	assert_int_equal(decide_both(STP_VERDICT_KEEP).tolerated, STP_TOLERATED_CTIME);
	at->rules.again.mtime_counts = 0;
	assert_int_equal(decide(STP_DECIDE_PENDING).again, STP_AGAIN_CTIME);
}

static void test_decide__after_hashing_keys_stand_for_paths(void **state)
{
	struct stp_record *now = entry();
	struct stp_record *hashed = file(CHECKPOINT, 2);

	(void)state;
	file(BASE, 1);
	/* Hashed in a newer state than the scan saw. */
	now->fingerprint.mtime_ns++;
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_HASH);
	mark(&at->hashed.moved);
	assert_ptr_equal(decide(STP_DECIDE_EMIT).record, hashed);
	/* Kept changing: left to the step that copies it. */
	mark(&at->hashed.unstable_keys);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_HASH);
	/* Removed meanwhile. */
	mark(&at->hashed.gone);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_REMOVED);
	/* At fault: no older record is used for it. */
	mark(&at->hashed.refused);
	assert_int_equal(decide(STP_DECIDE_EMIT).verdict, STP_VERDICT_NONE);
	/* Before hashing, none of this applies. */
	assert_int_equal(decide(STP_DECIDE_PENDING).verdict, STP_VERDICT_HASH);
}

/* --- removed paths that come back ------------------------------------------------------------ */

static void test_decide__a_removed_path_says_what_it_had(void **state)
{
	struct stp_record *before;
	struct stp_decision decision;

	(void)state;
	row(SCAN, 2);
	before = removed(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.removed, before);
	assert_int_equal(decision.removed_set, SHA256);
	assert_null(decision.committed);
	assert_false(decision.is_committed);
	/* An unchanged file is not read again, and is new to the generation. */
	at->count = 0;
	entry();
	before = removed(BASE, 1);
	before->flags |= STP_RECORD_FILE;
	before->fingerprint = at->items[0].record.fingerprint;
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, before);
	assert_false(decision.is_committed);
}

static void test_decide__it_is_forgotten_when_its_time_is_over(void **state)
{
	(void)state;
	row(SCAN, 2);
	removed(BASE, 1);
	at->rules.retention_days = 11;
	assert_non_null(decide(STP_DECIDE_EMIT).removed);
	at->rules.retention_days = 10;
	assert_null(decide(STP_DECIDE_EMIT).removed);
	at->rules.retention_days = 0;
	assert_non_null(decide(STP_DECIDE_EMIT).removed);
	at->rules.retention_days = 10;
	at->items[1].record.removed_at = 0; /* at an unknown time */
	assert_non_null(decide(STP_DECIDE_EMIT).removed);
}

/* --- the published bins say what was signed -------------------------------------------------- */

static void test_decide__published_bins_say_what_was_signed(void **state)
{
	struct stp_record *published;
	struct stp_record *known;
	struct stp_decision decision;

	(void)state;
	at->rules.has_published = 1;
	published = add(BINS, STP_RECORD_DIGESTS, 1);
	assert_ptr_equal(decide_both(STP_VERDICT_REMOVED).committed, published);
	/* They have no fingerprints: no file is skipped because of them. */
	at->count = 0;
	entry();
	published = add(BINS, STP_RECORD_DIGESTS, 1);
	assert_ptr_equal(decide_both(STP_VERDICT_HASH).committed, published);
	/* The ledger's record of the same bytes has one; a record of other bytes is ignored. */
	known = file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.committed, known);
	assert_false(decision.is_committed);
	known->digests = at->digests[1];
	decision = decide_both(STP_VERDICT_KEEP);
	assert_ptr_equal(decision.record, known);
	assert_ptr_equal(decision.committed, published);
}

static void test_decide__a_path_that_the_bins_lack_was_removed(void **state)
{
	struct stp_record *known;
	struct stp_decision decision;

	(void)state;
	at->rules.has_published = 1;
	row(SCAN, 2);
	known = file(BASE, 1);
	decision = decide_both(STP_VERDICT_KEEP);
	assert_null(decision.committed);
	assert_ptr_equal(decision.removed, known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_decide__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_and_a_removed_path_are_nothing),
	    TEST(what_only_the_ledger_has_is_removed),
	    TEST(a_refresh_keeps_what_it_has_the_digests_of),
	    TEST(rows_that_the_ledger_has_stay),
	    TEST(a_row_is_the_target),
	    TEST(a_row_with_the_words_of_the_ledger_is_its_record),
	    TEST(rows_may_repeat_one_another_but_not_differ),
	    TEST(a_row_that_cannot_be_compared_is_read),
	    TEST(a_row_that_contradicts_its_unchanged_file),
	    TEST(an_unchanged_file_is_not_read),
	    TEST(the_newest_segment_counts),
	    TEST(a_changed_racy_or_chosen_file_is_read_again),
	    TEST(each_file_is_in_one_part),
	    TEST(other_hashes_are_read_unless_they_are_among_those_known),
	    TEST(what_is_tolerated_is_reported),
	    TEST(after_hashing_keys_stand_for_paths),
	    TEST(a_removed_path_says_what_it_had),
	    TEST(it_is_forgotten_when_its_time_is_over),
	    TEST(published_bins_say_what_was_signed),
	    TEST(a_path_that_the_bins_lack_was_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
