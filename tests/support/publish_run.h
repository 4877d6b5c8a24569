/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs of the publisher: 16 bins without signatures, snapshot and timestamp signed.
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
#include "keys/key_signer.h"
#include "publish/publish.h"
#include "repository.h"
#include "run/trusted.h"
#include "sign/sealed.h"

static char online_keyid[65];
/* The same for every online role. */
static struct stp_current_keys online_keys[STP_ONLINE_ROLES];
/* Members of "targets" of bin 0 in the next run, "" for none. */
static const char *first_bin_targets = "";

/* Reads and verifies what is published. */
static inline enum stp_errc load_code(struct repository *r, struct stp_current *current,
                                      struct stp_err *err)
{
	struct stp_trust trust;
	enum stp_errc code = stp_trusted_load(&trust, &r->repo, &r->config, STP_TRUSTED_UNPINNED,
	                                      NULL, r->seal_key, current, err);

	if (code == STP_OK)
		stp_trust_release(&trust);
	return code;
}

/* The keyid of the online key, as bins name it. */
static inline void load(struct repository *r, struct stp_current *current)
{
	struct stp_err err = STP_ERR_INIT;

	repository_check(load_code(r, current, &err) == STP_OK, &err);
	memcpy(online_keyid, current->bin_keyid, sizeof(online_keyid));
	for (size_t role = 0; role < STP_ONLINE_ROLES; role++)
		online_keys[role] =
		    (struct stp_current_keys){"keys/online.pem", {online_keyid, NULL}, 1};
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

static inline enum stp_errc begin_at(const struct stp_repo *repo, const struct stp_current *current,
                                     int64_t now, struct stp_publisher **out, struct stp_err *err)
{
	struct stp_publish_options options = {.worker_count = 1, .now = now};

	return stp_publish_begin(repo, current, &options, out, err);
}

/* One run up to the barrier: at most 16 bins, the first with first_bin_targets. */
static inline struct stp_publisher *run_bins(struct repository *r, struct stp_current *current,
                                             int64_t now, uint64_t *out_version)
{
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	uint32_t i;

	assert_int_equal(begin_at(&r->repo, current, now, &publisher, &err), STP_OK);
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

/* body signed with the online key. */
static inline void seal(struct repository *r, const char *name, uint64_t version,
                        struct stp_buf *body, struct stp_sealed *out_sealed)
{
	struct stp_signer *signer;
	struct stp_err err = STP_ERR_INIT;

	repository_check(stp_key_signer_create(r->online_key, &signer, &err) == STP_OK, &err);
	repository_check(stp_sealed_make(name, version, body->data, body->count, &signer, 1,
	                                 out_sealed, &err) == STP_OK,
	                 &err);
	stp_signer_destroy(signer);
}

/* A whole run; returns its version. */
static inline uint64_t run_all(struct repository *r, int64_t now)
{
	struct stp_current current;
	struct stp_publisher *publisher;
	struct stp_meta_list list;
	struct stp_buf body = STP_BUF_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_sealed snapshot;
	struct stp_sealed timestamp;
	struct stp_publish_file file;
	struct stp_role_head head;
	uint64_t lengths[16];
	struct stp_meta_input input = {{"", 1, 900}, {"", 1, 900}, 0, lengths};
	char name[64];
	uint64_t version;
	int count;

	for (count = 0; count < 16; count++)
		lengths[count] = 341;
	load(r, &current);
	input.targets.version = current.targets.version;
	input.bins.version = current.bins.version;
	publisher = run_bins(r, &current, now, &version);
	input.bin_version = version;
	head = (struct stp_role_head){version, now + 86400};
	assert_int_equal(stp_meta_list_make(&r->config, &input, &current.meta, &current.arena,
	                                    &list, &err),
	                 STP_OK);
	assert_int_equal(stp_snapshot_body(head, &list, &body, &err), STP_OK);
	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)version);
	seal(r, name, version, &body, &snapshot);
	assert_int_equal(stp_timestamp_body(head, version, snapshot.length, snapshot.sha256, &body,
	                                    &err),
	                 STP_OK);
	seal(r, "timestamp.json", version, &body, &timestamp);
	file = (struct stp_publish_file){snapshot.name, snapshot.bytes, snapshot.length};
	assert_int_equal(stp_publish_commit(publisher, &file, timestamp.bytes, timestamp.length,
	                                    now, &err),
	                 STP_OK);
	stp_publish_end(publisher);
	stp_sealed_release(&snapshot);
	stp_sealed_release(&timestamp);
	stp_buf_release(&body);
	stp_current_release(&current);
	return version;
}

#endif
