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
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyring.h"

#define A "0000000000000000000000000000000000000000000000000000000000000001"
#define B "0000000000000000000000000000000000000000000000000000000000000002"
#define C "abcdef0000000000000000000000000000000000000000000000000000000003"

static char folder[] = "/tmp/stp_keyring_XXXXXX";
static int repo_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	repo_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return repo_fd < 0 ? -1 : 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlinkat(repo_fd, STP_KEYRING_FILE, 0);
	close(repo_fd);
	return rmdir(folder);
}

static void what_is_saved_is_loaded(void **state)
{
	static const char *const keyids[] = {C, A, B};
	struct stp_keyring keyring, again;
	struct stp_keyring_entry *entry;
	size_t i;

	(void)state;
	assert_int_equal(stp_keyring_load(&keyring, repo_fd, NULL), STP_OK);
	assert_int_equal(keyring.count, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(stp_keyring_entry(&keyring, keyids[i], &entry, NULL), STP_OK);
	assert_int_equal(stp_keyring_entry(&keyring, A, &entry, NULL), STP_OK);
	assert_int_equal(keyring.count, 3);
	strcpy(entry->name, "safe-1");
	strcpy(entry->holder, "Zoë");
	strcpy(entry->last_document, "5.root.json");
	entry->added = 86400;
	entry->last_signature = 0;
	assert_int_equal(stp_keyring_save(&keyring, repo_fd, NULL), STP_OK);
	assert_int_equal(stp_keyring_load(&again, repo_fd, NULL), STP_OK);
	assert_int_equal(again.count, 3);
	assert_memory_equal(again.entries, keyring.entries, 3 * sizeof(*entry));
	assert_string_equal(again.entries[0].keyid, A);
	assert_string_equal(again.entries[2].keyid, C);
	assert_int_equal(stp_keyring_find(&again, B)->last_signature, -1);
	assert_null(stp_keyring_find(&again, "00"));
	stp_keyring_release(&again);
	stp_keyring_release(&keyring);
}

static void many_keys_stay_sorted(void **state)
{
	struct stp_keyring keyring = {.entries = NULL};
	struct stp_keyring_entry *entry;
	char keyid[65];
	unsigned i;

	(void)state;
	for (i = 0; i < 300; i++) {
		snprintf(keyid, sizeof(keyid), "%064x", i * 7919 % 301);
		assert_int_equal(stp_keyring_entry(&keyring, keyid, &entry, NULL), STP_OK);
		assert_string_equal(entry->keyid, keyid);
	}
	assert_int_equal(keyring.count, 300);
	for (i = 1; i < 300; i++)
		assert_true(strcmp(keyring.entries[i - 1].keyid, keyring.entries[i].keyid) < 0);
	stp_keyring_release(&keyring);
}

static void refused(const char *text, enum stp_errc code, const char *why)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_keyring keyring;
	int fd = openat(repo_fd, STP_KEYRING_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum stp_errc got;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	got = stp_keyring_load(&keyring, repo_fd, &err);
	if (got != code || !strstr(err.text, why))
		fail_msg("%d: %s, not '%s': %s", got, err.text, why, text);
	assert_string_equal(err.subject, STP_KEYRING_FILE);
	assert_null(keyring.entries);
}

#define WITH(member) "{\"format\":1,\"keys\":{\"" A "\":{" member "}}}"

static void other_files_are_refused(void **state)
{
	char *large = malloc(300 * 1024 + 1);
	struct stp_keyring keyring;

	(void)state;
	memset(large, ' ', 300 * 1024);
	large[300 * 1024] = '\0';
	refused(large, STP_LIMIT, "");
	free(large);
	refused("", STP_CONFIG, "line");
	refused("{\"format\":1}", STP_CONFIG, "is not {\"format\":1");
	refused("{\"format\":2,\"keys\":{}}", STP_CONFIG, "is not {\"format\":1");
	refused("{\"format\":1,\"keys\":{},\"x\":1}", STP_CONFIG, "is not {\"format\":1");
	refused("{\"format\":1,\"keys\":{},\"keys\":{}}", STP_CONFIG, "duplicate");
	refused("{\"format\":1,\"keys\":{\"" A "\":{},\"" A "\":{}}}", STP_CONFIG, "duplicate");
	refused("{\"format\":1,\"keys\":{\"0A\":{}}}", STP_CONFIG, "is not a keyid");
	refused(
	    "{\"format\":1,\"keys\":{\"ABCDEF0000000000000000000000000000000000000000000000000000"
	    "000003\":{}}}",
	    STP_CONFIG, "is not a keyid");
	refused("{\"format\":1,\"keys\":{\"" A "\":1}}", STP_CONFIG, "is not a keyid");
	refused(WITH("\"nick\":\"\""), STP_CONFIG, "member that is unknown");
	refused(WITH("\"name\":1"), STP_CONFIG, "not a string");
	refused(WITH("\"holder\":\"\\u001b\""), STP_CONFIG, "control");
	refused(WITH("\"holder\":\"\\u202e\""), STP_CONFIG, "control");
	refused(WITH("\"added\":\"yesterday\""), STP_CONFIG, "date");
	refused(WITH("\"last_signature\":5"), STP_CONFIG, "date");
	refused(WITH("\"last_document\":\"a\\tb\""), STP_CONFIG, "last_document");
	unlinkat(repo_fd, STP_KEYRING_FILE, 0);
	assert_int_equal(symlinkat("/dev/null", repo_fd, STP_KEYRING_FILE), 0);
	assert_int_equal(stp_keyring_load(&keyring, repo_fd, NULL), STP_FORMAT);
}

/* A name that no key may have is none: it must not stop what the keyring is only a help for. */
static void an_odd_name_is_none(void **state)
{
	static const char *const odd[] = {"a b", "../x", "a;touch${IFS}PWNED;b", "a$b", "-a"};
	struct stp_keyring keyring;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		int fd = openat(repo_fd, STP_KEYRING_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int count = snprintf(text, sizeof(text), WITH("\"name\":\"%s\""), odd[i]);

		assert_int_equal(write(fd, text, (size_t)count), count);
		close(fd);
		assert_int_equal(stp_keyring_load(&keyring, repo_fd, NULL), STP_OK);
		assert_int_equal(keyring.count, 1);
		assert_string_equal(keyring.entries[0].name, "");
		stp_keyring_release(&keyring);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_saved_is_loaded),
	    TEST(many_keys_stay_sorted),
	    TEST(other_files_are_refused),
	    TEST(an_odd_name_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
