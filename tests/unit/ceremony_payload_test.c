/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>

#include "ceremony/payload.h"
#include "made_payload.h"
#include "scratch.h"

static struct made_payload made;

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

/* Parses what is made, which must be refused with a text that holds words. */
static void refuses(enum stp_errc code, const char *words)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_payload payload;
	enum stp_errc got = made_payload_parse(&made, &payload, &err);

	if (got != code || !strstr(err.text, words))
		fail_msg("wanted \"%s\", got %d: %s", words, got, err.text);
	assert_string_equal(err.subject, "P");
	stp_payload_release(&payload);
}

/* Parses text, likewise. */
static void refuses_text(const char *text, enum stp_errc code, const char *words)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_payload payload;
	enum stp_errc got;

	assert_int_equal(stp_buf_append(&file, text, strlen(text), &err), STP_OK);
	got = stp_payload_parse(&payload, &file, "P", &err);
	if (got != code || !strstr(err.text, words))
		fail_msg("wanted \"%s\", got %d: %s", words, got, err.text);
	stp_payload_release(&payload);
}

static json_t *signed_root(void)
{
	return json_object_get(made_payload_document(&made, 0), "signed");
}

static json_t *role_of_root(const char *role)
{
	return json_object_get(json_object_get(signed_root(), "roles"), role);
}

static void test_payload__is_read(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_payload payload;
	const struct stp_payload_document *document;
	const char *holder = "?";

	(void)state;
	assert_int_equal(made_payload_parse(&made, &payload, &err), STP_OK);
	assert_string_equal(payload.purpose, "replace the lost third key");
	assert_string_equal(payload.made, "2027-01-15T08:00:00Z");
	assert_int_equal(payload.chain_count, 1);
	assert_int_equal(stp_payload_published_root(&payload)->doc.version, 1);
	assert_int_equal(payload.document_count, 1);
	assert_int_equal(payload.base[STP_PAYLOAD_BINS].version, 1);
	assert_true(payload.has_root && !payload.is_drill);
	document = stp_payload_find(&payload, "2.root.json");
	assert_ptr_equal(document, stp_payload_find(&payload, "root"));
	assert_ptr_equal(document, stp_payload_document(&payload, STP_PAYLOAD_ROOT));
	assert_null(stp_payload_find(&payload, "targets"));
	assert_int_equal(document->doc->version, 2);
	assert_int_equal(payload.root.root.threshold, 2);
	assert_int_equal(payload.published_delegated.bins->key_count, 2);
	assert_string_equal(stp_payload_key_name(&payload, made.fresh.keyid, &holder), "safe-4");
	assert_null(holder);
	assert_null(stp_payload_key_name(&payload, made.fresh2.keyid, NULL));
	stp_payload_release(&payload);
}

