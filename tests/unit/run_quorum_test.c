/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/quorum.h"

#define DAY INT64_C(86400)
#define NOW (20000 * DAY)

static struct stp_status_key key_of(int64_t at)
{
	struct stp_status_key key = {.keyid = "k", .name = "", .last_signature = -1};

	stp_quorum_note(&key, at, "5.root.json", NOW);
	return key;
}

static void test_quorum__a_key_is_alive_for_400_days(void **state)
{
	static const struct {
		int64_t at;
		enum stp_status_life life;
	} cases[] = {
	    {NOW, STP_STATUS_ALIVE},
	    {NOW - 400 * DAY + 1, STP_STATUS_ALIVE},
	    {NOW - 400 * DAY, STP_STATUS_ALIVE},
	    {NOW - 400 * DAY - 1, STP_STATUS_SILENT},
	    {0, STP_STATUS_SILENT},
	    {-1, STP_STATUS_UNSEEN},
	    /* clocks differ by up to a day; what is later is a mistake */
	    {NOW + DAY, STP_STATUS_ALIVE},
	    {NOW + DAY + 1, STP_STATUS_FUTURE},
	    {INT64_MAX, STP_STATUS_FUTURE},
	};

	(void)state;
	assert_int_equal(STP_KEY_ALIVE_DAYS * DAY, STP_STATUS_ALIVE_S);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stp_status_key key = key_of(cases[i].at);

		assert_int_equal(key.life, cases[i].life);
		assert_int_equal(key.last_signature, cases[i].at);
	}
}

static void test_quorum__the_latest_signature_counts_unless_it_is_of_the_future(void **state)
{
	static const int64_t times[] = {NOW - 500 * DAY, NOW + 500 * DAY, NOW - 3 * DAY,
	                                NOW - 4 * DAY,   NOW + 900 * DAY, -1};
	const size_t count = sizeof(times) / sizeof(*times);

	(void)state;
	/* whatever the order in which they are found */
	for (size_t first = 0; first < count; first++) {
		struct stp_status_key key = key_of(-1);

		for (size_t i = 0; i < count; i++)
			stp_quorum_note(&key, times[(first + i) % count], i ? "a" : "b", NOW);
		assert_int_equal(key.life, STP_STATUS_ALIVE);
		assert_int_equal(key.last_signature, NOW - 3 * DAY);
		assert_string_equal(key.last_document, first == 2 ? "b" : "a");
	}
}

/* A role with these last signatures. */
static struct stp_status_role role_of(struct stp_status_key *keys, const int64_t *times,
                                      size_t count, uint64_t threshold)
{
	for (size_t i = 0; i < count; i++)
		keys[i] = key_of(times[i]);
	return (struct stp_status_role){
	    .name = "root", .keys = keys, .key_count = count, .threshold = threshold};
}

static void test_quorum__margin_is_what_is_alive_beyond_the_threshold(void **state)
{
	static const int64_t times[] = {NOW - 10 * DAY, NOW - 390 * DAY, NOW - 401 * DAY, -1,
	                                NOW + 30 * DAY};
	static const struct {
		uint64_t threshold;
		int64_t margin;
		int is_alarm_last, is_alarm; /* of root, of a role that root can give new keys */
		int64_t until_last, until;
	} cases[] = {
	    {1, 1, 0, 0, NOW + 10 * DAY, NOW + 390 * DAY},
	    {2, 0, 1, 0, 0, NOW + 10 * DAY},
	    {3, -1, 1, 1, 0, 0},
	    {5, -3, 1, 1, 0, 0},
	    {6, -4, 1, 1, 0, 0}, /* threshold above the keys */
	};
	struct stp_status_key keys[5];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int is_last = 0; is_last < 2; is_last++) {
			struct stp_status_role role = role_of(keys, times, 5, cases[i].threshold);

			stp_quorum_count(&role, is_last);
			assert_true(role.has_margin);
			assert_int_equal(role.alive_count, 2);
			assert_int_equal(role.margin, cases[i].margin);
			assert_int_equal(role.is_margin_alarm,
			                 is_last ? cases[i].is_alarm_last : cases[i].is_alarm);
			assert_int_equal(role.margin_until,
			                 is_last ? cases[i].until_last : cases[i].until);
		}
}

static void test_quorum__without_a_usable_threshold_there_is_no_margin(void **state)
{
	static const uint64_t thresholds[] = {0, UINT64_MAX, UINT64_MAX - 1};
	const int64_t times[] = {NOW};
	struct stp_status_key keys[1];

	(void)state;
	for (size_t i = 0; i < sizeof(thresholds) / sizeof(*thresholds); i++) {
		struct stp_status_role role = role_of(keys, times, 1, thresholds[i]);

		stp_quorum_count(&role, 1);
		assert_false(role.has_margin);
		assert_false(role.is_margin_alarm);
		assert_int_equal(role.margin_until, 0);
	}
}

