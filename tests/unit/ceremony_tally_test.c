/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ceremony/tally.h"
#include "made_payload.h"

static struct made_payload made;
static struct stp_payload payload;
static struct stp_tally tally;
static struct stp_signatures files[8];

static int make(void **state)
{
	(void)state;
	made_payload_init(&made);
	return 0;
}

static int release(void **state)
{
	(void)state;
	stp_tally_release(&tally);
	stp_payload_release(&payload);
	made_payload_release(&made);
	return 0;
}

/* Reads what was made. */
static void parse(void)
{
	struct stp_err err = STP_ERR_INIT;

	if (made_payload_parse(&made, &payload, &err) != STP_OK)
		fail_msg("%s", err.text);
}

/* Counts the signatures of these keys over all documents. */
static const struct stp_tally_document *signed_by(const struct handmade_key *keys[], size_t count)
{
	struct stp_err err = STP_ERR_INIT;

	for (size_t i = 0; i < count; i++)
		made_signatures(&made, keys[i], &files[i]);
	stp_tally_release(&tally);
	if (stp_tally_make(&tally, &payload, files, count, &err) != STP_OK)
		fail_msg("%s: %s", err.subject, err.text);
	return &tally.documents[0];
}

#define SIGNED_BY(...)                                          \
	signed_by((const struct handmade_key *[]){__VA_ARGS__}, \
	          sizeof((const struct handmade_key *[]){__VA_ARGS__}) / sizeof(void *))

