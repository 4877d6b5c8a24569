/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/alg.h"

#include <string.h>

static const struct {
	const char *name;
	size_t digest_bytes;
	size_t block_bytes;
} algs[STP_ALG_COUNT] = {
    [STP_ALG_SHA256] = {"sha256", 32, 64},
    [STP_ALG_SHA512] = {"sha512", 64, 128},
    [STP_ALG_BLAKE2B_256] = {"blake2b-256", 32, 128},
};

const char *stp_alg_name(enum stp_alg alg)
{
	return algs[alg].name;
}

size_t stp_alg_digest_bytes(enum stp_alg alg)
{
	return algs[alg].digest_bytes;
}

size_t stp_alg_block_bytes(enum stp_alg alg)
{
	return algs[alg].block_bytes;
}

int stp_alg_from_name(const char *name, size_t name_bytes)
{
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (strlen(algs[alg].name) == name_bytes &&
		    memcmp(algs[alg].name, name, name_bytes) == 0)
			return alg;
	return -1;
}

unsigned stp_alg_set_parse(const char *list)
{
	unsigned set = 0;

	for (;;) {
		size_t n = strcspn(list, ",");
		int alg = stp_alg_from_name(list, n);

		if (alg < 0 || (set & STP_ALG_BIT(alg)))
			return 0;
		set |= STP_ALG_BIT(alg);
		if (list[n] == '\0')
			return set;
		list += n + 1;
	}
}

size_t stp_alg_set_digest_bytes(unsigned set)
{
	size_t bytes = 0;
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (set & STP_ALG_BIT(alg))
			bytes += algs[alg].digest_bytes;
	return bytes;
}

size_t stp_alg_set_offset(unsigned set, enum stp_alg alg)
{
	return stp_alg_set_digest_bytes(set & (STP_ALG_BIT(alg) - 1));
}
