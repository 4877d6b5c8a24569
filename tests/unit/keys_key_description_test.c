/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAME.key.json: what is made is read, and of each other text it is said what is wrong with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "keys/key_description.h"

#define MADE INT64_C(1893456000) /* 2030-01-01T00:00:00Z */

static const enum stp_key_kind kinds[] = {STP_KEY_KIND_ED25519, STP_KEY_KIND_ECDSA_P256_SHA256};

/* The file of a new key as text. */
static char *made(enum stp_key_kind kind, int is_proven, struct stp_key_object *out_object)
{
	struct stp_secret_key *secret;
	struct stp_buf out = STP_BUF_INIT;

	assert_int_equal(stp_secret_key_generate(kind, &secret, NULL), STP_OK);
	*out_object = *stp_secret_key_object(secret);
	if (is_proven)
		assert_int_equal(stp_key_description_make(secret, "safe-1", "Zoë Ångström", MADE,
		                                          &out, NULL),
		                 STP_OK);
	else
		assert_int_equal(stp_key_description_make_public(out_object, "safe-1",
		                                                 "Zoë Ångström", MADE, &out, NULL),
		                 STP_OK);
	stp_secret_key_destroy(secret);
	assert_int_equal(stp_buf_append(&out, "", 1, NULL), STP_OK);
	return (char *)out.data;
}

static void what_is_made_is_read(void **state)
{
	size_t i;
	int is_proven;

	(void)state;
	for (i = 0; i < 2; i++)
		for (is_proven = 0; is_proven < 2; is_proven++) {
			struct stp_key_description read;
			struct stp_key_object object;
			char *text = made(kinds[i], is_proven, &object);

			assert_int_equal(stp_key_description_parse(text, strlen(text), "f", &read,
			                                           NULL),
			                 STP_OK);
			assert_string_equal(read.name, "safe-1");
			assert_string_equal(read.holder, "Zoë Ångström");
			assert_string_equal(read.made, "2030-01-01T00:00:00Z");
			assert_string_equal(read.object.keyid, object.keyid);
			assert_string_equal(read.object.public_text, object.public_text);
			assert_int_equal(read.is_proven, is_proven);
			free(text);
		}
}

/* --- hostile files --------------------------------------------------------------------------- */

static void refused(const char *text, size_t count, enum stp_errc code, const char *why)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_description read;
	enum stp_errc got = stp_key_description_parse(text, count, "safe-1.key.json", &read, &err);

	if (got != code || !strstr(err.text, why))
		fail_msg("%d, not %d: %s, not '%s': %s", got, code, err.text, why, text);
	assert_string_equal(err.subject, "safe-1.key.json");
}

/* text with the first from replaced by to. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	if (!at)
		fail_msg("no %s in %s", from, text);
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	return out;
}

static void refused_with(const char *text, const char *from, const char *to, enum stp_errc code,
                         const char *why)
{
	char *other = replaced(text, from, to);

	refused(other, strlen(other), code, why);
	free(other);
}

static void other_forms_are_refused(void **state)
{
	struct stp_key_object object;
	char *text = made(STP_KEY_KIND_ED25519, 1, &object);
	size_t i;

	(void)state;
	/* Members: unknown, twice, missing, in another order, of another kind. */
	refused_with(text, ",\"made\"", ",\"lade\":1,\"made\"", STP_FORMAT, "unknown");
	refused_with(text, "\"name\":", "\"name\":\"safe-1\",\"name\":", STP_FORMAT, "");
	refused_with(text, "\"format\":1,", "\"format\":1,\"format\":1,", STP_FORMAT, "");
	refused_with(text, "\"holder\":\"Zoë Ångström\",", "", STP_FORMAT, "missing");
	refused_with(text, "\"format\":1,", "", STP_FORMAT, "missing");
	refused_with(text, "\"format\":1", "\"format\":2", STP_FORMAT, "'{\"_type\"");
	refused_with(text, "stampede-key", "stampede-ceremony", STP_FORMAT, "'{\"_type\"");
	refused_with(text, ",\"scheme\":\"ed25519\"}", ",\"scheme\":\"ed25519\",\"x\":1}",
	             STP_FORMAT, "unknown");
	refused_with(text, "\"}", "\",\"x\":\"\"}", STP_FORMAT, "unknown");
	refused_with(text, "\"signatures\":[{", "\"signatures\":[1,{", STP_FORMAT, "");
	refused_with(text, "\"name\":\"safe-1\"", "\"name\":1", STP_FORMAT, "\"name\"");
	refused_with(text, "{\"signatures\"", "{ \"signatures\"", STP_FORMAT, "");
	refused_with(text, "{\"signatures\"", "\xef\xbb\xbf{\"signatures\"", STP_FORMAT, "");
	refused("", 0, STP_FORMAT, "");
	refused("{}", 2, STP_FORMAT, "is not a key file that stampede made");
	refused("[]", 2, STP_FORMAT, "is not a key file that stampede made");
	/* Cut off anywhere, and with something behind it. */
	for (i = 0; i < strlen(text); i++)
		refused(text, i, STP_FORMAT, "");
	refused(text, strlen(text) + 1, STP_FORMAT, "");
	refused_with(text, "\"name\":\"safe-1\"}}", "\"name\":\"safe-1\"}}\n", STP_FORMAT, "");
	free(text);
}

