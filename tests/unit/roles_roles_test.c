/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cjson/reader.h"
#include "roles/roles.h"

#define EXPIRES 1893456000 /* 2030-01-01T00:00:00Z */

/* Made with Python's json (sorted keys, no spaces) and hashlib, not with this code. */
#define KEYID_OF_ONES "e0493be9def0b26d9ff89feacbed3194035ec612201c691d3dbeb190ea9da248"
#define ROOT_BODY                                                                          \
	"{\"_type\":\"root\",\"consistent_snapshot\":true,\"expires\":\"2030-01-01T00:00:" \
	"00Z\",\"keys\":{\"0007add958b9626b0df33b11e72a23e8a84a97e2f123efb2a26d086cb9b8aa" \
	"8d\":{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"0303030303030303030303030" \
	"303030303030303030303030303030303030303\"},\"scheme\":\"ed25519\"},\"1dc63f6b0c6" \
	"d19092e022d4c2bcee555057d3c432c49dd72c03e21ebd2d00ba7\":{\"keytype\":\"ed25519\"" \
	",\"keyval\":{\"public\":\"020202020202020202020202020202020202020202020202020202" \
	"0202020202\"},\"scheme\":\"ed25519\"},\"73b813619c8ad24d071e388fdb6c58881763897b" \
	"62dda7223618e2c1f736ea73\":{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"040" \
	"4040404040404040404040404040404040404040404040404040404040404\"},\"scheme\":\"ed" \
	"25519\"},\"e0493be9def0b26d9ff89feacbed3194035ec612201c691d3dbeb190ea9da248\":{"  \
	"\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"0101010101010101010101010101010" \
	"101010101010101010101010101010101\"},\"scheme\":\"ed25519\"}},\"roles\":{\"root"  \
	"\":{\"keyids\":[\"1dc63f6b0c6d19092e022d4c2bcee555057d3c432c49dd72c03e21ebd2d00b" \
	"a7\",\"e0493be9def0b26d9ff89feacbed3194035ec612201c691d3dbeb190ea9da248\"],\"thr" \
	"eshold\":2},\"snapshot\":{\"keyids\":[\"73b813619c8ad24d071e388fdb6c58881763897b" \
	"62dda7223618e2c1f736ea73\"],\"threshold\":1},\"targets\":{\"keyids\":[\"0007add9" \
	"58b9626b0df33b11e72a23e8a84a97e2f123efb2a26d086cb9b8aa8d\"],\"threshold\":1},\"t" \
	"imestamp\":{\"keyids\":[\"73b813619c8ad24d071e388fdb6c58881763897b62dda7223618e2" \
	"c1f736ea73\"],\"threshold\":1}},\"spec_version\":\"1.0.34\",\"version\":7}"
#define TARGETS_TO_BINS_BODY                                                               \
	"{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"1dc63f6b0c6d19092e022d4c2bce" \
	"e555057d3c432c49dd72c03e21ebd2d00ba7\":{\"keytype\":\"ed25519\",\"keyval\":{\"pu" \
	"blic\":\"0202020202020202020202020202020202020202020202020202020202020202\"},\"s" \
	"cheme\":\"ed25519\"},\"e0493be9def0b26d9ff89feacbed3194035ec612201c691d3dbeb190e" \
	"a9da248\":{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"01010101010101010101" \
	"01010101010101010101010101010101010101010101\"},\"scheme\":\"ed25519\"}},\"roles" \
	"\":[{\"keyids\":[\"1dc63f6b0c6d19092e022d4c2bcee555057d3c432c49dd72c03e21ebd2d00" \
	"ba7\",\"e0493be9def0b26d9ff89feacbed3194035ec612201c691d3dbeb190ea9da248\"],\"na" \
	"me\":\"bins\",\"path_hash_prefixes\":[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"," \
	"\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"terminating\":true,\"th" \
	"reshold\":2}]},\"expires\":\"2030-01-01T00:00:00Z\",\"spec_version\":\"1.0.34\"," \
	"\"targets\":{},\"version\":1}"
#define BINS_BODY                                                                          \
	"{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"73b813619c8ad24d071e388fdb6c" \
	"58881763897b62dda7223618e2c1f736ea73\":{\"keytype\":\"ed25519\",\"keyval\":{\"pu" \
	"blic\":\"0404040404040404040404040404040404040404040404040404040404040404\"},\"s" \
	"cheme\":\"ed25519\"}},\"succinct_roles\":{\"bit_length\":14,\"keyids\":[\"73b813" \
	"619c8ad24d071e388fdb6c58881763897b62dda7223618e2c1f736ea73\"],\"name_prefix\":\"" \
	"bin-n\",\"threshold\":1}},\"expires\":\"2030-01-01T00:00:00Z\",\"spec_version\":" \
	"\"1.0.34\",\"targets\":{},\"version\":1}"
