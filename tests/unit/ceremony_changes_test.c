/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ceremony/changes.h"
#include "made_payload.h"

#define NOW HANDMADE_NOW

static struct made_payload made;
static char text[1 << 20];

static int make(void **state)
{
	(void)state;
	made_payload_init(&made);
	return 0;
}

static int release(void **state)
{
	(void)state;
	made_payload_release(&made);
	return 0;
}

/* Fills text with what is shown of what was made to the holder of key, who may be NULL. */
static enum stp_errc show(const struct handmade_key *key, int64_t now, struct stp_err *err)
{
	struct stp_changes *changes = NULL;
	struct stp_buf out = STP_BUF_INIT;
	struct stp_payload payload;
	enum stp_errc code = made_payload_parse(&made, &payload, err);

	if (code == STP_OK)
		code = stp_changes_make(&payload, &changes, err);
	if (code == STP_OK)
		code = stp_changes_text(changes, key ? key->keyid : NULL, now, &out, err);
	snprintf(text, sizeof(text), "%.*s", (int)out.count, out.data ? (char *)out.data : "");
	stp_buf_release(&out);
	stp_changes_release(changes);
	stp_payload_release(&payload);
	return code;
}

static void shows(const char *words)
{
	struct stp_err err = STP_ERR_INIT;

	if (show(&made.h.root_keys[0], NOW, &err) != STP_OK)
		fail_msg("%s: %s", err.subject, err.text);
	if (!strstr(text, words))
		fail_msg("\"%s\" is not shown:\n%s", words, text);
}

static void shows_not(const char *words)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(show(&made.h.root_keys[0], NOW, &err), STP_OK);
	if (strstr(text, words))
		fail_msg("\"%s\" is shown:\n%s", words, text);
}

static json_t *root_role(const char *role)
{
	return json_object_get(json_object_get(made.root2, "roles"), role);
}

/* Adds "2.targets.json" or "2.bins.json" to the payload. */
static json_t *add_document(const char *name, const json_t *published)
{
	json_t *body = json_deep_copy(published);

	json_object_set_new(body, "version", json_integer(2));
	made_document(&made, name, body);
	return body;
}

static json_t *delegated_role(json_t *targets, size_t index)
{
	return json_array_get(json_object_get(json_object_get(targets, "delegations"), "roles"),
	                      index);
}

static void test_changes__a_key_is_replaced(void **state)
{
	char expected[200];

	(void)state;
	shows("payload ");
	shows("\"replace the lost third key\"");
	shows("root 1 → 2\n");
	snprintf(expected, sizeof(expected), "  + safe-4       ed25519  %.16s…  may sign root\n",
	         made.fresh.keyid);
	shows(expected);
	snprintf(expected, sizeof(expected),
	         "  - stick-3      ed25519  %.16s…  may no longer sign root\n",
	         made.h.root_keys[2].keyid);
	shows(expected);
	shows("  = 2 of 3 {safe-1 safe-2 safe-4} replace everything; before: "
	      "2 of 3 {safe-1 safe-2 stick-3}\n");
	shows("    online: unchanged\n");
	shows("  = expires 2027-12-01T00:00:00Z → 2028-11-20T00:00:00Z\n");
	shows("    NOT CHANGED: targets, bins, consistent_snapshot, spec_version\n");
	shows("  this key is safe-1: counts for root 1 (1/2) and root 2 (1/2)\n");
	shows_not("WARNING");
	shows_not("~");
}

static void test_changes__json_has_the_same(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_changes *changes;
	struct stp_payload payload;
	json_t *json, *document;

	(void)state;
	assert_int_equal(made_payload_parse(&made, &payload, &err), STP_OK);
	assert_int_equal(stp_changes_make(&payload, &changes, &err), STP_OK);
	json = stp_changes_json(changes);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "payload")), made.sha256);
	assert_int_equal(json_array_size(json_object_get(json, "words")), 13);
	assert_true(json_is_false(json_object_get(json, "drill")));
	document = json_array_get(json_object_get(json, "documents"), 0);
	assert_string_equal(json_string_value(json_object_get(document, "name")), "2.root.json");
	assert_int_equal(json_integer_value(json_object_get(document, "from")), 1);
	/* Two key objects, two keyids, expiry and version. */
	assert_int_equal(json_array_size(json_object_get(document, "changes")), 6);
	assert_int_equal(json_array_size(json_object_get(document, "demands")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "warnings")), 0);
	json_decref(json);
	stp_changes_release(changes);
	stp_payload_release(&payload);
}

