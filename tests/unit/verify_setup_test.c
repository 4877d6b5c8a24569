/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Set-ups that clients accept but auditors would want changed: each is named, none is an error
 * without
 * --strict, and a good set-up has none. The repository is made by
 * tests/support/handmade.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit.h"
#include "handmade.h"
#include "scratch.h"
#include "stampede/verify.h"

struct setup {
	const char *name;
	void (*change)(struct handmade *h);
	enum stp_finding_code code;
	uint64_t count; /* findings of that code */
};

static json_t *role_of(struct handmade *h, const char *role)
{
	return json_object_get(json_object_get(h->root, "roles"), role);
}

static void add_keyid(json_t *role, const char *keyid)
{
	json_array_append_new(json_object_get(role, "keyids"), json_string(keyid));
}

static void list(struct handmade *h, const char *name)
{
	json_object_set_new(json_object_get(h->snapshot, "meta"), name,
	                    json_pack("{s:i}", "version", 1));
}

static void online_in_root(struct handmade *h)
{
	add_keyid(role_of(h, "root"), h->online.keyid);
}

static void online_in_targets(struct handmade *h)
{
	add_keyid(role_of(h, "targets"), h->online.keyid);
}

static void online_in_bins_role(struct handmade *h)
{
	json_t *delegations = json_object_get(h->targets, "delegations");

	json_object_set(json_object_get(delegations, "keys"), h->online.keyid, h->online.object);
	add_keyid(json_array_get(json_object_get(delegations, "roles"), 0), h->online.keyid);
}

/* The timestamp has a key of its own, which is a root key. */
static void root_key_in_timestamp(struct handmade *h)
{
	add_keyid(role_of(h, "timestamp"), h->root_keys[2].keyid);
}

static void root_keys_in_targets(struct handmade *h)
{
	add_keyid(role_of(h, "targets"), h->root_keys[0].keyid);
	add_keyid(role_of(h, "targets"), h->root_keys[1].keyid);
}

static void targets_key_in_bins_role(struct handmade *h)
{
	json_t *delegations = json_object_get(h->targets, "delegations");
	const struct handmade_key *key = &h->targets_keys[0];

	json_object_set(json_object_get(delegations, "keys"), key->keyid, key->object);
	add_keyid(json_array_get(json_object_get(delegations, "roles"), 0), key->keyid);
}

static void timestamp_for_a_year(struct handmade *h)
{
	json_object_set_new(h->timestamp, "expires", json_string("2099-01-01T00:00:00Z"));
}

static void one_root_key_is_enough(struct handmade *h)
{
	json_object_set_new(role_of(h, "root"), "threshold", json_integer(1));
}

static void no_spare_root_key(struct handmade *h)
{
	json_array_remove(json_object_get(role_of(h, "root"), "keyids"), 2);
}

static void foreign_name(struct handmade *h)
{
	list(h, "evil.json");
}

/* One name of the bins' form, without the others of its generation. */
static void lone_bin(struct handmade *h)
{
	list(h, "bin-n-f.json");
}

static void lone_bin_of_more_digits(struct handmade *h)
{
	list(h, "bin-n-fff.json");
}

static void gap_in_a_generation(struct handmade *h)
{
	for (int i = 0; i < 32; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%02x.json", i);
		if (i != 7)
			list(h, name);
	}
}

/* Sixteen names need one digit, not two. */
static void wrong_width(struct handmade *h)
{
	for (int i = 0; i < 16; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%02x.json", i);
		list(h, name);
	}
}

static const struct setup setups[] = {
    {"online key in root", online_in_root, STP_FINDING_ONLINE_KEY_OFFLINE, 1},
    {"online key in targets", online_in_targets, STP_FINDING_ONLINE_KEY_OFFLINE, 1},
    {"online key in the bins role", online_in_bins_role, STP_FINDING_ONLINE_KEY_OFFLINE, 1},
    {"root key in timestamp", root_key_in_timestamp, STP_FINDING_ONLINE_KEY_OFFLINE, 1},
    {"root keys in targets", root_keys_in_targets, STP_FINDING_OFFLINE_KEY_SHARED, 2},
    {"a key of targets in the bins role", targets_key_in_bins_role, STP_FINDING_OFFLINE_KEY_SHARED,
     1},
    {"a timestamp for years", timestamp_for_a_year, STP_FINDING_TIMESTAMP_LONG, 1},
    {"root threshold 1", one_root_key_is_enough, STP_FINDING_THRESHOLD_ONE, 1},
    {"root 2 of 2", no_spare_root_key, STP_FINDING_ROOT_NO_SPARE, 1},
    {"a foreign name in the snapshot", foreign_name, STP_FINDING_SNAPSHOT_UNDELEGATED, 1},
    {"a bin beyond the last", lone_bin, STP_FINDING_SNAPSHOT_UNDELEGATED, 1},
    {"a lone bin of three digits", lone_bin_of_more_digits, STP_FINDING_SNAPSHOT_UNDELEGATED, 1},
    {"a generation with a gap", gap_in_a_generation, STP_FINDING_SNAPSHOT_UNDELEGATED, 31},
    {"names of the wrong width", wrong_width, STP_FINDING_SNAPSHOT_UNDELEGATED, 16},
};

