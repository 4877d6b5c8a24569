/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret keys in files: what openssl writes is read, openssl reads what is written, and everything
 * else is refused with a message that names the file.
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
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keys/secret_key.h"

#define PASSPHRASE "correct horse"

static char folder[] = "/tmp/stp_secret_XXXXXX";
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

/* Runs a command in the folder; its exit status. */
static int run(const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line), "cd %s && umask 077 && { %s; } >out 2>err", folder, command);
	return system(line);
}

static void need_openssl(void)
{
	if (run("openssl version"))
		skip();
}

static void must(const char *command)
{
	if (run(command))
		fail_msg("%s", command);
}

struct asked {
	const char *passphrase; /* NULL: there is none */
	int count;
};

static long give(void *ctx, const char *subject, char out[STP_PASSPHRASE_BYTES_MAX])
{
	struct asked *asked = ctx;

	assert_non_null(strstr(subject, ".pem"));
	asked->count++;
	if (!asked->passphrase)
		return -1;
	memcpy(out, asked->passphrase, strlen(asked->passphrase));
	return (long)strlen(asked->passphrase);
}

static enum stp_errc open_with(const char *name, const char *passphrase,
                               struct stp_secret_key **out_key, struct stp_err *err)
{
	struct asked asked = {passphrase, 0};
	struct stp_passphrase_source source = {give, &asked};
	char uri[256];

	snprintf(uri, sizeof(uri), "pem:%s/%s", folder, name);
	return stp_secret_key_open(uri, &source, out_key, err);
}

/* The key must be refused with a message that names the file and holds text. */
static void refused(const char *name, const char *passphrase, const char *text)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_secret_key *key;

	if (open_with(name, passphrase, &key, &err) != STP_KEY)
		fail_msg("%s was not refused: %s", name, err.text);
	if (!strstr(err.text, text) || !strstr(err.subject, name))
		fail_msg("%s: %s, not '%s'", err.subject, err.text, text);
}

static void signs(const struct stp_secret_key *key)
{
	uint8_t bytes[STP_SIGNATURE_BYTES_MAX];
	struct stp_sign_message message = {
	    .name = "m", .bytes = (const uint8_t *)"message", .count = 7, .signature = bytes};
	struct stp_signer *signer, *clone;

	assert_int_equal(stp_secret_key_signer(key, &signer, NULL), STP_OK);
	assert_string_equal(signer->object.keyid, stp_secret_key_object(key)->keyid);
	assert_int_equal(stp_signer_clone(signer, &clone, NULL), STP_OK);
	assert_int_equal(stp_signer_sign(clone, &message, 1, NULL), STP_OK);
	assert_int_equal(stp_signer_check(signer, &message, 1, NULL), STP_OK);
	stp_signer_destroy(clone);
	stp_signer_destroy(signer);
}

/* --- with openssl ---------------------------------------------------------------------------- */

static const char *const algorithms[] = {"ed25519", "EC -pkeyopt ec_paramgen_curve:P-256"};

static void keys_of_openssl_are_read(void **state)
{
	char command[512];
	size_t i;

	(void)state;
	need_openssl();
	for (i = 0; i < 2; i++) {
		struct stp_secret_key *key;

		snprintf(command, sizeof(command),
		         "rm -f a.pem; openssl genpkey -algorithm %s -out a.pem", algorithms[i]);
		must(command);
		assert_int_equal(open_with("a.pem", NULL, &key, NULL), STP_OK);
		assert_false(stp_secret_key_is_encrypted(key));
		signs(key);
		stp_secret_key_destroy(key);
	}
}

/* Each way in which openssl encrypts. */
static void encrypted_keys_of_openssl_are_read(void **state)
{
	static const char *const ways[] = {
	    "pkcs8 -topk8 -scrypt",
	    "pkcs8 -topk8 -scrypt -scrypt_N 1024 -scrypt_r 8 -scrypt_p 16",
	    "pkcs8 -topk8",
	    "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000",
	    "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA1",
	    "pkey -aes256",
	};
	char command[512];
	size_t i, way;

	(void)state;
	need_openssl();
	for (i = 0; i < 2; i++)
		for (way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
			struct stp_secret_key *key, *plain;

			snprintf(command, sizeof(command),
			         "rm -f ?.pem; openssl genpkey -algorithm %s -out a.pem && openssl "
			         "%s -in a.pem -out b.pem -passout 'pass:" PASSPHRASE "'",
			         algorithms[i], ways[way]);
			must(command);
			assert_int_equal(open_with("a.pem", NULL, &plain, NULL), STP_OK);
			assert_int_equal(open_with("b.pem", PASSPHRASE, &key, NULL), STP_OK);
			assert_true(stp_secret_key_is_encrypted(key));
			assert_string_equal(stp_secret_key_object(key)->keyid,
			                    stp_secret_key_object(plain)->keyid);
			signs(key);
			stp_secret_key_destroy(key);
			stp_secret_key_destroy(plain);
			refused("b.pem", NULL, "there is no passphrase");
			if (i == 0)
				refused("b.pem", "wrong", "the passphrase is wrong");
		}
}