/* What no line about keys says has a line of its own, with its whole value. */
static void test_changes__everything_else_is_shown_too(void **state)
{
	json_t *keys = json_object_get(made.root2, "keys");
	json_t *alias = json_deep_copy(made.fresh2.object);

	(void)state;
	json_object_set_new(made.root2, "x-vendor",
	                    json_pack("{s:[i,{s:s}]}", "list", 1, "deep", "\xe2\x80\xae"));
	shows("  ~ x-vendor: is new: {\"list\":[1,{\"deep\":\"\\xe2\\x80\\xae\"}]}\n");
	shows("! WARNING: 2.root.json signed has a field \"x-vendor\"");
	json_object_del(made.root2, "x-vendor");
	json_object_set_new(made.root2, "spec_version", json_string("1.0.35"));
	shows("  ~ spec_version: \"1.0.34\" → \"1.0.35\"\n");
	json_object_set_new(made.root2, "spec_version", json_string("1.0.34"));
	/* A key that no role uses. */
	json_object_set(keys, made.fresh2.keyid, alias);
	shows("  ~ keys.");
	shows(": is new: {\"keytype\":\"ed25519\"");
	json_object_del(keys, made.fresh2.keyid);
	/* A key object with more in it than its keyid is the digest of. */
	json_decref(alias);
	alias = json_deep_copy(made.fresh.object);
	json_object_set_new(alias, "x-owner", json_string("mallory"));
	json_object_set_new(keys, made.fresh.keyid, alias);
	shows("\"x-owner\":\"mallory\"");
	json_object_set(keys, made.fresh.keyid, made.fresh.object);
	/* Members of a role that are neither keys nor threshold; another order of keys. */
	json_object_set_new(root_role("root"), "x", json_integer(7));
	shows("  ~ roles.root.x: is new: 7\n");
	json_object_del(root_role("root"), "x");
	json_object_set_new(root_role("targets"), "keyids",
	                    json_pack("[s, s]", made.h.targets_keys[1].keyid,
	                              made.h.targets_keys[0].keyid));
	shows("  ~ roles.targets.keyids: [");
}

static void test_changes__online_roles_are_shown(void **state)
{
	(void)state;
	json_object_set(json_object_get(made.root2, "keys"), made.fresh2.keyid, made.fresh2.object);
	json_array_append_new(json_object_get(root_role("timestamp"), "keyids"),
	                      json_string(made.fresh2.keyid));
	shows("may sign timestamp\n");
	shows("sign timestamp, online");
	shows_not("online: unchanged");
}

static void test_changes__delegations_are_shown(void **state)
{
	json_t *targets = add_document("2.targets.json", made.h.targets);
	json_t *bins = add_document("2.bins.json", made.h.bins);
	json_t *delegations = json_object_get(targets, "delegations");
	json_t *succinct = json_object_get(json_object_get(bins, "delegations"), "succinct_roles");

	(void)state;
	shows("targets 1 → 2\n");
	shows("bins 1 → 2\n");
	shows("NOT CHANGED: delegations, spec_version, targets\n");
	json_object_set(json_object_get(delegations, "keys"), made.fresh2.keyid,
	                made.fresh2.object);
	json_array_set_new(json_object_get(delegated_role(targets, 0), "keyids"), 1,
	                   json_string(made.fresh2.keyid));
	shows("may sign bins\n");
	shows("may no longer sign bins\n");
	shows("sign bins; before: 2 of 2 {");
	json_object_set_new(delegated_role(targets, 0), "threshold", json_integer(1));
	shows("WARNING: only 1 key must sign bins from now on; before: 2");
	json_object_set_new(delegated_role(targets, 0), "terminating", json_false());
	shows("  ~ delegations.roles[0].terminating: true → false\n");
	json_array_remove(json_object_get(delegated_role(targets, 0), "path_hash_prefixes"), 15);
	shows("  ~ delegations.roles[0].path_hash_prefixes[15]: is taken from the list: \"f\"\n");
	json_object_set_new(succinct, "bit_length", json_integer(3));
	shows("  ~ delegations.succinct_roles.bit_length: 2 → 3\n");
	json_object_set(json_object_get(json_object_get(bins, "delegations"), "keys"),
	                made.fresh.keyid, made.fresh.object);
	json_array_set_new(json_object_get(succinct, "keyids"), 0, json_string(made.fresh.keyid));
	shows("may sign the 8 roles bin-n-…\n");
	/* The key of root 2 that now signs bins online. */
	shows("WARNING: safe-4 (");
	shows("signs the bins of targets online and is a key of root as well");
	json_object_set_new(json_object_get(targets, "targets"), "evil",
	                    json_pack("{s:i}", "length", 1));
	shows("  ~ targets.evil: is new: {\"length\":1}\n");
}

