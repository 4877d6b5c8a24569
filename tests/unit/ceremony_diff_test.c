/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is changed in a document, the changes applied to the old one give the bytes of the new
 * one; and when one change is left out, they do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ceremony/diff.h"
#include "verify/document.h"

static unsigned seed;

static unsigned below(unsigned count)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % count;
}

static json_t *random_value(int depth)
{
	static const char *const strings[] = {"", "a", "b", "\xc3\xa9", "x\"y\\z", "line\nfeed"};
	json_t *value;

	switch (below(depth > 0 ? 8 : 5)) {
	case 0:
		return json_integer((json_int_t)below(4));
	case 1:
		return json_boolean(below(2));
	case 2:
		return json_null();
	case 3:
	case 4:
		return json_string(strings[below(6)]);
	case 5:
		value = json_array();
		for (unsigned i = below(4); i-- > 0;)
			json_array_append_new(value, random_value(depth - 1));
		return value;
	default:
		value = json_object();
		for (unsigned i = below(4); i-- > 0;)
			json_object_set_new(value, strings[1 + below(5)], random_value(depth - 1));
		return value;
	}
}

static json_t *document(void)
{
	return json_loads(
	    "{\"keys\":{\"k1\":{\"keytype\":\"x\",\"keyval\":{\"public\":\"1\"}},\"k2\":{}},"
	    "\"roles\":[{\"name\":\"a\",\"keyids\":[\"k1\",\"k2\"],\"threshold\":1,"
	    "\"path_hash_prefixes\":[\"0\",\"1\",\"2\"]},"
	    "{\"name\":\"b\",\"keyids\":[\"k2\"],\"threshold\":1},"
	    "{\"name\":\"c\",\"keyids\":[],\"threshold\":3}],"
	    "\"custom\":{\"deep\":{\"deeper\":[1,[2,{\"x\":[]}],{\"y\":null}]}},"
	    "\"list\":[\"p\",\"q\",\"r\"],\"version\":4}",
	    0, NULL);
}

/* One edit somewhere in value: a member or item set, removed, added, or two items swapped. */
static void edit(json_t *value)
{
	size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
	unsigned at = count ? below((unsigned)count) : 0;
	json_t *child = NULL;
	const char *name = NULL;
	void *it;

	if (json_is_object(value) && count) {
		it = json_object_iter(value);
		while (at-- > 0)
			it = json_object_iter_next(value, it);
		name = json_object_iter_key(it);
		child = json_object_iter_value(it);
	} else if (count) {
		child = json_array_get(value, at);
	}
	if ((json_is_object(child) || json_is_array(child)) && below(4)) {
		edit(child);
		return;
	}
	if (json_is_object(value)) {
		static const char *const names[] = {"new", "version", "keyids", "\xc3\xbc.[0]"};

		if (!name || !below(3))
			json_object_set_new(value, names[below(4)], random_value(3));
		else if (below(2))
			json_object_set_new(value, name, random_value(3));
		else
			json_object_del(value, name);
		return;
	}
	switch (below(4)) {
	case 0:
		json_array_insert_new(value, count ? at : 0, random_value(3));
		break;
	case 1:
		json_array_remove(value, at);
		break;
	case 2:
		if (count)
			json_array_set_new(value, at, random_value(3));
		break;
	default:
		if (count > 1) {
			json_t *first = json_incref(json_array_get(value, 0));

			json_array_remove(value, 0);
			json_array_append_new(value, first);
		}
	}
}

/* Compares, and applies with each change left out in turn, and with all. */
static void check(json_t *before, json_t *after)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_diff diff;
	int same = 0;

	assert_int_equal(stp_canonical_append(after, &body, &err), STP_OK);
	assert_int_equal(stp_diff_make(&diff, before, after, &err), STP_OK);
	assert_int_equal(diff.count == 0, json_equal(before, after));
	for (size_t i = 0; i < diff.count; i++)
		diff.items[i].is_shown = 1;
	assert_int_equal(stp_diff_rebuilds(&diff, before, &body, &same, &err), STP_OK);
	if (!same)
		fail_msg("not rebuilt: %.*s", (int)body.count, (char *)body.data);
	for (size_t i = 0; i < diff.count; i++) {
		diff.items[i].is_shown = 0;
		assert_int_equal(stp_diff_rebuilds(&diff, before, &body, &same, &err), STP_OK);
		if (same)
			fail_msg("change %zu is not needed: %.*s", i, (int)body.count,
			         (char *)body.data);
		diff.items[i].is_shown = 1;
	}
	stp_diff_release(&diff);
	stp_buf_release(&body);
}

static void test_diff__rebuilds_whatever_changed(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 6000; round++) {
		json_t *before = document();
		json_t *after = document();

		seed = round;
		for (unsigned i = below(5); i-- > 0;)
			edit(after);
		check(before, after);
		json_decref(before);
		json_decref(after);
	}
}

static void paths_are(const char *before, const char *after, const char *expected)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	json_t *old = json_loads(before, 0, NULL);
	json_t *new = json_loads(after, 0, NULL);
	struct stp_diff diff;

	assert_int_equal(stp_diff_make(&diff, old, new, &err), STP_OK);
	for (size_t i = 0; i < diff.count; i++) {
		assert_int_equal(stp_buf_append(&text, &"=-<>"[diff.items[i].op], 1, &err), STP_OK);
		assert_int_equal(stp_diff_path(&diff.items[i], &text, &err), STP_OK);
		assert_int_equal(stp_buf_append(&text, " ", 1, &err), STP_OK);
	}
	assert_int_equal(stp_buf_append(&text, "", 1, &err), STP_OK);
	assert_string_equal((char *)text.data, expected);
	stp_diff_release(&diff);
	stp_buf_release(&text);
	json_decref(old);
	json_decref(new);
}

static void test_diff__changes_are_small(void **state)
{
	(void)state;
	paths_are("{\"a\":1}", "{\"a\":2,\"b\":3}", "=a =b ");
	paths_are("{\"a\":{\"b\":[\"x\",\"y\"]}}", "{\"a\":{\"b\":[\"y\",\"z\"]}}",
	          "<a.b[0] >a.b[1] ");
	paths_are("{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"y\",\"x\"]}", "=a ");
	paths_are("{\"r\":[{\"name\":\"p\",\"t\":1},{\"name\":\"q\",\"t\":1}]}",
	          "{\"r\":[{\"name\":\"n\",\"t\":1},{\"name\":\"q\",\"t\":2}]}",
	          "<r[0] >r[0] =r[1].t ");
	paths_are("{\"a b\":1}", "{}", "-\"a b\" ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_diff__rebuilds_whatever_changed),
	    cmocka_unit_test(test_diff__changes_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
