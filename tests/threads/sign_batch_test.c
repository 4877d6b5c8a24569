/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signers on many threads share one key and one audit log: the bytes are those of a single thread,
 * and every line is logged once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/thread.h"
#include "sign/audit.h"
#include "sign/batch.h"
#include "sign/lanes.h"

#define DOC_COUNT    96
#define WORKER_COUNT 4
#define BODY_MAX     3000

struct shared {
	const struct stp_key *key;
	struct stp_audit *audit;
	struct stp_sign_doc docs[DOC_COUNT];
	size_t worker_count;
};

/* Worker w signs, checks and logs every worker_count-th run of eight documents. */
static enum stp_errc sign_share(void *ctx, size_t worker, struct stp_err *err)
{
	struct shared *shared = ctx;
	struct stp_signer *signer;
	enum stp_errc code = stp_lanes_create(shared->key, stp_cpu_features(), &signer, err);

	for (size_t i = 8 * worker; code == STP_OK && i < DOC_COUNT;
	     i += 8 * shared->worker_count) {
		code = stp_sign_batch(signer, shared->docs + i, 8, err);
		if (code == STP_OK)
			code = stp_sign_check_batch(signer, shared->docs + i, 8, err);
		for (size_t d = i; code == STP_OK && d < i + 8; d++)
			code = stp_audit_add(shared->audit, 0, shared->docs[d].name, 7,
			                     shared->docs[d].covered, err);
	}
	if (code == STP_OK)
		stp_signer_destroy(signer);
	return code;
}

static void make_docs(struct shared *shared)
{
	static char names[DOC_COUNT][16];

	for (size_t i = 0; i < DOC_COUNT; i++) {
		struct stp_sign_doc *doc = &shared->docs[i];

		snprintf(names[i], sizeof(names[i]), "bin-n-%02zx", i);
		doc->name = names[i];
		doc->body_bytes = 2 + i * 29 % BODY_MAX;
		doc->bytes = malloc(STP_ENVELOPE_BYTES + doc->body_bytes);
		assert_non_null(doc->bytes);
		memset(doc->bytes + STP_ENVELOPE_HEAD_BYTES, (int)('a' + i % 26), doc->body_bytes);
	}
}

/* Signs everything on worker_count threads; the files' bytes and the log. */
static void sign_all(const struct stp_key *key, size_t worker_count, int folder_fd,
                     struct stp_buf *out)
{
	static struct shared shared;
	struct stp_buf log = STP_BUF_INIT;

	shared.key = key;
	shared.worker_count = worker_count ? worker_count : 1;
	make_docs(&shared);
	unlinkat(folder_fd, STP_AUDIT_FILE, 0);
	assert_int_equal(stp_audit_open(folder_fd, &shared.audit, NULL), STP_OK);
	assert_int_equal(stp_workers_run(worker_count, "sign", sign_share, &shared, NULL, NULL),
	                 STP_OK);
	assert_int_equal(stp_audit_commit(shared.audit, NULL), STP_OK);
	stp_audit_close(shared.audit);
	assert_int_equal(stp_file_read(folder_fd, STP_AUDIT_FILE, (size_t)1 << 20, "t", &log, NULL),
	                 STP_OK);
	for (size_t i = 0; i < DOC_COUNT; i++) {
		assert_int_equal(stp_buf_append(out, shared.docs[i].bytes,
		                                STP_ENVELOPE_BYTES + shared.docs[i].body_bytes,
		                                NULL),
		                 STP_OK);
		free(shared.docs[i].bytes);
	}
	assert_int_equal(stp_buf_append(out, log.data, log.count, NULL), STP_OK);
	stp_buf_release(&log);
}

static void test_sign_threads__any_number_of_threads_gives_the_same_bytes(void **state)
{
	char folder[] = "/tmp/stp_sign_XXXXXX";
	static const size_t counts[] = {1, 2, 3, WORKER_COUNT};
	uint8_t seed[32] = {3};
	struct stp_buf expected = STP_BUF_INIT;
	struct stp_key *key;
	int folder_fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder_fd >= 0);
	assert_int_equal(stp_key_from_seed(seed, &key, NULL), STP_OK);
	sign_all(key, 0, folder_fd, &expected);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct stp_buf found = STP_BUF_INIT;

		sign_all(key, counts[i], folder_fd, &found);
		assert_int_equal(found.count, expected.count);
		assert_memory_equal(found.data, expected.data, found.count);
		stp_buf_release(&found);
	}
	stp_buf_release(&expected);
	stp_key_destroy(key);
	unlinkat(folder_fd, STP_AUDIT_FILE, 0);
	close(folder_fd);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sign_threads__any_number_of_threads_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
