/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs of the publisher without signatures: 16 bins, snapshot, timestamp.
 *
 * Shape      versions rise by one per run.
 * Memory     freed before each call returns.
 * Ownership  the repository is the caller's.
 * Threads    one thread.
 */
#ifndef STP_TESTS_PUBLISH_RUN_H
#define STP_TESTS_PUBLISH_RUN_H

#include <cmocka.h>

#include "hash/hash.h"
#include "publish/publish.h"
#include "repository.h"

static char online_keyid[65];
/* Members of "targets" of bin 0 in the next run, "" for none. */
static const char *first_bin_targets = "";

/* What current says of the online key: the keyid that bins name. */
static inline void load(struct repository *r, struct stp_current *current)
{
	struct stp_err err = STP_ERR_INIT;

	repository_check(stp_current_load(current, &r->repo, &err) == STP_OK, &err);
	memcpy(online_keyid, current->bin_keyid, sizeof(online_keyid));
}

static inline void put(struct stp_publisher *publisher, const char *name, const char *bytes)
{
	struct stp_publish_file file = {name, bytes, strlen(bytes)};
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_publish_put(publisher, 0, &file, 1, &err), STP_OK);
}

/* The bytes of a bin with a signature of zeros. */
static inline void bin_text(char *out, size_t size, const char *targets, uint64_t version)
{
	snprintf(out, size,
	         "{\"signatures\":[{\"keyid\":\"%064d\",\"sig\":\"%0128d\"}],\"signed\":{"
	         "\"_type\":\"targets\",\"expires\":\"2031-01-01T00:00:00Z\","
	         "\"spec_version\":\"1.0.34\",\"targets\":{%s},\"version\":%llu}}",
	         0, 0, targets, (unsigned long long)version);
}

/* One run up to the barrier: at most 16 bins, the first with first_bin_targets. */
static inline struct stp_publisher *run_bins(struct repository *r, struct stp_current *current,
                                             uint64_t *out_version)
{
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	uint32_t i;

	assert_int_equal(stp_publish_begin(&r->repo, current, 1, &publisher, &err), STP_OK);
	assert_int_equal(stp_publish_reserve(publisher, out_version, &err), STP_OK);
	for (i = 0; i < stp_bin_count(&r->config); i++) {
		char bin[STP_BIN_NAME_BYTES];
		char name[120];
		char text[2048];

		stp_bin_name(&r->config, i, bin);
		snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)*out_version, bin);
		bin_text(text, sizeof(text), i ? "" : first_bin_targets, *out_version);
		put(publisher, name, text);
	}
	assert_int_equal(stp_publish_barrier(publisher, &err), STP_OK);
	return publisher;
}

/* A whole run with an envelope without signatures; returns its version. */
static inline uint64_t run_all(struct repository *r, int64_t now)
{
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_meta_list list;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_buf timestamp = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_publish_file snapshot;
	struct stp_role_head head;
	uint64_t lengths[16];
	struct stp_meta_input input = {{"", 1, 900}, {"", 1, 900}, 0, lengths};
	char *text;
	char *timestamp_text;
	char name[64];
	uint8_t digest[32];
	uint64_t version;
	int count;

	for (count = 0; count < 16; count++)
		lengths[count] = 341;
	load(r, &current);
	input.targets.version = current.targets.version;
	input.bins.version = current.bins.version;
	publisher = run_bins(r, &current, &version);
	input.bin_version = version;
	head = (struct stp_role_head){version, now + 86400};
	assert_int_equal(stp_meta_list_make(&r->config, &input, &current.meta, &current.arena,
	                                    &list, &err),
	                 STP_OK);
	assert_int_equal(stp_snapshot_body(head, &list, &body, &err), STP_OK);
	count = asprintf(&text, "{\"signatures\":[],\"signed\":%.*s}", (int)body.count,
	                 (const char *)body.data);
	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)version);
	snapshot = (struct stp_publish_file){name, text, (size_t)count};
	stp_hash_one(STP_ALG_SHA256, text, (size_t)count, digest);
	assert_int_equal(
	    stp_timestamp_body(head, version, (uint64_t)count, digest, &timestamp, &err), STP_OK);
	count = asprintf(&timestamp_text, "{\"signatures\":[],\"signed\":%.*s}",
	                 (int)timestamp.count, (const char *)timestamp.data);
	assert_int_equal(stp_publish_commit(publisher, &snapshot, timestamp_text, (size_t)count,
	                                    now, &err),
	                 STP_OK);
	stp_publish_end(publisher);
	stp_buf_release(&body);
	stp_buf_release(&timestamp);
	stp_current_release(&current);
	free(text);
	free(timestamp_text);
	return version;
}

#endif
