/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/merge.h"
#include "ledger/run.h"
#include "ledger/segment.h"
#include "records.h"
#include "scratch.h"

#define SET STP_ALG_BIT(STP_ALG_SHA256)

static const uint8_t seal_key[32] = {9};

static struct stp_run_builder *make_builder(const struct scratch *scratch, size_t budget_bytes)
{
	struct stp_run_options options = {
	    .spill_fd = scratch->fd, .hash_set = SET, .budget_bytes = budget_bytes};
	struct stp_run_builder *builder;

	assert_int_equal(stp_run_create(&options, &builder, NULL), STP_OK);
	return builder;
}

static void add(struct stp_run_builder *builder, uint64_t first, uint64_t count)
{
	struct made_record made;
	uint64_t i;

	for (i = first; i < first + count; i++)
		assert_int_equal(stp_run_add(builder, make_record(&made, 3, i), NULL), STP_OK);
}

/* What a merge over range gives, as a sum that depends on order, and counts. */
struct seen {
	uint64_t groups, records;
	uint64_t sum;
	uint8_t last[STP_KEY_BYTES];
};

static void see(struct stp_merge *merge, const struct stp_key_range *range, struct seen *seen)
{
	struct stp_merge_group group;
	size_t i;

	assert_int_equal(stp_merge_seek(merge, range, NULL), STP_OK);
	for (;;) {
		assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
		if (!group.key)
			return;
		if (seen->groups)
			assert_true(stp_key_compare(seen->last, group.key) < 0);
		memcpy(seen->last, group.key, STP_KEY_BYTES);
		assert_true(stp_key_compare(group.key, range->low) >= 0);
		if (!range->high_is_end)
			assert_true(stp_key_compare(group.key, range->high) < 0);
		seen->groups++;
		seen->records += group.total;
		for (i = 0; i < group.count; i++) {
			const struct stp_record *record = &group.items[i].record;
			struct made_record made;
			uint64_t number = record->flags & STP_RECORD_FILE ? record->fingerprint.ino
			                                                  : record->origin;

			if (i)
				assert_true(group.items[i - 1].source_index <=
				            group.items[i].source_index);
			assert_true(same_record(make_record(&made, 3, number), record, 32));
			seen->sum = seen->sum * 31 + number;
		}
	}
}

static void test_merge__spilled_and_memory_runs_give_every_record_once(void **state)
{
	struct stp_key_range all = stp_key_range_all();
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_run_builder *builder;
	struct stp_merge *merge;
	struct scratch scratch;
	struct seen seen = {0};

	(void)state;
	scratch_init(&scratch);
	builder = make_builder(&scratch, STP_RUN_BUDGET_MIN);
	add(builder, 0, 20000);
	assert_true(stp_run_spill_count(builder) >= 2);
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	builder = make_builder(&scratch, (size_t)64 << 20);
	add(builder, 20000, 5000);
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	assert_int_equal(stp_sources_record_count(&sources), 25000);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	see(merge, &all, &seen);
	assert_int_equal(seen.groups, 25000);
	assert_int_equal(seen.records, 25000);
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	scratch_release(&scratch);
}

static void test_merge__ranges_one_after_another_give_what_the_whole_gives(void **state)
{
	struct stp_key_range all = stp_key_range_all();
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_run_builder *builder;
	struct stp_merge *merge;
	struct scratch scratch;
	struct seen whole = {0};
	unsigned bits;

	(void)state;
	scratch_init(&scratch);
	builder = make_builder(&scratch, STP_RUN_BUDGET_MIN);
	add(builder, 0, 9000);
	add(builder, 100, 3000);
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	see(merge, &all, &whole);
	assert_int_equal(whole.groups, 9000);
	assert_int_equal(whole.records, 12000);
	for (bits = 0; bits <= 12; bits += 3) {
		struct seen parts = {0};
		uint64_t i;

		for (i = 0; i < (uint64_t)1 << bits; i++) {
			struct stp_key_range range = stp_key_range_at(i, bits);

			see(merge, &range, &parts);
		}
		assert_int_equal(parts.sum, whole.sum);
		assert_int_equal(parts.groups, whole.groups);
	}
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	scratch_release(&scratch);
}

static void test_merge__a_path_added_often_is_one_group_that_counts_all(void **state)
{
	struct stp_key_range all = stp_key_range_all();
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_run_builder *builder;
	struct stp_merge_group group;
	struct made_record made;
	struct stp_merge *merge;
	struct scratch scratch;
	size_t i;

	(void)state;
	scratch_init(&scratch);
	builder = make_builder(&scratch, STP_RUN_BUDGET_MIN);
	make_record(&made, 3, 1);
	for (i = 0; i < 30000; i++) {
		made.record.origin = i + 1;
		assert_int_equal(stp_run_add(builder, &made.record, NULL), STP_OK);
	}
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	assert_true(sources.count > 2);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
	assert_int_equal(group.total, 30000);
	assert_int_equal(group.count, STP_MERGE_ITEMS_MAX);
	for (i = 0; i < group.count; i++) {
		assert_int_equal(group.items[i].record.origin, i + 1);
		assert_memory_equal(group.items[i].record.path, made.path, made.record.path_bytes);
	}
	assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
	assert_null(group.key);
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	scratch_release(&scratch);
}

