/* SPDX-License-Identifier: Apache-2.0 */
/* state/rotation.json: what is read is what was written under the seal, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "repository.h"
#include "run/online_keys.h"
#include "run/rotation.h"

static struct repository r;
static const uint8_t seal_key[STP_SEAL_KEY_BYTES] = {1, 2, 3};
static const uint8_t other_key[STP_SEAL_KEY_BYTES] = {3, 2, 1};

static int set_up(void **state)
{
	(void)state;
	repository_init(&r, "pep458");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_release(&r);
	return 0;
}

static void fill_key(struct stp_rotation_key *key, const char *uri, char digit)
{
	snprintf(key->uri, sizeof(key->uri), "%s", uri);
	memset(key->keyid, digit, STP_KEYID_CHARS);
	key->keyid[STP_KEYID_CHARS] = '\0';
}

/* Timestamp and snapshot are rotated. */
static struct stp_rotation made(void)
{
	struct stp_rotation rotation = {.started = REPOSITORY_NOW, .overlap_seconds = 3600};
	size_t role;

	for (role = STP_ONLINE_SNAPSHOT; role <= STP_ONLINE_TIMESTAMP; role++) {
		rotation.roles[role].is_rotated = 1;
		fill_key(&rotation.roles[role].former, STP_SIGNER_DEFAULT, 'a');
		fill_key(&rotation.roles[role].next, "pem:/safe/next.pem", 'b');
	}
	return rotation;
}

static void stage(struct stp_rotation *rotation, const char *root)
{
	struct stp_rotation_document document = {"2.root.json", root, strlen(root)};
	struct stp_err err = STP_ERR_INIT;

	repository_check(
	    stp_rotation_stage(&r.repo, seal_key, rotation, &document, 1, &err) == STP_OK, &err);
}

static int code_of(const char *text, const uint8_t *key)
{
	struct stp_rotation rotation;
	struct stp_err err = STP_ERR_INIT;

	return (int)stp_rotation_parse(text, strlen(text), key, &rotation, &err);
}

static void test_run_rotation__what_was_staged_is_read_back(void **state)
{
	struct stp_rotation rotation = made();
	struct stp_rotation read;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_rotation_load(r.repo.state_fd, seal_key, &read, &err), STP_OK);
	assert_int_equal(read.phase, STP_ROTATION_NONE);
	stage(&rotation, "a root");
	assert_int_equal(stp_rotation_load(r.repo.state_fd, seal_key, &read, &err), STP_OK);
	assert_memory_equal(&read, &rotation, sizeof(read));
	assert_int_equal(read.phase, STP_ROTATION_STAGED);
	assert_string_equal(stp_rotation_root(&read)->name, "2.root.json");
	assert_false(stp_file_exists(r.repo.metadata_fd, "2.root.json"));
	assert_string_equal(stp_rotation_signer(&read, &r.config, STP_ONLINE_TIMESTAMP),
	                    STP_SIGNER_DEFAULT);
	/* Readers without the key see it as well. */
	assert_int_equal(stp_rotation_load(r.repo.state_fd, NULL, &read, &err), STP_OK);
	assert_int_equal(read.phase, STP_ROTATION_STAGED);
}

static void test_run_rotation__only_one_at_a_time(void **state)
{
	struct stp_rotation rotation = made();
	struct stp_rotation second = made();
	struct stp_rotation_document document = {"2.root.json", "other", 5};
	struct stp_err err = STP_ERR_INIT;
	struct stp_pin pin;

	(void)state;
	stage(&rotation, "a root");
	assert_int_equal(stp_rotation_stage(&r.repo, seal_key, &second, &document, 1, &err),
	                 STP_CONFIG);
	assert_non_null(strstr(err.text, "is staged, which another rotation would overtake"));
	repository_check(stp_rotation_publish_root(&r.repo, &rotation, &pin, &err) == STP_OK, &err);
	repository_check(stp_rotation_begin_overlap(&r.repo, seal_key, &rotation, REPOSITORY_NOW,
	                                            &err) == STP_OK,
	                 &err);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_rotation_stage(&r.repo, seal_key, &second, &document, 1, &err),
	                 STP_CONFIG);
	assert_non_null(strstr(err.text, "is under way until"));
	rotation.phase = STP_ROTATION_DONE;
	repository_check(stp_rotation_save(r.repo.state_fd, seal_key, &rotation, &err) == STP_OK,
	                 &err);
	stage(&second, "another root");
}

