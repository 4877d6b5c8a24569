/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"

#define SIGNATURE_BYTES_MAX 2048 /* RSA of 16,384 bits */

static const struct {
	const char *keytype, *scheme;
	enum stp_key_kind kind;
} kinds[] = {
    {"ed25519", "ed25519", STP_KEY_KIND_ED25519},
    {"rsa", "rsassa-pss-sha256", STP_KEY_KIND_RSA_PSS_SHA256},
    {"ecdsa", "ecdsa-sha2-nistp256", STP_KEY_KIND_ECDSA_SHA256},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", STP_KEY_KIND_ECDSA_SHA256},
    {"ecdsa", "ecdsa-sha2-nistp384", STP_KEY_KIND_ECDSA_SHA384},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", STP_KEY_KIND_ECDSA_SHA384},
};

/* The kind for a pair of keytype and scheme, or -1. */
static int find_kind(const char *keytype, const char *scheme)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].keytype, keytype) == 0 && strcmp(kinds[i].scheme, scheme) == 0)
			return (int)kinds[i].kind;
	return -1;
}

static bool load_ed25519(struct stp_public_key *key, const char *hex, size_t chars)
{
	if (chars != 64 || !stp_hex_decode(hex, 32, key->ed25519, 0))
		return false;
	key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->ed25519, 32);
	return key->pkey != NULL;
}

static bool load_pem(struct stp_public_key *key, const char *pem, size_t chars)
{
	BIO *bio;
	EVP_PKEY *pkey;
	int want = key->kind == STP_KEY_KIND_RSA_PSS_SHA256 ? EVP_PKEY_RSA : EVP_PKEY_EC;

	if (chars > STP_KEY_FILE_BYTES_MAX)
		return false;
	bio = BIO_new_mem_buf(pem, (int)chars);
	if (!bio)
		return false;
	pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (pkey && EVP_PKEY_get_base_id(pkey) == want &&
	    (want != EVP_PKEY_RSA ||
	     (EVP_PKEY_get_bits(pkey) >= 2048 && EVP_PKEY_get_bits(pkey) <= 16384))) {
		key->pkey = pkey;
		return true;
	}
	EVP_PKEY_free(pkey);
	return false;
}

/* identity: the same public key under another name or in another PEM spelling is the same key. */
static bool set_identity(struct stp_public_key *key)
{
	unsigned char *der = NULL;
	int bytes = i2d_PUBKEY(key->pkey, &der);

	if (bytes <= 0)
		return false;
	stp_hash_one(STP_ALG_SHA256, der, (size_t)bytes, key->identity);
	OPENSSL_free(der);
	return true;
}

/* keyid = SHA-256 of the canonical form of {"keytype","keyval","scheme"}. */
static enum stp_errc check_keyid(struct stp_document *doc, json_t *object, const char *keyid,
                                 struct stp_err *err)
{
	json_t *core = json_object();
	struct stp_buf form = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	uint8_t digest[32];
	char hex[STP_KEYID_CHARS + 1] = "";

	if (!core || json_object_set(core, "keytype", json_object_get(object, "keytype")) != 0 ||
	    json_object_set(core, "keyval", json_object_get(object, "keyval")) != 0 ||
	    json_object_set(core, "scheme", json_object_get(object, "scheme")) != 0)
		code = STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot check a keyid");
	else
		code = stp_canonical_append(core, &form, NULL);
	if (code == STP_OK) {
		stp_hash_one(STP_ALG_SHA256, form.data, form.count, digest);
		stp_hex_encode(digest, sizeof(digest), hex);
	}
	json_decref(core);
	stp_buf_release(&form);
	if (code != STP_OK && code != STP_FORMAT)
		return code;
	if (strcmp(hex, keyid) != 0) {
		struct stp_quote quote;

		stp_finding_add(doc->findings, STP_FINDING_KEYID, doc->name,
		                "keyid \"%s\" is not the SHA-256 of its key, %s",
		                stp_finding_quote(&quote, keyid, strlen(keyid)), hex);
	}
	return STP_OK;
}