static void depth_and_size_are_limited(void **state)
{
	char *large = malloc(20000);

	(void)state;
	memset(large, '[', 20000);
	refused(large, 1000, STP_LIMIT, "");
	refused(large, 20000, STP_LIMIT, "a key file has at most 16384");
	free(large);
}

static void texts_that_mislead_are_refused(void **state)
{
	static const char *const names[] = {
	    "",
	    "safe 1",
	    "a;touch${IFS}PWNED;b",
	    "safe$1",
	    "safe*",
	    "safe'1",
	    "~safe",
	    "safe/1",
	    "..",
	    ".safe",
	    "-safe",
	    "safe\\\\1",
	    "safe\\u001b",
	    "säfe",
	    "safe\\n",
	    "safe\xe2\x80\xae",
	    "\\\"",
	    "0123456789012345678901234567890123456789012345678901234567890123x"};
	static const struct {
		const char *holder, *why;
	} holders[] = {
	    {"Zoë\\u001b[2J", "control"},
	    {"Zo\xe2\x80\xae"
	     "e",
	     "control"},
	    {"Zo\xe2\x80\x8b"
	     "e",
	     "cannot be seen"},
	    {"Zo\xef\xbb\xbf"
	     "e",
	     "cannot be seen"},
	    {"Zo\xc2\xa0"
	     "e",
	     "cannot be seen"},
	    {" Zoe", "spaces"},
	    {"Zoe ", "spaces"},
	    {"Zoe  A", "spaces"},
	    {"\xd0\x90lice", "several scripts"},   /* a Cyrillic A */
	    {"Bob \xce\x92ob", "several scripts"}, /* a Greek B */
	};
	struct stp_key_object object;
	char *text = made(STP_KEY_KIND_ED25519, 1, &object), to[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(to, sizeof(to), "\"name\":\"%s\"", names[i]);
		refused_with(text, "\"name\":\"safe-1\"", to, STP_FORMAT, "");
	}
	for (i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
		snprintf(to, sizeof(to), "\"holder\":\"%s\"", holders[i].holder);
		refused_with(text, "\"holder\":\"Zoë Ångström\"", to, STP_FORMAT, holders[i].why);
	}
	refused_with(text, "2030-01-01T", "2030-02-30T", STP_FORMAT, "\"made\"");
	refused_with(text, "2030-01-01T00:00:00Z", "2030-01-01", STP_FORMAT, "\"made\"");
	free(text);
}

