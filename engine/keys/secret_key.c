/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/secret_key.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "keys/ecdsa_signer.h"
#include "keys/key_signer.h"
#include "keys/keyfile.h"
#include "keys/pbes2.h"
#include "keys/pem_block.h"
#include "keys/pkcs8.h"

#define LABEL_PLAIN     "PRIVATE KEY"
#define LABEL_ENCRYPTED "ENCRYPTED PRIVATE KEY"

struct stp_secret_key {
	struct stp_key_object object;
	struct stp_pkcs8_key pair;
	uint8_t *der; /* PKCS#8, in locked memory */
	size_t der_bytes;
	int is_encrypted;
};

/* Takes over der, also when it fails. */
static enum stp_errc make(uint8_t *der, size_t der_bytes, const char *subject,
                          struct stp_secret_key **out_key, struct stp_err *err)
{
	struct stp_secret_key *key = calloc(1, sizeof(*key));
	enum stp_errc code;

	if (!key) {
		sodium_free(der);
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot load the key");
	}
	key->der = der;
	key->der_bytes = der_bytes;
	code = stp_pkcs8_read(der, der_bytes, subject, &key->pair, err);
	if (code == STP_OK)
		code = stp_pkcs8_object(&key->pair, &key->object, err);
	if (code != STP_OK) {
		stp_secret_key_destroy(key);
		return code;
	}
	sodium_mprotect_readonly(der);
	*out_key = key;
	return STP_OK;
}

void stp_secret_key_destroy(struct stp_secret_key *key)
{
	if (!key)
		return;
	stp_pkcs8_release(&key->pair);
	sodium_free(key->der);
	free(key);
}

enum stp_errc stp_secret_key_generate(enum stp_key_kind kind, struct stp_secret_key **out_key,
                                      struct stp_err *err)
{
	uint8_t *der;
	size_t der_bytes;

	STP_TRY(stp_pkcs8_generate(kind, &der, &der_bytes, err));
	return make(der, der_bytes, NULL, out_key, err);
}

enum stp_errc stp_secret_key_save(const struct stp_secret_key *key, int folder_fd, const char *name,
                                  const char *passphrase, size_t passphrase_bytes,
                                  struct stp_err *err)
{
	const uint8_t *der = key->der;
	uint8_t *sealed = NULL;
	size_t bytes = key->der_bytes, chars;
	enum stp_errc code;
	char *text;

	if (passphrase) {
		if (passphrase_bytes == 0 || passphrase_bytes > STP_PASSPHRASE_BYTES_MAX)
			return STP_FAIL(err, STP_KEY, "keys", name,
			                "the passphrase must have 1 to %d bytes",
			                STP_PASSPHRASE_BYTES_MAX);
		STP_TRY(stp_pbes2_encrypt(der, bytes, passphrase, passphrase_bytes, name, &sealed,
		                          &bytes, err));
		der = sealed;
	}
	code = stp_pem_block_write(passphrase ? LABEL_ENCRYPTED : LABEL_PLAIN, der, bytes, &text,
	                           &chars, err);
	sodium_free(sealed);
	if (code != STP_OK)
		return code;
	code = stp_keyfile_create(folder_fd, name, (const uint8_t *)text, chars, err);
	sodium_free(text);
	return code;
}

static enum stp_errc decrypt(const struct stp_pem_block *block, const char *subject,
                             const struct stp_passphrase_source *passphrases, uint8_t **out_der,
                             size_t *out_bytes, struct stp_err *err)
{
	char *passphrase;
	enum stp_errc code;
	long bytes;

	STP_TRY(stp_pbes2_check(block->der, block->der_bytes, subject, err));
	if (!passphrases)
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is encrypted, and no passphrase can be asked for; give %s",
		                stp_hint_text(STP_HINT_PASSPHRASE));
	passphrase = sodium_malloc(STP_PASSPHRASE_BYTES_MAX);
	if (!passphrase)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot get locked memory");
	bytes = passphrases->read(passphrases->ctx, subject, passphrase);
	if (bytes < 0)
		code = STP_FAIL(err, STP_KEY, "keys", subject,
		                "is encrypted, and there is no passphrase for it: no terminal to "
		                "ask on, and nothing from %s",
		                stp_hint_text(STP_HINT_PASSPHRASE));
	else
		code = stp_pbes2_decrypt(block->der, block->der_bytes, passphrase, (size_t)bytes,
		                         subject, out_der, out_bytes, err);
	sodium_free(passphrase);
	return code;
}

/* What to do about a block that is not a PKCS#8 key. */
static enum stp_errc refuse_label(const char *label, const char *subject, struct stp_err *err)
{
	const char *advice = "; a PKCS#8 key begins with BEGIN PRIVATE KEY";

