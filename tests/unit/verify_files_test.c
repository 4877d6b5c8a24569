/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit.h"
#include "base/clock.h"
#include "handmade.h"
#include "read/op.h"
#include "scratch.h"
#include "stampede/verify.h"

struct mirror {
	struct scratch metadata, files;
	struct handmade h;
};

/* The twelve files of the handmade index: even ones under their own name, odd ones as HASH.NAME. */
static void mirror_init(struct mirror *m)
{
	scratch_init(&m->metadata);
	scratch_init(&m->files);
	handmade_init(&m->h, m->metadata.path);
	handmade_write(&m->h);
	for (int i = 0; i < 12; i++) {
		char name[400], content[64], hex[129];
		unsigned char digest[64];

		snprintf(content, sizeof(content), "content of %d", i);
		crypto_hash_sha512(digest, (const unsigned char *)content, strlen(content));
		handmade_hex(digest, 64, hex);
		if (i % 2)
			snprintf(name, sizeof(name), "packages/%02d/%s.file-%d.whl", i, hex, i);
		else
			snprintf(name, sizeof(name), "packages/%02d/file-%d.whl", i, i);
		scratch_file(&m->files, name, content, strlen(content));
	}
}

static void mirror_release(struct mirror *m)
{
	handmade_release(&m->h);
	scratch_release(&m->metadata);
	scratch_release(&m->files);
}

static struct stp_verify_report *audit(struct mirror *m, size_t jobs, uint64_t sample)
{
	char root[400];
	struct stp_verify_options options = {.path = m->metadata.path,
	                                     .root_file = root,
	                                     .targets_dir = m->files.path,
	                                     .sample = sample,
	                                     .now = HANDMADE_NOW,
	                                     .jobs = jobs};

	snprintf(root, sizeof(root), "%s/1.root.json", m->metadata.path);
	return audit_run(options);
}

static void expect(const struct stp_verify_report *report, size_t index, enum stp_finding_code code,
                   const char *subject)
{
	assert_true(index < report->finding_count);
	assert_string_equal(report->findings[index].subject, subject);
	assert_int_equal(report->findings[index].code, code);
}

static void test_verify_files__a_faithful_mirror_has_no_findings(void **state)
{
	struct stp_verify_report *report;
	struct mirror m;

	(void)state;
	mirror_init(&m);
	for (size_t jobs = 0; jobs < 3; jobs++) {
		report = audit(&m, jobs, 0);
		assert_int_equal(report->finding_count, 0);
		assert_int_equal(report->files_checked, 12);
		audit_free(report);
	}
	mirror_release(&m);
}

static void test_verify_files__what_differs_is_missing_or_unknown_is_named(void **state)
{
	static const char path_4[] = "packages/04/file-4.whl";
	static const char path_6[] = "packages/06/file-6.whl";
	struct stp_verify_report *report;
	struct mirror m;
	char stale[300];

	(void)state;
	mirror_init(&m);
	scratch_file(&m.files, "packages/02/file-2.whl", "CONTENT of 2", 12);
	scratch_file(&m.files, path_4, "longer than it was", 18);
	assert_int_equal(unlinkat(m.files.fd, path_6, 0), 0);
	scratch_file(&m.files, "packages/evil.whl", "x", 1);
	scratch_file(&m.files, "packages/.tmp-1", "x", 1);
	/* An older digest in front of a known name. */
	snprintf(stale, sizeof(stale), "packages/00/%0128d.file-0.whl", 0);
	scratch_file(&m.files, stale, "x", 1);
	for (size_t jobs = 0; jobs < 3; jobs++) {
		report = audit(&m, jobs, 0);
		assert_int_equal(report->finding_count, 5);
		expect(report, 0, STP_FINDING_TARGET_DIFFERS, "packages/02/file-2.whl");
		expect(report, 1, STP_FINDING_TARGET_DIFFERS, path_4);
		expect(report, 2, STP_FINDING_TARGET_ABSENT, path_6);
		expect(report, 3, STP_FINDING_TARGET_UNKNOWN, stale);
		expect(report, 4, STP_FINDING_TARGET_UNKNOWN, "packages/evil.whl");
		audit_free(report);
	}
	mirror_release(&m);
}

static void test_verify_files__a_link_is_not_followed(void **state)
{
	struct stp_verify_report *report;
	struct mirror m;

	(void)state;
	mirror_init(&m);
	assert_int_equal(unlinkat(m.files.fd, "packages/00/file-0.whl", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", m.files.fd, "packages/00/file-0.whl"), 0);
	report = audit(&m, 1, 0);
	assert_int_equal(report->finding_count, 1);
	expect(report, 0, STP_FINDING_TARGET_ABSENT, "packages/00/file-0.whl");
	audit_free(report);
	mirror_release(&m);
}

static struct mirror *growing;

/* While the first file is open, the other plain ones become a terabyte long. */
static void grow_others(const char *path)
{
	stp_read_opened_hook = NULL;
	for (int i = 0; i < 12; i += 2) {
		char name[64];
		int fd;

		snprintf(name, sizeof(name), "packages/%02d/file-%d.whl", i, i);
		if (strcmp(name, path) == 0)
			continue;
		fd = openat(growing->files.fd, name, O_WRONLY | O_CLOEXEC);
		assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
		close(fd);
	}
}

static void test_verify_files__what_grew_meanwhile_is_not_read(void **state)
{
	uint64_t began = stp_clock_monotonic_ns();

	(void)state;
	for (size_t jobs = 0; jobs < 2; jobs++) {
		struct stp_verify_report *report;
		struct mirror m;

		mirror_init(&m);
		growing = &m;
		stp_read_opened_hook = grow_others;
		report = audit(&m, jobs, 0);
		assert_null(stp_read_opened_hook);
		assert_true(report->finding_count >= 5);
		for (size_t i = 0; i < report->finding_count; i++)
			assert_non_null(strstr(report->findings[i].text, "1099511627776 bytes"));
		audit_free(report);
		mirror_release(&m);
	}
	assert_true(stp_clock_monotonic_ns() - began < UINT64_C(60000000000));
}

static void test_verify_files__a_sample_hashes_some_and_counts_the_others(void **state)
{
	struct stp_verify_report *report;
	struct mirror m;

	(void)state;
	mirror_init(&m);
	report = audit(&m, 2, 3);
	assert_int_equal(report->finding_count, 0);
	assert_int_equal(report->files_checked + report->files_skipped, 12);
	assert_true(report->files_skipped > 0);
	audit_free(report);
	mirror_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify_files__a_faithful_mirror_has_no_findings),
	    cmocka_unit_test(test_verify_files__what_differs_is_missing_or_unknown_is_named),
	    cmocka_unit_test(test_verify_files__a_link_is_not_followed),
	    cmocka_unit_test(test_verify_files__what_grew_meanwhile_is_not_read),
	    cmocka_unit_test(test_verify_files__a_sample_hashes_some_and_counts_the_others),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