/* files[0] alone is refused with these words. */
static void refuses(const char *words)
{
	struct stp_err err = STP_ERR_INIT;

	stp_tally_release(&tally);
	assert_int_equal(stp_tally_make(&tally, &payload, files, 1, &err), STP_REFUSED);
	assert_string_equal(err.subject, files[0].subject);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void test_tally__root_needs_both_thresholds(void **state)
{
	const struct handmade_key *old = made.h.root_keys;
	const struct stp_tally_document *root;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	parse();
	assert_int_equal(stp_tally_make(&tally, &payload, NULL, 0, &err), STP_OK);
	root = &tally.documents[0];
	assert_int_equal(root->demand_count, 2);
	assert_string_equal(root->demands[0].by, "root 1");
	assert_string_equal(root->demands[1].by, "root 2");
	assert_false(tally.is_reached);
	/* The old threshold alone: 0 and 2 are keys of root 1, of root 2 only 0 is. */
	root = SIGNED_BY(&old[0], &old[2]);
	assert_int_equal(root->demands[0].have, 2);
	assert_int_equal(root->demands[1].have, 1);
	assert_false(tally.is_reached);
	/* The new one alone. */
	root = SIGNED_BY(&old[0], &made.fresh);
	assert_int_equal(root->demands[0].have, 1);
	assert_int_equal(root->demands[1].have, 2);
	assert_false(tally.is_reached);
	assert_true(tally.is_proven);
	SIGNED_BY(&old[0], &old[1]);
	assert_true(tally.is_reached);
	SIGNED_BY(&made.fresh, &old[2], &old[0]);
	assert_true(tally.is_reached && tally.is_proven);
}

static void test_tally__new_keys_prove_themselves(void **state)
{
	const struct stp_tally_document *root;

	(void)state;
	parse();
	root = SIGNED_BY(&made.h.root_keys[0], &made.h.root_keys[1]);
	assert_true(tally.is_reached);
	assert_false(tally.is_proven);
	assert_int_equal(root->unproven_count, 1);
	assert_string_equal(root->unproven[0]->keyid, made.fresh.keyid);
	root = SIGNED_BY(&made.h.root_keys[0], &made.h.root_keys[1], &made.fresh);
	assert_int_equal(root->unproven_count, 0);
	assert_true(tally.is_proven);
}

/* New keys of targets sign the new targets; without those they stay unproven at the root. */
static void test_tally__new_keys_of_targets_prove_themselves(void **state)
{
	json_t *roles = json_object_get(made.root2, "roles");
	json_t *targets;

	(void)state;
	json_object_set(json_object_get(made.root2, "keys"), made.fresh2.keyid, made.fresh2.object);
	json_object_set_new(json_object_get(roles, "targets"), "keyids",
	                    json_pack("[s, s]", made.h.targets_keys[0].keyid, made.fresh2.keyid));
	parse();
	SIGNED_BY(&made.h.root_keys[0], &made.h.root_keys[1], &made.fresh);
	assert_int_equal(tally.documents[0].unproven_count, 1);
	assert_string_equal(tally.documents[0].unproven[0]->keyid, made.fresh2.keyid);
	stp_tally_release(&tally);
	stp_payload_release(&payload);
	targets = json_deep_copy(made.h.targets);
	json_object_set_new(targets, "version", json_integer(2));
	made_document(&made, "2.targets.json", targets);
	parse();
	for (int i = 0; i < 2; i++) {
		const struct handmade_key *key = i ? &made.fresh2 : &made.h.targets_keys[0];

		made_signatures(&made, key, &files[i]);
		files[i].items[0] = files[i].items[1];
		files[i].count = 1;
	}
	for (size_t count = 1; count <= 2; count++) {
		struct stp_err err = STP_ERR_INIT;

		stp_tally_release(&tally);
		assert_int_equal(stp_tally_make(&tally, &payload, files, count, &err), STP_OK);
		assert_string_equal(tally.documents[1].demands[0].by, "root 2");
		assert_int_equal(tally.documents[1].demands[0].have, count);
		assert_int_equal(tally.documents[1].unproven_count, 2 - count);
		assert_int_equal(tally.documents[0].unproven_count, 1); /* fresh, of root */
	}
}

static void test_tally__a_signature_counts_once(void **state)
{
	const struct stp_tally_document *root;

	(void)state;
	parse();
	root = SIGNED_BY(&made.h.root_keys[0], &made.h.root_keys[0], &made.h.root_keys[0]);
	assert_int_equal(root->demands[0].have, 1);
	assert_int_equal(root->signature_count, 1);
	assert_false(tally.is_reached);
}

/* A published root that lists one key under two ids, as another tool may have made it. */
static void test_tally__a_key_counts_once_whatever_its_ids(void **state)
{
	json_t *keys = json_object_get(json_object_get(made.root1, "signed"), "keys");
	json_t *role =
	    json_object_get(json_object_get(json_object_get(made.root1, "signed"), "roles"),
	                    "root");
	struct handmade_key alias = made.h.root_keys[0];
	const struct stp_tally_document *root;

	(void)state;
	memset(alias.keyid, 'a', 64);
	json_object_set(keys, alias.keyid, alias.object);
	json_object_set_new(role, "keyids",
	                    json_pack("[s, s, s]", made.h.root_keys[0].keyid, alias.keyid,
	                              made.h.root_keys[1].keyid));
	parse();
	root = SIGNED_BY(&made.h.root_keys[0]);
	assert_int_equal(root->demands[0].role->key_count, 2);
	assert_int_equal(root->demands[0].have, 1);
	made_signatures(&made, &alias, &files[0]);
	refuses("does not sign 2.root.json");
}

static void test_tally__first_root_demands_its_own(void **state)
{
	const struct stp_tally_document *root;

	(void)state;
	json_array_clear(json_object_get(made.json, "chain"));
	json_object_clear(json_object_get(made.json, "base"));
	json_object_del(made.json, "published");
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("1.root.json"));
	json_object_set_new(made.root2, "version", json_integer(1));
	parse();
	root = SIGNED_BY(&made.h.root_keys[0], &made.fresh);
	assert_int_equal(root->demand_count, 1);
	assert_string_equal(root->demands[0].by, "root 1");
	assert_true(tally.is_reached);
	/* Each key of a first root is new, targets keys are too. */
	assert_int_equal(root->unproven_count, 1 + 2);
}

