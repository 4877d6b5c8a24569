/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "base/text.h"
#include "hash/hash.h"
#include "publish/links.h"
#include "record/stamp.h"
#include "repository.h"

struct made {
	struct repository r;
	struct stp_links *links;
	struct stp_cancel cancel;
	struct stp_fault_list faults;
	uint8_t digests[STP_DIGEST_BYTES_MAX * STP_ALG_COUNT];
	char name[600]; /* public/targets/… of the first hash */
};

static void begin(struct made *m, const char *profile, enum stp_link link, unsigned hash_set)
{
	struct stp_err err = STP_ERR_INIT;

	memset(m, 0, sizeof(*m));
	repository_init(&m->r, profile);
	m->r.config.link = link;
	m->r.config.hash_set = hash_set;
	stp_fault_list_init(&m->faults);
	assert_int_equal(stp_links_begin(&m->r.repo, &m->r.config, m->r.targets_fd, 10, 2,
	                                 &m->cancel, &m->links, &err),
	                 STP_OK);
}

static void end(struct made *m)
{
	stp_links_end(m->links);
	stp_fault_list_release(&m->faults);
	repository_release(&m->r);
}

/* The record of a target with these bytes, as a scan would make it. */
static struct stp_record record_of(struct made *m, const char *path, const char *bytes)
{
	struct stp_record record = {.path = path,
	                            .path_bytes = (uint16_t)strlen(path),
	                            .length = strlen(bytes),
	                            .flags = STP_RECORD_FILE | STP_RECORD_DIGESTS};
	const char *slash = strrchr(path, '/');
	char hex[129] = {0};
	char full[600];
	struct stat st;
	uint8_t *at = m->digests;
	int alg;

	snprintf(full, sizeof(full), "targets/%s", path);
	scratch_file(&m->r.scratch, full, bytes, strlen(bytes));
	assert_int_equal(fstatat(m->r.scratch.fd, full, &st, 0), 0);
	record.fingerprint.ino = st.st_ino;
	record.fingerprint.mtime_ns = stp_stamp_of(st.st_mtim);
	record.fingerprint.ctime_ns = stp_stamp_of(st.st_ctim);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(m->r.config.hash_set & STP_ALG_BIT(alg)))
			continue;
		stp_hash_one((enum stp_alg)alg, bytes, strlen(bytes), at);
		if (at == m->digests)
			stp_hex_encode(at, stp_alg_digest_bytes((enum stp_alg)alg), hex);
		at += stp_alg_digest_bytes((enum stp_alg)alg);
	}
	record.digests = m->digests;
	snprintf(m->name, sizeof(m->name), "repo/public/targets/%.*s%s.%s",
	         slash ? (int)(slash - path) + 1 : 0, path, hex, slash ? slash + 1 : path);
	return record;
}

static enum stp_links_result put(struct made *m, struct stp_record *record)
{
	struct stp_err err = STP_ERR_INIT;
	enum stp_links_result result;

	assert_int_equal(stp_links_put(m->links, 1, record, &record->fingerprint, &m->faults,
	                               &result, &err),
	                 STP_OK);
	return result;
}

static void has_bytes(struct made *m, const char *name, const char *bytes)
{
	char have[64] = {0};
	int fd = openat(m->r.scratch.fd, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, have, sizeof(have) - 1), strlen(bytes));
	assert_string_equal(have, bytes);
	close(fd);
}

static void test_links__every_kind_gives_the_bytes(void **state)
{
	static const enum stp_link kinds[] = {STP_LINK_SYMLINK, STP_LINK_HARDLINK, STP_LINK_COPY};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct made m;
		struct stp_record record;

		begin(&m, "compat", kinds[i], STP_ALG_BIT(STP_ALG_SHA256));
		assert_int_equal(stp_links_need(m.links), STP_LINKS_NEED_ALL);
		record = record_of(&m, "pool/a/b/foo-1.whl", "wheel");
		assert_int_equal(put(&m, &record), 0);
		has_bytes(&m, m.name, "wheel");
		record = record_of(&m, "top.txt", "top");
		assert_int_equal(put(&m, &record), 0);
		has_bytes(&m, m.name, "top");
		assert_int_equal(stp_links_made(m.links), 2);
		assert_int_equal(put(&m, &record), 0); /* again: kept */
		assert_int_equal(stp_links_made(m.links), 2);
		end(&m);
	}
}