static void openssl_reads_what_is_written(void **state)
{
	static const enum stp_key_kind kinds[] = {STP_KEY_KIND_ED25519,
	                                          STP_KEY_KIND_ECDSA_P256_SHA256};
	size_t i;
	int is_encrypted;

	(void)state;
	need_openssl();
	for (i = 0; i < 2; i++)
		for (is_encrypted = 0; is_encrypted < 2; is_encrypted++) {
			struct stp_secret_key *key, *again;
			struct stat st;

			assert_int_equal(stp_secret_key_generate(kinds[i], &key, NULL), STP_OK);
			assert_int_equal(run("rm -f ?.pem"), 0);
			assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem",
			                                     is_encrypted ? PASSPHRASE : NULL,
			                                     is_encrypted ? strlen(PASSPHRASE) : 0,
			                                     NULL),
			                 STP_OK);
			assert_int_equal(fstatat(folder_fd, "a.pem", &st, 0), 0);
			assert_int_equal(st.st_mode & 07777, 0600);
			must("openssl pkey -in a.pem -passin 'pass:" PASSPHRASE "' -out b.pem");
			assert_int_equal(open_with("b.pem", NULL, &again, NULL), STP_OK);
			assert_string_equal(stp_secret_key_object(key)->keyid,
			                    stp_secret_key_object(again)->keyid);
			stp_secret_key_destroy(again);
			assert_int_equal(open_with("a.pem", PASSPHRASE, &again, NULL), STP_OK);
			assert_int_equal(stp_secret_key_is_encrypted(again), is_encrypted);
			signs(again);
			stp_secret_key_destroy(again);
			if (!is_encrypted) /* exactly what openssl would write */
				must("cmp a.pem b.pem");
			else
				must("openssl asn1parse -in a.pem | grep -q :scrypt");
			stp_secret_key_destroy(key);
		}
}

static void openssl_verifies_signatures(void **state)
{
	uint8_t bytes[STP_SIGNATURE_BYTES_MAX];
	struct stp_sign_message message = {
	    .name = "m", .bytes = (const uint8_t *)"message", .count = 7, .signature = bytes};
	struct stp_secret_key *key;
	struct stp_signer *signer;
	int fd;

	(void)state;
	need_openssl();
	assert_int_equal(stp_secret_key_generate(STP_KEY_KIND_ECDSA_P256_SHA256, &key, NULL),
	                 STP_OK);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "p.pem", NULL, 0, NULL), STP_OK);
	assert_int_equal(stp_secret_key_signer(key, &signer, NULL), STP_OK);
	assert_int_equal(stp_signer_sign(signer, &message, 1, NULL), STP_OK);
	fd = openat(folder_fd, "sig", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, bytes, message.signature_bytes), message.signature_bytes);
	close(fd);
	must("printf message >m && openssl dgst -sha256 -prverify p.pem -signature sig m");
	stp_signer_destroy(signer);
	stp_secret_key_destroy(key);
}

/* --- signatures ------------------------------------------------------------------------------ */

