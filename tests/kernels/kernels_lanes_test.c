/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel of the table that this CPU can run, against libsodium and libcrypto: lengths around
 * block and padding edges, every alignment, lanes that must not touch each other, guard pages.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cpu.h"
#include "hash/lanes.h"
#include "hash/message.h"

#define REGION_BYTES ((size_t)8192)

/* One region for each lane, an unreadable page before and behind it. */
static uint8_t *regions[STP_HASH_LANES_MAX];

static const size_t edges[] = {0,   1,   55,  56,  63,  64,  65,  111,  112,  119, 120,
                               127, 128, 129, 183, 191, 192, 255, 256,  257,  383, 384,
                               511, 512, 513, 639, 640, 641, 895, 1024, 4095, 8192};

static void digest_sodium(enum stp_alg alg, const uint8_t *p, size_t n, uint8_t *digest)
{
	if (alg == STP_ALG_SHA256)
		crypto_hash_sha256(digest, p, n);
	else if (alg == STP_ALG_SHA512)
		crypto_hash_sha512(digest, p, n);
	else
		crypto_generichash(digest, 32, p, n, NULL, 0);
}

static void assert_digest(enum stp_alg alg, const uint8_t *p, size_t n, const uint8_t *digest)
{
	uint8_t want[64];

	digest_sodium(alg, p, n, want);
	assert_memory_equal(want, digest, stp_alg_digest_bytes(alg));
	if (alg == STP_ALG_SHA256)
		SHA256(p, n, want);
	if (alg == STP_ALG_SHA512)
		SHA512(p, n, want);
	assert_memory_equal(want, digest, stp_alg_digest_bytes(alg));
}

/* Blocks of a message of n bytes that may be hashed before its end is known. */
static size_t body_blocks(enum stp_alg alg, size_t n)
{
	return (alg == STP_ALG_BLAKE2B_256 && n ? n - 1 : n) / stp_alg_block_bytes(alg);
}

/* Hashes n bytes at data[l] in each lane l with nothing but this kernel. */
static void hash_lanes(const struct stp_hash_kernel *kernel, const uint8_t *const *data, size_t n,
                       uint8_t digests[][64])
{
	static struct stp_hash_state state;
	uint8_t tails[STP_HASH_LANES_MAX][STP_HASH_TAIL_MAX];
	const uint8_t *tail_data[STP_HASH_LANES_MAX];
	size_t body = body_blocks(kernel->alg, n);
	size_t tail_blocks = 0;
	uint64_t words[STP_HASH_WORDS];
	unsigned lane;

	memset(&state, 0xa5, sizeof state);
	stp_message_start(kernel->alg, 0, words);
	for (lane = 0; lane < kernel->lanes; lane++)
		stp_state_put(&state, kernel, lane, words, 0, 0);
	kernel->run(&state, data, body);
	body *= stp_alg_block_bytes(kernel->alg);
	for (lane = 0; lane < kernel->lanes; lane++) {
		tail_blocks =
		    stp_message_tail(kernel->alg, data[lane] + body, n - body, n, tails[lane]);
		tail_data[lane] = tails[lane];
		stp_state_get(&state, kernel, lane, words);
		stp_state_put(&state, kernel, lane, words, (uint64_t)n - 128, ~(uint64_t)0);
	}
	kernel->run(&state, tail_data, tail_blocks);
	for (lane = 0; lane < kernel->lanes; lane++) {
		stp_state_get(&state, kernel, lane, words);
		stp_message_digest(kernel->alg, words, digests[lane]);
	}
}

/* Messages that end at the guard behind (at_end) or begin at the guard before, moved by shift. */
static void check_kernel(const struct stp_hash_kernel *kernel, size_t n, int at_end, size_t shift)
{
	const uint8_t *data[STP_HASH_LANES_MAX];
	uint8_t digests[STP_HASH_LANES_MAX][64];
	unsigned lane;

	for (lane = 0; lane < kernel->lanes; lane++) {
		/* Lanes differ in alignment too. */
		size_t move = shift ? (shift + lane * 7) % 64 : 0;

		data[lane] =
		    at_end ? regions[lane] + REGION_BYTES - n - move : regions[lane] + move;
	}
	hash_lanes(kernel, data, n, digests);
	for (lane = 0; lane < kernel->lanes; lane++)
		assert_digest(kernel->alg, data[lane], n, digests[lane]);
}

static const struct stp_hash_kernel *usable(size_t i)
{
	return stp_hash_kernels[i].features & ~stp_cpu_features() ? NULL : &stp_hash_kernels[i];
}

