/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>

#include "base/file.h"
#include "base/thread.h"
#include "ledger/ledger.h"
#include "records.h"
#include "scratch.h"

#define SET STP_ALG_BIT(STP_ALG_SHA256)

static const uint8_t seal_key[32] = {7, 7};
static const uint8_t other_key[32] = {7, 8};

struct fixture {
	struct scratch scratch;
	struct stp_fault_list damage;
	struct stp_ledger *ledger;
};

static void open_with(struct fixture *fixture, const uint8_t *key, unsigned set)
{
	struct stp_ledger_options options = {.state_fd = fixture->scratch.fd,
	                                     .seal_key = key,
	                                     .hash_set = set,
	                                     .damage = &fixture->damage};

	stp_fault_list_release(&fixture->damage);
	stp_fault_list_init(&fixture->damage);
	assert_int_equal(stp_ledger_open(&options, &fixture->ledger, NULL), STP_OK);
}

static void reopen(struct fixture *fixture)
{
	stp_ledger_close(fixture->ledger);
	open_with(fixture, seal_key, SET);
}

static void fixture_init(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	scratch_init(&fixture->scratch);
	stp_fault_list_init(&fixture->damage);
	open_with(fixture, seal_key, SET);
}

static void fixture_release(struct fixture *fixture)
{
	stp_ledger_close(fixture->ledger);
	stp_fault_list_release(&fixture->damage);
	scratch_release(&fixture->scratch);
}

/* Record i as the ledger has it now: its length, 0 when it was removed, UINT64_MAX when there is
 * none. */
static uint64_t length_of(struct fixture *fixture, uint64_t i)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_key_range all = stp_key_range_all();
	uint64_t length = UINT64_MAX;
	struct stp_merge_group group;
	struct stp_merge *merge;
	struct made_record made;

	make_record(&made, 3, i);
	assert_int_equal(stp_ledger_sources(fixture->ledger, &sources, NULL), STP_OK);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	for (;;) {
		assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
		if (!group.key)
			break;
		if (stp_key_compare(group.key, made.record.key) == 0)
			length = group.items[0].record.flags & STP_RECORD_REMOVED
			             ? 0
			             : group.items[0].record.length;
	}
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	return length;
}

static uint64_t count_groups(struct fixture *fixture)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_key_range all = stp_key_range_all();
	struct stp_merge_group group;
	struct stp_merge *merge;
	uint64_t count = 0;

	assert_int_equal(stp_ledger_sources(fixture->ledger, &sources, NULL), STP_OK);
	assert_int_equal(stp_merge_create(&sources, &merge, NULL), STP_OK);
	assert_int_equal(stp_merge_seek(merge, &all, NULL), STP_OK);
	for (;;) {
		assert_int_equal(stp_merge_next(merge, &group, NULL), STP_OK);
		if (!group.key)
			break;
		count++;
	}
	stp_merge_destroy(merge);
	stp_sources_release(&sources);
	return count;
}

static void put(struct fixture *fixture, uint64_t i, uint64_t length)
{
	struct made_record made;

	make_record(&made, 3, i);
	made.record.length = length;
	assert_int_equal(stp_ledger_put(fixture->ledger, &made.record, NULL), STP_OK);
}

/* Commits a segment of kind with everything the ledger has, or only record i with length. */
static void commit_one(struct fixture *fixture, enum stp_segment_kind kind, uint64_t i,
                       uint64_t length, uint64_t run_version)
{
	struct stp_ledger_summary summary = {.run_version = run_version, .target_count = 1};
	struct stp_segment_writer *writer;
	struct made_record made;

	make_record(&made, 3, i);
	made.record.length = length;
	if (!length)
		made.record.flags |= STP_RECORD_REMOVED;
	assert_int_equal(stp_ledger_begin(fixture->ledger, kind, &writer, NULL), STP_OK);
	assert_int_equal(stp_segment_add(writer, &made.record, NULL), STP_OK);
	assert_int_equal(stp_ledger_prepare(fixture->ledger, writer, NULL), STP_OK);
	assert_int_equal(stp_ledger_commit(fixture->ledger, &summary, NULL), STP_OK);
}

static void flip(struct fixture *fixture, const char *name, off_t offset)
{
	char path[256];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof(path), "ledger/%s", name);
	fd = openat(fixture->scratch.fd, path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 16;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static int has_file(struct fixture *fixture, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "ledger/%s", name);
	return faccessat(fixture->scratch.fd, path, F_OK, 0) == 0;
}

