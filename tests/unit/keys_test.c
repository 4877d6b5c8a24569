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
#include "keys/keys.h"
#include "keys/pem.h"
#include "scheme/key_object.h"

static char folder[] = "/tmp/stp_keys_XXXXXX";
static int folder_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	if (!mkdtemp(folder)) /* 0700 */
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	close(folder_fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put_file(const char *name, const void *bytes, size_t count, mode_t mode)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Runs a command in the folder; 77 when there is no openssl. */
static int run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", folder, command);
	return system(line);
}

static int has_openssl(void)
{
	return run("openssl version >/dev/null 2>&1") == 0;
}

static void hex_to(const char *hex, uint8_t *out)
{
	assert_true(stp_hex_decode(hex, strlen(hex) / 2, out, 0));
}

/* RFC 8032 section 7.1, TEST 1, 2, 3 and SHA(abc). */
static const struct {
	const char *seed;
	const char *public_key;
	const char *message;
	const char *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf2",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0303dca179c138ac17ad9bef1177331a704"},
};

static void test_keys__sign_as_rfc_8032_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t seed[32];
		uint8_t expected[64];
		uint8_t message[64];
		uint8_t signature[64];
		struct stp_key *key;

		hex_to(vectors[i].seed, seed);
		hex_to(vectors[i].message, message);
		assert_int_equal(stp_key_from_seed(seed, &key, NULL), STP_OK);
		hex_to(vectors[i].public_key, expected);
		assert_memory_equal(stp_key_public(key), expected, 32);
		assert_int_equal(stp_key_sign(key, message, strlen(vectors[i].message) / 2,
		                              signature, NULL),
		                 STP_OK);
		hex_to(vectors[i].signature, expected);
		assert_memory_equal(signature, expected, 64);
		stp_key_destroy(key);
	}
	stp_key_destroy(NULL);
}

static void test_keys__keyid_is_that_of_the_canonical_key(void **state)
{
	static const char text[] =
	    "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":"
	    "\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"},"
	    "\"scheme\":\"ed25519\"}";
	struct stp_key_object object;
	uint8_t public_key[32];
	uint8_t digest[32];
	char expected[65];

	(void)state;
	hex_to(vectors[0].public_key, public_key);
	crypto_hash_sha256(digest, (const uint8_t *)text, strlen(text));
	stp_hex_encode(digest, 32, expected);
	expected[64] = '\0';
	stp_key_object_ed25519(&object, public_key);
	assert_string_equal(object.keyid, expected);
}

static void test_keys__generated_key_is_what_openssl_reads_and_writes(void **state)
{
	struct stp_key *key;
	struct stp_key *again;
	struct stat st;

	(void)state;
	if (!has_openssl())
		skip();
	assert_int_equal(stp_key_generate(folder_fd, "online.pem", &key, NULL), STP_OK);
	assert_int_equal(fstatat(folder_fd, "online.pem", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(run("umask 077; openssl pkey -in online.pem -out again.pem && "
	                     "cmp online.pem again.pem"),
	                 0);
	assert_int_equal(run("umask 077; openssl genpkey -algorithm ed25519 -out theirs.pem"), 0);
	assert_int_equal(stp_key_load(folder_fd, "online.pem", &again, NULL), STP_OK);
	assert_string_equal(stp_key_id(key), stp_key_id(again));
	stp_key_destroy(again);
	assert_int_equal(stp_key_load(folder_fd, "theirs.pem", &again, NULL), STP_OK);
	assert_string_not_equal(stp_key_id(key), stp_key_id(again));
	stp_key_destroy(again);
	stp_key_destroy(key);
}

static void test_keys__signature_is_what_openssl_verifies(void **state)
{
	struct stp_key *key;
	uint8_t signature[64];

	(void)state;
	if (!has_openssl())
		skip();
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &key, NULL), STP_OK);
	assert_int_equal(stp_key_sign(key, "message", 7, signature, NULL), STP_OK);
	put_file("sig", signature, 64, 0600);
	put_file("text", "message", 7, 0600);
	assert_int_equal(run("openssl pkey -in k.pem -pubout -out k.pub && openssl pkeyutl -verify "
	                     "-pubin -inkey k.pub -rawin -in text -sigfile sig >/dev/null"),
	                 0);
	stp_key_destroy(key);
}

static void test_keys__pem_survives_other_ways_of_writing_it(void **state)
{
	static const char good[] =
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";
	static const char crlf[] =
	    "-----BEGIN PRIVATE KEY-----\r\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\r\n"
	    "-----END PRIVATE KEY-----\r\n";
	static const char text_before[] =
	    "the key of test 1\n"
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----";
	static const char *const all[] = {good, crlf, text_before};
	char written[STP_PEM_BYTES + 1];
	uint8_t seed[32];
	uint8_t read[32];

	(void)state;
	hex_to(vectors[0].seed, seed);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stp_pem_read(all[i], strlen(all[i]), "k", read, NULL), STP_OK);
		assert_memory_equal(read, seed, 32);
	}
	stp_pem_write(seed, written);
	assert_string_equal(written, good);
}

