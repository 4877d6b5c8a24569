/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/thread.h"
#include "ledger/merge.h"
#include "ledger/run.h"
#include "ledger/segment.h"
#include "records.h"
#include "scratch.h"

#define SET STP_ALG_BIT(STP_ALG_SHA512)

static const uint8_t seal_key[32] = {1, 2, 3};
static const uint8_t other_key[32] = {1, 2, 4};

static struct stp_segment_options options(void)
{
	return (struct stp_segment_options){
	    .kind = STP_SEGMENT_BASE, .hash_set = SET, .generation = 9, .seal_key = seal_key};
}

/* A merge over records [0, count) of seed in memory. */
static struct stp_sources make_run(const struct scratch *scratch, uint64_t seed, uint64_t count)
{
	struct stp_run_options run_options = {
	    .spill_fd = scratch->fd, .hash_set = SET, .budget_bytes = (size_t)64 << 20};
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_run_builder *builder;
	struct made_record made;
	uint64_t i;

	assert_int_equal(stp_run_create(&run_options, &builder, NULL), STP_OK);
	for (i = 0; i < count; i++)
		assert_int_equal(stp_run_add(builder, make_record(&made, seed, i), NULL), STP_OK);
	assert_int_equal(stp_run_finish(builder, &sources, NULL), STP_OK);
	stp_run_destroy(builder);
	return sources;
}

/* Writes the segment name of records [0, count) of seed. */
static struct stp_segment_info write_segment(const struct scratch *scratch, const char *name,
                                             uint64_t seed, uint64_t count)
{
	struct stp_sources sources = make_run(scratch, seed, count);
	struct stp_key_range all = stp_key_range_all();
	struct stp_segment_options how = options();
	struct stp_segment_writer *writer;
	struct stp_segment_info info;
	struct stp_merge_group group;
	struct stp_merge *merge;

	assert_int_equal(stp_segment_create(scratch->fd, name, &how, &writer, NULL), STP_OK);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	for (;;) {
		assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
		if (!group.key)
			break;
		assert_int_equal(stp_segment_add(writer, &group.items[0].record, NULL), STP_OK);
	}
	assert_int_equal(stp_segment_commit(writer, &info, NULL), STP_OK);
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	return info;
}

/* Reads all records of the segment and counts those that are record i of seed, in key order. */
static enum stp_errc read_segment(struct stp_segment *segment, uint64_t *out_count,
                                  struct stp_err *err)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_key_range all = stp_key_range_all();
	struct stp_merge_group group = {0};
	uint8_t before[STP_KEY_BYTES] = {0};
	struct stp_merge *merge;
	enum stp_errc code;

	*out_count = 0;
	assert_int_equal(
	    stp_sources_add(&sources,
	                    (struct stp_source){.segment = segment, .borrowed = 1, .is_ledger = 1},
	                    NULL),
	    STP_OK);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	code = stp_merge_seek(merge, &all, err);
	while (code == STP_OK) {
		const struct stp_record *record;
		struct made_record made;
		uint64_t i;

		code = stp_merge_next(merge, &group, err);
		if (code != STP_OK || !group.key)
			break;
		record = &group.items[0].record;
		assert_true(stp_key_compare(before, record->key) < 0);
		memcpy(before, record->key, STP_KEY_BYTES);
		i = record->flags & STP_RECORD_FILE ? record->fingerprint.ino : record->origin;
		assert_true(same_record(make_record(&made, 5, i), record, 64));
		++*out_count;
	}
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	return code;
}

static void test_segment__records_come_back(void **state)
{
	static const uint64_t counts[] = {0, 1, 2, 300, 10000};
	struct stp_segment *segment;
	struct scratch scratch;
	uint64_t count;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct stp_segment_info info;

		scratch_init(&scratch);
		info = write_segment(&scratch, "a.seg", 5, counts[i]);
		assert_int_equal(info.record_count, counts[i]);
		assert_int_equal(stp_segment_open(scratch.fd, "a.seg", seal_key, &segment, NULL),
		                 STP_OK);
		assert_int_equal(stp_segment_info(segment)->record_count, counts[i]);
		assert_int_equal(stp_segment_info(segment)->generation, 9);
		assert_memory_equal(stp_segment_info(segment)->seal, info.seal, STP_SEAL_BYTES);
		assert_int_equal(stp_segment_check(segment, NULL), STP_OK);
		assert_int_equal(read_segment(segment, &count, NULL), STP_OK);
		assert_int_equal(count, counts[i]);
		stp_segment_close(segment);
		scratch_release(&scratch);
	}
}