/* One entry of "keys" into key; false (with a finding) when it cannot be used. */
static bool load_key(struct stp_public_key *key, struct stp_document *doc, json_t *object,
                     const char *keyid)
{
	json_t *type = json_object_get(object, "keytype"),
	       *scheme = json_object_get(object, "scheme");
	json_t *value = json_object_get(object, "keyval");
	json_t *public = json_object_get(value, "public");
	struct stp_quote quote;
	int kind = -1;
	bool ok = false;

	if (json_is_string(type) && json_is_string(scheme))
		kind = find_kind(json_string_value(type), json_string_value(scheme));
	if (kind >= 0 && json_is_string(public) && strlen(keyid) == STP_KEYID_CHARS) {
		key->kind = (enum stp_key_kind)kind;
		memcpy(key->keyid, keyid, STP_KEYID_CHARS + 1);
		if (key->kind == STP_KEY_KIND_ED25519)
			ok = load_ed25519(key, json_string_value(public),
			                  json_string_length(public));
		else
			ok = load_pem(key, json_string_value(public), json_string_length(public));
	}
	if (ok && !set_identity(key)) {
		EVP_PKEY_free(key->pkey);
		ok = false;
	}
	stp_finding_quote(&quote, keyid, strlen(keyid));
	if (!ok)
		stp_finding_add(doc->findings, STP_FINDING_KEY, doc->name,
		                "key %s is malformed or of an unknown type or scheme", quote.text);
	else
		stp_document_known(doc, object, quote.text, "keytype keyval scheme");
	if (ok)
		stp_document_known(doc, value, quote.text, "public");
	return ok;
}

enum stp_errc stp_key_ring_load(struct stp_key_ring *ring, struct stp_document *doc, json_t *keys,
                                const char *where, struct stp_err *err)
{
	const char *keyid;
	json_t *object;

	memset(ring, 0, sizeof(*ring));
	if (json_object_size(keys) > 16 * STP_ROLE_KEYS_MAX) {
		stp_finding_add(doc->findings, STP_FINDING_KEY, doc->name,
		                "%s holds %zu keys, more than %d", where, json_object_size(keys),
		                16 * STP_ROLE_KEYS_MAX);
		return STP_OK;
	}
	ring->keys = calloc(json_object_size(keys) + 1, sizeof(*ring->keys));
	if (!ring->keys)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot load keys");
	json_object_foreach(keys, keyid, object)
	{
		if (!load_key(&ring->keys[ring->count], doc, object, keyid))
			continue;
		ring->count++;
		STP_TRY(check_keyid(doc, object, keyid, err));
	}
	return STP_OK;
}

void stp_key_ring_release(struct stp_key_ring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		EVP_PKEY_free(ring->keys[i].pkey);
	free(ring->keys);
	memset(ring, 0, sizeof(*ring));
}

static const struct stp_public_key *ring_find(const struct stp_key_ring *ring, const char *keyid)
{
	for (size_t i = 0; i < ring->count; i++)
		if (strcmp(ring->keys[i].keyid, keyid) == 0)
			return &ring->keys[i];
	return NULL;
}

/* Adds the key called keyid to role unless it is unknown or there under any name. */
static void role_add(struct stp_role *role, const struct stp_key_ring *ring,
                     struct stp_document *doc, const char *keyid, const char *where)
{
	const struct stp_public_key *key = ring_find(ring, keyid);
	struct stp_quote quote, place;

	stp_finding_quote(&quote, keyid, strlen(keyid));
	stp_finding_quote(&place, where, strlen(where));
	if (!key) {
		stp_finding_add(doc->findings, STP_FINDING_KEY_UNKNOWN, doc->name,
		                "%s names key %s, which is not among the keys", place.text,
		                quote.text);
		return;
	}
	for (size_t i = 0; i < role->key_count; i++) {
		const struct stp_public_key *other = role->keys[i];

		if (!other || memcmp(other->identity, key->identity, sizeof(key->identity)) != 0)
			continue;
		stp_finding_add(doc->findings, STP_FINDING_KEY_DUPLICATE, doc->name,
		                "%s names the public key of %s twice; it counts once", place.text,
		                quote.text);
		return;
	}
	role->keys[role->key_count++] = key;
}

