/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/keyfile.h"
#include "keys/pem.h"
#include "scheme/key_object.h"

/* In sodium_malloc memory, read-only once it is complete. */
struct stp_key {
	struct stp_key_secret secret;
	uint8_t sodium[crypto_sign_SECRETKEYBYTES]; /* seed and public key, libsodium's form */
	uint8_t public_key[STP_KEY_PUBLIC_BYTES];
	char id[STP_KEYID_CHARS + 1];
	char padding[15]; /* sodium_malloc aligns the end: keeps the start aligned to 16 */
};
_Static_assert(sizeof(struct stp_key) % 16 == 0, "sodium_malloc aligns by size");

struct stp_seal_key {
	uint8_t bytes[STP_SEAL_KEY_BYTES];
};

/* Fills key from seed; false when two computations of a*B differ. */
static int expand(struct stp_key *key, const uint8_t seed[STP_KEY_SEED_BYTES])
{
	uint8_t hash[crypto_hash_sha512_BYTES];
	uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {0};
	uint8_t again[STP_KEY_PUBLIC_BYTES];
	struct stp_key_object object;
	int same;

	crypto_sign_seed_keypair(key->public_key, key->sodium, seed);
	/* RFC 8032 section 5.1.5, steps 1 and 2. */
	crypto_hash_sha512(hash, seed, STP_KEY_SEED_BYTES);
	hash[0] &= 248;
	hash[31] &= 127;
	hash[31] |= 64;
	memcpy(wide, hash, 32);
	crypto_core_ed25519_scalar_reduce(key->secret.scalar, wide);
	memcpy(key->secret.prefix, hash + 32, 32);
	same = crypto_scalarmult_ed25519_base_noclamp(again, key->secret.scalar) == 0 &&
	       memcmp(again, key->public_key, sizeof(again)) == 0;
	stp_key_object_ed25519(&object, key->public_key);
	memcpy(key->id, object.keyid, sizeof(key->id));
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(wide, sizeof(wide));
	return same;
}

enum stp_errc stp_key_from_seed(const uint8_t seed[STP_KEY_SEED_BYTES], struct stp_key **out_key,
                                struct stp_err *err)
{
	struct stp_key *key;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", NULL, "cannot initialize libsodium");
	key = sodium_malloc(sizeof(*key));
	if (!key)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", NULL, "cannot get locked memory");
	memset(key, 0, sizeof(*key));
	if (!expand(key, seed)) {
		sodium_free(key);
		return STP_FAIL(err, STP_REFUSED, "keys", NULL,
		                "the public key does not match the secret one; this machine "
		                "miscalculates, sign on another");
	}
	sodium_mprotect_readonly(key);
	*out_key = key;
	return STP_OK;
}

enum stp_errc stp_key_parse(const void *pem, size_t pem_bytes, const char *subject,
                            struct stp_key **out_key, struct stp_err *err)
{
	uint8_t *seed;
	enum stp_errc code;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", subject, "cannot initialize libsodium");
	seed = sodium_malloc(STP_KEY_SEED_BYTES);
	if (!seed)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot get locked memory");
	code = stp_pem_read(pem, pem_bytes, subject, seed, err);
	if (code == STP_OK)
		code = stp_key_from_seed(seed, out_key, err);
	sodium_free(seed);
	return code;
}

enum stp_errc stp_key_load(int folder_fd, const char *name, struct stp_key **out_key,
                           struct stp_err *err)
{
	uint8_t *bytes;
	size_t count;
	enum stp_errc code;

	STP_TRY(stp_keyfile_read(folder_fd, name, &bytes, &count, err));
	code = stp_key_parse(bytes, count, name, out_key, err);
	sodium_free(bytes);
	return code;
}