	if (strcmp(label, "EC PRIVATE KEY") == 0)
		advice = "; convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW";
	else if (strcmp(label, "OPENSSH PRIVATE KEY") == 0)
		advice = ", which only ssh reads; make a new key";
	return STP_FAIL(err, STP_KEY, "keys", subject, "is not a PKCS#8 private key but has '%s'%s",
	                label, advice);
}

enum stp_errc stp_secret_key_parse(const void *text, size_t chars, const char *subject,
                                   const struct stp_passphrase_source *passphrases,
                                   struct stp_secret_key **out_key, struct stp_err *err)
{
	char label[STP_PEM_LABEL_BYTES];
	struct stp_pem_block block;
	uint8_t *der = NULL;
	size_t der_bytes = 0;
	enum stp_errc code;
	int is_encrypted;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", subject, "cannot initialize libsodium");
	if (chars && *(const char *)text == '{')
		return STP_FAIL(err, STP_KEY, "keys", subject,
		                "is a description of a key, not a secret key; give NAME.pem");
	/* Other kinds of keys have blocks of other forms. */
	if (stp_pem_block_label(text, chars, label) && strcmp(label, LABEL_PLAIN) != 0 &&
	    strcmp(label, LABEL_ENCRYPTED) != 0)
		return refuse_label(label, subject, err);
	STP_TRY(stp_pem_block_read(text, chars, subject, &block, err));
	is_encrypted = strcmp(block.label, LABEL_ENCRYPTED) == 0;
	if (is_encrypted) {
		code = decrypt(&block, subject, passphrases, &der, &der_bytes, err);
	} else {
		der = block.der;
		der_bytes = block.der_bytes;
		block.der = NULL;
		code = STP_OK;
	}
	stp_pem_block_release(&block);
	if (code == STP_OK)
		code = make(der, der_bytes, subject, out_key, err);
	if (code == STP_OK)
		(*out_key)->is_encrypted = is_encrypted;
	return code;
}

/* The path of a key, or NULL after STP_KEY. */
static const char *path_of(const char *uri, struct stp_err *err)
{
	static const char *const others[] = {"agent:", "pkcs11:", "exec:"};
	size_t i;

	if (strncmp(uri, "pem:", 4) == 0)
		return uri + 4;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(uri, others[i], strlen(others[i])) == 0) {
			(void)STP_FAIL(err, STP_KEY, "keys", uri,
			               "only key files can be used here, pem:PATH or a path; "
			               "export what is to be signed, sign it with the tool of the "
			               "device, and add the signature");
			return NULL;
		}
	return uri;
}

/* Reads the file name of the folder at path[0, name - path). */
static enum stp_errc read_file(const char *path, const char *name, uint8_t **out_text,
                               size_t *out_chars, struct stp_err *err)
{
	char folder[PATH_MAX] = ".";
	enum stp_errc code;
	int folder_fd;

	if (name - path >= PATH_MAX)
		return STP_FAIL(err, STP_KEY, "keys", path, "the path is too long");
	if (name != path) {
		memcpy(folder, path, (size_t)(name - path));
		folder[name - path] = '\0';
	}
	STP_TRY(stp_folder_open(AT_FDCWD, folder, "keys", &folder_fd, err));
	code = stp_keyfile_read(folder_fd, name, out_text, out_chars, err);
	stp_fd_close(&folder_fd);
	return code;
}

enum stp_errc stp_secret_key_open(const char *uri, const struct stp_passphrase_source *passphrases,
                                  struct stp_secret_key **out_key, struct stp_err *err)
{
	const char *path = path_of(uri, err);
	const char *slash;
	uint8_t *text;
	size_t chars;
	enum stp_errc code;

	if (!path)
		return STP_KEY;
	slash = strrchr(path, '/');
	STP_TRY(read_file(path, slash ? slash + 1 : path, &text, &chars, err));
	code = stp_secret_key_parse(text, chars, path, passphrases, out_key, err);
	sodium_free(text);
	return code;
}

int stp_secret_key_is_encrypted(const struct stp_secret_key *key)
{
	return key->is_encrypted;
}

const struct stp_key_object *stp_secret_key_object(const struct stp_secret_key *key)
{
	return &key->object;
}

enum stp_errc stp_secret_key_signer(const struct stp_secret_key *key,
                                    struct stp_signer **out_signer, struct stp_err *err)
{
	if (key->pair.ed25519)
		return stp_key_signer_create(key->pair.ed25519, out_signer, err);
	return stp_ecdsa_signer_create(key->pair.p256, &key->object, out_signer, err);
}
