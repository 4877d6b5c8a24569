/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of more than 4 GiB: as one stream in chunks, and as one buffer. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/cpu.h"
#include "hash/hash.h"

#define LONG_BYTES  (((uint64_t)1 << 32) + 77)
#define CHUNK_BYTES ((size_t)256 * 1024)

static uint8_t chunk[CHUNK_BYTES];

/* libcrypto's or libsodium's digest of LONG_BYTES bytes that repeat chunk, or are all zero. */
static void expect(enum stp_alg alg, int zero, uint8_t *digest)
{
	static const uint8_t zeros[CHUNK_BYTES];
	const uint8_t *p = zero ? zeros : chunk;
	SHA256_CTX sha256;
	SHA512_CTX sha512;
	crypto_generichash_state blake2b;
	uint64_t left;

	SHA256_Init(&sha256);
	SHA512_Init(&sha512);
	crypto_generichash_init(&blake2b, NULL, 0, 32);
	for (left = LONG_BYTES; left;) {
		size_t n = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		if (alg == STP_ALG_SHA256)
			SHA256_Update(&sha256, p, n);
		else if (alg == STP_ALG_SHA512)
			SHA512_Update(&sha512, p, n);
		else
			crypto_generichash_update(&blake2b, p, n);
		left -= n;
	}
	if (alg == STP_ALG_SHA256)
		SHA256_Final(digest, &sha256);
	else if (alg == STP_ALG_SHA512)
		SHA512_Final(digest, &sha512);
	else
		crypto_generichash_final(&blake2b, digest, 32);
}

/* The same long message in several lanes at once: five are enough for the widest BLAKE2b kernel,
 * which counts bytes; SHA-2 counts them outside. */
static void check_stream(enum stp_alg alg, const uint8_t *want)
{
	enum { STREAMS = 5 };
	static struct stp_hash_stream streams[STREAMS];
	static struct stp_hash_job jobs[STREAMS];
	static uint8_t digests[STREAMS][64];
	struct stp_hasher *hasher;
	struct stp_hash_job *job;
	size_t count = alg == STP_ALG_BLAKE2B_256 ? STREAMS : 2;
	size_t i;

	assert_int_equal(stp_hasher_create(STP_ALG_BIT(alg), stp_cpu_features(), STREAMS, &hasher,
	                                   NULL),
	                 STP_OK);
	for (i = 0; i < count; i++) {
		stp_hash_stream_init(&streams[i], STP_ALG_BIT(alg));
		jobs[i] = (struct stp_hash_job){.stream = &streams[i],
		                                .data = chunk,
		                                .bytes = CHUNK_BYTES,
		                                .digests = digests[i]};
		stp_hasher_submit(hasher, &jobs[i]);
	}
	while ((job = stp_hasher_next(hasher, STP_HASHER_DRAIN))) {
		uint64_t left = LONG_BYTES - job->stream->bytes_done - job->stream->held_bytes;

		if (job->final)
			continue;
		job->final = left < CHUNK_BYTES;
		job->bytes = job->final ? (size_t)left : CHUNK_BYTES;
		stp_hasher_submit(hasher, job);
	}
	stp_hasher_destroy(hasher);
	for (i = 0; i < count; i++)
		assert_memory_equal(want, digests[i], stp_alg_digest_bytes(alg));
}

static void test_long__a_stream_over_4_gib_equals_other_libraries(void **state)
{
	uint8_t want[64];
	int alg;

	(void)state;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		expect((enum stp_alg)alg, 0, want);
		check_stream((enum stp_alg)alg, want);
	}
}

static void test_long__a_buffer_over_4_gib_equals_other_libraries(void **state)
{
	/* Pages never written are one shared page of zeros. */
	const uint8_t *zeros =
	    mmap(NULL, LONG_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t bytes = LONG_BYTES;
	uint8_t want[64];
	uint8_t got[64];
	int alg;

	(void)state;
	assert_ptr_not_equal(zeros, MAP_FAILED);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		expect((enum stp_alg)alg, 1, want);
		stp_hash_many((enum stp_alg)alg, &zeros, &bytes, 1, NULL, 0, got, 64);
		assert_memory_equal(want, got, stp_alg_digest_bytes((enum stp_alg)alg));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_long__a_stream_over_4_gib_equals_other_libraries),
	    cmocka_unit_test(test_long__a_buffer_over_4_gib_equals_other_libraries),
	};

	if (sodium_init() < 0)
		return 1;
	randombytes_buf(chunk, sizeof chunk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