static void test_links__two_hashes_make_two_names(void **state)
{
	struct made m;
	struct stp_record record;
	char hex[65] = {0};
	char name[300];

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK,
	      STP_ALG_BIT(STP_ALG_SHA256) | STP_ALG_BIT(STP_ALG_BLAKE2B_256));
	record = record_of(&m, "a.whl", "wheel");
	assert_int_equal(put(&m, &record), 0);
	has_bytes(&m, m.name, "wheel");
	stp_hex_encode(m.digests + 32, 32, hex);
	snprintf(name, sizeof(name), "repo/public/targets/%s.a.whl", hex);
	has_bytes(&m, name, "wheel");
	assert_int_equal(stp_links_made(m.links), 2);
	end(&m);
}

static void test_links__a_hard_link_returns_the_new_ctime(void **state)
{
	struct made m;
	struct stp_record record;
	struct stat st;

	(void)state;
	begin(&m, "compat", STP_LINK_HARDLINK, STP_ALG_BIT(STP_ALG_SHA256));
	record = record_of(&m, "a.whl", "wheel");
	usleep(20000); /* the file system's clock ticks */
	assert_int_equal(put(&m, &record), 0);
	assert_int_equal(fstatat(m.r.scratch.fd, "targets/a.whl", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(record.fingerprint.ctime_ns, stp_stamp_of(st.st_ctim));
	end(&m);
}

static void test_links__mutable_files_keep_their_old_bytes_under_the_old_name(void **state)
{
	struct made m;
	struct stp_record record;
	char old_name[600];
	struct stat st;

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA256));
	record = record_of(&m, "simple/foo/index.html", "one");
	assert_int_equal(put(&m, &record), 0);
	memcpy(old_name, m.name, sizeof(old_name));
	record = record_of(&m, "simple/foo/index.html", "two");
	assert_int_equal(put(&m, &record), 0);
	has_bytes(&m, old_name, "one");
	has_bytes(&m, m.name, "two");
	assert_int_equal(fstatat(m.r.scratch.fd, m.name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0644);
	end(&m);
}

static void test_links__what_changed_since_it_was_hashed_gets_no_name(void **state)
{
	static const enum stp_link kinds[] = {STP_LINK_HARDLINK, STP_LINK_COPY};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct made m;
		struct stp_record record;

		begin(&m, "compat", kinds[i], STP_ALG_BIT(STP_ALG_SHA256));
		record = record_of(&m, "a.whl", "wheel");
		scratch_file(&m.r.scratch, "targets/a.whl", "other", 5);
		record.fingerprint.mtime_ns--;
		assert_int_equal(put(&m, &record), STP_LINKS_CHANGED);
		assert_int_equal(m.faults.total, 0);
		assert_int_equal(faccessat(m.r.scratch.fd, m.name, F_OK, 0), -1);
		/* Without a fingerprint (a digest list) the bytes are compared when they are
		 * copied. */
		record.flags = STP_RECORD_DIGESTS;
		if (kinds[i] == STP_LINK_COPY) {
			assert_int_equal(put(&m, &record), STP_LINKS_CHANGED);
			assert_int_equal(faccessat(m.r.scratch.fd, m.name, F_OK, 0), -1);
		}
		end(&m);
	}
}

static void test_links__another_name_whose_ctime_our_own_link_changed_is_the_same_file(void **state)
{
	struct made m;
	struct stp_record one, other;
	uint8_t digests[STP_DIGEST_BYTES_MAX];
	struct stat st;

	(void)state;
	begin(&m, "compat", STP_LINK_HARDLINK, STP_ALG_BIT(STP_ALG_SHA256));
	one = record_of(&m, "a.whl", "wheel");
	memcpy(digests, m.digests, sizeof(digests));
	one.digests = digests;
	assert_int_equal(linkat(m.r.targets_fd, "a.whl", m.r.targets_fd, "b.whl", 0), 0);
	assert_int_equal(fstatat(m.r.targets_fd, "a.whl", &st, 0), 0);
	one.fingerprint.ctime_ns = stp_stamp_of(st.st_ctim);
	other = one;
	other.path = "b.whl";
	usleep(20000); /* the file system's clock ticks */
	assert_int_equal(put(&m, &one), STP_LINKS_DONE);
	usleep(20000);
	/* It had changed before, for whatever reason. */
	other.fingerprint.ctime_ns--;
	assert_int_equal(put(&m, &other), STP_LINKS_CHANGED);
	other.fingerprint.ctime_ns++;
	assert_int_equal(stp_links_look(m.links, &other), 1);
	assert_int_equal(put(&m, &other), STP_LINKS_DONE);
	assert_int_equal(stp_links_made(m.links), 2);
	assert_int_equal(fstatat(m.r.targets_fd, "b.whl", &st, 0), 0);
	assert_int_equal(other.fingerprint.ctime_ns, stp_stamp_of(st.st_ctim));
	/* The first one again, whose record has the older ctime. */
	assert_true(one.fingerprint.ctime_ns < other.fingerprint.ctime_ns);
	one.fingerprint.ctime_ns = other.fingerprint.ctime_ns;
	assert_int_equal(put(&m, &one), STP_LINKS_DONE);
	/* It is not the file that was hashed before the links: it has other bytes. */
	scratch_file(&m.r.scratch, "targets/a.whl", "whale", 5);
	assert_int_equal(put(&m, &other), STP_LINKS_CHANGED);
	end(&m);
}

