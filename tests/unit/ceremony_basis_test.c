/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ceremony/basis.h"
#include "made_payload.h"
#include "scratch.h"

static struct made_payload made;
static struct scratch scratch;

static int make(void **state)
{
	(void)state;
	made_payload_init(&made);
	scratch_init(&scratch);
	return 0;
}

static int release(void **state)
{
	(void)state;
	made_payload_release(&made);
	scratch_release(&scratch);
	return 0;
}

/* Checks what was made from the root file text, which may be NULL: no file. */
static enum stp_errc check(const json_t *trusted, struct stp_err *err)
{
	struct stp_payload payload;
	char path[512];
	enum stp_errc code;
	char *text = trusted ? handmade_dump(trusted) : NULL;

	*err = (struct stp_err)STP_ERR_INIT;
	if (text)
		scratch_file(&scratch, "trusted.json", text, strlen(text));
	free(text);
	snprintf(path, sizeof(path), "%s/trusted.json", scratch.path);
	if (made_payload_parse(&made, &payload, err) != STP_OK)
		fail_msg("%s", err->text);
	code = stp_basis_check(&payload, trusted ? path : NULL, err);
	stp_payload_release(&payload);
	return code;
}

static void refuses(const json_t *trusted, enum stp_errc code, const char *words)
{
	struct stp_err err;

	assert_int_equal(check(trusted, &err), code);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

/* Appends root 2, signed by keys of root 1 and its own, to the chain; builds root 3 on it. */
static json_t *lengthen(const struct handmade_key *keys, size_t count)
{
	const struct handmade_key *of_root[3] = {&made.h.root_keys[0], &made.h.root_keys[1],
	                                         &made.fresh};
	json_t *envelope;
	json_t *body = made_root(&made, 2, of_root, 3, 2);

	envelope = made_envelope(body, keys, count);
	json_decref(body);
	json_array_append_new(json_object_get(made.json, "chain"), envelope);
	json_object_set_new(json_object_get(made.json, "base"), "root", made_base(envelope, 2));
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("3.root.json"));
	json_object_set_new(made.root2, "version", json_integer(3));
	return envelope;
}

static void test_basis__a_kept_root_vouches(void **state)
{
	struct stp_err err;
	json_t *root2;

	(void)state;
	assert_int_equal(check(made.root1, &err), STP_OK);
	root2 = lengthen(made.h.root_keys, 2);
	assert_int_equal(check(made.root1, &err), STP_OK);
	assert_int_equal(check(root2, &err), STP_OK);
	/* A chain that begins after the kept root. */
	json_array_remove(json_object_get(made.json, "chain"), 0);
	assert_int_equal(check(made.root1, &err), STP_OK);
}

static void test_basis__another_root_does_not(void **state)
{
	json_t *other = json_deep_copy(made.h.root);
	json_t *envelope, *root2;

	(void)state;
	json_object_set_new(other, "version", json_integer(1));
	json_object_set_new(other, "expires", json_string("2029-01-01T00:00:00Z"));
	envelope = made_envelope(other, made.h.root_keys, 3);
	refuses(envelope, STP_REFUSED, "is not the root 1 of the payload");
	json_decref(envelope);
	/* Newer than the payload. */
	json_object_set_new(other, "version", json_integer(2));
	envelope = made_envelope(other, made.h.root_keys, 3);
	refuses(envelope, STP_REFUSED, "builds on root 1, which it replaced");
	json_decref(envelope);
	/* Signed by one key only, or by others. */
	json_object_set_new(other, "version", json_integer(1));
	envelope = made_envelope(other, made.h.root_keys, 1);
	refuses(envelope, STP_REFUSED, "is not a root that is signed by its own keys");
	json_decref(envelope);
	json_decref(other);
	refuses(made.targets1, STP_REFUSED, "is not a root that is signed by its own keys");
	/* A chain of other people that begins after the kept root. */
	root2 = lengthen(&made.h.stranger, 1);
	refuses(made.root1, STP_REFUSED, "does not follow 1.root.json");
	json_array_remove(json_object_get(made.json, "chain"), 0);
	refuses(made.root1, STP_REFUSED, "of the payload does not follow");
	(void)root2;
}

static void test_basis__a_chain_must_be_whole(void **state)
{
	json_t *first = json_incref(made.root1);
	json_t *root3, *body;
	const struct handmade_key *keys[3] = {&made.h.root_keys[0], &made.h.root_keys[1],
	                                      &made.fresh};

	(void)state;
	lengthen(made.h.root_keys, 2);
	body = made_root(&made, 3, keys, 3, 2);
	root3 = made_envelope(body, made.h.root_keys, 2);
	json_decref(body);
	json_array_append_new(json_object_get(made.json, "chain"), root3);
	json_object_set_new(json_object_get(made.json, "base"), "root", made_base(root3, 3));
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("4.root.json"));
	json_object_set_new(made.root2, "version", json_integer(4));
	json_array_remove(json_object_get(made.json, "chain"), 0);
	json_array_remove(json_object_get(made.json, "chain"), 0);
	refuses(first, STP_REFUSED, "what is between is missing");
	json_decref(first);
}

/* Only the old or only the new threshold, in a step of the chain. */
static void test_basis__each_step_needs_both_thresholds(void **state)
{
	const struct handmade_key old[2] = {made.h.root_keys[0], made.h.root_keys[2]};
	const struct handmade_key new[2] = {made.h.root_keys[0], made.fresh};

	(void)state;
	lengthen(old, 2);
	refuses(made.root1, STP_REFUSED, "does not follow 1.root.json");
	json_array_remove(json_object_get(made.json, "chain"), 1);
	lengthen(new, 2);
	refuses(made.root1, STP_REFUSED, "does not follow 1.root.json");
}

static void test_basis__published_roles_are_of_that_root(void **state)
{
	json_t *published = json_object_get(made.json, "published");

	(void)state;
	json_object_set_new(published, "bins", made_envelope(made.h.bins, made.h.targets_keys, 2));
	refuses(made.root1, STP_REFUSED, "the bins keys of the published targets");
	json_object_set_new(published, "targets",
	                    made_envelope(made.h.targets, made.h.targets_keys, 1));
	refuses(made.root1, STP_REFUSED, "the targets keys of the newest root");
}

static void test_basis__trust_is_never_the_payloads(void **state)
{
	(void)state;
	refuses(NULL, STP_CONFIG, "never from what it brings along");
	json_array_clear(json_object_get(made.json, "chain"));
	json_object_clear(json_object_get(made.json, "base"));
	json_object_del(made.json, "published");
	json_object_set_new(made_payload_document(&made, 0), "name", json_string("1.root.json"));
	json_object_set_new(made.root2, "version", json_integer(1));
	refuses(made.h.targets, STP_CONFIG, "makes the first root");
	{
		struct stp_err err;

		assert_int_equal(check(NULL, &err), STP_OK);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, release)
	const struct CMUnitTest tests[] = {
	    TEST(test_basis__a_kept_root_vouches),
	    TEST(test_basis__another_root_does_not),
	    TEST(test_basis__a_chain_must_be_whole),
	    TEST(test_basis__each_step_needs_both_thresholds),
	    TEST(test_basis__published_roles_are_of_that_root),
	    TEST(test_basis__trust_is_never_the_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