/* Of the two s that verify, some verifiers accept only the lower one. */
static void s_is_low(void **state)
{
	static const char half[] =
	    "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8";
	uint8_t bytes[STP_SIGNATURE_BYTES_MAX];
	struct stp_sign_message message = {
	    .name = "m", .bytes = (const uint8_t *)"message", .count = 7, .signature = bytes};
	struct stp_secret_key *key;
	struct stp_signer *signer;
	BIGNUM *limit = NULL;
	int i;

	(void)state;
	BN_hex2bn(&limit, half);
	assert_int_equal(stp_secret_key_generate(STP_KEY_KIND_ECDSA_P256_SHA256, &key, NULL),
	                 STP_OK);
	assert_int_equal(stp_secret_key_signer(key, &signer, NULL), STP_OK);
	for (i = 0; i < 40; i++) {
		const unsigned char *at = bytes;
		ECDSA_SIG *pair;

		assert_int_equal(stp_signer_sign(signer, &message, 1, NULL), STP_OK);
		pair = d2i_ECDSA_SIG(NULL, &at, (long)message.signature_bytes);
		assert_non_null(pair);
		assert_true(BN_cmp(ECDSA_SIG_get0_s(pair), limit) <= 0);
		ECDSA_SIG_free(pair);
	}
	BN_free(limit);
	stp_signer_destroy(signer);
	stp_secret_key_destroy(key);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void other_keys_are_refused(void **state)
{
	(void)state;
	need_openssl();
	must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem");
	refused("p384.pem", NULL, "on another curve than P-256");
	must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.pem");
	refused("k1.pem", NULL, "on another curve than P-256");
	must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt "
	     "ec_param_enc:explicit -out explicit.pem");
	refused("explicit.pem", NULL, "does not name its curve");
	must("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
	refused("rsa.pem", NULL, "is a key of type rsaEncryption; only Ed25519 and ECDSA P-256");
	must("openssl genpkey -algorithm X25519 -out x.pem");
	refused("x.pem", NULL, "is a key of type X25519");
	must("openssl ecparam -genkey -noout -name prime256v1 -out sec1.pem");
	refused("sec1.pem", NULL, "openssl pkcs8 -topk8 -nocrypt");
	must("openssl pkey -in rsa.pem -pubout -out public.pem");
	refused("public.pem", NULL, "is not a PKCS#8 private key but has 'PUBLIC KEY'");
}

static void other_text_is_refused(void **state)
{
	(void)state;
	need_openssl();
	must("openssl genpkey -algorithm ed25519 -out good.pem");
	must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem");
	must("sed 's/$/\\r/' good.pem >crlf.pem");
	refused("crlf.pem", NULL, "CR LF");
	must("cat good.pem good.pem >two.pem");
	refused("two.pem", NULL, "more than one PEM block");
	must("{ echo note; cat good.pem; } >before.pem");
	refused("before.pem", NULL, "text before its PEM block");
	must("{ cat good.pem; echo note; } >behind.pem");
	refused("behind.pem", NULL, "text behind its PEM block");
	must("{ cat good.pem; echo; } >blank.pem");
	refused("blank.pem", NULL, "text behind its PEM block");
	must("head -n 1 good.pem >cut.pem");
	refused("cut.pem", NULL, "END line is missing");
	must("sed 's/PRIVATE KEY-----$/PRIVATE KEY----- /' good.pem >space.pem");
	refused("space.pem", NULL, "BEGIN line");
	must("sed '2s/^\\(.*\\)..$/\\1/' good.pem >short.pem");
	refused("short.pem", NULL, "not base64");
	must("sed '2s/./!/' good.pem >bang.pem");
	refused("bang.pem", NULL, "not base64");
	must("sed '2s/$/\\n/' p256.pem >empty_line.pem");
	refused("empty_line.pem", NULL, "not base64");
	must("{ head -n 1 p256.pem; sed 1d p256.pem | sed '$d' | tr -d '\\n'; echo; tail -n 1 "
	     "p256.pem; } >long_line.pem");
	refused("long_line.pem", NULL, "lines of 64 characters");
	must("{ head -n 1 good.pem; tail -n 1 good.pem; } >nothing.pem");
	refused("nothing.pem", NULL, "empty PEM block");
	must("echo hello >text.pem");
	refused("text.pem", NULL, "is not a PEM file");
	must(": >zero.pem");
	refused("zero.pem", NULL, "is not a key file: 0 bytes");
	must("head -c 16385 /dev/zero >large.pem");
	refused("large.pem", NULL, "is not a key file: 16385 bytes");
	/* Behind the key in DER. */
	must("{ openssl pkcs8 -topk8 -nocrypt -in good.pem -outform DER; printf '\\0\\0\\0'; } | { "
	     "echo "
	     "'-----BEGIN PRIVATE KEY-----'; base64 -w 64; echo '-----END PRIVATE KEY-----'; } "
	     ">trailing.pem");
	refused("trailing.pem", NULL, "is not a PKCS#8 private key");
	/* The last line feed may be missing. */
	must("head -c -1 good.pem >unended.pem");
	{
		struct stp_secret_key *key;

		assert_int_equal(open_with("unended.pem", NULL, &key, NULL), STP_OK);
		stp_secret_key_destroy(key);
	}
}

static void open_files_and_links_are_refused(void **state)
{
	struct stp_secret_key *key;
	struct stp_err err = STP_ERR_INIT;
	char path[256];

	(void)state;
	need_openssl();
	must("openssl genpkey -algorithm ed25519 -out good.pem");
	must("cp good.pem open.pem && chmod 640 open.pem");
	refused("open.pem", NULL, "is open to others (mode 0640)");
	must("ln -s good.pem link.pem");
	refused("link.pem", NULL, "link");
	must("mkfifo fifo.pem");
	refused("fifo.pem", NULL, "named pipe");
	must("mkdir dir.pem");
	refused("dir.pem", NULL, "folder");
	refused("none.pem", NULL, "cannot open");
	must("mkdir shared && cp good.pem shared && chmod 755 shared");
	snprintf(path, sizeof(path), "%s/shared/good.pem", folder);
	assert_int_equal(stp_secret_key_open(path, NULL, &key, &err), STP_KEY);
	assert_non_null(strstr(err.text, "the key folder is open to others"));
}

/* Writes cost.pem, encrypted by a kdf with these parameters behind its salt. */
static void write_costly(const char *kdf, const char *parameters)
{
	char command[1600];

	snprintf(command, sizeof(command),
	         "{ echo asn1=SEQUENCE:all; echo '[all]'; echo x=SEQUENCE:alg; echo "
	         "d=FORMAT:HEX,OCTETSTRING:00112233445566770011223344556677; echo '[alg]'; "
	         "echo o=OID:PBES2; echo p=SEQUENCE:pbes; echo '[pbes]'; echo k=SEQUENCE:kdf; "
	         "echo e=SEQUENCE:enc; echo '[kdf]'; echo o=OID:%s; echo p=SEQUENCE:par; "
	         "echo '[par]'; echo s=FORMAT:HEX,OCTETSTRING:0011223344556677; "
	         "i=0; for n in %s; do i=$((i + 1)); echo n$i=INTEGER:$n; done; "
	         "echo '[enc]'; echo o=OID:aes-256-cbc; "
	         "echo i=FORMAT:HEX,OCTETSTRING:00112233445566770011223344556677; } >conf && "
	         "openssl asn1parse -genconf conf -noout -out der && "
	         "{ echo '-----BEGIN ENCRYPTED PRIVATE KEY-----'; base64 -w 64 der; "
	         "echo '-----END ENCRYPTED PRIVATE KEY-----'; } >cost.pem",
	         kdf, parameters);
	must(command);
}

/* A file decides how much work its reader has, before anybody has shown a passphrase. */
static void costly_files_are_refused_before_the_passphrase(void **state)
{
	static const struct {
		const char *kdf, *parameters, *text;
	} cases[] = {
	    {"id-scrypt", "1073741824 8 1", "more scrypt work"},
	    {"id-scrypt", "32768 16 1", "more scrypt work"},
	    {"id-scrypt", "16384 8 21", "more scrypt work"},
	    {"id-scrypt", "2 1 1073741823", "more scrypt work"},
	    {"id-scrypt", "16383 8 1", "make no sense"},
	    {"id-scrypt", "1 8 1", "make no sense"},
	    {"id-scrypt", "16384 0 1", "make no sense"},
	    {"id-scrypt", "-16384 8 1", "cannot be read"},
	    {"id-scrypt", "36893488147419103232 8 1", "cannot be read"},
	    {"id-scrypt", "16384", "cannot be read"},
	    {"PBKDF2", "10000001", "more PBKDF2 iterations"},
	    {"PBKDF2", "0", "cannot be read"},
	    {"PBKDF2", "-1", "cannot be read"},
	    {"SHA256", "1", "neither scrypt nor PBKDF2"},
	};
	char path[256];
	size_t i;

	(void)state;
	need_openssl();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stp_err err = STP_ERR_INIT;
		struct asked asked = {PASSPHRASE, 0};
		struct stp_passphrase_source source = {give, &asked};
		struct stp_secret_key *key;

		write_costly(cases[i].kdf, cases[i].parameters);
		snprintf(path, sizeof(path), "%s/cost.pem", folder);
		assert_int_equal(stp_secret_key_open(path, &source, &key, &err), STP_KEY);
		if (!strstr(err.text, cases[i].text))
			fail_msg("%s: %s", cases[i].parameters, err.text);
		assert_int_equal(asked.count, 0);
	}
	/* The parameters are right, and so are these: the passphrase is asked for. */
	write_costly("id-scrypt", "16384 8 20");
	refused("cost.pem", PASSPHRASE, "the passphrase is wrong");
}

