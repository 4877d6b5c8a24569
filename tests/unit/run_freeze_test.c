/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/limits.h"
#include "run/freeze.h"
#include "run/rotate/horizon.h"
#include "run/rotate/jump.h"
#include "scratch.h"

#define KEY_A "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define KEY_B "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

static const uint8_t seal_key[32] = {1};
static const uint8_t other_seal_key[32] = {2};

static struct stp_freeze made(void)
{
	struct stp_freeze freeze = {
	    .step = STP_FREEZE_BEGUN,
	    .since = 1893456000,
	    .role = "online",
	    .stolen = {KEY_A, KEY_B},
	    .stolen_count = 2,
	    .next = KEY_B,
	    .uri = "pem:keys/new.pem",
	    .above = 1483008,
	};

	return freeze;
}

static void test_freeze__what_was_saved_is_loaded(void **state)
{
	struct stp_freeze freeze = made();
	struct stp_freeze loaded;
	struct stp_err err = STP_ERR_INIT;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	assert_int_equal(stp_freeze_load(scratch.fd, seal_key, &loaded, &err), STP_OK);
	assert_int_equal(loaded.step, STP_FREEZE_NONE);
	assert_int_equal(stp_freeze_check(&loaded, &err), STP_OK);
	assert_int_equal(stp_freeze_save(scratch.fd, seal_key, &freeze, &err), STP_OK);
	assert_int_equal(stp_freeze_load(scratch.fd, seal_key, &loaded, &err), STP_OK);
	assert_memory_equal(&loaded, &freeze, sizeof(freeze));
	freeze.next[0] = freeze.uri[0] = '\0';
	memset(freeze.next, 0, sizeof(freeze.next));
	memset(freeze.uri, 0, sizeof(freeze.uri));
	assert_int_equal(stp_freeze_save(scratch.fd, seal_key, &freeze, &err), STP_OK);
	/* Without the key, for status. */
	assert_int_equal(stp_freeze_load(scratch.fd, NULL, &loaded, &err), STP_OK);
	assert_memory_equal(&loaded, &freeze, sizeof(freeze));
	assert_int_equal(stp_freeze_end(scratch.fd, &err), STP_OK);
	assert_int_equal(stp_freeze_end(scratch.fd, &err), STP_OK);
	assert_int_equal(stp_freeze_load(scratch.fd, seal_key, &loaded, &err), STP_OK);
	assert_int_equal(loaded.step, STP_FREEZE_NONE);
	scratch_release(&scratch);
}

static void test_freeze__refuses_until_the_new_keys_are_staged(void **state)
{
	struct stp_freeze freeze = made();
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_freeze_check(&freeze, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "9f86d081884c7d65"));
	assert_non_null(strstr(err.text, "stp_rotate_stolen()"));
	freeze.step = STP_FREEZE_STAGED;
	assert_int_equal(stp_freeze_check(&freeze, NULL), STP_OK);
}

/* Every byte of the file counts, and so does the key. */
static void test_freeze__an_edited_file_is_refused(void **state)
{
	struct stp_freeze freeze = made();
	struct stp_freeze loaded;
	struct stp_buf text = STP_BUF_INIT;
	struct scratch scratch;
	struct stp_err err = STP_ERR_INIT;
	size_t i;

	(void)state;
	scratch_init(&scratch);
	assert_int_equal(stp_freeze_save(scratch.fd, seal_key, &freeze, NULL), STP_OK);
	assert_int_equal(stp_freeze_load(scratch.fd, other_seal_key, &loaded, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "seal does not match"));
	assert_int_equal(stp_file_read(scratch.fd, STP_FREEZE_FILE, 4096, "t", &text, NULL),
	                 STP_OK);
	for (i = 0; i < text.count; i++) {
		text.data[i] ^= 1;
		assert_int_not_equal(stp_freeze_parse((const char *)text.data, text.count, seal_key,
		                                      &loaded, NULL),
		                     STP_OK);
		text.data[i] ^= 1;
		assert_int_not_equal(
		    stp_freeze_parse((const char *)text.data, i, seal_key, &loaded, NULL), STP_OK);
	}
	stp_buf_release(&text);
	scratch_release(&scratch);
}

static void test_jump__is_random_and_starts_at_our_own_version(void **state)
{
	uint64_t first = 0;
	uint64_t above;
	int differ = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 64; i++) {
		assert_int_equal(stp_jump_above(812, &above, NULL), STP_OK);
		assert_in_range(above, 812 + STP_JUMP_MIN, 812 + STP_JUMP_MAX - 1);
		differ |= i && above != first;
		first = above;
	}
	assert_true(differ);
}

static void test_jump__near_the_last_version_is_refused(void **state)
{
	uint64_t last = STP_VERSION_MAX - 2 * STP_JUMP_MAX;
	struct stp_err err = STP_ERR_INIT;
	uint64_t above;

	(void)state;
	assert_int_equal(stp_jump_above(last, &above, &err), STP_OK);
	assert_int_equal(stp_jump_above(last + 1, &above, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "make a new repository"));
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_jump_above(STP_VERSION_MAX, &above, &err), STP_REFUSED);
}

static void test_purge__lists_what_clients_would_request(void **state)
{
	static const struct stp_forgery forgeries[] = {
	    {.role = "timestamp", .version = 9007199254740991},
	    {.role = "bin-n-0a", .version = 77},
	    {.role = "bin-n-0a", .version = 77},
	    {.role = "../x\n%", .version = 5},
	};
	struct stp_hunt_report hunt = {.forgeries = forgeries, .forgery_count = 4};
	struct stp_buf out = STP_BUF_INIT;
	size_t count;

	(void)state;
	assert_int_equal(stp_purge_list(&hunt, 3, &out, &count, NULL), STP_OK);
	assert_int_equal(stp_buf_append(&out, "", 1, NULL), STP_OK);
	assert_string_equal((char *)out.data, "metadata/4.root.json\n"
	                                      "metadata/5...%2Fx%0A%25.json\n"
	                                      "metadata/77.bin-n-0a.json\n"
	                                      "metadata/timestamp.json\n");
	assert_int_equal(count, 4);
	stp_buf_release(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_freeze__what_was_saved_is_loaded),
	    cmocka_unit_test(test_freeze__refuses_until_the_new_keys_are_staged),
	    cmocka_unit_test(test_freeze__an_edited_file_is_refused),
	    cmocka_unit_test(test_jump__is_random_and_starts_at_our_own_version),
	    cmocka_unit_test(test_jump__near_the_last_version_is_refused),
	    cmocka_unit_test(test_purge__lists_what_clients_would_request),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
