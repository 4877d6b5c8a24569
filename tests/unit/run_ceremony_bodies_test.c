/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "keys/keys.h"
#include "roles/roles.h"
#include "run/ceremony/bodies.h"
#include "run/ceremony/role_json.h"

#define NOW INT64_C(1893456000) /* 2030-01-01T00:00:00Z */

/* A repository's documents, with keys 0 to 2 for root, 3 and 4 for targets, 5 and 6 for bins, 7 for
 * the online roles; 8 and 9 are new. */
struct world {
	struct stp_config config;
	struct stp_key_object keys[10];
	struct stp_bodies_base base;
	struct stp_bodies bodies;
};

static json_t *parse(const struct stp_buf *body)
{
	json_t *json = json_loadb((const char *)body->data, body->count, 0, NULL);

	assert_non_null(json);
	return json;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_role_head head = {7, NOW};
	size_t i;

	assert_int_equal(stp_config_profile(&w->config, "pep458", &err), STP_OK);
	w->config.bin_bits = 4;
	for (i = 0; i < 10; i++) {
		uint8_t seed[STP_KEY_SEED_BYTES] = {(uint8_t)(i + 1)};
		struct stp_key *key;

		assert_int_equal(stp_key_from_seed(seed, &key, &err), STP_OK);
		stp_key_object_ed25519(&w->keys[i], stp_key_public(key));
		stp_key_destroy(key);
	}
	struct stp_role_keys bins = {&w->keys[5], 2, 2};
	struct stp_role_keys online = {&w->keys[7], 1, 1};
	struct stp_root_keys root = {{&w->keys[0], 3, 2}, {&w->keys[3], 2, 2}, online, online};

	assert_int_equal(stp_root_body(head, &root, &body, &err), STP_OK);
	w->base.published[STP_PAYLOAD_ROOT] = parse(&body);
	assert_int_equal(stp_targets_body(&w->config, head, &bins, &online, &body, &err), STP_OK);
	w->base.published[STP_PAYLOAD_TARGETS] = parse(&body);
	assert_int_equal(stp_bins_body(&w->config, head, &online, &body, &err), STP_OK);
	w->base.published[STP_PAYLOAD_BINS] = parse(&body);
	stp_buf_release(&body);
	w->base.config = &w->config;
	w->base.now = NOW;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	size_t i;

	stp_bodies_release(&w->bodies);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++)
		json_decref((json_t *)(uintptr_t)w->base.published[i]);
	stp_config_release(&w->config);
	free(w);
	return 0;
}

static struct stp_wish wish(enum stp_wish_kind kind, enum stp_wish_role role)
{
	return (struct stp_wish){.kind = kind, .role = role};
}

static struct stp_wish wish_key(const struct world *w, enum stp_wish_kind kind,
                                enum stp_wish_role role, size_t key)
{
	struct stp_wish made = {.kind = kind, .role = role, .key = w->keys[key]};

	memcpy(made.keyid, w->keys[key].keyid, sizeof(made.keyid));
	return made;
}

static struct stp_wish wish_number(enum stp_wish_kind kind, enum stp_wish_role role,
                                   uint64_t number)
{
	return (struct stp_wish){.kind = kind, .role = role, .number = number};
}

static void make(struct world *w, const struct stp_wish *wishes, size_t count)
{
	struct stp_err err = STP_ERR_INIT;

	stp_bodies_release(&w->bodies);
	if (stp_bodies_make(&w->bodies, &w->base, wishes, count, &err) != STP_OK)
		fail_msg("%s: %s", err.subject, err.text);
}

static void refused(struct world *w, const struct stp_wish *wishes, size_t count,
                    enum stp_errc code, const char *text)
{
	struct stp_err err = STP_ERR_INIT;

	stp_bodies_release(&w->bodies);
	assert_int_equal(stp_bodies_make(&w->bodies, &w->base, wishes, count, &err), code);
	if (!strstr(err.text, text))
		fail_msg("%s: %s", err.subject, err.text);
}

