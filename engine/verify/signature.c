/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* The keyid of an object: "" when it has no canonical form. */
static enum stp_errc keyid_of(const json_t *object, char hex[STP_KEYID_CHARS + 1])
{
	struct stp_buf form = STP_BUF_INIT;
	enum stp_errc code = stp_canonical_append(object, &form, NULL);

	hex[0] = '\0';
	if (code == STP_OK)
		stp_keyid_of_form(form.data, form.count, hex);
	stp_buf_release(&form);
	return code == STP_FORMAT ? STP_OK : code;
}

/* Checks that keyid is the SHA-256 of the canonical form of {"keytype","keyval","scheme"} or, as
 * some tools and clients compute it, of the whole object with the members that they add. */
static enum stp_errc check_keyid(struct stp_document *doc, json_t *object, const char *keyid,
                                 struct stp_err *err)
{
	json_t *core = json_object();
	enum stp_errc code = STP_OK;
	char hex[STP_KEYID_CHARS + 1] = "";
	char whole[STP_KEYID_CHARS + 1] = "";

	if (!core || json_object_set(core, "keytype", json_object_get(object, "keytype")) != 0 ||
	    json_object_set(core, "keyval", json_object_get(object, "keyval")) != 0 ||
	    json_object_set(core, "scheme", json_object_get(object, "scheme")) != 0)
		code = STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot check a keyid");
	if (code == STP_OK)
		code = keyid_of(core, hex);
	if (code == STP_OK && strcmp(hex, keyid) != 0)
		code = keyid_of(object, whole);
	json_decref(core);
	STP_TRY(code);
	if (strcmp(hex, keyid) != 0 && strcmp(whole, keyid) != 0) {
		struct stp_quote quote;

		stp_finding_add(doc->findings, STP_FINDING_KEYID, doc->name,
		                "keyid \"%s\" is not the SHA-256 of its key, %s",
		                stp_finding_quote(&quote, keyid, strlen(keyid)), hex);
	}
	return STP_OK;
}

/* Reads one entry of "keys" into key; 0 (with a finding) when it cannot be used. */
static int load_key(struct stp_public_key *key, struct stp_document *doc, json_t *object,
                    const char *keyid)
{
	json_t *type = json_object_get(object, "keytype"),
	       *scheme = json_object_get(object, "scheme");
	json_t *value = json_object_get(object, "keyval");
	json_t *public = json_object_get(value, "public");
	const char *problem = "it has no keytype, scheme or public value";
	struct stp_quote quote;

	stp_finding_quote(&quote, keyid, strlen(keyid));
	if (strlen(keyid) != STP_KEYID_CHARS)
		problem = "its keyid is not a SHA-256";
	else if (json_is_string(type) && json_is_string(scheme) && json_is_string(public))
		problem =
		    stp_public_key_load(key, json_string_value(type), json_string_value(scheme),
		                        json_string_value(public), json_string_length(public));
	if (problem) {
		stp_finding_add(doc->findings, STP_FINDING_KEY, doc->name,
		                "key %s cannot be used: %s", quote.text, problem);
		return 0;
	}
	memcpy(key->keyid, keyid, STP_KEYID_CHARS + 1);
	stp_document_known(doc, object, quote.text, "keytype keyval scheme");
	stp_document_known(doc, value, quote.text, "public");
	return 1;
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
	size_t i;

	for (i = 0; i < ring->count; i++)
		stp_public_key_release(&ring->keys[i]);
	free(ring->keys);
	memset(ring, 0, sizeof(*ring));
}

static const struct stp_public_key *ring_find(const struct stp_key_ring *ring, const char *keyid)
{
	size_t i;

	for (i = 0; i < ring->count; i++)
		if (strcmp(ring->keys[i].keyid, keyid) == 0)
			return &ring->keys[i];
	return NULL;
}

/* Adds the key called keyid to role, unless it is unknown or was added under any name. */
static void role_add(struct stp_role *role, const struct stp_key_ring *ring,
                     struct stp_document *doc, const char *keyid, const char *where)
{
	const struct stp_public_key *key = ring_find(ring, keyid);
	struct stp_quote quote, place;
	size_t i;