static void test_tally__what_does_not_belong_is_refused(void **state)
{
	struct stp_ceremony_signature *item = &files[0].items[0];

	(void)state;
	parse();
	made_signatures(&made, &made.h.stranger, &files[0]);
	refuses("does not sign 2.root.json");
	made_signatures(&made, &made.h.targets_keys[0], &files[0]);
	refuses("does not sign 2.root.json");
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	files[0].payload_sha256[31] ^= 1;
	refuses("signatures of another payload");
	files[0].payload_sha256[31] ^= 1;
	snprintf(item->document, sizeof(item->document), "3.root.json");
	refuses("by safe-1 (");
	refuses("3.root.json, which is not a document of this payload");
	/* Valid, but over other bytes. */
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	crypto_sign_detached(item->bytes, NULL, (const unsigned char *)"other", 5,
	                     made.h.root_keys[0].secret);
	refuses("the signature of 2.root.json by safe-1 (");
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	memcpy(files[0].keyid, made.h.root_keys[1].keyid, 65);
	refuses("the signature of 2.root.json by safe-2 (");
}

/* S + L verifies under sloppy arithmetic; an R of small order is nobody's. */
static void test_tally__other_encodings_are_refused(void **state)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
	                                  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
	                                  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	struct stp_ceremony_signature *item = &files[0].items[0];
	unsigned carry = 0;

	(void)state;
	parse();
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)item->bytes[32 + i] + order[i];
		item->bytes[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	refuses("is wrong");
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	memset(item->bytes, 0, 32);
	item->bytes[0] = 1;
	refuses("is wrong");
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	item->count = 63;
	refuses("is wrong");
	made_signatures(&made, &made.h.root_keys[0], &files[0]);
	item->bytes[item->count++] = 0;
	refuses("is wrong");
}

static void test_tally__bins_are_signed_by_whom_targets_say(void **state)
{
	json_t *bins = json_deep_copy(made.h.bins);
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	json_array_clear(json_object_get(made.json, "documents"));
	json_object_set_new(bins, "version", json_integer(2));
	made_document(&made, "2.bins.json", bins);
	parse();
	SIGNED_BY(&made.h.bins_keys[0], &made.h.bins_keys[1]);
	assert_string_equal(tally.documents[0].demands[0].by, "targets 1");
	assert_int_equal(tally.documents[0].demand_count, 1);
	assert_true(tally.is_reached && tally.is_proven);
	made_signatures(&made, &made.h.targets_keys[0], &files[0]);
	refuses("does not sign 2.bins.json");
	stp_tally_release(&tally);
	assert_int_equal(stp_tally_make(&tally, &payload, NULL, 0, &err), STP_OK);
	assert_false(tally.is_reached);
}

static void test_tally__envelope_is_what_verify_accepts(void **state)
{
	struct stp_finding_list findings;
	struct stp_signature_tally checked = {0, 0};
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_root root;
	int usable;

	(void)state;
	parse();
	SIGNED_BY(&made.h.root_keys[2], &made.fresh, &made.h.root_keys[0]);
	assert_int_equal(stp_tally_envelope(&tally.documents[0], &file, &err), STP_OK);
	stp_finding_list_init(&findings);
	assert_int_equal(stp_root_parse(&root, &file, "2.root.json", &findings, &usable, &err),
	                 STP_OK);
	assert_true(usable);
	assert_true(stp_root_follows(&root, &payload.chain[0], &checked));
	assert_int_equal(findings.count, 0);
	assert_int_equal(json_array_size(root.doc.signatures), 3);
	stp_root_release(&root);
	stp_finding_list_release(&findings);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, release)
	const struct CMUnitTest tests[] = {
	    TEST(test_tally__root_needs_both_thresholds),
	    TEST(test_tally__new_keys_prove_themselves),
	    TEST(test_tally__new_keys_of_targets_prove_themselves),
	    TEST(test_tally__a_signature_counts_once),
	    TEST(test_tally__a_key_counts_once_whatever_its_ids),
	    TEST(test_tally__first_root_demands_its_own),
	    TEST(test_tally__what_does_not_belong_is_refused),
	    TEST(test_tally__other_encodings_are_refused),
	    TEST(test_tally__bins_are_signed_by_whom_targets_say),
	    TEST(test_tally__envelope_is_what_verify_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
