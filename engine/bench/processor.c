/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processors and the memory can do, without any file: each hash kernel on one core, the
 * best ones on 1, 2, 4 … all; reading and copying memory; bins encoded, documents signed.
 *
 * Every rate counts bytes of the message or document, not passes over it: signing and checking a
 * document hash it three times, and the rate is that of documents.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cpu.h"
#include "bench/bench.h"
#include "bench/corpus.h"
#include "bins/bin.h"
#include "hash/kernel.h"
#include "keys/keys.h"
#include "sign/batch.h"
#include "sign/lanes.h"

/* Message bytes per lane and kernel call: two such buffers per lane stay within L2 for 16 lanes of
 * 32 KiB, as the hash stage's pieces do. */
#define LANE_BYTES ((size_t)32 << 10)
/* Far beyond any cache of one core's share. */
#define MEMORY_BYTES ((size_t)64 << 20)
/* 2.27 million targets in 16,384 bins: 139 each (PEP 458). */
#define BIN_TARGETS 139
#define SIGN_BATCH  16

/* --- kernels --------------------------------------------------------------------------------- */

struct kernel_state {
	struct stp_hash_state state; /* first: it is aligned to a cache line */
	const struct stp_hash_kernel *kernel;
	uint8_t *data;
};

static enum stp_errc kernel_prepare(void *ctx, size_t index, void **out, struct stp_err *err)
{
	struct kernel_state *state = aligned_alloc(64, (sizeof(*state) + 63) / 64 * 64);
	const struct stp_hash_kernel *kernel = ctx;

	if (state)
		state->data = aligned_alloc(64, LANE_BYTES * kernel->lanes);
	if (!state || !state->data) {
		free(state);
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for a kernel");
	}
	memset(&state->state, 0, sizeof(state->state));
	state->kernel = kernel;
	stp_corpus_noise(index, state->data, LANE_BYTES * kernel->lanes);
	*out = state;
	return STP_OK;
}

static enum stp_errc kernel_work(void *ctx, double *amount, struct stp_err *err)
{
	struct kernel_state *state = ctx;
	const struct stp_hash_kernel *kernel = state->kernel;
	const uint8_t *lanes[STP_HASH_LANES_MAX];
	unsigned i;

	(void)err;
	for (i = 0; i < kernel->lanes; i++)
		lanes[i] = state->data + i * LANE_BYTES;
	kernel->run(&state->state, lanes, LANE_BYTES / stp_alg_block_bytes(kernel->alg));
	*amount += (double)(LANE_BYTES * kernel->lanes);
	return STP_OK;
}

static void kernel_release(void *ctx)
{
	struct kernel_state *state = ctx;

	free(state->data);
	free(state);
}

static enum stp_errc measure_kernel(struct stp_bench *bench, const struct stp_hash_kernel *kernel,
                                    size_t threads, double seconds, struct stp_rate *out,
                                    struct stp_err *err)
{
	struct stp_bench_task task = {kernel_prepare, kernel_work, kernel_release,
	                              (void *)(uintptr_t)kernel};

	return stp_rate_measure(&task, threads, seconds, bench->cancel, out, err);
}

/* Every kernel this processor can run, on one core. */
static enum stp_errc measure_kernels(struct stp_bench *bench, struct stp_err *err)
{
	unsigned features = stp_cpu_features();
	json_t *array = json_array();
	enum stp_errc code = STP_OK;
	size_t i;

	stp_bench_stage(bench, "kernels");
	for (i = 0; i < stp_hash_kernel_count && code == STP_OK; i++) {
		const struct stp_hash_kernel *kernel = &stp_hash_kernels[i];
		struct stp_rate rate;

		if (kernel->features & ~features)
			continue;
		code = measure_kernel(bench, kernel, 1, stp_bench_share(bench, 0.0035), &rate, err);
		if (code != STP_OK)
			break;
		json_array_append_new(
		    array,
		    json_pack("{s:s,s:s,s:i,s:b,s:o}", "algorithm", stp_alg_name(kernel->alg),
		              "kernel", kernel->name, "lanes", (int)kernel->lanes, "in_use",
		              kernel == stp_hash_kernel_next(NULL, kernel->alg, features),
		              "bytes_per_second",
		              stp_bench_rate(bench, &rate, "hash kernel %s %s",
		                             stp_alg_name(kernel->alg), kernel->name)));
	}
	stp_bench_set(bench, "kernels", array);
	return code;
}