static void holders_of_other_scripts_are_taken(void **state)
{
	static const char *const holders[] = {"",      "Алиса Иванова",        "山田太郎",
	                                      "Ελένη", "Alice & Bob, \"ops\"", "Алиса (Alice)",
	                                      "مريم"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
		if (stp_key_holder_problem(holders[i]))
			fail_msg("%s: %s", holders[i], stp_key_holder_problem(holders[i]));
}

/* --- the proof ------------------------------------------------------------------------------- */

static void a_wrong_proof_is_refused(void **state)
{
	struct stp_key_object object, other;
	char *text, *second, *sig, *at;
	char keyid[80], from[80];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		text = made(kinds[i], 1, &object);
		second = made(kinds[i], 1, &other);
		/* Anything that is signed was altered. */
		refused_with(text, "safe-1", "safe-2", STP_KEY, "is not signed by its own key");
		refused_with(text, "Zoë", "Zoe", STP_KEY, "is not signed by its own key");
		refused_with(text, "2030-01-01", "2030-01-02", STP_KEY, "is not signed by");
		/* A signature of another key. */
		snprintf(from, sizeof(from), "\"keyid\":\"%s\"", object.keyid);
		snprintf(keyid, sizeof(keyid), "\"keyid\":\"%s\"", other.keyid);
		refused_with(text, from, keyid, STP_KEY, "which is not the one of its key");
		/* Upper-case digits are another text of the same bytes. */
		sig = strstr(text, "\"sig\":\"") + 7;
		for (at = sig; *at != '"'; at++)
			if (*at >= 'a' && *at <= 'f') {
				*at = (char)(*at - 32);
				refused(text, strlen(text), STP_KEY,
				        "is not signed by its own key");
				*at = (char)(*at + 32);
				break;
			}
		/* One bit, one byte more, none. */
		*sig = *sig == '0' ? '1' : '0';
		refused(text, strlen(text), STP_KEY, "is not signed by its own key");
		free(text);
		text = made(kinds[i], 1, &object);
		refused_with(text, "\"}],\"signed\"", "00\"}],\"signed\"", STP_KEY,
		             "is not signed by its own key");
		free(text);
		free(second);
	}
	/* Upper-case digits in the keyid. */
	text = made(STP_KEY_KIND_ED25519, 1, &object);
	snprintf(from, sizeof(from), "\"keyid\":\"%s\"", object.keyid);
	snprintf(keyid, sizeof(keyid), "\"keyid\":\"%s\"", object.keyid);
	for (at = keyid + 9; *at; at++)
		if (*at >= 'a' && *at <= 'f')
			*at = (char)(*at - 32);
	refused_with(text, from, keyid, STP_KEY, "which is not the one of its key");
	free(text);
}

/* --- the key --------------------------------------------------------------------------------- */

static void other_encodings_of_the_key_are_refused(void **state)
{
	static const struct {
		const char *public_text, *why;
	} points[] = {
	    /* of order 1, 2, 4 and 8; y above the prime; not on the curve; upper case; short */
	    {"0100000000000000000000000000000000000000000000000000000000000000", "prime-order"},
	    {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "prime-order"},
	    {"0000000000000000000000000000000000000000000000000000000000000000", "prime-order"},
	    {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "prime-order"},
	    {"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "prime-order"},
	    {"0200000000000000000000000000000000000000000000000000000000000000", "prime-order"},
	    {"D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A", "lower-case"},
	    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751", "lower-case"},
	    {"", "lower-case"},
	};
	struct stp_key_object object;
	char *text = made(STP_KEY_KIND_ED25519, 1, &object);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		refused_with(text, object.public_text, points[i].public_text, STP_KEY,
		             points[i].why);
	refused_with(text, "\"keytype\":\"ed25519\"", "\"keytype\":\"dsa\"", STP_KEY,
	             "is not supported");
	refused_with(text, "\"scheme\":\"ed25519\"", "\"scheme\":\"ed25519ph\"", STP_KEY,
	             "is not supported");
	free(text);
	text = made(STP_KEY_KIND_ECDSA_P256_SHA256, 0, &object);
	refused_with(text, "KEY-----\\nM", "KEY-----\\r\\nM", STP_KEY, "PEM block");
	refused_with(text, "-----END PUBLIC KEY-----\\n",
	             "-----END PUBLIC KEY-----\\n-----BEGIN PUBLIC KEY-----\\n", STP_KEY,
	             "PEM block");
	refused_with(text, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", STP_KEY,
	             "is not supported");
	/* A raw line feed is of the signed bytes, not of a file; other escapes are other files. */
	refused_with(text, "\\n", "\n", STP_FORMAT, "");
	refused_with(text, "\\n", "\\u000a", STP_FORMAT, "");
	free(text);
}

static void only_regular_files_are_read(void **state)
{
	char folder[] = "/tmp/stp_description_XXXXXX", path[128];
	struct stp_key_description read;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.key.json", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stp_key_description_read(path, &read, &err), STP_FORMAT);
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(stp_key_description_read(path, &read, NULL), STP_FORMAT);
	unlink(path);
	assert_int_equal(stp_key_description_read(path, &read, NULL), STP_IO);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_made_is_read),
	    cmocka_unit_test(other_forms_are_refused),
	    cmocka_unit_test(depth_and_size_are_limited),
	    cmocka_unit_test(texts_that_mislead_are_refused),
	    cmocka_unit_test(holders_of_other_scripts_are_taken),
	    cmocka_unit_test(a_wrong_proof_is_refused),
	    cmocka_unit_test(other_encodings_of_the_key_are_refused),
	    cmocka_unit_test(only_regular_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
