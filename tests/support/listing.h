/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a digest list that a test has as text.
 *
 * Shape      the result, up to a limit: the first records with paths and digests.
 * Memory     one struct result per list.
 * Ownership  release() frees it.
 * Threads    the list may be read by several workers.
 */
#ifndef STP_TESTS_LISTING_H
#define STP_TESTS_LISTING_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hash/hash.h"
#include "list/list.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)
#define SHA512 STP_ALG_BIT(STP_ALG_SHA512)
#define BLAKE  STP_ALG_BIT(STP_ALG_BLAKE2B_256)

#define HEX32 "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"
#define HEX64 HEX32 HEX32

struct seen {
	pthread_mutex_t lock;
	struct stp_record records[64];
	char paths[64][256];
	uint8_t digests[64][128];
	size_t count;
	uint64_t total;
	uint64_t origin_sum;
	int fail;
};

struct result {
	struct seen seen;
	struct stp_fault_list faults;
	struct stp_list_stats stats;
	struct stp_err err;
	enum stp_errc code;
};

static inline enum stp_errc collect(void *ctx, size_t worker_index,
                                    const struct stp_record *records, size_t count,
                                    struct stp_err *err)
{
	struct seen *seen = ctx;
	size_t i;

	(void)worker_index;
	if (seen->fail)
		return STP_FAIL(err, STP_IO, "test", NULL, "enough");
	pthread_mutex_lock(&seen->lock);
	for (i = 0; i < count; i++) {
		uint8_t key[STP_KEY_BYTES];

		seen->total++;
		seen->origin_sum += records[i].origin;
		stp_hash_one(STP_ALG_SHA256, records[i].path, records[i].path_bytes, key);
		assert_memory_equal(key, records[i].key, STP_KEY_BYTES);
		if (seen->count == 64)
			continue;
		memcpy(seen->paths[seen->count], records[i].path, records[i].path_bytes);
		if (records[i].digests)
			memcpy(seen->digests[seen->count], records[i].digests, 64);
		seen->records[seen->count++] = records[i];
	}
	pthread_mutex_unlock(&seen->lock);
	return STP_OK;
}

/* Reads text as a list "list" of set with jobs workers. */
static inline struct result *read_list(const char *text, size_t count, unsigned set, size_t jobs)
{
	struct result *result = calloc(1, sizeof(*result));
	struct stp_list_source source = {.name = "list"};
	struct stp_list_options options = {.source = &source, .hash_set = set, .jobs = jobs};
	FILE *file = tmpfile();

	assert_non_null(result);
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, count, file), count);
	rewind(file);
	source.fd = fileno(file);
	pthread_mutex_init(&result->seen.lock, NULL);
	stp_fault_list_init(&result->faults);
	result->code = stp_list_read(&options, collect, &result->seen, &result->faults,
	                             &result->stats, &result->err);
	stp_fault_list_sort(&result->faults);
	fclose(file);
	return result;
}

static inline struct result *read_text(const char *text, unsigned set)
{
	return read_list(text, strlen(text), set, 0);
}

static inline void release(struct result *result)
{
	stp_fault_list_release(&result->faults);
	free(result);
}

/* The same through a pipe, which holds 64 KiB at most. */
static inline struct result *read_pipe(const char *text, size_t jobs)
{
	struct result *result = calloc(1, sizeof(*result));
	struct stp_list_source source = {.name = "list"};
	struct stp_list_options options = {.source = &source, .hash_set = SHA256, .jobs = jobs};
	int ends[2];

	assert_non_null(result);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	source.fd = ends[0];
	pthread_mutex_init(&result->seen.lock, NULL);
	stp_fault_list_init(&result->faults);
	result->code = stp_list_read(&options, collect, &result->seen, &result->faults,
	                             &result->stats, &result->err);
	stp_fault_list_sort(&result->faults);
	close(ends[0]);
	return result;
}

#endif