static size_t count_files(struct fixture *fixture)
{
	char path[512];
	size_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/ledger", fixture->scratch.path);
	folder = opendir(path);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static void test_ledger__an_empty_one_has_no_generation(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 0);
	assert_int_equal(count_groups(&fixture), 0);
	assert_true(stp_ledger_wants_base(fixture.ledger, 0));
	assert_int_equal(fixture.damage.total, 0);
	fixture_release(&fixture);
}

static void test_ledger__a_killed_run_is_resumed_from_its_checkpoints(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	put(&fixture, 1, 11);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	put(&fixture, 1, 12);
	put(&fixture, 2, 21);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	put(&fixture, 3, 31); /* not flushed: lost */
	reopen(&fixture);
	assert_int_equal(stp_ledger_checkpoint_count(fixture.ledger), 2);
	assert_int_equal(length_of(&fixture, 1), 12);
	assert_int_equal(length_of(&fixture, 2), 21);
	assert_int_equal(length_of(&fixture, 3), UINT64_MAX);
	/* And a second killed run goes on top of the first. */
	put(&fixture, 2, 22);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	reopen(&fixture);
	assert_int_equal(length_of(&fixture, 2), 22);
	fixture_release(&fixture);
}

static void test_ledger__generations_follow_one_another_and_two_are_kept(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	put(&fixture, 9, 99);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 100);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 1);
	assert_int_equal(stp_ledger_summary(fixture.ledger)->run_version, 100);
	assert_int_equal(stp_ledger_checkpoint_count(fixture.ledger), 0);
	commit_one(&fixture, STP_SEGMENT_DELTA, 2, 20, 101);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_DELTA, 1, 0, 102);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 3);
	assert_int_equal(length_of(&fixture, 1), 0);
	assert_int_equal(length_of(&fixture, 2), 20);
	assert_false(has_file(&fixture, "1.manifest"));
	assert_true(has_file(&fixture, "2.manifest"));
	assert_true(has_file(&fixture, "1.base.segment"));
	commit_one(&fixture, STP_SEGMENT_BASE, 2, 21, 103);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 2, 22, 104);
	assert_int_equal(count_files(&fixture), 4); /* two manifests, two bases */
	reopen(&fixture);
	assert_int_equal(length_of(&fixture, 2), 22);
	assert_int_equal(length_of(&fixture, 1), UINT64_MAX);
	fixture_release(&fixture);
}

static void test_ledger__a_commit_without_a_segment_changes_only_the_summary(void **state)
{
	struct stp_ledger_summary summary = {.run_version = 6, .tag = 77, .source = 2};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	assert_int_equal(stp_ledger_commit(fixture.ledger, &summary, NULL), STP_OK);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 2);
	assert_int_equal(stp_ledger_summary(fixture.ledger)->run_version, 6);
	assert_int_equal(stp_ledger_summary(fixture.ledger)->tag, 77);
	assert_int_equal(stp_ledger_summary(fixture.ledger)->source, 2);
	assert_int_equal(length_of(&fixture, 1), 10);
	fixture_release(&fixture);
}

static void test_ledger__a_prepared_segment_is_nothing_without_the_commit(void **state)
{
	struct stp_segment_writer *writer;
	struct fixture fixture;
	struct made_record made;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	assert_int_equal(stp_ledger_begin(fixture.ledger, STP_SEGMENT_DELTA, &writer, NULL),
	                 STP_OK);
	assert_int_equal(stp_segment_add(writer, make_record(&made, 3, 2), NULL), STP_OK);
	assert_int_equal(stp_ledger_prepare(fixture.ledger, writer, NULL), STP_OK);
	reopen(&fixture); /* as after a kill */
	assert_int_equal(length_of(&fixture, 2), UINT64_MAX);
	/* It is gone at once, and generations do not skip for it. */
	assert_false(has_file(&fixture, "2.delta.segment"));
	commit_one(&fixture, STP_SEGMENT_DELTA, 3, 30, 6);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 2);
	assert_int_equal(length_of(&fixture, 1), 10);
	assert_int_equal(length_of(&fixture, 2), UINT64_MAX);
	assert_int_equal(length_of(&fixture, 3), 30);
	assert_int_equal(fixture.damage.total, 0);
	fixture_release(&fixture);
}