/* Whether body is the published one but for version and expiry. */
static int is_renewed(const struct world *w, enum stp_payload_role role)
{
	json_t *copy = json_deep_copy(w->base.published[role]);
	const char *expires = json_string_value(json_object_get(w->bodies.json[role], "expires"));
	int same;

	assert_non_null(expires);
	json_object_set_new(copy, "version", json_integer(8));
	json_object_set_new(copy, "expires", json_string(expires));
	same = json_equal(copy, w->bodies.json[role]);
	json_decref(copy);
	return same;
}

/* "THRESHOLD:" and a digit for each key of role. */
static const char *signers(const struct world *w, struct stp_role_json role)
{
	static char text[32];
	size_t used =
	    (size_t)snprintf(text, sizeof(text), "%d:",
	                     (int)json_integer_value(json_object_get(role.object, "threshold")));
	size_t i;

	for (i = 0; i < 10; i++)
		if (stp_role_json_has(&role, &w->keys[i]))
			text[used++] = (char)('0' + i);
	text[used] = '\0';
	assert_int_equal(strlen(text) - 2, json_array_size(role.keyids));
	return text;
}

static const char *root_role(const struct world *w, const char *name)
{
	return signers(w, stp_role_json_of_root(w->bodies.json[STP_PAYLOAD_ROOT], name));
}

static void test_run_ceremony_bodies__renewed_roles_stay_as_they_are(void **state)
{
	struct world *w = *state;
	struct stp_wish wishes[] = {wish(STP_WISH_RENEW, STP_WISH_ROOT),
	                            wish(STP_WISH_RENEW, STP_WISH_TARGETS),
	                            wish(STP_WISH_RENEW, STP_WISH_BINS)};
	size_t i;

	json_object_set_new((json_t *)(uintptr_t)w->base.published[STP_PAYLOAD_TARGETS], "x-other",
	                    json_integer(1));
	make(w, wishes, 3);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		assert_true(is_renewed(w, (enum stp_payload_role)i));
		assert_int_equal(w->bodies.version[i], 8);
		assert_int_equal(w->bodies.expires[i], NOW + w->config.expiry.root);
	}
}

static void test_run_ceremony_bodies__keys_of_root(void **state)
{
	struct world *w = *state;
	struct stp_wish wishes[] = {wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 8),
	                            wish_key(w, STP_WISH_REMOVE, STP_WISH_ROOT, 2),
	                            wish_number(STP_WISH_THRESHOLD, STP_WISH_ROOT, 3)};

	make(w, wishes, 3);
	assert_string_equal(root_role(w, "root"), "3:018");
	assert_string_equal(root_role(w, "targets"), "2:34");
	assert_null(w->bodies.json[STP_PAYLOAD_TARGETS]);
	assert_null(w->bodies.json[STP_PAYLOAD_BINS]);
	assert_null(json_object_get(json_object_get(w->bodies.json[STP_PAYLOAD_ROOT], "keys"),
	                            w->keys[2].keyid));
}

/* Whoever gets to sign a role signs it at once. */
static void test_run_ceremony_bodies__keys_of_targets_and_bins_renew_the_role_too(void **state)
{
	struct world *w = *state;
	struct stp_wish targets = wish_key(w, STP_WISH_ADD, STP_WISH_TARGETS, 8);
	struct stp_wish bins = wish_key(w, STP_WISH_ADD, STP_WISH_BINS, 8);

	make(w, &targets, 1);
	assert_string_equal(root_role(w, "targets"), "2:348");
	assert_true(is_renewed(w, STP_PAYLOAD_TARGETS));
	assert_null(w->bodies.json[STP_PAYLOAD_BINS]);
	make(w, &bins, 1);
	assert_null(w->bodies.json[STP_PAYLOAD_ROOT]);
	assert_string_equal(
	    signers(w, stp_role_json_delegated(w->bodies.json[STP_PAYLOAD_TARGETS], "bins")),
	    "2:568");
	assert_true(is_renewed(w, STP_PAYLOAD_BINS));
}