/* --- curves ---------------------------------------------------------------------------------- */

static void add_point(json_t *points, size_t threads, json_t *rate)
{
	json_array_append_new(points, json_pack("{s:I,s:o}", "threads", (json_int_t)threads,
	                                        "bytes_per_second", rate));
}

/* Measures task on each thread count of the curve. */
static enum stp_errc measure_curve(struct stp_bench *bench, const struct stp_bench_task *task,
                                   const char *name, double share, json_t *points,
                                   struct stp_err *err)
{
	size_t threads[STP_BENCH_CURVE_MAX];
	size_t count = stp_bench_curve(bench, threads);
	size_t i;

	for (i = 0; i < count; i++) {
		struct stp_rate rate;

		STP_TRY(stp_rate_measure(task, threads[i],
		                         stp_bench_share(bench, share) / (double)count,
		                         bench->cancel, &rate, err));
		add_point(points, threads[i],
		          stp_bench_rate(bench, &rate, "%s, threads: %zu", name, threads[i]));
	}
	return STP_OK;
}

static enum stp_errc measure_scaling(struct stp_bench *bench, struct stp_err *err)
{
	json_t *array = json_array();
	enum stp_errc code = STP_OK;
	int alg;

	stp_bench_stage(bench, "scaling");
	for (alg = 0; alg < STP_ALG_COUNT && code == STP_OK; alg++) {
		const struct stp_hash_kernel *kernel =
		    stp_hash_kernel_next(NULL, (enum stp_alg)alg, stp_cpu_features());
		struct stp_bench_task task = {kernel_prepare, kernel_work, kernel_release,
		                              (void *)(uintptr_t)kernel};
		json_t *points = json_array();

		code = measure_curve(bench, &task, stp_alg_name(kernel->alg), 0.02, points, err);
		json_array_append_new(array, json_pack("{s:s,s:s,s:o}", "algorithm",
		                                       stp_alg_name(kernel->alg), "kernel",
		                                       kernel->name, "points", points));
	}
	stp_bench_set(bench, "scaling", array);
	return code;
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum stp_errc memory_prepare(void *ctx, size_t index, void **out, struct stp_err *err)
{
	uint8_t *map =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	if (map == MAP_FAILED)
		return STP_FAIL_SYS(err, "bench", NULL, "no memory to measure");
	memset(map, (int)index + 1, MEMORY_BYTES);
	*out = map;
	return STP_OK;
}

static enum stp_errc memory_read_work(void *state, double *amount, struct stp_err *err)
{
	const uint64_t *words = state;
	uint64_t sum[4] = {0};
	size_t i;

	(void)err;
	for (i = 0; i < MEMORY_BYTES / 8; i += 4) {
		sum[0] += words[i];
		sum[1] += words[i + 1];
		sum[2] += words[i + 2];
		sum[3] += words[i + 3];
	}
	/* Keeps the sums, so that the loop is not optimised away. */
	__asm__ volatile("" ::"r"(sum[0] + sum[1] + sum[2] + sum[3]));
	*amount += (double)MEMORY_BYTES;
	return STP_OK;
}

static enum stp_errc memory_copy_work(void *state, double *amount, struct stp_err *err)
{
	uint8_t *bytes = state;
	const size_t half = MEMORY_BYTES / 2;

