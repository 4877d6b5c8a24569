/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "bins/bin.h"
#include "hash/hash.h"

/* A record for path with digests filled from its length. */
static struct stp_record make(const char *path, uint64_t length, const uint8_t *digests)
{
	struct stp_record record = {.length = length,
	                            .path = path,
	                            .path_bytes = (uint16_t)strlen(path),
	                            .digests = digests,
	                            .flags = STP_RECORD_DIGESTS};

	stp_hash_one(STP_ALG_SHA256, path, strlen(path), record.key);
	return record;
}

static void test_bins__index_is_the_first_bits_of_the_key(void **state)
{
	uint8_t key[STP_KEY_BYTES] = {0xab, 0xcd, 0xef, 0x01};

	(void)state;
	assert_int_equal(stp_bin_index(key, 1), 1);
	assert_int_equal(stp_bin_index(key, 4), 0xa);
	assert_int_equal(stp_bin_index(key, 14), 0xabcdef01u >> 18);
	assert_int_equal(stp_bin_index(key, 32), 0xabcdef01u);
}

static void test_bins__writes_nothing_for_an_empty_bin(void **state)
{
	struct stp_bin bin;
	uint8_t out[1];

	(void)state;
	stp_bin_init(&bin);
	stp_bin_sort(&bin);
	assert_int_equal(stp_bin_write_bytes(&bin, STP_ALG_BIT(STP_ALG_SHA256)), 0);
	assert_ptr_equal(stp_bin_write(&bin, STP_ALG_BIT(STP_ALG_SHA256), out), out);
	stp_bin_release(&bin);
}

static void test_bins__writes_one_target_as_the_specification_says(void **state)
{
	static const char expected[] =
	    "\"a/b.whl\":{\"hashes\":{\"sha256\":\""
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"},\"length\":1234}";
	struct stp_bin bin;
	uint8_t digests[32];
	struct stp_record record;
	struct stp_err err = STP_ERR_INIT;
	uint8_t out[sizeof(expected) - 1];
	int i;

	(void)state;
	for (i = 0; i < 32; i++)
		digests[i] = (uint8_t)i;
	record = make("a/b.whl", 1234, digests);
	stp_bin_init(&bin);
	assert_int_equal(stp_bin_add(&bin, &record, 32, &err), STP_OK);
	stp_bin_sort(&bin);
	assert_int_equal(stp_bin_write_bytes(&bin, STP_ALG_BIT(STP_ALG_SHA256)), sizeof(out));
	assert_ptr_equal(stp_bin_write(&bin, STP_ALG_BIT(STP_ALG_SHA256), out), out + sizeof(out));
	assert_memory_equal(out, expected, sizeof(out));
	stp_bin_release(&bin);
}

/* The slow reference: jansson builds the same object and sorts its keys. */
static char *by_jansson(const struct stp_record *records, size_t count, unsigned set)
{
	json_t *targets = json_object();
	char *text;
	size_t i;
	int alg;

	for (i = 0; i < count; i++) {
		json_t *hashes = json_object();

		for (alg = 0; alg < STP_ALG_COUNT; alg++) {
			char hex[2 * STP_DIGEST_BYTES_MAX + 1];
			size_t at;
			size_t n = stp_alg_digest_bytes((enum stp_alg)alg);

			if (!(set & STP_ALG_BIT(alg)))
				continue;
			for (at = 0; at < n; at++)
				snprintf(
				    hex + 2 * at, 3, "%02x",
				    records[i]
				        .digests[stp_alg_set_offset(set, (enum stp_alg)alg) + at]);
			json_object_set_new(hashes, stp_alg_name((enum stp_alg)alg),
			                    json_string(hex));
		}
		json_object_set_new(targets, records[i].path,
		                    json_pack("{s:o,s:I}", "hashes", hashes, "length",
		                              (json_int_t)records[i].length));
	}
	text = json_dumps(targets, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(targets);
	return text;
}

static void test_bins__equals_jansson_for_any_paths_and_hashes(void **state)
{
	enum { COUNT = 700 };
	static char paths[COUNT][64];
	static uint8_t digests[COUNT][128];
	static struct stp_record records[COUNT];
	struct stp_bin bin;
	struct stp_err err = STP_ERR_INIT;
	unsigned set;
	int i, j;

	(void)state;
	srand(7);
	stp_bin_init(&bin);
	for (set = 1; set < 8; set++) {
		size_t bytes;
		uint8_t *out;
		char *expected;
		size_t count = set == 1 ? 1 : set == 2 ? 2 : COUNT;

		stp_bin_reset(&bin);
		for (i = 0; i < (int)count; i++) {
			/* Shared starts of every length, names that are prefixes of others. */
			snprintf(paths[i], sizeof(paths[i]), "pool/%.*s%d", i % 23,
			         "aaaaaaaaaaaaaaaaaaaaaaaaaa", i);
			for (j = 0; j < 128; j++)
				digests[i][j] = (uint8_t)rand();
			records[i] =
			    make(paths[i], i % 5 == 0 ? 0 : (uint64_t)rand() * (uint64_t)rand(),
			         digests[i]);
			assert_int_equal(stp_bin_add(&bin, &records[i],
			                             stp_alg_set_digest_bytes(set), &err),
			                 STP_OK);
		}
		stp_bin_sort(&bin);
		bytes = stp_bin_write_bytes(&bin, set);
		out = malloc(bytes + 2);
		out[0] = '{';
		assert_ptr_equal(stp_bin_write(&bin, set, out + 1), out + 1 + bytes);
		out[bytes + 1] = '}';
		expected = by_jansson(records, count, set);
		assert_int_equal(strlen(expected), bytes + 2);
		assert_memory_equal(out, expected, bytes + 2);
		free(expected);
		free(out);
	}
	stp_bin_release(&bin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bins__index_is_the_first_bits_of_the_key),
	    cmocka_unit_test(test_bins__writes_nothing_for_an_empty_bin),
	    cmocka_unit_test(test_bins__writes_one_target_as_the_specification_says),
	    cmocka_unit_test(test_bins__equals_jansson_for_any_paths_and_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