static void test_segment__another_key_is_refused(void **state)
{
	struct stp_segment *segment;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	write_segment(&scratch, "a.seg", 5, 10);
	assert_int_equal(stp_segment_open(scratch.fd, "a.seg", other_key, &segment, NULL), STP_KEY);
	scratch_release(&scratch);
}

static void test_segment__an_existing_name_is_not_overwritten(void **state)
{
	struct stp_segment_options how = options();
	struct stp_segment_writer *writer;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	write_segment(&scratch, "a.seg", 5, 10);
	assert_int_equal(stp_segment_create(scratch.fd, "a.seg", &how, &writer, NULL), STP_OK);
	assert_int_equal(stp_segment_commit(writer, NULL, NULL), STP_IO);
	scratch_release(&scratch);
}

/* Whether the file as it is now opens and gives all its records. */
static int reads_well(const struct scratch *scratch, uint64_t wanted)
{
	struct stp_segment *segment;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;
	uint64_t count;

	if (stp_segment_open(scratch->fd, "a.seg", seal_key, &segment, &err) != STP_OK) {
		assert_string_equal(err.subject, "a.seg");
		return 0;
	}
	code = read_segment(segment, &count, &err);
	stp_segment_close(segment);
	if (code != STP_OK)
		assert_int_equal(code, STP_CHANGED);
	return code == STP_OK && count == wanted;
}

static void test_segment__every_flipped_bit_is_noticed(void **state)
{
	struct stp_segment_info info;
	struct stp_buf buf = STP_BUF_INIT;
	struct scratch scratch;
	uint64_t at;
	int fd;

	(void)state;
	scratch_init(&scratch);
	info = write_segment(&scratch, "a.seg", 5, 40);
	assert_int_equal(stp_file_read(scratch.fd, "a.seg", 1 << 24, "test", &buf, NULL), STP_OK);
	assert_int_equal(buf.count, info.file_bytes);
	fd = openat(scratch.fd, "a.seg", O_RDWR | O_CLOEXEC);
	for (at = 0; at < buf.count; at++) {
		uint8_t flipped = buf.data[at] ^ (uint8_t)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		assert_false(reads_well(&scratch, 40));
		assert_int_equal(pwrite(fd, buf.data + at, 1, (off_t)at), 1);
	}
	assert_true(reads_well(&scratch, 40));
	close(fd);
	stp_buf_release(&buf);
	scratch_release(&scratch);
}

static void test_segment__every_cut_is_noticed(void **state)
{
	struct stp_segment_info info;
	struct stp_segment *segment;
	struct scratch scratch;
	uint64_t count;
	uint64_t bytes;

	(void)state;
	scratch_init(&scratch);
	info = write_segment(&scratch, "a.seg", 5, 600);
	assert_int_equal(stp_segment_open(scratch.fd, "a.seg", seal_key, &segment, NULL), STP_OK);
	for (bytes = info.file_bytes - 1;; bytes = bytes > 997 ? bytes - 997 : 0) {
		char path[512];

		snprintf(path, sizeof(path), "%s/a.seg", scratch.path);
		assert_int_equal(truncate(path, (off_t)bytes), 0);
		assert_false(reads_well(&scratch, 600));
		if (!bytes)
			break;
	}
	/* One that is open already notices too. */
	assert_int_equal(read_segment(segment, &count, NULL), STP_CHANGED);
	stp_segment_close(segment);
	scratch_release(&scratch);
}

static void test_segment__a_tolerated_block_is_named_once_and_left_out(void **state)
{
	struct stp_fault_list damage;
	struct stp_segment *segment;
	struct scratch scratch;
	uint64_t count;
	int fd;

	(void)state;
	scratch_init(&scratch);
	stp_fault_list_init(&damage);
	write_segment(&scratch, "a.seg", 5, 2000);
	fd = openat(scratch.fd, "a.seg", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 4096 + 65536 + 10), 1);
	close(fd);
	assert_int_equal(stp_segment_open(scratch.fd, "a.seg", seal_key, &segment, NULL), STP_OK);
	stp_segment_tolerate(segment, &damage);
	assert_int_equal(read_segment(segment, &count, NULL), STP_OK);
	assert_in_range(count, 1500, 1990);
	assert_int_equal(read_segment(segment, &count, NULL), STP_OK);
	assert_int_equal(damage.total, 1);
	assert_string_equal(damage.items[0].subject, "a.seg");
	assert_int_equal(stp_segment_damaged_count(segment), 1);
	stp_segment_close(segment);
	stp_fault_list_release(&damage);
	scratch_release(&scratch);
}

