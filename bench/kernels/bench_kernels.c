/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kernels [--json] [--rounds N] [--only TEXT]: GB/s of one core, every kernel beside
 * libsodium and libcrypto.
 *
 * Cases take turns, a few milliseconds each, for N rounds; a ratio is taken within its round, so
 * that a neighbour on the same machine slows both sides; time is this thread's processor time.
 * Medians of all rounds are printed. --only takes the cases whose name begins with TEXT.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "hash/hash.h"
#include "hash/kernel.h"
#include "report.h"

#define SLICE_NS   2000000
#define ROUNDS_MAX 201
#define CASES_MAX  64
#define LANE_BYTES (16 * 1024) /* 16 lanes stay in a second-level cache */
#define BUFFER     (4 << 20)

struct bench_case;
typedef double bench_fn(const struct bench_case *c); /* units of work done by one call */

struct bench_case {
	char name[64];
	const char *unit;
	enum stp_alg alg;
	bench_fn *fn;
	const struct stp_hash_kernel *kernel;
	unsigned set;
	unsigned features;
	size_t message_bytes; /* of short and large messages */
	size_t count;
	int keyed;
	int small;
	int reference;      /* index of libsodium's row, -1: none */
	int libcrypto;      /* index of libcrypto's row, -1: none */
	double *per_second; /* one value a round */
};

static struct bench_case cases[CASES_MAX];
static size_t case_count;
static uint8_t *buffer;

static double run_kernel(const struct bench_case *c)
{
	static struct stp_hash_state state;
	const uint8_t *data[STP_HASH_LANES_MAX];
	unsigned lane;

	for (lane = 0; lane < STP_HASH_LANES_MAX; lane++)
		data[lane] = buffer + lane * LANE_BYTES;
	c->kernel->run(&state, data, LANE_BYTES / stp_alg_block_bytes(c->alg));
	return 1e-9 * LANE_BYTES * c->kernel->lanes;
}

/* Message i of a case: lengths spread 25 % around the middle, as paths and bins do. */
static size_t message_bytes(const struct bench_case *c, size_t i)
{
	return c->message_bytes * (75 + i * 7 % 51) / 100;
}

static void hash_sodium(const struct bench_case *c, const uint8_t *p, size_t bytes, uint8_t *digest)
{
	static const uint8_t key[32] = {1};

	switch (c->alg) {
	case STP_ALG_SHA256:
		crypto_hash_sha256(digest, p, bytes);
		break;
	case STP_ALG_SHA512:
		crypto_hash_sha512(digest, p, bytes);
		break;
	default:
		crypto_generichash(digest, 32, p, bytes, c->keyed ? key : NULL, c->keyed ? 32 : 0);
	}
}

static double work_of(const struct bench_case *c, size_t count, size_t bytes)
{
	return strcmp(c->unit, "GB/s") == 0 ? 1e-9 * (double)bytes : 1e-6 * (double)count;
}

static double run_sodium(const struct bench_case *c)
{
	uint8_t digest[64];
	size_t bytes = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		hash_sodium(c, buffer + i * c->message_bytes % BUFFER, message_bytes(c, i), digest);
		bytes += message_bytes(c, i);
	}
	return work_of(c, c->count, bytes);
}

static double run_libcrypto(const struct bench_case *c)
{
	uint8_t digest[64];
	size_t bytes = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		const uint8_t *p = buffer + i * c->message_bytes % BUFFER;

		if (c->alg == STP_ALG_SHA256)
			SHA256(p, message_bytes(c, i), digest);
		else
			SHA512(p, message_bytes(c, i), digest);
		bytes += message_bytes(c, i);
	}
	return work_of(c, c->count, bytes);
}

static double run_many(const struct bench_case *c)
{
	static const uint8_t key[32] = {1};
	static const uint8_t *messages[4096];
	static size_t lengths[4096];
	static uint8_t digests[4096 * 64];
	size_t bytes = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		messages[i] = buffer + i * c->message_bytes % BUFFER;
		lengths[i] = message_bytes(c, i);
		bytes += lengths[i];
	}
	stp_hash_many(c->alg, messages, lengths, c->count, c->keyed ? key : NULL,
	              c->keyed ? sizeof key : 0, digests, 64);
	return work_of(c, c->count, bytes);
}