	(void)err;
	memcpy(bytes, bytes + half, half);
	__asm__ volatile("" ::"r"(bytes) : "memory");
	*amount += (double)half;
	return STP_OK;
}

static void memory_release(void *state)
{
	munmap(state, MEMORY_BYTES);
}

static enum stp_errc measure_memory(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_bench_task read_task = {memory_prepare, memory_read_work, memory_release, NULL};
	struct stp_bench_task copy_task = {memory_prepare, memory_copy_work, memory_release, NULL};
	json_t *read_points = json_array();
	json_t *copy_points = json_array();
	enum stp_errc code;

	stp_bench_stage(bench, "memory");
	code = measure_curve(bench, &read_task, "reading memory", 0.02, read_points, err);
	if (code == STP_OK)
		code = measure_curve(bench, &copy_task, "copying memory", 0.02, copy_points, err);
	stp_bench_set(bench, "memory",
	              json_pack("{s:o,s:o}", "read", read_points, "copy", copy_points));
	return code;
}

/* --- encoding -------------------------------------------------------------------------------- */

struct encode_state {
	struct stp_bin bin;
	uint8_t *out;
	size_t out_bytes;
	uint8_t digests[BIN_TARGETS * 64];
	char paths[BIN_TARGETS][STP_CORPUS_PATH_BYTES];
};

/* Fills the bin as a run does: path and digests copied. */
static enum stp_errc encode_fill(struct encode_state *state, struct stp_err *err)
{
	size_t i;

	stp_bin_reset(&state->bin);
	for (i = 0; i < BIN_TARGETS; i++) {
		struct stp_record record = {
		    .length = 123456,
		    .digests = state->digests + 64 * i,
		    .path = state->paths[i],
		    .path_bytes = (uint16_t)strlen(state->paths[i]),
		    .flags = STP_RECORD_DIGESTS,
		};

		STP_TRY(stp_bin_add(&state->bin, &record, 64, err));
	}
	stp_bin_sort(&state->bin);
	return STP_OK;
}

static void encode_release(void *ctx)
{
	struct encode_state *state = ctx;

	stp_bin_release(&state->bin);
	free(state->out);
	free(state);
}

static enum stp_errc encode_prepare(void *ctx, size_t index, void **out, struct stp_err *err)
{
	struct encode_state *state = calloc(1, sizeof(*state));
	enum stp_errc code;
	size_t i;

	(void)ctx;
	if (!state)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for a bin");
	stp_bin_init(&state->bin);
	stp_corpus_noise(index, state->digests, sizeof(state->digests));
	for (i = 0; i < BIN_TARGETS; i++)
		stp_corpus_path(index * BIN_TARGETS + i, state->paths[i]);
	code = encode_fill(state, err);
	if (code == STP_OK) {
		state->out_bytes = stp_bin_write_bytes(&state->bin, STP_ALG_BIT(STP_ALG_SHA512));
		state->out = malloc(state->out_bytes + 64);
		if (!state->out)
			code = STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for a bin");
	}
	if (code != STP_OK) {
		encode_release(state);
		return code;
	}
	*out = state;
	return STP_OK;
}

static enum stp_errc encode_work(void *ctx, double *amount, struct stp_err *err)
{
	struct encode_state *state = ctx;

	STP_TRY(encode_fill(state, err));
	stp_bin_write(&state->bin, STP_ALG_BIT(STP_ALG_SHA512), state->out);
	*amount += (double)state->out_bytes;
	return STP_OK;
}

/* --- signing --------------------------------------------------------------------------------- */

struct sign_ctx {
	const struct stp_key *key;
	size_t document_bytes;
};

struct sign_state {
	struct stp_signer *signer;
	struct stp_sign_doc docs[SIGN_BATCH];
	size_t document_bytes;
	uint8_t *bytes;
};

static enum stp_errc sign_prepare(void *ctx, size_t index, void **out, struct stp_err *err)
{
	const struct sign_ctx *with = ctx;
	size_t each = STP_ENVELOPE_BYTES + with->document_bytes;
	struct sign_state *state = calloc(1, sizeof(*state));
	enum stp_errc code = STP_OK;
	size_t i;

	if (state)
		state->bytes = malloc(SIGN_BATCH * each);
	if (!state || !state->bytes)
		code = STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for documents");
	else
		code = stp_lanes_create(with->key, stp_cpu_features(), &state->signer, err);
	if (code != STP_OK) {
		free(state ? state->bytes : NULL);
		free(state);
		return code;
	}
	stp_corpus_noise(index, state->bytes, SIGN_BATCH * each);
	state->document_bytes = with->document_bytes;
	for (i = 0; i < SIGN_BATCH; i++) {
		state->docs[i].name = "bench";
		state->docs[i].bytes = state->bytes + i * each;
		state->docs[i].body_bytes = with->document_bytes;
	}
	*out = state;
	return STP_OK;
}

static enum stp_errc sign_work(void *ctx, double *amount, struct stp_err *err)
{
	struct sign_state *state = ctx;