/* A key that another role uses stays when one role drops it. */
static void test_run_ceremony_bodies__keys_that_are_used_elsewhere_stay(void **state)
{
	struct world *w = *state;
	struct stp_wish joins[] = {wish_key(w, STP_WISH_ADD, STP_WISH_TARGETS, 0)};
	struct stp_wish leaves[] = {wish_key(w, STP_WISH_REMOVE, STP_WISH_ROOT, 0)};
	const json_t *before = w->base.published[STP_PAYLOAD_ROOT];

	make(w, joins, 1);
	w->base.published[STP_PAYLOAD_ROOT] = json_incref(w->bodies.json[STP_PAYLOAD_ROOT]);
	json_decref((json_t *)(uintptr_t)before);
	make(w, leaves, 1);
	assert_string_equal(root_role(w, "root"), "2:12");
	assert_string_equal(root_role(w, "targets"), "2:034");
	assert_non_null(json_object_get(json_object_get(w->bodies.json[STP_PAYLOAD_ROOT], "keys"),
	                                w->keys[0].keyid));
}

static void test_run_ceremony_bodies__online_keys_and_bins(void **state)
{
	struct world *w = *state;
	struct stp_wish wishes[] = {wish_key(w, STP_WISH_ONLINE, STP_WISH_TIMESTAMP, 8),
	                            wish_key(w, STP_WISH_ONLINE, STP_WISH_SNAPSHOT, 9),
	                            wish_key(w, STP_WISH_ONLINE, STP_WISH_BIN_N, 8),
	                            wish(STP_WISH_DELEGATION, STP_WISH_BIN_N)};
	json_t *delegations;

	w->config.bin_bits = 6;
	make(w, wishes, 4);
	assert_string_equal(root_role(w, "timestamp"), "1:8");
	assert_string_equal(root_role(w, "snapshot"), "1:9");
	assert_string_equal(signers(w, stp_role_json_bins(w->bodies.json[STP_PAYLOAD_BINS])),
	                    "1:8");
	delegations = json_object_get(w->bodies.json[STP_PAYLOAD_BINS], "delegations");
	assert_int_equal(json_integer_value(json_object_get(
	                     json_object_get(delegations, "succinct_roles"), "bit_length")),
	                 6);
	assert_int_equal(json_object_size(json_object_get(delegations, "keys")), 1);
	assert_null(w->bodies.json[STP_PAYLOAD_TARGETS]);
}

/* The same bytes as roles/ makes, whatever the form before. */
static void test_run_ceremony_bodies__delegations_are_those_of_roles(void **state)
{
	struct world *w = *state;
	struct stp_wish wishes[] = {wish(STP_WISH_DELEGATION, STP_WISH_BIN_N)};
	struct stp_role_keys online = {&w->keys[7], 1, 1};
	static const struct {
		enum stp_delegation form;
		unsigned bits;
	} steps[] = {{STP_DELEGATION_PREFIXES, 5},
	             {STP_DELEGATION_PREFIXES, 3},
	             {STP_DELEGATION_SUCCINCT, 8}};
	size_t i;

	for (i = 0; i < 3; i++) {
		struct stp_buf expected = STP_BUF_INIT;
		struct stp_err err = STP_ERR_INIT;
		struct stp_role_head head;

		w->config.delegation = steps[i].form;
		w->config.bin_bits = steps[i].bits;
		make(w, wishes, 1);
		head = (struct stp_role_head){8 + i, NOW + w->config.expiry.bins};
		assert_int_equal(stp_bins_body(&w->config, head, &online, &expected, &err), STP_OK);
		assert_int_equal(expected.count, w->bodies.body[STP_PAYLOAD_BINS].count);
		assert_memory_equal(expected.data, w->bodies.body[STP_PAYLOAD_BINS].data,
		                    expected.count);
		stp_buf_release(&expected);
		json_decref((json_t *)(uintptr_t)w->base.published[STP_PAYLOAD_BINS]);
		w->base.published[STP_PAYLOAD_BINS] = json_incref(w->bodies.json[STP_PAYLOAD_BINS]);
	}
}