/* Files of 1 to 16 KiB, or of 1 to 128 KiB, in pieces of 64 KiB at most, 64 in flight. */
static double run_hasher(const struct bench_case *c)
{
	enum { FILES = 480, FLIGHT = 64, PIECE = 64 * 1024 };
	static struct stp_hash_stream streams[FILES];
	static struct stp_hash_job jobs[FILES];
	static uint8_t digests[FILES][160];
	static size_t left[FILES];
	struct stp_hasher *hasher;
	struct stp_hash_job *job;
	size_t bytes = 0;
	size_t next = 0;

	if (stp_hasher_create(c->set, c->features, FLIGHT, &hasher, NULL) != STP_OK)
		abort();
	for (;;) {
		while (next < FILES && stp_hasher_in_flight(hasher) < FLIGHT) {
			size_t i = next++;

			left[i] = (size_t)1024 << (i * 5 % (c->small ? 4 : 8));
			left[i] += i * 37;
			bytes += left[i];
			stp_hash_stream_init(&streams[i], c->set);
			jobs[i] = (struct stp_hash_job){.stream = &streams[i],
			                                .data = buffer + i * 4096,
			                                .bytes = left[i] < PIECE ? left[i] : PIECE,
			                                .final = left[i] <= PIECE,
			                                .digests = digests[i]};
			stp_hasher_submit(hasher, &jobs[i]);
		}
		job = stp_hasher_next(hasher, next < FILES ? STP_HASHER_FED : STP_HASHER_DRAIN);
		if (!job)
			break;
		if (!job->final) {
			size_t i = (size_t)(job - jobs);

			left[i] -= job->bytes;
			job->bytes = left[i] < PIECE ? left[i] : PIECE;
			job->final = left[i] <= PIECE;
			stp_hasher_submit(hasher, job);
		}
	}
	stp_hasher_destroy(hasher);
	return 1e-9 * (double)bytes;
}

static struct bench_case *add(const char *name, const char *unit, enum stp_alg alg, bench_fn *fn,
                              int reference, int libcrypto)
{
	struct bench_case *c = &cases[case_count++];

	if (case_count > CASES_MAX)
		abort();
	snprintf(c->name, sizeof c->name, "%s", name);
	c->unit = unit;
	c->alg = alg;
	c->fn = fn;
	c->reference = reference;
	c->libcrypto = libcrypto;
	return c;
}

/* The same messages through libsodium, libcrypto and stp_hash_many(). */
static void add_messages(const char *what, const char *unit, enum stp_alg alg, size_t bytes,
                         size_t count, int keyed)
{
	int first = (int)case_count;
	int libcrypto = alg == STP_ALG_BLAKE2B_256 ? -1 : first + 1;
	char name[64];
	struct bench_case *c;
	size_t i;

	snprintf(name, sizeof name, "%s libsodium", what);
	add(name, unit, alg, run_sodium, -1, -1);
	if (libcrypto >= 0) {
		snprintf(name, sizeof name, "%s libcrypto", what);
		add(name, unit, alg, run_libcrypto, first, -1);
	}
	snprintf(name, sizeof name, "%s stp_hash_many", what);
	c = add(name, unit, alg, run_many, first, libcrypto);
	for (i = (size_t)first; i <= (size_t)(c - cases); i++) {
		cases[i].message_bytes = bytes;
		cases[i].count = count;
		cases[i].keyed = keyed;
	}
}

static void add_kernels(enum stp_alg alg)
{
	const struct stp_hash_kernel *k = NULL;
	int first = (int)case_count;
	int libcrypto = alg == STP_ALG_BLAKE2B_256 ? -1 : first + 1;
	char name[64];
	struct bench_case *c;

	snprintf(name, sizeof name, "%s libsodium", stp_alg_name(alg));
	c = add(name, "GB/s", alg, run_sodium, -1, -1);
	c->message_bytes = LANE_BYTES * 4;
	c->count = 4;
	if (libcrypto >= 0) {
		snprintf(name, sizeof name, "%s libcrypto SHA%d()", stp_alg_name(alg),
		         alg == STP_ALG_SHA256 ? 256 : 512);
		c = add(name, "GB/s", alg, run_libcrypto, first, -1);
		c->message_bytes = LANE_BYTES * 4;
		c->count = 4;
	}
	while ((k = stp_hash_kernel_next(k, alg, stp_cpu_features()))) {
		snprintf(name, sizeof name, "%s %s", stp_alg_name(alg), k->name);
		add(name, "GB/s", alg, run_kernel, first, libcrypto)->kernel = k;
	}
}

static void add_hasher(const char *name, unsigned set, int small)
{
	struct bench_case *c = add(name, "GB/s", STP_ALG_SHA256, run_hasher, -1, -1);

	c->set = set;
	c->small = small;
	c->features = stp_cpu_features();
}

