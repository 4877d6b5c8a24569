/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/codec.h"
#include "records.h"

#define DIGEST_BYTES 64

static void test_codec__a_record_comes_back_as_it_went(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record back;
	uint64_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		const struct stp_record *record = make_record(&made, 1, i);
		size_t count = stp_record_encode(record, DIGEST_BYTES, bytes);

		assert_int_equal(count, stp_record_encoded_bytes(record, DIGEST_BYTES));
		assert_int_equal(count, stp_record_skip(bytes, DIGEST_BYTES));
		assert_int_equal(count, stp_record_decode(bytes, count, DIGEST_BYTES, &back));
		assert_true(same_record(record, &back, DIGEST_BYTES));
	}
}

static void test_codec__a_removed_record_needs_no_path_and_no_digests(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record *record = &made.record;
	struct stp_record back;
	size_t count;

	(void)state;
	make_record(&made, 1, 3);
	record->flags = STP_RECORD_REMOVED | STP_RECORD_NO_PATH;
	record->path_bytes = 0;
	record->origin = 0;
	record->digests = NULL;
	count = stp_record_encode(record, DIGEST_BYTES, bytes);
	assert_int_equal(count, STP_RECORD_HEAD_BYTES);
	assert_int_equal(count, stp_record_decode(bytes, count, DIGEST_BYTES, &back));
	assert_true(same_record(record, &back, DIGEST_BYTES));
	record->flags = STP_RECORD_REMOVED;
	assert_int_equal(count, stp_record_encode(record, DIGEST_BYTES, bytes));
	assert_int_equal(count, stp_record_decode(bytes, count, DIGEST_BYTES, &back));
}

static void test_codec__claims_bring_their_own_digests(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record back;
	unsigned set;

	(void)state;
	for (set = 0; set < 8; set++) {
		struct stp_record *record = &made.record;
		size_t count;

		make_record(&made, 1, 3);
		record->flags =
		    (uint16_t)(STP_RECORD_LISTED | STP_RECORD_SIZED | STP_RECORD_CLAIM(0) * set);
		assert_int_equal(stp_record_set(record, 2), set);
		count = stp_record_encode(record, DIGEST_BYTES, bytes);
		assert_int_equal(count, STP_RECORD_HEAD_BYTES + 8 + stp_alg_set_digest_bytes(set) +
		                            record->path_bytes);
		assert_int_equal(count, stp_record_decode(bytes, count, DIGEST_BYTES, &back));
		assert_int_equal(count, stp_record_skip(bytes, DIGEST_BYTES));
		assert_int_equal(back.flags, record->flags);
		assert_memory_equal(back.path, record->path, record->path_bytes);
		if (set)
			assert_memory_equal(back.digests, record->digests,
			                    stp_alg_set_digest_bytes(set));
		else
			assert_null(back.digests);
	}
	bytes[32] |= STP_RECORD_DIGESTS; /* both kinds */
	assert_int_equal(stp_record_decode(bytes, sizeof(bytes), DIGEST_BYTES, &back), 0);
}

static void test_codec__a_removed_path_keeps_what_it_had_and_when_it_went(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record *record = &made.record;
	struct stp_record back;
	size_t plain, count;

	(void)state;
	make_record(&made, 1, 2);
	plain = stp_record_encode(record, DIGEST_BYTES, bytes);
	assert_false(stp_record_is_remembered(record));
	record->flags |= STP_RECORD_REMOVED;
	assert_true(stp_record_is_remembered(record));
	record->removed_at = 1893456000;
	count = stp_record_encode(record, DIGEST_BYTES, bytes);
	assert_int_equal(count, plain + 8);
	assert_int_equal(count, stp_record_decode(bytes, count, DIGEST_BYTES, &back));
	assert_true(same_record(record, &back, DIGEST_BYTES));
	assert_int_equal(back.removed_at, 1893456000);
	/* When is not known. */
	record->removed_at = 0;
	assert_int_equal(stp_record_encode(record, DIGEST_BYTES, bytes), plain);
	record->flags = STP_RECORD_REMOVED | STP_RECORD_NO_PATH;
	assert_false(stp_record_is_remembered(record));
}

static void test_codec__a_cut_record_is_refused_at_every_length(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record back;
	size_t count = stp_record_encode(make_record(&made, 1, 4), DIGEST_BYTES, bytes);
	size_t left;

	(void)state;
	for (left = 0; left < count; left++)
		assert_int_equal(stp_record_decode(bytes, left, DIGEST_BYTES, &back), 0);
}

static void test_codec__what_no_encoder_writes_is_refused(void **state)
{
	uint8_t bytes[STP_RECORD_ENCODED_MAX];
	struct made_record made;
	struct stp_record back;
	size_t count = stp_record_encode(make_record(&made, 1, 5), DIGEST_BYTES, bytes);
	uint8_t saved = bytes[32];

	(void)state;
	bytes[32] |= 64; /* an undefined flag */
	assert_int_equal(stp_record_decode(bytes, sizeof(bytes), DIGEST_BYTES, &back), 0);
	bytes[32] = saved | STP_RECORD_NO_PATH; /* and a path nevertheless */
	assert_int_equal(stp_record_decode(bytes, sizeof(bytes), DIGEST_BYTES, &back), 0);
	bytes[32] = saved;
	bytes[34] = bytes[35] = 0; /* no path, without the flag for that */
	assert_int_equal(stp_record_decode(bytes, sizeof(bytes), DIGEST_BYTES, &back), 0);
	bytes[34] = bytes[35] = 0xff; /* longer than a path may be */
	assert_int_equal(stp_record_decode(bytes, sizeof(bytes), DIGEST_BYTES, &back), 0);
	count = stp_record_encode(make_record(&made, 1, 5), DIGEST_BYTES, bytes);
	memset(bytes + STP_RECORD_HEAD_BYTES, 0, 8); /* an origin that should be left out */
	assert_int_equal(stp_record_decode(bytes, count, DIGEST_BYTES, &back), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codec__a_record_comes_back_as_it_went),
	    cmocka_unit_test(test_codec__a_removed_record_needs_no_path_and_no_digests),
	    cmocka_unit_test(test_codec__claims_bring_their_own_digests),
	    cmocka_unit_test(test_codec__a_removed_path_keeps_what_it_had_and_when_it_went),
	    cmocka_unit_test(test_codec__a_cut_record_is_refused_at_every_length),
	    cmocka_unit_test(test_codec__what_no_encoder_writes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