/* What stp_payload_make() writes is what is read. */
static void test_payload__made_is_the_same(void **state)
{
	struct stp_payload_input input = {.purpose = "replace the lost third key",
	                                  .made = HANDMADE_NOW};
	const char *keyids[] = {made.h.root_keys[0].keyid, made.h.root_keys[1].keyid,
	                        made.h.root_keys[2].keyid, made.fresh.keyid};
	const char *names[] = {"safe-1", "safe-2", "stick-3", "safe-4"};
	struct stp_key_description keys[4] = {0};
	struct stp_err err = STP_ERR_INIT;
	struct stp_payload payload;
	struct stp_buf chain, targets, bins, out = STP_BUF_INIT;
	char *text = made_payload_text(&made);
	char *files[3] = {handmade_dump(made.root1), handmade_dump(made.targets1),
	                  handmade_dump(made.bins1)};

	(void)state;
	assert_int_equal(made_payload_parse(&made, &payload, &err), STP_OK);
	chain = (struct stp_buf){(uint8_t *)files[0], strlen(files[0]), 0};
	targets = (struct stp_buf){(uint8_t *)files[1], strlen(files[1]), 0};
	bins = (struct stp_buf){(uint8_t *)files[2], strlen(files[2]), 0};
	input.chain = &chain;
	input.chain_count = 1;
	input.published_targets = &targets;
	input.published_bins = &bins;
	memcpy(input.base, payload.base, sizeof(input.base));
	input.bodies[STP_PAYLOAD_ROOT] = &payload.root.doc.body;
	for (size_t i = 0; i < 4; i++) {
		snprintf(keys[i].name, sizeof(keys[i].name), "%s", names[i]);
		snprintf(keys[i].object.keyid, sizeof(keys[i].object.keyid), "%s", keyids[i]);
	}
	input.keys = keys;
	input.key_count = 4;
	assert_int_equal(stp_payload_make(&input, &out, &err), STP_OK);
	assert_int_equal(out.count, strlen(text));
	assert_memory_equal(out.data, text, out.count);
	input.purpose = "two\nlines";
	assert_int_equal(stp_payload_make(&input, &out, &err), STP_CONFIG);
	for (size_t i = 0; i < 3; i++)
		free(files[i]);
	free(text);
	stp_buf_release(&out);
	stp_payload_release(&payload);
}

static void test_payload__other_forms_are_refused(void **state)
{
	char *text = made_payload_text(&made);
	size_t count = strlen(text);
	char *spaced = calloc(1, count + 3);
	char *deep = calloc(1, 200);

	(void)state;
	snprintf(spaced, count + 3, "%s ", text);
	refuses_text(spaced, STP_FORMAT, "");
	snprintf(spaced, count + 3, " %s", text);
	refuses_text(spaced, STP_FORMAT, "");
	snprintf(spaced, count + 3, "%.*s", (int)count / 2, text); /* a stick pulled too early */
	refuses_text(spaced, STP_FORMAT, "");
	refuses_text("", STP_FORMAT, "");
	refuses_text("[]", STP_FORMAT, "is not the payload of a ceremony");
	refuses_text("{\"_type\":\"root\"}", STP_FORMAT, "is not the payload of a ceremony");
	refuses_text("{\"_type\":\"stampede-ceremony\",\"format\":2}", STP_FORMAT,
	             "a format that this version cannot read");
	refuses_text("{\"_type\":\"stampede-ceremony\",\"_type\":\"stampede-ceremony\"}",
	             STP_FORMAT, "");
	memset(deep, '[', 100);
	memset(deep + 100, ']', 99);
	refuses_text(deep, STP_LIMIT, "");
	free(deep);
	free(spaced);
	free(text);
}

static void test_payload__members_are_fixed(void **state)
{
	static const char *const needed[] = {"base", "chain", "documents", "format",
	                                     "made", "names", "purpose"};

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		json_t *value = json_incref(json_object_get(made.json, needed[i]));

		json_object_del(made.json, needed[i]);
		refuses(STP_FORMAT, "");
		json_object_set_new(made.json, needed[i], value);
	}
	json_object_set_new(made.json, "extra", json_true());
	refuses(STP_FORMAT, "members that a payload does not have");
	json_object_del(made.json, "extra");
	json_object_set_new(made.json, "drill", json_false());
	refuses(STP_FORMAT, "\"drill\" is there but is not true");
	json_object_del(made.json, "drill");
	json_object_set_new(made.json, "published", json_object());
	refuses(STP_FORMAT, "\"published\"");
}

