/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be trusted although there are no findings: empty documents, documents without a
 * canonical form, with more findings than are kept, or that change while they are read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "keys/key_signer.h"
#include "repository.h"
#include "run/trusted.h"
#include "sign/sealed.h"
#include "trust/judge.h"
#include "trust/read.h"

static struct repository r;
static struct stp_key *thief;

static int set_up(void **state)
{
	static const uint8_t seed[STP_KEY_SEED_BYTES] = {7};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "pep458");
	repository_check(stp_key_from_seed(seed, &thief, &err) == STP_OK, &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stp_key_destroy(thief);
	repository_release(&r);
	return 0;
}

static void plant(const char *name, const void *bytes, size_t count)
{
	char path[128];

	snprintf(path, sizeof(path), "repo/public/metadata/%s", name);
	scratch_file(&r.scratch, path, bytes, count);
}

/* "signed" of a published file. */
static json_t *signed_of(const char *name)
{
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	json_t *document;
	json_t *body;

	repository_check(
	    stp_file_read(r.repo.metadata_fd, name, 1 << 20, "test", &file, &err) == STP_OK, &err);
	document = json_loadb((const char *)file.data, file.count, 0, NULL);
	stp_buf_release(&file);
	body = json_incref(json_object_get(document, "signed"));
	json_decref(document);
	assert_non_null(body);
	return body;
}

/* Adds the attacker's key to keys, as the only one of role. */
static void name_thief(json_t *keys, json_t *role)
{
	char hex[65] = "";

	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", stp_key_public(thief)[i]);
	json_object_set_new(keys, stp_key_id(thief),
	                    json_pack("{s:s,s:{s:s},s:s}", "keytype", "ed25519", "keyval", "public",
	                              hex, "scheme", "ed25519"));
	json_array_append_new(json_object_get(role, "keyids"), json_string(stp_key_id(thief)));
	json_object_set_new(role, "threshold", json_integer(1));
}

/* Plants body, signed by the attacker. */
static void plant_signed(const char *name, uint64_t version, const json_t *body)
{
	struct stp_signer *signer;
	struct stp_buf bytes = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_sealed sealed;

	repository_check(stp_canonical_append(body, &bytes, &err) == STP_OK, &err);
	repository_check(stp_key_signer_create(thief, &signer, &err) == STP_OK, &err);
	repository_check(stp_sealed_make(name, version, bytes.data, bytes.count, &signer, 1,
	                                 &sealed, &err) == STP_OK,
	                 &err);
	stp_signer_destroy(signer);
	plant(name, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	stp_buf_release(&bytes);
}

static enum stp_errc load(struct stp_err *err)
{
	struct stp_current current;
	struct stp_trust trust;
	enum stp_errc code = stp_trusted_load(&trust, &r.repo, &r.config, STP_TRUSTED_PINNED, NULL,
	                                      r.seal_key, &current, err);

	if (code == STP_OK) {
		stp_current_release(&current);
		stp_trust_release(&trust);
	}
	return code;
}

static void assert_refused(const char *subject)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(load(&err), STP_REFUSED);
	assert_string_equal(err.subject, subject);
	assert_non_null(strstr(err.text, "; "));
}

static void test_trust__an_empty_root_authorizes_no_other(void **state)
{
	json_t *body = signed_of("1.root.json");

	(void)state;
	json_object_set_new(body, "version", json_integer(3));
	name_thief(json_object_get(body, "keys"),
	           json_object_get(json_object_get(body, "roles"), "root"));
	plant_signed("3.root.json", 3, body);
	json_decref(body);
	for (size_t i = 0; i < 4; i++) {
		static const char *const nothing[] = {"[]", "[{}]", "", "{}"};

		plant("2.root.json", nothing[i], strlen(nothing[i]));
		assert_refused("2.root.json");
	}
}

static void test_trust__a_number_that_is_not_an_integer_is_not_signed(void **state)
{
	static const char *const names[] = {"2.root.json", "2.targets.json", "2.bins.json"};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char genuine[32];
		json_t *body;
		json_t *document;
		char *text;

		snprintf(genuine, sizeof(genuine), "1%s", names[i] + 1);
		body = signed_of(genuine);
		json_object_set_new(body, "version", json_integer(2));
		json_object_set_new(body, "x", json_real(1.5));
		document = json_pack("{s:[],s:o}", "signatures", "signed", body);
		text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
		plant(names[i], text, strlen(text));
		free(text);
		json_decref(document);
		assert_refused(names[i]);
		unlinkat(r.repo.metadata_fd, names[i], 0);
	}
	repository_check(load(&err) == STP_OK, &err);
}

static void test_trust__an_empty_online_document_is_refused(void **state)
{
	(void)state;
	plant("timestamp.json", "[]", 2);
	assert_refused("timestamp.json");
}

static void test_trust__findings_that_were_not_kept_count(void **state)
{
	struct stp_finding_list findings;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	stp_finding_list_init(&findings);
	stp_finding_add(&findings, STP_FINDING_FIELD_UNKNOWN, "x", "is harmless");
	assert_int_equal(stp_trust_judge(&findings, "x", 1, "remove it", &err), STP_OK);
	stp_finding_count(&findings, STP_FINDING_VERSION, 1);
	assert_int_equal(stp_trust_judge(&findings, "x", 1, "remove it", &err), STP_REFUSED);
	stp_finding_list_release(&findings);
}

/* Between two readings of a file somebody may replace it. */
static void test_trust__the_pinned_root_is_read_once(void **state)
{
	int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	_Alignas(struct inotify_event) char events[4096];
	struct stp_err err = STP_ERR_INIT;
	char path[400];
	ssize_t got;

	(void)state;
	snprintf(path, sizeof(path), "%s/public/metadata/1.root.json", r.path);
	assert_true(watcher >= 0 &&
	            inotify_add_watch(watcher, path, IN_OPEN | IN_CLOSE_NOWRITE) >= 0);
	r.config.trusted_root.version = 0; /* state/floors names it */
	repository_check(load(&err) == STP_OK, &err);
	got = read(watcher, events, sizeof(events));
	assert_int_equal(got, 2 * sizeof(struct inotify_event)); /* opened, closed */
	close(watcher);
}

static void test_trust__a_role_that_was_not_loaded_authorizes_nothing(void **state)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_role empty = {.threshold = 0};
	struct stp_finding_list findings;
	struct stp_err err = STP_ERR_INIT;
	struct stp_document doc;
	int usable;

	(void)state;
	stp_finding_list_init(&findings);
	repository_check(stp_document_read(&doc, r.repo.metadata_fd, "1.root.json", &stp_rule_root,
	                                   &findings, &usable, &err) == STP_OK,
	                 &err);
	assert_false(stp_document_signed_by(&doc, &empty, NULL, "nobody", &tally));
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_trust__an_empty_root_authorizes_no_other, set_up,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_trust__a_number_that_is_not_an_integer_is_not_signed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_trust__an_empty_online_document_is_refused, set_up,
	                                    tear_down),
	    cmocka_unit_test(test_trust__findings_that_were_not_kept_count),
	    cmocka_unit_test_setup_teardown(test_trust__the_pinned_root_is_read_once, set_up,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_trust__a_role_that_was_not_loaded_authorizes_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