/* Roles that all change alike are one line, and one that differs has its own. */
static void test_changes__many_bins_are_few_lines(void **state)
{
	json_t *roles = json_array();
	json_t *bins, *list;
	size_t lines = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%x", i);
		json_array_append_new(roles, handmade_delegation(name, &made.h.online, 1, 1,
		                                                 handmade_prefixes(i, 1)));
	}
	json_object_set_new(made.h.bins, "delegations",
	                    json_pack("{s:o, s:o}", "keys", handmade_keys(&made.h.online, 1),
	                              "roles", roles));
	json_object_set_new(json_object_get(made.json, "published"), "bins",
	                    made_envelope(made.h.bins, made.h.bins_keys, 2));
	bins = add_document("2.bins.json", made.h.bins);
	json_object_set(json_object_get(json_object_get(bins, "delegations"), "keys"),
	                made.fresh2.keyid, made.fresh2.object);
	for (size_t i = 0; i < 16; i++)
		json_array_append_new(json_object_get(delegated_role(bins, i), "keyids"),
		                      json_string(made.fresh2.keyid));
	shows("may sign 16 roles bin-n-0 … bin-n-f\n");
	for (size_t i = 0; i < 16; i++)
		json_object_set_new(delegated_role(bins, i), "terminating", json_false());
	shows("  ~ delegations.roles[0].terminating and the same for each index up to [15]: "
	      "true → false\n");
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_true(lines < 40);
	json_object_set(json_object_get(json_object_get(bins, "delegations"), "keys"),
	                made.h.stranger.keyid, made.h.stranger.object);
	json_array_append_new(json_object_get(delegated_role(bins, 7), "keyids"),
	                      json_string(made.h.stranger.keyid));
	shows("may sign 7 roles bin-n-0 … bin-n-6\n");
	shows("may sign bin-n-7\n");
	shows("may sign 8 roles bin-n-8 … bin-n-f\n");
	/* Half as many, each with two prefixes. */
	list = json_array();
	for (unsigned i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%x", i);
		json_array_append_new(list, handmade_delegation(name, &made.h.online, 1, 1,
		                                                handmade_prefixes(2 * i, 2)));
	}
	json_object_set_new(json_object_get(bins, "delegations"), "roles", list);
	shows("  = delegates to 8 roles, each an equal part of the path hashes, in order, "
	      "terminating; before: 16 roles\n");
	/* When one is not like the others, each change is shown. */
	json_object_set_new(json_array_get(list, 3), "terminating", json_false());
	shows_not("delegates to 8 roles");
	shows("  ~ delegations.roles[3].terminating: true → false\n");
	shows("  ~ delegations.roles[15]: is taken from the list: {");
}

static void test_changes__the_first_root_is_shown_whole(void **state)
{
	(void)state;
	json_array_clear(json_object_get(made.json, "chain"));
	json_object_clear(json_object_get(made.json, "base"));
	json_object_del(made.json, "published");
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("1.root.json"));
	json_object_set_new(made.root2, "version", json_integer(1));
	shows("THE FIRST ROOT: nothing vouches for this payload");
	shows("root 1, the first\n");
	shows("+ safe-1 ");
	shows("may sign targets\n");
	shows("may sign timestamp\n");
	shows("  = 2 of 3 {safe-1 safe-2 safe-4} replace everything\n");
	shows("  ~ consistent_snapshot: is new: true\n");
	shows("this key is safe-1: counts for root 1 (1/2)\n");
}