#define PREFIXES_BODY                                                                      \
	"{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"73b813619c8ad24d071e388fdb6c" \
	"58881763897b62dda7223618e2c1f736ea73\":{\"keytype\":\"ed25519\",\"keyval\":{\"pu" \
	"blic\":\"0404040404040404040404040404040404040404040404040404040404040404\"},\"s" \
	"cheme\":\"ed25519\"}},\"roles\":[{\"keyids\":[\"73b813619c8ad24d071e388fdb6c5888" \
	"1763897b62dda7223618e2c1f736ea73\"],\"name\":\"bin-n-0\",\"path_hash_prefixes\":" \
	"[\"0\",\"1\"],\"terminating\":true,\"threshold\":1},{\"keyids\":[\"73b813619c8ad" \
	"24d071e388fdb6c58881763897b62dda7223618e2c1f736ea73\"],\"name\":\"bin-n-1\",\"pa" \
	"th_hash_prefixes\":[\"2\",\"3\"],\"terminating\":true,\"threshold\":1},{\"keyids" \
	"\":[\"73b813619c8ad24d071e388fdb6c58881763897b62dda7223618e2c1f736ea73\"],\"name" \
	"\":\"bin-n-2\",\"path_hash_prefixes\":[\"4\",\"5\"],\"terminating\":true,\"thres" \
	"hold\":1},{\"keyids\":[\"73b813619c8ad24d071e388fdb6c58881763897b62dda7223618e2c" \
	"1f736ea73\"],\"name\":\"bin-n-3\",\"path_hash_prefixes\":[\"6\",\"7\"],\"termina" \
	"ting\":true,\"threshold\":1},{\"keyids\":[\"73b813619c8ad24d071e388fdb6c58881763" \
	"897b62dda7223618e2c1f736ea73\"],\"name\":\"bin-n-4\",\"path_hash_prefixes\":[\"8" \
	"\",\"9\"],\"terminating\":true,\"threshold\":1},{\"keyids\":[\"73b813619c8ad24d0" \
	"71e388fdb6c58881763897b62dda7223618e2c1f736ea73\"],\"name\":\"bin-n-5\",\"path_h" \
	"ash_prefixes\":[\"a\",\"b\"],\"terminating\":true,\"threshold\":1},{\"keyids\":[" \
	"\"73b813619c8ad24d071e388fdb6c58881763897b62dda7223618e2c1f736ea73\"],\"name\":"  \
	"\"bin-n-6\",\"path_hash_prefixes\":[\"c\",\"d\"],\"terminating\":true,\"threshol" \
	"d\":1},{\"keyids\":[\"73b813619c8ad24d071e388fdb6c58881763897b62dda7223618e2c1f7" \
	"36ea73\"],\"name\":\"bin-n-7\",\"path_hash_prefixes\":[\"e\",\"f\"],\"terminatin" \
	"g\":true,\"threshold\":1}]},\"expires\":\"2030-01-01T00:00:00Z\",\"spec_version"  \
	"\":\"1.0.34\",\"targets\":{},\"version\":1}"

static struct stp_key_object key_of(uint8_t fill)
{
	struct stp_key_object key;
	uint8_t public_key[32];

	memset(public_key, fill, sizeof(public_key));
	stp_key_object_ed25519(&key, public_key);
	return key;
}

static struct stp_config config_of(const char *profile, unsigned bin_bits)
{
	struct stp_config config;
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_config_profile(&config, profile, &err), STP_OK);
	config.bin_bits = bin_bits;
	return config;
}

static void is_text(const struct stp_buf *body, const char *expected)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_cjson_check(body->data, body->count, "test", "", &err), STP_OK);
	assert_int_equal(body->count, strlen(expected));
	assert_memory_equal(body->data, expected, body->count);
}

static void test_roles__keyid_is_that_of_other_implementations(void **state)
{
	/* python: hashlib.sha256(b'{"keytype":"ed25519","keyval":{"public":"0101…"},
	 * "scheme":"ed25519"}').hexdigest() */
	struct stp_key_object key = key_of(1);

	(void)state;
	assert_string_equal(key.keyid, KEYID_OF_ONES);
}

