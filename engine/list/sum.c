/* SPDX-License-Identifier: Apache-2.0 */
#include "list/sum.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/thread.h"
#include "list/source.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define BLOCK_BYTES ((size_t)STP_LIST_SUM_BLOCK_BYTES)
#define WORDS       (BLOCK_BYTES / 8)
#define NH_BYTES    16
#define CHUNK_SUM   16

/* --- blocks and chunks ----------------------------------------------------------------------- */

static void derive(struct stp_list_sum_key *key, const uint8_t *secret)
{
	uint8_t label[] = "stampede digest list 2:\0";
	uint8_t *at = (uint8_t *)key;
	size_t left = sizeof(*key);

	while (left) {
		size_t part =
		    left < crypto_generichash_BYTES_MAX ? left : crypto_generichash_BYTES_MAX;

		crypto_generichash(at, part, label, sizeof(label), secret, STP_LIST_SUM_KEY_BYTES);
		label[sizeof(label) - 1]++;
		at += part;
		left -= part;
	}
}

static void nh(const struct stp_list_sum_key *key, const uint8_t block[BLOCK_BYTES],
               uint8_t out[NH_BYTES])
{
	unsigned __int128 sum = 0;
	size_t i;

	for (i = 0; i < WORDS; i += 2)
		sum += (unsigned __int128)(stp_load64_le(block + 8 * i) + key->nh[i]) *
		       (stp_load64_le(block + 8 * i + 8) + key->nh[i + 1]);
	stp_store64_le(out, (uint64_t)sum);
	stp_store64_le(out + 8, (uint64_t)(sum >> 64));
}

static void start_hash(crypto_generichash_state *state, const struct stp_list_sum_key *key)
{
	crypto_generichash_init(state, key->blake2b, sizeof(key->blake2b), CHUNK_SUM);
}

/* The last block of a list, padded with zeros: the length distinguishes it from a longer one. */
static void add_tail(crypto_generichash_state *chunk, const struct stp_list_sum_key *key,
                     const uint8_t *bytes, size_t count)
{
	uint8_t block[BLOCK_BYTES] = {0};
	uint8_t out[NH_BYTES];

	memcpy(block, bytes, count);
	nh(key, block, out);
	crypto_generichash_update(chunk, out, sizeof(out));
}

static uint64_t finish(crypto_generichash_state *whole, uint64_t bytes)
{
	uint8_t length[8];
	uint8_t out[CHUNK_SUM];
	uint64_t value;

	stp_store64_le(length, bytes);
	crypto_generichash_update(whole, length, sizeof(length));
	crypto_generichash_final(whole, out, sizeof(out));
	value = stp_load64_le(out);
	return value ? value : 1;
}

/* --- bytes as they come ---------------------------------------------------------------------- */

void stp_list_sum_init(struct stp_list_sum *sum, const uint8_t *secret)
{
	memset(sum, 0, sizeof(*sum));
	derive(&sum->key, secret);
	start_hash(&sum->chunk, &sum->key);
	start_hash(&sum->whole, &sum->key);
}

static void end_chunk(struct stp_list_sum *sum)
{
	uint8_t out[CHUNK_SUM];

	crypto_generichash_final(&sum->chunk, out, sizeof(out));
	crypto_generichash_update(&sum->whole, out, sizeof(out));
	start_hash(&sum->chunk, &sum->key);
	sum->chunk_bytes = 0;
}

static void add_block(struct stp_list_sum *sum, const uint8_t *block)
{
	uint8_t out[NH_BYTES];

	nh(&sum->key, block, out);
	crypto_generichash_update(&sum->chunk, out, sizeof(out));
	sum->chunk_bytes += BLOCK_BYTES;
	if (sum->chunk_bytes == CHUNK_BYTES)
		end_chunk(sum);
}

void stp_list_sum_add(struct stp_list_sum *sum, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	sum->bytes += count;
	while (count) {
		size_t room = BLOCK_BYTES - sum->block_bytes;
		size_t part = count < room ? count : room;

		if (part == BLOCK_BYTES) {
			add_block(sum, at);
		} else {
			memcpy(sum->block + sum->block_bytes, at, part);
			sum->block_bytes += part;
		}
		if (sum->block_bytes == BLOCK_BYTES) {
			add_block(sum, sum->block);
			sum->block_bytes = 0;
		}
		at += part;
		count -= part;
	}
}