static void test_changes__warnings(void **state)
{
	json_t *names = json_object_get(made.json, "names");
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	json_object_set_new(root_role("root"), "threshold", json_integer(1));
	shows("WARNING: only 1 key must sign root from now on; before: 2");
	shows("WARNING: safe-1 alone can sign root: holds 1 of its keys, and 1 must sign");
	json_object_set_new(root_role("root"), "threshold", json_integer(2));
	json_object_set_new(json_object_get(names, made.fresh.keyid), "holder", json_string("Ann"));
	json_object_set_new(json_object_get(names, made.h.root_keys[0].keyid), "holder",
	                    json_string("Ann"));
	shows("WARNING: Ann alone can sign root: holds 2 of its keys, and 2 must sign");
	json_object_set_new(json_object_get(names, made.fresh.keyid), "holder",
	                    json_string("\xc3\x85nn"));
	shows("the holder of safe-4 is written with characters that may look like others");
	json_object_del(json_object_get(names, made.fresh.keyid), "holder");
	json_object_set_new(json_object_get(names, made.fresh.keyid), "name",
	                    json_string("Safe-l"));
	shows("look alike");
	json_object_set_new(json_object_get(names, made.fresh.keyid), "name",
	                    json_string("safe-1"));
	shows("WARNING: two keys are called safe-1");
	json_object_set_new(json_object_get(names, made.fresh.keyid), "name",
	                    json_string("safe-4"));
	json_object_set_new(made.root2, "expires", json_string("2027-01-15T08:00:00Z"));
	shows("WARNING: 2.root.json expires before the payload was made");
	shows("WARNING: 2.root.json has expired, if it is 2027-01-15T08:00:00Z now");
	json_object_set_new(made.root2, "expires", json_string("2036-01-15T08:00:00Z"));
	shows("more than two years");
	assert_int_equal(show(NULL, NOW - 400 * 86400, &err), STP_OK);
	assert_non_null(strstr(text, "before the payload was made; it cannot be right"));
	assert_int_equal(show(NULL, NOW + 400 * 86400, &err), STP_OK);
	assert_non_null(strstr(text, "long after the payload was made"));
	assert_int_equal(show(NULL, 0, &err), STP_OK);
	assert_null(strstr(text, "clock"));
	/* An online key among the root keys; a root key that goes online. */
	json_object_set(json_object_get(made.root2, "keys"), made.h.online.keyid,
	                made.h.online.object);
	json_array_set_new(json_object_get(root_role("root"), "keyids"), 2,
	                   json_string(made.h.online.keyid));
	shows("signs timestamp online and is a key of root as well");
	json_object_set(json_object_get(made.root2, "keys"), made.h.root_keys[2].keyid,
	                made.h.root_keys[2].object);
	json_object_set_new(root_role("timestamp"), "keyids",
	                    json_pack("[s]", made.h.root_keys[2].keyid));
	shows("WARNING: stick-3 (");
	shows("a key of root so far, signs timestamp online from now on");
}

/* A key that root 2 removed comes back in root 3. */
static void test_changes__a_removed_key_that_returns_is_warned_of(void **state)
{
	const struct handmade_key *keys[3] = {&made.h.root_keys[0], &made.h.root_keys[1],
	                                      &made.fresh};
	json_t *body = made_root(&made, 2, keys, 3, 2);
	json_t *envelope = made_envelope(body, made.h.root_keys, 2);

	(void)state;
	json_decref(body);
	json_array_append_new(json_object_get(made.json, "chain"), envelope);
	json_object_set_new(json_object_get(made.json, "base"), "root", made_base(envelope, 2));
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("3.root.json"));
	keys[2] = &made.h.root_keys[2];
	body = made_root(&made, 3, keys, 3, 2);
	json_object_set_new(made_payload_document(&made, 0), "signed", body);
	shows("was a key of root in root 1, was removed after it, and comes back");
}

