/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/key_signer.h"
#include "sign/audit.h"

static char folder[] = "/tmp/stp_audit_XXXXXX";
static int folder_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlinkat(folder_fd, STP_AUDIT_FILE, 0);
	close(folder_fd);
	return rmdir(folder);
}

/* The log as text; free it. */
static char *read_log(void)
{
	struct stp_buf buf = STP_BUF_INIT;

	assert_int_equal(
	    stp_file_read(folder_fd, STP_AUDIT_FILE, (size_t)64 << 20, "t", &buf, NULL), STP_OK);
	return (char *)buf.data;
}

static void add(struct stp_audit *audit, int64_t now_s, const char *role, uint64_t version)
{
	uint8_t challenge[32];

	memset(challenge, 0xab, sizeof(challenge));
	assert_int_equal(stp_audit_add(audit, now_s, role, version, challenge, NULL), STP_OK);
}

#define AB32 "abababababababababababababababababababababababababababababababab"

static void test_sign_audit__lines_are_sorted_and_appended(void **state)
{
	struct stp_audit *audit;
	struct stat st;
	char *text;

	(void)state;
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	add(audit, 0, "bin-n-01", 7);
	add(audit, 0, "bin-n-00", 7);
	assert_int_equal(stp_audit_commit(audit, NULL), STP_OK);
	add(audit, 1, "a", 8);
	assert_int_equal(stp_audit_commit(audit, NULL), STP_OK);
	add(audit, 2, "b", 9); /* the run failed: close() writes it */
	stp_audit_close(audit);
	text = read_log();
	assert_string_equal(text, "1970-01-01T00:00:00Z bin-n-00 7 " AB32 "\n"
	                          "1970-01-01T00:00:00Z bin-n-01 7 " AB32 "\n"
	                          "1970-01-01T00:00:01Z a 8 " AB32 "\n"
	                          "1970-01-01T00:00:02Z b 9 " AB32 "\n");
	free(text);
	assert_int_equal(fstatat(folder_fd, STP_AUDIT_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_sign_audit__a_line_cut_by_a_crash_is_ended(void **state)
{
	struct stp_audit *audit;
	char *text;
	int fd = openat(folder_fd, STP_AUDIT_FILE, O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "1970-01-01T0", 12), 12);
	close(fd);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	add(audit, 1, "z", 1);
	add(audit, 1, "a", 1);
	assert_int_equal(stp_audit_commit(audit, NULL), STP_OK);
	stp_audit_close(audit);
	text = read_log();
	assert_string_equal(text, "1970-01-01T0\n"
	                          "1970-01-01T00:00:01Z a 1 " AB32 "\n"
	                          "1970-01-01T00:00:01Z z 1 " AB32 "\n");
	free(text);
}

static void test_sign_audit__names_cannot_forge_lines(void **state)
{
	static const char *const wrong[] = {"", "a b", "a\nb", "a\x1b[31m", "\xff"};
	static const uint8_t challenge[32];
	struct stp_audit *audit;

	(void)state;
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(stp_audit_add(audit, 1, wrong[i], 1, challenge, NULL), STP_FORMAT);
	stp_audit_close(audit);
}

static void test_sign_audit__opens_no_file_but_its_own(void **state)
{
	struct stp_audit *audit;
	size_t dropped;

	(void)state;
	assert_int_equal(symlinkat("/dev/null", folder_fd, STP_AUDIT_FILE), 0);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_FORMAT);
	assert_int_equal(stp_audit_prune(folder_fd, 1, &dropped, NULL), STP_FORMAT);
	unlinkat(folder_fd, STP_AUDIT_FILE, 0);
	assert_int_equal(mkfifoat(folder_fd, STP_AUDIT_FILE, 0600), 0);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_FORMAT);
	assert_int_equal(stp_audit_prune(folder_fd, 1, &dropped, NULL), STP_FORMAT);
	unlinkat(folder_fd, STP_AUDIT_FILE, 0);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	stp_audit_close(audit);
	assert_int_equal(linkat(folder_fd, STP_AUDIT_FILE, folder_fd, "other", 0), 0);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_FORMAT);
	unlinkat(folder_fd, "other", 0);
}