uint64_t stp_list_sum_final(struct stp_list_sum *sum)
{
	if (sum->block_bytes)
		add_tail(&sum->chunk, &sum->key, sum->block, sum->block_bytes);
	if (sum->block_bytes || sum->chunk_bytes)
		end_chunk(sum);
	return finish(&sum->whole, sum->bytes);
}

/* --- a file ---------------------------------------------------------------------------------- */

struct summing {
	int fd;
	const char *name;
	struct stp_list_sum_key key;
	uint64_t bytes;
	uint64_t chunk_count;
	uint8_t *sums;
	struct stp_cancel *cancel;
	atomic_uint_fast64_t next;
};

static void sum_chunk(const struct stp_list_sum_key *key, const uint8_t *bytes, size_t count,
                      uint8_t out[CHUNK_SUM])
{
	crypto_generichash_state chunk;
	uint8_t sums[64 * NH_BYTES];
	size_t used = 0;
	size_t at;

	start_hash(&chunk, key);
	for (at = 0; count - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
		nh(key, bytes + at, sums + used);
		used += NH_BYTES;
		if (used == sizeof(sums)) {
			crypto_generichash_update(&chunk, sums, used);
			used = 0;
		}
	}
	crypto_generichash_update(&chunk, sums, used);
	if (at < count)
		add_tail(&chunk, key, bytes + at, count - at);
	crypto_generichash_final(&chunk, out, CHUNK_SUM);
}

static enum stp_errc sum_chunks(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct summing *summing = ctx;
	uint8_t *buffer = malloc(CHUNK_BYTES);
	enum stp_errc code = STP_OK;

	(void)worker_index;
	if (!buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, summing->name,
		                      "no memory to read it");
	while (code == STP_OK) {
		uint64_t chunk = atomic_fetch_add_explicit(&summing->next, 1, memory_order_relaxed);
		uint64_t at = chunk * CHUNK_BYTES;
		size_t count;

		if (chunk >= summing->chunk_count)
			break;
		count =
		    summing->bytes - at < CHUNK_BYTES ? (size_t)(summing->bytes - at) : CHUNK_BYTES;
		code = stp_fd_read_at(summing->fd, buffer, count, (off_t)at, STP_LIST_STAGE,
		                      summing->name, err);
		if (code == STP_OK)
			sum_chunk(&summing->key, buffer, count, summing->sums + CHUNK_SUM * chunk);
		if (code == STP_OK && stp_cancelled(summing->cancel))
			code =
			    STP_FAIL(err, STP_CANCELLED, STP_LIST_STAGE, summing->name, "stopped");
	}
	free(buffer);
	return code;
}

enum stp_errc stp_list_sum_file(int fd, const char *name, const uint8_t *secret, size_t jobs,
                                struct stp_cancel *cancel, uint64_t *out_sum, struct stp_err *err)
{
	struct summing summing = {.fd = fd, .name = name, .cancel = cancel};
	crypto_generichash_state whole;
	enum stp_errc code;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return STP_FAIL_SYS(err, STP_LIST_STAGE, name, "cannot stat");
	summing.bytes = (uint64_t)st.st_size;
	summing.chunk_count = (summing.bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
	derive(&summing.key, secret);
	summing.sums = malloc((size_t)(CHUNK_SUM * (summing.chunk_count + 1)));
	if (!summing.sums)
		return STP_FAIL_ERRNO(err, ENOMEM, STP_LIST_STAGE, name, "no memory for a sum");
	code = stp_workers_run(jobs, "sum", sum_chunks, &summing, cancel, err);
	if (code == STP_OK) {
		start_hash(&whole, &summing.key);
		crypto_generichash_update(&whole, summing.sums, CHUNK_SUM * summing.chunk_count);
		*out_sum = finish(&whole, summing.bytes);
	}
	free(summing.sums);
	sodium_memzero(&summing.key, sizeof(summing.key));
	return code;
}