	stp_finding_quote(&quote, keyid, strlen(keyid));
	stp_finding_quote(&place, where, strlen(where));
	if (!key) {
		stp_finding_add(doc->findings, STP_FINDING_KEY_UNKNOWN, doc->name,
		                "%s names key %s, which is not among the keys", place.text,
		                quote.text);
		return;
	}
	for (i = 0; i < role->key_count; i++) {
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
	int ok;
	size_t i;

	memset(role, 0, sizeof(*role));
	if (count > STP_ROLE_KEYS_MAX) {
		stp_finding_add(doc->findings, STP_FINDING_KEY, doc->name,
		                "%s has %zu keyids, more than %d", where, count, STP_ROLE_KEYS_MAX);
		count = 0;
	}
	role->keys = calloc(count + 1, sizeof(const struct stp_public_key *));
	if (!role->keys)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", doc->name, "cannot load a role");
	for (i = 0; i < count; i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));

		if (keyid)
			role_add(role, ring, doc, keyid, where);
		else
			stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
			                "%s.keyids holds something that is not a string", where);
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
	size_t i;

	if (keyid_bytes != STP_KEYID_CHARS)
		return NULL;
	for (i = 0; i < role->key_count; i++)
		if (memcmp(role->keys[i]->keyid, keyid, STP_KEYID_CHARS) == 0)
			return role->keys[i];
	return NULL;
}

/* True when an earlier signature of the array has the same keyid. */
static int is_repeated(json_t *signatures, size_t index, const char *keyid)
{
	size_t i;

	for (i = 0; i < index; i++) {
		const char *other =
		    json_string_value(json_object_get(json_array_get(signatures, i), "keyid"));

		if (other && strcmp(other, keyid) == 0)
			return 1;
	}
	return 0;
}

/* Checks signature index of doc; 1 when it is a good one by a key of role, and counts. */
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
			                "is signed by %s, which is not a key of %s", quote.text,
			                where);
		return 0;
	}
	state = stp_signature_check(key, doc->body.data, doc->body.count, json_string_value(sig),
	                            json_string_length(sig), STP_LIBRARIES_BOTH);
	tally->checked++;
	tally->checked_twice += key->scheme->kind == STP_KEY_KIND_ED25519;
	if (state == STP_SIGNATURE_DISPUTED)
		stp_finding_add(doc->findings, STP_FINDING_SIGNATURE_DISAGREE, doc->name,
		                "libsodium and libcrypto disagree on the signature of %s",
		                quote.text);
	else if (state == STP_SIGNATURE_BAD)
		stp_finding_add(doc->findings, STP_FINDING_SIGNATURE, doc->name,
		                "the signature of %s is wrong", quote.text);
	return state == STP_SIGNATURE_GOOD;
}

int stp_document_signed_by(struct stp_document *doc, const struct stp_role *role,
                           const struct stp_role *other, const char *where,
                           struct stp_signature_tally *tally)
{
	size_t count = json_array_size(doc->signatures);
	/* A role that was never loaded has threshold 0, which must not count as reached. */
	int can_be_met = role->threshold != 0 && role->threshold != UINT64_MAX;
	uint64_t good = 0;
	size_t i;

	if (count > STP_SIGNATURES_MAX) {
		stp_finding_add(doc->findings, STP_FINDING_ENVELOPE, doc->name,
		                "has %zu signatures, more than %d", count, STP_SIGNATURES_MAX);
		count = 0;
	}
	for (i = 0; i < count; i++)
		good += check_signature(doc, i, role, other, where, tally);
	if (can_be_met && good >= role->threshold)
		return 1;
	if (can_be_met)
		stp_finding_add(doc->findings, STP_FINDING_THRESHOLD, doc->name,
		                "has %llu good signatures of %s, needs %llu",
		                (unsigned long long)good, where,
		                (unsigned long long)role->threshold);
	return 0;
}