static void add_all(void)
{
	add_kernels(STP_ALG_SHA256);
	add_kernels(STP_ALG_SHA512);
	add_kernels(STP_ALG_BLAKE2B_256);
	add_messages("sha256 of 4,096 paths of 96-160 B", "M/s", STP_ALG_SHA256, 128, 4096, 0);
	add_messages("sha256 of 256 paths of 96-160 B", "M/s", STP_ALG_SHA256, 128, 256, 0);
	add_messages("sha512 of 8 bins of 225-375 KB", "GB/s", STP_ALG_SHA512, 300000, 8, 0);
	add_messages("sha512 of 64 bins of 225-375 KB", "GB/s", STP_ALG_SHA512, 300000, 64, 0);
	add_messages("keyed blake2b of 32 blocks of 64 KiB", "GB/s", STP_ALG_BLAKE2B_256, 65536, 32,
	             1);
	add_hasher("hasher sha256", STP_ALG_BIT(STP_ALG_SHA256), 0);
	add_hasher("hasher sha512", STP_ALG_BIT(STP_ALG_SHA512), 0);
	add_hasher("hasher blake2b-256", STP_ALG_BIT(STP_ALG_BLAKE2B_256), 0);
	add_hasher("hasher sha256,sha512", 3, 0);
	add_hasher("hasher sha256, files of 1-16 KiB", STP_ALG_BIT(STP_ALG_SHA256), 1);
	add_hasher("hasher sha512, files of 1-16 KiB", STP_ALG_BIT(STP_ALG_SHA512), 1);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double measure(const struct bench_case *c)
{
	uint64_t start = cpu_ns();
	uint64_t now;
	double done = 0;

	do {
		done += c->fn(c);
		now = cpu_ns();
	} while (now - start < SLICE_NS);
	return done / (1e-9 * (double)(now - start));
}

static int selected(const struct bench_case *c, const char *only)
{
	return !only || strncmp(c->name, only, strlen(only)) == 0;
}

static double ratio(const struct bench_case *c, int to, size_t rounds)
{
	double ratios[ROUNDS_MAX];
	size_t r;

	for (r = 0; r < rounds; r++)
		ratios[r] = c->per_second[r] / cases[to].per_second[r];
	return stp_bench_median(ratios, rounds);
}

static void report(size_t rounds, const char *only)
{
	double values[ROUNDS_MAX];
	size_t i;

	for (i = 0; i < case_count; i++) {
		struct bench_case *c = &cases[i];
		double median;

		if (!selected(c, only))
			continue;
		memcpy(values, c->per_second, rounds * sizeof *values);
		median = stp_bench_median(values, rounds);
		if (c->libcrypto >= 0)
			stp_bench_row("kernels", c->name, c->unit, median, "libcrypto",
			              ratio(c, c->libcrypto, rounds));
		if (c->reference >= 0 || c->libcrypto < 0)
			stp_bench_row("kernels", c->name, c->unit, median,
			              c->reference >= 0 ? "libsodium" : "",
			              c->reference >= 0 ? ratio(c, c->reference, rounds) : 0);
	}
}

int main(int argc, char **argv)
{
	size_t rounds = 25;
	const char *only = NULL;
	int json = 0;
	size_t r;
	size_t i;
	int a;

	for (a = 1; a < argc; a++) {
		if (strcmp(argv[a], "--json") == 0) {
			json = 1;
		} else if (strcmp(argv[a], "--rounds") == 0 && a + 1 < argc) {
			rounds = strtoul(argv[++a], NULL, 10);
		} else if (strcmp(argv[a], "--only") == 0 && a + 1 < argc) {
			only = argv[++a];
		} else {
			fprintf(stderr,
			        "usage: bench_kernels [--json] [--rounds N] [--only TEXT]\n");
			return 2;
		}
	}
	buffer = malloc(2 * BUFFER);
	if (rounds < 1 || rounds > ROUNDS_MAX || sodium_init() < 0 || !buffer)
		return 2;
	randombytes_buf_deterministic(buffer, 2 * BUFFER,
	                              (const unsigned char[randombytes_SEEDBYTES]){0});
	add_all();
	for (i = 0; i < case_count; i++)
		cases[i].per_second = calloc(rounds, sizeof(double));
	for (r = 0; r < rounds; r++)
		for (i = 0; i < case_count; i++)
			if (selected(&cases[i], only))
				cases[i].per_second[r] = measure(&cases[i]);
	report(rounds, only);
	return stp_bench_print(json);
}