	STP_TRY(stp_sign_batch(state->signer, state->docs, SIGN_BATCH, err));
	STP_TRY(stp_sign_check_batch(state->signer, state->docs, SIGN_BATCH, err));
	*amount += (double)(SIGN_BATCH * state->document_bytes);
	return STP_OK;
}

static void sign_release(void *ctx)
{
	struct sign_state *state = ctx;

	stp_signer_destroy(state->signer);
	free(state->bytes);
	free(state);
}

/* Documents of one size: on one core and on all. */
static enum stp_errc measure_sign_size(struct stp_bench *bench, struct sign_ctx *ctx, json_t *array,
                                       struct stp_err *err)
{
	struct stp_bench_task task = {sign_prepare, sign_work, sign_release, ctx};
	double seconds = stp_bench_share(bench, 0.005);
	struct stp_rate one;
	struct stp_rate all;

	STP_TRY(stp_rate_measure(&task, 1, seconds, bench->cancel, &one, err));
	STP_TRY(stp_rate_measure(&task, bench->cpu_count, seconds, bench->cancel, &all, err));
	json_array_append_new(
	    array,
	    json_pack("{s:I,s:o,s:o}", "document_bytes", (json_int_t)ctx->document_bytes,
	              "bytes_per_second_core",
	              stp_bench_rate(bench, &one, "signing documents of %zu bytes",
	                             ctx->document_bytes),
	              "bytes_per_second",
	              stp_bench_rate(bench, &all, "signing documents of %zu bytes on all cores",
	                             ctx->document_bytes)));
	return STP_OK;
}

/* An empty bin, one of 139 targets (2.27 million in 16,384) and one of 1,220 (20 million). */
static enum stp_errc measure_signing(struct stp_bench *bench, struct stp_err *err)
{
	static const size_t sizes[] = {341, 45000, 400000};
	static const uint8_t seed[STP_KEY_SEED_BYTES] = {1};
	struct stp_key *key;
	json_t *array = json_array();
	enum stp_errc code;
	size_t i;

	stp_bench_stage(bench, "signing");
	stp_bench_set(bench, "sign", array);
	STP_TRY(stp_key_from_seed(seed, &key, err));
	for (i = 0, code = STP_OK; i < sizeof(sizes) / sizeof(sizes[0]) && code == STP_OK; i++) {
		struct sign_ctx ctx = {key, sizes[i]};

		code = measure_sign_size(bench, &ctx, array, err);
	}
	stp_key_destroy(key);
	return code;
}

static enum stp_errc measure_encoding(struct stp_bench *bench, struct stp_err *err)
{
	struct stp_bench_task task = {encode_prepare, encode_work, encode_release, NULL};
	double seconds = stp_bench_share(bench, 0.01);
	struct stp_rate one;
	struct stp_rate all;

	stp_bench_stage(bench, "encoding");
	STP_TRY(stp_rate_measure(&task, 1, seconds, bench->cancel, &one, err));
	STP_TRY(stp_rate_measure(&task, bench->cpu_count, seconds, bench->cancel, &all, err));
	stp_bench_set(bench, "encode",
	              json_pack("{s:i,s:o,s:o}", "targets_per_bin", BIN_TARGETS,
	                        "bytes_per_second_core", stp_bench_rate(bench, &one, "encoding"),
	                        "bytes_per_second",
	                        stp_bench_rate(bench, &all, "encoding on all cores")));
	return STP_OK;
}

enum stp_errc stp_bench_processor(struct stp_bench *bench, struct stp_err *err)
{
	STP_TRY(measure_kernels(bench, err));
	STP_TRY(measure_scaling(bench, err));
	STP_TRY(measure_memory(bench, err));
	STP_TRY(measure_encoding(bench, err));
	return measure_signing(bench, err);
}