struct parallel {
	const struct stp_sources *sources;
	struct stp_segment_writer *writer;
	atomic_uint next;
	unsigned bits;
};

static enum stp_errc write_parts(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct parallel *parallel = ctx;
	struct stp_segment_part *part;
	struct stp_merge_group group;
	struct stp_merge *merge;

	(void)worker_index;
	STP_TRY(stp_merge_create(parallel->sources, &merge, err));
	STP_TRY(stp_segment_part_create(parallel->writer, 0, &part, err));
	for (;;) {
		unsigned index = atomic_fetch_add(&parallel->next, 1);
		struct stp_key_range range;

		if (index >= 1u << parallel->bits)
			break;
		range = stp_key_range_at(index, parallel->bits);
		STP_TRY(stp_merge_seek(merge, &range, err));
		for (;;) {
			STP_TRY(stp_merge_next(merge, &group, err));
			if (!group.key)
				break;
			STP_TRY(stp_segment_part_add(part, &group.items[0].record, err));
		}
		STP_TRY(stp_segment_append(parallel->writer, part, index, err));
	}
	stp_segment_part_destroy(part);
	stp_merge_destroy(merge);
	return STP_OK;
}

static void test_segment__parts_of_any_number_of_threads_give_the_same_bytes(void **state)
{
	static const size_t jobs[] = {0, 1, 2, 5};
	struct stp_buf expected = STP_BUF_INIT;
	struct stp_sources sources;
	struct scratch scratch;
	size_t i;

	(void)state;
	scratch_init(&scratch);
	sources = make_run(&scratch, 5, 5000);
	for (i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		struct stp_segment_options how = options();
		struct parallel parallel = {.sources = &sources, .bits = 4};
		struct stp_buf buf = STP_BUF_INIT;
		struct stp_segment *segment;
		char name[32];
		uint64_t count;

		snprintf(name, sizeof(name), "%zu.seg", i);
		assert_int_equal(stp_segment_create(scratch.fd, name, &how, &parallel.writer, NULL),
		                 STP_OK);
		assert_int_equal(
		    stp_workers_run(jobs[i], "part", write_parts, &parallel, NULL, NULL), STP_OK);
		assert_int_equal(stp_segment_commit(parallel.writer, NULL, NULL), STP_OK);
		assert_int_equal(stp_segment_open(scratch.fd, name, seal_key, &segment, NULL),
		                 STP_OK);
		assert_int_equal(read_segment(segment, &count, NULL), STP_OK);
		assert_int_equal(count, 5000);
		stp_segment_close(segment);
		assert_int_equal(stp_file_read(scratch.fd, name, 1 << 28, "test", &buf, NULL),
		                 STP_OK);
		if (i == 0) {
			expected = buf;
			continue;
		}
		assert_int_equal(buf.count, expected.count);
		assert_memory_equal(buf.data, expected.data, buf.count);
		stp_buf_release(&buf);
	}
	stp_buf_release(&expected);
	stp_sources_release(&sources);
	scratch_release(&scratch);
}

static void test_segment__an_aborted_one_leaves_nothing(void **state)
{
	struct stp_segment_options how = options();
	struct stp_segment_writer *writer;
	struct scratch scratch;
	struct made_record made;

	(void)state;
	scratch_init(&scratch);
	assert_int_equal(stp_segment_create(scratch.fd, "a.seg", &how, &writer, NULL), STP_OK);
	assert_int_equal(stp_segment_add(writer, make_record(&made, 5, 1), NULL), STP_OK);
	stp_segment_abort(writer);
	assert_int_equal(rmdir(scratch.path), 0);
	close(scratch.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segment__records_come_back),
	    cmocka_unit_test(test_segment__another_key_is_refused),
	    cmocka_unit_test(test_segment__an_existing_name_is_not_overwritten),
	    cmocka_unit_test(test_segment__every_flipped_bit_is_noticed),
	    cmocka_unit_test(test_segment__every_cut_is_noticed),
	    cmocka_unit_test(test_segment__a_tolerated_block_is_named_once_and_left_out),
	    cmocka_unit_test(test_segment__parts_of_any_number_of_threads_give_the_same_bytes),
	    cmocka_unit_test(test_segment__an_aborted_one_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