/* Another tool's delegation stays, next to new bins. */
static void test_run_ceremony_bodies__foreign_delegations_stay(void **state)
{
	struct world *w = *state;
	struct stp_wish wishes[] = {wish(STP_WISH_DELEGATION, STP_WISH_BIN_N),
	                            wish_key(w, STP_WISH_ONLINE, STP_WISH_BIN_N, 8)};
	json_t *bins = (json_t *)(uintptr_t)w->base.published[STP_PAYLOAD_BINS];
	json_t *delegations = json_object_get(bins, "delegations");
	json_t *vendor = json_pack("{s:[s],s:s,s:[s],s:b,s:i,s:i}", "keyids", "v", "name", "vendor",
	                           "paths", "vendor/*", "terminating", 0, "threshold", 1, "x", 1);
	struct stp_err err = STP_ERR_INIT;

	w->config.delegation = STP_DELEGATION_PREFIXES;
	make(w, wishes, 1);
	json_decref(bins);
	bins = json_deep_copy(w->bodies.json[STP_PAYLOAD_BINS]);
	w->base.published[STP_PAYLOAD_BINS] = bins;
	delegations = json_object_get(bins, "delegations");
	json_array_insert_new(json_object_get(delegations, "roles"), 0, json_deep_copy(vendor));
	json_object_set_new(json_object_get(delegations, "keys"), "v",
	                    json_pack("{s:s}", "keytype", "other"));
	w->config.bin_bits = 2;
	make(w, wishes, 2);
	delegations = json_object_get(w->bodies.json[STP_PAYLOAD_BINS], "delegations");
	assert_int_equal(json_array_size(json_object_get(delegations, "roles")), 5);
	assert_true(json_equal(json_array_get(json_object_get(delegations, "roles"), 0), vendor));
	assert_int_equal(json_object_size(json_object_get(delegations, "keys")), 2);
	json_decref(vendor);
	w->config.delegation = STP_DELEGATION_SUCCINCT;
	stp_bodies_release(&w->bodies);
	assert_int_equal(stp_bodies_make(&w->bodies, &w->base, wishes, 1, &err), STP_CONFIG);
	assert_non_null(strstr(err.text, "cannot be succinct next to 1 other"));
}

static void test_run_ceremony_bodies__another_period(void **state)
{
	struct world *w = *state;
	struct stp_wish good = wish_number(STP_WISH_EXPIRES, STP_WISH_ROOT, 30 * 86400);
	struct stp_wish bad = wish_number(STP_WISH_EXPIRES, STP_WISH_ROOT, 0);

	make(w, &good, 1);
	assert_int_equal(w->bodies.expires[STP_PAYLOAD_ROOT], NOW + 30 * 86400);
	refused(w, &bad, 1, STP_CONFIG, "1 to 3650 days");
}

static void test_run_ceremony_bodies__thresholds_that_nobody_reaches_are_refused(void **state)
{
	struct world *w = *state;
	struct stp_wish removals[] = {wish_key(w, STP_WISH_REMOVE, STP_WISH_TARGETS, 3)};
	struct stp_wish lower[] = {removals[0],
	                           wish_number(STP_WISH_THRESHOLD, STP_WISH_TARGETS, 1)};
	struct stp_wish four = wish_number(STP_WISH_THRESHOLD, STP_WISH_ROOT, 4);
	struct stp_wish none = wish_number(STP_WISH_THRESHOLD, STP_WISH_ROOT, 0);

	refused(w, removals, 1, STP_CONFIG, "it has 1 key, but 2 must sign");
	make(w, lower, 2);
	assert_string_equal(root_role(w, "targets"), "1:4");
	refused(w, &four, 1, STP_CONFIG, "4 of 3 keys must sign");
	refused(w, &none, 1, STP_CONFIG, "a threshold of 0");
}

