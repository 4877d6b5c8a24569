/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random schedules over the hasher, every digest compared with that of the scalar reference.
 * STAMPEDE_SOAK is the number of messages (default 30,000); STAMPEDE_SEED repeats a run, whose seed
 * is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "hasher_script.h"

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void test_hasher__random_schedules_equal_the_oracle(void **state)
{
	unsigned long count = number("STAMPEDE_SOAK", 30000);
	uint64_t seed = number("STAMPEDE_SEED", randombytes_random());
	unsigned char key[randombytes_SEEDBYTES] = {0};
	uint8_t script[3000];
	size_t checked = 0;
	uint64_t i;

	(void)state;
	print_message("STAMPEDE_SEED=%llu\n", (unsigned long long)seed);
	script_text_init(seed | 1);
	for (i = 0; checked < count; i++) {
		memcpy(key, &seed, sizeof seed);
		memcpy(key + 8, &i, sizeof i);
		randombytes_buf_deterministic(script, sizeof script, key);
		script[0] = (uint8_t)i;        /* every kernel of this machine in turn */
		script[1] = (uint8_t)(i >> 3); /* … with every set */
		checked += script_play(script, 200 + script[3] * 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hasher__random_schedules_equal_the_oracle),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
