/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the computed sizes with the bytes that roles/ and bins/ write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bins/bin.h"
#include "cjson/encoding.h"
#include "p256.h"
#include "plan/sizes.h"
#include "roles/roles.h"

#define ED25519 STP_KEY_KIND_ED25519
#define VERSION 4321 /* four digits */

struct world {
	struct stp_config config;
	struct stp_plan_layout layout;
	struct stp_key_object keys[8];
	struct stp_role_keys root, targets, bins, online;
};

static void make_world(struct world *w, const char *profile, unsigned bits)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_config_profile(&w->config, profile, &err), STP_OK);
	w->config.bin_bits = bits;
	for (uint8_t i = 0; i < 8; i++) {
		uint8_t public[32];

		memset(public, i + 1, sizeof(public));
		stp_key_object_ed25519(&w->keys[i], public);
	}
	w->root = (struct stp_role_keys){w->keys, 3, 2};
	w->targets = (struct stp_role_keys){w->keys + 3, w->config.targets_key_count,
	                                    w->config.targets_threshold};
	w->bins =
	    (struct stp_role_keys){w->keys + 5, w->config.bins_key_count, w->config.bins_threshold};
	w->online = (struct stp_role_keys){w->keys + 7, 1, 1};
	w->layout = (struct stp_plan_layout){
	    .bits = bits,
	    .hash_set = w->config.hash_set,
	    .bin_prefix_bytes = strlen(w->config.bin_prefix),
	    .has_bins_role = w->config.has_bins_role,
	    .is_succinct = w->config.delegation == STP_DELEGATION_SUCCINCT,
	    .snapshot_has_length = w->config.snapshot_length,
	    .root_keys = 3,
	    .targets_keys = w->config.targets_key_count,
	    .bins_keys = w->config.bins_key_count,
	    .version_digits = 4,
	};
}

static const struct stp_role_head first = {1, 1800000000};
static const struct stp_role_head nightly = {VERSION, 1800000000};

static void check_delegators(struct world *w)
{
	struct stp_root_keys root_keys = {w->root, w->targets, w->online, w->online};
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;

	assert_int_equal(stp_root_body(first, &root_keys, &body, &err), STP_OK);
	assert_int_equal(stp_plan_root_bytes(&w->layout),
	                 stp_plan_envelope_bytes(ED25519, 3, body.count));
	assert_int_equal(stp_targets_body(&w->config, first, &w->bins, &w->online, &body, &err),
	                 STP_OK);
	assert_int_equal(stp_plan_targets_bytes(&w->layout),
	                 stp_plan_envelope_bytes(ED25519, w->targets.count, body.count));
	if (w->config.has_bins_role) {
		assert_int_equal(stp_bins_body(&w->config, first, &w->online, &body, &err), STP_OK);
		assert_int_equal(stp_plan_bins_bytes(&w->layout),
		                 stp_plan_envelope_bytes(ED25519, w->bins.count, body.count));
	} else {
		assert_int_equal(stp_plan_bins_bytes(&w->layout), 0);
	}
	stp_buf_release(&body);
}

static void check_snapshot(struct world *w)
{
	size_t count = stp_bin_count(&w->config);
	uint64_t *lengths = malloc(count * sizeof(*lengths));
	struct stp_meta_input input = {.targets = {NULL, 1, stp_plan_targets_bytes(&w->layout)},
	                               .bins = {NULL, 1, stp_plan_bins_bytes(&w->layout)},
	                               .bin_version = VERSION,
	                               .bin_lengths = lengths};
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_meta_list list;
	struct stp_arena arena;
	uint64_t snapshot_bytes = stp_plan_snapshot_bytes(&w->layout, 5);
	uint8_t digest[32] = {0};

	for (size_t i = 0; i < count; i++)
		lengths[i] = 54321;
	stp_arena_init(&arena, 0);
	assert_int_equal(stp_meta_list_make(&w->config, &input, NULL, &arena, &list, &err), STP_OK);
	assert_int_equal(stp_snapshot_body(nightly, &list, &body, &err), STP_OK);
	assert_int_equal(snapshot_bytes, stp_plan_envelope_bytes(ED25519, 1, body.count));
	assert_int_equal(stp_timestamp_body(nightly, VERSION, snapshot_bytes, digest, &body, &err),
	                 STP_OK);
	assert_int_equal(stp_plan_timestamp_bytes(&w->layout, snapshot_bytes),
	                 stp_plan_envelope_bytes(ED25519, 1, body.count));
	stp_buf_release(&body);
	stp_arena_release(&arena);
	free(lengths);
}