static void test_links__what_has_changed_is_read_again(void **state)
{
	struct made m;
	struct stp_record record;
	struct stp_err err = STP_ERR_INIT;
	uint8_t digests[STP_CLAIMS_BYTES_MAX];
	enum stp_links_now now;
	int sys_errno;
	int serves;

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA256));
	record = record_of(&m, "simple/a.html", "page");
	assert_int_equal(put(&m, &record), STP_LINKS_DONE);
	assert_int_equal(stp_links_serve(m.links, 0, &record, &serves, &err), STP_OK);
	assert_int_equal(serves, 1);
	scratch_file(&m.r.scratch, "targets/simple/a.html", "longer", 6);
	assert_int_equal(put(&m, &record), STP_LINKS_CHANGED);
	assert_int_equal(stp_links_serve(m.links, 0, &record, &serves, &err), STP_OK);
	assert_int_equal(serves, 1); /* the old bytes, whatever the file has */
	assert_int_equal(stp_links_reread(m.links, 0, &record, digests, &now, &sys_errno, &err),
	                 STP_OK);
	assert_int_equal(now, STP_LINKS_NOW_FILE);
	assert_int_equal(record.length, 6);
	assert_true(record.flags & STP_RECORD_RACY);
	assert_int_equal(stp_links_serve(m.links, 0, &record, &serves, &err), STP_OK);
	assert_int_equal(serves, 0);
	assert_int_equal(put(&m, &record), STP_LINKS_DONE);
	assert_int_equal(stp_links_serve(m.links, 0, &record, &serves, &err), STP_OK);
	assert_int_equal(serves, 1);
	assert_int_equal(unlinkat(m.r.targets_fd, "simple/a.html", 0), 0);
	assert_int_equal(stp_links_reread(m.links, 0, &record, digests, &now, &sys_errno, &err),
	                 STP_OK);
	assert_int_equal(now, STP_LINKS_NOW_GONE);
	assert_int_equal(mkfifoat(m.r.targets_fd, "simple/a.html", 0600), 0);
	assert_int_equal(stp_links_reread(m.links, 0, &record, digests, &now, &sys_errno, &err),
	                 STP_OK);
	assert_int_equal(now, STP_LINKS_NOW_OTHER);
	assert_int_equal(sys_errno, 0);
	/* A distribution file does not keep its old entry. */
	record = record_of(&m, "a.whl", "wheel");
	assert_int_equal(put(&m, &record), STP_LINKS_DONE);
	assert_int_equal(stp_links_serve(m.links, 0, &record, &serves, &err), STP_OK);
	assert_int_equal(serves, 0);
	end(&m);
}

static void test_links__nothing_leads_out_of_the_folders(void **state)
{
	struct made m;
	struct stp_record record;
	char outside[300];
	struct stat st;

	(void)state;
	begin(&m, "compat", STP_LINK_COPY, STP_ALG_BIT(STP_ALG_SHA256));
	/* The source: a folder that became a link. */
	record = record_of(&m, "real/a.whl", "wheel");
	record.path = "link/a.whl";
	assert_int_equal(symlinkat("real", m.r.targets_fd, "link"), 0);
	assert_int_equal(put(&m, &record), STP_LINKS_CHANGED);
	/* The destination: a planted link in public/targets. */
	record = record_of(&m, "pool/a.whl", "wheel");
	snprintf(outside, sizeof(outside), "%s/outside", m.r.scratch.path);
	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(symlinkat(outside, m.r.repo.targets_fd, "pool"), 0);
	assert_int_equal(put(&m, &record), STP_LINKS_DONE);
	assert_int_equal(rmdir(outside), 0); /* still empty: the link was removed */
	assert_int_equal(fstatat(m.r.repo.targets_fd, "pool", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode));
	end(&m);
}