enum stp_errc stp_role_load(struct stp_role *role, const struct stp_key_ring *ring,
                            struct stp_document *doc, json_t *object, const char *where,
                            struct stp_err *err)
{
	json_t *keyids = stp_document_member(doc, object, where, "keyids", JSON_ARRAY);
	size_t count = json_array_size(keyids);
	bool ok;

	memset(role, 0, sizeof(*role));
	if (count > STP_ROLE_KEYS_MAX) {
		stp_finding_add(doc->findings, STP_FINDING_KEY, doc->name,
		                "%s has %zu keyids, more than %d", where, count, STP_ROLE_KEYS_MAX);
		count = 0;
	}
	role->keys = calloc(count + 1, sizeof(const struct stp_public_key *));
	if (!role->keys)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot load a role");
	for (size_t i = 0; i < count; i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));

		if (keyid)
			role_add(role, ring, doc, keyid, where);
		else
			stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
			                "%s.keyids holds something that is no string", where);
	}
	ok = stp_document_integer(doc, object, where, "threshold", 0, UINT32_MAX, &role->threshold);
	if (!ok || role->threshold == 0 || role->threshold > role->key_count) {
		if (ok)
			stp_finding_add(doc->findings, STP_FINDING_THRESHOLD_VALUE, doc->name,
			                "%s asks for %llu signatures of %zu unique keys", where,
			                (unsigned long long)role->threshold, role->key_count);
		role->threshold = UINT64_MAX;
	}
	return STP_OK;
}

void stp_role_release(struct stp_role *role)
{
	free((void *)role->keys);
	memset(role, 0, sizeof(*role));
}

const struct stp_public_key *stp_role_key(const struct stp_role *role, const char *keyid,
                                          size_t keyid_bytes)
{
	if (keyid_bytes != STP_KEYID_CHARS)
		return NULL;
	for (size_t i = 0; i < role->key_count; i++)
		if (memcmp(role->keys[i]->keyid, keyid, STP_KEYID_CHARS) == 0)
			return role->keys[i];
	return NULL;
}

/* libcrypto's answer for any kind of key. */
static bool check_libcrypto(const struct stp_public_key *key, const uint8_t *message,
                            size_t message_bytes, const uint8_t *sig, size_t sig_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL;
	const EVP_MD *md = NULL;
	bool ok;

	if (key->kind == STP_KEY_KIND_ECDSA_SHA384)
		md = EVP_sha384();
	else if (key->kind != STP_KEY_KIND_ED25519)
		md = EVP_sha256();
	ok = ctx && EVP_DigestVerifyInit(ctx, &pkey_ctx, md, NULL, key->pkey) == 1;
	if (ok && key->kind == STP_KEY_KIND_RSA_PSS_SHA256)
		ok = EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, RSA_PSS_SALTLEN_AUTO) == 1;
	if (ok)
		ok = EVP_DigestVerify(ctx, sig, sig_bytes, message, message_bytes) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

enum stp_signature_state stp_signature_check(const struct stp_public_key *key,
                                             const uint8_t *message, size_t message_bytes,
                                             const char *sig_hex, size_t sig_chars,
                                             enum stp_libraries libraries)
{
	uint8_t sig[SIGNATURE_BYTES_MAX];
	size_t sig_bytes = sig_chars / 2;
	bool sodium, crypto;

	if (sig_chars % 2 || sig_chars == 0 || sig_bytes > sizeof(sig) ||
	    !stp_hex_decode(sig_hex, sig_bytes, sig, 0))
		return STP_SIGNATURE_BAD;
	if (key->kind != STP_KEY_KIND_ED25519)
		return check_libcrypto(key, message, message_bytes, sig, sig_bytes)
		           ? STP_SIGNATURE_GOOD
		           : STP_SIGNATURE_BAD;
	if (sig_bytes != 64)
		return STP_SIGNATURE_BAD;
	sodium = crypto_sign_verify_detached(sig, message, message_bytes, key->ed25519) == 0;
	if (libraries == STP_LIBRARIES_ONE)
		return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
	crypto = check_libcrypto(key, message, message_bytes, sig, sig_bytes);
	if (sodium != crypto)
		return STP_SIGNATURE_DISPUTED;
	return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
}