static struct stp_verify_report *audit(const struct handmade *h, int strict)
{
	struct stp_verify_options options = {
	    .path = h->folder, .now = HANDMADE_NOW, .jobs = 1, .strict = strict};

	return audit_run(options);
}

static void print_findings(const struct stp_verify_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		print_message("%s: %s: %s\n", stp_finding_code_name(report->findings[i].code),
		              report->findings[i].subject, report->findings[i].text);
}

static void check(const struct setup *setup)
{
	struct stp_verify_report *report;
	struct scratch scratch;
	struct handmade h;

	print_message("%s\n", setup->name);
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	setup->change(&h);
	handmade_write(&h);
	report = audit(&h, 0);
	if (report->error_total || report->code_totals[setup->code] != setup->count)
		print_findings(report);
	assert_int_equal(report->error_total, 0);
	assert_int_equal(report->code_totals[setup->code], setup->count);
	assert_int_equal(stp_finding_severity(setup->code), STP_SEVERITY_SETUP);
	assert_true(report->setup_total >= setup->count);
	audit_free(report);
	report = audit(&h, 1);
	assert_true(report->error_total >= setup->count);
	assert_int_equal(report->warning_total, 0);
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
}

static void test_setup__each_weakness_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
		check(&setups[i]);
}

static void retired_bins(struct handmade *h)
{
	for (int i = 0; i < 32; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%02x.json", i);
		list(h, name);
	}
	for (int i = 4; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bin-n-%x.json", i);
		list(h, name);
	}
	for (int i = 0; i < 2; i++)
		list(h, i ? "old-prefix-1.json" : "old-prefix-0.json");
}

static void test_setup__a_good_one_and_retired_bins_have_no_findings(void **state)
{
	(void)state;
	for (int retired = 0; retired < 2; retired++) {
		struct stp_verify_report *report;
		struct scratch scratch;
		struct handmade h;

		scratch_init(&scratch);
		handmade_init(&h, scratch.path);
		if (retired)
			retired_bins(&h);
		handmade_write(&h);
		report = audit(&h, 1);
		print_findings(report);
		assert_int_equal(report->error_total + report->warning_total, 0);
		assert_int_equal(report->tombstones, retired ? 38 : 0);
		audit_free(report);
		handmade_release(&h);
		scratch_release(&scratch);
	}
}

/* Removes the snapshot's length or digest from the timestamp, and signs it again. */
static void test_setup__a_timestamp_without_length_or_digest(void **state)
{
	static const char *const members[] = {"length", "hashes"};
	static const enum stp_finding_code codes[] = {STP_FINDING_TIMESTAMP_NO_LENGTH,
	                                              STP_FINDING_TIMESTAMP_NO_HASH};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stp_verify_report *report;
		struct scratch scratch;
		struct handmade h;

		scratch_init(&scratch);
		handmade_init(&h, scratch.path);
		handmade_write(&h);
		json_object_del(json_object_get(json_object_get(h.timestamp, "meta"),
		                                "snapshot.json"),
		                members[i]);
		free(handmade_sign(&h, "timestamp.json", h.timestamp, &h.online, 1));
		report = audit(&h, 0);
		assert_int_equal(report->error_total, 0);
		assert_int_equal(report->code_totals[codes[i]], 1);
		assert_int_equal(report->setup_total, 1);
		audit_free(report);
		handmade_release(&h);
		scratch_release(&scratch);
	}
}

static void test_setup__names_that_no_client_can_fetch(void **state)
{
	struct stp_verify_report *report;
	struct scratch scratch;
	struct handmade h;

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_put(&h, "packages/libc6_1%3a2.36.deb", "x");
	handmade_put(&h, "packages/c#.whl", "x");
	handmade_put(&h, "what?/a.whl", "x");
	handmade_put(&h, "packages/trailing ", "x");
	handmade_put(&h, "packages /a b+c;d=e&f@g.whl", "x");
	handmade_write(&h);
	report = audit(&h, 0);
	assert_int_equal(report->error_total, 0);
	assert_int_equal(report->code_totals[STP_FINDING_TARGET_URL], 4);
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_setup__each_weakness_is_named),
	    cmocka_unit_test(test_setup__a_good_one_and_retired_bins_have_no_findings),
	    cmocka_unit_test(test_setup__a_timestamp_without_length_or_digest),
	    cmocka_unit_test(test_setup__names_that_no_client_can_fetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
