/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/sign/keyset.h"

static void add(struct stp_keyset *set, uint8_t first)
{
	struct stp_err err = STP_ERR_INIT;
	uint8_t key[STP_KEY_BYTES] = {first};

	assert_int_equal(stp_keyset_add(set, key, &err), STP_OK);
}

static void test_keyset__ranges_that_hold_a_key(void **state)
{
	struct stp_keyset set;
	uint64_t i;

	(void)state;
	stp_keyset_init(&set);
	for (i = 0; i < 16; i++) {
		struct stp_key_range range = stp_key_range_at(i, 4);

		assert_int_equal(stp_keyset_meets(&set, &range), 0);
	}
	add(&set, 0xf3);
	add(&set, 0x10);
	add(&set, 0x5f);
	add(&set, 0x00);
	stp_keyset_seal(&set);
	assert_int_equal(stp_keyset_count(&set), 4);
	for (i = 0; i < 16; i++) {
		struct stp_key_range range = stp_key_range_at(i, 4);

		assert_int_equal(stp_keyset_meets(&set, &range),
		                 i == 0 || i == 1 || i == 5 || i == 15);
	}
	stp_keyset_clear(&set);
	assert_int_equal(stp_keyset_count(&set), 0);
	stp_keyset_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keyset__ranges_that_hold_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