static void test_links__a_moved_targets_folder_is_followed(void **state)
{
	struct made m;
	struct stp_record record;
	struct stp_err err = STP_ERR_INIT;
	char moved[300];

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA256));
	record = record_of(&m, "pool/a.whl", "wheel");
	assert_int_equal(put(&m, &record), 0);
	assert_int_equal(stp_links_commit(m.links, &err), STP_OK);
	stp_links_end(m.links);
	assert_int_equal(stp_links_begin(&m.r.repo, &m.r.config, m.r.targets_fd, 1, 2, NULL,
	                                 &m.links, &err),
	                 STP_OK);
	assert_int_equal(stp_links_need(m.links), STP_LINKS_NEED_NEW);
	stp_links_end(m.links);
	snprintf(moved, sizeof(moved), "%s/elsewhere", m.r.scratch.path);
	assert_int_equal(rename(m.r.targets, moved), 0);
	m.r.config.targets_dir = moved;
	assert_int_equal(stp_links_begin(&m.r.repo, &m.r.config, m.r.targets_fd, 1, 2, NULL,
	                                 &m.links, &err),
	                 STP_OK);
	assert_int_equal(stp_links_need(m.links), STP_LINKS_NEED_ALL);
	assert_int_equal(put(&m, &record), 0);
	has_bytes(&m, m.name, "wheel");
	end(&m);
}

/* Neither the name nor a temporary file is left of it; the run can be started again. */
static void test_links__a_cancelled_run_leaves_nothing(void **state)
{
	struct made m;
	struct stp_record record;
	struct stp_err err = STP_ERR_INIT;
	struct dirent *entry;
	enum stp_links_result result;
	DIR *folder;

	(void)state;
	begin(&m, "compat", STP_LINK_COPY, STP_ALG_BIT(STP_ALG_SHA256));
	record = record_of(&m, "a.whl", "wheel");
	stp_cancel_set(&m.cancel);
	assert_int_equal(stp_links_put(m.links, 0, &record, &record.fingerprint, &m.faults, &result,
	                               &err),
	                 STP_CANCELLED);
	folder = fdopendir(openat(m.r.repo.targets_fd, ".", O_RDONLY | O_DIRECTORY));
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		assert_int_equal(entry->d_name[0], '.');
	rewinddir(folder);
	while ((entry = readdir(folder)))
		assert_int_not_equal(strncmp(entry->d_name, ".tmp", 4), 0);
	closedir(folder);
	atomic_store(&m.cancel.flag, 0);
	assert_int_equal(put(&m, &record), 0);
	has_bytes(&m, m.name, "wheel");
	end(&m);
}

static void test_links__a_name_that_becomes_too_long_is_a_fault(void **state)
{
	struct made m;
	struct stp_record record;
	char path[256];

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA512));
	memset(path, 'a', 127);
	path[127] = '\0';
	record = record_of(&m, path, "wheel");
	assert_int_equal(put(&m, &record), STP_LINKS_FAULT);
	path[126] = '\0';
	record = record_of(&m, path, "wheel");
	assert_int_equal(put(&m, &record), 0);
	end(&m);
}

static void test_links__mutable_mode_makes_names_only_for_files_that_may_change(void **state)
{
	struct made m;
	struct stp_record record;
	struct stp_err err = STP_ERR_INIT;
	char page_name[600];

	(void)state;
	begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA256));
	stp_links_end(m.links);
	m.r.config.target_files = STP_TARGET_FILES_MUTABLE;
	assert_int_equal(stp_links_begin(&m.r.repo, &m.r.config, m.r.targets_fd, 2, 2, NULL,
	                                 &m.links, &err),
	                 STP_OK);
	record = record_of(&m, "simple/foo/index.html", "page");
	assert_int_equal(put(&m, &record), 0);
	memcpy(page_name, m.name, sizeof(page_name));
	record = record_of(&m, "packages/a.whl", "wheel");
	assert_int_equal(put(&m, &record), 0);
	has_bytes(&m, page_name, "page");
	assert_int_equal(faccessat(m.r.scratch.fd, m.name, F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(stp_links_made(m.links), 1);
	end(&m);
}

static void test_links__auto_is_all_up_to_a_limit_and_mutable_beyond(void **state)
{
	static const struct {
		uint64_t target_count;
		int expect_wheel;
	} cases[] = {{STP_LINKS_AUTO_MAX, 0}, {STP_LINKS_AUTO_MAX + 1, -1}};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct made m;
		struct stp_record record;
		struct stp_err err = STP_ERR_INIT;

		begin(&m, "compat", STP_LINK_SYMLINK, STP_ALG_BIT(STP_ALG_SHA256));
		stp_links_end(m.links);
		m.r.config.target_files = STP_TARGET_FILES_AUTO;
		assert_int_equal(stp_links_begin(&m.r.repo, &m.r.config, m.r.targets_fd,
		                                 cases[i].target_count, 2, NULL, &m.links, &err),
		                 STP_OK);
		record = record_of(&m, "packages/a.whl", "wheel");
		assert_int_equal(put(&m, &record), 0);
		assert_int_equal(faccessat(m.r.scratch.fd, m.name, F_OK, AT_SYMLINK_NOFOLLOW),
		                 cases[i].expect_wheel);
		end(&m);
	}
}