static void test_ledger__another_key_uses_nothing_and_names_it(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	put(&fixture, 2, 20);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	stp_ledger_close(fixture.ledger);
	open_with(&fixture, other_key, SET);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 0);
	assert_int_equal(stp_ledger_refused_count(fixture.ledger), 2);
	assert_int_equal(fixture.damage.total, 2);
	assert_int_equal(count_groups(&fixture), 0);
	/* And work continues with new numbers. */
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 11, 6);
	stp_ledger_close(fixture.ledger);
	open_with(&fixture, other_key, SET);
	assert_int_equal(fixture.damage.total, 0);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 2);
	fixture_release(&fixture);
}

static void test_ledger__other_hash_algorithms_say_what_was_signed(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	put(&fixture, 2, 20); /* never committed, and of the set before */
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	assert_int_equal(stp_ledger_hash_set(fixture.ledger), SET);
	stp_ledger_close(fixture.ledger);
	open_with(&fixture, seal_key, STP_ALG_BIT(STP_ALG_SHA512));
	assert_int_equal(count_groups(&fixture), 1);
	assert_int_equal(length_of(&fixture, 1), 10);
	assert_int_equal(fixture.damage.total, 0);
	assert_int_equal(stp_ledger_refused_count(fixture.ledger), 0);
	assert_int_equal(stp_ledger_hash_set(fixture.ledger), SET);
	assert_true(stp_ledger_wants_base(fixture.ledger, 0));
	assert_int_equal(stp_ledger_summary(fixture.ledger)->run_version, 5);
	/* A base of the new set replaces all segments. */
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 11, 6);
	stp_ledger_close(fixture.ledger);
	open_with(&fixture, seal_key, STP_ALG_BIT(STP_ALG_SHA512));
	assert_int_equal(stp_ledger_hash_set(fixture.ledger), STP_ALG_BIT(STP_ALG_SHA512));
	assert_int_equal(length_of(&fixture, 1), 11);
	assert_false(stp_ledger_wants_base(fixture.ledger, 0));
	fixture_release(&fixture);
}

static void test_ledger__a_broken_manifest_falls_back_to_the_one_before(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 11, 6);
	flip(&fixture, "2.manifest", 130);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 1);
	assert_int_equal(stp_ledger_summary(fixture.ledger)->run_version, 5);
	assert_int_equal(fixture.damage.total, 1);
	assert_string_equal(fixture.damage.items[0].subject, "2.manifest");
	assert_int_equal(length_of(&fixture, 1), 10);
	/* The next generation takes a number that was never used. */
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 12, 7);
	reopen(&fixture);
	assert_int_equal(stp_ledger_generation(fixture.ledger), 3);
	assert_int_equal(fixture.damage.total, 0);
	fixture_release(&fixture);
}

static void test_ledger__a_broken_delta_takes_what_lies_below_with_it(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_DELTA, 1, 11, 6);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_DELTA, 2, 20, 7);
	flip(&fixture, "2.delta.segment", 40); /* the header: the whole segment */
	reopen(&fixture);
	assert_int_equal(length_of(&fixture, 1), UINT64_MAX);
	assert_int_equal(length_of(&fixture, 2), 20);
	assert_int_equal(fixture.damage.total, 2);
	assert_true(stp_ledger_wants_base(fixture.ledger, 0));
	fixture_release(&fixture);
}

static void test_ledger__an_old_segment_under_a_new_name_is_refused(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 11, 6);
	/* Both are sealed with the same key; only the manifest distinguishes them. */
	assert_int_equal(renameat(fixture.scratch.fd, "ledger/1.base.segment", fixture.scratch.fd,
	                          "ledger/2.base.segment"),
	                 0);
	reopen(&fixture);
	assert_int_equal(length_of(&fixture, 1), UINT64_MAX);
	assert_int_equal(fixture.damage.total, 1);
	fixture_release(&fixture);
}

static void test_ledger__a_checkpoint_already_in_the_generation_is_not_used_again(void **state)
{
	struct stp_buf saved = STP_BUF_INIT;
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	put(&fixture, 1, 10);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	assert_int_equal(stp_file_read(fixture.scratch.fd, "ledger/1.0.checkpoint.segment", 1 << 20,
	                               "test", &saved, NULL),
	                 STP_OK);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 11, 5);
	assert_false(has_file(&fixture, "1.0.checkpoint.segment"));
	/* A crash before the sweep, or somebody with a copy. */
	scratch_file(&fixture.scratch, "ledger/1.0.checkpoint.segment", saved.data, saved.count);
	reopen(&fixture);
	assert_int_equal(length_of(&fixture, 1), 11);
	stp_buf_release(&saved);
	fixture_release(&fixture);
}

