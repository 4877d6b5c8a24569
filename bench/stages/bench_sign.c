/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What turning records into signed files costs, each beside what it replaces, in one run:
 *
 *	hex      a digest's digits                       against base/'s portable loop
 *	encode   a sorted bin → canonical bytes          GB/s of canonical bytes
 *	sign     bodies → signatures, with and without the check before publishing
 *	                                                 against crypto_sign_detached
 *	read     canonical bytes → targets               against jansson
 *
 *	bench_sign [--json] [--jobs N] [--rounds R] [--only hex|encode|sign|read]
 *
 * Nothing here waits for anything, so time is processor time (of all threads, divided by their
 * number): a busy neighbour does not count. Rounds of all contestants alternate; figures are
 *medians.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/text.h"
#include "base/thread.h"
#include "bins/bin.h"
#include "cjson/kernel.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "report.h"
#include "sign/batch.h"
#include "sign/lanes.h"
#include "stampede/alg.h"

#define ROUNDS_MAX 64
#define PATH_BYTES 156 /* PyPI's mean, engine/TUF.md, "Sizes" */

static struct {
	int json;
	size_t jobs;
	size_t rounds;
	const char *only;
} options = {0, 0, 5, NULL};

static void die(const char *what)
{
	fprintf(stderr, "bench_sign: %s\n", what);
	exit(3);
}

static void must(enum stp_errc code, const char *what)
{
	if (code != STP_OK)
		die(what);
}

/* Processor time of the whole process. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double seconds_since(uint64_t start_ns)
{
	return (double)(now_ns() - start_ns) / 1e9;
}

static int wanted(const char *name)
{
	return !options.only || strcmp(options.only, name) == 0;
}

/* ---------------------------------------------------------------- a bin like PyPI's */

static void fill_bin(struct stp_bin *bin, size_t target_count, size_t digest_bytes)
{
	uint8_t digests[64];
	char path[PATH_BYTES + 1];
	struct stp_record record = {.digests = digests, .path = path, .path_bytes = PATH_BYTES};

	stp_bin_init(bin);
	for (size_t i = 0; i < target_count; i++) {
		randombytes_buf(digests, sizeof(digests));
		memset(path, 'x', sizeof(path));
		snprintf(path, sizeof(path), "packages/%02x/%02x/%016llx", digests[0], digests[1],
		         (unsigned long long)randombytes_random() * 4294967296ULL +
		             randombytes_random());
		path[strlen(path)] = '-';
		memcpy(path + PATH_BYTES - 4, ".whl", 4);
		record.length = randombytes_uniform(5000000) + 1;
		must(stp_bin_add(bin, &record, digest_bytes, NULL), "no memory");
	}
	stp_bin_sort(bin);
}

static const char body_head[] = "{\"_type\":\"targets\",\"expires\":\"2030-01-01T00:00:00Z\","
                                "\"spec_version\":\"1.0.34\",\"targets\":{";
static const char body_tail[] = "},\"version\":7}";

/* The canonical body of a bin, malloc'ed, with envelope room around it. */
static struct stp_sign_doc make_doc(const struct stp_bin *bin, unsigned hash_set)
{
	struct stp_sign_doc doc = {.name = "7.bin-n-0000.json"};
	uint8_t *at;

	doc.body_bytes =
	    sizeof(body_head) - 1 + stp_bin_write_bytes(bin, hash_set) + sizeof(body_tail) - 1;
	doc.bytes = malloc(STP_ENVELOPE_BYTES + doc.body_bytes);
	if (!doc.bytes)
		die("no memory");
	at = stp_put_bytes(doc.bytes + STP_ENVELOPE_HEAD_BYTES, body_head, sizeof(body_head) - 1);
	at = stp_bin_write(bin, hash_set, at);
	stp_put_bytes(at, body_tail, sizeof(body_tail) - 1);
	return doc;
}

/* ---------------------------------------------------------------- hex */