static void test_sign_audit__a_sealed_document_gives_its_own_challenge(void **state)
{
	static const char body[] = "{\"version\":5}";
	uint8_t seed[32] = {9};
	uint8_t input[64 + sizeof(body) - 1];
	uint8_t digest[64];
	char hex[65];
	struct stp_key *key;
	struct stp_key *other;
	struct stp_signer *signers[2];
	struct stp_sealed sealed;
	struct stp_audit *audit;
	char *text;

	(void)state;
	assert_int_equal(stp_key_from_seed(seed, &key, NULL), STP_OK);
	seed[0] = 10;
	assert_int_equal(stp_key_from_seed(seed, &other, NULL), STP_OK);
	assert_int_equal(stp_key_signer_create(key, &signers[0], NULL), STP_OK);
	assert_int_equal(stp_key_signer_create(other, &signers[1], NULL), STP_OK);
	assert_int_equal(stp_sealed_make("timestamp.json", 5, body, strlen(body), signers, 2,
	                                 &sealed, NULL),
	                 STP_OK);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	assert_int_equal(stp_audit_add_sealed(audit, 0, "timestamp", &sealed, signers[0], NULL),
	                 STP_OK);
	assert_int_equal(stp_audit_commit(audit, NULL), STP_OK);
	stp_audit_close(audit);
	assert_int_equal(stp_key_sign(key, body, strlen(body), input, NULL), STP_OK);
	memcpy(input + 32, stp_key_public(key), 32);
	memcpy(input + 64, body, strlen(body));
	crypto_hash_sha512(digest, input, sizeof(input));
	stp_hex_encode(digest, 32, hex);
	hex[64] = '\0';
	text = read_log();
	assert_non_null(strstr(text, "1970-01-01T00:00:00Z timestamp 5 "));
	assert_non_null(strstr(text, hex));
	free(text);
	stp_sealed_release(&sealed);
	stp_key_destroy(key);
	for (size_t i = 0; i < 2; i++)
		stp_signer_destroy(signers[i]);
	stp_key_destroy(other);
}

static void test_sign_audit__prune_drops_old_lines_and_keeps_the_rest(void **state)
{
	struct stp_audit *audit;
	size_t dropped = 77;
	char *text;

	(void)state;
	assert_int_equal(stp_audit_prune(folder_fd, 5, &dropped, NULL), STP_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(stp_audit_open(folder_fd, &audit, NULL), STP_OK);
	/* More than is read at once. */
	for (int64_t t = 0; t < 20000; t++)
		add(audit, t, "bin-n-0000", (uint64_t)t);
	assert_int_equal(stp_audit_commit(audit, NULL), STP_OK);
	stp_audit_close(audit);
	assert_int_equal(stp_audit_prune(folder_fd, 19998, &dropped, NULL), STP_OK);
	assert_int_equal(dropped, 19998);
	text = read_log();
	assert_string_equal(text, "1970-01-01T05:33:18Z bin-n-0000 19998 " AB32 "\n"
	                          "1970-01-01T05:33:19Z bin-n-0000 19999 " AB32 "\n");
	free(text);
	assert_int_equal(stp_audit_prune(folder_fd, 1, &dropped, NULL), STP_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(stp_audit_prune(folder_fd, 1000000, &dropped, NULL), STP_OK);
	assert_int_equal(dropped, 2);
	text = read_log();
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    WITH_FOLDER(test_sign_audit__lines_are_sorted_and_appended),
	    WITH_FOLDER(test_sign_audit__a_line_cut_by_a_crash_is_ended),
	    WITH_FOLDER(test_sign_audit__names_cannot_forge_lines),
	    WITH_FOLDER(test_sign_audit__opens_no_file_but_its_own),
	    WITH_FOLDER(test_sign_audit__a_sealed_document_gives_its_own_challenge),
	    WITH_FOLDER(test_sign_audit__prune_drops_old_lines_and_keeps_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