static void test_payload__texts_cannot_steer_a_terminal(void **state)
{
	static const char *const texts[] = {"", "a\tb", "\x1b[2J",
	                                    "\xe2\x80\xae"
	                                    "1-efas",
	                                    "\xc2\x9b"
	                                    "0m"};
	json_t *names = json_object_get(made.json, "names");

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int is_escaped = texts[i][0] == '\x1b'; /* not as canonical files escape it */

		json_object_set_new(made.json, "purpose", json_string(texts[i]));
		refuses(STP_FORMAT, is_escaped ? "" : "its purpose");
		json_object_set_new(made.json, "purpose", json_string("fine"));
		json_object_set_new(names, made.fresh.keyid, json_pack("{s:s}", "name", texts[i]));
		refuses(STP_FORMAT, is_escaped ? "" : "name is not of the allowed");
		json_object_set_new(names, made.fresh.keyid,
		                    json_pack("{s:s, s:s}", "name", "safe-4", "holder", texts[i]));
		refuses(STP_FORMAT, is_escaped ? "" : "a holder that is not of the allowed");
		json_object_set_new(names, made.fresh.keyid, json_pack("{s:s}", "name", "safe-4"));
	}
	json_object_set_new(names, made.fresh.keyid,
	                    json_pack("{s:s}", "name",
	                              "s\xd0\xb0"
	                              "fe-4"));
	refuses(STP_FORMAT, "name is not of the allowed");
	json_object_set_new(names, made.fresh.keyid, json_pack("{s:s}", "name", "a/b"));
	refuses(STP_FORMAT, "name is not of the allowed");
	json_object_set_new(names, made.fresh.keyid, json_pack("{s:s}", "name", "a;b"));
	refuses(STP_FORMAT, "name is not of the allowed");
	json_object_del(names, made.fresh.keyid);
	json_object_set_new(names, "ABCD", json_pack("{s:s}", "name", "safe-4"));
	refuses(STP_FORMAT, "key whose id");
}

static void test_payload__documents_have_their_names(void **state)
{
	static const char *const names[] = {"../2.root.json",   "2.root.json/..", "root.json",
	                                    "2.timestamp.json", "02.root.json",   "2.root.json ",
	                                    "0.root.json",      "2.root",         "drill.root",
	                                    "2.snapshot.json",  ".root.json",     "-2.root.json"};
	json_t *document = made_payload_document(&made, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_object_set_new(document, "name", json_string(names[i]));
		refuses(STP_FORMAT, "is not called VERSION.ROLE.json");
	}
	json_object_set_new(document, "name", json_string("3.root.json"));
	refuses(STP_FORMAT, "must be 2.root.json, one above the published one");
	json_object_set_new(document, "name", json_string("2.root.json"));
	json_object_set_new(document, "extra", json_true());
	refuses(STP_FORMAT, "has no name or no content");
	json_object_del(document, "extra");
	json_object_set_new(signed_root(), "version", json_integer(3));
	json_object_set_new(document, "name", json_string("3.root.json"));
	refuses(STP_FORMAT, "3.root.json has version 3, but must be 2.root.json");
	json_object_set_new(signed_root(), "version", json_integer(1));
	json_object_set_new(document, "name", json_string("1.root.json"));
	refuses(STP_FORMAT, "1.root.json has version 1, but must be 2.root.json");
	json_object_set_new(document, "name", json_string("2.targets.json"));
	refuses(STP_FORMAT, "");
}

static void test_payload__roles_stand_once_and_in_order(void **state)
{
	json_t *documents = json_object_get(made.json, "documents");
	json_t *targets = json_deep_copy(made.h.targets);

	(void)state;
	json_object_set_new(targets, "version", json_integer(2));
	json_array_append(documents, json_array_get(documents, 0));
	refuses(STP_FORMAT, "repeat a role");
	json_array_remove(documents, 1);
	json_array_insert_new(documents, 0,
	                      json_pack("{s:s, s:o}", "name", "2.targets.json", "signed", targets));
	refuses(STP_FORMAT, "order root, targets, bins");
	json_array_clear(documents);
	refuses(STP_FORMAT, "one to three documents");
}