static void test_roles__bin_names_have_the_width_of_the_largest_index(void **state)
{
	struct stp_config config = config_of("pep458", 14);
	char name[STP_BIN_NAME_BYTES];
	uint8_t digest[32] = {0xff, 0xfc};

	(void)state;
	assert_int_equal(stp_bin_name(&config, 0, name), 10);
	assert_string_equal(name, "bin-n-0000");
	stp_bin_name(&config, 16383, name);
	assert_string_equal(name, "bin-n-3fff");
	assert_int_equal(stp_bin_of_key(&config, digest), 16383);
	config.bin_bits = 4;
	stp_bin_name(&config, 10, name);
	assert_string_equal(name, "bin-n-a");
	config.bin_bits = 1;
	stp_bin_name(&config, 1, name);
	assert_string_equal(name, "bin-n-1");
	assert_int_equal(stp_bin_of_key(&config, digest), 1);
	config.bin_bits = 20;
	stp_bin_name(&config, 0xabcde, name);
	assert_string_equal(name, "bin-n-abcde");
}

static void test_roles__root_body(void **state)
{
	struct stp_key_object root[2] = {key_of(1), key_of(2)};
	struct stp_key_object targets = key_of(3);
	struct stp_key_object online = key_of(4);
	struct stp_root_keys keys = {
	    {root, 2, 2}, {&targets, 1, 1}, {&online, 1, 1}, {&online, 1, 1}};
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_root_body((struct stp_role_head){7, EXPIRES}, &keys, &body, &err),
	                 STP_OK);
	is_text(&body, ROOT_BODY);
	stp_buf_release(&body);
}

static void test_roles__targets_and_bins_bodies(void **state)
{
	struct stp_key_object bins[2] = {key_of(1), key_of(2)};
	struct stp_key_object online = key_of(4);
	struct stp_role_keys bins_keys = {bins, 2, 2};
	struct stp_role_keys online_keys = {&online, 1, 1};
	struct stp_role_head head = {1, EXPIRES};
	struct stp_config config = config_of("pep458", 14);
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_targets_body(&config, head, &bins_keys, &online_keys, &body, &err),
	                 STP_OK);
	is_text(&body, TARGETS_TO_BINS_BODY);
	assert_int_equal(stp_bins_body(&config, head, &online_keys, &body, &err), STP_OK);
	is_text(&body, BINS_BODY);
	config = config_of("compat", 14);
	assert_int_equal(stp_targets_body(&config, head, NULL, &online_keys, &body, &err), STP_OK);
	is_text(&body, BINS_BODY);
	config = config_of("prefixes", 3);
	assert_int_equal(stp_targets_body(&config, head, NULL, &online_keys, &body, &err), STP_OK);
	is_text(&body, PREFIXES_BODY);
	stp_buf_release(&body);
}

static void test_roles__an_empty_bin_has_the_known_size(void **state)
{
	char head[STP_BIN_HEAD_BYTES];
	char tail[STP_BIN_TAIL_BYTES_MAX];
	size_t head_bytes = stp_bin_body_head(EXPIRES, head);
	size_t tail_bytes = stp_bin_body_tail(1, tail);
	char body[256];

	(void)state;
	assert_int_equal(239 + head_bytes + tail_bytes + 1, 341); /* engine/TUF.md, "Sizes" */
	snprintf(body, sizeof(body), "%.*s%.*s", (int)head_bytes, head, (int)tail_bytes, tail);
	assert_string_equal(body, "{\"_type\":\"targets\",\"expires\":\"2030-01-01T00:00:00Z\","
	                          "\"spec_version\":\"1.0.34\",\"targets\":{},\"version\":1}");
	assert_int_equal(stp_bin_body_tail(STP_VERSION_MAX, tail), 29);
}