static void test_links__none_needs_no_targets_folder(void **state)
{
	struct repository r;
	struct stp_links *links;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	repository_init(&r, "compat");
	r.config.target_files = STP_TARGET_FILES_NONE;
	assert_int_equal(stp_links_begin(&r.repo, &r.config, -1, UINT64_MAX, 1, NULL, &links, &err),
	                 STP_OK);
	assert_int_equal(stp_links_need(links), STP_LINKS_NEED_NONE);
	stp_links_end(links);
	repository_release(&r);
}

static void test_links__a_file_that_only_a_list_names_gets_no_name_before_it_exists(void **state)
{
	static const enum stp_link links[] = {STP_LINK_SYMLINK, STP_LINK_COPY};
	static const char *const paths[] = {"d/b", "c", "a", "e/f/g"};
	struct stp_missing missing = {0};
	struct stp_record record;
	struct made m;
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < 2; i++) {
		begin(&m, "pep458", links[i], STP_ALG_BIT(STP_ALG_SHA256));
		for (j = 0; j < 4; j++) {
			char full[64];

			record = record_of(&m, paths[j], "bytes\n");
			record.flags &= (uint16_t)~STP_RECORD_FILE;
			snprintf(full, sizeof(full), "targets/%s", paths[j]);
			unlinkat(m.r.scratch.fd, full, 0);
			assert_int_equal(put(&m, &record), 0);
			assert_int_not_equal(
			    faccessat(m.r.scratch.fd, m.name, F_OK, AT_SYMLINK_NOFOLLOW), 0);
		}
		assert_int_equal(m.faults.total, 0);
		assert_int_equal(stp_links_made(m.links), 0);
		stp_links_missing(m.links, &missing);
		assert_int_equal(missing.count, 4);
		assert_int_equal(missing.kept, STP_MISSING_KEPT);
		assert_string_equal(missing.paths[0], "a");
		assert_string_equal(missing.paths[2], "d/b");
		stp_missing_release(&missing);
		/* Nothing is recorded, so that the next run checks all of them again. */
		assert_int_equal(stp_links_commit(m.links, NULL), STP_OK);
		stp_links_end(m.links);
		assert_int_equal(stp_links_begin(&m.r.repo, &m.r.config, m.r.targets_fd, 10, 2,
		                                 NULL, &m.links, NULL),
		                 STP_OK);
		assert_int_equal(stp_links_need(m.links), STP_LINKS_NEED_ALL);
		record = record_of(&m, "a", "bytes\n");
		record.flags &= (uint16_t)~STP_RECORD_FILE;
		assert_int_equal(put(&m, &record), 0);
		assert_int_equal(faccessat(m.r.scratch.fd, m.name, F_OK, 0), 0);
		assert_int_equal(stp_links_commit(m.links, NULL), STP_OK);
		end(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_links__every_kind_gives_the_bytes),
	    cmocka_unit_test(test_links__two_hashes_make_two_names),
	    cmocka_unit_test(test_links__a_hard_link_returns_the_new_ctime),
	    cmocka_unit_test(test_links__mutable_files_keep_their_old_bytes_under_the_old_name),
	    cmocka_unit_test(test_links__what_changed_since_it_was_hashed_gets_no_name),
	    cmocka_unit_test(
	        test_links__another_name_whose_ctime_our_own_link_changed_is_the_same_file),
	    cmocka_unit_test(test_links__what_has_changed_is_read_again),
	    cmocka_unit_test(test_links__nothing_leads_out_of_the_folders),
	    cmocka_unit_test(test_links__a_moved_targets_folder_is_followed),
	    cmocka_unit_test(test_links__a_cancelled_run_leaves_nothing),
	    cmocka_unit_test(test_links__a_name_that_becomes_too_long_is_a_fault),
	    cmocka_unit_test(test_links__mutable_mode_makes_names_only_for_files_that_may_change),
	    cmocka_unit_test(test_links__auto_is_all_up_to_a_limit_and_mutable_beyond),
	    cmocka_unit_test(test_links__none_needs_no_targets_folder),
	    cmocka_unit_test(
	        test_links__a_file_that_only_a_list_names_gets_no_name_before_it_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