static void assert_refused(const char *pem, const char *why)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key *key;

	assert_int_equal(stp_key_parse(pem, strlen(pem), "k.pem", &key, &err), STP_KEY);
	assert_string_equal(err.subject, "k.pem");
	if (!strstr(err.text, why))
		fail_msg("expected \"%s\" in \"%s\"", why, err.text);
}

static void test_keys__other_files_are_refused_with_the_reason(void **state)
{
	struct stp_buf buf = STP_BUF_INIT;

	(void)state;
	assert_refused("", "not a PEM file");
	assert_refused("hello", "not a PEM file");
	assert_refused("-----BEGIN PRIVATE KEY-----\n", "not a PEM file");
	assert_refused("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n",
	               "not a PKCS#8");
	assert_refused("-----BEGIN PUBLIC KEY-----\nMC4C\n-----END PUBLIC KEY-----\n",
	               "not a PKCS#8");
	assert_refused("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
	               "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n",
	               "more than one");
	if (!has_openssl())
		skip();
	/* A real RSA key, an EC key, an encrypted one and a DER file. */
	assert_int_equal(
	    run("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out rsa.pem "
	        "2>/dev/null && openssl genpkey -algorithm ec -pkeyopt "
	        "ec_paramgen_curve:P-256 -out ec.pem && openssl genpkey -algorithm "
	        "ed25519 -aes256 -pass pass:secret -out enc.pem && openssl genpkey "
	        "-algorithm ed448 -out ed448.pem"),
	    0);
	assert_int_equal(stp_file_read(folder_fd, "rsa.pem", 100000, "t", &buf, NULL), STP_OK);
	assert_refused((const char *)buf.data, "not an Ed25519 key");
	assert_int_equal(stp_file_read(folder_fd, "ec.pem", 100000, "t", &buf, NULL), STP_OK);
	assert_refused((const char *)buf.data, "not an Ed25519 key");
	assert_int_equal(stp_file_read(folder_fd, "ed448.pem", 100000, "t", &buf, NULL), STP_OK);
	assert_refused((const char *)buf.data, "not an Ed25519 key");
	assert_int_equal(stp_file_read(folder_fd, "enc.pem", 100000, "t", &buf, NULL), STP_OK);
	assert_refused((const char *)buf.data, "is encrypted");
	stp_buf_release(&buf);
}

static void test_keys__loose_permissions_are_refused_with_what_to_do(void **state)
{
	static const mode_t loose[] = {0640, 0604, 0660, 0606, 0610, 0601, 0644, 0777};
	struct stp_key *key;

	(void)state;
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &key, NULL), STP_OK);
	stp_key_destroy(key);
	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		struct stp_err err = STP_ERR_INIT;

		assert_int_equal(fchmodat(folder_fd, "k.pem", loose[i], 0), 0);
		assert_int_equal(stp_key_load(folder_fd, "k.pem", &key, &err), STP_KEY);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
	assert_int_equal(fchmodat(folder_fd, "k.pem", 0400, 0), 0);
	assert_int_equal(stp_key_load(folder_fd, "k.pem", &key, NULL), STP_OK);
	stp_key_destroy(key);
	for (size_t i = 0; i < 3; i++) {
		static const mode_t folders[] = {0750, 0705, 0777};
		struct stp_err err = STP_ERR_INIT;

		assert_int_equal(fchmod(folder_fd, folders[i]), 0);
		assert_int_equal(stp_key_load(folder_fd, "k.pem", &key, &err), STP_KEY);
		assert_non_null(strstr(err.text, "chmod 700"));
		assert_int_equal(stp_key_generate(folder_fd, "new.pem", &key, NULL), STP_KEY);
	}
	assert_int_equal(fchmod(folder_fd, 0700), 0);
}

static void test_keys__somebody_elses_file_is_refused(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key *key;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &key, NULL), STP_OK);
	stp_key_destroy(key);
	assert_int_equal(fchownat(folder_fd, "k.pem", 12345, 12345, 0), 0);
	assert_int_equal(stp_key_load(folder_fd, "k.pem", &key, &err), STP_KEY);
	assert_non_null(strstr(err.text, "belongs to user id 12345, but user root runs this"));
	assert_int_equal(fchownat(folder_fd, "k.pem", 0, 0, 0), 0);
	assert_int_equal(fchown(folder_fd, 12345, 12345), 0);
	assert_int_equal(stp_key_load(folder_fd, "k.pem", &key, NULL), STP_KEY);
}