static void test_roles__snapshot_and_timestamp_bodies(void **state)
{
	struct stp_config config = config_of("pep458", 1);
	struct stp_meta_input input = {{"", 3, 0}, {"", 4, 0}, 9, NULL};
	struct stp_meta_list list;
	struct stp_arena arena;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	uint8_t digest[32] = {0xab};
	struct stp_role_head head = {9, EXPIRES};

	(void)state;
	stp_arena_init(&arena, 0);
	assert_int_equal(stp_meta_list_make(&config, &input, NULL, &arena, &list, &err), STP_OK);
	assert_int_equal(stp_snapshot_body(head, &list, &body, &err), STP_OK);
	is_text(&body, "{\"_type\":\"snapshot\",\"expires\":\"2030-01-01T00:00:00Z\",\"meta\":{"
	               "\"bin-n-0.json\":{\"version\":9},\"bin-n-1.json\":{\"version\":9},"
	               "\"bins.json\":{\"version\":4},\"targets.json\":{\"version\":3}},"
	               "\"spec_version\":\"1.0.34\",\"version\":9}");
	assert_int_equal(stp_timestamp_body(head, 9, 1234, digest, &body, &err), STP_OK);
	is_text(&body, "{\"_type\":\"timestamp\",\"expires\":\"2030-01-01T00:00:00Z\",\"meta\":{"
	               "\"snapshot.json\":{\"hashes\":{\"sha256\":\"ab00000000000000000000000000"
	               "000000000000000000000000000000000000\"},\"length\":1234,\"version\":9}},"
	               "\"spec_version\":\"1.0.34\",\"version\":9}");
	stp_buf_release(&body);
	stp_arena_release(&arena);
}

static void test_roles__snapshot_of_16384_bins_has_the_known_size(void **state)
{
	struct stp_config config = config_of("pep458", 14);
	struct stp_meta_input input = {{"", 1, 0}, {"", 1, 0}, 1, NULL};
	struct stp_meta_list list;
	struct stp_arena arena;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	stp_arena_init(&arena, 0);
	assert_int_equal(stp_meta_list_make(&config, &input, NULL, &arena, &list, &err), STP_OK);
	assert_int_equal(stp_snapshot_body((struct stp_role_head){1, EXPIRES}, &list, &body, &err),
	                 STP_OK);
	/* "bin-n-0000.json":{"version":1}, is 32 bytes. */
	assert_in_range(body.count, 16384 * 32 + 100, 16384 * 32 + 200);
	stp_buf_release(&body);
	stp_arena_release(&arena);
}

static void test_roles__names_once_listed_stay(void **state)
{
	struct stp_config sixteen = config_of("pep458", 4);
	struct stp_config two = config_of("compat", 1);
	struct stp_meta_input input = {{"", 3, 0}, {"", 4, 0}, 9, NULL};
	struct stp_meta_list before;
	struct stp_meta_list after;
	struct stp_arena arena;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	stp_arena_init(&arena, 0);
	assert_int_equal(stp_meta_list_make(&sixteen, &input, NULL, &arena, &before, &err), STP_OK);
	assert_int_equal(before.count, 18);
	input.bin_version = 10;
	assert_int_equal(stp_meta_list_make(&two, &input, &before, &arena, &after, &err), STP_OK);
	assert_int_equal(after.count, 18);
	assert_int_equal(after.items[stp_meta_list_find(&after, "bin-n-1")].version, 10);
	assert_int_equal(after.items[stp_meta_list_find(&after, "bin-n-2")].version, 9);
	assert_int_equal(after.items[stp_meta_list_find(&after, "bins")].version, 4);
	input.bin_version = 8;
	assert_int_equal(stp_meta_list_make(&two, &input, &after, &arena, &before, &err),
	                 STP_REFUSED);
	stp_arena_release(&arena);
}

static void test_roles__names_sort_as_keys_of_the_snapshot(void **state)
{
	(void)state;
	assert_true(stp_meta_name_compare("a-b", "a") < 0); /* "a-b.json" < "a.json" */
	assert_true(stp_meta_name_compare("a", "a-b") > 0);
	assert_true(stp_meta_name_compare("bin-n-0", "bins") < 0);
	assert_true(stp_meta_name_compare("a", "ab") < 0);
	assert_int_equal(stp_meta_name_compare("a", "a"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_roles__keyid_is_that_of_other_implementations),
	    cmocka_unit_test(test_roles__bin_names_have_the_width_of_the_largest_index),
	    cmocka_unit_test(test_roles__root_body),
	    cmocka_unit_test(test_roles__targets_and_bins_bodies),
	    cmocka_unit_test(test_roles__an_empty_bin_has_the_known_size),
	    cmocka_unit_test(test_roles__snapshot_and_timestamp_bodies),
	    cmocka_unit_test(test_roles__snapshot_of_16384_bins_has_the_known_size),
	    cmocka_unit_test(test_roles__names_once_listed_stay),
	    cmocka_unit_test(test_roles__names_sort_as_keys_of_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