static void test_kernels__every_length_between_guard_pages(void **state)
{
	size_t i;
	size_t n;

	(void)state;
	for (i = 0; i < stp_hash_kernel_count; i++) {
		const struct stp_hash_kernel *kernel = usable(i);

		print_message("%s %s: %s\n", stp_alg_name(stp_hash_kernels[i].alg),
		              stp_hash_kernels[i].name, kernel ? "yes" : "not on this CPU");
		for (n = 0; kernel && n <= 700; n++) {
			check_kernel(kernel, n, 0, 0);
			check_kernel(kernel, n, 1, 0);
		}
		for (n = 0; kernel && n < sizeof edges / sizeof edges[0]; n++) {
			check_kernel(kernel, edges[n], 0, 0);
			check_kernel(kernel, edges[n], 1, 0);
		}
	}
}

static void test_kernels__every_alignment(void **state)
{
	size_t i;
	size_t n;
	size_t shift;

	(void)state;
	for (i = 0; i < stp_hash_kernel_count; i++)
		for (n = 0; usable(i) && n < sizeof edges / sizeof edges[0] - 1; n++)
			for (shift = 1; shift < 64; shift++)
				check_kernel(usable(i), edges[n], 0, shift);
}

/* Only the first lanes are live, each with its own count of blocks, as at the ragged end. */
static void check_chain(enum stp_alg alg, unsigned features, unsigned live, size_t blocks)
{
	struct stp_hash_chain chain;
	static struct stp_hash_state state;
	const uint8_t *data[STP_HASH_LANES_MAX];
	uint64_t words[STP_HASH_WORDS];
	uint64_t want[STP_HASH_WORDS];
	size_t words_bytes = alg == STP_ALG_SHA256 ? 32 : 64;
	unsigned lane;

	stp_hash_chain_init(&chain, alg, features);
	stp_message_start(alg, 0, words);
	if (live > chain.kernels[0]->lanes)
		return;
	for (lane = 0; lane < live; lane++) {
		stp_state_put(&state, chain.kernels[0], lane, words, 128 * lane, 0);
		data[lane] = regions[lane] + lane;
	}
	stp_hash_chain_run(&chain, &state, data, live, blocks);
	for (lane = 0; lane < live; lane++) {
		const struct stp_hash_kernel *oracle = stp_hash_kernel_next(NULL, alg, 0);

		stp_message_start(alg, 0, want);
		stp_message_run(oracle, want, regions[lane] + lane, blocks, 128 * lane);
		stp_state_get(&state, chain.kernels[0], lane, words);
		assert_memory_equal(want, words, words_bytes);
	}
}

static void test_lanes__any_number_of_live_lanes_equals_the_oracle(void **state)
{
	unsigned features;
	unsigned live;
	size_t blocks;
	int alg;

	(void)state;
	for (features = 0; features < 16; features++)
		for (alg = 0; alg < STP_ALG_COUNT; alg++)
			for (live = 1; live <= STP_HASH_LANES_MAX; live++)
				for (blocks = 1; blocks < 6; blocks += 2)
					check_chain((enum stp_alg)alg,
					            features & stp_cpu_features(), live, blocks);
}

static void test_table__every_algorithm_ends_with_the_oracle(void **state)
{
	const struct stp_hash_kernel *k;
	size_t i;
	int alg;

	(void)state;
	for (i = 0; i < stp_hash_kernel_count; i++) {
		assert_in_range(stp_hash_kernels[i].lanes, 1, STP_HASH_LANES_MAX);
		assert_in_range(stp_hash_kernels[i].live_min, 1, stp_hash_kernels[i].lanes);
	}
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		k = stp_hash_kernel_next(NULL, (enum stp_alg)alg, 0);
		assert_string_equal(k->name, "portable");
		assert_int_equal(k->lanes, 1);
		assert_null(stp_hash_kernel_next(k, (enum stp_alg)alg, 0));
		assert_string_equal(stp_hash_kernel_name((enum stp_alg)alg, 0), "portable");
	}
}

static int group_setup(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int lane;

	(void)state;
	if (sodium_init() < 0)
		return -1;
	for (lane = 0; lane < STP_HASH_LANES_MAX; lane++) {
		uint8_t *p = mmap(NULL, REGION_BYTES + 2 * page, PROT_NONE,
		                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED ||
		    mprotect(p + page, REGION_BYTES, PROT_READ | PROT_WRITE) != 0)
			return -1;
		regions[lane] = p + page;
		randombytes_buf(regions[lane], REGION_BYTES);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernels__every_length_between_guard_pages),
	    cmocka_unit_test(test_kernels__every_alignment),
	    cmocka_unit_test(test_lanes__any_number_of_live_lanes_equals_the_oracle),
	    cmocka_unit_test(test_table__every_algorithm_ends_with_the_oracle),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