/* True when an earlier signature of the array has the same keyid. */
static bool is_repeated(json_t *signatures, size_t index, const char *keyid)
{
	for (size_t i = 0; i < index; i++) {
		const char *other =
		    json_string_value(json_object_get(json_array_get(signatures, i), "keyid"));

		if (other && strcmp(other, keyid) == 0)
			return true;
	}
	return false;
}

/* Signature index of doc: 1 when it is a good one of role's, that is counted. */
static unsigned check_signature(struct stp_document *doc, size_t index, const struct stp_role *role,
                                const struct stp_role *other, const char *where,
                                struct stp_signature_tally *tally)
{
	json_t *entry = json_array_get(doc->signatures, index);
	const char *keyid = json_string_value(json_object_get(entry, "keyid"));
	json_t *sig = json_object_get(entry, "sig");
	const struct stp_public_key *key;
	enum stp_signature_state state;
	struct stp_quote quote;

	if (!keyid || !json_is_string(sig)) {
		stp_finding_add(doc->findings, STP_FINDING_ENVELOPE, doc->name,
		                "signature %zu has no keyid or no sig", index);
		return 0;
	}
	stp_finding_quote(&quote, keyid, strlen(keyid));
	stp_document_known(doc, entry, "signature", "keyid sig");
	if (is_repeated(doc->signatures, index, keyid)) {
		stp_finding_add(doc->findings, STP_FINDING_SIGNATURE_DUPLICATE, doc->name,
		                "key %s signs twice; it counts once", quote.text);
		return 0;
	}
	key = stp_role_key(role, keyid, strlen(keyid));
	if (!key) {
		if (!other || !stp_role_key(other, keyid, strlen(keyid)))
			stp_finding_add(doc->findings, STP_FINDING_SIGNATURE_STRANGER, doc->name,
			                "is signed by %s, which is no key of %s", quote.text,
			                where);
		return 0;
	}
	state = stp_signature_check(key, doc->body.data, doc->body.count, json_string_value(sig),
	                            json_string_length(sig), STP_LIBRARIES_BOTH);
	tally->checked++;
	tally->checked_twice += key->kind == STP_KEY_KIND_ED25519;
	if (state == STP_SIGNATURE_DISPUTED)
		stp_finding_add(doc->findings, STP_FINDING_SIGNATURE_DISAGREE, doc->name,
		                "libsodium and libcrypto disagree on the signature of %s",
		                quote.text);
	else if (state == STP_SIGNATURE_BAD)
		stp_finding_add(doc->findings, STP_FINDING_SIGNATURE, doc->name,
		                "the signature of %s is wrong", quote.text);
	return state == STP_SIGNATURE_GOOD;
}

bool stp_document_signed_by(struct stp_document *doc, const struct stp_role *role,
                            const struct stp_role *other, const char *where,
                            struct stp_signature_tally *tally)
{
	size_t count = json_array_size(doc->signatures);
	uint64_t good = 0;

	if (count > STP_SIGNATURES_MAX) {
		stp_finding_add(doc->findings, STP_FINDING_ENVELOPE, doc->name,
		                "has %zu signatures, more than %d", count, STP_SIGNATURES_MAX);
		count = 0;
	}
	for (size_t i = 0; i < count; i++)
		good += check_signature(doc, i, role, other, where, tally);
	if (role->threshold != UINT64_MAX && good >= role->threshold)
		return true;
	if (role->threshold != UINT64_MAX)
		stp_finding_add(doc->findings, STP_FINDING_THRESHOLD, doc->name,
		                "has %llu good signatures of %s, needs %llu",
		                (unsigned long long)good, where,
		                (unsigned long long)role->threshold);
	return false;
}