static void test_run_rotation__the_root_is_published_once(void **state)
{
	struct stp_rotation rotation = made();
	struct stp_err err = STP_ERR_INIT;
	struct stp_pin pin;
	int is_public;

	(void)state;
	stage(&rotation, "a root");
	assert_int_equal(stp_rotation_is_public(&r.repo, &rotation, &is_public, &err), STP_OK);
	assert_false(is_public);
	assert_int_equal(stp_rotation_publish_root(&r.repo, &rotation, &pin, &err), STP_OK);
	assert_int_equal(pin.version, 2);
	assert_int_equal(stp_rotation_is_public(&r.repo, &rotation, &is_public, &err), STP_OK);
	assert_true(is_public);
	assert_int_equal(stp_rotation_publish_root(&r.repo, &rotation, &pin, &err), STP_OK);
	/* Something else made a root of that version. */
	scratch_file(&r.scratch, "repo/public/metadata/2.root.json", "else", 4);
	assert_int_equal(stp_rotation_publish_root(&r.repo, &rotation, &pin, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "is not the one that the rotation has staged"));
}

static void test_run_rotation__a_staged_document_that_changed_is_refused(void **state)
{
	struct stp_rotation rotation = made();
	struct stp_err err = STP_ERR_INIT;
	struct stp_pin pin;

	(void)state;
	stage(&rotation, "a root");
	scratch_file(&r.scratch, "repo/state/staged/2.root.json", "b root", 6);
	assert_int_equal(stp_rotation_publish_root(&r.repo, &rotation, &pin, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "is not the document that was staged"));
	assert_false(stp_file_exists(r.repo.metadata_fd, "2.root.json"));
}

static void test_run_rotation__every_changed_byte_is_refused(void **state)
{
	struct stp_rotation rotation = made();
	struct stp_buf text = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	size_t i;

	(void)state;
	stage(&rotation, "a root");
	repository_check(stp_file_read(r.repo.state_fd, STP_ROTATION_FILE, 65536, "test", &text,
	                               &err) == STP_OK,
	                 &err);
	assert_int_equal(code_of((const char *)text.data, seal_key), STP_OK);
	assert_int_equal(code_of((const char *)text.data, other_key), STP_REFUSED);
	for (i = 0; i < text.count; i++) {
		uint8_t was = text.data[i];

		if (was == ' ' || was == '\n')
			continue; /* white space means nothing */
		text.data[i] ^= 1;
		assert_int_not_equal(code_of((const char *)text.data, seal_key), STP_OK);
		text.data[i] = was;
	}
	stp_buf_release(&text);
}

static void test_run_rotation__other_forms_are_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"format\":1,\"seal\":\"\"}",
	    "{\"format\":2,\"phase\":\"staged\",\"started\":\"2026-11-22T04:00:00Z\","
	    "\"overlap_seconds\":1,\"until\":null,\"roles\":{},\"staged\":[]}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(code_of(texts[i], NULL), STP_FORMAT);
}

static void test_run_rotation__only_the_key_that_was_replaced_is_wiped(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	char keyid[STP_KEYID_CHARS + 1];
	char wrong[STP_KEYID_CHARS + 1];
	int wiped;

	(void)state;
	snprintf(keyid, sizeof(keyid), "%s", stp_key_id(r.online_key));
	memset(wrong, 'a', STP_KEYID_CHARS);
	wrong[STP_KEYID_CHARS] = '\0';
	assert_int_equal(stp_online_key_wipe(&r.repo, STP_SIGNER_DEFAULT, wrong, &wiped, &err),
	                 STP_OK);
	assert_false(wiped);
	assert_true(stp_file_exists(r.repo.keys_fd, STP_ONLINE_KEY_FILE));
	assert_int_equal(stp_online_key_wipe(&r.repo, STP_SIGNER_DEFAULT, keyid, &wiped, &err),
	                 STP_OK);
	assert_true(wiped);
	assert_false(stp_file_exists(r.repo.keys_fd, STP_ONLINE_KEY_FILE));
	assert_int_equal(stp_online_key_wipe(&r.repo, STP_SIGNER_DEFAULT, keyid, &wiped, &err),
	                 STP_OK);
	assert_false(wiped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_run_rotation__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_staged_is_read_back),
	    TEST(only_one_at_a_time),
	    TEST(the_root_is_published_once),
	    TEST(a_staged_document_that_changed_is_refused),
	    TEST(every_changed_byte_is_refused),
	    TEST(other_forms_are_refused),
	    TEST(only_the_key_that_was_replaced_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