static void test_ledger__many_checkpoints_are_merged_and_the_newest_wins(void **state)
{
	struct fixture fixture;
	uint64_t i;

	(void)state;
	fixture_init(&fixture);
	for (i = 0; i < 40; i++) {
		put(&fixture, i, 1);
		put(&fixture, 1000, i + 1);
		assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
		if (i == 10) /* as a merge that runs beside it would */
			assert_int_equal(length_of(&fixture, 1000), 11);
	}
	assert_int_equal(stp_ledger_checkpoint_count(fixture.ledger), 2 + 8);
	assert_int_equal(count_files(&fixture), 10);
	assert_int_equal(count_groups(&fixture), 41);
	assert_int_equal(length_of(&fixture, 1000), 40);
	reopen(&fixture);
	assert_int_equal(count_groups(&fixture), 41);
	assert_int_equal(length_of(&fixture, 1000), 40);
	fixture_release(&fixture);
}

struct putting {
	struct stp_ledger *ledger;
};

static enum stp_errc put_many(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct putting *putting = ctx;
	uint64_t i;

	for (i = 0; i < 3000; i++) {
		struct made_record made;

		STP_TRY(stp_ledger_put(putting->ledger,
		                       make_record(&made, 3, worker_index * 3000 + i), err));
		if (i % 500 == 499)
			STP_TRY(stp_ledger_flush(putting->ledger, err));
	}
	return STP_OK;
}

static void test_ledger__several_threads_put_and_flush(void **state)
{
	struct putting putting;
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	putting.ledger = fixture.ledger;
	assert_int_equal(stp_workers_run(4, "put", put_many, &putting, NULL, NULL), STP_OK);
	assert_int_equal(count_groups(&fixture), 12000);
	reopen(&fixture);
	assert_int_equal(count_groups(&fixture), 12000);
	assert_int_equal(fixture.damage.total, 0);
	fixture_release(&fixture);
}

static void test_ledger__a_flip_in_any_file_never_gives_another_length(void **state)
{
	static const char *const names[] = {"1.base.segment", "2.delta.segment", "2.manifest",
	                                    "1.manifest", "1.0.checkpoint.segment"};
	struct fixture fixture;
	size_t i;

	(void)state;
	fixture_init(&fixture);
	commit_one(&fixture, STP_SEGMENT_BASE, 1, 10, 5);
	reopen(&fixture);
	commit_one(&fixture, STP_SEGMENT_DELTA, 1, 11, 6);
	reopen(&fixture);
	put(&fixture, 1, 12);
	assert_int_equal(stp_ledger_flush(fixture.ledger, NULL), STP_OK);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		struct stat st;
		off_t at;

		snprintf(path, sizeof(path), "ledger/%s", names[i]);
		assert_int_equal(fstatat(fixture.scratch.fd, path, &st, 0), 0);
		for (at = 0; at < st.st_size; at += 13) {
			uint64_t length;

			flip(&fixture, names[i], at);
			reopen(&fixture);
			length = length_of(&fixture, 1);
			/* The older generation is valid; its run_version shows that it is old. */
			assert_true(length == 12 || length == UINT64_MAX ||
			            (i == 4 && length == 11));
			if (i != 3)
				assert_true(fixture.damage.total > 0);
			flip(&fixture, names[i], at);
		}
	}
	fixture_release(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ledger__an_empty_one_has_no_generation),
	    cmocka_unit_test(test_ledger__a_killed_run_is_resumed_from_its_checkpoints),
	    cmocka_unit_test(test_ledger__generations_follow_one_another_and_two_are_kept),
	    cmocka_unit_test(test_ledger__a_commit_without_a_segment_changes_only_the_summary),
	    cmocka_unit_test(test_ledger__a_prepared_segment_is_nothing_without_the_commit),
	    cmocka_unit_test(test_ledger__another_key_uses_nothing_and_names_it),
	    cmocka_unit_test(test_ledger__other_hash_algorithms_say_what_was_signed),
	    cmocka_unit_test(test_ledger__a_broken_manifest_falls_back_to_the_one_before),
	    cmocka_unit_test(test_ledger__a_broken_delta_takes_what_lies_below_with_it),
	    cmocka_unit_test(test_ledger__an_old_segment_under_a_new_name_is_refused),
	    cmocka_unit_test(test_ledger__a_checkpoint_already_in_the_generation_is_not_used_again),
	    cmocka_unit_test(test_ledger__many_checkpoints_are_merged_and_the_newest_wins),
	    cmocka_unit_test(test_ledger__several_threads_put_and_flush),
	    cmocka_unit_test(test_ledger__a_flip_in_any_file_never_gives_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