static void test_payload__chain_has_every_version(void **state)
{
	json_t *chain = json_object_get(made.json, "chain");
	json_t *base = json_object_get(json_object_get(made.json, "base"), "root");

	(void)state;
	json_array_append(chain, json_array_get(chain, 0));
	refuses(STP_FORMAT, "skip or repeat");
	json_array_set_new(chain, 1, json_deep_copy(made.root1));
	json_object_set_new(json_object_get(json_array_get(chain, 1), "signed"), "version",
	                    json_integer(3));
	refuses(STP_FORMAT, "skip or repeat");
	json_array_set_new(chain, 1, json_true());
	refuses(STP_FORMAT, "cannot be read");
	json_array_remove(chain, 1);
	json_object_set_new(base, "version", json_integer(2));
	refuses(STP_FORMAT, "is not that of \"base\"");
	json_array_clear(chain);
	refuses(STP_FORMAT, "is not that of \"base\"");
}

static void test_payload__thresholds_can_be_reached(void **state)
{
	static const json_int_t wrong[] = {0, -1, 4, 9007199254740992LL, 4294967296LL};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_object_set_new(role_of_root("root"), "threshold", json_integer(wrong[i]));
		refuses(STP_FORMAT, "2.root.json in it could not be published");
		json_object_set_new(role_of_root("root"), "threshold", json_integer(2));
		json_object_set_new(role_of_root("targets"), "threshold", json_integer(wrong[i]));
		refuses(STP_FORMAT, "2.root.json in it could not be published");
		json_object_set_new(role_of_root("targets"), "threshold", json_integer(2));
	}
	/* A removal that leaves fewer keys than must sign. */
	json_array_remove(json_object_get(role_of_root("root"), "keyids"), 0);
	json_array_remove(json_object_get(role_of_root("root"), "keyids"), 0);
	refuses(STP_FORMAT, "asks for 2 signatures of 1 unique keys");
}

/* The same key twice, or under the id of another. */
static void test_payload__keys_are_what_their_ids_say(void **state)
{
	json_t *keys = json_object_get(signed_root(), "keys");
	json_t *ids = json_object_get(role_of_root("root"), "keyids");
	char upper[65];

	(void)state;
	json_array_append_new(ids, json_string(made.fresh.keyid));
	refuses(STP_FORMAT, "twice");
	json_array_remove(ids, 3);
	json_object_set(keys, made.fresh2.keyid, made.fresh.object);
	refuses(STP_FORMAT, "is not the SHA-256 of its key");
	json_object_del(keys, made.fresh2.keyid);
	for (size_t i = 0; i < 65; i++)
		upper[i] = (char)toupper((unsigned char)made.fresh.keyid[i]);
	json_object_set(keys, upper, made.fresh.object);
	refuses(STP_FORMAT, "is not the SHA-256 of its key");
	json_object_del(keys, upper);
	json_object_del(keys, made.fresh.keyid);
	refuses(STP_FORMAT, "is not among the keys");
}

static void test_payload__documents_come_with_what_judges_them(void **state)
{
	json_t *published = json_object_get(made.json, "published");
	json_t *targets = json_deep_copy(made.h.targets);
	json_t *bins = json_deep_copy(made.h.bins);

	(void)state;
	json_object_set_new(targets, "version", json_integer(2));
	json_object_set_new(bins, "version", json_integer(2));
	made_document(&made, "2.bins.json", bins);
	json_object_del(published, "bins");
	refuses(STP_FORMAT, "it lacks the published bins role");
	json_object_set_new(published, "bins", made_envelope(made.h.bins, made.h.bins_keys, 2));
	json_object_del(published, "targets");
	refuses(STP_FORMAT, "it lacks the published targets");
	json_object_set_new(published, "targets",
	                    made_envelope(made.h.targets, made.h.targets_keys, 2));
	json_object_del(json_object_get(targets, "delegations"), "roles");
	json_array_insert_new(json_object_get(made.json, "documents"), 1,
	                      json_pack("{s:s, s:o}", "name", "2.targets.json", "signed", targets));
	refuses(STP_FORMAT, "to which no targets delegate");
	json_object_set_new(json_object_get(json_object_get(made.json, "base"), "targets"),
	                    "version", json_integer(7));
	refuses(STP_FORMAT, "are not those of \"base\"");
}