static void bench_hex(void)
{
	enum { DIGESTS = 4096, LOOPS = 64 };
	static uint8_t in[DIGESTS * 64];
	static uint8_t out[DIGESTS * 128];
	double base = 0;

	randombytes_buf(in, sizeof(in));
	for (size_t k = 0; k <= stp_cjson_kernel_count; k++) {
		/* Base's loop first, then the kernels, the portable one first. */
		const struct stp_cjson_kernel *kernel =
		    k ? &stp_cjson_kernels[stp_cjson_kernel_count - k] : NULL;
		double speeds[ROUNDS_MAX];
		char name[64];
		double speed;

		if (kernel && (kernel->features & stp_cpu_features()) != kernel->features)
			continue;
		for (size_t round = 0; round < options.rounds; round++) {
			uint64_t start = now_ns();

			for (size_t i = 0; i < (size_t)LOOPS * DIGESTS; i++) {
				size_t d = i % DIGESTS;

				if (kernel)
					kernel->hex_encode(in + 64 * d, 64, out + 128 * d);
				else
					stp_hex_encode(in + 64 * d, 64, (char *)out + 128 * d);
			}
			speeds[round] = (double)LOOPS * sizeof(out) / seconds_since(start) / 1e9;
		}
		speed = stp_bench_median(speeds, options.rounds);
		base = kernel ? base : speed;
		snprintf(name, sizeof(name), "hex of a sha512, %s", kernel ? kernel->name : "base");
		stp_bench_row("sign", name, "GB/s", speed, "base", kernel ? speed / base : 0);
	}
}

/* ---------------------------------------------------------------- encode */

static void bench_encode(size_t target_count, unsigned hash_set, const char *label)
{
	enum { BINS = 16 };
	struct stp_bin bins[BINS];
	double speeds[ROUNDS_MAX];
	double sorts[ROUNDS_MAX];
	char name[96];
	size_t bytes = stp_alg_set_digest_bytes(hash_set);
	uint8_t *out;

	for (size_t b = 0; b < BINS; b++)
		fill_bin(&bins[b], target_count, bytes);
	bytes = stp_bin_write_bytes(&bins[0], hash_set);
	out = malloc(bytes * 2);
	if (!out)
		die("no memory");
	for (size_t round = 0; round < options.rounds; round++) {
		size_t written = 0;
		uint64_t start = now_ns();

		for (int loop = 0; loop < 20; loop++)
			for (size_t b = 0; b < BINS; b++)
				written += (size_t)(stp_bin_write(&bins[b], hash_set, out) - out);
		speeds[round] = (double)written / seconds_since(start) / 1e9;
		start = now_ns();
		for (size_t b = 0; b < BINS; b++) {
			/* Undo the order. */
			for (size_t i = 0; i + 1 < bins[b].count; i++) {
				size_t j = i + randombytes_uniform((uint32_t)(bins[b].count - i));
				struct stp_bin_target swap = bins[b].targets[i];

				bins[b].targets[i] = bins[b].targets[j];
				bins[b].targets[j] = swap;
			}
		}
		start = now_ns();
		for (size_t b = 0; b < BINS; b++)
			stp_bin_sort(&bins[b]);
		sorts[round] = (double)BINS * (double)target_count / seconds_since(start) / 1e6;
	}
	snprintf(name, sizeof(name), "encode a bin of %zu, %s", target_count, label);
	stp_bench_row("sign", name, "GB/s", stp_bench_median(speeds, options.rounds), "", 0);
	snprintf(name, sizeof(name), "sort a bin of %zu, %s", target_count, label);
	stp_bench_row("sign", name, "M/s", stp_bench_median(sorts, options.rounds), "", 0);
	for (size_t b = 0; b < BINS; b++)
		stp_bin_release(&bins[b]);
	free(out);
}

/* ---------------------------------------------------------------- sign */

enum signing { SODIUM, SODIUM_CHECKED, BATCH, BATCH_CHECKED, CHECK_ONLY, GROUPS, SIGNING_COUNT };

struct signing_run {
	enum signing how;
	const struct stp_key *key;
	const uint8_t *secret;     /* libsodium's form */
	struct stp_sign_doc *docs; /* doc_count per worker */
	size_t doc_count;
	struct stp_signer **signers;
};

static enum stp_errc sign_worker(void *ctx, size_t worker, struct stp_err *err)
{
	const struct signing_run *run = ctx;
	struct stp_sign_doc *docs = run->docs + worker * run->doc_count;
	struct stp_signer *signer = run->signers[worker];
	uint8_t signature[64];