static void test_merge__nothing_at_all_is_an_end(void **state)
{
	struct stp_key_range all = stp_key_range_all();
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_merge_group group;
	struct stp_merge *merge;

	(void)state;
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
	assert_null(group.key);
	stp_merge_destroy(merge);
}

/* A segment of every step-th record of [0, count), length as given. */
static struct stp_segment *make_segment(const struct scratch *scratch, const char *name,
                                        uint64_t count, uint64_t step, uint64_t length)
{
	struct stp_segment_options options = {
	    .kind = STP_SEGMENT_DELTA, .hash_set = SET, .seal_key = seal_key};
	struct stp_run_builder *builder = make_builder(scratch, (size_t)64 << 20);
	struct stp_key_range all = stp_key_range_all();
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_segment_writer *writer;
	struct stp_merge_group group;
	struct stp_segment *segment;
	struct stp_merge *merge;
	uint64_t i;

	for (i = 0; i < count; i += step)
		add(builder, i, 1);
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	assert_int_equal(stp_segment_create(scratch->fd, name, &options, &writer, NULL), STP_OK);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	for (;;) {
		struct stp_record record;

		assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
		if (!group.key)
			break;
		record = group.items[0].record;
		record.length = length;
		assert_int_equal(stp_segment_add(writer, &record, NULL), STP_OK);
	}
	assert_int_equal(stp_segment_commit(writer, NULL, NULL), STP_OK);
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	assert_int_equal(stp_segment_open(scratch->fd, name, seal_key, &segment, NULL), STP_OK);
	return segment;
}

/* Flips a byte of the segment file at offset. */
static void flip(const struct scratch *scratch, const char *name, off_t offset)
{
	int fd = openat(scratch->fd, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static void test_merge__damage_in_a_new_segment_hides_what_older_ones_say(void **state)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_fault_list damage;
	struct stp_merge *merge;
	struct scratch scratch;
	unsigned bits;

	(void)state;
	scratch_init(&scratch);
	stp_fault_list_init(&damage);
	assert_int_equal(stp_sources_add(&sources,
	                                 (struct stp_source){.segment = make_segment(
	                                                         &scratch, "new.seg", 6000, 3, 2),
	                                                     .is_ledger = 1},
	                                 NULL),
	                 STP_OK);
	assert_int_equal(stp_sources_add(&sources,
	                                 (struct stp_source){.segment = make_segment(
	                                                         &scratch, "old.seg", 6000, 1, 1),
	                                                     .is_ledger = 1},
	                                 NULL),
	                 STP_OK);
	flip(&scratch, "new.seg", 4096 + 2 * 65536 + 99);
	stp_segment_tolerate(sources.items[0].segment, &damage);
	stp_segment_tolerate(sources.items[1].segment, &damage);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	for (bits = 0; bits <= 8; bits += 4) {
		uint64_t newer = 0;
		uint64_t older = 0;
		uint64_t i;

		for (i = 0; i < (uint64_t)1 << bits; i++) {
			struct stp_key_range range = stp_key_range_at(i, bits);
			struct stp_merge_group group;

			assert_int_equal(stp_merge_seek(merge, &range, NULL), STP_OK);
			for (;;) {
				const struct stp_record *record;

				assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
				if (!group.key)
					break;
				record = &group.items[0].record;
				newer += record->length == 2;
				older += record->length == 1;
				/* Nothing that the new segment replaced has come back. */
				if (record->length == 1) {
					uint64_t number = record->flags & STP_RECORD_FILE
					                      ? record->fingerprint.ino
					                      : record->origin;

					assert_int_not_equal(number % 3, 0);
				}
			}
		}
		assert_in_range(newer, 1400, 1900);
		/* The lost block's range is lost in the old segment as well, no more. */
		assert_in_range(older, 2800, 3800);
		assert_in_range(newer * 2, older - 100, older + 100);
	}
	assert_int_equal(damage.total, 1);
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	stp_fault_list_release(&damage);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_merge__spilled_and_memory_runs_give_every_record_once),
	    cmocka_unit_test(test_merge__ranges_one_after_another_give_what_the_whole_gives),
	    cmocka_unit_test(test_merge__a_path_added_often_is_one_group_that_counts_all),
	    cmocka_unit_test(test_merge__nothing_at_all_is_an_end),
	    cmocka_unit_test(test_merge__damage_in_a_new_segment_hides_what_older_ones_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