static void test_payload__drill_is_no_metadata(void **state)
{
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_payload payload;
	uint8_t nonce[32] = {1};
	json_t *drill;

	(void)state;
	assert_int_equal(stp_payload_drill_body(STP_PAYLOAD_ROOT, HANDMADE_NOW, nonce, &body, &err),
	                 STP_OK);
	drill = json_loadb((char *)body.data, body.count, 0, NULL);
	json_object_set_new(made.json, "drill", json_true());
	refuses(STP_FORMAT, "it is a drill, but has a document that clients read");
	json_array_clear(json_object_get(made.json, "documents"));
	made_document(&made, "drill.root.json", drill);
	assert_int_equal(made_payload_parse(&made, &payload, &err), STP_OK);
	assert_true(payload.is_drill && !payload.has_root);
	assert_int_equal(payload.documents[0].doc->body.count, body.count);
	assert_memory_equal(payload.documents[0].doc->body.data, body.data, body.count);
	stp_payload_release(&payload);
	json_object_set_new(drill, "version", json_integer(2));
	refuses(STP_FORMAT, "is not that of a drill");
	json_object_del(drill, "version");
	json_object_set_new(drill, "role", json_string("targets"));
	refuses(STP_FORMAT, "is not that of a drill");
	json_object_set_new(drill, "role", json_string("root"));
	json_object_set_new(drill, "_type", json_string("root"));
	refuses(STP_FORMAT, "is not that of a drill");
	json_object_set_new(drill, "_type", json_string("stampede-drill"));
	json_object_del(made.json, "drill");
	refuses(STP_FORMAT, "is not that of a drill");
	stp_buf_release(&body);
}

static void test_payload__only_regular_files_are_read(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_payload payload;
	struct scratch scratch;
	char path[512];
	char *text = made_payload_text(&made);

	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "P", text, strlen(text));
	snprintf(path, sizeof(path), "%s/P", scratch.path);
	assert_int_equal(stp_payload_read(&payload, path, &err), STP_OK);
	stp_payload_release(&payload);
	assert_int_equal(symlinkat("P", scratch.fd, "link"), 0);
	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
	snprintf(path, sizeof(path), "%s/link", scratch.path);
	assert_int_equal(stp_payload_read(&payload, path, &err), STP_FORMAT);
	stp_payload_release(&payload);
	err = (struct stp_err)STP_ERR_INIT;
	snprintf(path, sizeof(path), "%s/fifo", scratch.path);
	assert_int_equal(stp_payload_read(&payload, path, &err), STP_FORMAT);
	stp_payload_release(&payload);
	err = (struct stp_err)STP_ERR_INIT;
	snprintf(path, sizeof(path), "%s/P", scratch.path);
	assert_int_equal(truncate(path, (off_t)1 << 30), 0);
	assert_int_equal(stp_payload_read(&payload, path, &err), STP_LIMIT);
	stp_payload_release(&payload);
	scratch_release(&scratch);
	free(text);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, release)
	const struct CMUnitTest tests[] = {
	    TEST(test_payload__is_read),
	    TEST(test_payload__made_is_the_same),
	    TEST(test_payload__other_forms_are_refused),
	    TEST(test_payload__members_are_fixed),
	    TEST(test_payload__texts_cannot_steer_a_terminal),
	    TEST(test_payload__documents_have_their_names),
	    TEST(test_payload__roles_stand_once_and_in_order),
	    TEST(test_payload__chain_has_every_version),
	    TEST(test_payload__thresholds_can_be_reached),
	    TEST(test_payload__keys_are_what_their_ids_say),
	    TEST(test_payload__documents_come_with_what_judges_them),
	    TEST(test_payload__drill_is_no_metadata),
	    TEST(test_payload__only_regular_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