enum stp_errc stp_key_generate(int folder_fd, const char *name, struct stp_key **out_key,
                               struct stp_err *err)
{
	uint8_t *seed;
	char *pem;
	enum stp_errc code;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", name, "cannot initialize libsodium");
	seed = sodium_malloc(STP_KEY_SEED_BYTES);
	pem = sodium_malloc(STP_PEM_BYTES + 1);
	if (!seed || !pem) {
		sodium_free(seed);
		sodium_free(pem);
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", name, "cannot get locked memory");
	}
	randombytes_buf(seed, STP_KEY_SEED_BYTES);
	stp_pem_write(seed, pem);
	code = stp_keyfile_create(folder_fd, name, (const uint8_t *)pem, STP_PEM_BYTES, err);
	sodium_free(seed);
	sodium_free(pem);
	if (code != STP_OK)
		return code;
	return stp_key_load(folder_fd, name, out_key, err);
}

void stp_key_destroy(struct stp_key *key)
{
	sodium_free(key);
}

const uint8_t *stp_key_public(const struct stp_key *key)
{
	return key->public_key;
}

const char *stp_key_id(const struct stp_key *key)
{
	return key->id;
}

const struct stp_key_secret *stp_key_secret(const struct stp_key *key)
{
	return &key->secret;
}

enum stp_errc stp_key_sign(const struct stp_key *key, const void *message, size_t message_bytes,
                           uint8_t out_signature[STP_KEY_SIGNATURE_BYTES], struct stp_err *err)
{
	uint8_t signature[STP_KEY_SIGNATURE_BYTES];

	crypto_sign_detached(signature, NULL, message, message_bytes, key->sodium);
	if (crypto_sign_verify_detached(signature, message, message_bytes, key->public_key) != 0) {
		sodium_memzero(signature, sizeof(signature));
		return STP_FAIL(err, STP_REFUSED, "sign", NULL,
		                "a fresh signature does not verify; this machine miscalculates, "
		                "sign on another");
	}
	memcpy(out_signature, signature, sizeof(signature));
	return STP_OK;
}

enum stp_errc stp_seal_key_load(int folder_fd, const char *name, struct stp_seal_key **out_key,
                                struct stp_err *err)
{
	struct stp_seal_key *key;
	uint8_t *text;
	size_t count;
	int good;

	if (!stp_file_exists(folder_fd, name) && errno == ENOENT)
		return STP_FAIL(stp_hinted(err, STP_HINT_SIGN), STP_KEY, "keys", name,
		                "does not exist; `%s` makes a new one",
		                stp_hint_text(STP_HINT_SIGN));
	STP_TRY(stp_keyfile_read(folder_fd, name, &text, &count, err));
	key = sodium_malloc(sizeof(*key));
	if (!key) {
		sodium_free(text);
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", name, "cannot get locked memory");
	}
	good = (count == 64 || (count == 65 && text[64] == '\n')) &&
	       stp_hex_decode((const char *)text, sizeof(key->bytes), key->bytes, 0);
	sodium_free(text);
	if (!good) {
		sodium_free(key);
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is not a seal key: expected 64 hex digits; restore it from a "
		                "backup");
	}
	sodium_mprotect_readonly(key);
	*out_key = key;
	return STP_OK;
}

enum stp_errc stp_seal_key_generate(int folder_fd, const char *name, struct stp_seal_key **out_key,
                                    struct stp_err *err)
{
	struct {
		uint8_t bytes[STP_SEAL_KEY_BYTES];
		char text[2 * STP_SEAL_KEY_BYTES + 1];
	} * fresh;
	enum stp_errc code;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", name, "cannot initialize libsodium");
	fresh = sodium_malloc(sizeof(*fresh));
	if (!fresh)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", name, "cannot get locked memory");
	randombytes_buf(fresh->bytes, sizeof(fresh->bytes));
	stp_hex_encode(fresh->bytes, sizeof(fresh->bytes), fresh->text);
	fresh->text[2 * STP_SEAL_KEY_BYTES] = '\n';
	code = stp_keyfile_create(folder_fd, name, (const uint8_t *)fresh->text,
	                          sizeof(fresh->text), err);
	sodium_free(fresh);
	if (code != STP_OK)
		return code;
	return stp_seal_key_load(folder_fd, name, out_key, err);
}

void stp_seal_key_destroy(struct stp_seal_key *key)
{
	sodium_free(key);
}

const uint8_t *stp_seal_key_bytes(const struct stp_seal_key *key)
{
	return key->bytes;
}