static void test_run_ceremony_bodies__online_and_offline_keys_are_apart(void **state)
{
	struct world *w = *state;
	struct stp_wish online = wish_key(w, STP_WISH_ONLINE, STP_WISH_TIMESTAMP, 5);
	struct stp_wish offline = wish_key(w, STP_WISH_ADD, STP_WISH_BINS, 7);
	struct stp_wish both[] = {wish_key(w, STP_WISH_ONLINE, STP_WISH_SNAPSHOT, 8),
	                          wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 8)};

	refused(w, &online, 1, STP_KEY, "cannot sign both timestamp and bins");
	refused(w, &offline, 1, STP_KEY, "cannot sign both bins and timestamp");
	refused(w, both, 2, STP_KEY, "cannot sign both");
}

static void test_run_ceremony_bodies__keys_that_are_there_or_not(void **state)
{
	struct world *w = *state;
	struct stp_wish again = wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 1);
	struct stp_wish absent = wish_key(w, STP_WISH_REMOVE, STP_WISH_ROOT, 8);
	struct stp_wish twice[] = {wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 8),
	                           wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 8)};

	refused(w, &again, 1, STP_CONFIG, "signs root already");
	refused(w, twice, 2, STP_CONFIG, "signs root already");
	refused(w, &absent, 1, STP_CONFIG, "does not sign root");
}

/* The same key under the ID of another tool is the same key. */
static void test_run_ceremony_bodies__a_key_under_another_keyid_is_the_same(void **state)
{
	struct world *w = *state;
	struct stp_wish again = wish_key(w, STP_WISH_ADD, STP_WISH_ROOT, 1);
	const json_t *root = w->base.published[STP_PAYLOAD_ROOT];
	json_t *keys = json_object_get(root, "keys");
	struct stp_role_json role = stp_role_json_of_root(root, "root");

	json_object_set(keys, "other", json_object_get(keys, w->keys[1].keyid));
	assert_true(stp_role_json_remove(&role, w->keys[1].keyid));
	json_array_append_new(role.keyids, json_string("other"));
	refused(w, &again, 1, STP_CONFIG, "signs root already");
}

static void test_run_ceremony_bodies__the_last_version_is_refused(void **state)
{
	struct world *w = *state;
	struct stp_wish renew = wish(STP_WISH_RENEW, STP_WISH_ROOT);
	json_t *root = (json_t *)(uintptr_t)w->base.published[STP_PAYLOAD_ROOT];

	json_object_set_new(root, "version", json_integer((json_int_t)STP_VERSION_MAX - 1));
	make(w, &renew, 1);
	json_object_set_new(root, "version", json_integer((json_int_t)STP_VERSION_MAX));
	refused(w, &renew, 1, STP_LIMIT, "no higher one can be published");
}

static void test_run_ceremony_bodies__roles_that_are_not_there(void **state)
{
	struct world *w = *state;
	struct stp_wish renew = wish(STP_WISH_RENEW, STP_WISH_BINS);
	struct stp_wish add = wish_key(w, STP_WISH_ADD, STP_WISH_TIMESTAMP, 8);
	struct stp_wish online = wish_key(w, STP_WISH_ONLINE, STP_WISH_BINS, 8);
	json_t *bins = (json_t *)(uintptr_t)w->base.published[STP_PAYLOAD_BINS];

	refused(w, &add, 1, STP_CONFIG, "is not an offline role");
	refused(w, &online, 1, STP_CONFIG, "is not an online role");
	w->base.published[STP_PAYLOAD_BINS] = NULL;
	refused(w, &renew, 1, STP_CONFIG, "is not a role of this repository");
	w->base.published[STP_PAYLOAD_BINS] = bins;
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_run_ceremony_bodies__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(renewed_roles_stay_as_they_are),
	    TEST(keys_of_root),
	    TEST(keys_of_targets_and_bins_renew_the_role_too),
	    TEST(keys_that_are_used_elsewhere_stay),
	    TEST(online_keys_and_bins),
	    TEST(delegations_are_those_of_roles),
	    TEST(foreign_delegations_stay),
	    TEST(another_period),
	    TEST(thresholds_that_nobody_reaches_are_refused),
	    TEST(online_and_offline_keys_are_apart),
	    TEST(keys_that_are_there_or_not),
	    TEST(a_key_under_another_keyid_is_the_same),
	    TEST(the_last_version_is_refused),
	    TEST(roles_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
