/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hash/hash.h"
#include "stampede/hasher.h"

#define COUNT 700 /* more than are hashed at once */

static void test_messages__have_the_digests_of_each_alone(void **state)
{
	static uint8_t bytes[COUNT], digests[COUNT * 3 * STP_DIGEST_BYTES_MAX];
	static struct stp_message messages[COUNT];
	unsigned sets[] = {1, 2, 4, 3, 5, 7};
	struct stp_err err = STP_ERR_INIT;
	size_t s, i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		bytes[i] = (uint8_t)(i * 7);
		messages[i] = (struct stp_message){i % 5 ? bytes : NULL, i % 5 ? i : 0};
	}
	for (s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		size_t stride = stp_alg_set_digest_bytes(sets[s]);

		assert_int_equal(stp_hash_messages(sets[s], messages, COUNT, digests, &err),
		                 STP_OK);
		for (i = 0; i < COUNT; i++)
			for (int alg = 0; alg < STP_ALG_COUNT; alg++) {
				uint8_t alone[STP_DIGEST_BYTES_MAX];

				if (!(sets[s] & STP_ALG_BIT(alg)))
					continue;
				stp_hash_one((enum stp_alg)alg, bytes, messages[i].byte_count,
				             alone);
				assert_memory_equal(alone,
				                    digests + i * stride +
				                        stp_alg_set_offset(sets[s],
				                                           (enum stp_alg)alg),
				                    stp_alg_digest_bytes((enum stp_alg)alg));
			}
	}
}

static void test_messages__of_no_algorithm_are_refused(void **state)
{
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_hash_messages(0, NULL, 0, NULL, &err), STP_CONFIG);
	err = (struct stp_err)STP_ERR_INIT;
	assert_int_equal(stp_hash_messages(8, NULL, 0, NULL, &err), STP_CONFIG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages__have_the_digests_of_each_alone),
	    cmocka_unit_test(test_messages__of_no_algorithm_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