/* Old encryption is converted by openssl, not read. */
static void old_encryption_is_refused(void **state)
{
	(void)state;
	need_openssl();
	must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a.pem");
	must("openssl pkcs8 -topk8 -v2 des3 -in a.pem -passout pass:a -out des3.pem");
	refused("des3.pem", "a", "another cipher than AES-CBC");
	must("openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in a.pem -passout pass:a -out v1.pem");
	refused("v1.pem", "a", "not by PBES2");
	must("openssl ec -aes128 -in a.pem -passout pass:a -out legacy.pem");
	refused("legacy.pem", "a", "openssl pkcs8 -topk8");
}

/* The public key in the file is only claimed. */
static void a_public_key_of_somebody_else_is_refused(void **state)
{
	(void)state;
	need_openssl();
	must("for k in a b; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
	     "-out $k.pem && openssl pkcs8 -topk8 -nocrypt -in $k.pem -outform DER -out $k.der; "
	     "done; "
	     "{ head -c 73 a.der; tail -c 65 b.der; } >c.der; { echo '-----BEGIN PRIVATE "
	     "KEY-----'; base64 -w 64 c.der; echo '-----END PRIVATE KEY-----'; } >c.pem");
	refused("c.pem", NULL, "does not belong to its secret key");
}

static void keys_are_never_overwritten(void **state)
{
	struct stp_secret_key *key;
	struct stp_err err = STP_ERR_INIT;
	char long_phrase[STP_PASSPHRASE_BYTES_MAX + 1];

	(void)state;
	memset(long_phrase, 'x', sizeof(long_phrase));
	assert_int_equal(stp_secret_key_generate(STP_KEY_KIND_ED25519, &key, NULL), STP_OK);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem", "", 0, NULL), STP_KEY);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem", long_phrase,
	                                     sizeof(long_phrase), NULL),
	                 STP_KEY);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem", NULL, 0, NULL), STP_OK);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem", NULL, 0, &err), STP_KEY);
	assert_non_null(strstr(err.text, "already exists"));
	stp_secret_key_destroy(key);
	stp_secret_key_destroy(NULL);
}

