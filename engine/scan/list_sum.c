/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/list_sum.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/thread.h"

#define PIECE_BYTES ((size_t)1 << 20)

enum stp_errc stp_list_sum_init(struct stp_list_sum *sum, uint64_t seed, struct stp_err *err)
{
	memset(sum, 0, sizeof(*sum));
	sum->seed = seed;
	sum->piece = XXH3_createState();
	sum->whole = XXH3_createState();
	if (!sum->piece || !sum->whole) {
		stp_list_sum_release(sum);
		return STP_FAIL_ERRNO(err, ENOMEM, "scan", NULL, "no memory for a sum");
	}
	XXH3_64bits_reset_withSeed(sum->piece, seed);
	XXH3_64bits_reset_withSeed(sum->whole, seed);
	return STP_OK;
}

static void end_piece(struct stp_list_sum *sum)
{
	uint8_t bytes[8];

	stp_store64_le(bytes, XXH3_64bits_digest(sum->piece));
	XXH3_64bits_update(sum->whole, bytes, sizeof(bytes));
	XXH3_64bits_reset_withSeed(sum->piece, sum->seed);
	sum->piece_bytes = 0;
}

void stp_list_sum_add(struct stp_list_sum *sum, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count) {
		size_t room = PIECE_BYTES - sum->piece_bytes;
		size_t part = count < room ? count : room;

		XXH3_64bits_update(sum->piece, at, part);
		sum->piece_bytes += part;
		at += part;
		count -= part;
		if (sum->piece_bytes == PIECE_BYTES)
			end_piece(sum);
	}
}

uint64_t stp_list_sum_final(struct stp_list_sum *sum)
{
	uint64_t value;

	if (sum->piece_bytes)
		end_piece(sum);
	value = XXH3_64bits_digest(sum->whole);
	return value ? value : 1;
}

void stp_list_sum_release(struct stp_list_sum *sum)
{
	XXH3_freeState(sum->piece);
	XXH3_freeState(sum->whole);
	sum->piece = NULL;
	sum->whole = NULL;
}

struct summing {
	int fd;
	const char *name;
	uint64_t seed;
	uint64_t bytes;
	uint64_t piece_count;
	uint8_t *sums;
	struct stp_cancel *cancel;
	atomic_uint_fast64_t next;
};

static enum stp_errc sum_pieces(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct summing *summing = ctx;
	uint8_t *buffer = malloc(PIECE_BYTES);
	enum stp_errc code = STP_OK;

	(void)worker_index;
	if (!buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, "scan", summing->name, "no memory to read it");
	while (code == STP_OK) {
		uint64_t piece = atomic_fetch_add_explicit(&summing->next, 1, memory_order_relaxed);
		uint64_t at = piece * PIECE_BYTES;
		size_t count;

		if (piece >= summing->piece_count)
			break;
		count =
		    summing->bytes - at < PIECE_BYTES ? (size_t)(summing->bytes - at) : PIECE_BYTES;
		code = stp_fd_read_at(summing->fd, buffer, count, (off_t)at, "scan", summing->name,
		                      err);
		if (code == STP_OK)
			stp_store64_le(summing->sums + 8 * piece,
			               XXH3_64bits_withSeed(buffer, count, summing->seed));
		if (code == STP_OK && stp_cancelled(summing->cancel))
			code = STP_FAIL(err, STP_CANCELLED, "scan", summing->name, "stopped");
	}
	free(buffer);
	return code;
}

enum stp_errc stp_list_sum_file(int fd, const char *name, uint64_t seed, size_t jobs,
                                struct stp_cancel *cancel, uint64_t *out_sum, struct stp_err *err)
{
	struct summing summing = {.fd = fd, .name = name, .seed = seed, .cancel = cancel};
	enum stp_errc code;
	struct stat st;
	uint64_t value;

	if (fstat(fd, &st) != 0)
		return STP_FAIL_SYS(err, "scan", name, "cannot stat");
	summing.bytes = (uint64_t)st.st_size;
	summing.piece_count = (summing.bytes + PIECE_BYTES - 1) / PIECE_BYTES;
	summing.sums = malloc((size_t)(8 * summing.piece_count + 8));
	if (!summing.sums)
		return STP_FAIL_ERRNO(err, ENOMEM, "scan", name, "no memory for a sum");
	code = stp_workers_run(jobs, "sum", sum_pieces, &summing, cancel, err);
	if (code == STP_OK) {
		value = XXH3_64bits_withSeed(summing.sums, (size_t)(8 * summing.piece_count), seed);
		*out_sum = value ? value : 1;
	}
	free(summing.sums);
	return code;
}