static void test_quorum__a_role_without_keys_is_an_alarm(void **state)
{
	struct stp_status_role role = {.name = "root", .threshold = 2};

	(void)state;
	stp_quorum_count(&role, 1);
	assert_int_equal(role.margin, -2);
	assert_true(role.is_margin_alarm);
}

static void test_quorum__a_document_is_dated_by_the_longer_period(void **state)
{
	struct stp_document root = {.expires = NOW}, targets = {.expires = 0},
	                    bins = {.expires = 5 * DAY};
	struct stp_quorum quorum = {
	    .roles = {{&root, NULL, 7}, {&targets, NULL, 7}, {&bins, NULL, 7}}};
	struct stp_config config = {.expiry = {.root = 100 * DAY, .targets = 1, .bins = 1}};
	struct stp_floors floors = {.periods = {200 * DAY, 1, 30 * DAY}};

	(void)state;
	stp_quorum_date(&quorum, &config, &floors);
	assert_int_equal(quorum.roles[0].made, NOW - 200 * DAY);
	assert_int_equal(quorum.roles[1].made, -1); /* no expiry: no date */
	assert_int_equal(quorum.roles[2].made, 0);  /* not before the beginning of time */
	stp_quorum_date(&quorum, &config, NULL);
	assert_int_equal(quorum.roles[0].made, NOW - 100 * DAY);
	stp_quorum_date(&quorum, NULL, NULL);
	assert_int_equal(quorum.roles[0].made, -1);
	quorum.roles[0].doc = NULL;
	stp_quorum_date(&quorum, &config, &floors);
	assert_int_equal(quorum.roles[0].made, -1);
}

static struct stp_public_key public_key(char digit)
{
	struct stp_public_key key = {.scheme = stp_scheme_of(STP_KEY_KIND_ED25519)};

	memset(key.keyid, digit, STP_KEYID_CHARS);
	return key;
}

static void test_quorum__the_keyring_knows_a_key_in_every_role(void **state)
{
	struct stp_public_key a = public_key('a'), b = public_key('b');
	const struct stp_public_key *root_keys[] = {&b, &a}, *targets_keys[] = {&a};
	struct stp_role root = {root_keys, 2, 1}, targets = {targets_keys, 1, 1};
	struct stp_document doc = {.name = "1.root.json"};
	struct stp_keyring_entry entry = {.name = "safe\x1b-1", .last_signature = NOW - DAY};
	struct stp_keyring keyring = {.entries = &entry, .count = 1, .capacity = 1};
	struct stp_quorum quorum = {
	    .roles = {{&doc, &root, -1}, {&doc, &targets, -1}}, .keyring = &keyring, .now = NOW};
	struct stp_status_role out[STP_QUORUM_ROLES] = {{.name = "root"}, {.name = "targets"}};
	struct stp_arena arena;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	memset(entry.keyid, 'a', STP_KEYID_CHARS);
	stp_arena_init(&arena, 0);
	for (size_t i = 0; i < STP_QUORUM_ROLES; i++)
		assert_int_equal(stp_quorum_judge(&quorum, i, &arena, &out[i], &err), STP_OK);
	assert_int_equal(out[0].key_count, 2);
	assert_string_equal(out[0].keys[0].name, ""); /* unknown ones first: by name */
	assert_int_equal(out[0].keys[0].life, STP_STATUS_UNSEEN);
	assert_string_equal(out[0].keys[1].name, "safe\\x1b-1");
	assert_int_equal(out[0].keys[1].life, STP_STATUS_ALIVE);
	assert_int_equal(out[0].margin, 0);
	assert_true(out[0].is_margin_alarm);
	assert_int_equal(out[1].keys[0].life, STP_STATUS_ALIVE);
	assert_int_equal(out[1].margin, 0);
	assert_false(out[1].is_margin_alarm);
	assert_int_equal(out[2].key_count, 0);
	assert_false(out[2].has_margin);
	stp_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quorum__a_key_is_alive_for_400_days),
	    cmocka_unit_test(test_quorum__the_latest_signature_counts_unless_it_is_of_the_future),
	    cmocka_unit_test(test_quorum__margin_is_what_is_alive_beyond_the_threshold),
	    cmocka_unit_test(test_quorum__without_a_usable_threshold_there_is_no_margin),
	    cmocka_unit_test(test_quorum__a_role_without_keys_is_an_alarm),
	    cmocka_unit_test(test_quorum__a_document_is_dated_by_the_longer_period),
	    cmocka_unit_test(test_quorum__the_keyring_knows_a_key_in_every_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