static void devices_are_refused_with_what_is_possible(void **state)
{
	static const char *const uris[] = {"agent:SHA256:abc", "pkcs11:token=a", "exec:kms"};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct stp_err err = STP_ERR_INIT;
		struct stp_secret_key *key;

		assert_int_equal(stp_secret_key_open(uris[i], NULL, &key, &err), STP_KEY);
		assert_string_equal(err.subject, uris[i]);
		assert_non_null(strstr(err.text, "pem:PATH"));
	}
}

/* Written keys must open quickly on a small machine. */
static void an_encrypted_key_opens_within_a_second(void **state)
{
	struct stp_secret_key *key, *again;
	struct timespec before, after;

	(void)state;
	assert_int_equal(stp_secret_key_generate(STP_KEY_KIND_ED25519, &key, NULL), STP_OK);
	assert_int_equal(stp_secret_key_save(key, folder_fd, "a.pem", PASSPHRASE,
	                                     strlen(PASSPHRASE), NULL),
	                 STP_OK);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(open_with("a.pem", PASSPHRASE, &again, NULL), STP_OK);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_true((double)(after.tv_sec - before.tv_sec) +
	                (double)(after.tv_nsec - before.tv_nsec) / 1e9 <
	            1.0);
	stp_secret_key_destroy(again);
	stp_secret_key_destroy(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_of_openssl_are_read),
	    TEST(encrypted_keys_of_openssl_are_read),
	    TEST(openssl_reads_what_is_written),
	    TEST(openssl_verifies_signatures),
	    TEST(s_is_low),
	    TEST(other_keys_are_refused),
	    TEST(other_text_is_refused),
	    TEST(open_files_and_links_are_refused),
	    TEST(costly_files_are_refused_before_the_passphrase),
	    TEST(old_encryption_is_refused),
	    TEST(a_public_key_of_somebody_else_is_refused),
	    TEST(keys_are_never_overwritten),
	    TEST(devices_are_refused_with_what_is_possible),
	    TEST(an_encrypted_key_opens_within_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
