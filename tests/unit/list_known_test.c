/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "hash/hash.h"
#include "ledger/run.h"
#include "list/known.h"
#include "scratch.h"
#include "stampede/alg.h"

#define COUNT 40000

struct fixture {
	struct scratch scratch;
	struct stp_sources sources;
	struct stp_known *known;
	char path[32];
	uint8_t digest[32];
};

/* Record i. Every third one's key is forced into one narrow place, as chosen paths could be; every
 * thirtieth shares its first eight bytes with its neighbours. */
static struct stp_record record_at(struct fixture *fixture, size_t i)
{
	struct stp_record record = {.length = i + 1, .flags = STP_RECORD_DIGESTS};

	snprintf(fixture->path, sizeof(fixture->path), "packages/%zu", i);
	stp_hash_one(STP_ALG_SHA256, fixture->path, strlen(fixture->path), record.key);
	memcpy(fixture->digest, record.key, sizeof(fixture->digest));
	fixture->digest[0] ^= 1;
	if (i % 3 == 0)
		memset(record.key, 0x77, 5);
	if (i % 30 == 0)
		memset(record.key, 0x78, 8);
	record.digests = fixture->digest;
	record.path = fixture->path;
	record.path_bytes = (uint16_t)strlen(fixture->path);
	return record;
}

static void set_up(struct fixture *fixture, size_t count, size_t jobs)
{
	struct stp_run_builder *builder;
	struct stp_err err = STP_ERR_INIT;
	struct stp_run_options options;
	size_t i;

	memset(fixture, 0, sizeof(*fixture));
	scratch_init(&fixture->scratch);
	options = (struct stp_run_options){.spill_fd = fixture->scratch.fd,
	                                   .hash_set = STP_ALG_BIT(STP_ALG_SHA256),
	                                   .budget_bytes = STP_RUN_BUDGET_MIN};
	assert_int_equal(stp_run_create(&options, &builder, &err), STP_OK);
	for (i = 0; i < count; i++) {
		struct stp_record record = record_at(fixture, i);

		assert_int_equal(stp_run_add(builder, &record, &err), STP_OK);
	}
	assert_int_equal(stp_run_finish(builder, &fixture->sources, &err), STP_OK);
	stp_run_destroy(builder);
	assert_int_equal(stp_known_load(&fixture->sources, 32, jobs, NULL, &fixture->known, &err),
	                 STP_OK);
}

static void tear_down(struct fixture *fixture)
{
	stp_known_destroy(fixture->known);
	stp_sources_release(&fixture->sources);
	scratch_release(&fixture->scratch);
}

static void check_every_row(size_t count, size_t jobs)
{
	struct fixture fixture;
	size_t i;

	set_up(&fixture, count, jobs);
	for (i = 0; i < count; i++) {
		struct stp_record row = record_at(&fixture, i);

		assert_false(stp_known_saw(fixture.known, &row));
		if (i % 7 == 0)
			continue;
		stp_known_prefetch(fixture.known, row.key);
		assert_true(stp_known_take(fixture.known, &row));
	}
	assert_false(stp_known_is_unsure(fixture.known));
	for (i = 0; i < count; i++) {
		struct stp_record row = record_at(&fixture, i);

		assert_int_equal(stp_known_saw(fixture.known, &row), i % 7 != 0);
	}
	tear_down(&fixture);
}

static void test_known__ticks_rows_it_has(void **state)
{
	(void)state;
	check_every_row(COUNT, 0);
	check_every_row(COUNT, 3);
	check_every_row(1, 1);
}

static void test_known__any_other_word_is_another_row(void **state)
{
	struct fixture fixture;
	size_t bit;

	(void)state;
	set_up(&fixture, COUNT, 2);
	for (bit = 0; bit < 8 * (32 + 8 + 32); bit++) {
		struct stp_record row = record_at(&fixture, 1000 + bit);
		uint8_t bytes[72];

		memcpy(bytes, row.key, 32);
		stp_store64_le(bytes + 32, row.length);
		memcpy(bytes + 40, row.digests, 32);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memcpy(row.key, bytes, 32);
		row.length = stp_load64_le(bytes + 32);
		row.digests = bytes + 40;
		assert_false(stp_known_take(fixture.known, &row));
		assert_false(stp_known_saw(fixture.known, &row));
	}
	tear_down(&fixture);
}

static void test_known__a_path_named_twice_is_noticed(void **state)
{
	struct fixture fixture;
	struct stp_record row;
	int order;

	(void)state;
	set_up(&fixture, COUNT, 2);
	row = record_at(&fixture, 5);
	assert_true(stp_known_take(fixture.known, &row));
	assert_int_equal(stp_known_repeats(fixture.known), 0);
	/* The same values again are only counted. */
	assert_true(stp_known_take(fixture.known, &row));
	assert_true(stp_known_take(fixture.known, &row));
	assert_false(stp_known_is_unsure(fixture.known));
	assert_int_equal(stp_known_repeats(fixture.known), 2);
	tear_down(&fixture);
	for (order = 0; order < 2; order++) {
		set_up(&fixture, COUNT, 2);
		row = record_at(&fixture, 30); /* one of those that share a prefix */
		row.length += (uint64_t)order;
		assert_int_equal(stp_known_take(fixture.known, &row), !order);
		row.length += order ? -1ULL : 1;
		assert_int_equal(stp_known_take(fixture.known, &row), order);
		assert_true(stp_known_is_unsure(fixture.known));
		tear_down(&fixture);
	}
	/* By a row that lacks a digest, before or after. */
	for (order = 0; order < 2; order++) {
		set_up(&fixture, COUNT, 2);
		row = record_at(&fixture, 30);
		if (order)
			stp_known_pass(fixture.known, row.key);
		assert_true(stp_known_take(fixture.known, &row));
		assert_int_equal(stp_known_is_unsure(fixture.known), order);
		stp_known_pass(fixture.known, row.key);
		assert_true(stp_known_is_unsure(fixture.known));
		tear_down(&fixture);
	}
}

static void test_known__two_new_rows_are_the_merges_business(void **state)
{
	struct fixture fixture;
	struct stp_record row;

	(void)state;
	set_up(&fixture, COUNT, 2);
	row = record_at(&fixture, 5);
	row.length += 7;
	assert_false(stp_known_take(fixture.known, &row));
	assert_false(stp_known_take(fixture.known, &row));
	assert_false(stp_known_is_unsure(fixture.known));
	tear_down(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known__ticks_rows_it_has),
	    cmocka_unit_test(test_known__any_other_word_is_another_row),
	    cmocka_unit_test(test_known__a_path_named_twice_is_noticed),
	    cmocka_unit_test(test_known__two_new_rows_are_the_merges_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