static void test_changes__a_drill_says_so(void **state)
{
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	uint8_t nonce[32] = {1};

	(void)state;
	assert_int_equal(stp_payload_drill_body(STP_PAYLOAD_ROOT, HANDMADE_NOW, nonce, &body, &err),
	                 STP_OK);
	json_object_set_new(made.json, "drill", json_true());
	json_array_clear(json_object_get(made.json, "documents"));
	made_document(&made, "drill.root.json", json_loadb((char *)body.data, body.count, 0, NULL));
	shows("A DRILL: no client accepts what is signed here");
	shows("drill of root\n");
	shows("this key is safe-1: counts for root 1 (1/2)\n");
	stp_buf_release(&body);
}

/* When what is shown would not give the bytes, nothing can be signed. */
static void test_changes__what_cannot_be_shown_is_refused(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_changes *changes = NULL;
	struct stp_payload payload;
	char *expires;

	(void)state;
	assert_int_equal(made_payload_parse(&made, &payload, &err), STP_OK);
	expires = memmem(payload.root.doc.body.data, payload.root.doc.body.count, "2028-11-20", 10);
	assert_non_null(expires);
	expires[3] = '9';
	assert_int_equal(stp_changes_make(&payload, &changes, &err), STP_REFUSED);
	assert_string_equal(err.subject, "2.root.json");
	assert_non_null(strstr(err.text, "has a change that cannot be shown"));
	stp_payload_release(&payload);
}

/* Random members all over the documents: shown, or refused before. */
static unsigned seed;

static unsigned below(unsigned count)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % count;
}

static void edit(json_t *value)
{
	size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
	unsigned at = count ? below((unsigned)count) : 0;
	json_t *child = NULL;
	const char *name = NULL;

	if (json_is_object(value) && count) {
		void *it = json_object_iter(value);

		while (at-- > 0)
			it = json_object_iter_next(value, it);
		name = json_object_iter_key(it);
		child = json_object_iter_value(it);
	} else if (count) {
		child = json_array_get(value, at);
	}
	if ((json_is_object(child) || json_is_array(child)) && below(5)) {
		edit(child);
	} else if (json_is_object(value)) {
		if (name && !below(3))
			json_object_del(value, name);
		else
			json_object_set_new(value, below(2) || !name ? "x" : name,
			                    json_pack("{s:[i,n,b]}", "y", (int)below(9), 1));
	} else if (below(2)) {
		json_array_insert_new(value, 0, json_string("x"));
	} else if (count) {
		json_array_remove(value, at);
	}
}

static void test_changes__random_edits_are_shown_or_refused(void **state)
{
	unsigned shown = 0;

	(void)state;
	add_document("2.targets.json", made.h.targets);
	add_document("2.bins.json", made.h.bins);
	for (unsigned round = 0; round < 800; round++) {
		json_t *kept = made.json;
		struct stp_err err = STP_ERR_INIT;
		enum stp_errc code;

		seed = round;
		made.json = json_deep_copy(kept);
		for (unsigned i = 1 + below(3); i-- > 0;)
			edit(json_object_get(made_payload_document(&made, below(3)), "signed"));
		code = show(NULL, 0, &err);
		if (code != STP_OK && code != STP_FORMAT)
			fail_msg("round %u: %d %s", round, code, err.text);
		shown += code == STP_OK;
		json_decref(made.json);
		made.json = kept;
	}
	assert_true(shown > 80);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, release)
	const struct CMUnitTest tests[] = {
	    TEST(test_changes__a_key_is_replaced),
	    TEST(test_changes__json_has_the_same),
	    TEST(test_changes__everything_else_is_shown_too),
	    TEST(test_changes__online_roles_are_shown),
	    TEST(test_changes__delegations_are_shown),
	    TEST(test_changes__many_bins_are_few_lines),
	    TEST(test_changes__the_first_root_is_shown_whole),
	    TEST(test_changes__warnings),
	    TEST(test_changes__a_removed_key_that_returns_is_warned_of),
	    TEST(test_changes__a_drill_says_so),
	    TEST(test_changes__what_cannot_be_shown_is_refused),
	    TEST(test_changes__random_edits_are_shown_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