static void test_keys__odd_files_are_refused(void **state)
{
	static const char *const names[] = {"link.pem", "fifo", "folder", "empty", "big",
	                                    "nothing",  "../x", "..",     "",      "a/b"};
	static char big[20000];
	struct stp_key *key;

	(void)state;
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &key, NULL), STP_OK);
	stp_key_destroy(key);
	assert_int_equal(symlinkat("k.pem", folder_fd, "link.pem"), 0);
	assert_int_equal(mkfifoat(folder_fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(folder_fd, "folder", 0700), 0);
	put_file("empty", "", 0, 0600);
	put_file("big", big, sizeof(big), 0600);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stp_err err = STP_ERR_INIT;

		assert_int_equal(stp_key_load(folder_fd, names[i], &key, &err), STP_KEY);
	}
}

static void test_keys__are_never_overwritten(void **state)
{
	struct stp_key *key;
	struct stp_key *other;
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &key, NULL), STP_OK);
	assert_int_equal(stp_key_generate(folder_fd, "k.pem", &other, &err), STP_KEY);
	assert_non_null(strstr(err.text, "never overwritten"));
	assert_int_equal(stp_key_load(folder_fd, "k.pem", &other, NULL), STP_OK);
	assert_string_equal(stp_key_id(key), stp_key_id(other));
	stp_key_destroy(key);
	stp_key_destroy(other);
}

static void test_keys__messages_hold_nothing_of_a_key(void **state)
{
	/* A good key with one base64 character damaged. */
	static const char damaged[] =
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9?\n"
	    "-----END PRIVATE KEY-----\n";
	struct stp_err err = STP_ERR_INIT;
	struct stp_key *key;

	(void)state;
	assert_int_equal(stp_key_parse(damaged, strlen(damaged), "k", &key, &err), STP_KEY);
	assert_null(strstr(err.text, "MC4C"));
	assert_null(strstr(err.text, "hsZ3"));
}

static void test_keys__seal_key_comes_back_as_it_was_made(void **state)
{
	struct stp_seal_key *key;
	struct stp_seal_key *again;
	struct stat st;
	char text[66];

	(void)state;
	assert_int_equal(stp_seal_key_generate(folder_fd, STP_LEDGER_KEY_FILE, &key, NULL), STP_OK);
	assert_int_equal(fstatat(folder_fd, STP_LEDGER_KEY_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(stp_seal_key_load(folder_fd, STP_LEDGER_KEY_FILE, &again, NULL), STP_OK);
	assert_memory_equal(stp_seal_key_bytes(key), stp_seal_key_bytes(again), STP_SEAL_KEY_BYTES);
	stp_seal_key_destroy(again);
	assert_int_equal(stp_seal_key_generate(folder_fd, STP_LEDGER_KEY_FILE, &again, NULL),
	                 STP_KEY);
	assert_int_equal(fchmodat(folder_fd, STP_LEDGER_KEY_FILE, 0644, 0), 0);
	assert_int_equal(stp_seal_key_load(folder_fd, STP_LEDGER_KEY_FILE, &again, NULL), STP_KEY);
	memset(text, 'a', sizeof(text));
	put_file("short", text, 63, 0600);
	put_file("long", text, 66, 0600);
	text[3] = 'g';
	put_file("nohex", text, 64, 0600);
	assert_int_equal(stp_seal_key_load(folder_fd, "short", &again, NULL), STP_KEY);
	assert_int_equal(stp_seal_key_load(folder_fd, "long", &again, NULL), STP_KEY);
	assert_int_equal(stp_seal_key_load(folder_fd, "nohex", &again, NULL), STP_KEY);
	stp_seal_key_destroy(key);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys__sign_as_rfc_8032_says),
	    cmocka_unit_test(test_keys__keyid_is_that_of_the_canonical_key),
	    cmocka_unit_test(test_keys__pem_survives_other_ways_of_writing_it),
	    cmocka_unit_test(test_keys__messages_hold_nothing_of_a_key),
	    WITH_FOLDER(test_keys__generated_key_is_what_openssl_reads_and_writes),
	    WITH_FOLDER(test_keys__signature_is_what_openssl_verifies),
	    WITH_FOLDER(test_keys__other_files_are_refused_with_the_reason),
	    WITH_FOLDER(test_keys__loose_permissions_are_refused_with_what_to_do),
	    WITH_FOLDER(test_keys__somebody_elses_file_is_refused),
	    WITH_FOLDER(test_keys__odd_files_are_refused),
	    WITH_FOLDER(test_keys__are_never_overwritten),
	    WITH_FOLDER(test_keys__seal_key_comes_back_as_it_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