	if (run->how <= SODIUM_CHECKED) {
		for (size_t i = 0; i < run->doc_count; i++) {
			const uint8_t *body = docs[i].bytes + STP_ENVELOPE_HEAD_BYTES;

			crypto_sign_detached(signature, NULL, body, docs[i].body_bytes,
			                     run->secret);
			if (run->how == SODIUM_CHECKED &&
			    crypto_sign_verify_detached(signature, body, docs[i].body_bytes,
			                                stp_key_public(run->key)) != 0)
				die("libsodium does not verify its own");
		}
		return STP_OK;
	}
	for (size_t i = 0; run->how == GROUPS && i < run->doc_count; i += 16) {
		size_t count = run->doc_count - i < 16 ? run->doc_count - i : 16;

		STP_TRY(stp_sign_batch(signer, docs + i, count, err));
		STP_TRY(stp_sign_check_batch(signer, docs + i, count, err));
	}
	if (run->how == GROUPS)
		return STP_OK;
	if (run->how != CHECK_ONLY)
		STP_TRY(stp_sign_batch(signer, docs, run->doc_count, err));
	if (run->how != BATCH)
		STP_TRY(stp_sign_check_batch(signer, docs, run->doc_count, err));
	return STP_OK;
}

static void bench_sign_bodies(size_t target_count, size_t doc_count, size_t jobs)
{
	static const char *const names[SIGNING_COUNT] = {
	    "crypto_sign_detached", "crypto_sign and verify", "batch", "batch and check",
	    "check alone",          "groups of 16 and check"};
	struct signing_run run = {.doc_count = doc_count};
	double speeds[SIGNING_COUNT][ROUNDS_MAX];
	double median[SIGNING_COUNT];
	uint8_t public_key[32];
	uint8_t secret[64];
	uint8_t seed[32] = {1};
	struct stp_key *key;
	struct stp_bin bin;
	char name[96];

	crypto_sign_seed_keypair(public_key, secret, seed);
	must(stp_key_from_seed(seed, &key, NULL), "no key");
	run.key = key;
	run.secret = secret;
	run.docs = calloc(jobs * doc_count, sizeof(*run.docs));
	run.signers = calloc(jobs, sizeof(struct stp_signer *));
	if (!run.docs || !run.signers)
		die("no memory");
	for (size_t i = 0; i < jobs * doc_count; i++) {
		/* Sizes of bins vary as a Poisson number does. */
		size_t spread = target_count / 16;
		size_t count = target_count - spread / 2 +
		               (spread ? randombytes_uniform((uint32_t)spread) : 0);

		fill_bin(&bin, count, 64);
		run.docs[i] = make_doc(&bin, STP_ALG_BIT(STP_ALG_SHA512));
		stp_bin_release(&bin);
	}
	for (size_t i = 0; i < jobs; i++)
		must(stp_lanes_create(key, stp_cpu_features(), &run.signers[i], NULL), "no signer");
	for (size_t round = 0; round < options.rounds; round++) {
		for (run.how = SODIUM; run.how < SIGNING_COUNT; run.how++) {
			uint64_t start = now_ns();

			must(stp_workers_run(jobs, "sign", sign_worker, &run, NULL, NULL),
			     "signing failed");
			speeds[run.how][round] =
			    (double)(jobs * doc_count) * (double)jobs / seconds_since(start);
		}
	}
	for (int how = SODIUM; how < SIGNING_COUNT; how++)
		median[how] = stp_bench_median(speeds[how], options.rounds);
	for (int how = SODIUM; how < SIGNING_COUNT; how++) {
		int base;

		snprintf(name, sizeof(name), "%zu KB bodies, %zu thread%s: %s",
		         run.docs[0].body_bytes / 1000, jobs, jobs == 1 ? "" : "s", names[how]);
		/* What checks is held against what checks. */
		base = how == BATCH_CHECKED || how == GROUPS ? SODIUM_CHECKED : SODIUM;
		stp_bench_row("sign", name, "files/s", median[how], names[base],
		              how ? median[how] / median[base] : 0);
	}
	for (size_t i = 0; i < jobs * doc_count; i++)
		free(run.docs[i].bytes);
	for (size_t i = 0; i < jobs; i++)
		stp_signer_destroy(run.signers[i]);
	free(run.docs);
	free(run.signers);
	stp_key_destroy(key);
}

/* ---------------------------------------------------------------- read */

enum reading { JANSSON, EVENTS, CURSOR, READING_COUNT };