static void check_bin(struct world *w)
{
	char head[STP_BIN_HEAD_BYTES], tail[STP_BIN_TAIL_BYTES_MAX], path[157];
	size_t frame = stp_bin_body_head(1800000000, head) + stp_bin_body_tail(VERSION, tail);
	size_t digest_bytes = stp_alg_set_digest_bytes(w->config.hash_set);
	uint8_t digests[160] = {0};
	struct stp_err err = STP_ERR_INIT;
	struct stp_bin bin;

	stp_bin_init(&bin);
	memset(path, 'a', sizeof(path));
	for (uint8_t i = 0; i < 3; i++) {
		struct stp_record record = {.key = {i},
		                            .length = 1000000,
		                            .digests = digests,
		                            .path = path,
		                            .path_bytes = 156,
		                            .flags = STP_RECORD_DIGESTS};

		path[0] = (char)('a' + i);
		assert_int_equal(stp_bin_add(&bin, &record, digest_bytes, &err), STP_OK);
	}
	stp_bin_sort(&bin);
	assert_int_equal(stp_bin_write_bytes(&bin, w->config.hash_set),
	                 3 * stp_plan_target_bytes(w->config.hash_set, 156, 7) + 2);
	assert_int_equal(
	    stp_plan_bin_bytes(&w->layout, stp_bin_write_bytes(&bin, w->config.hash_set)),
	    stp_plan_envelope_bytes(ED25519, 1,
	                            frame + stp_bin_write_bytes(&bin, w->config.hash_set)));
	stp_bin_release(&bin);
}

static void test_plan__sizes_are_those_of_the_files(void **state)
{
	static const char *const profiles[] = {"pep458", "compat", "prefixes"};
	static const unsigned bits[] = {1, 4, 8, 11, 14};

	(void)state;
	for (size_t p = 0; p < 3; p++)
		for (size_t b = 0; b < 5; b++) {
			struct world w;

			make_world(&w, profiles[p], bits[b]);
			check_delegators(&w);
			check_snapshot(&w);
			check_bin(&w);
			stp_config_release(&w.config);
		}
}

/* The table "Sizes" in engine/TUF.md. */
static void test_plan__sizes_are_those_that_were_measured(void **state)
{
	struct stp_plan_layout layout = {
	    .bits = 14, .bin_prefix_bytes = 5, .is_succinct = 1, .version_digits = 1};

	(void)state;
	assert_int_equal(stp_plan_bin_bytes(&layout, 0), 341);
	assert_int_equal(stp_plan_target_bytes(STP_ALG_BIT(STP_ALG_SHA256), 156, 7) + 1, 265);
	assert_int_equal(stp_plan_target_bytes(STP_ALG_BIT(STP_ALG_SHA512), 156, 7) + 1, 329);
}

/* PEM keys: a line feed takes two characters in a file. */
static void test_plan__sizes_of_files_with_p256_keys(void **state)
{
	enum stp_key_kind kind = STP_KEY_KIND_ECDSA_P256_SHA256;
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_root_keys root_keys;
	struct p256 keys[8];
	struct world w;

	(void)state;
	make_world(&w, "pep458", 14);
	for (size_t i = 0; i < 8; i++) {
		p256_make(&keys[i]);
		w.keys[i] = keys[i].object;
	}
	w.layout.offline_kind = kind;
	w.layout.online_kind = kind;
	root_keys = (struct stp_root_keys){w.root, w.targets, w.online, w.online};
	assert_int_equal(stp_root_body(first, &root_keys, &body, &err), STP_OK);
	assert_int_equal(stp_cjson_to_file(body.data, body.count, "test", "", &file, &err), STP_OK);
	assert_int_equal(file.count, body.count + 6 * 4);
	assert_int_equal(stp_plan_root_bytes(&w.layout),
	                 stp_plan_envelope_bytes(kind, 3, file.count));
	file.count = 0;
	assert_int_equal(stp_bins_body(&w.config, first, &w.online, &body, &err), STP_OK);
	assert_int_equal(stp_cjson_to_file(body.data, body.count, "test", "", &file, &err), STP_OK);
	assert_int_equal(stp_plan_bins_bytes(&w.layout),
	                 stp_plan_envelope_bytes(kind, w.bins.count, file.count));
	for (size_t i = 0; i < 8; i++)
		p256_release(&keys[i]);
	stp_buf_release(&body);
	stp_buf_release(&file);
	stp_config_release(&w.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan__sizes_are_those_of_the_files),
	    cmocka_unit_test(test_plan__sizes_of_files_with_p256_keys),
	    cmocka_unit_test(test_plan__sizes_are_those_that_were_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