/* Targets of a body by the cursor, as verify reads a bin; keys in order. */
static size_t read_targets(struct stp_cjson_cursor *c)
{
	struct stp_cjson_view path;
	struct stp_cjson_view before = {"", 0, 0};
	uint8_t digest[64];
	uint64_t length;
	size_t count = 0;

	if (!stp_cjson_expect(c, body_head, sizeof(body_head) - 1))
		return 0;
	do {
		if (!stp_cjson_take_string(c, &path) ||
		    (count && stp_cjson_key_compare(&before, &path) >= 0) ||
		    !STP_CJSON_EXPECT(c, ":{\"hashes\":{\"sha512\":") ||
		    !stp_cjson_take_hex(c, digest, 64) || !STP_CJSON_EXPECT(c, "},\"length\":") ||
		    !stp_cjson_take_u64(c, &length) || !STP_CJSON_EXPECT(c, "}"))
			return 0;
		before = path;
		count++;
	} while (STP_CJSON_EXPECT(c, ","));
	return stp_cjson_expect(c, body_tail, sizeof(body_tail) - 1) ? count : 0;
}

static void read_once(enum reading how, const struct stp_sign_doc *doc, size_t target_count)
{
	const uint8_t *body = doc->bytes + STP_ENVELOPE_HEAD_BYTES;
	struct stp_cjson_cursor cursor;
	json_t *tree;

	switch (how) {
	case JANSSON:
		tree =
		    json_loadb((const char *)body, doc->body_bytes, JSON_REJECT_DUPLICATES, NULL);
		if (!tree)
			die("jansson refuses");
		json_decref(tree);
		break;
	case EVENTS:
		must(stp_cjson_check(body, doc->body_bytes, "bench", "doc", NULL), "not canonical");
		break;
	case CURSOR:
	case READING_COUNT:
		stp_cjson_cursor_init(&cursor, body, doc->body_bytes);
		if (read_targets(&cursor) != target_count)
			die("the cursor refuses");
		break;
	}
}

static void bench_read(size_t target_count)
{
	static const char *const names[READING_COUNT] = {"jansson", "strict reader, events",
	                                                 "strict reader, cursor"};
	static const int loops[READING_COUNT] = {5, 50, 100};
	double speeds[READING_COUNT][ROUNDS_MAX];
	double median[READING_COUNT];
	struct stp_sign_doc doc;
	struct stp_bin bin;
	char name[96];

	fill_bin(&bin, target_count, 64);
	doc = make_doc(&bin, STP_ALG_BIT(STP_ALG_SHA512));
	for (size_t round = 0; round < options.rounds; round++) {
		for (int how = JANSSON; how < READING_COUNT; how++) {
			uint64_t start = now_ns();

			for (int i = 0; i < loops[how]; i++)
				read_once((enum reading)how, &doc, target_count);
			speeds[how][round] =
			    (double)doc.body_bytes * loops[how] / seconds_since(start) / 1e6;
		}
	}
	for (int how = JANSSON; how < READING_COUNT; how++) {
		median[how] = stp_bench_median(speeds[how], options.rounds);
		snprintf(name, sizeof(name), "read %zu KB: %s", doc.body_bytes / 1000, names[how]);
		stp_bench_row("sign", name, "MB/s", median[how], "jansson",
		              how ? median[how] / median[JANSSON] : 0);
	}
	free(doc.bytes);
	stp_bin_release(&bin);
}

/* ---------------------------------------------------------------- main */

static void parse_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--json") == 0) {
			options.json = 1;
			continue;
		}
		if (strcmp(argv[i], "--jobs") == 0)
			options.jobs = strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--rounds") == 0)
			options.rounds = strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--only") == 0)
			options.only = value;
		else
			die("usage: bench_sign [--json] [--jobs N] [--rounds R] [--only PART]");
		i++;
	}
	if (options.jobs == 0 || options.jobs > STP_JOBS_MAX)
		options.jobs = stp_cpu_count();
	if (options.rounds == 0 || options.rounds > ROUNDS_MAX)
		options.rounds = 5;
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	if (sodium_init() < 0)
		die("libsodium cannot start");
	if (wanted("hex"))
		bench_hex();
	if (wanted("encode")) {
		bench_encode(820, STP_ALG_BIT(STP_ALG_SHA512), "sha512");
		bench_encode(1000, STP_ALG_BIT(STP_ALG_SHA256), "sha256");
	}
	if (wanted("sign")) {
		for (size_t jobs = 1; jobs <= options.jobs;
		     jobs += options.jobs > 1 ? options.jobs - 1 : 1) {
			bench_sign_bodies(0, 4096, jobs);
			bench_sign_bodies(12, 2048, jobs);
			bench_sign_bodies(139, 512, jobs);
			bench_sign_bodies(820, 256, jobs);
		}
	}
	if (wanted("read"))
		bench_read(820);
	return stp_bench_print(options.json);
}
